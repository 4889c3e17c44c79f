"""2.4: the imports of an application, paged by two texts in the header (seed yuannian-wechat §2.4)."""

from typing import Any

from syncd.sandbox.moment import parse_beijing
from syncd.sandbox.yuannian.card import Import
from syncd.sandbox.yuannian.gate import Admitted
from syncd.sandbox.yuannian.refusal import invalid, missing
from syncd.sandbox.yuannian.rows import found_row
from syncd.sandbox.yuannian.world import YuannianWorld


def search(world: YuannianWorld, call: Admitted) -> dict[str, Any]:
    """One page. `invoiceCount` counts imports, not invoices; page and size of the body mean nothing."""
    page, size = _paging(call, "page"), _paging(call, "size")
    if not 1 <= size <= world.switches.max_page_size:
        raise invalid("size", f"应为1到{world.switches.max_page_size}")
    first = world.switches.first_page
    if page < first:
        raise invalid("page", f"页码从{first}开始")
    found = [one for one in world.imports if one.app_id == call.app.app_id and _fits(call, one)]
    pages = -(-len(found) // size)
    at = page - first
    if world.switches.beyond == "repeat" and at >= pages:
        at = max(0, pages - 1)
    shown = list(enumerate(found))[at * size : (at + 1) * size]
    return {
        "page": str(page),
        "size": str(size),
        "totalPage": str(pages),
        "invoiceCount": str(len(found)),
        "invoiceList": [found_row(one, place, world.switches) for place, one in shown],
    }


def _paging(call: Admitted, name: str) -> int:
    """A number that must be a text in the header."""
    value = call.header.get(name)
    if value is None or value == "":
        raise missing(name)
    if not isinstance(value, str) or not (value.isascii() and value.isdigit()):
        raise invalid(name, "应为数字字符串")
    return int(value)


def _fits(call: Admitted, one: Import) -> bool:
    card = one.card
    start, end = _instant(call, "startDate"), _instant(call, "endDate")
    tax_nos = _tax_nos(call)
    return (
        call.text("bizCode") in ("", one.biz_code)
        and call.text("invoiceCode") in ("", card.code)
        and call.text("invoiceNumber") in ("", card.number)
        and (start is None or one.changed_at >= start)
        and (end is None or int(one.changed_at) <= end)
        and (not tax_nos or bool(tax_nos & {card.seller_tax_no, card.buyer_tax_no}))
    )


def _instant(call: Admitted, name: str) -> int | None:
    text = call.text(name)
    if not text:
        return None
    at = parse_beijing(text)
    if at is None or len(text) != 19:
        raise invalid(name, "格式应为yyyy-MM-dd HH:mm:ss")
    return at


def _tax_nos(call: Admitted) -> set[str]:
    """The tax numbers asked for; entries without one (the sample prints an empty list) ask for nothing."""
    listed = call.body.get("taxNos")
    if listed is None:
        return set()
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise invalid("taxNos", "应为对象数组")
    return {str(one["taxNo"]) for one in listed if one.get("taxNo")}
