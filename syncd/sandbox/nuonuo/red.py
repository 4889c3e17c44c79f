"""The methods around red confirmation forms: apply, look, refresh, issue by hand, answer, withdraw.

Source: Nuonuo interface sheets. Not said there: what a repeated billId is answered, and the texts of E9113 to E9120.
"""

from decimal import Decimal
from typing import Any

from syncd.sandbox.moment import parse_beijing
from syncd.sandbox.nuonuo.amounts import ZERO
from syncd.sandbox.nuonuo.bureau import bill_time
from syncd.sandbox.nuonuo.form import (
    AGREED,
    APPLICATION_FAILED,
    APPLYING,
    WAITING,
    Asked,
    Blue,
    RedForm,
    read_form,
    unfit,
)
from syncd.sandbox.nuonuo.order import Json
from syncd.sandbox.nuonuo.refusal import Refused, invalid, missing
from syncd.sandbox.nuonuo.world import NuonuoWorld, Seller

MOST_PER_PAGE = 50
LONGEST_RANGE = 90 * 86_400
LONGEST_ORDER_NO = 20


def save_form(world: NuonuoWorld, seller: Seller, body: Json) -> str:
    """Apply for a red invoice; the billId. Accepted, not issued.

    Raises: Refused (nothing was created): E4000, E9302, a repeated billId or orderNo, E9103 for a blue that is
    fully reversed or has an open form, E9113 and E9115 to E9120 for one that does not fit.
    """
    world.settle()
    asked = read_form(body)
    if asked.seller_tax_no != seller.tax_no:
        raise Refused("E9302", "销方税号与授权税号不一致")
    key = (seller.tax_no, asked.bill_id)
    if asked.bill_id and (key in world.bureau.forms or key in world.bureau.burnt):
        return _repeated(world, asked)
    try:
        return _opened(world, seller, asked).bill_id
    except Refused:
        if world.switches.burn_on_refusal:
            world.bureau.burnt.add(key)
        raise


def query_forms(world: NuonuoWorld, seller: Seller, body: Json) -> dict[str, Any]:
    """The forms asked for, by uuid, billId, billNo or range of days. Raises: Refused E4000, E9500 where so switched."""
    world.settle()
    found = [form for form in _asked_for(world, seller, body) if _visible(world, form)]
    status = str(body.get("billStatus") or "")
    found = [form for form in found if not status or form.shown == status]
    if not found and world.switches.red_not_found == "E9500":
        raise Refused("E9500", "未查询到红字确认单信息")
    page, size = _number(body, "pageNo", 1), _number(body, "pageSize", 10)
    if size > MOST_PER_PAGE:
        raise invalid("pageSize", f"不能超过{MOST_PER_PAGE}")
    shown = found[(page - 1) * size : page * size]
    entries = [_entry(world, form) for form in shown]
    if world.switches.progress == "calls":
        for form in shown:
            if form.status not in WAITING:
                world.bureau.advance(form)
    return {"total": len(found), "list": entries}


def refresh_forms(world: NuonuoWorld, seller: Seller, body: Json) -> dict[str, Any]:
    """Fetch the bureau's state of one form (billUuid) or of a range of days into Nuonuo. Raises: Refused E4000."""
    world.settle()
    _identity(body)
    uuid = str(body.get("billUuid") or "")
    if uuid:
        forms = [form for form in world.bureau.seller_forms(seller.tax_no) if form.uuid == uuid]
    else:
        start, end = _range(body, "startTime", "endTime")
        forms = [form for form in world.bureau.seller_forms(seller.tax_no) if start <= form.created_at < end]
    for form in forms:
        world.bureau.refresh(form)
    return {}


def fast_red(world: NuonuoWorld, seller: Seller, body: Json) -> dict[str, Any]:
    """Issue the red invoice of an agreed form by hand; its serial.

    Raises: Refused E9106 for a used orderNo, E9103 when the form has its red invoice or gets it by itself.
    """
    world.settle()
    order_no = str(body.get("orderNo") or "")
    if not order_no:
        raise missing("orderNo")
    if len(order_no) > LONGEST_ORDER_NO:
        raise invalid("orderNo", f"长度不能超过{LONGEST_ORDER_NO}")
    if body.get("taxNum") and body["taxNum"] != seller.tax_no:
        raise Refused("E9302", "销方税号与授权税号不一致")
    _free_order_no(world, seller, order_no)
    form = _one(world, seller, body)
    named = str(body.get("elecInvoiceNumber") or body.get("invoiceNumber") or "")
    if named and not form.blue.number.endswith(named):
        raise Refused("E9115", "蓝票号码与红字确认单不一致")
    if world.bureau.has_red(form) or any(state == "red" for _, state in form.steps):
        raise Refused("E9103", "红字确认单已开具红票")
    if form.status not in AGREED:
        raise _wrong_state()
    return {"invoiceSerialNum": world.bureau.issue(form, world.now(), order_no).serial}


def answer_form(world: NuonuoWorld, seller: Seller, body: Json) -> None:
    """Agree to a form (confirmAgreement 1) or refuse it (0). Raises: Refused unless it waits for this side."""
    world.settle()
    identity, agreed = _identity(body), body.get("confirmAgreement")
    if agreed not in ("0", "1"):
        raise invalid("confirmAgreement", "应为0或1")
    form = _one(world, seller, body)
    if (identity, form.status) not in (("1", "02"), ("0", "03")):
        raise _wrong_state()
    refused = "05" if form.status == "02" else "06"
    world.bureau.enter(form, "04" if agreed == "1" else refused, world.now())
    world.bureau.refresh(form)


def withdraw_form(world: NuonuoWorld, seller: Seller, body: Json) -> None:
    """Withdraw our own form as long as no red invoice is being made. Raises: Refused."""
    world.settle()
    by_buyer = _identity(body) == "1"
    form = _one(world, seller, body)
    if form.asked.by_buyer != by_buyer or world.bureau.has_red(form) or form.status not in AGREED | WAITING:
        raise _wrong_state()
    world.bureau.enter(form, "09" if form.status == "04" else "08", world.now())
    world.bureau.refresh(form)


def _repeated(world: NuonuoWorld, asked: Asked) -> str:
    match world.switches.red_repeat:
        case "same":
            return asked.bill_id
        case "E9999":
            raise Refused("E9999", "申请号重复")
    raise Refused("E9106", "红字确认单申请号不能重复")


def _opened(world: NuonuoWorld, seller: Seller, asked: Asked) -> RedForm:
    if seller.login != "ok" and world.switches.logged_out == "refuse":
        raise Refused("E9999", "开票员未登录电子税务局，请先登录")
    if asked.order_no:
        _free_order_no(world, seller, asked.order_no)
    if asked.lines and world.switches.red_partial == "refuse":
        raise Refused("E9119", "暂不支持部分冲红")
    blue = world.blue(asked.blue)
    why = unfit(asked, blue, seller.tax_no)
    blue = blue or Blue(asked.blue, "", seller.tax_no, ZERO, ZERO)
    net = sum((net for net, _ in asked.lines), ZERO) if asked.lines else -blue.net
    tax = sum((tax for _, tax in asked.lines), ZERO) if asked.lines else -blue.tax
    why = why or _too_much(world, blue, -(net + tax), partial=bool(asked.lines))
    if why is None or world.switches.red_unfit == "accept":
        return world.bureau.open(asked, blue, (net, tax))
    if world.switches.red_unfit == "refuse":
        raise why
    form = world.bureau.open(asked, blue, (net, tax), path=f"{APPLYING}-{APPLICATION_FAILED}")
    form.message = why.text
    return form


def _too_much(world: NuonuoWorld, blue: Blue, wanted: Decimal, *, partial: bool) -> Refused | None:
    """A blue can be reversed once, or in parts up to its total."""
    taken = world.bureau.reversed_so_far(blue)
    if not partial:
        return Refused("E9103", "该发票不能重复冲红") if taken else None
    return Refused("E9120", "冲红金额大于可冲红金额") if taken + wanted > blue.total else None


def _free_order_no(world: NuonuoWorld, seller: Seller, order_no: str) -> None:
    if (seller.tax_no, order_no) in world.by_key:
        raise Refused("E9106", "订单编号不能重复")


def _wrong_state() -> Refused:
    return Refused("E9120", "红字确认单状态不允许该操作")


def _identity(body: Json) -> str:
    identity = body.get("identity")
    if not identity:
        raise missing("identity")
    if identity not in ("0", "1"):
        raise invalid("identity", "应为0或1")
    return str(identity)


def _one(world: NuonuoWorld, seller: Seller, body: Json) -> RedForm:
    """The form named by billUuid, billId or billNo, in that order of weight. Raises: Refused E4000, E9500."""
    named = _named(world, seller, body)
    if named is None:
        raise missing("billUuid")
    if not named:
        raise Refused("E9500", "未查询到红字确认单信息")
    return named[0]


def _named(world: NuonuoWorld, seller: Seller, body: Json) -> list[RedForm] | None:
    forms = world.bureau.forms
    uuid, bill_id, bill_no = (str(body.get(name) or "") for name in ("billUuid", "billId", "billNo"))
    mine = world.bureau.seller_forms
    if uuid:
        return [form for form in mine(seller.tax_no) if form.uuid == uuid]
    if bill_id:
        found = forms.get((seller.tax_no, bill_id))
        return [found] if found else []
    if bill_no:
        return [form for form in mine(seller.tax_no) if form.bill_no == bill_no and _number_known(form)]
    return None


def _asked_for(world: NuonuoWorld, seller: Seller, body: Json) -> list[RedForm]:
    by_buyer = _identity(body) == "1"
    found = _named(world, seller, body)
    if found is None:
        start, end = _range(body, "billTimeStart", "billTimeEnd")
        forms = world.bureau.forms.values()
        found = [
            form
            for form in forms
            if (form.asked.buyer_tax_no if by_buyer else form.seller_tax_no) == seller.tax_no
            and start <= form.created_at < end
        ]
    return _mixed_up(world, found)


def _mixed_up(world: NuonuoWorld, found: list[RedForm]) -> list[RedForm]:
    """Now and then another caller's forms stand in the answer as well, and not where they were asked for."""
    world.queries += 1
    if not world.switches.strange_every or world.queries % world.switches.strange_every:
        return found
    strangers = [form for form in world.bureau.forms.values() if form not in found]
    world.strange_answers += bool(strangers)
    return [*strangers[-2:], *reversed(found)]


def _visible(world: NuonuoWorld, form: RedForm) -> bool:
    """A fresh form may stay unseen for a time or for a number of queries."""
    if form.hidden_for > 0:
        form.hidden_for -= 1
        return False
    return world.now() >= form.created_at + world.switches.visibility_lag


def _range(body: Json, first: str, last: str) -> tuple[float, float]:
    """Unix seconds of two days, the last one whole. Raises: Refused E4000."""
    bounds = []
    for name in (first, last):
        if not body.get(name):
            raise missing(name)
        at = parse_beijing(str(body[name]))
        if at is None or len(str(body[name])) != 10:
            raise invalid(name, "格式应为yyyy-MM-dd")
        bounds.append(float(at))
    if not 0 <= bounds[1] - bounds[0] <= LONGEST_RANGE:
        raise invalid(last, "查询范围不能超过90天")
    return bounds[0], bounds[1] + 86_400


def _number(body: Json, name: str, otherwise: int) -> int:
    text = str(body.get(name) or otherwise)
    if not text.isdigit() or int(text) < 1:
        raise invalid(name, "应为正整数")
    return int(text)


def _number_known(form: RedForm) -> bool:
    """The bureau's number and uuid exist once it took the application in."""
    return form.shown not in (APPLYING, APPLICATION_FAILED)


def _entry(world: NuonuoWorld, form: RedForm) -> dict[str, Any]:
    asked, known = form.asked, _number_known(form)
    told = form.red is not None and form.shown in AGREED
    number = form.red.invoices[0].number if told and form.red and form.red.invoices else None
    return {
        "billId": form.bill_id,
        "billNo": form.bill_no if known else "",
        "billUuid": form.uuid if known else "",
        "billStatus": form.shown,
        "billMessage": form.message if form.shown == APPLICATION_FAILED else "",
        "requestStatus": "",
        "openStatus": int(number is not None),
        "applySource": int(asked.by_buyer),
        "blueInvoiceLine": asked.kind,
        "blueInvoiceNumber": form.blue.number.rpartition("/")[2],
        "blueElecInvoiceNumber": "" if "/" in form.blue.number else form.blue.number,
        "blueInvoiceTime": bill_time(form.blue.issued_at),
        "billTime": bill_time(form.created_at),
        "confirmTime": bill_time(form.confirmed_at),
        "sellerTaxNo": asked.seller_tax_no,
        "sellerName": world.sellers[asked.seller_tax_no].name,
        "buyerTaxNo": asked.buyer_tax_no,
        "buyerName": asked.buyer_name,
        "taxExcludedAmount": f"{form.net:.2f}",
        "taxAmount": f"{form.tax:.2f}",
        "redReason": asked.reason,
        "invoiceSerialNum": form.red.serial if told and form.red else None,
        "orderNo": form.red.order.order_no if told and form.red else None,
        "redInvoiceNumber": number,
        "pdfUrl": "",
    }
