"""One invoice order, read in full: exactly, or not at all.

Source: seed wdt-search §4. All fields are optional when read (its own sample lacks eleven it documents as always
there); unknown enum values pass through; extra fields are ignored and stay in the raw bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import repeat
from typing import Any, TypeVar

from syncd.domain.order import InvoiceOrder, Line, OrderNo, Party
from syncd.wire import strict_json
from syncd.wire.wdt import cells
from syncd.wire.wdt.times import created_at

T = TypeVar("T")
_ZERO = Decimal(0)


class _Cells:
    """The members of one object, each read by name, so that a ValueError can say where it happened."""

    def __init__(self, members: Mapping[str, object], path: str = "") -> None:
        self._members = members
        self._path = path

    def _read(self, name: str, reader: Callable[[object], T]) -> T:
        try:
            return reader(self._members.get(name))
        except ValueError as error:
            raise ValueError(f"{self._path}{name}: {error}") from None

    # What comes as it should is taken at once: `strict_json` lets no text, whole number or Decimal through that
    # `cells` would refuse, but for its size.

    def text(self, name: str) -> str:
        value = self._members.get(name)
        return value if type(value) is str else self._read(name, cells.text)

    def texts(self, names: Sequence[str]) -> list[str]:
        """As `text` for each of them."""
        values: list[Any] = [*map(self._members.get, names, repeat(""))]
        return values if {*map(type, values)} <= _TEXT else [self.text(name) for name in names]

    def integer(self, name: str) -> int | None:
        value = self._members.get(name)
        if type(value) is str and len(value) < _FEW and value.isascii() and value.isdigit():
            return int(value)
        return value if type(value) is int else self._read(name, cells.integer)

    def number(self, name: str) -> Decimal | None:
        value = self._members.get(name)
        if type(value) is int:
            value = Decimal(value)
        if type(value) is Decimal and -cells.MAX_AMOUNT <= value <= cells.MAX_AMOUNT:
            return value
        return self._read(name, cells.number)

    def truth(self, name: str) -> bool | None:
        value = self._members.get(name)
        return value if type(value) is bool else self._read(name, cells.truth)

    def raw(self, name: str) -> object:
        return self._members.get(name)


_TEXT = {str}
#: Fewer digits than this are a whole number like any other.
_FEW = 10
_PAYER = (
    *("payer_name", "payer_register_no", "payer_address", "payer_phone"),
    *("payer_bank", "payer_account", "payer_email"),
)
_PAYEE = (
    *("payee_name", "payee_register_no", "payee_address", "payee_telno"),
    *("payee_bank_name", "payee_bank_account"),
)
#: Their order is that of the fields they fill.
_PEOPLE = ("payee_operator", "payee_receiver", "payee_checker", "shop_no", "shop_name", "trade_no")
_PAPERS = (
    *("invoice_remark", "tax_control_no", "relation_invoice_no_out", "relation_invoice_code", "invoice_no"),
    *("invoice_code", "invoice_time", "file_url", "error_info", "serial_no"),
)
_ITEM = ("item_name", "item_no", "unit_name", "tax_code", "remark", "tid", "oid", "trade_no")


def decode_order(raw: bytes) -> InvoiceOrder:
    """The full order in a row's bytes.

    Raises ValueError naming field and kind ("detail_list[2].tax: not a number"), never its value; Malformed, which
    is one, where the row as a whole is no JSON we accept (a name said twice, NaN, NUL, a lone surrogate).
    """
    members = strict_json.loads(raw)
    if not isinstance(members, dict):
        raise ValueError("row: not an object")
    row = _Cells(members)
    operator, receiver, checker, shop_no, shop_name, trade_no = row.texts(_PEOPLE)
    remark, tax_control_no, relation_no, relation_code, invoice_no, *later = row.texts(_PAPERS)
    invoice_code, invoice_time, file_url, error_info, serial_no = later
    return InvoiceOrder(
        no=OrderNo(_required_text(row, "invoice_order_no")),
        status=_required_integer(row, "status"),
        is_red=row.truth("is_red") or False,
        business_type=row.integer("business_type"),
        invoice_type=row.integer("invoice_type"),
        payer=Party(*row.texts(_PAYER)),
        payee=Party(*row.texts(_PAYEE)),
        operator=operator,
        receiver=receiver,
        checker=checker,
        shop_no=shop_no,
        shop_name=shop_name,
        trade_no=trade_no,
        goods_amount=row.number("goods_amount"),
        goods_tax=row.number("goods_tax"),
        discount=row.number("discount") or _ZERO,
        discount_tax=row.number("discount_tax") or _ZERO,
        sum_price=row.number("sum_price"),
        sum_tax=row.number("sum_tax"),
        invoice_amount=row.number("invoice_amount"),
        outer_amount=row.number("invoice_outer_amount"),
        remark=remark,
        tax_control_no=tax_control_no,
        relation_invoice_no=relation_no,
        relation_invoice_code=relation_code,
        invoice_no=invoice_no,
        invoice_code=invoice_code,
        invoice_time=invoice_time,
        file_url=file_url,
        error_info=error_info,
        serial_no=serial_no,
        mask=row.integer("invoice_mask") or 0,
        created_at=created_at(row.raw("created")),
        lines=_lines(row.raw("detail_list")),
    )


def _lines(value: object) -> tuple[Line, ...]:
    if cells.is_absent(value):
        return ()
    if not isinstance(value, list):
        raise ValueError("detail_list: not a list")
    return tuple(_line(position, item) for position, item in enumerate(value))


def _line(position: int, item: object) -> Line:
    """By position, because `item_no` is not unique inside a document."""
    path = f"detail_list[{position}]"
    if not isinstance(item, dict):
        raise ValueError(f"{path}: not an object")
    line = _Cells(item, path + ".")
    item_name, item_no, unit_name, tax_code, remark, tid, oid, trade_no = line.texts(_ITEM)
    return Line(
        item_name=item_name,
        item_no=item_no,
        row_type=line.integer("row_type") or 0,
        unit_name=unit_name,
        num=line.number("num"),
        price=line.number("price"),
        tax_code=tax_code,
        tax_rate=line.number("tax_rate"),
        sum_price=line.number("sum_price"),
        tax=line.number("tax"),
        sum_amount=line.number("sum_amount"),
        discount=line.number("discount") or _ZERO,
        discount_tax=line.number("discount_tax") or _ZERO,
        remark=remark,
        tid=tid,
        oid=oid,
        trade_no=trade_no,
        platform_id=line.integer("platform_id"),
    )


def _required_text(row: _Cells, name: str) -> str:
    found = row.text(name)
    if not found.strip():
        raise ValueError(f"{name}: missing")
    return found


def _required_integer(row: _Cells, name: str) -> int:
    found = row.integer(name)
    if found is None:
        raise ValueError(f"{name}: missing")
    return found
