"""Where the parts are built and joined, and nowhere else."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass

import structlog

from syncd.config import Settings
from syncd.domain.clock import Clock, SystemClock
from syncd.engine.embedded import Embedded
from syncd.parties import Parties, join
from syncd.stages.collect.plan import CollectRules
from syncd.stages.collect.run import Collect
from syncd.stages.poll.plan import PollRules
from syncd.stages.poll.run import Poll
from syncd.stages.push.plan import PushRules
from syncd.stages.push.run import Push
from syncd.stages.turn import Brake, Stage, run_unit
from syncd.stages.write_back.plan import WriteBackRules
from syncd.stages.write_back.run import WriteBacks
from syncd.store import migrate
from syncd.store.lanes import RESTING
from syncd.store.lock import StoreLock
from syncd.store.store import Store, StoreUnavailable
from syncd.watch.gauges import refresh
from syncd.watch.metrics import Metrics
from syncd.watch.notify import Notifier
from syncd.web import health

log = structlog.get_logger("syncd.app")

#: SIGTERM must end within ten seconds; what runs gets most of that.
DRAIN_WITHIN = 7.0
#: A loop that has not ticked for this long is not alive.
STALE_AFTER = 30.0


@dataclass(slots=True)
class App:
    """One running installation: its store, its parties, its stages and the engine that turns them."""

    settings: Settings
    store: Store
    parties: Parties
    stages: Mapping[str, Stage]
    engine: Embedded
    metrics: Metrics
    brake: Brake
    started: bool = False

    async def prepare(self) -> None:
        """Make every unit exist, void the leases of the dead, and take up what a crash left in the air.

        Only for the holder of the store's kernel lock.
        """
        async with self.store.begin() as tx:
            for merchant in self.parties.merchants:
                await tx.orders.rename(merchant.sid, merchant.name)
            for stage in self.stages.values():
                for key in stage.keys:
                    await tx.units.ensure(stage.name, key)
            freed = await tx.units.take_over()
            recovered = await tx.orders.recover()
        log.info("daemon.started", merchants=len(self.parties.merchants), leases_freed=freed, recovered=recovered)

    # -- health ----------------------------------------------------------------------------------------------------

    async def alive(self) -> list[str]:
        """Which parts stand still."""
        stale = time.monotonic() - self.engine.ticked_at > STALE_AFTER
        return ["engine"] if self.started and stale else []

    async def ready(self) -> list[str]:
        """Why work cannot be done now."""
        reasons = [] if self.started else ["starting"]
        return reasons if await self.store.answers() else [*reasons, "store"]

    async def render_metrics(self) -> bytes:
        """The metrics page, counted afresh."""
        async with self.store.read() as tx:
            await refresh(self.metrics, tx)
        for merchant in self.parties.merchants:
            if merchant.erp.clock_offset is not None:
                self.metrics.clock_offset_seconds.labels(merchant.name).set(merchant.erp.clock_offset)
        return self.metrics.render()

    # -- running ---------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def turning(self, *, listen: bool = True) -> AsyncIterator[None]:
        """Every stage turns inside; at the end what runs gets its time to finish. Raises CannotListen."""
        async with self._listening() if listen else nullcontext():
            self.engine.start()
            self.started = True
            try:
                yield
            finally:
                self.brake.pull()
                drained = await self.engine.drain(DRAIN_WITHIN)
                log.info("daemon.stopped", drained=drained.finished, left=drained.left)

    async def serve(self, stop: asyncio.Event, notifier: Notifier) -> None:
        """Run until `stop` is set, then drain."""
        async with self.turning():
            notifier.ready()
            await self._watch(stop, notifier)
            notifier.stopping()

    async def _watch(self, stop: asyncio.Event, notifier: Notifier) -> None:
        """Tell systemd that the loop turns, for as long as it does."""
        every = notifier.watchdog_every
        while not stop.is_set():
            if not await self.alive():
                notifier.watchdog()
            try:
                await asyncio.wait_for(stop.wait(), every)
            except TimeoutError:
                continue

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        console = self.settings.console
        page = health.app(self, self.render_metrics, console.token.get_secret_value())
        served = await health.serve(page, console.listen)
        log.info("console.opened", url=served.url)
        try:
            yield
        finally:
            await served.stop()

    async def once(self, timeout: float | None) -> Settled:
        """Run every stage until nothing is due or pending without a person, or `timeout` seconds are over."""
        async with self.turning(listen=False):
            return await self.until_settled(timeout)

    async def until_settled(self, timeout: float | None) -> Settled:
        """Wait, while the stages turn, until only a person could go on."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            settled = await self.settled()
            if settled.done or (deadline is not None and time.monotonic() > deadline):
                return settled
            await asyncio.sleep(0.1)

    async def settled(self) -> Settled:
        """What is still to be done, and whether only a person can do it."""
        async with self.store.read() as tx:
            units = await tx.units.all()
            backfills = await tx.windows.open_backfills()
            unsettled = await tx.board.unsettled()
            held = sum((await tx.board.by_hold()).values())
            lanes = [lane for lane in await tx.lanes.all() if lane.state != "open"]
        ours = {(stage.name, key) for stage in self.stages.values() for key in stage.keys}
        unread = any(unit.ran_at is None for unit in units if (unit.stage, unit.key) in ours)
        now = self.store.clock.now()
        resting = [lane for lane in lanes if lane.until is None or lane.until > now]
        stuck = [lane for lane in resting if lane.state != RESTING or lane.reason.startswith(("settings", "person"))]
        sids = {merchant.sid: str(merchant.name) for merchant in self.parties.merchants}
        waiting = {*unsettled, *(sids[job.sid] for job in backfills if job.sid in sids)}
        return Settled(
            done=not unread and self.engine.busy == 0 and waiting <= {lane.merchant for lane in stuck},
            unsettled=sum(unsettled.values()),
            held=held,
            stuck=tuple(lane.name for lane in stuck),
        )


@dataclass(frozen=True, slots=True)
class Settled:
    """How `run --once` stands. `stuck` names the lanes at which a person is needed."""

    done: bool
    unsettled: int
    held: int
    stuck: tuple[str, ...]

    @property
    def needs_a_person(self) -> bool:
        return self.held > 0 or bool(self.stuck)


@asynccontextmanager
async def open_app(
    settings: Settings, *, clock: Clock | None = None, tick: float = 1.0, rng: Callable[[], float] = random.random
) -> AsyncIterator[App]:
    """Bring the store up to date, take its lock, and join everything.

    Raises: HeldElsewhere, TooNew, UnsupportedStore, StoreUnavailable.
    """
    clock = clock or SystemClock()
    url = settings.store.url.get_secret_value()
    store = Store.at(url, clock)
    with StoreLock(store.path):
        await migrate.upgrade(url)
        parties = join(settings, store, clock)
        try:
            app = _assemble(settings, store, parties, tick, rng)
            await app.prepare()
            yield app
        finally:
            await parties.close()
            await store.close()


def _assemble(settings: Settings, store: Store, parties: Parties, tick: float, rng: Callable[[], float]) -> App:
    metrics = Metrics()
    brake = Brake()
    stages: dict[str, Stage] = {stage.name: stage for stage in _stages(settings, store, parties, brake)}

    async def due(stage: str) -> list[str]:
        try:
            async with store.read() as tx:
                known = set(stages[stage].keys)
                return [key for key in await tx.units.due(stage) if key in known]
        except StoreUnavailable as error:
            log.warning("store.refused", stage=stage, unit="*", why=str(error))
            return []

    async def run(stage: str, key: str) -> None:
        metrics.ticks.labels(stage).inc()
        await run_unit(store, stages[stage], key, rng)

    return App(settings, store, parties, stages, Embedded(list(stages), due, run, tick=tick), metrics, brake)


def _stages(settings: Settings, store: Store, parties: Parties, brake: Brake) -> tuple[Stage, ...]:
    schedule, merchants = settings.schedule, parties.merchants
    return (
        Poll(
            store,
            merchants,
            PollRules(
                every=schedule.poll,
                mirror_every=schedule.mirror,
                settle=settings.poll.settle,
                step=settings.poll.step,
                page_size=settings.poll.page_size,
                start=settings.poll.start,
                max_read_age=settings.push.max_read_age,
            ),
            brake,
        ),
        Push(
            store,
            merchants,
            PushRules(
                every=schedule.push,
                max_read_age=settings.push.max_read_age,
                batch=settings.push.batch,
                concurrency=settings.push.concurrency,
            ),
            brake,
        ),
        Collect(
            store, merchants, CollectRules(every=schedule.collect, most_batches=settings.collect.most_batches), brake
        ),
        WriteBacks(
            store,
            merchants,
            WriteBackRules(
                every=schedule.write_back,
                batch=settings.write_back.batch,
                look_after=settings.write_back.confirm_after,
                most_reads=settings.write_back.most_reads,
            ),
            brake,
        ),
    )
