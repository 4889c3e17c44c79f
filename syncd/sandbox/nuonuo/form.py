"""Red confirmation forms (红字确认单): what a form is, which way it goes, and reading one from a request.

    01 no confirmation needed · 02 seller waits for the buyer · 03 buyer waits for the seller · 04 both agreed
    05 buyer refused · 06 seller refused · 07 lapsed after 72 h · 08 withdrawn · 09 withdrawn after 04 · 10 void
    11 taxpayer blocked · 12 natural person refused · 13 refund applied for · 15 applying · 16 application failed

A path is a chain of these, such as "15-01" or "02-04"; after a last 01 or 04 the bureau issues the red invoice, and a
last 02 or 03 lapses (07) after 72 hours. Source: Nuonuo interface sheets, docs/amounts.md (red states).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any

from syncd.sandbox.nuonuo.order import DIGITAL, KINDS, Json
from syncd.sandbox.nuonuo.refusal import Refused, invalid, missing
from syncd.sandbox.nuonuo.submission import Submission

AGREED = frozenset({"01", "04"})
WAITING = frozenset({"02", "03"})
LAPSED = "07"
APPLYING, APPLICATION_FAILED = "15", "16"
LAPSES_AFTER = 72 * 3600.0
PAPER = frozenset({"es", "ec", "c", "s"})
"""Kinds whose red invoice is never issued by itself."""

LENGTHS = {
    "billId": 32, "blueInvoiceLine": 2, "applySource": 2, "blueInvoiceNumber": 20, "blueInvoiceCode": 12,
    "blueElecInvoiceNumber": 20, "sellerTaxNo": 20, "sellerName": 100, "buyerTaxNo": 20, "buyerName": 100,
    "redReason": 2, "extensionNumber": 5, "orderNo": 20, "phone": 20, "email": 50, "callbackUrl": 225,
    "departmentId": 32, "clerkId": 32, "autoInvoice": 2,
}  # fmt: skip
REQUIRED = ("blueInvoiceLine", "applySource", "sellerTaxNo", "buyerName", "redReason")


@dataclass(frozen=True, slots=True)
class Blue:
    """A blue invoice as the bureau knows it; texts it does not know are empty and fit everything.

    `number` is what names it (`blue_key`); `code` is also filled for 数电 paper invoices.
    """

    number: str
    code: str
    seller_tax_no: str
    net: Decimal
    tax: Decimal
    buyer_name: str = ""
    buyer_tax_no: str = ""
    goods_name: str = "演示商品"
    kind: str = ""
    issued_at: float = 0.0
    voided: bool = False

    @property
    def total(self) -> Decimal:
        return self.net + self.tax


@dataclass(frozen=True, slots=True)
class Asked:
    """A well-formed application. `lines` are the (net, tax) of the partial lines, negative; none means full."""

    bill_id: str
    kind: str
    by_buyer: bool
    blue: str
    seller_tax_no: str
    buyer_name: str
    buyer_tax_no: str
    reason: str
    order_no: str
    lines: tuple[tuple[Decimal, Decimal], ...]
    raw: Json


@dataclass(slots=True)
class RedForm:
    """A form at the bureau and Nuonuo's copy of it.

    `status` is the bureau's, `shown` what Nuonuo answers. `steps` are still ahead: (due, state), where "red" stands
    for the issuing of the red invoice. `net` and `tax` are negative. `red` is the submission of the red invoice.
    """

    asked: Asked
    blue: Blue
    bill_id: str
    bill_no: str
    uuid: str
    status: str
    net: Decimal
    tax: Decimal
    created_at: float
    message: str = ""
    shown: str = ""
    confirmed_at: float | None = None
    steps: list[tuple[float, str]] = field(default_factory=list)
    red: Submission | None = None
    hidden_for: int = 0
    path: str = ""

    @property
    def seller_tax_no(self) -> str:
        return self.asked.seller_tax_no

    def is_open(self) -> bool:
        """It may still lead to a red invoice."""
        return self.status in AGREED | WAITING | {APPLYING} or bool(self.steps)

    def plan(self, start: float, path: list[str], step: float, red_delay: float, *, auto: bool) -> None:
        """What lies ahead from `start`, when the form entered the first state of `path`."""
        due, self.steps = start, []
        for before, state in pairwise(path):
            due = self.created_at + LAPSES_AFTER if state == LAPSED and before in WAITING else due + step
            self.steps.append((due, state))
        if path[-1] in AGREED and auto:
            self.steps.append((due + red_delay, "red"))
        if path[-1] in WAITING:
            self.steps.append((self.created_at + LAPSES_AFTER, LAPSED))


FormMatch = Callable[[RedForm], bool]


@dataclass(slots=True)
class RedScript:
    """How forms that match go. `times` counts the forms it still governs (None = all)."""

    match: FormMatch
    path: str
    times: int | None = None
    message: str = "纳税人状态异常，申请失败"


def form_matcher(match: FormMatch | str) -> FormMatch:
    """A predicate; a text is a billId, the end of one, a blue number, or the end of a buyer's name."""
    if not isinstance(match, str):
        return match
    return lambda form: (
        form.bill_id.endswith(match) or form.blue.number == match or form.asked.buyer_name.endswith(match)
    )


def path_of(text: str) -> list[str]:
    """The states of a path. Raises: ValueError for anything but two-digit codes joined by hyphens."""
    states = text.split("-")
    if not all(re.fullmatch(r"[0-9]{2}", state) for state in states):
        raise ValueError(f"no path of red states: {text!r}; write codes such as 01, 15-01 or 02-04")
    return states


def blue_key(number: str, code: str = "") -> str:
    """What names a blue invoice: its 20 digits, or "code/number"."""
    return number if len(number) == 20 else f"{code}/{number}"


def read_form(body: Json) -> Asked:
    """The application of a saveInvoiceRedConfirm body. Raises: Refused E4000."""
    check_texts(body, LENGTHS)
    for name in REQUIRED:
        if not body.get(name):
            raise missing(name)
    if body["blueInvoiceLine"] not in KINDS:
        raise invalid("blueInvoiceLine", "未知的发票种类")
    if body["applySource"] not in ("0", "1"):
        raise invalid("applySource", "应为0或1")
    if body["redReason"] not in ("1", "2", "3", "4"):
        raise invalid("redReason", "应为1、2、3、4")
    return Asked(
        bill_id=body.get("billId") or "",
        kind=body["blueInvoiceLine"],
        by_buyer=body["applySource"] == "1",
        blue=_blue_named(body),
        seller_tax_no=body["sellerTaxNo"],
        buyer_name=body["buyerName"],
        buyer_tax_no=body.get("buyerTaxNo") or "",
        reason=body["redReason"],
        order_no=body.get("orderNo") or "",
        lines=tuple(_line(line) for line in body.get("detail") or []),
        raw=body,
    )


def check_texts(body: Json, lengths: dict[str, int]) -> None:
    """Known fields must be texts within their length; null counts as absent. Raises: Refused E4000."""
    for name, longest in lengths.items():
        value = body.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            raise invalid(name, "应为字符串")
        if len(value) > longest:
            raise invalid(name, f"长度不能超过{longest}")


def _blue_named(body: Json) -> str:
    """A digital blue by its 20 digits (in either field), a tax-control one by number and code."""
    digital = body.get("blueElecInvoiceNumber") or ""
    number, code = body.get("blueInvoiceNumber") or "", body.get("blueInvoiceCode") or ""
    if not digital and len(number) == 20:
        digital = number
    if digital:
        if not re.fullmatch(r"[0-9]{20}", digital):
            raise invalid("blueElecInvoiceNumber", "应为20位数字")
        return str(digital)
    if body["blueInvoiceLine"] in DIGITAL:
        raise missing("blueElecInvoiceNumber")
    for name, value in (("blueInvoiceNumber", number), ("blueInvoiceCode", code)):
        if not value:
            raise missing(name)
    return blue_key(number, code)


def _line(raw: Any) -> tuple[Decimal, Decimal]:
    if not isinstance(raw, dict):
        raise invalid("detail", "应为对象")
    for name in ("blueDetailIndex", "goodsName", "taxRate", "taxExcludedAmount", "taxAmount"):
        if not raw.get(name):
            raise missing(name)
    amounts = [str(raw[name]) for name in ("taxExcludedAmount", "taxAmount")]
    if not all(re.fullmatch(r"-[0-9]+(\.[0-9]{1,2})?|0(\.0{1,2})?", text) for text in amounts):
        raise invalid("detail", "金额应为负数，最多两位小数")
    return Decimal(amounts[0]), Decimal(amounts[1])


def unfit(asked: Asked, blue: Blue | None, seller_tax_no: str) -> Refused | None:
    """Why the application does not fit its blue invoice, or None. The vendor publishes these codes without text."""
    if blue is None or blue.seller_tax_no != seller_tax_no:
        return Refused("E9115", "未查询到对应的蓝字发票")
    if blue.voided:
        return Refused("E9113", "蓝字发票已作废")
    if blue.kind and blue.kind != asked.kind:
        return Refused("E9118", "蓝票票种不一致")
    if blue.buyer_name and blue.buyer_name != asked.buyer_name:
        return Refused("E9116", "购方名称与蓝票不一致")
    if blue.buyer_name and blue.buyer_tax_no.upper() != asked.buyer_tax_no.upper():
        return Refused("E9117", "购方税号与蓝票不一致")
    return None
