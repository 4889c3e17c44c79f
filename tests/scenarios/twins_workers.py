"""Wrong versions of one rule each, for days of many workers on one PostgreSQL: what does not notice them is blind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, false, select

from syncd.store import grants
from syncd.store.schema import unit
from syncd.store.units import Claim, Ending, Units
from syncd.wire.pace import Pacer


@contextmanager
def queue_lock_for_a_fence() -> Iterator[None]:
    """Rule 3 broken: whoever got the job believes that the queue's lock kept everybody else away."""

    async def check(_units: Units, _claim: Claim) -> None:
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
def silence_unheard() -> Iterator[None]:
    """Rule 3 broken by half: a dead worker's units wait until their leases run out by themselves."""

    def silent(_owner: ColumnElement[str]) -> ColumnElement[bool]:
        return false()

    with _instead(grants, "silent", silent):
        _build_anew()
        yield
    _build_anew()


def _build_anew() -> None:
    """The statements that are built once."""
    for made in vars(grants).values():
        if hasattr(made, "cache_clear"):
            made.cache_clear()


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
