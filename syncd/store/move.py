"""A store goes on in another database: copied, verified, and handed over so that at most one of the two ever sends.

The order of the commits is the proof. The copy is committed first, as one that nothing can arm; it is read back and
compared; then the old store is ended, and its witness with it; only then can a person arm the new one. A death between
two of them leaves nothing or one that can be armed, never two, and the same command goes on from there.
docs/decisions/0014 tells what was weighed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from syncd.store.copying import Content, contents, copy, counted
from syncd.store.dialect import is_postgresql
from syncd.store.guard import Guard
from syncd.store.instance import MOVED_AWAY, MOVING, Instance
from syncd.store.store import Store, Tx
from syncd.store.troubles import StoreUnavailable
from syncd.store.witness import Finding, Witness, compare

log = structlog.get_logger("syncd.store")


#: Is told of a step ("copy", "verify"), a table, how many of its rows are done and how many there are.
Step = Callable[[str, str, int, int], None]


class NotCertain(Exception):
    """The store to be moved may not be the newest of its line: it must find that out at a start first."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


class NeverStarted(Exception):
    """No program has ever worked on this store: there is nothing to move."""


class NotEmpty(Exception):
    """There are rows where the store should move to, and they are not of an earlier attempt to move this one."""

    def __init__(self, counts: dict[str, int]) -> None:
        super().__init__(", ".join(f"{name} {count}" for name, count in counts.items()))
        self.counts = counts


class AtWork(Exception):
    """Somebody holds a lease in the store that is to be moved."""

    def __init__(self, owners: Sequence[str]) -> None:
        super().__init__(", ".join(owners))
        self.owners = tuple(owners)


class AtTarget(Exception):
    """It is the other database that cannot be looked at; `error` says why."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Elsewhere(Exception):
    """The store was moved already, and not to where it should be moved now."""


class Differs(Exception):
    """What was written is not what was read: the old store is as it was, the new one can never be armed."""

    def __init__(self, tables: Sequence[str], found: Sequence[Content]) -> None:
        super().__init__(", ".join(tables))
        self.tables = tuple(tables)
        self.found = tuple(found)


@dataclass(frozen=True, slots=True)
class End:
    """One end of the move, held by this process alone. `name` is the store without its secrets, for people."""

    store: Store
    guard: Guard
    name: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a move is before this process does anything."""

    source: Instance
    target: Instance | None
    counts: dict[str, int]  # rows of the source

    @property
    def handed_over(self) -> bool:
        """The old store was ended already; the new one is or was only to be told so."""
        return self.source.why == MOVED_AWAY

    @property
    def leftover(self) -> bool:
        """A copy that an earlier attempt did not finish; it never was of any use and is made anew."""
        return self.target is not None and not self.handed_over


async def looked_at(here: End, there: Store | None, *, idle: bool = True) -> Standing:
    """Whether this store may be moved, and into there; nothing is changed. `there`: None where there is no schema yet.

    `idle`: nobody may be at work on it; else a daemon may go on meanwhile.
    Raises NeverStarted, NotCertain, AtWork, AtTarget, NotEmpty, Elsewhere, StoreUnavailable.
    """
    async with here.store.read() as tx:
        known = await tx.instance.get()
    # The witness is read before the row is read again: a daemon may go on in between, and the row with it.
    witness = here.guard.seen(known) if known is not None else None
    async with here.store.read() as tx:
        source = await _source(tx, here.guard, witness)
        if idle and source.why != MOVED_AWAY:
            await _require_idle(tx)
        counts = await counted(tx.connection)
    target: Instance | None = None
    if there is not None:
        try:
            target, filled = await _found(there)
        except (StoreUnavailable, DBAPIError) as error:
            raise AtTarget(error) from error
        if not _goes_on(source, target) and (filled or target is not None):
            raise Elsewhere(source.about) if source.why == MOVED_AWAY else NotEmpty(filled or {"instance": 1})
    if source.why == MOVED_AWAY and target is None:
        raise Elsewhere(source.about)
    return Standing(source, target, counts)


async def _found(there: Store) -> tuple[Instance | None, dict[str, int]]:
    """What the target is, and how many rows its tables have, as far as they have any."""
    async with there.read() as tx:
        counts = await counted(tx.connection)
        return await tx.instance.get(), {name: count for name, count in counts.items() if count}


async def _source(tx: Tx, guard: Guard, witness: Witness | None) -> Instance:
    here = await tx.instance.get()
    if here is None:
        raise NeverStarted
    if here.why == MOVED_AWAY:
        return here
    finding = compare(here.id, here.epoch, guard.path, witness)
    known = not here.armed and here.why == finding
    if here.stuck or (finding is not Finding.FINE and not known):
        raise NotCertain(finding)
    return here


async def _require_idle(tx: Tx) -> None:
    if owners := await tx.units.held():
        raise AtWork(owners)


def _goes_on(source: Instance, target: Instance | None) -> bool:
    """Whether `target` is what an earlier attempt to move `source` made."""
    if target is None:
        return False
    if source.why == MOVED_AWAY:
        return target.id == source.other
    return target.why == MOVING and not target.armed and target.other == source.id


async def moved(here: End, there: End, step: Step) -> list[Content]:
    """Move: copy, verify, end the old store, let the new one be armed; what every table held.

    `there` is empty and at this program's schema, or what an attempt left that had ended the old store already; then
    only the rest is done and the list is empty. Raises as `looked_at`, and CannotHold, Differs, NoWitness.
    """
    async with here.store.begin(fact="move.handed_over") as tx:
        await _unhurried(tx)
        known = await tx.instance.get()
        source = await _source(tx, here.guard, here.guard.seen(known) if known is not None else None)
        found: list[Content] = []
        if source.why != MOVED_AWAY:
            await _require_idle(tx)
            await tx.units.take_over()  # what dead workers left leased would be leased for ever elsewhere
            found = await _copied(tx, here, there, source, step)
            copy_ = await _target(there)
            source = await tx.instance.hand_over(copy_, there.name)
            await tx.journal.add("instance.moved_away", to=there.name)
        at = tx.now
    await here.guard.end(source, there.name, at)
    if found:
        log.info("instance.moved_away", to=there.name, epoch=source.epoch)
    await _taken_over(there, here.name, source)
    return found


async def _copied(tx: Tx, here: End, there: End, source: Instance, step: Step) -> list[Content]:
    """A committed copy that nothing can arm, read back. Raises Differs."""
    counts = await counted(tx.connection)
    async with there.store.begin(fact="move.copied") as copying:
        await _unhurried(copying)
        found = await copy(tx.connection, copying.connection, partial(step, "copy"), counts)
        await copying.instance.begin_copy(source, here.name)
    async with there.store.read() as written:
        await _unhurried(written)
        back = await contents(written.connection, partial(step, "verify"), counts)
    if back != found:
        wrong = [one.table for one, other in zip(found, back, strict=True) if one != other]
        log.error("move.differs", tables=" ".join(wrong))
        raise Differs(wrong, back)
    return found


async def _target(there: End) -> Instance:
    async with there.store.read() as tx:
        made = await tx.instance.get()
    assert made is not None, "the copy was committed"
    return made


async def _taken_over(there: End, name: str, source: Instance) -> None:
    """The last step: a person may arm the new store. Its witness comes first: with none it would doubt everything."""
    made = await _target(there)
    if made.id != source.other:
        raise Elsewhere(source.about)
    if made.why != MOVING:  # somebody armed it since
        return
    async with there.store.begin(fact="move.taken_over") as tx:
        await there.guard.take(made, tx.now)
        await tx.instance.take_over()
        await tx.journal.add("instance.moved_here", source=name)
    log.info("instance.moved_here", source=name, epoch=made.epoch)


async def _unhurried(tx: Tx) -> None:
    """Minutes in one transaction are right here, and nowhere else."""
    if is_postgresql(tx.connection):
        for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
            await tx.connection.execute(text(f"SET LOCAL {name} = 0"))
