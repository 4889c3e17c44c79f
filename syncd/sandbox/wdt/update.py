"""`finance.invoice.InvoiceOrder.updateInvoice`: how an order ended, written back document by document."""

from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from syncd.sandbox.delivery import Answer
from syncd.sandbox.moment import parse_beijing
from syncd.sandbox.wdt.document import FAILED, ISSUED, WRITABLE, Document, Row, Written
from syncd.sandbox.wdt.refusal import Refused
from syncd.sandbox.wdt.switches import WdtSwitches
from syncd.sandbox.wdt.tenant import Tenant
from syncd.sandbox.wdt.world import WdtWorld

MAX_LENGTH = {
    "invoice_order_no": 40, "invoice_no": 40, "invoice_code": 40,
    "file_url": 255, "ofd_url": 255, "xml_url": 255, "error_info": 100,
}  # fmt: skip
KEPT_IN_ROW = ("invoice_no", "invoice_code", "file_url", "invoice_time", "invoice_outer_amount", "error_info")
NOT_FOUND = "发票不存在!"


def update_invoice(world: WdtWorld, tenant: Tenant, args: list[Any]) -> Answer:
    """Apply what can be applied and list the rest by number.

    Nothing at all is applied when one text is too long or the database refuses a character.
    Raises: Refused. Source: docs/wire/wdt.md; the texts of refusals other than 发票不存在! are not known.
    """
    switches = world.switches
    updates = _updates(args)
    if switches.batch_cap and len(updates) > switches.batch_cap:
        raise Refused(100, f"单次最多允许回传{switches.batch_cap}条单据")
    for update in updates:
        _check_database(update, switches)
    refused: dict[str, str] = {}
    for no, update in _once_each(updates, switches, refused).items():
        text = _refusal(world, tenant, no, update)
        if text:
            refused[no] = text
        else:
            _apply(world, world.shelves[tenant.sid].by_no[no], update)
    return Answer(msgspec.json.encode(_reply(refused, switches)))


def _updates(args: list[Any]) -> list[Row]:
    if len(args) != 1:
        raise Refused(1, "invalid argument count")
    if not isinstance(args[0], list) or not all(isinstance(update, dict) for update in args[0]):
        raise Refused(1, "argument type mismatch")
    return list(args[0])


def _check_database(update: Row, switches: WdtSwitches) -> None:
    for name, longest in MAX_LENGTH.items():
        text = str(update.get(name) or "")
        if len(text) > longest:
            raise Refused(100, f"Data truncation: Data too long for column {name}")
        if switches.emoji == "refuse" and any(ord(char) > 0xFFFF for char in text):
            raise Refused(100, f"SQL异常:Incorrect string value for column '{name}'")


def _once_each(updates: list[Row], switches: WdtSwitches, refused: dict[str, str]) -> dict[str, Row]:
    """One update per number; a number given twice is refused or its last update wins."""
    times = Counter(str(update.get("invoice_order_no") or "") for update in updates)
    wanted = {str(update.get("invoice_order_no") or ""): update for update in updates}
    if switches.duplicates == "refuse":
        for no, count in times.items():
            if count > 1:
                refused[no] = "单据重复!"
                del wanted[no]
    return wanted


def _refusal(world: WdtWorld, tenant: Tenant, no: str, update: Row) -> str:
    """Why this document is refused, or ""."""
    shelf, switches = world.shelves[tenant.sid], world.switches
    document = shelf.by_no.get(no)
    if document is None or not (switches.update_hidden or shelf.visible(document, switches)):
        return NOT_FOUND
    status = _status(update, switches)
    if status not in (ISSUED, FAILED):
        return "状态不正确!"
    if document.status not in WRITABLE:
        return switches.wrong_state_text
    return _missing(update, status, switches) if switches.strict else _malformed(update)


def _status(update: Row, switches: WdtSwitches) -> int | None:
    """The wanted status; the lenient mode takes the vendor's own sample, which has none, as issued."""
    given = update.get("status")
    if given is None and not switches.strict and update.get("invoice_no"):
        return ISSUED
    text = str(given)
    return int(text) if text.isdigit() else None


def _missing(update: Row, status: int, switches: WdtSwitches) -> str:
    """The rule of required fields; that of file_url depends on the ERP client (seed of updateInvoice §3.3)."""
    for name in ("invoice_no", "invoice_code"):
        if update.get(name) is None:
            return f"{name}不能为空"
    if not update["invoice_no"] and not (status == FAILED and switches.empty_number):
        return "invoice_no不能为空"
    if not update["invoice_code"] and not switches.empty_code:
        return "invoice_code不能为空"
    url_needed = status == ISSUED or switches.version() < (1, 5, 8, 4)
    if url_needed and not update.get("file_url"):
        return "file_url不能为空"
    return _malformed(update)


def _malformed(update: Row) -> str:
    time = update.get("invoice_time")
    if time and (len(str(time)) != 19 or parse_beijing(str(time)) is None):
        return f"Unparseable date: {time}"
    amount = update.get("invoice_outer_amount")
    if amount not in (None, ""):
        try:
            Decimal(str(amount))
        except InvalidOperation:
            return "invoice_outer_amount格式不正确"
    return ""


def _apply(world: WdtWorld, document: Document, update: Row) -> None:
    status = _status(update, world.switches)
    assert status is not None
    fields = {name: update[name] for name in KEPT_IN_ROW if update.get(name) is not None}
    fields["status"] = status
    if status == ISSUED:
        fields.setdefault("error_info", "")
    document.files.update({name: str(update[name]) for name in ("ofd_url", "xml_url") if update.get(name)})
    world.write_back(document, fields, Written(status, str(update.get("invoice_no") or "")))


def _reply(refused: dict[str, str], switches: WdtSwitches) -> dict[str, Any]:
    told: Any = refused
    if not refused:
        told = {} if switches.no_errors == "map" else []
    elif switches.error_info == "list":
        told = [{"order_no": no, "message": text} for no, text in refused.items()]
    inner = {"error_info": told, "status": 0}
    return inner if switches.reply == "flat" else {"status": 0, "data": inner}
