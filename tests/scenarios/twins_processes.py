"""Wrong versions of one rule each, for days with real processes and files: what does not notice them is blind."""

from __future__ import annotations

import secrets
import string
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import replace
from typing import Any, cast

from sqlalchemy import select

from syncd import app as program
from syncd import staged
from syncd.domain.invoice import Colour, IssuerKey
from syncd.domain.order import OrderNo
from syncd.scenarios.look import Look
from syncd.stages.collect import plan as collect_plan
from syncd.stages.push import plan as push_plan
from syncd.stages.push.outbox import Outbox
from syncd.stages.push.run import Push
from syncd.stages.turn import Turn
from syncd.store.guard import Guard
from syncd.store.instance import Instance, Instances
from syncd.store.lock import StoreLock
from syncd.store.schema import unit
from syncd.store.sessions import Session
from syncd.store.store import Store, StoreUnavailable, Tx
from syncd.store.units import Claim, Ending, Units

_ALPHABET = string.ascii_uppercase + string.digits
_STORED_KEY = """
SELECT s.key FROM submission s JOIN invoice_order o ON o.id = s.order_id
WHERE o.sid = ? AND o.no = ? AND s.generation = ?
"""


@contextmanager
def call_then_save() -> Iterator[None]:
    """Rule 1 broken: the issuer is called first, under a drawn key, and what came of it is saved afterwards."""
    with random_key(), _instead(staged, "Push", _CallFirst):
        yield


@contextmanager
def random_key() -> Iterator[None]:
    """Rule 1 broken by half: the intent is committed first, but its key is drawn instead of computed."""
    drawn = _DrawnKeys()
    genuine = Store.at.__func__  # type: ignore[attr-defined]

    def at(cls: type[Store], url: str, clock: Any, **more: Any) -> Store:
        made: Store = genuine(cls, url, clock, **more)
        drawn.url = url
        return made

    with (
        _instead(Store, "at", classmethod(at)),
        _instead(push_plan, "issuer_key", drawn),
        _instead(collect_plan, "issuer_key", drawn),
    ):
        yield


@contextmanager
def no_fence() -> Iterator[None]:
    """Rule 3 broken: whoever was overtaken goes on writing."""

    async def check(_units: Units, _claim: Claim, _grant: Any = None) -> None:
        return

    async def stale(_units: Units, _claims: Any) -> set[tuple[str, str]]:
        return set()

    genuine = Units.finish_all

    async def finish_all(self: Units, endings: Sequence[Ending]) -> Any:
        rows = await self._connection.execute(select(unit.c.stage, unit.c.key, unit.c.epoch))
        newest = {(stage, key): epoch for stage, key, epoch in rows}
        late = [(one, newest[one.unit]) for one in endings]
        return await genuine(self, [replace(one, claim=replace(one.claim, epoch=epoch)) for one, epoch in late])

    with (
        _instead(Units, "check", check),
        _instead(Units, "stale", stale),
        _instead(Units, "finish_all", finish_all),
    ):
        yield


@contextmanager
def no_lock() -> Iterator[None]:
    """Rule 3 broken: nobody looks whether another daemon holds the store."""

    async def take(_session: Session) -> None:
        return

    with _instead(StoreLock, "__enter__", lambda lock: lock), _instead(Session, "take", take):
        yield


@contextmanager
def never_disarmed() -> Iterator[None]:
    """Rule 10 broken: a store that was put back or copied goes on as if nothing had happened."""

    async def disarm(_instances: Instances, *_args: Any, **_more: Any) -> int:
        return 0

    with _instead(Instances, "disarm", disarm):
        yield


@contextmanager
def nothing_ended() -> Iterator[None]:
    """Rule 10 broken: a store that was moved stays as it is, and so does its witness."""

    async def hand_over(instances: Instances, to: Instance, _about: str) -> Instance:
        here = await instances.get()
        assert here is not None
        return replace(here, other=to.id, epoch=to.epoch)

    async def end(_guard: Guard, *_args: Any) -> None:
        return None

    with _instead(Instances, "hand_over", hand_over), _instead(Guard, "end", end):
        yield


@contextmanager
def never_looked_through() -> Iterator[None]:
    """Rule 10's neighbour broken: a start does not ask whether the file is whole."""
    with _instead(program, "require_whole", lambda _url: None):
        yield


@contextmanager
def believed_commits() -> Iterator[None]:
    """Rule 1 broken: a commit that failed is taken for one that succeeded, and what it allows is done."""
    genuine = Store.begin

    @asynccontextmanager
    async def begin(self: Store, claim: Claim | None = None, **more: Any) -> AsyncIterator[Tx]:
        try:
            async with genuine(self, claim, **more) as tx:
                yield tx
        except StoreUnavailable:
            return

    with no_fence(), _instead(Store, "begin", begin):  # a fence would notice that the claim was not saved either
        yield


@contextmanager
def _instead(owner: Any, name: str, wrong: Any) -> Iterator[None]:
    genuine = owner.__dict__[name]
    setattr(owner, name, wrong)
    try:
        yield
    finally:
        setattr(owner, name, genuine)


class _DrawnKeys:
    """Keys nobody could compute again: remembered in memory and in the store, else drawn."""

    def __init__(self) -> None:
        self.url = ""
        self._drawn: dict[tuple[str, str, int], IssuerKey] = {}

    def __call__(
        self,
        *,
        sid: str,
        issuer_kind: str,
        seller_tax_no: str,
        order_no: OrderNo,
        colour: Colour,
        generation: int,
        length: int = 20,
    ) -> IssuerKey:
        wanted = (sid, order_no, generation)
        if wanted not in self._drawn:
            fresh = "".join(secrets.choice(_ALPHABET) for _ in range(length))
            self._drawn[wanted] = IssuerKey(self._stored(wanted) or fresh)
        return self._drawn[wanted]

    def _stored(self, wanted: tuple[str, str, int]) -> str:
        with closing(Look(self.url)) as look:
            return str(look.one(_STORED_KEY, *wanted) or "")


class _CallFirst(Push):
    """What waits is sent before it is saved, and saved (and sent again under the same key) afterwards."""

    async def work(self, key: str, claim: Claim) -> Turn:
        genuine = self._store
        self._store = cast("Store", _Forgetful(genuine))
        try:
            await super().work(key, claim)
        except _SeenEnough:
            pass
        finally:
            self._store = genuine
        return await super().work(key, claim)

    async def _begin(self, outbox: Outbox) -> Turn | None:
        if isinstance(self._store, _Forgetful):  # what is on its way has left before the second batch ends the pretence
            await self._settle_all(outbox)
        return await super()._begin(outbox)


class _SeenEnough(Exception):
    """One batch was sent."""


class _NeverHappened(Exception):
    """Rolls a transaction back."""


class _Forgetful:
    """A store that keeps no intent."""

    def __init__(self, genuine: Store) -> None:
        self._genuine = genuine
        self._batches = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._genuine, name)

    @asynccontextmanager
    async def begin(self, claim: Claim | None = None, *, fact: str = "unnamed", **more: Any) -> AsyncIterator[Tx]:
        if fact != "push.intended":
            async with self._genuine.begin(claim, fact=fact, **more) as tx:
                yield tx
            return
        self._batches += 1
        if self._batches > 1:
            raise _SeenEnough
        try:
            async with self._genuine.begin(claim, fact=fact, **more) as tx:
                yield tx
                raise _NeverHappened
        except _NeverHappened:
            return
