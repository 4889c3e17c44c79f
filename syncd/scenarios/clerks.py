"""What clerks do in the ERP client, and what of it can be told afterwards from WDT's own documents."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from syncd.sandbox import Sandbox
from syncd.sandbox.wdt.document import CANCELLED, FAILED, ISSUED, PENDING, Document
from syncd.sandbox.wdt.sample import goods_line, header_totals


class Clerks:
    """One shop's clerks; their dice are the scenario's."""

    def __init__(self, sandbox: Sandbox, dice: random.Random) -> None:
        self.wdt = sandbox.wdt
        self.dice = dice

    # -- what they see ---------------------------------------------------------------------------------------------

    def at(self, *statuses: int) -> list[Document]:
        """The documents at one of these statuses, in the order they were made."""
        return [document for document in self.wdt.documents.values() if document.status in statuses]

    def waiting(self) -> list[Document]:
        return self.at(PENDING)

    def failed(self) -> list[Document]:
        return self.at(FAILED)

    def cancelled(self) -> list[Document]:
        return self.at(CANCELLED)

    def some(self, documents: list[Document], share: float) -> list[Document]:
        """About this share of them."""
        return [document for document in documents if self.dice.random() < share]

    # -- what they do ----------------------------------------------------------------------------------------------

    def cancel_one(self) -> Document | None:
        """Cancel a document that waits; None where none does."""
        waiting = self.waiting()
        if not waiting:
            return None
        chosen = self.dice.choice(waiting)
        self.wdt.cancel(chosen.no, sid=chosen.sid)
        return chosen

    def edit_one(self) -> Document | None:
        """Change the amount of a document that waits."""
        waiting = self.waiting()
        if not waiting:
            return None
        chosen = self.dice.choice(waiting)
        self.edit(chosen)
        return chosen

    def edit(self, document: Document) -> None:
        """Another amount for the first goods, and nothing else on it."""
        self.wdt.edit(document.no, sid=document.sid, **self.new_amount(document))

    def new_amount(self, document: Document) -> dict[str, Any]:
        """The fields of a document with one line of another, unheard-of amount."""
        row = self.wdt.order(document.no, sid=document.sid)
        gross = Decimal(self.dice.randrange(100, 500_000)) / 100
        first = row["detail_list"][0]
        kept = {name: first[name] for name in ("item_name", "unit_name", "tax_code", "platform_id") if name in first}
        line = goods_line(str(first["item_name"]), gross, rate=Decimal(str(first["tax_rate"]))) | kept
        return {"detail_list": [line], **header_totals([line])}

    def reopen(self, document: Document) -> None:
        """Put a failed or cancelled document back to 45."""
        self.wdt.reopen(document.no, sid=document.sid)


def written(sandbox: Sandbox, status: int) -> int:
    """How often WDT was made to show `status`, over all documents since each last became pending."""
    return sum(one.status == status for document in sandbox.wdt.documents.values() for one in document.written)


def told_failed(sandbox: Sandbox) -> int:
    """How many 85 WDT has been told and still remembers."""
    return written(sandbox, FAILED)


def told_issued(sandbox: Sandbox) -> int:
    """How many 60 WDT has been told."""
    return written(sandbox, ISSUED)


def by_key(sandbox: Sandbox, no: str) -> Iterator[Any]:
    """What the issuer has accepted for a document whose number stands readable in front of its keys."""
    return (one for (_, key), one in sandbox.nuonuo.by_key.items() if key.startswith(no))
