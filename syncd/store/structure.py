"""Whether a store is built as this program's statements take for granted, by what is there and by no number.

A schema's revision says which migrations have run; not that their text was then what it is now, and not that nobody
has been at the tables since. What would be missed is missed at the door, not in the middle of an order.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import CheckConstraint

from syncd.domain.lifecycle import allowed_moves
from syncd.store import postgres
from syncd.store.engine import sqlite_path
from syncd.store.schema import metadata
from syncd.store.troubles import UnsupportedStore

#: The trigger that knows every step of the lifecycle, and those that keep history as it was written.
_MOVES = "order_moves_by_the_table"
TRIGGERS = {
    "invoice_order": (_MOVES, "order_is_never_deleted"),
    "order_row": ("row_is_never_deleted", "row_keeps_its_order"),
    "submission": ("submission_is_immutable", "submission_is_never_deleted"),
    "request": ("request_is_immutable", "request_is_never_deleted"),
    "invoice": ("invoice_is_never_deleted", "invoice_keeps_its_number"),
    "journal": ("journal_is_append_only", "journal_is_never_deleted"),
    "cursor": ("cursor_never_goes_back",),
}
#: Kind, name and so on of everything, as `_built` reads it: a column, with whether it must be filled; a unique index;
#: what refuses words that it does not list.
_IN_FILE = """
    SELECT 'column', t.name, c.name, c."notnull" AND c.dflt_value IS NULL AND NOT c.pk
    FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'
    UNION ALL
    SELECT 'unique', t.name, i.name, '' FROM sqlite_master t JOIN pragma_index_list(t.name) i
    WHERE t.type = 'table' AND i."unique" AND i.origin = 'c'
    UNION ALL
    SELECT 'list', '', name, sql FROM sqlite_master WHERE type = 'trigger'
    UNION ALL
    SELECT 'table', '', name, sql FROM sqlite_master WHERE type = 'table'
"""
_ON_SERVER = """
    WITH ours AS (
        SELECT oid, relname FROM pg_class WHERE relkind IN ('r', 'p')
        AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('alembic_version'))
    )
    SELECT 'column', relname, attname, (attnotnull AND NOT atthasdef AND attidentity = '')::text
    FROM ours JOIN pg_attribute ON attrelid = ours.oid WHERE attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT 'unique', ours.relname, i.relname, '' FROM ours JOIN pg_index ON indrelid = ours.oid
    JOIN pg_class i ON i.oid = indexrelid WHERE indisunique AND indisvalid
    UNION ALL
    SELECT 'list', relname, conname, pg_get_constraintdef(c.oid) FROM ours JOIN pg_constraint c ON conrelid = ours.oid
    WHERE contype = 'c'
    UNION ALL
    SELECT 'list', relname, tgname, pg_get_triggerdef(t.oid) FROM ours JOIN pg_trigger t ON tgrelid = ours.oid
    WHERE NOT tgisinternal AND tgenabled <> 'D'
"""
_CHECK = re.compile(r'CONSTRAINT "?(\w+)"? CHECK (.*?)(?=CONSTRAINT |\Z)', re.DOTALL)
_WORD = re.compile(r"'([^']*)'")
#: So many are named; whoever needs the others has other trouble.
_NAMED = 5


class Misbuilt(UnsupportedStore):
    """The store says that it is of this schema, and is built otherwise. `parts`: what is missing, "+" what is new."""

    def __init__(self, parts: Sequence[str]) -> None:
        self.parts = tuple(parts)
        named = ", ".join(parts[:_NAMED]) + (", …" if len(parts) > _NAMED else "")
        super().__init__(f"the store is not built as this program needs it: {named}", "misbuilt", parts=named)


@dataclass(slots=True)
class _Built:
    """What there is: the columns of each table with those that must be filled, unique indexes, and listed words."""

    columns: dict[str, set[str]] = field(default_factory=dict)
    filled: dict[str, set[str]] = field(default_factory=dict)
    unique: set[str] = field(default_factory=set)
    words: dict[str, set[str]] = field(default_factory=dict)


def require_built(url: str) -> None:
    """Raises Misbuilt unless the store, of this program's revision, has what the statements need.

    Raises StoreUnavailable, UnsupportedStore.
    """
    built = _on_server(url) if postgres.is_postgresql(url) else _in_file(url)
    if parts := [*_missing(built), *_unknown(built)]:
        raise Misbuilt(parts)


def _in_file(url: str) -> _Built:
    with closing(sqlite3.connect(f"file:{sqlite_path(url)}?mode=ro", uri=True, timeout=30)) as db:
        return _built(db.execute(_IN_FILE))


def _on_server(url: str) -> _Built:
    with postgres.looking(url) as db:
        postgres.require_suitable_to(db)  # a dump may have been put back on another server than it was made on
        return _built(db.execute(_ON_SERVER))


def _built(rows: Iterable[Sequence[Any]]) -> _Built:
    built = _Built()
    for kind, table, name, told in rows:
        match kind:
            case "column":
                built.columns.setdefault(table, set()).add(name)
                if told in (1, "true"):
                    built.filled.setdefault(table, set()).add(name)
            case "unique":
                built.unique.add(name)
            case "list":
                built.words[name] = set(_WORD.findall(told))
            case "table":
                built.words |= {check: set(_WORD.findall(text)) for check, text in _CHECK.findall(told)}
    return built


def _missing(built: _Built) -> Iterable[str]:
    """Tables, else their columns and unique indexes; then words that would be refused."""
    for table in metadata.tables.values():
        there = built.columns.get(table.name)
        if there is None:
            yield table.name
            continue
        yield from (f"{table.name}.{name}" for name in sorted(set(table.columns.keys()) - there))
        unique = {str(index.name) for index in table.indexes if index.unique}
        yield from sorted(unique - built.unique)
        for check, words in _lists(table.constraints).items():
            yield from _unlisted(built, check, words)
        yield from (name for name in TRIGGERS.get(table.name, ()) if name not in built.words)
    if _MOVES in built.words:
        yield from _unlisted(built, _MOVES, {f"{before}>{after}" for before, after in allowed_moves()})


def _unlisted(built: _Built, name: str, words: set[str]) -> Iterable[str]:
    if name in built.words:
        yield from (f"{name} {word!r}" for word in sorted(words - built.words[name]))
    else:
        yield name


def _unknown(built: _Built) -> Iterable[str]:
    """Columns that would have to be filled, and with what nobody here knows."""
    for table in metadata.tables.values():
        known = set(table.columns.keys())
        yield from (f"+{table.name}.{name}" for name in sorted(built.filled.get(table.name, set()) - known))


def _lists(constraints: Iterable[object]) -> Mapping[str, set[str]]:
    """What each CHECK lists."""
    checks = [one for one in constraints if isinstance(one, CheckConstraint)]
    return {str(check.name): set(_WORD.findall(str(check.sqltext))) for check in checks}
