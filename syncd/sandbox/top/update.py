"""`alibaba.einvoice.prod.apply.update`: a change of status, and what the centre has not collected yet."""

from typing import Any

from syncd.sandbox.top.application import (
    CANCELLED,
    CREATING,
    FAILED,
    MISSPELT,
    PART,
    STATUSES,
    SUCCESS,
    Application,
    InvoiceKey,
)
from syncd.sandbox.top.ask import Ask, Json
from syncd.sandbox.top.dialect import Listed
from syncd.sandbox.top.refusal import BusinessRefused, invalid, missing, unknown_application
from syncd.sandbox.top.switches import TopSwitches
from syncd.sandbox.top.world import TopWorld

PARAMETERS = ("apply_id", "apply_status", "message", "invoice_uks")
UK_KEYS = ("invoice_no", "invoice_code")
MOST = 100


def apply_update(world: TopWorld, ask: Ask) -> Json:
    """All or nothing: with any invoice missing the status stays, and the missing ones are named.

    Raises: Refused 40, 41; BusinessRefused for an unknown or finished application.
    Source: seed alibaba-apply-update. Not said there: what a finished application answers (switch `after_final`).
    """
    ask.needed("apply_id", "apply_status")
    status = ask.choice("apply_status", (*STATUSES, MISSPELT)).replace(MISSPELT, CREATING)
    asked = _invoices(ask, status)
    if world.switches.message_needed and status in (FAILED, CANCELLED) and not ask.get("message"):
        raise invalid("message", "不能为空")
    application = world.applications.get(ask.get("apply_id"))
    if application is None or application.app_key != ask.account.app_key:
        raise unknown_application(ask.get("apply_id"))
    application.update_calls += 1
    if application.final:
        return _finished(world, application, status, ask.get("message"))
    return _open(world, application, status, asked, ask.get("message"))


def _invoices(ask: Ask, status: str) -> list[InvoiceKey]:
    if not ask.get("invoice_uks"):
        if status == SUCCESS:
            raise missing("invoice_uks")
        return []
    asked = ask.objects("invoice_uks", MOST, UK_KEYS)
    if not asked and status == SUCCESS:
        raise missing("invoice_uks")
    return [_key(one) for one in asked]


def _key(given: dict[str, Any]) -> InvoiceKey:
    number, code = given.get("invoice_no"), given.get("invoice_code") or ""
    if not isinstance(number, str) or not number or not isinstance(code, str):
        raise invalid("invoice_uks", "invoice_no 与 invoice_code 应为文本")
    return InvoiceKey(number, code)


def _open(world: TopWorld, application: Application, status: str, asked: list[InvoiceKey], message: str) -> Json:
    short = application.missing(asked) if status in (SUCCESS, PART) else []
    says = world.switches.update_says
    if says == "false_without_missing":
        return _answer(False, [], world.switches)
    if short and says == "truth":
        return _answer(False, short, world.switches)
    _move(world, application, status, message)
    application.told = [key.normal() for key in asked]
    return _answer(True, (short or asked) if says == "true_with_missing" else [], world.switches)


def _finished(world: TopWorld, application: Application, status: str, message: str) -> Json:
    """The same final status again is fine; another one is not known to be."""
    if status == application.status:
        return _answer(True, [], world.switches)
    match world.switches.after_final:
        case "true":
            _move(world, application, status, message)
            return _answer(True, [], world.switches)
        case "ignored":
            return _answer(True, [], world.switches)
        case "false":
            return _answer(False, [], world.switches)
    raise BusinessRefused("isv.invoice-apply-status-error", f"发票申请已完结: {application.status}")


def _move(world: TopWorld, application: Application, status: str, message: str) -> None:
    application.move(status, world.now(), "merchant", message)
    if world.switches.announce_updates:
        world.announce(application, "ApplyUpdate")


def _answer(success: bool, missing_ones: list[InvoiceKey], switches: TopSwitches) -> Json:
    names = ("invoiceNo", "invoiceCode") if switches.uk_keys == "camel" else UK_KEYS
    shown = [_shown(key, names) for key in missing_ones]
    return {"missing_invoices": Listed(switches.uk_wrapper, shown), "update_success": success}


def _shown(key: InvoiceKey, names: tuple[str, str]) -> Json:
    return {names[0]: key.number, **({names[1]: key.code} if key.code else {})}
