"""Detail lines read from an invoice order, and printed on the request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

from syncd.domain import money, texts
from syncd.domain.invoice import RequestLine
from syncd.domain.money import Entry
from syncd.domain.numbers import pad_tax_code
from syncd.domain.order import Line, RowType
from syncd.domain.unfit_texts import Unfitness, unfit

#: Discount lines included (Nuonuo field tables).
MAX_LINES = 2000
#: Codes beginning with 6 are the category of untaxed items (不征税项目).
ZERO_RATE_RULES: Mapping[str, str] = {"6": "untaxed"}

_LIMITS = (("item_name", texts.NAME_LIMIT), ("item_no", 40), ("unit_name", 20))
_AMOUNTS = ("sum_price", "tax", "sum_amount", "discount", "discount_tax")
#: WDT's rates are Decimal(19,4).
_RATE_DECIMALS = 4
_ROW_TYPES = frozenset(int(row_type) for row_type in RowType)


def check_count(count: int) -> Unfitness | None:
    """At least one line, and no more than one invoice can hold."""
    if not count:
        return unfit("no_lines")
    return unfit("too_many_lines", count=count, limit=MAX_LINES) if count > MAX_LINES else None


def read(lines: Sequence[Line], *, red: bool) -> tuple[Entry, ...] | Unfitness:
    """Every line with its amounts in cents; a red order's turned positive. The first unfit line holds the order."""
    entries: list[Entry] = []
    for number, line in enumerate(lines, start=1):
        entry = check_text(number, line) or _check_quantity(number, line, red=red) or _entry(number, line, red=red)
        if isinstance(entry, Unfitness):
            return entry
        entries.append(entry)
    return tuple(entries)


def item_name(line: Line) -> str:
    """The name to print: WDT's sample row has a blank `item_name` and is named by its `item_no`."""
    return texts.clean(line.item_name) or texts.clean(line.item_no)


def check_text(number: int, line: Line) -> Unfitness | None:
    """Texts that can be sent, a name, and nothing longer than any issuer prints; nothing is cut."""
    if not texts.is_usable(line.item_name + line.item_no + line.unit_name + line.tax_code):
        fields = ("item_name", "item_no", "unit_name", "tax_code")
        odd = next(field for field in fields if not texts.is_usable(getattr(line, field)))
        return unfit("text_unusable", field=_place(number, odd))
    if not item_name(line):
        return unfit("item_name_missing", line=number)
    for field, limit in _LIMITS:
        text = getattr(line, field)
        if len(text) > limit and (length := len(texts.clean(text))) > limit:
            return unfit("item_text_too_long", field=_place(number, field), length=length, limit=limit)
    return None


def zero_rate_mark(entry: Entry, rules: Mapping[str, str]) -> str | Unfitness:
    """ "" for a taxed line, else exempt, untaxed or zero after the longest prefix of the tax code with a rule.

    WDT sends no such mark and the three differ on the invoice, so without a rule the line is held.
    """
    if entry.rate:
        return ""
    fitting = [prefix for prefix in rules if entry.tax_code.startswith(prefix)]
    if not fitting:
        return unfit("zero_rate_unexplained", line=entry.line, tax_code=entry.tax_code)
    return rules[max(fitting, key=len)]


def printed(
    entries: Sequence[Entry], lines: Sequence[Line], rules: Mapping[str, str]
) -> tuple[RequestLine, ...] | Unfitness:
    """The lines of the request, in the order of `entries`; `lines` are the order's, for unit and specification."""
    found: list[RequestLine] = []
    for entry in entries:
        mark = zero_rate_mark(entry, rules)
        if isinstance(mark, Unfitness):
            return mark
        found.append(_printed(entry, lines[entry.line - 1], mark))
    return tuple(found)


def _printed(entry: Entry, line: Line, zero_rate: str) -> RequestLine:
    unit = "" if entry.row_type == RowType.DISCOUNT else texts.clean(line.unit_name)
    return RequestLine(
        property=entry.row_type,
        name=entry.name,
        spec=texts.clean(line.item_no),
        unit=unit,
        num=entry.num,
        price=entry.price,
        tax_code=entry.tax_code,
        rate=entry.rate,
        net=entry.net,
        tax=entry.tax,
        gross=entry.gross,
        zero_rate=zero_rate,
    )


def negative(line: RequestLine) -> RequestLine:
    """A line as a red invoice prints it: number and amounts negative, the price positive (R7)."""
    num = None if line.num is None else -line.num
    return replace(line, num=num, net=-line.net, tax=-line.tax, gross=-line.gross)


def _entry(number: int, line: Line, *, red: bool) -> Entry | Unfitness:
    """One line's code, rate and figures; its price made to fit (R4)."""
    if line.row_type not in _ROW_TYPES:
        return unfit("row_type_unknown", line=number, row_type=line.row_type)
    tax_code = _tax_code(number, line.tax_code)
    if isinstance(tax_code, Unfitness):
        return tax_code
    rate = _rate(number, line.tax_rate)
    if isinstance(rate, Unfitness):
        return rate
    amounts = _amounts(number, line, red=red)
    if isinstance(amounts, Unfitness):
        return amounts
    num, price = _num_and_price(line, amounts[0], red=red)
    return Entry(number, line.row_type, item_name(line), tax_code, rate, num, price, *amounts)


def _tax_code(number: int, text: str) -> str | Unfitness:
    if not texts.clean(text):
        return unfit("tax_code_missing", line=number)
    code = pad_tax_code(text)
    return (
        code
        if code is not None
        else unfit("tax_code_malformed", line=number, tax_code=texts.cut(texts.clean(text), 40))
    )


def _rate(number: int, rate: Decimal | None) -> Decimal | Unfitness:
    """A decimal from 0 to below 1; 13 for 13 % is somebody's mistake, not ours to divide."""
    fraction = None if rate is None or not money.is_sane(rate) else _fraction(rate)
    return unfit("rate_unknown", line=number, rate="" if rate is None else rate) if fraction is None else fraction


@lru_cache(maxsize=64)  # there are few
def _fraction(rate: Decimal) -> Decimal | None:
    """A sane rate as it is printed; None where it is none."""
    if not 0 <= rate < 1 or not money.has_places(rate, _RATE_DECIMALS):
        return None
    return money.plain(rate) or money.ZERO  # not -0, which is as good as 0 to the cache


def _check_quantity(number: int, line: Line, *, red: bool) -> Unfitness | None:
    """Quantity and price are numbers; a blue invoice takes nothing back."""
    if line.row_type == RowType.DISCOUNT:
        return None
    for field, value in (("num", line.num), ("price", line.price)):
        if value is not None and not money.is_sane(value):
            return unfit("amount_out_of_range", field=_place(number, field))
    if line.num is not None and line.num < 0 and not red:
        return unfit("quantity_negative", line=number, num=line.num)
    return None


def _num_and_price(line: Line, net: Decimal, *, red: bool) -> tuple[Decimal, Decimal] | tuple[None, None]:
    if line.row_type == RowType.DISCOUNT or line.num is None or line.price is None:
        return None, None
    return money.fitting(abs(line.num), abs(line.price), net) if red else money.fitting(line.num, line.price, net)


def _amounts(number: int, line: Line, *, red: bool) -> tuple[Decimal, Decimal, Decimal, Decimal, Decimal] | Unfitness:
    """Net, tax, gross and the line's own discount and discount tax."""
    figures: list[Decimal] = []
    for field in _AMOUNTS:
        amount = getattr(line, field)
        figure: Decimal | Unfitness | None = money.cents(amount)
        if figure is None:
            figure = money.read(amount, _place(number, field))
        if isinstance(figure, Unfitness):
            return figure
        figures.append(figure)
    if min(figures) < money.ZERO < max(figures[:3]):
        named = [(_place(number, field), f) for field, f in zip(_AMOUNTS[:3], figures, strict=False)]
        if mixed := money.one_sign(named):
            return mixed
    net, tax, gross, discount, discount_tax = map(abs, figures) if red else figures
    return net, tax, gross, discount, discount_tax


def _place(number: int, field: str) -> str:
    return f"detail_list.{number}.{field}"
