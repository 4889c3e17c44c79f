"""Nuonuo without its checks: an order is taken in, and is a legal invoice the next time it is asked about."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from benchmarks.fakes.http import Request
from benchmarks.fakes.rows import number_of

SUBMIT = "requestBillingNew"
ASK = "queryInvoiceResult"
TOKEN = b'{"access_token":"demo_token","expires_in":86400}'
_ABSENT = b'{"code":"E9500","describe":"\xe6\x9c\xaa\xe6\x9f\xa5\xe8\xaf\xa2\xe5\x88\xb0"}'
_REPEATED = b'{"code":"E9106","describe":"\xe8\xae\xa2\xe5\x8d\x95\xe7\xbc\x96\xe5\x8f\xb7\xe9\x87\x8d\xe5\xa4\x8d"}'


class _Line(msgspec.Struct):
    goodsName: str = ""
    taxExcludedAmount: str = "0.00"
    tax: str = "0.00"
    taxIncludedAmount: str = "0.00"


class _Order(msgspec.Struct):
    orderNo: str
    invoiceDetail: list[_Line]
    buyerName: str = ""
    buyerTaxNum: str = ""


class _Submission(msgspec.Struct):
    order: _Order


class _Question(msgspec.Struct):
    orderNos: list[str]


_SUBMISSION = msgspec.json.Decoder(_Submission)
_QUESTION = msgspec.json.Decoder(_Question)


@dataclass(slots=True)
class Legal:
    """One legal invoice: which order's, under which number, and how it is answered."""

    number: int | None
    invoice_no: str
    entry: bytes


class Nuonuo:
    """Everything is issued. `legal` is the ledger, by order number at Nuonuo."""

    def __init__(self) -> None:
        self.legal: dict[str, Legal] = {}
        self.of: Counter[int | None] = Counter()

    def __call__(self, request: Request) -> tuple[str, bytes]:
        """One call."""
        method = request.headers.get("method", "").rpartition(".")[2]
        if method == SUBMIT:
            return "submit", self._submit(request.body)
        if method == ASK:
            return "ask", self._ask(request.body)
        return "other", _ABSENT

    def _submit(self, body: bytes) -> bytes:
        order = _SUBMISSION.decode(body).order
        if order.orderNo in self.legal:
            return _REPEATED
        number = number_of(order.invoiceDetail[0].goodsName)
        invoice_no = f"25332{len(self.legal):015d}"
        serial = f"{len(self.legal):020d}"
        self.legal[order.orderNo] = Legal(number, invoice_no, _entry(order, invoice_no, serial))
        self.of[number] += 1
        return b'{"code":"E0000","describe":"ok","result":{"invoiceSerialNum":"%s"}}' % serial.encode()

    def _ask(self, body: bytes) -> bytes:
        asked = _QUESTION.decode(body).orderNos
        found = [self.legal[one].entry for one in asked if one in self.legal]
        if not found:
            return _ABSENT
        return b'{"code":"E0000","describe":"ok","result":[' + b",".join(found) + b"]}"

    @property
    def doubles(self) -> int:
        """Legal invoices beyond the first of any one order."""
        return sum(count - 1 for count in self.of.values())


def _entry(order: _Order, invoice_no: str, serial: str) -> bytes:
    lines = order.invoiceDetail
    return msgspec.json.encode(
        {
            "serialNo": serial,
            "orderNo": order.orderNo,
            "status": "2",
            "statusMsg": "开票完成",
            "failCause": "",
            "invoiceType": "1",
            "payerName": order.buyerName,
            "payerTaxNo": order.buyerTaxNum,
            "pdfUrl": f"https://fp.example.com/{serial}.pdf",
            "ofdUrl": "",
            "invoiceTime": int(time.time() * 1000),
            "invoiceCode": "",
            "invoiceNo": invoice_no,
            "allElectronicInvoiceNumber": invoice_no,
            "exTaxAmount": _sum(line.taxExcludedAmount for line in lines),
            "taxAmount": _sum(line.tax for line in lines),
            "orderAmount": _sum(line.taxIncludedAmount for line in lines),
        }
    )


def _sum(amounts: Iterable[str]) -> str:
    """The sum of texts with two places, exactly: in cents."""
    cents = sum(int(amount.replace(".", "")) for amount in amounts)
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"
