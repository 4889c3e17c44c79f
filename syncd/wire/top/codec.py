"""What names an application and its invoices at TOP, as parameters: texts, ready to be signed and sent as they are.

Pure. A structured parameter is serialised once, keys in snake_case, nulls left out.
Source: seed alibaba-apply-update. Not said there: what stands for the code of a fully digital invoice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from syncd.domain.centre import ApplyId, ApplyStatus, InvoiceUk
from syncd.wire.top.sign import without_empty

MOST_INVOICES = 100
MOST_IDS = 200
#: How many messages one read of the queue may ask for.
FEWEST_NOTICES, MOST_NOTICES = 10, 200
#: Digits in the number of a fully digital invoice.
_DIGITAL = 20

CodeRule = Callable[[InvoiceUk], str | None]


def code_rule(setting: str) -> CodeRule:
    """How the code of a fully digital invoice, which has none, is sent: omit, empty, invoice_no_prefix12, literal:TEXT.

    None leaves the member out. Raises ValueError for any other setting.
    """
    if setting.startswith("literal:") and setting != "literal:":
        return _standing_in(lambda _number: setting.removeprefix("literal:"))
    match setting:
        case "omit":
            return _standing_in(lambda _number: None)
        case "empty":
            return _standing_in(lambda _number: "")
        case "invoice_no_prefix12":
            return _standing_in(lambda number: number[:12])
        case _:
            raise ValueError(f"digital_invoice_code {setting!r} is none of omit, empty, invoice_no_prefix12, literal:…")


def _standing_in(stated: Callable[[str], str | None]) -> CodeRule:
    """The invoice's own code, and `stated` for a fully digital number without one."""
    return lambda uk: uk.code or (stated(uk.number) if len(uk.number) == _DIGITAL else None)


def update_params(
    apply_id: ApplyId, status: ApplyStatus, invoices: Sequence[InvoiceUk], message: str, code: CodeRule
) -> dict[str, str]:
    """The parameters of prod.apply.update. Raises ValueError where the centre could not take them."""
    if not apply_id.strip():
        raise ValueError("an application without an id cannot be changed")
    if len(invoices) > MOST_INVOICES:
        raise ValueError(f"{len(invoices)} invoices are more than the {MOST_INVOICES} one call takes")
    if status in (ApplyStatus.SUCCESS, ApplyStatus.PART) and not invoices:
        raise ValueError(f"{status} needs the invoices that were issued")
    if status in (ApplyStatus.FAILED, ApplyStatus.CANCELLED) and not message.strip():
        raise ValueError(f"{status} needs a message")
    uks = [_uk(invoice, code) for invoice in invoices]
    return without_empty(
        {
            "apply_id": apply_id,
            "apply_status": str(status),
            "message": message.strip(),
            "invoice_uks": compact(uks) if uks else "",
        }
    )


def _uk(uk: InvoiceUk, code: CodeRule) -> dict[str, str]:
    if not uk.number.strip():
        raise ValueError("an invoice without a number cannot be named")
    stated = code(uk)
    return {"invoice_no": uk.number} if stated is None else {"invoice_no": uk.number, "invoice_code": stated}


def compact(value: object) -> str:
    """JSON as it is signed and sent: no blanks, no escapes but the needed ones."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
