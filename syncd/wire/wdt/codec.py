"""The bodies we send to WDT, and its answer to a write-back.

Source: seed wdt-search §3.3, seed wdt-update-invoice §3.3, §4 and §6. A body is the JSON list of the remote method's
positional arguments: one map for a search, one list of maps for a write-back. Not said there: the batch's largest
size, whether an answer is wrapped in `data`, what a document refused for its state is told.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import msgspec

from syncd.domain.order import OrderNo, Search, UpdateAnswer, WdtStatus, WriteBack
from syncd.domain.trouble import Permanent, Verdict
from syncd.wire.strict_json import Malformed
from syncd.wire.wdt import cells, errors
from syncd.wire.wdt.errors import Refusal
from syncd.wire.wdt.page import open_envelope
from syncd.wire.wdt.sign import EPOCH, refuse_control
from syncd.wire.wdt.times import beijing_text, from_beijing, from_epoch_ms

#: Characters, not bytes: the server's error wording is MySQL's, whose varchar counts characters.
LIMITS = {"invoice_order_no": 40, "invoice_no": 40, "invoice_code": 40, "file_url": 255, "ofd_url": 255, "xml_url": 255}
MAX_ERROR_TEXT = 100
#: From this client version on `updateInvoice` exists at all, and from the other a failure needs no `file_url`.
UPDATES_SINCE = (1, 5, 8, 0)
URL_OPTIONAL_SINCE = (1, 5, 8, 4)
_SENT_AS = {WdtStatus.ISSUED, WdtStatus.OFFLINE_FAILED}


class Unsendable(ValueError):
    """This document would sink its whole batch, so it is refused before sending. `field` names what is wrong."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field


class TooLong(Unsendable):
    """A text longer than WDT's column. A URL is never cut: host a short redirect instead."""

    def __init__(self, field: str, limit: int) -> None:
        super().__init__(field, f"longer than {limit} characters")
        self.limit = limit


#: `empty_code` that stands for the first twelve digits of the number.
CODE_FROM_NUMBER = "invoice_no_prefix12"


@dataclass(frozen=True, slots=True)
class Terms:
    """What one tenant's ERP expects of a write-back.

    `empty_code` stands for the code that a fully digital invoice has not; `failed_file_url` is what a failure carries
    where the client version demands an address.
    """

    client_version: tuple[int, ...] = URL_OPTIONAL_SINCE
    empty_code: str = ""
    failed_file_url: str = ""
    batch_cap: int = 20

    def code_in_place(self, document: WriteBack) -> str:
        """What is written as the code of an invoice that has none: a fixed text, or the head of its number."""
        return document.invoice_no[:12] if self.empty_code == CODE_FROM_NUMBER else self.empty_code


def version(text: str) -> tuple[int, ...]:
    """`1.5.8.4` or `V1.5.8.4` as numbers that compare. Raises ValueError."""
    return tuple(int(part) for part in text.strip().lstrip("Vv").split("."))


def search_body(query: Search) -> bytes:
    """The one map of `InvoiceOrder.search`, compact UTF-8; page and total travel in the query string.

    Raises ValueError for a question WDT cannot answer: neither a whole window nor a number; a status without mode 1.
    """
    params: dict[str, object] = {}
    if query.start is not None and query.end is not None:
        params["start_time"] = beijing_text(query.start)
        params["end_time"] = beijing_text(query.end)
    elif query.order_no is None:
        raise ValueError("a search needs start and end, or a number")
    if query.order_no is not None:
        refuse_control("invoice_order_no", query.order_no)
        params["invoice_order_no"] = query.order_no
    if query.every_status:
        params["mode"] = 1
    if query.status is not None:
        if not query.every_status:
            raise ValueError("a status has an effect with every_status only")
        params["status"] = query.status
    return msgspec.json.encode([params])


def update_body(documents: Sequence[WriteBack], terms: Terms) -> bytes:
    """The list of documents of `updateInvoice`, amounts as exact numbers, times as Beijing texts.

    Raises TooLong and Unsendable naming the field, ValueError for a number twice or more documents than the cap.
    """
    if len(documents) > terms.batch_cap:
        raise ValueError(f"more than {terms.batch_cap} documents in one call")
    if len({document.order_no for document in documents}) < len(documents):
        raise ValueError("the same document twice in one call")
    return msgspec.json.encode([[_document(document, terms) for document in documents]])


def _document(document: WriteBack, terms: Terms) -> dict[str, object]:
    if document.status not in _SENT_AS:
        raise Unsendable("status", "neither 60 nor 85")
    failed = document.status == WdtStatus.OFFLINE_FAILED
    if not failed and not document.invoice_no:
        raise Unsendable("invoice_no", "missing")
    fields: dict[str, object] = {
        "invoice_order_no": document.order_no,
        "invoice_no": document.invoice_no,
        "invoice_code": document.invoice_code or terms.code_in_place(document),
        "status": document.status,
        **_urls(document, failed, terms),
    }
    for field, limit in LIMITS.items():
        _check_text(field, str(fields.get(field, "")), limit)
    if document.issued_at is not None:
        fields["invoice_time"] = beijing_text(document.issued_at)
    if failed:
        fields["error_info"] = fit_error_text(document.error_text)
    if document.outer_amount is not None:
        fields["invoice_outer_amount"] = _amount(document.outer_amount)
    return fields


def _urls(document: WriteBack, failed: bool, terms: Terms) -> dict[str, str]:
    urls = {"file_url": document.file_url, "ofd_url": document.ofd_url, "xml_url": document.xml_url}
    present = {field: url for field, url in urls.items() if url}
    if not failed:
        # Required with 60: an address that is not known yet is sent empty, and WDT says what it makes of that.
        return {"file_url": "", **present}
    if terms.client_version < URL_OPTIONAL_SINCE:
        return {"file_url": terms.failed_file_url, **present}
    return present


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def _check_text(field: str, value: str, limit: int) -> None:
    if len(value) > limit:
        raise TooLong(field, limit)
    if _CONTROL.search(value):
        raise Unsendable(field, "has a control character in it")


def fit_error_text(text: str) -> str:
    """At most 100 characters that WDT's database takes: no control characters, no emoji, no lone surrogates."""
    return "".join(character for character in text if _storable(character))[:MAX_ERROR_TEXT]


def _storable(character: str) -> bool:
    code = ord(character)
    return 0x20 <= code <= 0xFFFF and not 0x7F <= code <= 0x9F and not 0xD800 <= code <= 0xDFFF


def _amount(amount: Decimal) -> msgspec.Raw:
    """Decimal(19,4) as a JSON number with just its own digits: no float, no exponent, nothing rounded away."""
    if not amount.is_finite() or abs(amount) > cells.MAX_AMOUNT or amount != round(amount, 4):
        raise Unsendable("invoice_outer_amount", "no amount with at most four decimals")
    return msgspec.Raw(format(amount, "f").encode())


def parse_update(body: bytes, sent: Collection[OrderNo] = ()) -> UpdateAnswer:
    """Which documents WDT refused, by the numbers as they were sent; whatever is not listed was accepted.

    The pair `error_info`, `status` is read inside `data` where it is, else outside. A key is matched to a number of
    `sent` without regard to case and surrounding space; a key of nobody's stays as it came.
    Raises: Refusal (status not 0, inside or outside), Permanent (a bare text: the batch as a whole failed),
    Malformed (nothing can be said about any document).
    """
    told, listed = _told(open_envelope(body))
    inner = told.get("status")
    code = 0 if cells.is_absent(inner) else cells.integer_or_none(inner)
    if code is None:
        raise Malformed("shape")
    if code != 0:
        raise Refusal(code, cells.loose_text(told.get("message")) or cells.loose_text(listed))
    by_folded = {_folded(number): number for number in sent}
    refused = {by_folded.get(_folded(key), OrderNo(key.strip())): text for key, text in _refusals(listed)}
    return UpdateAnswer(refused, {number: errors.of_document(text) for number, text in refused.items()})


def _told(envelope: dict[str, object]) -> tuple[dict[str, object], object]:
    """The object that speaks of the batch, and its list of refusals.

    What `data` holds beyond the shapes known from sibling methods may be refusals too, so it is not read as none.
    """
    data = envelope.get("data")
    for told in (data, envelope):
        if isinstance(told, dict):
            name = next((name for name in _LIST_NAMES if name in told), None)
            if name is not None or (told is data and "status" in told):
                return told, told.get(name or "")
    if isinstance(data, list):
        return envelope, data
    if not cells.is_absent(data) and data != {}:
        raise Malformed("shape")
    return envelope, None


def _refusals(told: object) -> list[tuple[str, str]]:
    if isinstance(told, str) and told.strip():
        judged = errors.verdict(Refusal(100, told))
        raise Permanent(Verdict(judged.care, judged.platform, "batch", judged.text, judged.rest_for))
    if cells.is_absent(told):
        return []
    if isinstance(told, dict):
        return [(key, _why(value)) for key, value in told.items()]
    if isinstance(told, list):
        return [_listed(item) for item in told]
    raise Malformed("shape")


_LIST_NAMES = ("error_info", "error_list", "error_data")
_NUMBER_NAMES = ("order_no", "invoice_order_no", "no", "name")
_TEXT_NAMES = ("message", "err_msg", "error")


def _listed(item: object) -> tuple[str, str]:
    """A refusal as the vendor's sibling methods list it. One that names no document says nothing about any."""
    if not isinstance(item, dict):
        raise Malformed("shape")
    number = next((cells.loose_text(item[name]) for name in _NUMBER_NAMES if item.get(name)), "")
    if not number.strip():
        raise Malformed("shape")
    return number, _why(item)


def _why(value: object) -> str:
    """The text of one refusal; being listed is being refused, even without a text."""
    if isinstance(value, dict):
        return next((cells.loose_text(value[name]) for name in _TEXT_NAMES if value.get(name)), "")
    return cells.loose_text(value)


def _folded(number: str) -> str:
    return number.strip().casefold()


def parse_now(body: bytes) -> datetime | None:
    """The server's clock from `system.Core.now`; None where its shape is none of those we can imagine.

    The shape is not documented: one test double answers `{"data":{"now":<seconds since 2012>}}`.
    Raises Refusal, Malformed.
    """
    envelope = open_envelope(body)
    data = envelope.get("data")
    value = data.get("now") if isinstance(data, dict) else data
    try:
        if isinstance(value, str) and "-" in value:
            return from_beijing(value.strip())
        number = cells.integer(value)
        return None if number is None else _instant(number)
    except (ValueError, OverflowError):
        return None


def _instant(number: int) -> datetime:
    """Seconds since 2012, seconds since 1970 or milliseconds, told apart by size."""
    if number < 1_000_000_000:
        return from_epoch_ms((number + EPOCH) * 1000)
    return from_epoch_ms(number * 1000 if number < 100_000_000_000 else number)
