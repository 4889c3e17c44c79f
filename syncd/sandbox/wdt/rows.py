"""How a stored row is written into an answer: all fields or few, decimals as numbers or texts."""

from decimal import Decimal
from typing import Any

from syncd.sandbox.wdt.document import Document, Row, pack_row, read_row
from syncd.sandbox.wdt.switches import WdtSwitches

ORDER_DECIMALS = frozenset(
    {
        "discount", "invoice_amount", "invoice_outer_amount", "goods_amount", "goods_tax", "discount_tax",
        "sum_tax", "sum_price",
    }
)  # fmt: skip
LINE_DECIMALS = frozenset({"num", "tax_rate", "price", "sum_price", "tax", "sum_amount", "discount", "discount_tax"})
NOT_IN_SAMPLE = frozenset(
    {
        "invoice_type", "tax_control_no", "payee_register_no", "relation_invoice_no_out",
        "relation_invoice_code", "invoice_mask", "invoice_code", "invoice_no", "invoice_time", "flag_name",
        "trade_no",
    }
)  # fmt: skip
LINE_NOT_IN_SAMPLE = frozenset({"row_type", "tid", "oid", "trade_no", "platform_id"})
RELATIONS = ("relation_invoice_no_out", "relation_invoice_code")


def page_body(documents: list[Document], total: int | None, switches: WdtSwitches) -> bytes:
    """The whole search answer."""
    rows = [served_row(document, switches) for document in documents]
    count = b"" if total is None else b'"total_count":%d,' % total
    return b'{"status":0,"data":{' + count + b'"order":[' + b",".join(rows) + b"]}}"


def served_row(document: Document, switches: WdtSwitches) -> bytes:
    """One row as search answers it; what needs no rewriting is served as it is stored."""
    return document.shown if switches.plain_rows() else pack_row(written_row(read_row(document.shown), switches))


def written_row(row: Row, switches: WdtSwitches) -> Row:
    """One row in the dress the switches ask for."""
    lines = [_line(line, switches) for line in row.get("detail_list") or []]
    written = _dressed({**row, "detail_list": lines}, ORDER_DECIMALS, NOT_IN_SAMPLE, switches)
    if switches.created == "string" and "created" in written:
        written["created"] = str(written["created"])
    if switches.extra_fields:
        written["x_new_flag"] = True
        written["ext_prop"] = {"source": 1}
    return written


def drop_null_relations(row: Row) -> Row:
    """Relation fields are not returned when they are null (seed of search §4)."""
    return {name: value for name, value in row.items() if not (name in RELATIONS and value is None)}


def _line(line: Row, switches: WdtSwitches) -> Row:
    if switches.discount_sign == "positive" and str(line.get("row_type")) == "1":
        line = {
            name: abs(value) if name in LINE_DECIMALS and isinstance(value, int | Decimal) else value
            for name, value in line.items()
        }
    return _dressed(line, LINE_DECIMALS, LINE_NOT_IN_SAMPLE, switches)


def _dressed(row: Row, decimals: frozenset[str], not_in_sample: frozenset[str], switches: WdtSwitches) -> Row:
    return {
        name: _value(name, value, decimals, switches)
        for name, value in row.items()
        if not (switches.fields == "sample" and name in not_in_sample)
    }


def _value(name: str, value: Any, decimals: frozenset[str], switches: WdtSwitches) -> Any:
    if name in decimals and switches.decimals == "string" and isinstance(value, int | Decimal):
        return f"{value:.4f}"
    if switches.empty_as_null and value == "":
        return None
    return value
