"""What the centre is told and what its answers mean, as tables; and that nothing of it can lead to issuing."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import syncd.stages
from syncd.domain.application import MOST_INVOICES, OUTSIDE, CentreRules, Standing, Stuck
from syncd.domain.application_texts import TEXTS, sentence
from syncd.domain.centre import Application, ApplyId, ApplyStatus, InvoiceUk, Updated
from syncd.domain.invoice import Colour, Invoice
from syncd.domain.lifecycle import Phase, State
from syncd.domain.order import MerchantName, OrderNo
from syncd.stages.alibaba.plan import (
    MOST_ROUNDS,
    NO_REASON,
    Finish,
    GoOn,
    Pause,
    Read,
    Rest,
    Return,
    Stick,
    Tell,
    Told,
    Wait,
    Why,
    Withdraw,
    grace,
    heard,
    next_step,
    owed,
    sight,
)
from syncd.store.applications import ApplicationId, ApplicationView
from syncd.store.links import Attempt, Leg
from syncd.store.orders import OrderId

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
RULES = CentreRules(read_first=False)
NUMBERS = [f"2633200000000000{n:04d}" for n in range(200)]


def leg(n: int = 0, state: State = State.ISSUED, **changes: object) -> Leg:
    issued = state in (State.ISSUED, State.DONE60)
    invoice = Invoice(NUMBERS[n], "", Decimal("113.00"), Colour.BLUE) if issued else None
    made = Leg(OrderId(n + 1), OrderNo(f"FP{n}"), state, Phase.NONE, "个人", "", "", invoice, file="stored")
    return replace(made, **changes)  # type: ignore[arg-type]


def seen(**changes: object) -> ApplicationView:
    made = ApplicationView(
        id=ApplicationId(1), sid="demo_sid", merchant=MerchantName("m001"), apply_id=ApplyId("A1"), source="operator",
        platform_code="", platform_tid="", noticed_at=None, seen_at=NOW, state=Standing.OWED, hold=None, hold_facts={},
        next_at=NOW, round=0, missing=None, blanks=0, tries=0, read_at=NOW, said="", said_at=None, told="", answer="",
        request_id="", afresh_at=None, version=0, changed_at=NOW,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def lacks(*ns: int) -> Updated:
    return Updated(False, tuple(InvoiceUk(NUMBERS[n]) for n in ns))


FAILED = leg(1, State.DONE85, refusal="E1: 购方信息错误")


@pytest.mark.parametrize(
    ("legs", "what"),
    [
        ([], Rest()),
        ([leg(0), leg(1, State.PENDING)], Rest()),
        ([leg(0), leg(1, State.INTENT)], Rest()),
        ([leg(0), leg(1, State.FAILED)], Rest()),  # not a failure until WDT shows it
        ([leg(0), leg(1, State.HOLD)], Rest()),
        ([leg(0), leg(1, State.DONE85, phase=Phase.REPENDED)], Rest()),
        ([leg(0, invoice=None)], Rest()),
        ([leg(0), leg(1, State.DONE60)], Tell(ApplyStatus.SUCCESS, (InvoiceUk(NUMBERS[0]), InvoiceUk(NUMBERS[1])))),
        ([FAILED], Tell(ApplyStatus.FAILED, message="E1: 购方信息错误")),
        ([leg(1, State.DONE85)], Tell(ApplyStatus.FAILED, message=NO_REASON)),
        ([leg(0), FAILED], Stick(Stuck.PARTLY_FAILED, (("issued", "1"), ("failed", "1")))),
        ([leg(0), leg(1, State.CANCELLED)], Stick(Stuck.ORDER_CANCELLED, (("orders", "FP1"),))),
    ],
)
def test_an_application_is_told_as_a_whole_and_when_all_of_it_has_ended(legs: list[Leg], what: object) -> None:
    assert owed(legs, RULES) == what


def test_more_than_a_hundred_invoices_are_held_and_never_cut() -> None:
    """F99. Edge 8."""
    many = [leg(n) for n in range(MOST_INVOICES + 1)]

    assert isinstance(owed(many[:MOST_INVOICES], RULES), Tell)
    assert owed(many, RULES) == Stick(Stuck.TOO_MANY_INVOICES, (("count", "101"), ("most", "100")))


def test_part_is_said_only_where_the_settings_allow_it() -> None:
    said = owed([leg(0), FAILED], replace(RULES, part_success=True))

    assert said == Tell(ApplyStatus.PART, (InvoiceUk(NUMBERS[0]),), "E1: 购方信息错误")


def test_the_same_end_is_told_once_and_another_one_again() -> None:
    told = owed([leg(0)], RULES)
    assert isinstance(told, Tell)
    done = seen(state=Standing.DONE, told=told.signature)

    assert next_step(done, [leg(0)], RULES) == Told()
    assert isinstance(next_step(done, [leg(0), leg(1)], RULES), Tell)
    assert next_step(seen(state=Standing.DONE, told=OUTSIDE), [leg(0), leg(1)], RULES) == Told()
    assert next_step(done, [leg(0), leg(1, State.PENDING)], RULES) == Told()


def test_an_application_is_read_first_and_waits_for_a_file_that_is_on_its_way() -> None:
    rules = CentreRules()

    assert next_step(seen(read_at=None), [leg(0)], rules) == Read(Why.FIRST)
    assert next_step(seen(), [leg(0, file="wanted")], rules) == Pause()
    assert isinstance(next_step(seen(), [leg(0, file="wanted", file_tries=1)], rules), Tell)
    assert isinstance(next_step(seen(said="inv_success"), [leg(0, file="wanted")], rules), Tell)


def test_a_withdrawn_application_is_told_nothing_and_what_was_issued_for_it_is_a_persons() -> None:
    gone = seen(state=Standing.WITHDRAWN)

    assert next_step(gone, [leg(0, State.PENDING, cancelled=True)], RULES) == Rest()
    assert next_step(gone, [leg(0, cancelled=True)], RULES) == Stick(Stuck.CANCELLED, (("invoices", NUMBERS[0]),))


def test_only_what_is_missing_and_ours_is_returned() -> None:
    legs = [leg(0), leg(1), leg(2)]

    answer = heard(seen(), legs, [], lacks(1, 150), RULES, NOW)

    assert isinstance(answer, Return)
    assert [one.no for one in answer.legs] == ["FP1"]
    assert answer.then == Stick(Stuck.FOREIGN_INVOICE, (("foreign", NUMBERS[150]), ("invoices", NUMBERS[1])))
    assert heard(seen(), legs, [], lacks(150), RULES, NOW) == Stick(
        Stuck.FOREIGN_INVOICE, (("foreign", NUMBERS[150]), ("invoices", ""))
    )


@pytest.mark.parametrize(
    "spelled", [InvoiceUk(NUMBERS[0], "000000000000"), InvoiceUk(f" {NUMBERS[0]} "), InvoiceUk(NUMBERS[0], "0")]
)
def test_another_spelling_is_the_same_invoice(spelled: InvoiceUk) -> None:
    """Edge 6."""
    answer = heard(seen(), [leg(0)], [], Updated(False, (spelled,)), RULES, NOW)

    assert isinstance(answer, Return)
    assert [one.no for one in answer.legs] == ["FP0"]


@pytest.mark.parametrize(
    ("attempt", "ago", "again"),
    [
        (None, 10, False),
        (None, 119, False),
        (None, 120, True),
        (False, 119, False),
        (False, 120, True),
        (True, 9999, False),
    ],
)
def test_nothing_is_returned_again_before_the_grace_and_what_was_taken_never(
    attempt: bool | None, ago: int, again: bool
) -> None:
    """Edge 10: an unknown outcome is asked about, not repeated."""
    tried = [Attempt(NUMBERS[0], NOW - timedelta(seconds=ago), attempt)]

    answer = heard(seen(), [leg(0)], tried, lacks(0), RULES, NOW)

    assert isinstance(answer, Return) is again


def test_five_waits_without_the_set_shrinking_and_a_person_looks() -> None:
    """Edge 5."""
    tried = [Attempt(NUMBERS[0], NOW - timedelta(days=1), True)]
    missing = (InvoiceUk(NUMBERS[0]), InvoiceUk(NUMBERS[1]))
    waited = [
        heard(seen(round=n, missing=missing[:1]), [leg(0)], tried, lacks(0), RULES, NOW) for n in range(MOST_ROUNDS + 1)
    ]

    assert [one.span.total_seconds() / 60 for one in waited[:-1] if isinstance(one, Wait)] == [2, 5, 15, 60, 60]
    assert waited[-1] == Stick(Stuck.MISSING_LOOP, (("invoices", NUMBERS[0]),))
    assert heard(seen(round=4, missing=missing), [leg(0)], tried, lacks(0), RULES, NOW) == Wait(RULES.grace, 1)


@pytest.mark.parametrize("taken", [None, False])
def test_what_is_never_taken_is_returned_so_often_and_then_a_person_looks(taken: bool | None) -> None:
    """Nothing goes round without end: not what is refused again and again, and not what gets no answer."""
    now, attempts, view = NOW, list[Attempt](), seen()
    for _ in range(3 * MOST_ROUNDS):
        answer = heard(view, [leg(0)], attempts, lacks(0), RULES, now)
        if isinstance(answer, Stick):
            break
        if isinstance(answer, Return):
            attempts.append(Attempt(NUMBERS[0], now, taken))
            answer = answer.then  # type: ignore[assignment]
        assert isinstance(answer, Wait)
        view = seen(round=answer.round, missing=(InvoiceUk(NUMBERS[0]),))
        now += answer.span

    assert answer == Stick(Stuck.MISSING_LOOP, (("invoices", NUMBERS[0]),))
    assert len(attempts) == MOST_ROUNDS


def test_an_invoice_is_not_returned_for_ever_because_others_come_in() -> None:
    """The missing set shrinks, and the waits begin anew; the returns of one invoice are counted all the same."""
    tried = [Attempt(NUMBERS[0], NOW - timedelta(days=n), False) for n in range(MOST_ROUNDS, 0, -1)]
    missing = (InvoiceUk(NUMBERS[0]), InvoiceUk(NUMBERS[1]))

    assert isinstance(heard(seen(missing=missing), [leg(0)], tried[1:], lacks(0), RULES, NOW), Return)
    assert heard(seen(missing=missing), [leg(0)], tried, lacks(0), RULES, NOW) == Wait(RULES.grace, 1)


def test_two_invoices_of_one_number_and_two_codes_are_two() -> None:
    """Eight digits name an invoice only with its code; what was sent of one says nothing of the other."""
    both = [
        leg(n, invoice=Invoice("14869350", code, Decimal("113.00"), Colour.BLUE))
        for n, code in enumerate(("012001800211", "012001800212"))
    ]
    tried = [Attempt("14869350", NOW, True, "012001800211")]
    missing = tuple(InvoiceUk("14869350", one.invoice.code) for one in both if one.invoice)

    answer = heard(seen(), both, tried, Updated(False, missing), RULES, NOW)

    assert isinstance(answer, Return)
    assert [one.no for one in answer.legs] == ["FP1"]


def test_no_success_is_told_with_an_invoice_that_has_been_reversed() -> None:
    held = Stick(Stuck.REVERSED, (("invoices", NUMBERS[1]),))

    assert owed([leg(0), leg(1, reversed=True)], RULES) == held
    told = seen(state=Standing.DONE, told=f"inv_success {NUMBERS[1]}")
    assert next_step(told, [leg(1, reversed=True)], RULES) == Told()


def test_a_long_grace_is_never_followed_by_a_shorter_one() -> None:
    rules = replace(RULES, grace=timedelta(minutes=30))

    assert [grace(n, rules).total_seconds() / 60 for n in range(5)] == [30, 30, 30, 60, 60]


@pytest.mark.parametrize(
    ("file", "what"),
    [("stored", Return), ("none", Return), ("wanted", Wait), ("lost", Stick), ("", Stick), ("spent", Stick)],
)
def test_an_electronic_invoice_is_returned_with_its_file_or_not_at_all(file: str, what: type) -> None:
    """Edge 15."""
    answer = heard(seen(), [leg(0, file=file)], [], lacks(0), RULES, NOW)

    assert isinstance(answer, what)
    if isinstance(answer, Stick):
        assert answer.stuck is Stuck.NO_FILE


def test_of_a_contradiction_the_boolean_counts() -> None:
    """Edges 1, 2, 3."""
    assert heard(seen(), [leg(0)], [], Updated(True), RULES, NOW) == Finish()
    assert heard(seen(), [leg(0)], [], replace(lacks(0), success=True), RULES, NOW) == Finish(contradicted=True)
    assert heard(seen(), [leg(0)], [], Updated(False), RULES, NOW) == Read(Why.BLANK)


def shown(status: str = "applying", **changes: object) -> Application:
    return replace(Application(ApplyId("A1"), status), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("view", "legs", "what"),
    [
        (None, [leg(0)], Stuck.UNKNOWN),
        (shown("cancelled"), [leg(0)], Stuck.CANCELLED),
        (shown("cancelled"), [FAILED], Withdraw()),
        (shown("inv_success", final=True, invoices=(InvoiceUk(NUMBERS[0], "0000"),)), [leg(0)], Finish()),
        (shown("inv_success", final=True, invoices=(InvoiceUk(NUMBERS[9]),)), [leg(0)], Stuck.ENDED_OTHERWISE),
        (shown("inv_success", final=True), [leg(0)], Stuck.ENDED_OTHERWISE),
        (shown("inv_failed", final=True), [FAILED], Finish()),
        (shown("inv_failed", final=True), [leg(0)], Stuck.ENDED_OTHERWISE),
        (shown("inv_failed"), [leg(0)], GoOn()),
        (shown("200"), [leg(0)], GoOn()),  # a status nobody documents
        (shown(amount=Decimal("113")), [leg(0)], GoOn()),
        (shown(amount=Decimal("-113.00")), [leg(0)], GoOn()),  # a red one
        (shown(amount=Decimal("226.00")), [leg(0), leg(1)], GoOn()),
        (shown(amount=Decimal("113.01")), [leg(0)], Stuck.AMOUNT_DIFFERS),
        (shown(payer_name=" 个 人"), [leg(0)], GoOn()),
        (shown(payer_name="某公司"), [leg(0)], Stuck.PAYER_DIFFERS),
        (shown(payer_name="某公司", payer_register_no="91X"), [leg(0, payer_tax_no="91x")], GoOn()),
        (shown(payer_register_no="91X"), [leg(0, payer_tax_no="91Y")], Stuck.PAYER_DIFFERS),
        (shown(amount=Decimal("1.00"), payer_name="某公司"), [FAILED], GoOn()),
    ],
)
def test_what_the_centre_shows_is_compared_before_an_application_is_ended(
    view: Application | None, legs: list[Leg], what: object
) -> None:
    """Edge 9 and the comparison of spec: skip, hold with both figures, or go on."""
    found = sight(seen(), legs, view, Why.FIRST)

    assert (found.stuck if isinstance(found, Stick) else found) == what


def test_what_it_has_from_us_is_ours_even_where_it_names_no_invoice() -> None:
    assert sight(seen(said="inv_success"), [leg(0)], shown("inv_success", final=True), Why.REFUSED) == Finish()


def test_a_refusal_that_the_look_does_not_explain_is_a_persons() -> None:
    found = sight(seen(), [leg(0)], shown(), Why.REFUSED, "15 isv.odd")

    assert found == Stick(Stuck.REFUSED, (("text", "15 isv.odd"), ("call", "apply.update")))


@settings(max_examples=200, deadline=None)
@given(
    named=st.sets(st.integers(0, 9), min_size=1),
    ours=st.sets(st.integers(0, 6), min_size=1),
    tried=st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 9000), st.sampled_from([None, True, False])), max_size=12
    ),
    files=st.lists(st.sampled_from(["stored", "wanted", "lost", "none", ""]), min_size=10, max_size=10),
    round_no=st.integers(0, 6),
)
def test_whatever_it_says_only_ours_is_returned_and_no_taken_one_twice(
    named: set[int], ours: set[int], tried: list[tuple[int, int, bool | None]], files: list[str], round_no: int
) -> None:
    legs = [leg(n, file=files[n]) for n in sorted(ours)]
    attempts = [Attempt(NUMBERS[n], NOW - timedelta(seconds=ago), taken) for n, ago, taken in tried]
    attempts.sort(key=lambda one: one.sent_at)
    before = seen(round=round_no, missing=tuple(InvoiceUk(NUMBERS[n]) for n in named))

    answer = heard(before, legs, attempts, lacks(*sorted(named)), RULES, NOW)

    returned = {int(str(one.no)[2:]) for one in answer.legs} if isinstance(answer, Return) else set()
    taken = {n for n, _, was in tried if was}
    hasty = {n for n, ago, _ in tried if ago < RULES.grace.total_seconds()}
    assert returned <= (named & ours) - taken - hasty
    assert all(files[n] in ("stored", "none") for n in returned)
    then = answer.then if isinstance(answer, Return) else answer
    assert isinstance(then, Wait | Stick)
    if isinstance(then, Wait):
        assert then.span > timedelta(0)


@pytest.mark.parametrize("stuck", list(Stuck))
def test_every_reason_has_its_sentences(stuck: Stuck) -> None:
    assert set(TEXTS) == set(Stuck)
    zh, en = sentence(stuck, "A1", {}, "zh"), sentence(stuck, "A1", {}, "en")

    assert "A1" in zh
    assert "A1" in en
    assert "{" not in zh + en


def test_what_the_centre_lacks_cannot_lead_to_issuing() -> None:
    """By construction: nothing here names the issuer, a submission, or a step of an order but holding one unsent.

    The contract in pyproject.toml keeps the imports out; this keeps the objects out that could be reached otherwise.
    """
    folder = Path(syncd.stages.__file__).parent
    sources = [
        *folder.glob("alibaba/*.py"),
        *folder.glob("applications/*.py"),
        *folder.glob("files/*.py"),
        folder / "linking.py",
    ]
    forbidden = {"issuer", "submit", "revive", "render", "intend", "move_order", "owe_wdt"}
    named = {
        (source.name, node.attr)
        for source in sources
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }
    orders = {
        ast.unparse(node.func)
        for source in sources
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ".orders." in ast.unparse(node.func)
    }

    assert len(sources) >= 10
    assert {name for name in named if name[1] in forbidden} == set()
    assert orders == {"tx.orders.by_ids", "tx.orders.by_no", "tx.orders.whole", "tx.orders.hold"}
