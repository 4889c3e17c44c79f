"""`requestBillingNew` and `reInvoice`: an order is taken in, an ended one is pushed again."""

from dataclasses import replace
from typing import Any

from syncd.sandbox.moment import beijing_day
from syncd.sandbox.nuonuo.amounts import checked_lines
from syncd.sandbox.nuonuo.order import Json, Order, read_order
from syncd.sandbox.nuonuo.refusal import Refused, missing
from syncd.sandbox.nuonuo.script import Script
from syncd.sandbox.nuonuo.submission import DONE, FAILED, UNSEALED, VOID, Submission
from syncd.sandbox.nuonuo.world import NuonuoWorld, Seller

ALREADY = ("E9611", "发票已生成，无需再重试开票")
RUNNING = ("E9612", "开票中，请耐心等待开票结果")
"""The two texts are the vendor's, their codes are not published."""


def request_billing(world: NuonuoWorld, app_key: str, user_tax: str, body: Json) -> dict[str, Any]:
    """Take an order in.

    Gives the serial: accepted, not issued. Raises: Refused (nothing was created), among them E9106 for an
    order number this seller used before, whatever became of it. Source: docs/wire/nuonuo.md
    """
    order = read_order(body, max_order_no=world.switches.order_no_limit)
    seller = seller_of(world, app_key, user_tax, order.seller_tax_no)
    key = (order.seller_tax_no, order.order_no)
    if key in world.by_key or key in world.burnt:
        raise Refused("E9106", "订单编号不能重复")
    try:
        script = _checked(world, seller, order)
        order = replace(order, lines=checked_lines(order.lines))
    except Refused:
        if world.switches.burn_on_refusal:
            world.burnt.add(key)
        raise
    return {"invoiceSerialNum": world.accept(order, script).serial}


def re_invoice(world: NuonuoWorld, seller: Seller, body: Json) -> dict[str, Any]:
    """Push an order again under the same number: a failed one may be issued now, an unsealed one is sealed.

    Raises: Refused "already generated", "in progress", E9613 (20 a day), E9500. Source: docs/wire/nuonuo.md
    """
    submission = _submission(world, seller, body)
    world.settle()
    if submission.status in (DONE, VOID):
        raise Refused(*ALREADY)
    if submission.status not in (FAILED, UNSEALED):
        raise Refused(*RUNNING)
    _count_retry(world, submission)
    if submission.status == UNSEALED:
        world.reseal(submission)
    else:
        _run_again(world, submission)
    return {"invoiceSerialNum": submission.serial}


def seller_of(world: NuonuoWorld, app_key: str, user_tax: str, wanted: str = "") -> Seller:
    """The seller a call is about: the header `userTax`, else `wanted`, else the application's only one.

    Raises: Refused E9301 (not registered), E9302 (header and order differ), E9338 (not granted to the app).
    """
    if wanted and user_tax and wanted != user_tax:
        raise Refused("E9302", "销方税号与授权税号不一致")
    granted = [seller for seller in world.sellers.values() if app_key in seller.apps]
    tax_no = wanted or user_tax or (granted[0].tax_no if len(granted) == 1 else "")
    seller = world.sellers.get(tax_no)
    if seller is None:
        raise Refused("E9301", "销方企业未注册")
    if app_key not in seller.apps:
        raise Refused("E9338", "企业无该接口权限")
    return seller


def _checked(world: NuonuoWorld, seller: Seller, order: Order) -> Script:
    if not seller.has_address:
        for name in ("salerTel", "salerAddress"):
            if not order.text(name):
                raise missing(name)
    if seller.login != "ok" and world.switches.logged_out == "refuse":
        raise Refused("E9999", "开票员未登录电子税务局，请先登录")
    script = world.ending_of(order)
    if script.outcome == "refuse" and not script.used_up():
        script.spend()
        raise Refused(script.code, script.cause)
    if script.outcome == "busy" and _busy(world, order, script):
        raise Refused("E9601", "系统繁忙，请稍后重试")
    return script


def _busy(world: NuonuoWorld, order: Order, script: Script) -> bool:
    """The first submit of an order finds the vendor busy; a script made by a test counts its own runs."""
    if any(script is made for _, made in world.scripts):
        script.spend()
        return True
    times = world.busied.get(order.order_no, 0)
    world.busied[order.order_no] = times + 1
    return times == 0


def _submission(world: NuonuoWorld, seller: Seller, body: Json) -> Submission:
    serial, order_no = str(body.get("fpqqlsh") or ""), str(body.get("orderno") or "")
    if not serial and not order_no:
        raise missing("fpqqlsh")
    found = world.by_serial.get(serial) if serial else world.by_key.get((seller.tax_no, order_no))
    if found is None or found.order.seller_tax_no != seller.tax_no:
        raise Refused("E9500", "未查询到发票信息")
    return found


def _count_retry(world: NuonuoWorld, submission: Submission) -> None:
    day = beijing_day(world.now())
    done = submission.retries.get(day, 0)
    if done >= world.switches.seals_per_day or submission.script.outcome == "seal_stuck":
        raise Refused("E9613", "该发票今日重试次数已达上限")
    submission.retries[day] = done + 1


def _run_again(world: NuonuoWorld, submission: Submission) -> None:
    """A failed order runs again; once its script is used up it is issued."""
    if submission.script.used_up():
        submission.script = Script("issue")
    world.start(submission)
