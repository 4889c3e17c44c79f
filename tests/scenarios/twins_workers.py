"""Wrong versions of one rule each, for days of many workers on one PostgreSQL: what does not notice them is blind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, false, select

from syncd.store import units
from syncd.store.schema import unit
from syncd.store.units import Claim, Units
from syncd.wire.pace import Pacer


@contextmanager
def queue_lock_for_a_fence() -> Iterator[None]:
    """Rule 3 broken: whoever got the job believes that the queue's lock kept everybody else away."""

    async def check(_units: Units, _claim: Claim) -> None:
        return

    genuine = Units.finish

    async def finish(self: Units, claim: Claim, **more: Any) -> None:
        query = select(unit.c.epoch).where(unit.c.stage == claim.stage, unit.c.key == claim.key)
        newest = await self._connection.scalar(query)
        await genuine(self, replace(claim, epoch=int(newest or 0)), **more)

    with _instead(Units, "check", check), _instead(Units, "finish", finish):
        yield


@contextmanager
def silence_unheard() -> Iterator[None]:
    """Rule 3 broken by half: a dead worker's units wait until their leases run out by themselves."""

    def silent(_owner: ColumnElement[str]) -> ColumnElement[bool]:
        return false()

    with _instead(units, "silent", silent):
        yield


@contextmanager
def own_pace() -> Iterator[None]:
    """Rule 7 broken: each worker counts its own calls, as if the credential were its alone."""

    async def fetch(pacer: Pacer) -> None:
        pacer._places.append(pacer._clock() + pacer.reserve())

    with _instead(Pacer, "_fetch_places", fetch):
        yield


@contextmanager
def _instead(where: Any, name: str, other: Any) -> Iterator[None]:
    usual = vars(where)[name]
    setattr(where, name, other)
    try:
        yield
    finally:
        setattr(where, name, usual)
