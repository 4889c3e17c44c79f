"""What a red order is mapped to, and the last look at a form: it says no figure, so its blue's counts."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from orders import SELLER, line, order_of, red

from syncd.domain import money_guard
from syncd.domain.invoice import BlueRef, Colour, Expected, Invoice
from syncd.domain.lifecycle import Phase, State
from syncd.domain.mapping import MappingOptions, to_request
from syncd.domain.money_guard import PrintedForm
from syncd.domain.order import OrderNo, Row
from syncd.domain.sighting import Known, observe
from syncd.domain.unfit_texts import Unfitness

ORDER = red(order_of(line()))
BLUE = BlueRef("26112000000123456789")
TOTAL = ORDER.invoice_amount
assert TOTAL is not None
FORM = PrintedForm(BLUE, SELLER, in_full=True)


def said(form: PrintedForm, blue_total: Decimal | None) -> Unfitness | None:
    asked = money_guard.wanted(ORDER, blue_total)
    assert not isinstance(asked, Unfitness)
    return money_guard.guard(form, asked)


def test_a_request_names_the_blue_it_cancels() -> None:
    request = to_request(replace(ORDER, relation_invoice_no=" 26112000000123456789\n"), MappingOptions(tax_no=SELLER))

    assert not isinstance(request, Unfitness)
    assert request.blue == BLUE


def test_a_form_that_takes_back_what_the_order_takes_back_may_leave() -> None:
    assert said(FORM, abs(TOTAL)) is None


@pytest.mark.parametrize(
    ("form", "blue_total"),
    [
        (FORM, None),
        (FORM, abs(TOTAL) + Decimal("0.01")),
        (FORM, abs(TOTAL) - Decimal("0.01")),
        (FORM, -abs(TOTAL)),
        (replace(FORM, in_full=False), abs(TOTAL)),
        (replace(FORM, blue=BlueRef("26112000000123456780")), abs(TOTAL)),
        (replace(FORM, blue=BlueRef("14869350", "012001800211")), abs(TOTAL)),
    ],
)
def test_a_form_that_would_take_back_anything_else_is_held(form: PrintedForm, blue_total: Decimal | None) -> None:
    differs = said(form, blue_total)

    assert differs is not None
    assert differs.code == "request_differs"


def test_a_form_is_no_answer_to_a_blue_order() -> None:
    asked = money_guard.wanted(order_of(line()))
    assert not isinstance(asked, Unfitness)

    assert money_guard.guard(FORM, asked) is not None


@pytest.mark.parametrize(("told", "wrong"), [("", ()), (str(BLUE), ()), ("26112000000123456780", ("blue",))])
def test_a_red_of_another_blue_is_not_ours(told: str, wrong: tuple[str, ...]) -> None:
    invoice = Invoice("26112000000987654321", "", Decimal("-113.00"), Colour.RED, blue=told)

    assert Expected("", Decimal("-113.00"), Colour.RED, str(BLUE)).disagreements(invoice) == wrong


@pytest.mark.parametrize(
    ("content", "phase", "due"), [(b"same", Phase.WAITING_BLUE, False), (b"new", Phase.NONE, True)]
)
def test_a_waiting_red_is_looked_at_again_when_its_row_changes(content: bytes, phase: Phase, due: bool) -> None:
    known = Known(State.PENDING, Phase.WAITING_BLUE, 45, b"same")
    row = Row(OrderNo("FP1"), 45, "", True, "", "", None, None, b"{}", content)

    sight = observe(known, row)

    assert (sight.state, sight.phase, sight.due) == (State.PENDING, phase, due)
