"""Turns what the models refuse into lines a person can act on: file, key, what is wrong. Never a value."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from syncd.config.fields import is_secret, nearest, table_at, table_in
from syncd.config.rules import Contradictions, Path

_TEXTS = {
    "missing": "is missing",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text, in quotes",
    "decimal_type": "must be a number",
    "decimal_parsing": "must be a number",
    "finite_number": "must be a number",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "dict_type": "must be a table",
    "tuple_type": "must be a list of tables",
    "dict_of_texts": "must be a table of texts",
    "tuple_of_texts": 'must be a list of texts, as ["…", "…"]',
}
_LIMITS = {
    "greater_than": ("gt", "must be more than"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than": ("lt", "must be less than"),
    "less_than_equal": ("le", "must be at most"),
    "string_too_short": ("min_length", "has fewer characters than"),
    "string_too_long": ("max_length", "has more characters than"),
}


class SettingsError(Exception):
    """The settings cannot be used; `lines` says why, one problem a line."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class Sources:
    """Where each value came from: the file, unless an overlay said otherwise."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._of: dict[Path, str] = {}

    def note(self, path: Path, source: str) -> None:
        self._of[path] = source

    def of(self, path: Path) -> str:
        return self._of.get(path, self.file)


def dotted(path: Path, tree: Mapping[str, Any]) -> str:
    """`merchants.m001.wdt.secret`, or `merchants[0].wdt.secret` where the merchant has no usable name of its own."""
    text = ""
    for position, step in enumerate(path):
        if isinstance(step, int):
            name = _merchant_name(tree, step) if position == 1 and path[2:] != ("name",) else None
            text += f".{name}" if name else f"[{step}]"
        else:
            text += f".{_clean(step)}" if text else _clean(step)
    return text


def _merchant_name(tree: Mapping[str, Any], index: int) -> str | None:
    merchants = tree.get("merchants")
    entries = merchants if isinstance(merchants, list | tuple) else ()
    names = [entry.get("name") if isinstance(entry, Mapping) else None for entry in entries]
    name = names[index] if index < len(names) else None
    usable = isinstance(name, str) and name.isascii() and name.isprintable() and len(name) <= 32
    return name if usable and names.count(name) == 1 else None


def _clean(step: str) -> str:
    """A key as it can be printed on one line; an operator's key can hold anything TOML allows in quotes."""
    return step[:64] if step.isprintable() else ascii(step[:64])


def lines_of(
    error: ValidationError,
    root: type[BaseModel],
    tree: Mapping[str, Any],
    sources: Sources,
    unread: Collection[Path] = (),
) -> list[str]:
    """One line for each thing the models refused, but for what is missing because it could not be read."""
    found: list[str] = []
    for detail in error.errors(include_url=False, include_input=False):
        if detail["type"] == "missing" and detail["loc"] in unread:
            continue
        for path, text in _findings(root, detail["loc"], detail["type"], detail.get("ctx", {})):
            subject = dotted(path, tree) or "the file"
            found.append(f"{sources.of(path)}: {subject} {text}")
    return found


def _findings(root: type[BaseModel], loc: Path, kind: str, context: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    cause = context.get("error")
    if isinstance(cause, Contradictions):
        yield from cause.findings
    elif isinstance(cause, ValueError):
        yield _without_marks(loc), str(cause)
    elif kind == "extra_forbidden":
        yield loc, _unknown(root, loc)
    elif kind == "missing":
        yield loc, _missing(root, loc)
    else:
        texts = kind in ("tuple_type", "dict_type") and not _holds_tables(root, loc)
        yield _without_marks(loc), _text(f"{kind[:-5]}_of_texts" if texts else kind, context)


def _holds_tables(root: type[BaseModel], loc: Path) -> bool:
    table = table_at(root, loc[:-1])
    info = table.model_fields.get(str(loc[-1])) if table else None
    return info is None or table_in(info) is not None


def _without_marks(loc: Path) -> Path:
    return tuple(step for step in loc if step != "[key]")


def _unknown(root: type[BaseModel], loc: Path) -> str:
    table = table_at(root, loc[:-1])
    keys = list(table.model_fields) if table else []
    if table:
        keys += [f"{key}_file" for key, info in table.model_fields.items() if is_secret(info)]
    return f"is not a setting{nearest(str(loc[-1]), keys)}"


def _missing(root: type[BaseModel], loc: Path) -> str:
    table = table_at(root, loc[:-1])
    info = table.model_fields.get(str(loc[-1])) if table else None
    if info and is_secret(info):
        return f"is missing (give it here, as {loc[-1]}_file, in the environment or in a secrets directory)"
    return _TEXTS["missing"]


def _text(kind: str, context: Mapping[str, Any]) -> str:
    if kind in ("literal_error", "enum"):
        allowed = str(context.get("expected", "")).replace("'", "").replace(" or ", ", ")
        return f"must be one of: {allowed}"
    if kind in _LIMITS:
        key, text = _LIMITS[kind]
        return f"{text} {context.get(key)}"
    return _TEXTS.get(kind, f"is not valid ({kind})")
