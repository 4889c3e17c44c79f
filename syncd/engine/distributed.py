"""Many processes: schedulers put due units into a queue in PostgreSQL, workers take them out and run them.

The queue is Procrastinate's, and it is a way to tell somebody, no more. What may be worked on, when, and by whom is
decided by `due` and by the claim inside `run`, exactly as with one process. So:

* A job is (stage, key), with `lock = queueing_lock = "stage:key"`: one of them waits, one is worked on.
* No job is ever tried again by the queue, and none is put off into the future: both stand in the unit table.
* The tick is a periodic task, deferred once a second for the whole fleet however many schedulers there are; whichever
  scheduler gets it asks `due`. Two that tick at once do no harm: what waits already is left alone.
* The same tick takes away the jobs of workers that were not heard for `silent_after` seconds: marked failed and
  deleted, never tried again. Their units come due when their leases are lost.
* Jobs are deleted when they end, whatever the end was.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import psycopg
import structlog
from procrastinate import App
from procrastinate.exceptions import ConnectorException, ProcrastinateException
from procrastinate.jobs import Status
from procrastinate.worker import Worker

from syncd.engine.alarms import Alarms, Unit
from syncd.engine.engine import Drained, Due, Group, Run, by_stage
from syncd.engine.jobs import Places, Waiting, connector, prepare, put_along
from syncd.engine.supervise import supervised

log = structlog.get_logger("syncd.engine")

Role = Literal["all", "scheduler", "worker"]

#: Seconds between heartbeats, and after how many without one a worker counts as dead.
BEAT, SILENT_AFTER = 1.0, 5.0
#: The queue of ticks, which no group of units can be called.
_TICK = "syncd.tick"
#: Seconds a drained engine may take to sign off from the queue.
_GRACE = 2.0
#: A notification that got lost costs no more than this (seconds).
_LOOK_EVERY = 1.0


class Distributed:
    """Drives units of the given stages together with every other process on the same database.

    `groups` are the names that `group` gives to the units of these stages. In this process units of one group share
    `most_units` places, or as many as `places` gives their group, in the order in which they came into the queue.
    A scheduler asks what is due at least every `tick` seconds, a second being the least; a worker runs units; "all"
    does both. `knows` tells which units there are.
    """

    def __init__(
        self,
        stages: Sequence[str],
        due: Due,
        run: Run,
        *,
        url: str,
        groups: Sequence[str],
        role: Role = "all",
        tick: float = 1.0,
        most_units: int = 16,
        group: Group = by_stage,
        places: Mapping[str, int] | None = None,
        knows: Callable[[Unit], bool] = lambda _: True,
        beat: float = BEAT,
        silent_after: float = SILENT_AFTER,
    ) -> None:
        self._stages = tuple(stages)
        self._due = due
        self._run = run
        self._url = url
        self._role = role
        self._tick_every = max(1, round(tick))
        self._group = group
        self._knows = knows
        self._beat = beat
        self._silent_after = silent_after
        served = {name: (places or {}).get(name, most_units) for name in groups} if role != "scheduler" else {}
        self._places = served | ({_TICK: 1} if role != "worker" else {})
        self._running: set[tuple[str, str]] = set()
        self._cut = 0
        self._draining = False
        self._worker: Worker | None = None
        self._task: asyncio.Task[None] | None = None
        queue = connector(url)
        self._jobs = Places(queue, self._places, silent_after, self._lost)
        self._alarms = Alarms(self._rung)
        self._putting: set[asyncio.Task[None]] = set()
        self._app = App(connector=queue)
        self._app.job_manager = self._jobs
        self._app.task(name="unit")(self._unit)
        if role != "worker":
            every = "* * * * * *" if tick < 2 else f"* * * * * */{min(59, round(tick))}"
            task = self._app.task(name="tick", queue=_TICK, queueing_lock="tick")(self._tick)
            self._app.periodic(cron=every, periodic_id="tick", queue=_TICK, queueing_lock="tick")(task)
        self._began_at = time.monotonic()
        self.crashes = 0

    @property
    def ticked_at(self) -> float:
        """When the queue last heard of this process, or this process last tried to reach the queue."""
        return max(self._began_at, self._jobs.heard_at)

    @property
    def busy(self) -> int:
        """How many units are running in this process."""
        return len(self._running)

    @property
    def running(self) -> frozenset[tuple[str, str]]:
        """The units that are running in this process: stage and key."""
        return frozenset(self._running)

    # -- the life of this process in the queue -------------------------------------------------------------------------

    def start(self) -> None:
        """Begin; from now on the queue's trouble is waited out, and told."""
        self._task = asyncio.create_task(self._keep_on(), name="syncd.engine")

    async def _keep_on(self) -> None:
        while not self._draining:
            self._began_at = time.monotonic()
            try:
                await supervised("engine", "*", self._take_part())
            finally:
                self._worker = None
            if not self._draining:
                await asyncio.sleep(self._beat)

    async def _take_part(self) -> None:
        """Be one of the queue's workers until stopped, or until the database is lost."""
        try:
            await prepare(self._url)
            try:
                await self._app.open_async()
                self._jobs.forget()
                self._worker = self._one_worker()
                await self._worker.run()
            finally:  # half opened, too: the pool's tasks end for nobody else, and a closed one is never opened again
                await self._app.close_async()
        except (ProcrastinateException, psycopg.Error, OSError) as error:
            log.warning("engine.interrupted", why=str(error.__cause__ or error).strip())

    def _one_worker(self) -> Worker:
        return Worker(
            self._app,
            queues=list(self._places),
            name=None,
            concurrency=sum(self._places.values()),
            fetch_job_polling_interval=_LOOK_EVERY,
            abort_job_polling_interval=60.0,  # nobody asks for that
            delete_jobs="always",
            install_signal_handlers=False,  # the process has its own
            update_heartbeat_interval=self._beat,
            stalled_worker_timeout=60.0,
        )

    def _lost(self) -> None:
        """The heartbeat does not get through: end what runs in peace, and begin anew."""
        if self._worker is not None:
            self._worker.stop()

    async def drain(self, deadline: float) -> Drained:
        """Take nothing more, wait up to `deadline` seconds for what runs, then interrupt it."""
        self._draining = True
        self._alarms.clear()
        begun, self._cut = len(self._running), 0
        if self._task is None:
            return Drained(0, 0)
        if self._worker is None:
            self._task.cancel()
        else:
            self._worker.shutdown_graceful_timeout = deadline
            self._worker.stop()
        _, late = await asyncio.wait([self._task], timeout=deadline + _GRACE)
        if late:  # the database does not answer; whatever is left of us there is reaped by the others
            self._task.cancel()
            await asyncio.wait(late, timeout=_GRACE)
        return Drained(max(0, begun - self._cut - len(self._running)), self._cut + len(self._running))

    # -- working -------------------------------------------------------------------------------------------------------

    async def _unit(self, stage: str, key: str) -> None:
        """One turn at a unit. What it ends with is nobody's business here."""
        self._running.add((stage, key))
        try:
            if not await supervised(stage, key, self._run(stage, key)):
                self.crashes += 1
                await asyncio.sleep(self._tick_every)  # a defect must not spin
        except asyncio.CancelledError:
            self._cut += 1
            raise
        finally:
            self._running.discard((stage, key))

    # -- scheduling ----------------------------------------------------------------------------------------------------

    async def _tick(self, timestamp: int) -> None:
        """Take away what the dead left, then put into the queue whatever is due and not in it."""
        await self._reap()
        due: list[Waiting] = []
        if not self._draining:
            asking = [supervised(stage, "*", self._ask(stage, due)) for stage in self._stages]
            await asyncio.gather(*asking)
            await supervised("engine", "*", self._jobs.put(due))

    async def _reap(self) -> None:
        """The jobs of workers that fell silent end here: failed and gone, never tried again."""
        for job in await self._jobs.get_stalled_jobs(seconds_since_heartbeat=self._silent_after):
            assert job.id is not None
            try:
                await self._jobs.finish_job_by_id_async(job.id, Status.FAILED, delete_job=True)
            except ConnectorException:  # it ended after all, or another scheduler was faster
                continue
            log.warning("engine.job_reaped", unit=job.lock or job.task_name)

    async def _ask(self, stage: str, due: list[Waiting]) -> None:
        due += [Waiting(self._group(stage, key), stage, key) for key in await self._due(stage)]

    def wake_in(self, units: Mapping[Unit, float]) -> None:
        """These are due in so many seconds, or are found by a tick where that is sooner: none is begun later."""
        if not self._draining:
            self._alarms.set({unit: seconds for unit, seconds in units.items() if self._knows(unit)})

    def _rung(self, unit: Unit) -> None:
        putting = asyncio.create_task(self._put_now(*unit), name="/".join(unit))
        self._putting.add(putting)
        putting.add_done_callback(self._putting.discard)

    async def _put_now(self, stage: str, key: str) -> None:
        try:
            await self._jobs.put([Waiting(self._group(stage, key), stage, key)])
        except (ProcrastinateException, psycopg.Error) as error:  # the next tick finds it
            if not self._draining:
                log.warning("engine.not_told", why=str(error.__cause__ or error).strip())

    async def wake(self, connection: psycopg.AsyncConnection[Any], units: Iterable[tuple[str, str]]) -> None:
        """Put these into the queue in the transaction that `connection` is in: they are there when it commits.

        What waits already is left alone. The transaction stays usable whatever happens here: the next tick finds the
        units anyway, so that telling of them is never worth a fact.
        """
        try:
            await put_along(connection, [Waiting(self._group(stage, key), stage, key) for stage, key in units])
        except psycopg.Error as error:
            log.warning("engine.not_told", why=str(error).strip())
