"""Comparing a store with its witness at start, letting it write outside, and arming it again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from syncd.store.instance import Instance
from syncd.store.witness import Finding, Overtaken, Witness, WitnessBusy, WitnessFolder, compare

if TYPE_CHECKING:
    from datetime import datetime

    from syncd.store.store import Store

log = structlog.get_logger("syncd.store")

#: How often, and how many times, another process's writing of the witness is waited for: five seconds.
_EVERY, _TIMES = 0.02, 250


class NoWitness(Exception):
    """The witness could not be written: the commit stands, the call must not be made."""


class Guard:
    """Stands between a commit and the call it allows: without the witness written there is no call."""

    def __init__(self, folder: WitnessFolder, store: Path) -> None:
        self.folder = folder
        self.path = os.path.realpath(store)

    def seen(self, instance: Instance) -> Witness | None:
        """What the witness says of `instance`."""
        return self.folder.read(instance.id)

    def deleted_here(self, instance: Instance) -> list[Witness]:
        """Witnesses of databases that were at this path and are gone."""
        return self.folder.others_at(self.path, instance.id)

    async def advance(self, instance: Instance, at: datetime) -> None:
        """Remember that `instance` is about to write outside. Raises Overtaken, NoWitness."""
        await self._write(self.folder.advance, instance, at)

    async def take(self, instance: Instance, at: datetime) -> None:
        """Remember that `instance` is the one, whatever was remembered before. Raises NoWitness."""
        await self._write(self.folder.write, instance, at)

    async def _write(self, write: Callable[[Witness], None], instance: Instance, at: datetime) -> None:
        witness = Witness(instance.id, instance.epoch, self.path, instance.term, at.isoformat(timespec="seconds"))
        for _ in range(_TIMES):
            try:
                # In the loop's own thread: once begun it ends, and nothing is cancelled between commit and witness.
                return write(witness)
            except WitnessBusy:
                await asyncio.sleep(_EVERY)
            except OSError as error:
                raise NoWitness(f"the witness in {self.folder.folder} cannot be written: {error.strerror}") from error
        raise NoWitness(f"the witness in {self.folder.folder} is being written by somebody else")


async def open_instance(store: Store, guard: Guard, *, exclusive: bool, all_refuse_doubles: bool) -> Instance:
    """Find out whether this store is the newest of its line, and disarm it where that is not certain.

    `all_refuse_doubles`: every issuer is of class A, so that even a store that knows nothing finds its invoices by
    their keys. Raises NoWitness, StoreUnavailable.
    """
    store.guard = guard
    if guard.folder.beside:
        log.warning("instance.witness_beside", folder=str(guard.folder.folder))
    async with store.begin(fact="instance.opened") as tx:
        known = await tx.instance.get()
        if known is None:
            known = await tx.instance.create()
            if await tx.instance.has_sent():  # rows without an instance: somebody took it away
                await tx.instance.disarm(Finding.WITNESS_MISSING)
            elif gone := guard.deleted_here(known):
                log.warning("restore.detected", fresh=True, epoch_db=0, epoch_seen=max(one.epoch for one in gone))
                if not all_refuse_doubles:
                    await tx.instance.disarm("deleted")
    # The witness is read before the row is read again: another worker may go on in between, and the row with it.
    witness = guard.seen(known)
    async with store.begin(fact="instance.compared") as tx:
        here = await tx.instance.get()
        assert here is not None
        finding = compare(here.id, here.epoch, guard.path, witness)
        if finding is not Finding.FINE and not _known_already(here, finding):
            seen = witness.epoch if witness else 0
            doubted = await tx.instance.disarm(finding, witness.store if witness else "", seen)
            await tx.journal.add("instance.disarmed", why=str(finding), epoch_db=here.epoch, epoch_seen=seen)
            _tell(finding, here, witness, doubted)
        elif here.armed and exclusive:
            await tx.instance.new_term()
        here = await tx.instance.get()
        assert here is not None
        at = tx.now
    if here.armed:
        await _announce(store, guard, here, at, exclusive)
    else:
        log.warning("instance.disarmed", why=here.why, about=here.about)
    return here


def _known_already(here: Instance, finding: Finding) -> bool:
    """A store disarmed for being elsewhere stays so; new doubts arise only where more may have been forgotten."""
    return not here.armed and finding is Finding.MOVED


async def _announce(store: Store, guard: Guard, here: Instance, at: datetime, exclusive: bool) -> None:
    if exclusive:
        await guard.take(here, at)
        return
    try:
        await guard.advance(here, at)
    except Overtaken as other:
        await overtaken(store, other)


def _tell(finding: Finding, here: Instance, witness: Witness | None, doubted: int) -> None:
    if finding is Finding.WITNESS_MISSING:
        log.error("restore.witness_missing", epoch_db=here.epoch, doubted=doubted)
        return
    assert witness is not None
    log.error(
        "restore.detected",
        why=str(finding),
        epoch_db=here.epoch,
        epoch_seen=witness.epoch,
        known_at=witness.store,
        doubted=doubted,
    )


async def overtaken(store: Store, other: Overtaken) -> None:
    """Somebody else goes on in our place: stop at once."""
    async with store.begin(fact="instance.disarmed") as tx:
        doubted = await tx.instance.disarm("overtaken", str(other))
        await tx.journal.add("instance.disarmed", why="overtaken", by=str(other))
    log.error("instance.overtaken", by=str(other), doubted=doubted)


async def disarm(store: Store, reason: str, by: str) -> None:
    """A person's word: nothing is sent until the store is armed again."""
    async with store.begin(fact="instance.disarmed") as tx:
        await tx.instance.disarm("operator", reason)
        await tx.journal.add("instance.disarmed", why="operator", reason=reason, by=by)


async def arm(store: Store, guard: Guard, by: str) -> Instance:
    """Let the store write outside again, for a person who asked for it. Raises NoWitness."""
    async with store.begin(fact="instance.armed") as tx:
        here = await tx.instance.get()
        assert here is not None
        if here.armed:
            return here
        witness = guard.seen(here)
        armed = await tx.instance.arm(witness.epoch if witness else 0, new_id=_goes_on_elsewhere(guard, witness))
        await tx.journal.add("instance.armed", by=by, epoch=armed.epoch)
        at = tx.now
    await guard.take(armed, at)
    log.info("instance.armed", by=by, epoch=armed.epoch, why=here.why)
    return armed


def _goes_on_elsewhere(guard: Guard, witness: Witness | None) -> bool:
    """Whether the store this one was copied from still exists: it keeps the id, this one gets its own."""
    if witness is None or witness.store == guard.path:
        return False
    other = Path(witness.store)
    return other.exists() and not other.samefile(guard.path)
