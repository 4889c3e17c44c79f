"""What SQLite and PostgreSQL say differently: every statement that is not the same for both asks here.

The store's code was written for one writer at a time, which SQLite gives by itself. PostgreSQL gives the same to all
that concerns one merchant: `hold` is the first statement of a write transaction there. Who works for different
merchants goes on side by side; a command without a claim has the whole store for itself.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import ColumnElement, Table, func, literal_column
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

#: Milliseconds since 1970 by the clock of the database's own host.
DATABASE_NOW: ColumnElement[int] = literal_column("CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)")
#: The name under which the store as a whole is held.
WHOLE = "store"

#: What a lost, refused or overtaxed server says, by SQLSTATE: nothing was written, it may be tried again.
_UNAVAILABLE = ("08", "25006", "25P0", "28", "3D", "40", "53", "55P03", "57", "58")


class Connected(Protocol):
    """Whatever knows its dialect: a connection or an engine."""

    @property
    def dialect(self) -> Any: ...


def is_postgresql(connection: Connected) -> bool:
    return bool(connection.dialect.name == "postgresql")


# -- statements --------------------------------------------------------------------------------------------------------


def upsert(connection: Connected, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that knows ON CONFLICT."""
    if not is_postgresql(connection):
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # it has a size, which most installations never need

    return postgresql.insert(table)


def least(connection: Connected, *values: Any) -> ColumnElement[Any]:
    """The smallest of these, none of which is null."""
    return func.least(*values) if is_postgresql(connection) else func.min(*values)


def greatest(connection: Connected, *values: Any) -> ColumnElement[Any]:
    """The largest of these, none of which is null."""
    return func.greatest(*values) if is_postgresql(connection) else func.max(*values)


@cache
def driver_sql(postgresql_: bool, sql: str) -> str:
    """A statement for the driver itself, written with `?` for each value and without a literal `?` or `%`."""
    return sql.replace("?", "%s") if postgresql_ else sql


def placed(connection: Connected, sql: str) -> str:
    """`driver_sql` for this connection."""
    return driver_sql(is_postgresql(connection), sql)


# -- who waits for whom ------------------------------------------------------------------------------------------------


@cache
def lock_key(name: str) -> int:
    """The number of an advisory lock: 64 bits, signed, the same in every process."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8, person=b"syncd").digest(), signed=True)


def hold(name: str | None) -> tuple[str, tuple[int, ...]]:
    """The statement that waits until nobody else writes under `name`, until the transaction ends; None: at all."""
    if name is None:
        return "SELECT pg_advisory_xact_lock(?)", (lock_key(WHOLE),)
    both = "SELECT pg_advisory_xact_lock_shared(?), pg_advisory_xact_lock(?)"
    return both, (lock_key(WHOLE), lock_key(name))


def merchant_scope(key: str) -> str:
    """What a claim on the unit `key` holds: everything of its merchant, which is the key's first part."""
    return f"merchant:{key.partition('/')[0]}"


# -- trouble -----------------------------------------------------------------------------------------------------------


def is_dead(error: BaseException | None) -> bool:
    """Whether SQLite's handle met an I/O error: what the kernel failed to sync, it may call clean the next time."""
    return "disk I/O error" in str(error)


def is_unavailable(error: Exception) -> bool:
    """Whether the database as such could not do it, as opposed to refusing what it was told."""
    if isinstance(error, NoConnectionFree):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated or isinstance(error, OperationalError):
        return True
    state = getattr(error.orig, "sqlstate", "")  # psycopg's; None for a connection that is closed already
    return state is None or state.startswith(_UNAVAILABLE)
