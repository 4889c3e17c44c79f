"""Where a process can be struck: around every commit and every call that matters.

A point is named by what it stands beside: `intent.before_commit`, `submit.after_answer`. It is installed in one
process only, by wrapping the doors through which everything passes: `Store.begin` and the two clients.
"""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncd.store.store import Store, Tx
from syncd.store.units import Claim
from syncd.wire.issuers.nuonuo.client import NuonuoIssuer
from syncd.wire.wdt.client import WdtClient

#: The transactions of one order's life, in its order; what each is told by stands in `_name`.
COMMITS = ("start", "page", "claim", "intent", "resend", "record", "settle", "sending", "sent", "confirm", "finish")
#: The outside calls, by the method of the client.
CALLS: dict[str, tuple[type, str]] = {
    "search": (WdtClient, "search"),
    "submit": (NuonuoIssuer, "submit"),
    "ask": (NuonuoIssuer, "ask"),
    "update": (WdtClient, "update"),
}
POINTS = (
    *("start.before_commit", "start.after_commit", "search.before_send", "search.after_answer"),
    *("page.before_commit", "page.after_commit", "claim.before_commit", "claim.after_commit"),
    *("intent.before_commit", "intent.after_commit", "submit.before_send", "submit.after_answer"),
    *("record.before_commit", "record.after_commit", "finish.before_commit", "finish.after_commit"),
    *("ask.before_send", "ask.after_answer", "resend.before_commit", "resend.after_commit"),
    *("settle.before_commit", "settle.after_commit", "sending.before_commit", "sending.after_commit"),
    *("update.before_send", "update.after_answer", "sent.before_commit", "sent.after_commit"),
    *("confirm.before_commit", "confirm.after_commit"),
)


@dataclass(slots=True)
class Strike:
    """Sends `sign` to this very process when `point` is reached for the `nth` time, and leaves a note before."""

    point: str
    nth: int
    sign: signal.Signals
    note: Path

    def reached(self, point: str) -> None:
        if point != self.point or self.nth <= 0:
            return
        self.nth -= 1
        if self.nth == 0:
            self.note.write_text(point, encoding="ascii")
            os.kill(os.getpid(), self.sign)


def install(strike: Strike) -> None:
    """Put the strike into this process's store and clients."""
    if strike.point not in POINTS:
        raise ValueError(f"no such point: {strike.point}")
    _watch_commits(strike)
    for name, (client, method) in CALLS.items():
        _watch_call(strike, name, client, method)


def _watch_commits(strike: Strike) -> None:
    genuine = Store.begin

    @asynccontextmanager
    async def begin(self: Store, claim: Claim | None = None) -> AsyncIterator[Tx]:
        async with genuine(self, claim) as tx:
            told = _listen(tx)
            yield tx
            names = [name for name in dict.fromkeys(map(_name, told)) if name]
            for name in names:
                strike.reached(f"{name}.before_commit")
        for name in names:
            strike.reached(f"{name}.after_commit")

    Store.begin = begin  # type: ignore[method-assign]


def _watch_call(strike: Strike, name: str, client: type, method: str) -> None:
    genuine: Callable[..., Awaitable[Any]] = getattr(client, method)

    async def call(*args: Any, **more: Any) -> Any:
        strike.reached(f"{name}.before_send")
        answer = await genuine(*args, **more)
        strike.reached(f"{name}.after_answer")
        return answer

    setattr(client, method, call)


_TELLTALES = (
    ("units", "take_over"),
    ("units", "claim"),
    ("units", "finish"),
    ("orders", "keep"),
    ("submissions", "intend"),
    ("journal", "add"),
    ("debts", "owe"),
    ("debts", "mark_sent"),
    ("debts", "sent_now"),
    ("debts", "paid"),
)


def _listen(tx: Tx) -> list[tuple[str, str]]:
    """Everything telling that is done in this transaction, as (what, to which stage or event)."""
    told: list[tuple[str, str]] = []

    def shadow(table: object, method: str) -> None:
        genuine: Callable[..., Awaitable[Any]] = getattr(table, method)

        async def noted(*args: Any, **more: Any) -> Any:
            told.append((method, _about(args)))
            return await genuine(*args, **more)

        setattr(table, method, noted)

    for table, method in _TELLTALES:
        shadow(getattr(tx, table), method)
    return told


def _about(args: tuple[Any, ...]) -> str:
    first = args[0] if args else ""
    return first.stage if isinstance(first, Claim) else str(first)


def _name(told: tuple[str, str]) -> str:
    """Which transaction of an order's life this tells of, or ""."""
    match told:
        case ("take_over", _):
            return "start"
        case ("claim" | "finish" as what, "push"):
            return what
        case ("keep", _):
            return "page"
        case ("intend", _):
            return "intent"
        case ("add", "order.resent"):
            return "resend"
        case ("add", "order.issuing"):
            return "record"
        case ("owe", _):
            return "settle"
        case ("mark_sent", _):
            return "sending"
        case ("sent_now", _):
            return "sent"
        case ("paid", _):
            return "confirm"
    return ""
