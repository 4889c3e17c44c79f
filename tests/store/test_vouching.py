"""Hosts that share a store on PostgreSQL, each with a witness of its own (F26, F111)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from daemon_parts import VirtualClock
from store_parts import raw

from syncd.store.guard import Guard, arm, disarm, open_instance
from syncd.store.instance import Disarmed, Instance
from syncd.store.place import known_place
from syncd.store.store import Store
from syncd.store.witness import Finding, Witness, WitnessFolder, compare


async def somebody() -> bool:
    return True


async def nobody() -> bool:
    return False


@pytest.fixture
async def hosts(emptied: str, clock: VirtualClock, tmp_path: Path) -> AsyncIterator[Callable[[str], Store]]:
    """Stores over one database, by the name of the host; each host keeps its witnesses in its own folder."""
    async with AsyncExitStack() as stack:
        made: dict[str, Store] = {}

        def host(name: str) -> Store:
            if name not in made:
                (tmp_path / name).mkdir()
                made[name] = Store.at(emptied, clock)
                stack.push_async_callback(made[name].close)
                place = known_place(emptied)
                made[name].guard = Guard(WitnessFolder(tmp_path / name), place, shared=True)
            return made[name]

        yield host


async def start(store: Store, *, vouched: Callable[[], Awaitable[bool]] = nobody) -> Instance:
    """As a worker starts on this host."""
    assert store.guard is not None
    return await open_instance(store, store.guard, exclusive=False, all_refuse_doubles=True, vouched=vouched)


async def send(store: Store) -> None:
    async with store.begin(outward=True):
        pass


async def test_a_host_that_joins_a_living_fleet_begins_a_witness(hosts: Callable[[str], Store]) -> None:
    await start(hosts("first"))
    await send(hosts("first"))

    joined = await start(hosts("second"), vouched=somebody)

    assert joined.armed
    await send(hosts("second"))
    await send(hosts("first"))


async def test_a_host_without_a_witness_disarms_a_store_nobody_vouches_for(hosts: Callable[[str], Store]) -> None:
    """A backup that was put back looks just like that."""
    await start(hosts("first"))
    await send(hosts("first"))

    joined = await start(hosts("second"))

    assert (joined.armed, joined.why) == (False, Finding.WITNESS_MISSING)


async def test_nobody_vouches_against_a_witness_that_knows_better(
    hosts: Callable[[str], Store], emptied: str, clock: VirtualClock, tmp_path: Path
) -> None:
    """The store is behind what this very host has sent: somebody else's word does not help."""
    here = await start(hosts("first"))
    await send(hosts("first"))
    folder = WitnessFolder(tmp_path / "first")
    witness = folder.read(here.id)
    assert witness is not None
    folder.write(type(witness)(witness.instance, witness.epoch + 5, witness.store, witness.term, ""))

    again = await start(hosts("first"), vouched=somebody)

    assert (again.armed, again.why) == (False, Finding.RESTORED)


async def test_a_host_follows_a_store_that_was_armed_on_another(hosts: Callable[[str], Store]) -> None:
    first, second = hosts("first"), hosts("second")
    await start(first)
    await send(first)
    await start(second, vouched=somebody)
    await send(second)
    await disarm(first, "a look at the figures", "wang")
    assert first.guard is not None
    await arm(first, first.guard, "wang")

    await send(second)

    await send(first)
    assert second.guard is not None
    assert second.guard.knows


async def test_a_start_follows_a_store_that_one_process_had_alone_meanwhile(hosts: Callable[[str], Store]) -> None:
    first, second = hosts("first"), hosts("second")
    await start(first)
    await send(first)
    assert second.guard is not None
    await start(second, vouched=somebody)
    await open_instance(second, second.guard, exclusive=True, all_refuse_doubles=True)

    here = await start(first)

    assert here.armed
    await send(first)
    await send(second)


async def test_a_witness_that_somebody_else_wrote_is_not_followed(
    hosts: Callable[[str], Store], tmp_path: Path
) -> None:
    """F111. Another store of the same line was at work on this host: one of the two must stop."""
    first = hosts("first")
    here = await start(first)
    await send(first)
    folder = WitnessFolder(tmp_path / "first")
    witness = folder.read(here.id)
    assert witness is not None
    folder.write(type(witness)(witness.instance, witness.epoch, witness.store, "another term", ""))

    with pytest.raises(Disarmed):
        await send(first)


async def test_the_line_a_store_was_moved_from_ends_on_every_host_that_starts_the_new_one(
    hosts: Callable[[str], Store], tmp_path: Path
) -> None:
    """A backup of the old server stands where the old store stood; the move itself ran on another host than this."""
    host = hosts("worker")
    folder = WitnessFolder(tmp_path / "worker")
    left = Witness("old", 7, "postgresql:1/5/syncd", "a term", "2026-11-20T12:00:00+08:00")
    folder.write(left)
    async with host.begin() as tx:
        await tx.instance.create()
    with raw(host) as db:
        db.execute("UPDATE instance SET other = 'old'")

    await start(host)

    assert compare("old", 7, left.store, folder.read("old")) is Finding.MOVED_AWAY
