"""Buyers who apply for their invoices at Alibaba, and the people who link what no message names."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from syncd.domain.centre import ApplyId
from syncd.sandbox.top.application import FINAL
from syncd.sandbox.wdt.document import read_row
from syncd.scenarios.world import World
from syncd.stages.linking import link
from syncd.store.links import Newcomer


@dataclass(slots=True)
class Buyers:
    """The applications of one day: which orders each of them is about."""

    world: World
    dice: random.Random
    of: dict[str, list[str]] = field(default_factory=dict)

    def apply(self, *numbers: str, by_message: bool = False) -> str:
        """An application for these orders, all of one buyer; `by_message` tells it by the trade of the first."""
        apply_id = f"A{len(self.of) + 1:06d}"
        rows = [read_row(self.world.sandbox.wdt.document(no).row) for no in numbers]
        self.world.sandbox.top.put_application(
            apply_id,
            amount=sum((Decimal(str(row["invoice_amount"])) for row in rows), Decimal(0)),
            payer_name=str(rows[0].get("payer_name") or ""),
            payer_register_no=str(rows[0].get("payer_register_no") or ""),
            tid=str(rows[0]["detail_list"][0].get("tid") or "") if by_message else f"X{apply_id}",
            announce="Apply" if by_message else "",
        )
        self.of[apply_id] = list(numbers)
        return apply_id

    def apply_for(self, numbers: Sequence[str], *, together: float = 0.1, by_message: float = 0.5) -> None:
        """Applications for all of these: some for two orders of one buyer, some told by a message of the platform."""
        left = list(numbers)
        while left:
            first = left.pop(0)
            alike = next((no for no in left if self._buyer(no) == self._buyer(first)), None)
            wanted = self.dice.random() < together or (together > 0 and not self.world.seen["applied_together"])
            if alike is not None and wanted:
                left.remove(alike)
                self.apply(first, alike)
                self.world.seen["applied_together"] += 1
            else:
                self.apply(first, by_message=self.dice.random() < by_message)

    def _buyer(self, no: str) -> str:
        row = read_row(self.world.sandbox.wdt.document(no).row)
        return f"{row.get('payer_name')} {row.get('payer_register_no')}"

    async def link_all(self) -> None:
        """A person links what no message has linked, as far as its orders have been read."""
        store = self.world.app.store
        async with store.begin() as tx:
            for apply_id, numbers in self.of.items():
                orders = [(await tx.orders.by_no(no))[0] for no in numbers]
                known = [await tx.applications.of_order(order.id) for order in orders]
                if all(known):
                    continue
                for order in orders:
                    new = Newcomer(order.sid, order.merchant, ApplyId(apply_id), "operator")
                    application_id, _ = await tx.links.meet(new)
                    await link(tx, await tx.applications.get(application_id), order, "operator")
                    self.world.seen["linked_by_hand"] += 1

    def note(self, *, except_for: Sequence[str] = ()) -> None:
        """What the centre's own ledgers say of the day."""
        top, figures = self.world.sandbox.top, self.world.figures
        ours = {invoice.number for invoice in self.world.sandbox.nuonuo.ledger}
        open_ones = [one for one in top.applications.values() if one.status not in FINAL]
        figures["alibaba_open"] = sum(one.apply_id not in except_for for one in open_ones)
        figures["uploads"] = len(top.uploads)
        figures["uploads_foreign"] = top.uploads_foreign(ours)
        figures["uploads_double"] = top.uploads_double()
        figures["uploads_hasty"] = top.uploads_hasty()
        figures["uploads_stray"] = sum(one.number not in self._numbers(one.apply_id) for one in top.uploads)
        figures["told_wrong"] = sum(self._told_wrong(apply_id) for apply_id in self.of)
        figures["complaints"] = len(top.complaints)
        figures["stamps_reused"] = top.reused_stamps
        held = "SELECT count(*) FROM application WHERE state = 'held'"
        figures["applications_held"] = int(self.world.onlooker.one(held))

    def _numbers(self, apply_id: str) -> set[str]:
        """The legal invoices of the orders that an application is about, as the store has them."""
        marks = ", ".join("?" for _ in self.of.get(apply_id, []))
        rows = self.world.onlooker.rows(
            f"SELECT i.number FROM invoice i JOIN invoice_order o ON o.id = i.order_id WHERE o.no IN ({marks})",
            *self.of.get(apply_id, []),
        )
        return {number for (number,) in rows}

    def _told_wrong(self, apply_id: str) -> bool:
        """Whether an application was ended with other invoices than its orders have."""
        seen = self.world.sandbox.top.applications[apply_id]
        return bool(seen.told) and {key.number for key in seen.told} != self._numbers(apply_id)
