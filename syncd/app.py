"""Where the parts are built and joined, and nowhere else."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from syncd.alerting import channels_of, telling, watch_of
from syncd.arming import Arming, opened
from syncd.config import Settings, SettingsError
from syncd.domain.clock import Clock, SystemClock
from syncd.engine.embedded import Embedded
from syncd.engine.engine import Engine
from syncd.fleet import CONCURRENCY, Member, Role, queue_made, shared_engine
from syncd.parties import Parties, join
from syncd.reload import RELOAD_WITHIN, Hangup, first_of, kept
from syncd.settled import SOON, look
from syncd.settled import Settled as Settled
from syncd.staged import PLACES, group_of, stages_of
from syncd.stages.asleep import look_over
from syncd.stages.lane import settings_are_read
from syncd.stages.turn import Brake, Stage, run_unit
from syncd.store import migrate
from syncd.store.guard import Guard
from syncd.store.lock import held, refuse_network
from syncd.store.naming import astray
from syncd.store.paces import silent_for
from syncd.store.place import place_of
from syncd.store.soundness import require_whole
from syncd.store.store import Store, StoreUnavailable, WakeNow
from syncd.store.units import LeaseClock
from syncd.store.witness import witness_folder
from syncd.upkeep import kept_up
from syncd.watch.alert_watch import AlertWatch
from syncd.watch.gauges import Gauges, Served
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
    engine: Engine
    metrics: Metrics
    gauges: Gauges
    alerts: AlertWatch | None
    brake: Brake
    arming: Arming
    #: Makes everything anew from other settings, over the same store. Raises SettingsError, ValueError.
    remade: Callable[[Settings], App]
    #: This process among the others on its store, where it may have others beside it.
    member: Member | None = None
    #: Tells the engine of what comes due, in the transaction it comes due with.
    wake_now: WakeNow | None = None
    started: bool = False

    async def prepare(self, *, exclusive: bool = True) -> None:
        """Make every unit exist; when `exclusive`, void the leases of the dead and take up what they left in the air.

        `exclusive` is only for the holder of the store's kernel lock: without it others may be at work, and their
        leases stand until they run out. Of many processes the first takes up what was left, and voids nothing.
        """
        idle = self.member is None or await self.member.alone()
        first = exclusive or (idle and self.member is not None)
        async with self.store.begin(fact="app.taken_over") as tx:
            names = {merchant.sid: str(merchant.name) for merchant in self.parties.merchants}
            for sid in sorted(await astray(tx.connection, names)):
                await tx.orders.rename(sid, names[sid])
                await tx.applications.rename(sid, names[sid])
            await tx.units.ensure_all([(stage.name, key) for stage in self.stages.values() for key in stage.keys])
            for stage in self.stages.values():
                for key in stage.keys:
                    if idle and stage.name != "poll":  # what became due while nobody looked is due now
                        await tx.units.wake(stage.name, key)
            if idle:
                await settings_are_read(tx)
            freed = await tx.units.take_over() if exclusive else 0
            recovered = await tx.orders.recover() if first else 0
        log.info("daemon.started", merchants=len(self.parties.merchants), leases_freed=freed, recovered=recovered)
        for name, why in self.parties.wallets_off.items():
            log.warning("wallet.off", merchant=name, why=why)

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
        if self.member is not None and self.member.silent:
            reasons.append("silent")
        if self.member is not None and self.member.pulse.astray:
            reasons.append("clock")
        return reasons if here.armed else [*reasons, "disarmed"]

    async def render_metrics(self) -> bytes:
        """The metrics page, counted afresh."""
        self.metrics.reach(self.metrics.crashes, self.engine.crashes)
        self.metrics.units_running.set(self.engine.busy)
        if self.member is not None:
            self.metrics.beat_age_seconds.set(self.member.pulse.unheard_for)
        for merchant in self.parties.merchants:
            if merchant.erp.clock_offset is not None:
                self.metrics.clock_offset_seconds.labels(merchant.name).set(merchant.erp.clock_offset)
        await self.gauges.look()
        await self._show_armed()
        if {*await self.ready()} - {"starting", "disarmed"}:  # which pass, or have a metric of their own
            self.metrics.ready.set(0)
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
            if self.member is not None:
                self.member.running = lambda: self.engine.running
            self.store.wake_now = self.wake_now
            self.store.on_due = self.engine.wake if isinstance(self.engine, Embedded) else None
            self.store.on_soon = self.engine.wake_in
            self.engine.start()
            self.started = True
            try:
                async with self.arming.followed(), kept_up(self.store, speaks=self._speaks):
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
                async with self.turning(listen=False, stop=stop), self._telling():
                    notifier.ready()
                    fresh = await self._watch(stop, notifier, hangup)
                    if fresh is None:
                        notifier.stopping()
                if fresh is not None:
                    await self._become(fresh)

    def _telling(self) -> AbstractAsyncContextManager[None]:
        """People are told of trouble by one process, however many there are."""
        return telling(self.alerts, speaks=self._speaks)

    @property
    def _speaks(self) -> Callable[[], Awaitable[bool]] | None:
        """Whether this process, of many, is the one that does what is done once; None where it is alone."""
        return self.member.speaks if self.member else None

    async def _watch(self, stop: asyncio.Event, notifier: Notifier, hangup: Hangup) -> App | None:
        """Tell systemd that the loop turns, for as long as it does; what to become at a hangup, None at the end."""
        while not stop.is_set():
            if not await self.alive():
                notifier.watchdog()
            await first_of(stop, hangup.heard, timeout=notifier.watchdog_every)
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
        if unchanged := kept(self.settings, fresh.settings):
            log.warning("settings.kept", names=" ".join(unchanged))
        await self.parties.close()
        for name in ("settings", "parties", "stages", "engine", "gauges", "alerts", "brake", "arming", "wake_now"):
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
        """Run every stage until nothing is due soon without a person, or `timeout` seconds are over."""
        async with self.turning(listen=False):
            return await self.until_settled(timeout, soon=SOON)

    async def until_settled(self, timeout: float | None, *, soon: timedelta | None = None) -> Settled:
        """Wait, while the stages turn, until only a person could go on; `soon` as for `settled`."""
        deadline = None if timeout is None else time.monotonic() + timeout
        began_at = self.store.clock.now()
        while True:
            settled = await self.settled(soon=soon, began_at=began_at)
            if settled.done or (deadline is not None and time.monotonic() > deadline):
                return settled
            await asyncio.sleep(0.1)

    async def settled(self, *, soon: timedelta | None = None, began_at: datetime | None = None) -> Settled:
        """What is still to be done, and whether only a person can do it (`syncd.settled.look`)."""
        return await look(
            self.store,
            self.arming,
            self.parties.merchants,
            {(stage.name, key) for stage in self.stages.values() for key in stage.keys},
            busy=self.engine.busy > 0,
            soon=soon,
            began_at=began_at,
        )


@asynccontextmanager
async def open_app(
    settings: Settings,
    *,
    clock: Clock | None = None,
    tick: float = 1.0,
    rng: Callable[[], float] = random.random,
    exclusive: bool = True,
    wait_for_lock: float = 0.0,
    leases: LeaseClock | None = None,
    role: Role = "all",
    concurrency: int = CONCURRENCY,
) -> AsyncIterator[App]:
    """Take the store's lock, look it through, bring it up to date, and join everything.

    A store that is not certainly the newest of its line comes up disarmed: it reads and asks, and sends nothing.
    `wait_for_lock` is in seconds; `leases` as for `Store.at`. Without `exclusive` the store is shared: no kernel lock
    is taken, nobody's lease is voided, and only the leases and fences of the units keep the workers apart. An engine of
    kind "distributed" is always such a one: `role` says what it does, and `concurrency` at how many units of one stage.

    Raises: HeldElsewhere, NetworkStore, Corrupt, TooNew, UnsupportedStore, WitnessUnusable, StoreUnavailable.
    """
    clock = clock or SystemClock()
    url = settings.store.url.get_secret_value()
    store = Store.at(url, clock, leases=leases)
    member: Member | None = None
    if settings.engine.kind == "distributed":
        exclusive = False
        places = concurrency if role != "scheduler" else 0
        member = Member(Store.at(url, clock, connections=1), role, places, settings=settings.fingerprint)
        store.host = member.host
    if store.path is not None:
        refuse_network(store.path)
    async with held(url, exclusive=exclusive, wait=wait_for_lock):
        store.alone = exclusive
        await asyncio.to_thread(require_whole, url)
        await migrate.upgrade(url)
        if member is not None:
            await queue_made(url)
        async with member.joined() if member else nullcontext():
            place = await place_of(url)
            guard = Guard(witness_folder(settings.store.witness, store.path, os.environ), place, shared=bool(member))
            if member is not None:
                member.guard = guard
            metrics = Metrics(clock.monotonic)
            if store.alone:
                async with store.read() as tx:
                    store.silent_for = await silent_for(tx)
            parties = join(settings, store, clock, metrics.called)
            store.silent_for = 0.0  # from now on it may be us who called
            try:
                vouched = member.vouched if member else None
                await opened(store, guard, parties.merchants, exclusive=exclusive, vouched=vouched)
                app = _assemble(settings, store, parties, metrics, tick, rng, member)
                await app.prepare(exclusive=exclusive)
                await app.gauges.begin()
                try:
                    yield app
                finally:
                    await app.parties.close()  # others than at the start, after a reload
            finally:
                await parties.close()
                await store.close()


def _assemble(
    settings: Settings,
    store: Store,
    parties: Parties,
    metrics: Metrics,
    tick: float,
    rng: Callable[[], float],
    member: Member | None = None,
) -> App:
    def remade(other: Settings) -> App:
        return _assemble(other, store, join(other, store, store.clock, metrics.called), metrics, tick, rng, member)

    if member is not None:
        member.settings = settings.fingerprint
    brake = Brake()
    stages: dict[str, Stage] = {stage.name: stage for stage in stages_of(settings, store, parties, brake, rng)}

    known = {name: frozenset(stage.keys) for name, stage in stages.items()}

    async def due(stage: str) -> list[str]:
        try:
            found = {unit.key: unit.rested for unit in await store.desk.due(stage) if unit.key in known[stage]}
            asleep = await look_over(store, stages[stage], [key for key, rested in found.items() if rested])
            return [key for key in found if key not in asleep]
        except StoreUnavailable as error:
            log.warning("store.refused", stage=stage, unit="*", why=str(error))
            return []

    strange: set[tuple[str, str]] = set()

    async def run(stage: str, key: str) -> None:
        if key not in known[stage]:  # it stays due, and the next one who is given it may know it
            if (stage, key) not in strange:
                strange.add((stage, key))
                log.warning("unit.unknown", stage=stage, unit=key)
            return
        metrics.ticks.labels(stage).inc()
        await run_unit(store, stages[stage], key, rng)

    engine: Engine
    wake_now: WakeNow | None = None
    if member is None:
        engine = Embedded(list(stages), due, run, tick=tick, group=group_of, places=PLACES)
    else:
        engine, wake_now = shared_engine(settings, member, stages, due, run, tick)
    served = served_by(parties)
    channels = channels_of(settings)
    return App(
        settings,
        store,
        parties,
        stages,
        engine,
        metrics,
        Gauges(
            metrics,
            store,
            served,
            counts=member is None or member.role != "worker",
            calls=member is None or member.role != "scheduler",
        ),
        watch_of(settings, store, served, channels) if channels else None,
        brake,
        Arming(store, {merchant.sid: str(merchant.name) for merchant in parties.merchants}, stages),
        remade,
        member,
        wake_now,
    )


def served_by(parties: Parties) -> list[Served]:
    """The configured merchants, as the gauges and the alerts see them."""
    return [Served(str(one.name), one.sid, one.issuer.name, one.issuer.profile.kind) for one in parties.merchants]
