"""`queryInvoiceResult`: what became of an order (docs/wire/nuonuo.md)."""

from typing import Any

from syncd.sandbox.nuonuo.ledger import LegalInvoice
from syncd.sandbox.nuonuo.order import Json
from syncd.sandbox.nuonuo.refusal import Refused, invalid, missing
from syncd.sandbox.nuonuo.submission import DONE, SEALING, STATUS_TEXT, UNSEALED, VOID, Submission
from syncd.sandbox.nuonuo.world import NuonuoWorld, Seller

MOST_ASKED = 50
SHOWS_INVOICE = frozenset({DONE, SEALING, UNSEALED, VOID})
KIND_TEXT = {
    "pc": "数电普票(电子)", "bs": "数电专票(电子)", "ec": "数电纸质发票(普通发票)", "es": "数电纸质发票(专用发票)",
    "p": "电子增值税普通发票", "c": "增值税普通发票", "s": "增值税专用发票", "b": "增值税电子专用发票",
}  # fmt: skip


def query_result(world: NuonuoWorld, seller: Seller, body: Json) -> list[dict[str, Any]]:
    """One entry per invoice (two for a split order), for the orders asked for that exist and are visible.

    Raises: Refused E9500 when none is, E4000 for more than 50. Serial numbers win over order numbers.
    """
    world.settle()
    found = _mixed_up(world, [one for one in _asked(world, seller, body) if _visible(world, one)])
    if not found or (world.switches.not_found == "any" and len(found) < _how_many(body)):
        raise Refused("E9500", "未查询到发票信息")
    details = body.get("isOfferInvoiceDetail") == "1"
    entries = [entry for submission in found for entry in _entries(world, submission, details=details)]
    if world.switches.progress == "calls":
        for submission in found:
            world.advance(submission)
    return entries


def _how_many(body: Json) -> int:
    return len(body.get("serialNos") or body.get("orderNos") or [])


def _asked(world: NuonuoWorld, seller: Seller, body: Json) -> list[Submission]:
    name = "serialNos" if body.get("serialNos") else "orderNos"
    wanted = body.get(name)
    if not wanted:
        raise missing("serialNos")
    if not isinstance(wanted, list) or not all(isinstance(one, str) for one in wanted):
        raise invalid(name, "应为字符串数组")
    if len(wanted) > MOST_ASKED:
        raise invalid(name, f"不能超过{MOST_ASKED}个")
    if name == "serialNos":
        found = [world.by_serial.get(one) for one in wanted]
    else:
        found = [world.by_key.get((seller.tax_no, one)) for one in wanted]
    return [one for one in found if one is not None and one.order.seller_tax_no == seller.tax_no]


def _visible(world: NuonuoWorld, submission: Submission) -> bool:
    """A fresh order may stay unseen for a time or for a number of queries."""
    if submission.hidden_for > 0:
        submission.hidden_for -= 1
        return False
    return world.now() >= submission.accepted_at + world.switches.visibility_lag


def _mixed_up(world: NuonuoWorld, found: list[Submission]) -> list[Submission]:
    """Now and then another caller's orders stand in the answer as well, and none where it was asked for."""
    world.queries += 1
    if not world.switches.strange_every or world.queries % world.switches.strange_every:
        return found
    strangers = [one for one in world.by_serial.values() if one not in found]
    world.strange_answers += bool(strangers)
    return [*strangers[-2:], *reversed(found)]


def _entries(world: NuonuoWorld, submission: Submission, *, details: bool) -> list[dict[str, Any]]:
    head = _head(submission)
    if details:
        head["invoiceItems"] = [_item(line.raw) for line in submission.order.lines]
    if submission.status not in SHOWS_INVOICE or not submission.invoices:
        return [head]
    return [{**head, **_issued(world, submission, invoice)} for invoice in submission.invoices]


def _head(submission: Submission) -> dict[str, Any]:
    order = submission.order
    return {
        "serialNo": submission.serial,
        "orderNo": order.order_no,
        "status": submission.status,
        "statusMsg": STATUS_TEXT[submission.status],
        "failCause": submission.fail_cause,
        "invoiceType": order.text("invoiceType"),
        "invoiceKind": KIND_TEXT.get(order.kind, order.kind),
        "payerName": order.buyer_name,
        "payerTaxNo": order.buyer_tax_no,
        "salerTaxNum": order.seller_tax_no,
        "clerk": order.text("clerk"),
        "remark": order.text("remark"),
        "pdfUrl": "",
        "ofdUrl": "",
        "invoiceTime": None,
        "invoiceCode": "",
        "invoiceNo": "",
        "allElectronicInvoiceNumber": "",
        "exTaxAmount": "",
        "taxAmount": "",
        "orderAmount": "",
        "checkCode": "",
        "qrCode": "",
        **_of_blue(submission),
    }


def _of_blue(submission: Submission) -> dict[str, str]:
    """What a red invoice says of its blue one."""
    if submission.form is None:
        return {}
    code, slash, number = submission.form.blue.number.rpartition("/")
    if slash:
        return {"oldInvoiceCode": code, "oldInvoiceNo": number, "oldEleInvoiceNumber": ""}
    return {"oldInvoiceCode": "", "oldInvoiceNo": "", "oldEleInvoiceNumber": number}


def _issued(world: NuonuoWorld, submission: Submission, invoice: LegalInvoice) -> dict[str, Any]:
    digital = len(invoice.number) == 20
    return {
        "invoiceTime": int(invoice.issued_at * 1000),
        "invoiceCode": invoice.code,
        "invoiceNo": invoice.shown_number(),
        "allElectronicInvoiceNumber": invoice.number if digital else "",
        "exTaxAmount": f"{invoice.net:.2f}",
        "taxAmount": f"{invoice.tax:.2f}",
        "orderAmount": f"{invoice.total:.2f}",
        "checkCode": "" if digital else "12345678901234567890",
        "qrCode": f"01,31,,{invoice.number},{invoice.total:.2f}" if digital else "",
        "pdfUrl": file_url(world, submission, invoice),
    }


def file_url(world: NuonuoWorld, submission: Submission, invoice: LegalInvoice) -> str:
    """Where the PDF is served, or "" while it is late or when it never comes."""
    if world.switches.files == "absent" or submission.script.outcome == "no_file":
        return ""
    ready = submission.done_at is not None and world.now() >= submission.done_at + world.switches.file_delay
    return f"{world.files_root}/files/{invoice.number}.pdf" if ready else ""


def _item(raw: Json) -> dict[str, str]:
    """A line as the vendor echoes it."""
    return {
        "itemName": str(raw.get("goodsName") or ""),
        "itemCode": str(raw.get("goodsCode") or ""),
        "itemSpec": str(raw.get("specType") or ""),
        "itemUnit": str(raw.get("unit") or ""),
        "itemNum": str(raw.get("num") or ""),
        "itemPrice": str(raw.get("price") or ""),
        "itemAmount": str(raw.get("taxExcludedAmount") or ""),
        "itemTaxAmount": str(raw.get("tax") or ""),
        "itemTaxRate": str(raw.get("taxRate") or ""),
        "invoiceLineProperty": str(raw.get("invoiceLineProperty") or "0"),
    }
