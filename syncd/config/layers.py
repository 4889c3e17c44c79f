"""Lays the environment, a secrets directory and secret files over the settings file.

Precedence: environment > secrets directory > NAME_file > the value in the file. Merchants and issuers are
addressed by name; an overlay changes those the file names and adds none, so that a mistyped name is found out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from pydantic import BaseModel

from syncd.config.fields import is_secret, nearest, table_at, table_in
from syncd.config.problems import Sources, dotted
from syncd.config.rules import Path

PREFIX = "SYNCD_"
_LARGEST_SECRET = 65_536
_HOST_SECRETS = "/run/secrets"
#: Settings that are paths themselves: the file is read while the daemon runs, and again when it changes.
_PATHS = ("token_file", "access_token_file", "ca_file")


class Layers:
    """A settings tree under construction, with the source of each value and the problems met so far."""

    def __init__(self, root: type[BaseModel], tree: dict[str, Any], sources: Sources, base: FilePath) -> None:
        self.root = root
        self.tree = tree
        self.sources = sources
        self.base = base  # relative NAME_file paths start here
        self.problems: list[str] = []
        self.named_files: list[FilePath] = []  # secret files that a setting names
        self.unread: set[Path] = set()  # secrets whose file cannot be read: said already, and not missing beside that

    def secret_files(self) -> None:
        """Replace every `NAME_file` of a secret by what the file holds."""
        for path, table, model in list(_tables(self.root, self.tree, ())):
            for key, info in model.model_fields.items():
                if is_secret(info) and f"{key}_file" in table and f"{key}_file" not in model.model_fields:
                    self._from_file(table, path, key)
            for key in model.model_fields:
                if key in _PATHS and isinstance(table.get(key), str) and table[key]:
                    table[key] = str(self.base / table[key])

    def _from_file(self, table: dict[str, Any], path: Path, key: str) -> None:
        name = table.pop(f"{key}_file")
        value = self._read_named((*path, f"{key}_file"), name, self.sources.file)
        if value is not None:
            table[key] = value
        else:
            self.unread.add((*path, key))

    def _read_named(self, path: Path, name: object, source: str) -> str | None:
        label = f"{source}: {dotted(path, self.tree)}"
        if not isinstance(name, str) or not name or "\0" in name:
            self.problems.append(f"{label} must be a path")
            return None
        self.named_files.append(self.base / name)
        try:
            return read_secret(self.base / name)
        except ValueError as problem:
            self.problems.append(f"{label} {problem}")
            return None

    def secrets_directory(self, directory: FilePath) -> None:
        """Take files named like `merchants__m001__wdt__secret`; others in the directory are not ours."""
        try:
            entries = sorted(directory.iterdir())
        except OSError:
            return  # an absent or closed directory is the normal case
        for entry in entries:
            if not self._is_ours(entry.name) or not entry.is_file():
                continue
            try:
                self._lay(entry.name, read_secret(entry), f"secrets file {entry.name}")
            except ValueError as problem:
                self.problems.append(f"secrets file {entry.name} {problem}")

    def environment(self, env: Mapping[str, str]) -> None:
        """Take `SYNCD_…` names that hold `__`; `SECRET_FILE` names a file, and yields to `SECRET` itself."""
        ours = {name: value for name, value in env.items() if name.upper().startswith(PREFIX)}
        for name in sorted(ours, key=lambda name: (not name.upper().endswith("_FILE"), name)):
            if self._is_ours(name[len(PREFIX) :]):
                self._lay(name[len(PREFIX) :], ours[name], f"environment {name}")

    def _is_ours(self, name: str) -> bool:
        section, separator, _ = name.lower().partition("__")
        return bool(separator) and section in self.root.model_fields

    def _lay(self, name: str, value: str, source: str) -> None:
        path = self._address(name.lower(), source)
        if path is None:
            return
        path, resolved = self._maybe_file(path, value, source)
        if resolved is None:
            return
        self.sources.note(path, source)
        _put(self.tree, path, resolved)

    def _maybe_file(self, path: Path, value: str, source: str) -> tuple[Path, str | None]:
        leaf = str(path[-1])
        model = table_at(self.root, path[:-1])
        key = leaf.removesuffix("_file")
        info = model.model_fields.get(key) if model and key != leaf else None
        if model is not None and leaf in model.model_fields and leaf in _PATHS:
            return path, str(self.base / value)
        if info is None or not is_secret(info):
            return path, value
        return (*path[:-1], key), self._read_named(path, value, source)

    def _address(self, name: str, source: str) -> Path | None:
        section, _, rest = name.partition("__")
        if section not in ("merchants", "issuers"):
            return (section, *rest.split("__"))
        known = _names(self.tree, section)
        for spelling in sorted(known, key=lambda name: (len(name), rest.startswith(name)), reverse=True):
            if _flat(rest).startswith(_flat(spelling) + "__"):
                return (section, known[spelling], *rest[len(spelling) + 2 :].split("__"))
        wanted = rest.partition("__")[0]
        kind = section.removesuffix("s")
        self.problems.append(f'{source}: there is no {kind} "{wanted}" in the file{nearest(wanted, known)}')
        return None


def _flat(name: str) -> str:
    """A hyphen cannot stand in a shell's variable name: `m-1` may be written `m_1`."""
    return name.lower().replace("-", "_")


def _names(tree: Mapping[str, Any], section: str) -> dict[str, str | int]:
    """Name to position in the tree: an index for merchants, the key itself for issuers."""
    held = tree.get(section)
    if isinstance(held, Mapping):
        return {str(name): str(name) for name in held}
    if not isinstance(held, list):
        return {}
    return {
        entry["name"]: index
        for index, entry in enumerate(held)
        if isinstance(entry, dict) and isinstance(entry.get("name"), str)
    }


def _put(tree: Any, path: Path, value: str) -> None:
    """Set a leaf, making tables on the way; where the file holds no table the models will say so."""
    for step in path[:-1]:
        tree = tree.setdefault(step, {}) if isinstance(step, str) and isinstance(tree, dict) else _item(tree, step)
    if isinstance(tree, dict):
        tree[path[-1]] = value


def _item(held: Any, step: str | int) -> Any:
    return held[step] if isinstance(held, list) and isinstance(step, int) else None


def _tables(model: type[BaseModel], held: object, path: Path) -> Iterator[tuple[Path, dict[str, Any], type[BaseModel]]]:
    """Every table of the tree with its model, depth first."""
    if not isinstance(held, dict):
        return
    yield path, held, model
    for key, info in model.model_fields.items():
        inner = table_in(info)
        if inner is None:
            continue
        for step, value in _members(key, held.get(key)):
            yield from _tables(inner, value, (*path, *step))


def _members(key: str, value: object) -> Iterator[tuple[Path, object]]:
    if isinstance(value, list):
        yield from (((key, index), entry) for index, entry in enumerate(value))
    elif key == "issuers" and isinstance(value, dict):
        yield from (((key, str(name)), entry) for name, entry in value.items())
    else:
        yield (key,), value


def read_secret(path: FilePath) -> str:
    """What a secret file holds, without its last line break. Raises ValueError completing the sentence "KEY …"."""
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST_SECRET + 1)
    except OSError as error:
        raise ValueError(f"cannot be read from {path} ({error.strerror})") from None
    if len(raw) > _LARGEST_SECRET:
        raise ValueError(f"is no secret: {path} is larger than 64 KiB")
    try:
        text = raw.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError(f"is not UTF-8 text: {path}") from None
    if not text:
        raise ValueError(f"is empty: {path}")
    return text


def secret_directories(env: Mapping[str, str]) -> list[FilePath]:
    """From the least to the most specific: containers, systemd credentials, the operator's own."""
    named = (_HOST_SECRETS, env.get("CREDENTIALS_DIRECTORY"), env.get("SYNCD_SECRETS_DIR"))
    return [FilePath(name) for name in named if name]
