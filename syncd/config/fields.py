"""What can be read off the settings models themselves: nested tables, secrets, the nearest valid key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import get_args
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

#: A shorter part of an address is a word like "chat", and hiding it would hide that word everywhere.
_LONG_PART = 8


def _leaves(annotation: object) -> Iterator[object]:
    parts = get_args(annotation)
    if not parts:
        yield annotation
    for part in parts:
        yield from _leaves(part)


def table_in(info: FieldInfo) -> type[BaseModel] | None:
    """The model of the table that a field holds, alone, optional, listed or by name; None for a plain value."""
    for leaf in _leaves(info.annotation):
        if isinstance(leaf, type) and issubclass(leaf, BaseModel):
            return leaf
    return None


def is_secret(info: FieldInfo) -> bool:
    """True for a field whose value is never shown."""
    return SecretStr in _leaves(info.annotation)


def secrets_in(table: BaseModel) -> Iterator[str]:
    """Every value under `table` that must never be shown; of a store's URL its password alone."""
    for key in type(table).model_fields:
        value = getattr(table, key)
        held = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,)
        for item in held:
            if isinstance(item, BaseModel):
                yield from secrets_in(item)
            elif isinstance(item, SecretStr):
                yield from _shown_nowhere(item.get_secret_value())


def _shown_nowhere(value: str) -> Iterator[str]:
    if value.startswith(("sqlite://", "postgresql://", "postgres://")):
        password = urlsplit(value).password or ""
        yield password
        yield unquote(password)
        return
    if "://" in value:  # an alert channel: its address is the key to it, whole and in parts
        parts = [
            part
            for part in re.split(r"[/?&=:@#]", value.partition("://")[2])
            if len(part) >= _LONG_PART and "." not in part
        ]
        yield from (value, *parts, *map(unquote, parts), urlsplit(value).password or "")
        return
    yield value
    yield from value.split(":")  # WDT's "secret:salt" is used in two parts


def table_at(root: type[BaseModel], path: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The model that describes the table at `path`, e.g. ("merchants", 0, "wdt"); None where there is none."""
    table: type[BaseModel] | None = root
    skip = False
    for step in path:
        if skip:  # the index of a list, the name in a table of tables
            skip = False
            continue
        info = table.model_fields.get(str(step)) if table else None
        table = table_in(info) if info else None
        skip = step in ("merchants", "issuers")
    return table


def nearest(word: str, known: Iterable[str]) -> str:
    """' (did you mean "secret"?)', or nothing when no known word is near."""
    found = difflib.get_close_matches(word.lower(), list(known), n=1)
    return f' (did you mean "{found[0]}"?)' if found else ""
