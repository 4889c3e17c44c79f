"""Comparing a store with its witness at start, letting it write outside, and arming it again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

import structlog

from syncd.store.instance import MOVED_HERE, InAMove, Instance
from syncd.store.postgres import DATABASE
from syncd.store.witness import ENDED, Finding, Overtaken, Witness, WitnessBusy, WitnessFolder, compare

if TYPE_CHECKING:
    from datetime import datetime

    from syncd.store.store import Store

log = structlog.get_logger("syncd.store")

T = TypeVar("T")

#: How often, and how many times, another process's writing of the witness is waited for: five seconds.
_EVERY, _TIMES = 0.02, 250


#: Whether another worker vouches for the store; it may take its time.
Vouched = Callable[[], Awaitable[bool]]


class NoWitness(Exception):
    """The witness could not be written: the commit stands, the call must not be made."""


class WentBack(Exception):
    """The store is at an epoch again that was durable before; `seen` is how far it was known to be."""

    def __init__(self, seen: int) -> None:
        super().__init__(f"the store was at epoch {seen} before")
        self.seen = seen


class Guard:
    """Stands between a commit and the call it allows: without the witness written there is no call."""

    def __init__(self, folder: WitnessFolder, store: Path | str, *, shared: bool = False) -> None:
        """`store` is a SQLite store's file, or what `syncd.store.place` calls any store.

        `shared`: workers on other hosts use this store too, each with a witness of its own. A term that the store takes
        there (one of them arms it) is followed here.
        """
        self.folder = folder
        self._shared = shared
        self._term = ""
        #: The furthest this process has gone itself, or has heard of: the store's id, and its epoch then.
        self.furthest = ("", 0)
        self._us = uuid4().hex
        self.path = os.path.realpath(store) if isinstance(store, Path) else store

    def seen(self, instance: Instance) -> Witness | None:
        """What the witness says of `instance`."""
        return self.folder.read(instance.id)

    def deleted_here(self, instance: Instance) -> list[Witness]:
        """Witnesses of databases that were at this path and are gone."""
        return self.folder.others_at(self.path, instance.id)

    @property
    def knows(self) -> bool:
        """Whether this process has a witness that agrees with the store."""
        return bool(self._term)

    def agrees(self, witness: Witness) -> None:
        """What was found at the start is the witness of this very store, which is as far or further."""
        self._term = witness.term

    async def announce(self, instance: Instance, at: datetime) -> None:
        """Remember how far `instance` is, before anything is done with it. Raises Overtaken, NoWitness."""
        await self._advance(self._witness(instance, at))
        self._remember(instance)

    async def advance(self, instance: Instance, at: datetime) -> int:
        """Remember that `instance` is about to write outside, by a transaction of ours that is durable.

        Returns the furthest that anybody on this host had it durable: the store must be as far by now. Raises
        WentBack where another transaction had this very epoch, Overtaken, NoWitness.
        """
        ours = replace(self._witness(instance, at), by=self._us)
        stands = await self._advance(ours)
        self._remember(instance)
        if stands.epoch == ours.epoch and stands.by != ours.by:
            raise WentBack(stands.epoch)
        return stands.epoch

    async def _advance(self, witness: Witness) -> Witness:
        after = self._term if self._shared else ""
        return await self._write(partial(self.folder.advance, after=after), witness)

    def hear(self, instance: Instance) -> None:
        """The store has gone this far, whoever took it there: before that it must never be again."""
        known, epoch = self.furthest
        self.furthest = (instance.id, max(instance.epoch, epoch if known == instance.id else 0))

    async def take(self, instance: Instance, at: datetime) -> None:
        """Remember that `instance` is the one, whatever was remembered before. Raises NoWitness."""
        await self._write(self.folder.write, self._witness(instance, at))
        self._remember(instance)

    def _remember(self, instance: Instance) -> None:
        self._term = instance.term
        self.hear(instance)

    async def end(self, instance: Instance, goes_on_at: str, at: datetime) -> None:
        """Remember that the line of `instance` has ended: no copy of it may ever send. Raises NoWitness."""
        await self._write(self.folder.write, replace(self._witness(instance, at), store=goes_on_at, term=ENDED))

    async def end_before(self, instance: Instance) -> None:
        """The line that `instance` was moved from has ended on this host too, whichever one it was moved on.

        Else a backup of it, of the whole server and so at the same place, would find its witness here in order. Raises
        NoWitness.
        """
        left = self.folder.read(instance.other) if instance.other else None
        if left is not None and left.term != ENDED:
            await self._write(self.folder.write, replace(left, store=self.path, term=ENDED))

    def _witness(self, instance: Instance, at: datetime) -> Witness:
        return Witness(instance.id, instance.epoch, self.path, instance.term, at.isoformat(timespec="seconds"))

    async def _write(self, write: Callable[[Witness], T], witness: Witness) -> T:
        for _ in range(_TIMES):
            try:
                # In the loop's own thread: once begun it ends, and nothing is cancelled between commit and witness.
                return write(witness)
            except WitnessBusy:
                await asyncio.sleep(_EVERY)
            except OSError as error:
                raise NoWitness(f"the witness in {self.folder.folder} cannot be written: {error.strerror}") from error
        raise NoWitness(f"the witness in {self.folder.folder} is being written by somebody else")


async def open_instance(
    store: Store, guard: Guard, *, exclusive: bool, all_refuse_doubles: bool, vouched: Vouched | None = None
) -> Instance:
    """Find out whether this store is the newest of its line, and disarm it where that is not certain.

    `all_refuse_doubles`: every issuer is of class A, so that even a store that knows nothing finds its invoices by
    their keys. `vouched` tells whether a worker that is at work on this very store now knows it by its own witness;
    then a host that has none yet begins one. Raises NoWitness, InAMove, StoreUnavailable.
    """
    store.guard = guard
    if guard.folder.beside:
        log.warning("instance.witness_beside", folder=str(guard.folder.folder))
    async with store.begin(fact="instance.opened") as tx:
        await tx.instance.require_workable()
        known = await tx.instance.get()
        if known is None:
            known = await tx.instance.create()
            if await tx.instance.has_sent():  # rows without an instance: somebody took it away
                await tx.instance.disarm(Finding.WITNESS_MISSING)
            elif gone := guard.deleted_here(known):
                log.warning("restore.detected", fresh=True, epoch_db=0, epoch_seen=max(one.epoch for one in gone))
                if not all_refuse_doubles:
                    await tx.instance.disarm("deleted")
    await guard.end_before(known)
    # The witness is read before the row is read again: another worker may go on in between, and the row with it.
    witness = guard.seen(known)
    if witness is None and known.epoch and vouched is not None and await vouched():
        log.info("instance.vouched", epoch=known.epoch)
        await guard.take(known, store.clock.now())
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
        if finding is Finding.FINE and witness is not None:
            guard.agrees(witness)
        here = await tx.instance.get()
        assert here is not None
        at = tx.now
    if here.armed:
        await _announce(store, guard, here, at, exclusive)
    elif here.stuck:
        raise InAMove(here.why, here.about)
    else:
        log.warning("instance.disarmed", why=here.why, about=here.about)
    return here


def _known_already(here: Instance, finding: Finding) -> bool:
    """A store disarmed for being elsewhere stays so; new doubts arise only where more may have been forgotten.

    A store that has just been moved here has its witness already: elsewhere it is a copy of what was moved here.
    """
    return not here.armed and finding is Finding.MOVED and here.why != MOVED_HERE


async def _announce(store: Store, guard: Guard, here: Instance, at: datetime, exclusive: bool) -> None:
    if exclusive:
        await guard.take(here, at)
        return
    try:
        await guard.announce(here, at)
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


async def went_back(store: Store, epoch: int, seen: int) -> None:
    """The server was put back to an earlier state while we were at work: what it has forgotten may have been sent."""
    async with store.begin(fact="instance.disarmed") as tx:
        doubted = await tx.instance.disarm(Finding.RESTORED, "", seen)
        await tx.journal.add("instance.disarmed", why=str(Finding.RESTORED), epoch_db=epoch, epoch_seen=seen)
    log.error("restore.detected", why=str(Finding.RESTORED), epoch_db=epoch, epoch_seen=seen, doubted=doubted)


async def disarm(store: Store, reason: str, by: str) -> None:
    """A person's word: nothing is sent until the store is armed again."""
    async with store.begin(fact="instance.disarmed") as tx:
        await tx.instance.disarm("operator", reason)
        await tx.journal.add("instance.disarmed", why="operator", reason=reason, by=by)


async def arm(store: Store, guard: Guard, by: str) -> Instance:
    """Let the store write outside again, for a person who asked for it. Raises NoWitness, InAMove."""
    async with store.begin(fact="instance.armed") as tx:
        await tx.instance.require_workable()
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
    if witness.store.startswith(DATABASE):  # nobody here can tell: taken for alive, so that two never share an id
        return True
    other = Path(witness.store)
    return other.exists() and (guard.path.startswith(DATABASE) or not other.samefile(guard.path))
