"""Finds the settings file, reads it, lays environment and secrets over it, and checks the whole."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from syncd.config.layers import Layers, secret_directories
from syncd.config.problems import SettingsError, Sources, lines_of
from syncd.config.schema import Settings

PLACES = (Path("syncd.toml"), Path("/etc/syncd/syncd.toml"))
_POSITION = re.compile(r"^(?P<what>.*) \(at line (?P<line>\d+), column (?P<column>\d+)\)$", re.DOTALL)


def load(path: Path | None, env: Mapping[str, str]) -> Settings:
    """The settings of this run.

    The file is `path`, else $SYNCD_CONFIG, else ./syncd.toml, else /etc/syncd/syncd.toml.
    Raises: SettingsError, whose lines name file and key of every problem and never a value.
    """
    return _checked(_laid(locate(path, env), env))


def secret_files(path: Path | None, env: Mapping[str, str]) -> list[Path]:
    """The files that `NAME_file` settings name, as they stand; for whoever asks who else may read them."""
    return _laid(locate(path, env), env).named_files


def _laid(file: Path, env: Mapping[str, str]) -> Layers:
    layers = Layers(Settings, read(file), Sources(str(file)), file.parent)
    layers.secret_files()
    for directory in secret_directories(env):
        layers.secrets_directory(directory)
    layers.environment(env)
    return layers


def from_mapping(tree: Mapping[str, Any], source: str = "settings") -> Settings:
    """Settings from a plain tree, as TOML would give it, without environment or secrets directory."""
    layers = Layers(Settings, copy.deepcopy(dict(tree)), Sources(source), Path())
    layers.secret_files()
    return _checked(layers)


def _checked(layers: Layers) -> Settings:
    try:
        settings = Settings.model_validate(layers.tree)
    except ValidationError as error:
        lines = lines_of(error, Settings, layers.tree, layers.sources, layers.unread)
        raise SettingsError(layers.problems + lines) from None
    if layers.problems:
        raise SettingsError(layers.problems)
    return settings


def locate(path: Path | None, env: Mapping[str, str]) -> Path:
    """The file to read; one that was asked for by name is not checked for existence here."""
    if path is not None:
        return path
    if env.get("SYNCD_CONFIG"):
        return Path(env["SYNCD_CONFIG"])
    for place in PLACES:
        if place.is_file():
            return place
    looked = ", ".join(str(place) for place in PLACES)
    raise SettingsError([f"no settings file: looked for {looked}; give -c FILE or set SYNCD_CONFIG"])


def read(file: Path) -> dict[str, Any]:
    """The TOML tree of `file`; numbers with a point are Decimal. Raises SettingsError."""
    try:
        text = file.read_bytes().decode("utf-8-sig")  # some editors put a byte order mark first
    except OSError as error:
        raise SettingsError([f"{file}: cannot be read ({error.strerror})"]) from None
    except UnicodeDecodeError:
        raise SettingsError([f"{file}: is not UTF-8 text"]) from None
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except ValueError as error:  # TOMLDecodeError, or an integer of thousands of digits
        raise SettingsError([f"{file}: {_syntax(str(error), text)}"]) from None


def _syntax(message: str, text: str) -> str:
    end = f"(at line {text.count(chr(10)) + 1}, column 1)"
    message = message.replace("(at end of document)", end)
    found = _POSITION.match(message)
    if not found:
        return " ".join(message.split())
    what = " ".join(found["what"].split())
    return f"line {found['line']}, column {found['column']}: {what[:1].lower()}{what[1:]}"
