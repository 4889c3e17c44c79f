"""What the tests of the TOP client share: an invoice on its way to the centre, and a clock in the hand."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from syncd.domain.centre import ApplyId, FileKind, InvoiceFile, ReturnedInvoice
from syncd.domain.invoice import Colour, Invoice, InvoiceRequest, Kind, RequestLine
from syncd.domain.order import OrderNo, Party
from syncd.wire.allowance import Allowance
from syncd.wire.pace import Pacer
from syncd.wire.top.budget import AppBudget

VECTORS = json.loads((Path(__file__).parents[2] / "data" / "vectors.json").read_text(encoding="utf-8"))["vectors"]
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
NUMBER = "26952000000000000001"
SELLER = "91310000MA1K00000X"
PDF = InvoiceFile(FileKind.PDF, b"%PDF-1.4\n\xfb\xff\xbe~?\n%%EOF\n")
OFD = InvoiceFile(FileKind.OFD, b"PK\x03\x04demo")


def vectors(kind: str) -> list[Any]:
    found = [
        pytest.param(one["inputs"], one["expected"], id=one["id"])
        for one in VECTORS
        if (one["system"], one["kind"]) == ("top", kind)
    ]
    assert found
    return found


@dataclass
class Hand:
    """A clock that only moves when told to, or when somebody sleeps."""

    instant: datetime = NOON
    waits: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.instant

    def monotonic(self) -> float:
        return self.instant.timestamp()

    def unix(self) -> float:
        return self.instant.timestamp()

    def move(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.move(seconds)


def budget(hand: Hand, *, per_minute: float = 0, per_day: int = 1_000_000) -> AppBudget:
    day = timedelta(days=1, minutes=5)

    def pacer(rate: float) -> Pacer:
        return Pacer(rate, hand.monotonic, now=hand.now, sleep=hand.sleep, longest_rest=day)

    return AppBudget(pacer(per_minute), Allowance(per_day, hand.now), lambda _method: pacer(0))


def line(**changes: Any) -> RequestLine:
    """Two bags at 50.00 net, 13 %."""
    sample: dict[str, Any] = {
        "property": 0, "name": "*日用杂品*鲜虾片 80g", "spec": "袋", "unit": "袋", "num": Decimal(2),
        "price": Decimal(50), "tax_code": "1030299000000000000", "rate": Decimal("0.13"),
        "net": Decimal("100.00"), "tax": Decimal("13.00"), "gross": Decimal("113.00"),
    }  # fmt: skip
    return RequestLine(**{**sample, **changes})


def discount() -> RequestLine:
    """Ten off."""
    return line(
        property=1, num=None, price=None, unit="", net=Decimal("-10.00"), tax=Decimal("-1.30"), gross=Decimal("-11.30")
    )


def request(**changes: Any) -> InvoiceRequest:
    lines: tuple[RequestLine, ...] = changes.pop("lines", (line(),))
    sample: dict[str, Any] = {
        "order_no": OrderNo("FP202611200001"), "colour": Colour.BLUE, "kind": Kind.DIGITAL_NORMAL,
        "seller": Party(name="示例商家", tax_no=SELLER, address="上海", phone="02160000000"),
        "buyer": Party(name="个人", phone="18000000983", address="某路 1 号"), "buyer_is_company": False,
        "natural_person": True, "drawer": "示例开票员", "payee": "", "checker": "", "remark": "", "ordered_at": NOON,
        "mobile": "", "lines": lines,
        "net": sum((one.net for one in lines), Decimal(0)), "tax": sum((one.tax for one in lines), Decimal(0)),
        "total": sum((one.gross for one in lines), Decimal(0)),
    }  # fmt: skip
    return InvoiceRequest(**{**sample, **changes})


def returned(apply_id: str = "13213123", **changes: Any) -> ReturnedInvoice:
    asked: InvoiceRequest = changes.pop("request", request())
    issued: dict[str, Any] = {
        "number": NUMBER, "code": "", "total": asked.total, "colour": asked.colour, "issued_at": NOON,
    }  # fmt: skip
    invoice = Invoice(**{**issued, **changes.pop("invoice", {})})
    sample: dict[str, Any] = {"apply_id": ApplyId(apply_id), "invoice": invoice, "request": asked, "file": PDF}
    return ReturnedInvoice(**{**sample, **changes})
