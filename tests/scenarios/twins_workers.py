"""Wrong versions of one rule each, for days of many workers on one PostgreSQL: what does not notice them is blind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ColumnElement, false

from syncd.store import grants
from syncd.wire.pace import Pacer


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
