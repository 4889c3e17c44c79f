"""How PostgreSQL is opened: what every session promises, and what is never told about it.

A forgotten intent is a second invoice, so a commit is answered only when it is on disk, whatever the server's default.
A worker that froze inside a transaction must not keep its merchant from everybody else: the server ends such sessions.
"""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from syncd.store.dialect import lock_key
from syncd.store.troubles import StoreUnavailable, UnsupportedStore

if TYPE_CHECKING:
    from psycopg import AsyncConnection, Connection

#: What holds for every session. Times with units; PostgreSQL reads them as they stand.
_SESSION = {
    "lock_timeout": "30s",  # half a lease: who waited longer would not be believed any more
    "statement_timeout": "300s",
    "idle_in_transaction_session_timeout": "20s",
    "client_connection_check_interval": "5s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "syncd.session": "on",  # means nothing to the server: whoever finds it there knows that it got the others, too
}
#: What the daemon looks up it looks up by an index, a few rows at a time. A plan made on a first day, when a table is
#: quicker read as a whole, is kept by its session; one made without statistics hashes a whole table to join two rows.
_BY_INDEX = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",  # where a table must be read as a whole it now looks dear enough to be compiled for
}
_WRITER = {"default_transaction_isolation": "read committed", "default_transaction_read_only": "off"}
_READER = {"default_transaction_isolation": "repeatable read", "default_transaction_read_only": "on"}
#: Client's side of the same: a server that is gone is noticed within a minute, one that does not answer within seconds.
_CONNECT: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
#: A stronger setting of the server's (remote_apply) is left as it is.
_DURABLE = """
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')
"""
#: The name of the lock that whoever works on the store holds, alone or together with others.
AT_WORK = "at work"
#: What the place of a store on PostgreSQL begins with.
DATABASE = "postgresql:"
#: Sessions that one process may take: those that write and read, its heartbeat, its lock and its queue.
SESSIONS = 20
#: Below this the statements are not known to work.
OLDEST = 140000


def is_postgresql(url: str) -> bool:
    """Whether a store's URL names a PostgreSQL database."""
    return url.startswith(("postgresql://", "postgres://", "postgresql+psycopg://"))


def parsed(url: str) -> URL:
    """The URL for SQLAlchemy, with our driver. Raises UnsupportedStore without quoting it: it carries a password."""
    try:
        found = make_url(url)
    except (ArgumentError, ValueError):
        raise UnsupportedStore(
            "the store's URL cannot be read: postgresql://USER:PASSWORD@HOST:PORT/NAME", "url"
        ) from None
    if not found.database:
        raise UnsupportedStore("the store's URL names no database: postgresql://USER:PASSWORD@HOST:PORT/NAME", "url")
    return found.set(drivername="postgresql+psycopg")


def shown(url: str) -> str:
    """The URL for people: without its password and options."""
    found = parsed(url)
    return URL.create(
        "postgresql", username=found.username, host=found.host, port=found.port, database=found.database
    ).render_as_string(hide_password=False)


def conninfo(url: str) -> str:
    """The URL as psycopg's own connection string; it carries the password. Raises UnsupportedStore."""
    require_driver()
    import psycopg
    from psycopg.conninfo import make_conninfo

    found = parsed(url)
    asked = {name: value if isinstance(value, str) else ",".join(value) for name, value in found.query.items()}
    place = {"host": found.host, "port": found.port, "dbname": found.database}
    given = {**place, "user": found.username, "password": found.password, **asked}
    try:
        return make_conninfo(**{name: str(value) for name, value in given.items() if value is not None})
    except psycopg.ProgrammingError:
        raise UnsupportedStore(
            "the store's URL asks for something that PostgreSQL's client does not know", "option"
        ) from None


def require_driver() -> None:
    """Raises UnsupportedStore where psycopg is not installed."""
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise UnsupportedStore(
            f'a store on PostgreSQL needs psycopg: pip install "syncd[distributed]" ({error})', "driver", error=error
        ) from None


def writer_engine(url: str, connections: int = 8) -> AsyncEngine:
    """Connections that write, each READ COMMITTED: a statement sees what was committed before it began."""
    return _engine(url, _WRITER, connections)


def reader_engine(url: str, connections: int = 4) -> AsyncEngine:
    """Connections that cannot write; a transaction sees one moment of the store."""
    return _engine(url, _READER, connections)


def _engine(url: str, settings: dict[str, str], connections: int) -> AsyncEngine:
    require_driver()
    target = parsed(url)
    options = _options({**_SESSION, **_BY_INDEX, **settings}, target)
    engine = create_async_engine(
        target.difference_update_query(["options"]),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=30,
        pool_use_lifo=True,  # what a quiet day does not need is closed by nobody, but is not kept busy either
        connect_args={**_CONNECT, **_given(target), "options": options, "application_name": application_name()},
        hide_parameters=True,  # an error text must not carry a buyer's row into a log
        use_native_hstore=False,
        execution_options={"preserve_rowcount": True},  # of a closed cursor psycopg does not tell it any more
    )

    @event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: Any, record: Any) -> None:
        record.info["new"] = True
        _storable_text(connection.driver_connection)
        cursor = connection.cursor()
        cursor.execute(_DURABLE)
        cursor.close()
        connection.commit()

    @event.listens_for(engine.sync_engine, "checkout")
    def on_checkout(connection: Any, record: Any, _proxy: Any) -> None:
        if not record.info.pop("new", False) and _ended(connection.driver_connection):
            raise InvalidatePoolError("the server has ended this session, and so perhaps all of them")

    @event.listens_for(engine.sync_engine, "handle_error")
    def on_error(context: Any) -> None:
        without_rows(context.original_exception, context.sqlalchemy_exception)

    return engine


def _ended(connection: Any) -> bool:
    """Whether something has come that nobody had asked for: that is how the server says that it is gone."""
    if connection.closed:
        return True
    line = select.poll()
    line.register(connection.fileno(), select.POLLIN)
    return bool(line.poll(0))


def _given(target: URL) -> dict[str, Any]:
    """What the URL says about the connection is its owner's wish."""
    return {name: value for name, value in target.query.items() if name in _CONNECT}


def _options(settings: dict[str, str], target: URL) -> str:
    """The server's settings of a session; what the URL asks for comes last and wins."""
    ours = " ".join(f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in settings.items())
    wanted = target.query.get("options", "")
    return f"{ours} {wanted if isinstance(wanted, str) else ' '.join(wanted)}".strip()


def application_name() -> str:
    """How this process calls itself in the server's list of sessions."""
    return f"syncd {socket.gethostname()[:40]}:{os.getpid()}"


def _storable_text(connection: Any) -> None:
    """PostgreSQL knows no NUL in text. A row's exact bytes are stored beside it, as bytes, which may hold anything."""
    from psycopg.types.string import StrDumperUnknown

    class Storable(StrDumperUnknown):
        def dump(self, obj: str) -> Any:
            return super().dump(_without_nul(obj))

    connection.adapters.register_dumper(str, Storable)


def storable(rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
    """The same for rows that are copied in, where to look at all their texts at once is cheaper by far."""
    if "\x00" not in "".join([cell for row in rows for cell in row if isinstance(cell, str)]):
        return rows
    return [[_without_nul(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]


def _without_nul(text: str) -> str:
    return text.replace("\x00", "\ufffd") if "\x00" in text else text


def without_rows(error: BaseException, wrapped: BaseException | None = None) -> None:
    """Keep what is wrong and drop the example: a violated rule is told with the whole row, buyer and all."""
    diagnosed = getattr(error, "diag", None)
    primary = diagnosed.message_primary if diagnosed is not None else None
    if primary:
        error.args = (primary,)
        if wrapped is not None:
            wrapped.args = (f"({type(error).__name__}) {primary}",)


@contextmanager
def looking(url: str) -> Iterator[Connection[Any]]:
    """One read-only look at the database, outside of any store, at one moment. Raises StoreUnavailable.

    Its texts are texts even where the database says of no text what it is (SQL_ASCII).
    """
    require_driver()
    import psycopg

    target = parsed(url)
    options = _options({**_SESSION, **_READER}, target)
    try:
        with psycopg.connect(
            conninfo(url),
            **{**_CONNECT, **_given(target)},
            options=options,
            application_name=application_name(),
            client_encoding="utf8",
        ) as connection:
            yield connection
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise StoreUnavailable(told(error)) from error


class Missing(Exception):
    """There is no such table or column."""


def asked(connection: Connection[Any], sql: str) -> list[Sequence[Any]]:
    """The rows of one question. Raises Missing."""
    import psycopg

    try:
        return list(connection.execute(sql.encode()))
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
        raise Missing(told(error)) from error


def told(error: Exception) -> str:
    """A driver's words on one line."""
    return " ".join(str(error).split())


# -- the server and its database ---------------------------------------------------------------------------------------


def require_suitable(url: str) -> None:
    """Raises UnsupportedStore unless the server is one the program can keep its promises on; StoreUnavailable."""
    with looking(url) as db:
        require_suitable_to(db)


def require_suitable_to(db: Connection[Any]) -> None:
    """The same, in a look that is being taken. Raises UnsupportedStore."""
    version = db.info.server_version
    encoding = db.info.parameter_status("server_encoding")
    if version < OLDEST:
        there, oldest = version // 10000, OLDEST // 10000
        text = f"PostgreSQL {there} is too old: {oldest} or newer is needed"
        raise UnsupportedStore(text, "too_old", version=there, oldest=oldest)
    if encoding != "UTF8":
        text = f"the database's encoding is {encoding}: make it with ENCODING 'UTF8'"
        raise UnsupportedStore(text, "encoding", encoding=encoding)
    (kept,) = db.execute("SELECT current_setting('syncd.session', true)").fetchone() or (None,)
    if kept != "on":
        text = "something between us and the server drops the settings of sessions: connect to PostgreSQL itself"
        raise UnsupportedStore(text, "pooled")


def has_tables(url: str) -> bool:
    """Whether a migration ever made tables here. Raises StoreUnavailable."""
    with looking(url) as db:
        return are_there(db)


def are_there(db: Connection[Any]) -> bool:
    """The same, in a look that is being taken."""
    (found,) = db.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone() or (False,)
    return bool(found)


def wrong_with(url: str) -> list[str]:
    """What is wrong with the database as it lies there; empty when nothing is. Raises StoreUnavailable."""
    invalid = """
        SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE NOT i.indisvalid ORDER BY 1
    """
    with looking(url) as db:
        return [f"index {name} is invalid" for (name,) in db.execute(invalid).fetchall()]


def dangers(url: str) -> list[str]:
    """What in the server's settings or place could lose what was committed, or lets nothing be committed.

    Raises StoreUnavailable.
    """
    wanted = "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') ORDER BY name"
    with looking(url) as db:
        found = [f"{name} = {value}" for name, value in db.execute(wanted).fetchall() if value != "on"]
        (standby,) = db.execute("SELECT pg_is_in_recovery()").fetchone() or (False,)
    return [*found, "the server is a standby"] if standby else found


def sessions(url: str) -> tuple[int, int]:
    """How many sessions the server lets us all have, and how many processes are at work. Raises StoreUnavailable."""
    wanted = """
        SELECT sum(CASE name WHEN 'max_connections' THEN setting::int ELSE -setting::int END) FROM pg_settings
        WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')
    """
    with looking(url) as db:
        (allowed,) = db.execute(wanted).fetchone() or (0,)
        return int(allowed), len(_holders(db))


def identity(url: str) -> str:
    """A name that only this very database has. Raises StoreUnavailable."""
    import psycopg

    with looking(url) as db:
        of_database = "SELECT oid, datname FROM pg_database WHERE datname = current_database()"
        number, name = db.execute(of_database).fetchone() or (0, "")
        try:
            (cluster,) = db.execute("SELECT system_identifier FROM pg_control_system()").fetchone() or ("",)
        except psycopg.errors.InsufficientPrivilege:  # a service that does not tell: then by its address
            cluster = f"{parsed(url).host}:{parsed(url).port or 5432}"
    return f"{DATABASE}{cluster}/{number}/{name}"


# -- sessions that hold the store --------------------------------------------------------------------------------------


async def session(url: str) -> AsyncConnection[Any]:
    """A connection of its own, outside of any pool and any transaction. Raises psycopg.Error."""
    require_driver()
    import psycopg

    target = parsed(url)
    return await psycopg.AsyncConnection.connect(
        conninfo(url),
        autocommit=True,
        **{**_CONNECT, **_given(target)},
        options=_options({**_SESSION, **_WRITER}, target),
        application_name=application_name(),
    )


def holder(url: str) -> str | None:
    """Who holds the store for work, as those sessions call themselves; None: nobody. Raises StoreUnavailable."""
    with looking(url) as db:
        return ", ".join(_holders(db)) or None


def _holders(db: Connection[Any]) -> list[str]:
    key = lock_key(AT_WORK) % (1 << 64)
    rows = db.execute(
        """
        SELECT DISTINCT a.application_name, COALESCE(host(a.client_addr), 'local')
        FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
        WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND l.classid::bigint = %s AND l.objid::bigint = %s
        ORDER BY 1
        """,
        (key >> 32, key & 0xFFFFFFFF),
    ).fetchall()
    return [f"{name} ({address})" for name, address in rows]
