"""Looks into a store from outside of the program, past all its code, whichever database it is in."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from syncd.store import postgres
from syncd.store.dialect import driver_sql
from syncd.store.engine import sqlite_path

if TYPE_CHECKING:
    from psycopg import Connection

#: A reader waits for nobody for longer than this, and changes nothing (PostgreSQL reads milliseconds).
_READER = "-c default_transaction_read_only=on -c statement_timeout=60000"


class NothingThere(Exception):
    """There is no store, no table or nobody who answers."""


class Look:
    """One reading connection of its own; it holds nothing between two questions."""

    def __init__(self, url: str) -> None:
        """Raises NothingThere."""
        self._sqlite: sqlite3.Connection | None = None
        self._postgres: Connection[Any] | None = None
        if postgres.is_postgresql(url):
            self._postgres = _session(url)
            return
        try:
            self._sqlite = sqlite3.connect(f"file:{sqlite_path(url)}?mode=ro", uri=True, timeout=30)
        except sqlite3.OperationalError as error:
            raise NothingThere(str(error)) from error

    def close(self) -> None:
        """Once is enough, twice does no harm."""
        for opened in (self._sqlite, self._postgres):
            if opened is not None:
                opened.close()

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """All rows; `?` stands for a parameter. Raises NothingThere."""
        if self._postgres is not None:
            return _asked(self._postgres, sql, parameters)
        assert self._sqlite is not None
        try:
            return self._sqlite.execute(sql, parameters).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                raise NothingThere(str(error)) from error
            raise

    def one(self, sql: str, *parameters: object) -> Any:
        """The first value of the first row; None where there is none. Raises NothingThere."""
        found = self.rows(sql, *parameters)
        return found[0][0] if found else None

    def joined(self, column: str, order: str) -> str:
        """The SQL of a group's texts in one, a space between two."""
        how = "string_agg({0}, ' ' ORDER BY {1})" if self._postgres is not None else "group_concat({0}, ' ')"
        return how.format(column, order)


def _session(url: str) -> Connection[Any]:
    import psycopg

    try:
        return psycopg.connect(postgres.conninfo(url), autocommit=True, options=_READER, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise NothingThere(str(error)) from error


def _asked(connection: Connection[Any], sql: str, parameters: tuple[object, ...]) -> list[tuple[Any, ...]]:
    import psycopg

    try:
        return connection.execute(driver_sql(True, sql).encode(), parameters or None).fetchall()
    except (psycopg.errors.UndefinedTable, psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise NothingThere(str(error)) from error
