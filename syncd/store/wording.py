"""Statements that are built once, in the words of a driver: what SQLAlchemy would find out anew each time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Delete, Insert, LargeBinary, TextClause, Update
from sqlalchemy.dialects import sqlite

Statement = Insert | Update | Delete | TextClause
Cells = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Worded:
    """`sql` with a `?` for each value, and which values those are, taken from named cells."""

    sql: str
    values: Callable[[Cells], tuple[Any, ...]]


@lru_cache(maxsize=512)
def worded(statement: Statement, columns: tuple[str, ...], shared: bool = False) -> Worded:
    """`statement`, which is built once, to be executed with cells of these names; `shared`: by PostgreSQL.

    Raises TypeError.
    """
    dialect = dialect_of(shared)
    compiled: Any = statement.compile(dialect=dialect, column_keys=list(columns), for_executemany=True)
    names = list(compiled.positiontup or ())
    if odd := [name for name in names if _is_made_over(compiled.binds[name].type, dialect)]:
        raise TypeError(f"the driver takes something else than the cell of {', '.join(odd)}")
    said = set(columns)
    own = {name: compiled.binds[name].effective_value for name in names if name not in said}
    if len(names) > 1 and not own:
        return Worded(compiled.string, itemgetter(*names))
    return Worded(compiled.string, lambda cells: tuple([own[n] if n in own else cells[n] for n in names]))


@cache
def dialect_of(shared: bool) -> Any:
    """Of PostgreSQL it is loaded where it is needed: it is large."""
    if shared:
        from sqlalchemy.dialects.postgresql import psycopg

        of: Any = psycopg
        return of.dialect(paramstyle="qmark")
    return sqlite.dialect(paramstyle="qmark")


def _is_made_over(kind: Any, dialect: Any) -> bool:
    """Whether SQLAlchemy hands the driver something else than the cell."""
    return not isinstance(kind, LargeBinary) and kind.dialect_impl(dialect).bind_processor(dialect) is not None
