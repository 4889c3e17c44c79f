"""The queue of many workers: Procrastinate's tables, and what of them one process may take.

A job is nothing but "look at (stage, key)". Losing one or having it twice changes nothing: the unit table is the truth,
the next tick asks it again, and the claim decides who works. So the tables are no part of the store's history: they
live in a schema of their own, named after what this version of Procrastinate wants, and are made when they are missing.
Two versions that run side by side for an hour have two queues and one unit table.
"""

from __future__ import annotations

import hashlib
import select
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, LiteralString

import orjson
import psycopg
import structlog
from procrastinate import PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager, NotificationCallback
from procrastinate.schema import SchemaManager
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import AsyncConnectionPool

from syncd.engine import sharing
from syncd.engine.sharing import Share

log = structlog.get_logger("syncd.engine")

_PREFIX = "syncd_jobs_"
#: Whoever makes or drops these tables does it alone.
_ALONE = 7_379_901_844_512_201
#: A queue of another version is in nobody's use when none of its workers was heard for this many seconds.
_ABANDONED_AFTER = 3600
#: Two that put the same ones wait for each other, but in no circle: all put them in one order. Procrastinate's own way
#: (`batch_defer_async`, which takes a connection too) refuses the whole batch, and with it the transaction it is in, as
#: soon as one of the jobs waits already; here that is the common case, and the others are to be put all the same.
_PUT: LiteralString = """
INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args)
SELECT queue, 'unit', lock, lock, jsonb_build_object('stage', stage, 'key', key)
FROM jsonb_to_recordset({}) AS job (queue text, lock text, stage text, key text) ORDER BY lock
ON CONFLICT DO NOTHING
"""
_SAVE, _SAVED = sql.SQL("SAVEPOINT telling"), sql.SQL("RELEASE SAVEPOINT telling")
#: A server that has gone away is found out within this time (libpq: seconds to connect, milliseconds without an ack).
_PATIENCE = {"connect_timeout": "5", "tcp_user_timeout": "8000", "keepalives_idle": "5"}


@cache
def schema_name() -> str:
    """The PostgreSQL schema of this version's queue."""
    return _PREFIX + hashlib.sha256("\n".join(_tables()).encode()).hexdigest()[:8]


def _tables() -> tuple[LiteralString, ...]:
    """What Procrastinate wants, and what stands there beside it."""
    return SchemaManager.get_schema(), sharing.SCHEMA


#: For the rest of a transaction the queue's names are known beside the store's own.
_SEE_QUEUE = sql.SQL("SELECT set_config('search_path', current_setting('search_path') || {}, true)").format(
    sql.Literal(f", {schema_name()}")
)


def conninfo(url: str) -> str:
    """What libpq makes of a store's URL, or of a connection string; what it says about patience itself stands."""
    if url.startswith("postgres"):
        scheme, separator, rest = url.partition("://")
        url = scheme.partition("+")[0] + separator + rest
    given = conninfo_to_dict(url)
    return make_conninfo(**{**_PATIENCE, **{name: str(value) for name, value in given.items()}})


def connector(url: str) -> PsycopgConnector:
    """A few connections of the queue's own, which see its schema alone; each of its statements is a transaction."""
    given = conninfo_to_dict(conninfo(url))
    options = f"{given.get('options') or ''} -c search_path={schema_name()}".strip()
    return PsycopgConnector(
        conninfo=conninfo(url),
        kwargs={"options": options},
        configure=_each_by_itself,
        min_size=1,
        max_size=4,
        timeout=3.0,
        name="syncd.jobs",
        pool_factory=_pool,
    )


async def _each_by_itself(connection: psycopg.AsyncConnection[Any]) -> None:
    await connection.set_autocommit(True)


def _pool(**given: Any) -> AsyncConnectionPool[psycopg.AsyncConnection[Any]]:
    return AsyncConnectionPool(**{**given, "check": _still_there})


async def _still_there(connection: psycopg.AsyncConnection[Any]) -> None:
    """Ask the server only where something has come that nobody had asked for: that is how it says that it is gone.

    Raises psycopg.OperationalError.
    """
    line = select.poll()
    line.register(connection.fileno(), select.POLLIN)
    if line.poll(0):
        await AsyncConnectionPool.check_connection(connection)


async def prepare(url: str) -> bool:
    """Make the queue's tables where they are missing, and clear away what an older version left. Whether it did.

    Raises psycopg.Error.
    """
    async with _one_transaction(url) as connection:
        if await _is_there(connection):
            return False
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_ALONE])
        if await _is_there(connection):  # somebody else was faster
            return False
        for name in await _schemas(connection):
            if await _abandoned(connection, name):
                await connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
        ours = sql.Identifier(schema_name())
        await connection.execute(sql.SQL("CREATE SCHEMA {}").format(ours))
        await connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(ours))
        for statements in _tables():
            await connection.execute(statements)
    log.info("engine.queue_made", schema=schema_name())
    return True


async def remove(url: str) -> list[str]:
    """Drop every queue there is, for a store that is taken down; their names. Raises psycopg.Error."""
    async with _one_transaction(url) as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_ALONE])
        names = await _schemas(connection)
        for name in names:
            await connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
    return names


@asynccontextmanager
async def _one_transaction(url: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """A connection of its own, in a transaction. Raises psycopg.Error.

    The driver's own `async with` leaves the connection open where somebody gives up while it commits.
    """
    connection = await psycopg.AsyncConnection.connect(conninfo(url))
    try:
        async with connection.transaction():
            yield connection
    finally:
        await connection.close()


async def _is_there(connection: psycopg.AsyncConnection[Any]) -> bool:
    """Asked of the catalogue's rows: what a name meant earlier in this transaction is remembered, rows are not."""
    found = await connection.execute(
        "SELECT count(*) FROM pg_class JOIN pg_namespace spaces ON spaces.oid = relnamespace"
        " WHERE nspname = %s AND relname = 'procrastinate_jobs'",
        [schema_name()],
    )
    row = await found.fetchone()
    return row is not None and row[0] > 0


async def _schemas(connection: psycopg.AsyncConnection[Any]) -> list[str]:
    found = await connection.execute("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)", [_PREFIX])
    return sorted([str(row[0]) for row in await found.fetchall()])


async def _abandoned(connection: psycopg.AsyncConnection[Any], name: str) -> bool:
    """Nobody of that version has been heard lately."""
    heard = sql.SQL("SELECT count(*) FROM {}.procrastinate_workers WHERE last_heartbeat > now() - {}::interval")
    lately = sql.Literal(f"{_ABANDONED_AFTER} seconds")
    found = await connection.execute(heard.format(sql.Identifier(name), lately))
    row = await found.fetchone()
    return row is not None and row[0] == 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A unit that is to be put into the queue of its group."""

    group: str
    stage: str
    key: str


def _as_json(units: Iterable[Waiting]) -> str:
    """ "" for none."""
    jobs = [{"queue": one.group, "lock": f"{one.stage}:{one.key}", "stage": one.stage, "key": one.key} for one in units]
    return orjson.dumps(jobs).decode() if jobs else ""


async def put_along(connection: psycopg.AsyncConnection[Any], units: Iterable[Waiting]) -> None:
    """As `Places.put`, in the transaction that `connection` is in, and in one round trip.

    Raises psycopg.Error, and then the transaction is as it was before, or lost with its connection.
    """
    if not (jobs := _as_json(units)):
        return
    put = sql.SQL(_PUT).format(sql.Literal(jobs) + sql.SQL("::jsonb"))
    try:
        await connection.execute(sql.SQL("; ").join([_SAVE, _SEE_QUEUE, put, _SAVED]), prepare=False)
    except psycopg.Error:
        try:
            await connection.execute("ROLLBACK TO SAVEPOINT telling; RELEASE SAVEPOINT telling", prepare=False)
        except psycopg.Error:  # the COMMIT of a transaction that failed would keep nothing, and say nothing
            await connection.close()
        raise


class Places(JobManager):
    """The queue as one process sees it: of a group whose places are taken it takes nothing more, nor others' share.

    `places` are the groups this process serves and how many units of each it works on at once; a group is a queue.
    `lost` is called when no heartbeat has got through for `silent_after` seconds.
    """

    def __init__(
        self, connector: PsycopgConnector, places: Mapping[str, int], silent_after: float, lost: Callable[[], None]
    ) -> None:
        super().__init__(connector)
        self._silent_after = silent_after
        self._lost = lost
        self._share = Share(places)
        self._unfinished: dict[int, Job] = {}
        self._nudge: NotificationCallback | None = None
        self._asked_anyway_at = self.heard_at = time.monotonic()

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """The job that has waited longest among the groups that have a place and are not left to others now."""
        if not (free := self._share.free):
            return None
        anyway = time.monotonic() - self._asked_anyway_at >= sharing.ANYWAY_EVERY
        if anyway:
            self._asked_anyway_at = time.monotonic()
        if anyway or not any(free.values()):
            job = await super().fetch_job(list(free), worker_id)
        else:
            job = await self._fetch_share(free, worker_id)
        if job is not None:
            self._share.take(job)
        return job

    async def _fetch_share(self, free: Mapping[str, int], worker_id: int) -> Job | None:
        row = await self.connector.execute_query_one_async(
            sharing.FETCH,
            queues=list(free),
            taken=list(free.values()),
            worker_id=worker_id,
            heard_within=self._silent_after / 2,
        )
        return None if row["id"] is None else Job.from_row(row)

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """Take the job off the list. Where the database does not answer, again at the next heartbeat."""
        try:
            await self._finish(job, status, delete_job)
        finally:
            self._share.give_back(job)
            if self._nudge is not None:  # a place is free: look again, as if something new had come
                await self._nudge(channel="", notification={"type": "job_inserted", "job_id": job.id or 0})

    async def _finish(self, job: Job, status: Status, delete_job: bool) -> None:
        assert job.id is not None
        try:
            await self.connector.execute_query_async(
                sharing.FINISH,
                job_id=job.id,
                status=status.value,
                delete_job=delete_job,
                lock=job.lock,
            )
        except ConnectorException as error:
            if isinstance(error.__cause__, psycopg.errors.RaiseException):  # reaped: we were taken for dead
                log.warning("engine.job_lost", unit=job.lock)
            else:
                self._unfinished[job.id] = job

    async def listen_for_jobs(
        self, *, on_notification: NotificationCallback, queues: Iterable[str] | None = None
    ) -> None:
        """As the queue's own; whoever listens also hears of places that came free."""
        self._nudge = on_notification
        await super().listen_for_jobs(on_notification=on_notification, queues=queues)

    async def register_worker(self) -> int:
        """Sign on, and say what for; our number."""
        number = await super().register_worker()
        await self._beat(number)
        return number

    async def _beat(self, worker_id: int) -> None:
        await self.connector.execute_query_async(sharing.BEAT, worker_id=worker_id, places=self._share.said())

    async def update_heartbeat(self, worker_id: int) -> None:
        """Say that this process lives. A beat that fails is made up for by the next; after too many, `lost`."""
        try:
            await self._beat(worker_id)
        except ConnectorException:
            if time.monotonic() - self.heard_at > self._silent_after:
                self._lost()
            return
        self.heard_at = time.monotonic()
        for number, job in list(self._unfinished.items()):
            del self._unfinished[number]
            await self._finish(job, Status.FAILED, delete_job=True)

    async def put(self, units: Iterable[Waiting]) -> None:
        """Put these into the queue, but for those that wait there already. Raises ConnectorException."""
        if jobs := _as_json(units):
            await self.connector.execute_query_async(_PUT.format("%(jobs)s::jsonb"), jobs=jobs)

    def forget(self) -> None:
        """Nothing is at work any more: a new beginning."""
        self._share.forget()
        self._unfinished.clear()
        self._asked_anyway_at = self.heard_at = time.monotonic()
