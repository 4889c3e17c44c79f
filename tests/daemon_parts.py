"""A daemon that is turned by hand: a clock tests move, settings for a sandbox, and a loop without waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from syncd.app import App, open_app
from syncd.config import Settings, from_mapping
from syncd.domain.clock import BEIJING
from syncd.domain.lifecycle import State
from syncd.sandbox import Sandbox
from syncd.scenarios.clocks import NOON as NOON
from syncd.scenarios.clocks import VirtualClock as VirtualClock
from syncd.stages.turn import run_unit
from syncd.store.journal import Entry
from syncd.store.orders import OrderView

#: Nothing the daemon does by itself comes later than this after what causes it, but for late-issue sweeps.
SOON = timedelta(minutes=20)


def settings_for(
    sandbox: Sandbox, folder: Path, more: Sequence[dict[str, Any]] = (), **overrides: dict[str, Any]
) -> Settings:
    """Settings of one merchant at `sandbox`; each override is merged into the section of its name.

    `wdt`, `alibaba`, `yuannian` and `issuer` stand for the merchant's accounts; `more` are merchants beside it.
    """
    wdt = {
        "url": sandbox.wdt_url,
        "sid": "demo_sid",
        "key": "demo_sid-syncd",
        "secret": "demosecret:demosalt",
        "calls_per_minute": 6000,
        "timeout": "3s",
        **overrides.pop("wdt", {}),
    }
    issuer = {
        "kind": "nuonuo",
        "url": sandbox.nuonuo_url,
        "app_key": "demo_key",
        "secret": "demo_secret",
        "token": "demo_token",
        "tax_no": "339902999999789113",
        "allow_plain_http": True,
        "calls_per_minute": 60_000,
        "timeout": "3s",
        **overrides.pop("issuer", {}),
    }
    start = (datetime.fromtimestamp(sandbox.options.clock(), BEIJING) - timedelta(days=1)).strftime("%Y-%m-%d %H:%M:%S")
    sections: dict[str, dict[str, Any]] = {
        "store": {"url": f"sqlite:///{folder}/syncd.db"},
        "console": {"listen": "127.0.0.1:0"},
        "schedule": {"poll": "30s", "mirror": "2m", "push": "10s", "collect": "10s", "write_back": "10s"},
        "poll": {"start": start},
    }
    optional = {name: overrides.pop(name) for name in ("alibaba", "yuannian") if name in overrides}
    for name, section in overrides.items():
        sections[name] = {**sections.get(name, {}), **section}
    merchants = [{"name": "m001", "issuer": "main", "wdt": wdt, **optional}, *more]
    return from_mapping({**sections, "merchants": merchants, "issuers": {"main": issuer}})


class Daemon:
    """The real program without its engine: units are run when they are due, and time jumps to the next of them."""

    def __init__(self, app: App, clock: VirtualClock) -> None:
        self.app = app
        self.clock = clock
        self._rounds = 0

    @classmethod
    @asynccontextmanager
    async def on(cls, settings: Settings, clock: VirtualClock) -> AsyncIterator[Self]:
        async with open_app(settings, clock=clock, rng=lambda: 0.5) as app:
            yield cls(app, clock)

    async def turn(self, stage: str, feed: str = "") -> None:
        """One turn at a unit of the merchant, due or not."""
        key = f"m001/{feed}" if feed else "m001"
        async with self.app.store.begin() as tx:
            await tx.units.wake(stage, key)
        assert await run_unit(self.app.store, self.app.stages[stage], key, lambda: 0.5) is not None

    async def pass_by(self, span: timedelta | float = SOON) -> None:
        """Let the world go on for `span`, everything that comes due in it being done."""
        end = self.clock.world + (span if isinstance(span, timedelta) else timedelta(seconds=span))
        while self.clock.world < end:
            await self._step()
        self.clock.world = end

    async def until(self, holds: Callable[[], Awaitable[bool]], within: timedelta = SOON) -> None:
        """Let time pass until `holds`, at most `within`."""
        end = self.clock.world + within
        while not await holds():
            assert self.clock.world < end, "it did not come to that in time"
            if not await self._step():
                await self._step()  # only time has passed: nothing to look at before what came due with it

    async def settle(self, within: timedelta = SOON) -> None:
        """Until nothing is left that the daemon can do without a person."""

        async def done() -> bool:
            return (await self.app.settled()).done

        await self.until(done, within)

    async def _step(self) -> bool:
        """Run what is due; when nothing is, go on to when something will be. Whether anything ran."""
        if await self._run_due():
            self._rounds += 1
            assert self._rounds < 100, "the daemon spins: something is due again and again without time passing"
            return True
        self._rounds = 0
        self.clock.world = max(await self._next_due() - self.clock.skew, self.clock.world + timedelta(milliseconds=50))
        return False

    async def _run_due(self) -> int:
        async with self.app.store.read() as tx:
            due = [(stage, key) for stage in self.app.stages.values() for key in await tx.units.due(stage.name)]
        return sum([await run_unit(self.app.store, stage, key, lambda: 0.5) is not None for stage, key in due])

    async def _next_due(self) -> datetime:
        async with self.app.store.read() as tx:
            return min((unit.next_at for unit in await tx.units.all() if unit.next_at), default=self.clock.now())

    # -- looking ---------------------------------------------------------------------------------------------------

    async def orders(self) -> dict[str, OrderView]:
        async with self.app.store.read() as tx:
            return {order.no: order for order in await tx.board.orders()}

    async def order(self, no: str) -> OrderView:
        return (await self.orders())[no]

    async def state(self, no: str) -> State:
        return (await self.order(no)).state

    async def story(self, no: str) -> list[Entry]:
        order = await self.order(no)
        async with self.app.store.read() as tx:
            return await tx.journal.of(order.id)

    async def comes_to(self, no: str, state: State, within: timedelta = SOON) -> OrderView:
        async def there() -> bool:
            known = await self.orders()
            return no in known and known[no].state is state

        await self.until(there, within)
        return await self.order(no)


async def run_once(settings: Settings, clock: VirtualClock, within: timedelta = SOON) -> dict[str, OrderView]:
    """Everything there is to do, as `syncd run --once` does it; the orders as they then stand."""
    async with Daemon.on(settings, clock) as daemon:
        await daemon.settle(within)
        return await daemon.orders()
