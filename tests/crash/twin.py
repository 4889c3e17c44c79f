"""Deliberately wrong programs: what the crash tests must catch, or they are blind.

"call_first" calls the issuer and saves afterwards; "drawn_key" commits its intent like the real one, but draws the
key at random instead of computing it. Both live only here.
"""

from __future__ import annotations

import secrets
import sqlite3
import string
from contextlib import closing
from pathlib import Path

from syncd import app as program
from syncd.domain.invoice import Colour, IssuerKey
from syncd.domain.lifecycle import State
from syncd.domain.order import OrderNo
from syncd.stages.collect import plan as collect_plan
from syncd.stages.push import plan as push_plan
from syncd.stages.push.plan import Submit
from syncd.stages.push.run import Push
from syncd.stages.turn import Merchant, Turn, later
from syncd.store.orders import OrderView
from syncd.store.units import Claim

TWINS = ("call_first", "drawn_key")
_ALPHABET = string.ascii_uppercase + string.digits
_STORED_KEY = """
SELECT s.key FROM submission s JOIN invoice_order o ON o.id = s.order_id
WHERE o.sid = ? AND o.no = ? AND s.generation = ?
"""


def play(name: str, store: Path) -> None:
    """Make this process the wrong program `name` over `store`."""
    if name not in TWINS:
        raise ValueError(f"no such twin: {name}")
    drawn = DrawnKeys(store)
    for module in (push_plan, collect_plan):
        module.issuer_key = drawn  # type: ignore[attr-defined]
    if name == "call_first":
        program.Push = CallFirst  # type: ignore[attr-defined]


class DrawnKeys:
    """Keys nobody could compute again: remembered in memory and in the store, else drawn."""

    def __init__(self, store: Path) -> None:
        self._store = store
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
        with closing(sqlite3.connect(f"file:{self._store}?mode=ro", uri=True)) as db:
            row = db.execute(_STORED_KEY, wanted).fetchone()
        return "" if row is None else str(row[0])


class CallFirst(Push):
    """Sends what waits and saves what came of it: the order of two steps, and nothing else, is wrong."""

    async def work(self, key: str, claim: Claim) -> Turn:
        merchant = self._merchants[key]
        async with self._store.begin(claim) as tx:
            fresh_since = tx.now - self._rules.max_read_age
            due = await tx.orders.to_push(merchant.name, fresh_since, self._rules.batch)
        for order in due:
            if order.state is State.PENDING:
                await self._call_then_save(merchant, claim, order)
        return later(self._store.clock.now(), self._rules.every)

    async def _call_then_save(self, merchant: Merchant, claim: Claim, order: OrderView) -> None:
        decided = push_plan.plan(
            merchant.erp.decode(order.raw),
            sid=merchant.sid,
            generation=order.generation,
            issuer=merchant.issuer,
            mapping=merchant.mapping,
        )
        outcome = None
        if isinstance(decided, Submit):
            outcome = await merchant.issuer.submit(decided.key, decided.body)
        async with self._store.begin(claim) as tx:
            job = await self._first(tx, merchant, order, claim)
        if job is not None and outcome is not None:
            await self._record(merchant, claim, [(job, outcome)])
