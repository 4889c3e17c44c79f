"""Reading applications, in both generations, and the gateway's clock."""

from typing import Any

from syncd.sandbox.moment import beijing_text
from syncd.sandbox.top.application import APPLYING, CANCELLED, CONFIRMED, Application, Collected
from syncd.sandbox.top.ask import Ask, Json
from syncd.sandbox.top.dialect import Listed
from syncd.sandbox.top.refusal import missing, unknown_application
from syncd.sandbox.top.world import TopWorld

QUERY_KEYS = ("apply_id", "need_download_url")
RESULT_WRAPPER = "invoice_create_simple_result_dto"
ITEM_WRAPPER = "invoice_apply_item_dto"
REFUSED, OPEN, AGREED = 0, 1, 2


def time_get(world: TopWorld, ask: Ask) -> Json:
    """`taobao.time.get`: the gateway's clock, Beijing text."""
    return {"time": beijing_text(world.now())}


def prod_apply_get(world: TopWorld, ask: Ask) -> Json:
    """`alibaba.einvoice.prod.apply.get`: one application with its invoices.

    Raises: Refused 40, 41; BusinessRefused for an unknown id (switch `unknown_application` knows other answers).
    """
    ask.needed("invoice_apply_query_dto")
    query = ask.object("invoice_apply_query_dto", QUERY_KEYS)
    apply_id = str(query.get("apply_id") or "")
    if not apply_id:
        raise missing("invoice_apply_query_dto.apply_id")
    application = world.applications.get(apply_id)
    if application is not None and application.app_key == ask.account.app_key:
        return {"result": {"success": True, "invoice_apply_dtl": _shown(world, application)}}
    match world.switches.unknown_application:
        case "inner":
            refused = unknown_application(apply_id)
            return {"result": {"success": False, "result_code": "APPLY_NOT_EXIST", "result_msg": refused.sub_msg}}
        case "empty":
            return {"result": {}}
    raise unknown_application(apply_id)


def apply_get(world: TopWorld, ask: Ask) -> Json:
    """`alibaba.einvoice.apply.get`: the applications of a trade; its rows do not carry the apply_id."""
    ask.needed("platform_tid")
    wanted = ask.get("apply_id")
    found = [one for one in world.by_trade(ask.get("platform_tid"), ask.account.app_key)
             if wanted in ("", one.apply_id)]  # fmt: skip
    return {"is_success": True, "apply_list": Listed("apply", [_shown_old(one) for one in found])}


def _shown(world: TopWorld, application: Application) -> Json:
    row: dict[str, Any] = {
        "apply_id": application.apply_id,
        "apply_status": world.shown_status(application),
        "is_finally": application.final,
        "apply_amount": f"{application.amount:.2f}",
        "apply_mode": "apply",
        "business_type": application.business_type,
        "invoice_kind": application.invoice_kind,
        "invoice_type": application.invoice_type,
        "outer_id": f"O{application.apply_id}",
        "platform_code": application.platform_code,
        "platform_tid": application.platform_tid,
        "payee_register_no": application.payee_register_no,
        "payer_name": application.payer_name,
        "payer_register_no": application.payer_register_no,
        "gmt_create": beijing_text(application.created),
        "gmt_modified": beijing_text(application.modified),
        **application.more,
    }
    row["create_inv_results"] = Listed(RESULT_WRAPPER, [])
    if application.status not in (APPLYING, CONFIRMED, CANCELLED):
        results = [_result(invoice) for invoice in application.collected]
        row["create_inv_results"] = Listed(RESULT_WRAPPER, results)
    row["invoice_items"] = Listed(ITEM_WRAPPER, list(application.more.get("invoice_items", [])))
    return {name: value for name, value in row.items() if value not in ("", None)}


def _result(invoice: Collected) -> Json:
    told = {
        "create_status": "create_success",
        "invoice_no": invoice.number,
        "invoice_code": invoice.code,
        "invoice_date": invoice.date,
        "invoice_kind": int(invoice.kind) if invoice.kind else None,
        "invoice_amount": invoice.amount,
        "sum_price": invoice.sum_price,
        "sum_tax": invoice.sum_tax,
    }
    return {name: value for name, value in told.items() if value not in ("", None)}


def _shown_old(application: Application) -> Json:
    status = {APPLYING: OPEN, CANCELLED: REFUSED}.get(application.status, AGREED)
    return {
        "platform_code": application.platform_code,
        "platform_tid": application.platform_tid,
        "status": status,
        "trigger_status": "buyer_payed",
        "invoice_kind": application.invoice_kind,
        "business_type": application.business_type,
        "invoice_type": application.invoice_type,
        "payer_name": application.payer_name,
        "payer_register_no": application.payer_register_no,
        "invoice_amount": f"{application.amount:.2f}",
        "gmt_create": beijing_text(application.created),
        "gmt_modified_str": beijing_text(application.modified),
    }
