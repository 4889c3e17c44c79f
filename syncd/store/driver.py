"""SQLite behind SQLAlchemy with one hop to the database's thread for each statement.

SQLAlchemy's own adapter takes four: make a cursor, execute, fetch, close. A hop costs more than most of our statements,
so that here a statement is executed, fetched and closed in one; a transaction begins in the hop of its first statement,
and one with nothing to keep or to take back ends in none.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import event
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection, AsyncAdapt_aiosqlite_cursor
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util.concurrency import await_


class _Result(NamedTuple):
    """What is left of a cursor that was closed in the thread."""

    rows: Sequence[Any] = ()
    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None

    def close(self) -> None:
        """It was closed where it was made."""


_NOTHING = _Result()


class OneHopCursor(AsyncAdapt_aiosqlite_cursor):
    """Executes and fetches everything at once. Nothing of it is open in the database after `execute`."""

    __slots__ = ()
    _awaitable_cursor_close = False
    _adapt_connection: OneHopConnection

    def __init__(self, adapt_connection: Any) -> None:
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection._connection
        self._cursor: Any = _NOTHING
        self._soft_closed_memoized: Any = {}
        self._rows = deque()

    async def _execute_async(self, operation: Any, parameters: Any) -> None:
        self._keep(await self._adapt_connection.run(_execute, operation, () if parameters is None else parameters))

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> None:
        self._keep(await self._adapt_connection.run(_executemany, operation, seq_of_parameters))

    def _keep(self, result: _Result) -> None:
        self._cursor = result
        self._rows = deque(result.rows)


class OneHopConnection(AsyncAdapt_aiosqlite_connection):
    """Remembers whether anything may be under way, so that giving it back to the pool is usually no work.

    Where a transaction could not begin, or SQLite has taken it back by itself, nothing more is executed until it is
    rolled back: outside of a transaction each statement would stay, and a COMMIT would succeed that keeps nothing.
    """

    __slots__ = ("_beginning", "_gone", "_idle")
    _cursor_cls = OneHopCursor

    def __init__(self, dbapi: Any, connection: Any) -> None:
        super().__init__(dbapi, connection)
        self._idle = self._gone = False
        self._beginning = ""

    def begin_with(self, statement: str) -> None:
        """Begin a transaction, right before whatever is executed next."""
        self._beginning = statement

    async def run(self, work: Callable[..., Any], *given: Any) -> Any:
        """`work(connection, …)` in the database's thread, one at a time."""
        async with self._execute_mutex:
            self._refuse_gone()
            self._idle = False
            if self._beginning:
                work, given = _begun, (self._beginning, work, *given)
                self._beginning = ""
            try:
                return await self._connection._execute(work, self._connection._conn, *given)
            except sqlite3.Error:
                self._gone = not self._connection.in_transaction
                raise

    def cursor(self, server_side: bool = False) -> Any:
        if server_side and self._beginning:  # it executes by a way of its own
            await_(self.run(_nothing_more))
        return super().cursor(server_side)

    def commit(self) -> None:
        self._refuse_gone()
        if not self._has_nothing():
            super().commit()
            self._idle = True

    def rollback(self) -> None:
        self._gone = False
        if not self._has_nothing():
            super().rollback()
            self._idle = True

    def _refuse_gone(self) -> None:
        if self._gone:
            raise sqlite3.OperationalError("the transaction has ended already")

    def _has_nothing(self) -> bool:
        """Whether nothing was done since the last commit or rollback ended; what was to begin then begins no more."""
        unused, self._beginning = bool(self._beginning), ""
        return unused or self._idle


def _begun(connection: sqlite3.Connection, statement: str, work: Callable[..., Any], *given: Any) -> Any:
    connection.execute(statement)
    return work(connection, *given)


def _nothing_more(_connection: sqlite3.Connection) -> None:
    """The transaction is to begin, and that is all."""


def _execute(connection: sqlite3.Connection, operation: str, parameters: Any) -> _Result:
    return _spent(connection.execute(operation, parameters))


def _executemany(connection: sqlite3.Connection, operation: str, parameters: Any) -> _Result:
    return _spent(connection.executemany(operation, parameters))


def _spent(cursor: sqlite3.Cursor) -> _Result:
    rows = cursor.fetchall() if cursor.description else ()
    # The count of an UPDATE … RETURNING stands only after the last row.
    result = _Result(rows, cursor.description, cursor.rowcount, cursor.lastrowid)
    cursor.close()
    return result


def one_hop(engine: AsyncEngine) -> AsyncEngine:
    """Let `engine` make its connections like this."""

    @event.listens_for(engine.sync_engine, "do_connect")
    def on_do_connect(dialect: Any, _record: Any, given: Any, named: Any) -> OneHopConnection:
        connection = dialect.dbapi.aiosqlite.connect(*given, **named)
        connection._thread.daemon = True  # as SQLAlchemy does it: a forgotten connection keeps no process alive
        return OneHopConnection(dialect.dbapi, await_(connection))

    return engine
