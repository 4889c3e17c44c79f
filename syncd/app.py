"""Where the parts are built and joined, and nowhere else."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass

import structlog

from syncd.alerting import channels_of, telling, watch_of
from syncd.arming import Arming, opened
from syncd.config import Settings, SettingsError
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
from syncd.store.guard import Guard
from syncd.store.lanes import RESTING
from syncd.store.lock import StoreLock, refuse_network
from syncd.store.soundness import require_whole
from syncd.store.store import Store, StoreUnavailable
from syncd.store.witness import witness_folder
from syncd.watch.alert_watch import AlertWatch
from syncd.watch.gauges import Gauges, Served
from syncd.watch.metrics import Metrics
from syncd.watch.notify import Notifier
from syncd.web import health

log = structlog.get_logger("syncd.app")

#: SIGTERM must end within ten seconds; what runs gets most of that.
DRAIN_WITHIN = 7.0
#: Places in the engine for groups of units that are less urgent than their stage: the past and the mirror.
PLACES = {"poll/backfill": 8, "poll/mirror": 16}
#: At a reload nobody is in a hurry: calls under way end as they would have.
RELOAD_WITHIN = 25.0
#: What stays as it was at the start, whatever a reloaded file says.
_FOR_GOOD = ("store", "engine", "console")
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
    gauges: Gauges
    alerts: AlertWatch | None
    brake: Brake
    arming: Arming
    #: Makes everything anew from other settings, over the same store. Raises SettingsError, ValueError.
    remade: Callable[[Settings], App]
    started: bool = False

    async def prepare(self, *, exclusive: bool = True) -> None:
        """Make every unit exist; when `exclusive`, void the leases of the dead and take up what they left in the air.

        `exclusive` is only for the holder of the store's kernel lock: without it others may be at work, and their
        leases stand until they run out.
        """
        async with self.store.begin(fact="app.taken_over") as tx:
            for merchant in self.parties.merchants:
                await tx.orders.rename(merchant.sid, merchant.name)
            for stage in self.stages.values():
                for key in stage.keys:
                    await tx.units.ensure(stage.name, key)
                    if stage.name != "poll":  # what became due while nobody looked is due now
                        await tx.units.wake(stage.name, key)
            freed = await tx.units.take_over() if exclusive else 0
            recovered = await tx.orders.recover() if exclusive else 0
        log.info("daemon.started", merchants=len(self.parties.merchants), leases_freed=freed, recovered=recovered)

    # -- health ----------------------------------------------------------------------------------------------------

    async def alive(self) -> list[str]:
        """Which parts stand still."""
        stale = time.monotonic() - self.engine.ticked_at > STALE_AFTER
        return ["engine"] if self.started and stale else []

    async def ready(self) -> list[str]:
        """Why work cannot be done now."""
        reasons = [] if self.started else ["starting"]
        try:
            here = await self.arming.instance()
        except StoreUnavailable:
            return [*reasons, "store"]
        return reasons if here.armed else [*reasons, "disarmed"]

    async def render_metrics(self) -> bytes:
        """The metrics page, counted afresh."""
        self.metrics.reach(self.metrics.crashes, self.engine.crashes)
        for merchant in self.parties.merchants:
            if merchant.erp.clock_offset is not None:
                self.metrics.clock_offset_seconds.labels(merchant.name).set(merchant.erp.clock_offset)
        await self.gauges.look()
        await self._show_armed()
        return self.metrics.render()

    async def _show_armed(self) -> None:
        try:
            self.metrics.armed.set((await self.arming.instance()).armed)
        except StoreUnavailable:
            return  # as it was last seen

    # -- running ---------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def turning(self, *, listen: bool = True, stop: asyncio.Event | None = None) -> AsyncIterator[None]:
        """Every stage turns inside; at the end what runs gets its time to finish. Raises CannotListen.

        With `stop` not set at the end the daemon goes on after it, and calls under way may take as long as they take.
        """
        async with self._listening() if listen else nullcontext():
            self.engine.start()
            self.started = True
            try:
                async with self.arming.followed():
                    yield
            finally:
                goes_on = stop is not None and not stop.is_set()
                self.started = not goes_on
                self.brake.pull()
                drained = await self.engine.drain(RELOAD_WITHIN if goes_on else DRAIN_WITHIN)
                log.info("daemon.stopped", drained=drained.finished, left=drained.left)

    async def serve(self, stop: asyncio.Event, notifier: Notifier, hangup: Hangup | None = None) -> None:
        """Run until `stop` is set, then drain. At a `hangup` go on under other settings, if they are good."""
        hangup = hangup or Hangup()
        async with self._listening():
            while not stop.is_set():
                fresh: App | None = None
                async with self.turning(listen=False, stop=stop), telling(self.alerts):
                    notifier.ready()
                    fresh = await self._watch(stop, notifier, hangup)
                    if fresh is None:
                        notifier.stopping()
                if fresh is not None:
                    await self._become(fresh)

    async def _watch(self, stop: asyncio.Event, notifier: Notifier, hangup: Hangup) -> App | None:
        """Tell systemd that the loop turns, for as long as it does; what to become at a hangup, None at the end."""
        while not stop.is_set():
            if not await self.alive():
                notifier.watchdog()
            await _first_of(stop, hangup.heard, timeout=notifier.watchdog_every)
            if hangup.heard.is_set() and not stop.is_set():
                hangup.heard.clear()
                notifier.reloading()
                fresh = self._remade(hangup)
                if fresh is not None:
                    return fresh
                notifier.ready()
        return None

    def _remade(self, hangup: Hangup) -> App | None:
        """The same installation under the settings as they are now; None, with the reason told, where they are bad."""
        try:
            return self.remade(hangup.read())
        except (SettingsError, ValueError) as bad:
            log.error("settings.refused", why=str(bad))
            return None

    async def _become(self, fresh: App) -> None:
        """Go on as `fresh`, over the same store. Nothing is running now."""
        kept = [name for name in _FOR_GOOD if _setting(self.settings, name) != _setting(fresh.settings, name)]
        if kept:
            log.warning("settings.kept", names=" ".join(kept))
        await self.parties.close()
        for name in ("settings", "parties", "stages", "engine", "gauges", "alerts", "brake", "arming"):
            setattr(self, name, getattr(fresh, name))
        await self.prepare(exclusive=False)
        await self.gauges.begin()
        log.info("settings.reloaded", merchants=len(self.parties.merchants))

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
            rebuilding = await tx.instance.rebuilding(self.arming.merchants)
        here = await self.arming.instance()
        ours = {(stage.name, key) for stage in self.stages.values() for key in stage.keys}
        unread = any(unit.ran_at is None for unit in units if (unit.stage, unit.key) in ours)
        now = self.store.clock.now()
        resting = [lane for lane in lanes if lane.until is None or lane.until > now]
        stuck = [lane for lane in resting if lane.state != RESTING or lane.reason.startswith(("settings", "person"))]
        sids = self.arming.merchants
        waiting = {*unsettled, *(sids[job.sid] for job in backfills if job.sid in sids)}
        if not here.armed:  # nothing is sent: all that can be done is to learn what was forgotten
            waiting = {*rebuilding.unasked, *(sids[sid] for sid, _ in rebuilding.unread)}
        return Settled(
            done=not unread and self.engine.busy == 0 and waiting <= {lane.merchant for lane in stuck},
            unsettled=sum(unsettled.values()),
            held=held,
            stuck=tuple(lane.name for lane in stuck),
            disarmed="" if here.armed else here.why,
        )


@dataclass(frozen=True, slots=True)
class Settled:
    """How `run --once` stands. `stuck` names the lanes at which a person is needed."""

    done: bool
    unsettled: int
    held: int
    stuck: tuple[str, ...]
    disarmed: str = ""  # why nothing is sent

    @property
    def needs_a_person(self) -> bool:
        return self.held > 0 or bool(self.stuck)


@asynccontextmanager
async def open_app(
    settings: Settings,
    *,
    clock: Clock | None = None,
    tick: float = 1.0,
    rng: Callable[[], float] = random.random,
    exclusive: bool = True,
    wait_for_lock: float = 0.0,
) -> AsyncIterator[App]:
    """Take the store's lock, look it through, bring it up to date, and join everything.

    A store that is not certainly the newest of its line comes up disarmed: it reads and asks, and sends nothing.
    `wait_for_lock` is in seconds. Without `exclusive` the store is shared: no kernel lock is taken, nobody's lease is
    voided, and only the leases and fences of the units keep the workers apart.

    Raises: HeldElsewhere, NetworkStore, Corrupt, TooNew, UnsupportedStore, WitnessUnusable, StoreUnavailable.
    """
    clock = clock or SystemClock()
    url = settings.store.url.get_secret_value()
    store = Store.at(url, clock)
    refuse_network(store.path)
    with await StoreLock(store.path).waiting(wait_for_lock) if exclusive else nullcontext():
        await asyncio.to_thread(require_whole, url)
        await migrate.upgrade(url)
        guard = Guard(witness_folder(settings.store.witness, store.path, os.environ), store.path)
        metrics = Metrics(clock.monotonic)
        parties = join(settings, store, clock, metrics.called)
        try:
            await opened(store, guard, parties.merchants, exclusive=exclusive)
            app = _assemble(settings, store, parties, metrics, tick, rng)
            await app.prepare(exclusive=exclusive)
            await app.gauges.begin()
            try:
                yield app
            finally:
                await app.parties.close()  # others than at the start, after a reload
        finally:
            await parties.close()
            await store.close()


class Hangup:
    """Somebody asks for the settings to be read again."""

    def __init__(self, read: Callable[[], Settings] | None = None) -> None:
        self.heard = asyncio.Event()
        self._read = read

    def read(self) -> Settings:
        """The settings as they are now. Raises SettingsError."""
        if self._read is None:
            raise SettingsError(["these settings have no file to be read from again"])
        return self._read()


def _setting(settings: Settings, name: str) -> object:
    return getattr(settings, name)


async def _first_of(*events: asyncio.Event, timeout: float | None) -> None:
    """Until one of `events` is set, or `timeout` seconds are over."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


def _assemble(
    settings: Settings, store: Store, parties: Parties, metrics: Metrics, tick: float, rng: Callable[[], float]
) -> App:
    def remade(other: Settings) -> App:
        return _assemble(other, store, join(other, store, store.clock, metrics.called), metrics, tick, rng)

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

    served = served_by(parties)
    channels = channels_of(settings)
    return App(
        settings,
        store,
        parties,
        stages,
        Embedded(list(stages), due, run, tick=tick, group=group_of, places=PLACES),
        metrics,
        Gauges(metrics, store, served),
        watch_of(settings, store, served, channels) if channels else None,
        brake,
        Arming(store, {merchant.sid: str(merchant.name) for merchant in parties.merchants}, stages),
        remade,
    )


def group_of(stage: str, key: str) -> str:
    """Which units compete for places: each stage by itself, and in poll each feed."""
    return f"{stage}/{key.rpartition('/')[2]}" if stage == "poll" else stage


def served_by(parties: Parties) -> list[Served]:
    """The configured merchants, as the gauges and the alerts see them."""
    return [Served(str(one.name), one.sid, one.issuer.name, one.issuer.profile.kind) for one in parties.merchants]


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
                shows_within=settings.poll.settle / 2,
                most_reads=settings.write_back.most_reads,
            ),
            brake,
        ),
    )
