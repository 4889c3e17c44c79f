"""`finance.invoice.InvoiceOrder.search`: windows of modified time, pages by offset."""

from collections.abc import Callable, Mapping
from typing import Any

from syncd.sandbox.delivery import Answer
from syncd.sandbox.moment import parse_beijing
from syncd.sandbox.wdt.document import PENDING, Document
from syncd.sandbox.wdt.gate import java_int
from syncd.sandbox.wdt.refusal import Refused
from syncd.sandbox.wdt.rows import page_body
from syncd.sandbox.wdt.shelf import Shelf, Timeline
from syncd.sandbox.wdt.tenant import SEARCH, Tenant
from syncd.sandbox.wdt.world import WdtWorld

LONGEST_SPAN = 30 * 86_400
KNOWN_PARAMS = frozenset({"start_time", "end_time", "invoice_order_no", "mode", "status", "platform_type"})


def search(world: WdtWorld, tenant: Tenant, query: Mapping[str, str], args: list[Any]) -> Answer:
    """One page of documents.

    Shape: `{"status":0,"data":{"total_count":N,"order":[…]}}`, `page_no` from 0, offsets over the result as
    it is now, so concurrent edits shift rows. Raises: Refused. Source: docs/wire/wdt.md
    """
    params = _params(world, args)
    size, page_no, asked = _paging(world, query)
    world.catch_up()
    shelf = world.shelves[tenant.sid]
    shelf.rebuild_if_needed(world.switches)
    if params.get("invoice_order_no"):
        found = _by_number(world, shelf, params)
        total, page = len(found), found[page_no * size : (page_no + 1) * size]
    else:
        total, page = _by_window(world, shelf, params, page_no, size)
    body = page_body(page, _shown_total(world, total, asked), world.switches)
    return Answer(body, delivered=_note_served(world, page))


def _params(world: WdtWorld, args: list[Any]) -> dict[str, Any]:
    if len(args) != 1:
        raise Refused(1, "invalid argument count")
    if not isinstance(args[0], dict):
        raise Refused(1, "argument type mismatch")
    params: dict[str, Any] = args[0]
    if world.switches.unknown_params == "refuse":
        for name in params.keys() - KNOWN_PARAMS:
            raise Refused(2, name)
    return params


def _paging(world: WdtWorld, query: Mapping[str, str]) -> tuple[int, int, bool]:
    """(size, page number, is the total wanted)"""
    if not query.get("page_size") or not query.get("page_no"):
        raise Refused(100, f"此方法仅支持分页查询：{SEARCH}")
    size, page_no = java_int(query["page_size"]), java_int(query["page_no"])
    most = world.switches.max_page_size
    if size < 1 or page_no < 0 or (most and size > most):
        raise Refused(1, "参数错误")
    return size, page_no, query.get("calc_total") == "1"


def _window(params: Mapping[str, Any]) -> tuple[int, int]:
    start, end = params.get("start_time"), params.get("end_time")
    if not start or not end:
        raise Refused(100, "参数中必须包含起止时间")
    bounds = []
    for text in (start, end):
        unix = parse_beijing(str(text))
        if unix is None:
            raise Refused(100, f"Unparseable date: {text}")
        bounds.append(unix)
    if bounds[1] - bounds[0] > LONGEST_SPAN:
        raise Refused(100, "您的查询时间过宽,查询时间不能大于30天")
    return bounds[0], bounds[1]


def _by_number(world: WdtWorld, shelf: Shelf, params: Mapping[str, Any]) -> list[Document]:
    document = shelf.by_no.get(str(params["invoice_order_no"]))
    if document is None or not document.shown or not shelf.visible(document, world.switches):
        return []
    wanted = _wanted_status(params)
    return [document] if wanted is None or document.shown_status == wanted else []


def _by_window(
    world: WdtWorld, shelf: Shelf, params: Mapping[str, Any], page_no: int, size: int
) -> tuple[int, list[Document]]:
    start, end = _window(params)
    wanted = _wanted_status(params)
    timeline = shelf.everything if wanted is None else shelf.by_status.get(wanted, Timeline())
    bounds = timeline.between(start, end, closed=world.switches.closed_interval)
    page = shelf.page(timeline, bounds, page_no, size, world.switches, world.rng)
    return bounds[1] - bounds[0], page


def _wanted_status(params: Mapping[str, Any]) -> int | None:
    """Without mode 1 only 45, whatever `status` says; with it the given status, or all (None)."""
    if str(params.get("mode", "")) != "1":
        return PENDING
    status = params.get("status")
    return None if status in (None, "") else java_int(str(status))


def _shown_total(world: WdtWorld, total: int, asked: bool) -> int | None:
    if asked or world.switches.total_count == "always":
        return total
    return 0 if world.switches.total_count == "zero" else None


def _note_served(world: WdtWorld, page: list[Document]) -> Callable[[], None]:
    keys = [document.key for document in page]
    pending = [document.key for document in page if document.shown_status == PENDING]

    def note() -> None:
        world.served.update(keys)
        world.served_pending.update(pending)

    return note
