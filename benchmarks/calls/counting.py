"""Counting the calls to WDT, each by the unit that makes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any

from benchmarks.calls.clock import Doings
from syncd.store.store import Store
from syncd.wire.http import Http

#: The unit at work, as `stage:key`; set by whoever turns it.
at_work: ContextVar[str] = ContextVar("at_work", default="")


@contextmanager
def observed(doings: Doings, made: Counter[str], at: Callable[[], float], instants: list[float]) -> Iterator[None]:
    """Every transaction is a doing, and so is every call; those to WDT are counted by the unit that makes them."""
    begin, read, post = Store.begin, Store.read, Http.post

    @asynccontextmanager
    async def begun(self: Store, *given: Any, **named: Any) -> AsyncIterator[Any]:
        with doings.one():
            async with begin(self, *given, **named) as tx:
                yield tx

    @asynccontextmanager
    async def looked(self: Store) -> AsyncIterator[Any]:
        with doings.one():
            async with read(self) as tx:
                yield tx

    async def posted(self: Http, url: str, **named: Any) -> Any:
        kind = _kind(named.get("params") or {}, named.get("body") or b"")
        if kind:
            made[kind] += 1
            instants.append(at())
        with doings.one():
            return await post(self, url, **named)

    Store.begin, Store.read, Http.post = begun, looked, posted  # type: ignore[method-assign]
    try:
        yield
    finally:
        Store.begin, Store.read, Http.post = begin, read, post  # type: ignore[method-assign]


def _kind(params: Any, body: bytes) -> str:
    """What a call to WDT is for; "" for a call to somebody else."""
    method = str(params.get("method", ""))
    if method.endswith("updateInvoice"):
        return "write-back"
    if not method.endswith("search"):
        return ""
    if b"invoice_order_no" in body:
        return "by number"
    stage, _, key = at_work.get().partition(":")
    if stage == "write_back":
        return "looking"
    return {"pending": "work list", "mirror": "mirror", "backfill": "backfill", "deep": "deep look"}.get(
        key.rpartition("/")[2], "reading again"
    )


def busiest(instants: list[float]) -> int:
    """The most calls of any 60 seconds."""
    most, first = 0, 0
    for last, at in enumerate(instants):
        while instants[first] <= at - 60:
            first += 1
        most = max(most, last - first + 1)
    return most
