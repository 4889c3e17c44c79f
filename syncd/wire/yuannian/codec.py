"""Bodies of requests, and cards and pages out of answers.

Source: seed yuannian-wechat §2.1–2.7 (tables and samples). The platform is known to misread its own dates
(`billingDate` 1970-01-19 for an invoice of 2018) and to write "none" as 1970-01-01 08:00:00. Not said there: the shape
of `data` after a status update, whether a quantity is ever given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from syncd.domain.clock import BEIJING
from syncd.domain.wallet import Card, CardLine, CardPage, CardRef, CardSearch, QrImage, Reimburse
from syncd.wire.strict_json import Malformed, exact
from syncd.wire.yuannian.image import decoded

#: No electronic invoice is older; an earlier date is the platform's misreading.
_FIRST_YEAR = 2015
_MOST_LINES = 2_000
_LONGEST_TEXT = 2_000
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)


class Unreadable(ValueError):
    """An answer whose `data` is not of the shape the document shows; `what` names the field."""

    def __init__(self, what: str) -> None:
        super().__init__(f"unreadable {what}")
        self.what = what


# -- requests ----------------------------------------------------------------------------------------------------------


def import_body(cards: Sequence[CardRef], biz_code: str, access_token: str) -> dict[str, object]:
    """The body of §2.1, and with an access token of §2.6."""
    body: dict[str, object] = {"bizCode": biz_code} if biz_code else {}
    if access_token:
        body["accessToken"] = access_token
    return {**body, "invoiceList": _refs(cards)}


def status_body(openid: str, status: Reimburse, cards: Sequence[CardRef], access_token: str) -> dict[str, object]:
    """The body of §2.2, and with an access token of §2.7."""
    body: dict[str, object] = {"openid": openid}
    if access_token:
        body["accessToken"] = access_token
    return {**body, "reimburseStatus": status.value, "invoiceList": _refs(cards)}


def qrcode_body(width: int, height: int, content: str) -> dict[str, object]:
    """The body of §2.3: width and height are numbers, unlike everything else."""
    body: dict[str, object] = {"content": content} if content else {}
    return {**body, "width": width, "height": height}


def search_body(query: CardSearch) -> dict[str, object]:
    """The body of §2.4; what is not asked for is left out."""
    body: dict[str, object] = {
        "bizCode": query.biz_code,
        "invoiceCode": query.code,
        "invoiceNumber": query.number,
        "startDate": _local(query.changed_from),
        "endDate": _local(query.changed_to),
        "taxNos": [{"taxNo": tax_no} for tax_no in query.tax_nos],
    }
    return {name: value for name, value in body.items() if value}


def sign_body(noncestr: str, ticket: str, timestamp: int, url: str) -> dict[str, object]:
    """The body of §2.5."""
    page = url.partition("#")[0]
    return {"noncestr": noncestr, "jsapiTicket": ticket, "timestamp": str(timestamp), "url": page}


def _refs(cards: Sequence[CardRef]) -> list[dict[str, str]]:
    return [{"cardId": card.card_id, "encryptCode": card.encrypt_code} for card in cards]


def _local(instant: datetime | None) -> str:
    return instant.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S") if instant else ""


# -- answers -----------------------------------------------------------------------------------------------------------


def cards_in(data: object) -> tuple[Card, ...]:
    """The cards of an import's `data`; none where it is missing, null or an empty object. Raises Unreadable.

    A row with neither a number nor a status is no imported card: it says that this one was not taken.
    """
    return tuple(one for one in map(card, _rows(data, "data")) if one.number or one.status_text)


def page_in(data: object) -> CardPage:
    """A page of the search; an empty one where `data` is missing. Rows that repeat a card stay. Raises Unreadable."""
    if not data:
        return CardPage(1, 0, 0, ())
    if not isinstance(data, dict):
        raise Unreadable("data")
    rows = tuple(card(row) for row in _rows(data.get("invoiceList"), "invoiceList"))
    return CardPage(
        page=_count(data, "page", 1),
        total_pages=_count(data, "totalPage", 0),
        count=_count(data, "invoiceCount", len(rows)),
        cards=rows,
    )


def image_in(data: object) -> QrImage:
    """The QR code. Raises Unreadable, NoImage."""
    if not isinstance(data, dict):
        raise Unreadable("data")
    return QrImage(_text(data, "content"), decoded(_plain(data.get("imageData"))))


def signature_in(data: object) -> str:
    """The forty hex digits that §2.5 answers with, bare or in an object. Raises Unreadable."""
    found = data.get("data", data.get("signature")) if isinstance(data, dict) else data
    if not isinstance(found, str) or not re.fullmatch(r"[0-9a-fA-F]{40}", found):
        raise Unreadable("data")
    return found.lower()


def card(row: object) -> Card:
    """One card. Raises Unreadable where it has no id: nothing could be done with it."""
    if not isinstance(row, dict) or not _text(row, "cardId"):
        raise Unreadable("cardId")
    status_text = _text(row, "reimburseStatus")
    return Card(
        card_id=_text(row, "cardId"),
        number=_text(row, "invoiceNumber"),
        code=_text(row, "invoiceCode"),
        status=Reimburse(status_text) if status_text in set(Reimburse) else None,
        status_text=status_text,
        biz_code=_text(row, "bizCode"),
        openid=_text(row, "openid"),
        kind=_text(row, "type"),
        title=_text(row, "title"),
        buyer_tax_no=_text(row, "purchaserTaxNo"),
        seller_name=_text(row, "payee"),
        seller_tax_no=_text(row, "salesTaxNo"),
        billed_on=billed_on(_text(row, "billingDate")),
        gross=_amount(row, "amountTax"),
        net=_amount(row, "totalAmount"),
        tax=_amount(row, "totalTax"),
        check_code=_text(row, "checkCode"),
        pdf_url=_text(row, "pdfUrl"),
        trip_pdf_url=_text(row, "tripPdfUrl"),
        lines=tuple(_line(one) for one in _rows(row.get("invoiceLineList"), "invoiceLineList")[:_MOST_LINES]),
    )


def billed_on(text: str) -> date | None:
    """The day of issue; None where it is missing, unreadable, or one the platform has misread."""
    found = _DATE.match(text)
    if found is None or int(found[1]) < _FIRST_YEAR:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None


def _line(row: object) -> CardLine:
    """`unitPrice` is the line's net amount: 94.83 − 50.99 is the sample's net total (§2.1.5)."""
    fields = row if isinstance(row, dict) else {}
    return CardLine(
        name=_text(fields, "commodityName") or _text(fields, "CommodityName"),
        quantity=_amount(fields, "quantity"),
        unit=_text(fields, "unit"),
        amount=_amount(fields, "unitPrice"),
    )


def _rows(value: object, what: str) -> Sequence[object]:
    if not value:  # missing, null, {} or []
        return ()
    if not isinstance(value, list):
        raise Unreadable(what)
    return value


def _plain(value: object) -> str:
    """A text as it is; a number written out; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return ""
    return value if isinstance(value, str) else f"{value:f}" if isinstance(value, Decimal) else str(value)


def _text(row: Mapping[str, object], name: str) -> str:
    return _plain(row.get(name)).strip()[:_LONGEST_TEXT]


def _count(row: Mapping[str, object], name: str, otherwise: int) -> int:
    text = _text(row, name)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else otherwise


def _amount(row: Mapping[str, object], name: str) -> Decimal | None:
    try:
        return exact(_text(row, name))
    except Malformed:
        return None
