"""The places of a credential's line, taken by workers with stores of their own, and by processes of their own."""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
from datetime import timedelta

import pytest
from daemon_parts import VirtualClock

from syncd.domain.clock import SystemClock
from syncd.domain.trouble import Paced
from syncd.sandbox.wdt.tenant import Credential
from syncd.store.paces import Paces, silent_for
from syncd.store.store import Store
from syncd.store.units import LeaseClock

#: What a limit of 60 is spread to (`domain.budget.MINUTE`).
SPACING = 1.02
#: Takes one place after the other as fast as it can, and says at which instants they come.
TAKER = """
import asyncio, json, sys, time
from syncd.domain.clock import SystemClock
from syncd.store.paces import Paces
from syncd.store.store import Store

async def main(url, times):
    async with Store.at(url, SystemClock()) as store:
        book, instants = Paces(store, "wdt", "demo_sid/demo_key"), []
        for _ in range(times):
            wait_for = await book.take(1, 1.02)
            instants.append(time.time() + wait_for)
    print(json.dumps(instants))

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def refused(instants: list[float]) -> int:
    """How many of these calls the simulated WDT turns away at 60 a minute."""
    gate = Credential("demo_key", "demosecret", "demosalt")
    return sum(not gate.may_call(at, 60, 0.0) for at in sorted(instants))


async def test_workers_with_stores_of_their_own_never_have_the_same_place(url: str, clock: VirtualClock) -> None:
    stores = [Store.at(url, clock, leases=LeaseClock.HOST) for _ in range(4)]

    async def take(store: Store) -> list[float]:
        book, taken = Paces(store, "wdt", "demo_sid/demo_key"), list[float]()
        for places in (1, 2, 3) * 5:
            first = await book.take(places, SPACING)
            taken += [first + place * SPACING for place in range(places)]
        return taken

    try:
        by_worker = await asyncio.gather(*(take(store) for store in stores))
    finally:
        for store in stores:
            await store.close()

    taken = sorted(itertools.chain.from_iterable(by_worker))
    assert taken == pytest.approx([place * SPACING for place in range(120)])
    assert refused(taken) == 0


def test_processes_that_call_with_one_credential_keep_its_limit_together(url: str) -> None:
    """Each by its own clock on a file, all by the server's on PostgreSQL."""
    command = [sys.executable, "-c", TAKER, url, "40"]
    takers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]

    instants = [at for taker in takers for at in json.loads(taker.communicate(timeout=60)[0])]

    assert len(instants) == 120
    assert refused(instants) == 0
    assert max(instants) - min(instants) == pytest.approx(119 * SPACING, abs=1)


async def test_credentials_have_lines_of_their_own(store: Store) -> None:
    await Paces(store, "wdt", "demo_sid/demo_key").take(30, SPACING)

    assert await Paces(store, "wdt", "demo_sid/another").take(1, SPACING) == 0
    assert await Paces(store, "nuonuo", "demo_sid/demo_key").take(1, SPACING) == 0


async def test_a_restart_finds_the_places_that_were_taken(store: Store, clock: VirtualClock) -> None:
    await Paces(store, "wdt", "demo_sid/demo_key").take(1, SPACING)
    clock.advance(0.5)

    assert await Paces(store, "wdt", "demo_sid/demo_key").take(1, SPACING) == pytest.approx(SPACING - 0.5)


async def test_how_long_nobody_has_called_is_told_by_turns_that_ended_and_places_that_were_taken(
    store: Store, clock: VirtualClock
) -> None:
    async def silence() -> float:
        async with store.read() as tx:
            return await silent_for(tx)

    assert await silence() == 0  # nobody can know: a store that was lost may have called just now
    async with store.begin() as tx:
        await tx.units.ensure("poll", "m001/pending")
        claim = await tx.units.claim("poll", "m001/pending", timedelta(seconds=60))
    assert claim is not None
    clock.advance(30)
    assert await silence() == 0  # whoever had it was killed, perhaps just now

    async with store.begin() as tx:
        await tx.units.finish(claim, next_at=clock.now())
    clock.advance(30)
    assert await silence() == 30

    await Paces(store, "wdt", "demo_sid/demo_key").take(1, 10)
    clock.advance(15)
    assert await silence() == 5


async def test_a_line_written_by_a_clock_that_was_ahead_is_void(store: Store, clock: VirtualClock) -> None:
    """F103."""
    book = Paces(store, "wdt", "demo_sid/demo_key")
    clock.advance(timedelta(days=1))
    await book.take(1, SPACING)
    clock.advance(timedelta(days=-1))

    assert await book.take(1, SPACING) == 0
    assert await book.take(1, SPACING) == pytest.approx(SPACING)


async def test_a_long_line_is_no_clocks_mistake(store: Store) -> None:
    """Many workers, one call a minute."""
    book = Paces(store, "wdt", "demo_sid/demo_key")

    assert [await book.take(1, 61.2) for _ in range(60)] == pytest.approx([61.2 * place for place in range(60)])


async def test_without_the_store_there_is_no_place() -> None:
    """What cannot be counted is not called: the credential rests a little."""
    clock = SystemClock()
    nobody = Store.at("postgresql://demo:demo_secret@127.0.0.1:1/nothing", clock)

    try:
        with pytest.raises(Paced) as paced:
            await Paces(nobody, "wdt", "demo_sid/demo_key").take(1, SPACING)
    finally:
        await nobody.close()

    assert timedelta(0) < paced.value.until - clock.now() < timedelta(seconds=5)
