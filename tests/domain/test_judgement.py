from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import Phase as Trying
from hypothesis import find, given, settings
from hypothesis import strategies as st

from syncd.domain.decision import (
    Adopt,
    Case,
    Decision,
    Drop,
    Fail,
    GoOn,
    Repend,
    Resend,
    RestLane,
    Revive,
    SetAside,
    Wait,
)
from syncd.domain.invoice import Colour, Expected, Invoice
from syncd.domain.judgement import (
    MOST_DUPLICATES,
    MOST_RESTARTS,
    MOST_STALLS,
    SECOND_LOOK,
    judge_answer,
    judge_revival,
    judge_submission,
)
from syncd.domain.lifecycle import Hold, Phase, State
from syncd.domain.outcome import (
    Blocked,
    Dead,
    Duplicate,
    Failed,
    Issued,
    NotFound,
    Outcome,
    Processing,
    Refused,
    SealFailed,
    Split,
    Stalled,
    Unknown,
    Voided,
)
from syncd.domain.ports import Class
from syncd.domain.trouble import Care, Verdict

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
SETTLE = timedelta(minutes=10)
EXPECTED = Expected("91110302562134916R", Decimal("113.00"), Colour.BLUE)
OURS = Invoice(
    number="26332000000000000001",
    code="",
    total=Decimal("113.00"),
    colour=Colour.BLUE,
    buyer_tax_no=EXPECTED.buyer_tax_no,
)
LOGIN = Verdict(Care.PERSON, "nuonuo", "E9999", "the drawer is logged out")
REFUSAL = ("E9101", "no such buyer")
DEAD = Failed("22", "refused by the bureau")
ODD = Verdict(Care.UNCLASSIFIED, "nuonuo", "E9777", "odd")
STALLED = Stalled(LOGIN, "s1")

INTENT = Case(
    state=State.INTENT,
    phase=Phase.SENT,
    generation=0,
    expected=EXPECTED,
    wdt_status=45,
    trust=Class.A,
    settle_for=SETTLE,
    sent_at=NOW - timedelta(seconds=5),
)
SETTLED = replace(INTENT, phase=Phase.UNKNOWN, sent_at=NOW - SETTLE, missed_at=NOW - SECOND_LOOK)


def case(base: Case = INTENT, **changes: Any) -> Case:
    return replace(base, **changes)


def closed(state: State, phase: Phase = Phase.NONE, status: int = 85, **changes: Any) -> Case:
    return case(state=state, phase=phase, wdt_status=status, **changes)


def asked(about: Case, outcome: Outcome, *later: Outcome) -> Decision:
    return judge_answer(about, outcome, later, NOW)


# -- the answer to a submission ------------------------------------------------------------------------------------

SUBMITTED: list[tuple[Outcome, Decision]] = [
    (Issued(OURS), Adopt(OURS, 0)),
    (Processing("s1"), Wait(Phase.ISSUING, timedelta(seconds=3))),
    (Duplicate(), Wait(Phase.UNKNOWN, timedelta(0), duplicate=True)),
    (Stalled(LOGIN), Wait(Phase.UNKNOWN, timedelta(0))),
    (Unknown("x", unclassified=ODD), Wait(Phase.UNCLASSIFIED, timedelta(seconds=3), refusal=("E9777", "odd"))),
    (Unknown("not_begun", sent=False), Wait(Phase.READY, timedelta(0))),
    (NotFound(), Wait(Phase.UNKNOWN, timedelta(0))),
    (Refused(*REFUSAL), Wait(Phase.REFUSED, timedelta(seconds=1), refusal=REFUSAL)),
    (Failed(*REFUSAL), Wait(Phase.REFUSED, timedelta(seconds=1), refusal=REFUSAL)),
    (Unknown("timeout"), Wait(Phase.UNKNOWN, timedelta(seconds=3))),
    (Unknown("connection refused", sent=False), Wait(Phase.READY, timedelta(seconds=3))),
    (Blocked(LOGIN), RestLane(LOGIN)),
    (SealFailed("s1", "no seal", OURS), Revive("s1", 0)),
    (Voided(OURS, "voided"), SetAside(Hold.VOIDED_OUTSIDE, (("text", "voided"),), (OURS,))),
    (Voided(None, "voided"), SetAside(Hold.VOIDED_OUTSIDE, (("text", "voided"),))),
    (Split((OURS, OURS)), SetAside(Hold.SPLIT_INVOICES, (("numbers", f"{OURS.number} {OURS.number}"),), (OURS, OURS))),
]


@pytest.mark.parametrize(("outcome", "decision"), SUBMITTED, ids=lambda value: type(value).__name__)
def test_what_the_answer_to_a_submission_decides(outcome: Outcome, decision: Decision) -> None:
    assert judge_submission(INTENT, outcome) == decision


# -- the answer to a question --------------------------------------------------------------------------------------

ANSWERED: list[tuple[str, Case, tuple[Outcome, ...], Decision]] = [
    ("issued", INTENT, (Issued(OURS),), Adopt(OURS, 0)),
    ("still issuing", INTENT, (Processing(),), Wait(Phase.ISSUING, timedelta(seconds=3))),
    ("failed there", INTENT, (DEAD,), Fail("22", DEAD.text)),
    ("refused, and not there", case(phase=Phase.REFUSED, refusal=REFUSAL), (NotFound(),), Fail(*REFUSAL)),
    ("refused, and nobody answers", case(phase=Phase.REFUSED, refusal=REFUSAL), (Unknown("x"),),
     Wait(Phase.REFUSED, timedelta(seconds=3))),
    ("refused, but being issued", case(phase=Phase.REFUSED, refusal=REFUSAL), (Processing(),),
     Wait(Phase.ISSUING, timedelta(seconds=3))),
    ("refused, but issued", case(phase=Phase.REFUSED, refusal=REFUSAL), (Issued(OURS),), Adopt(OURS, 0)),
    ("first miss", INTENT, (NotFound(),), Wait(Phase.UNKNOWN, timedelta(seconds=3), missed=True)),
    ("missed twice, not settled", case(missed_at=NOW - SECOND_LOOK), (NotFound(),),
     Wait(Phase.UNKNOWN, timedelta(seconds=3), missed=True)),
    ("settled, first miss", case(SETTLED, missed_at=None), (NotFound(),),
     Wait(Phase.UNKNOWN, SECOND_LOOK, missed=True)),
    ("settled, second miss too soon", case(SETTLED, missed_at=NOW - timedelta(seconds=1)), (NotFound(),),
     Wait(Phase.UNKNOWN, SECOND_LOOK, missed=True)),
    ("settled, missed twice", SETTLED, (NotFound(),), Resend()),
    ("missed twice, cancelled by now", case(SETTLED, wdt_status=5), (NotFound(),), Drop(cancelled=True)),
    ("missed twice, being edited in WDT", case(SETTLED, wdt_status=20), (NotFound(),),
     Wait(Phase.UNKNOWN, timedelta(seconds=3), missed=True)),
    ("missed twice, issued by others", case(SETTLED, wdt_status=60, wdt_invoice_no="9"), (NotFound(),),
     SetAside(Hold.FOREIGN_NUMBER, (("number", ""), ("wdt_number", "9")))),
    ("first miss, cancelled by now", case(wdt_status=5), (NotFound(),),
     Wait(Phase.UNKNOWN, timedelta(seconds=3), missed=True)),
    ("class B missed", case(SETTLED, trust=Class.B), (NotFound(),), SetAside(Hold.CLASS_B_NOT_FOUND)),
    ("class C missed", case(SETTLED, trust=Class.C), (NotFound(),), SetAside(Hold.CLASS_C_UNKNOWN)),
    ("nobody told us", SETTLED, (Unknown("timeout"),), Wait(Phase.UNKNOWN, timedelta(seconds=3), unheard=True)),
    ("nobody told us, long asked about", case(SETTLED, tries=6), (Unknown("http_502"),),
     Wait(Phase.UNKNOWN, timedelta(seconds=3), unheard=True)),
    ("nobody told us, again and again", case(SETTLED, tries=6, unheard=4), (Unknown("reset"),),
     Wait(Phase.UNKNOWN, timedelta(seconds=60), unheard=True)),
    ("words that tell nothing, long asked about", case(SETTLED, tries=6), (Unknown("key mismatch"),),
     Wait(Phase.UNKNOWN, timedelta(seconds=900))),
    ("dead, nobody told us of the next, long asked about", case(tries=6), (DEAD, Unknown("timeout")),
     Wait(Phase.UNKNOWN, timedelta(seconds=3), unheard=True)),
    ("logged out", INTENT, (Blocked(LOGIN),), RestLane(LOGIN)),
    ("no seal", INTENT, (SealFailed("s1", "no seal"),), Revive("s1", 0)),
    ("no seal for the last time", case(revives=20), (SealFailed("s1", "no seal"),),
     SetAside(Hold.ISSUED_UNSIGNED, (("text", "no seal"), ("serial", "s1")))),
    # a rebuilt store may stand behind the generation that was issued
    ("dead, the next one issued", INTENT, (DEAD, Issued(OURS)), Adopt(OURS, 1)),
    ("unknown there, the third issued", SETTLED, (NotFound(), DEAD, NotFound(), Issued(OURS)), Adopt(OURS, 3)),
    ("dead, the next one being issued", INTENT, (DEAD, Processing()), Wait(Phase.ISSUING, timedelta(seconds=3))),
    ("dead, nobody told us of the next", INTENT, (DEAD, Unknown("x")), Wait(Phase.UNKNOWN, timedelta(seconds=3))),
    ("dead, logged out for the next", INTENT, (DEAD, Blocked(LOGIN)), RestLane(LOGIN)),
    ("dead, the next dead and the third unused", INTENT, (DEAD, DEAD, NotFound()), Fail("22", DEAD.text)),
    # gone on with under the same key
    ("re-pended, dead and unchanged", closed(State.DONE85, Phase.REPENDED, 45, unchanged=True), (DEAD, NotFound()),
     GoOn(0)),
    ("re-pended, stalled long ago and unchanged", closed(State.DONE85, Phase.REPENDED, 45, unchanged=True), (STALLED,),
     GoOn(0)),
    ("re-pended, unchanged, but dead under the next one too", closed(State.DONE85, Phase.REPENDED, 45, unchanged=True),
     (DEAD, DEAD, NotFound()), Repend(2)),
    ("re-pended, stalled and changed", closed(State.DONE85, Phase.REPENDED, 45), (STALLED, NotFound()), Repend(1)),
    ("gone on with, and failed again", case(restarts=1, unchanged=True), (DEAD,), GoOn(0, timedelta(seconds=5))),
    ("gone on with, failed, and changed meanwhile", case(restarts=1), (DEAD, NotFound()),
     GoOn(1, timedelta(seconds=5))),
    ("gone on with for the last time", case(restarts=MOST_RESTARTS, unchanged=True), (DEAD,), Fail("22", DEAD.text)),
    ("gone on with, failed, and cancelled by now", case(restarts=1, unchanged=True, wdt_status=5), (DEAD,),
     Drop(cancelled=True)),
    ("logged out there", case(unchanged=True), (STALLED,), GoOn(0, timedelta(0), LOGIN)),
    ("logged out there, and changed meanwhile", INTENT, (STALLED, NotFound()), GoOn(1, timedelta(0), LOGIN)),
    ("logged out there again and again", case(unchanged=True, restarts=5), (STALLED,),
     GoOn(0, timedelta(seconds=300), LOGIN)),
    ("logged out there, cancelled by now", case(unchanged=True, wdt_status=5), (STALLED,), Drop(cancelled=True)),
    ("logged out there, the next one issued", case(unchanged=True), (STALLED, Issued(OURS)), Adopt(OURS, 1)),
    # what nobody understood, and an issuer that contradicts itself
    ("unclassified, first miss", case(phase=Phase.UNCLASSIFIED, refusal=("E9777", "odd")), (NotFound(),),
     Wait(Phase.UNCLASSIFIED, timedelta(seconds=3), missed=True)),
    ("unclassified, missed twice", case(SETTLED, phase=Phase.UNCLASSIFIED, refusal=("E9777", "odd"), platform="p"),
     (NotFound(),), SetAside(Hold.POISON_ROW, (("code", "unclassified_answer"), ("platform", "p"), ("answer", "E9777"),
     ("text", "odd")))),
    ("unclassified, but issued", case(phase=Phase.UNCLASSIFIED, refusal=("E9777", "odd")), (Issued(OURS),),
     Adopt(OURS, 0)),
    ("unclassified, nobody answers", case(phase=Phase.UNCLASSIFIED, refusal=("E9777", "odd")), (Unknown("x"),),
     Wait(Phase.UNCLASSIFIED, timedelta(seconds=3))),
    ("known already, not found, the last time", case(SETTLED, duplicates=MOST_DUPLICATES), (NotFound(),),
     SetAside(Hold.CLASS_B_NOT_FOUND, (("code", "duplicate_not_found"), ("rounds", "20")))),
    # WDT moved it before anything was sent (T19)
    ("left, unknown there", closed(State.PENDING, Phase.LEFT, 20), (NotFound(),), Drop(cancelled=False)),
    ("cancelled, unknown there", closed(State.PENDING, Phase.LEFT, 5), (NotFound(),), Drop(cancelled=True)),
    ("left, but issued", closed(State.PENDING, Phase.LEFT, 5), (Issued(OURS),), Adopt(OURS, 0)),
    ("left, nobody told us", closed(State.PENDING, Phase.LEFT, 5), (Unknown("x"),),
     Wait(Phase.LEFT, timedelta(seconds=3))),
    # late-issue sweeps (T17)
    ("failed, issued late", closed(State.FAILED), (Issued(OURS),), Adopt(OURS, 0)),
    ("85, issued late", closed(State.DONE85), (Issued(OURS),), Adopt(OURS, 0)),
    ("cancelled, issued late", closed(State.CANCELLED, status=5), (Issued(OURS),), Adopt(OURS, 0)),
    ("85, still dead", closed(State.DONE85), (DEAD,), Drop(cancelled=False)),
    ("85, cancelled by now", closed(State.DONE85, status=5), (NotFound(),), Drop(cancelled=True)),
    # waiting again (T18)
    ("re-pended, unknown there", closed(State.DONE85, Phase.REPENDED, 45), (NotFound(), NotFound()), Repend(0)),
    ("re-pended, dead", closed(State.DONE85, Phase.REPENDED, 45), (DEAD, NotFound()), Repend(1)),
    ("re-pended, dead three times", closed(State.DONE85, Phase.REPENDED, 45, generation=2),
     (DEAD, DEAD, DEAD, NotFound()), Repend(5)),
    ("re-pended, a hole among the dead", closed(State.DONE85, Phase.REPENDED, 45), (DEAD, NotFound(), DEAD), Repend(1)),
    ("re-pended, but issued", closed(State.DONE85, Phase.REPENDED, 45), (Issued(OURS),), Adopt(OURS, 0)),
    ("re-pended, but the next issued", closed(State.CANCELLED, Phase.REPENDED, 45), (DEAD, Issued(OURS)),
     Adopt(OURS, 1)),
    ("re-pended, being issued", closed(State.DONE85, Phase.REPENDED, 45), (Processing(),),
     Wait(Phase.REPENDED, timedelta(seconds=3))),
    ("re-pended, nobody told us", closed(State.DONE85, Phase.REPENDED, 45), (Unknown("x"),),
     Wait(Phase.REPENDED, timedelta(seconds=3))),
    # the file of an invoice we have
    ("the file came", closed(State.ISSUED, Phase.FILE_PENDING, 45), (Issued(OURS),), Adopt(OURS, 0)),
    ("the file is late", closed(State.ISSUED, Phase.FILE_PENDING, 45), (Processing(exists=True),),
     Wait(Phase.FILE_PENDING, timedelta(seconds=3))),
]  # fmt: skip


@pytest.mark.parametrize(("about", "answers", "decision"), [row[1:] for row in ANSWERED], ids=[r[0] for r in ANSWERED])
def test_what_an_answer_decides(about: Case, answers: tuple[Outcome, ...], decision: Decision) -> None:
    assert asked(about, *answers) == decision


@pytest.mark.parametrize("answer", [NotFound(), DEAD])
def test_an_invoice_we_hold_is_not_given_up_because_its_issuer_cannot_find_it(answer: Outcome) -> None:
    """The number is durable; a lagging "not found" only means to ask for the file again."""
    decision = asked(closed(State.ISSUED, Phase.FILE_PENDING, 45), answer)

    assert isinstance(decision, Wait | SetAside)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"total": Decimal("113.01")}, "total"),
        ({"total": None}, "total"),
        ({"buyer_tax_no": "91310115MA1K39423D"}, "buyer_tax_no"),
        ({"buyer_tax_no": ""}, "buyer_tax_no"),
        ({"colour": Colour.RED}, "colour"),
    ],
)
def test_an_invoice_under_our_key_that_is_another_one_is_shown_side_by_side(changes: Any, field: str) -> None:
    decision = asked(INTENT, Issued(replace(OURS, **changes)))

    assert isinstance(decision, SetAside)
    assert decision.hold is Hold.KEY_COLLISION
    assert dict(decision.facts)["fields"] == field
    assert dict(decision.facts)["wanted_total"] == "113.00"


def test_an_invoice_of_which_nothing_is_expected_is_never_adopted() -> None:
    decision = asked(case(expected=None), Issued(OURS))

    assert isinstance(decision, SetAside)
    assert decision.hold is Hold.KEY_COLLISION


def test_an_issuer_that_tells_no_buyer_tax_number_is_believed_on_the_rest() -> None:
    told = replace(OURS, buyer_tax_no=None)

    assert asked(INTENT, Issued(told)) == Adopt(told, 0)


def test_waiting_grows_with_every_try() -> None:
    waits = [asked(case(tries=tries), Processing()) for tries in range(3)]

    assert [wait.after.total_seconds() for wait in waits if isinstance(wait, Wait)] == [3, 5, 10]


# -- no input whatever ---------------------------------------------------------------------------------------------

ago = st.sampled_from([None, *(NOW - timedelta(seconds=s) for s in (0, 1, 2, 29, 30, 599, 600, 3600))])
totals = st.sampled_from([Decimal("113.00"), Decimal("113.01"), None])
invoices = st.just(OURS) | st.builds(
    Invoice,
    number=st.sampled_from([OURS.number, "12345678", ""]),
    code=st.sampled_from(["", "033002600111"]),
    total=totals,
    colour=st.sampled_from(Colour),
    buyer_tax_no=st.sampled_from([EXPECTED.buyer_tax_no, "", None]),
)
texts = st.sampled_from(["", "E9101", "22"])
dead: st.SearchStrategy[Outcome] = st.sampled_from([NotFound(), NotFound(), DEAD, STALLED])
anything: st.SearchStrategy[Outcome] = st.one_of(
    st.builds(Issued, invoices),
    st.builds(Processing, texts, st.booleans()),
    st.builds(SealFailed, texts, texts, st.none() | invoices),
    st.builds(Refused, texts, texts),
    st.just(Duplicate()),
    st.builds(Voided, st.none() | invoices, texts),
    st.builds(Split, st.tuples(invoices, invoices)),
    st.just(Blocked(LOGIN)),
    st.builds(Unknown, texts, st.booleans(), st.none() | st.just(ODD)),
)
outcomes = dead | anything


def _cases(states: list[State], phases: list[Phase], statuses: list[int]) -> st.SearchStrategy[Case]:
    return st.builds(
        Case,
        state=st.sampled_from(states),
        phase=st.sampled_from(phases),
        generation=st.integers(0, 5),
        expected=st.sampled_from([EXPECTED, EXPECTED, None]),
        wdt_status=st.sampled_from(statuses),
        trust=st.sampled_from([Class.A, Class.A, Class.B, Class.C]),
        settle_for=st.sampled_from([timedelta(0), timedelta(seconds=30), SETTLE]),
        sent_at=ago,
        missed_at=ago,
        refusal=st.sampled_from([None, None, REFUSAL]),
        tries=st.integers(0, 100),
        revives=st.integers(0, 25),
        restarts=st.sampled_from([0, 0, 1, 2, 3, 20]),
        duplicates=st.sampled_from([0, 0, 1, 20]),
        unchanged=st.booleans(),
    )


intents = _cases([State.INTENT], [Phase.SENT, Phase.UNKNOWN, Phase.REFUSED], [45, 5])
repended = _cases([State.DONE85, State.CANCELLED], [Phase.REPENDED], [45, 85])
#: Anything at all, and more of the two places where keys are sent again or left behind.
cases = st.one_of(_cases(list(State), list(Phase), [5, 20, 45, 60, 85]), intents, repended)
laters = st.lists(dead, max_size=3).map(tuple) | st.lists(outcomes, max_size=3).map(tuple)


all_dead = st.lists(dead, max_size=3).map(tuple)
REACHED = [
    *((kind, cases, outcomes, laters) for kind in (Adopt, Drop, RestLane, Revive, SetAside, Wait)),
    *((kind, intents, dead, all_dead) for kind in (Drop, Fail, Resend)),
    (Repend, repended, dead, all_dead),
    (GoOn, repended, dead, all_dead),
    (GoOn, intents, dead, all_dead),
]


@pytest.mark.parametrize(("kind", "about", "said", "later"), REACHED)
def test_every_decision_is_among_those_that_are_tried(
    kind: type,
    about: st.SearchStrategy[Case],
    said: st.SearchStrategy[Outcome],
    later: st.SearchStrategy[tuple[Outcome, ...]],
) -> None:
    """So that no property below holds because nothing came to it."""
    once = settings(phases=[Trying.generate], max_examples=5000)

    find(
        st.tuples(about, said, later),
        lambda one: isinstance(judge_answer(one[0], one[1], one[2], NOW), kind),
        settings=once,
    )


@given(cases, outcomes)
def test_no_answer_to_a_submission_fails_resends_or_renumbers_an_order(about: Case, outcome: Outcome) -> None:
    decision = judge_submission(about, outcome)

    assert not isinstance(decision, Fail | Resend | Repend | Drop)


@given(cases, outcomes, laters)
def test_no_order_fails_without_a_definite_no(about: Case, outcome: Outcome, later: tuple[Outcome, ...]) -> None:
    decision = judge_answer(about, outcome, later, NOW)

    if isinstance(decision, Fail):
        assert isinstance(outcome, Failed) or (about.refusal is not None and isinstance(outcome, NotFound))
        assert all(isinstance(one, Dead) for one in later)
        assert about.state is State.INTENT


@settings(max_examples=200)
@given(intents, dead | outcomes, all_dead | laters)
def test_nothing_is_sent_again_or_given_up_on_a_first_or_early_miss(
    about: Case, outcome: Outcome, later: tuple[Outcome, ...]
) -> None:
    decision = judge_answer(about, outcome, later, NOW)

    listed = isinstance(outcome, Failed | Stalled)  # the issuer itself says that it is dead: no miss
    if isinstance(decision, Resend) or (isinstance(decision, Drop) and about.state is State.INTENT and not listed):
        assert about.wdt_status == (45 if isinstance(decision, Resend) else 5)
        assert about.trust is Class.A
        assert isinstance(outcome, NotFound)
        assert all(isinstance(one, Dead) for one in later)
        assert about.sent_at is not None
        assert NOW - about.sent_at >= about.settle_for
        assert about.missed_at is not None
        assert NOW - about.missed_at >= SECOND_LOOK


@settings(max_examples=200)
@given(repended | cases, dead | outcomes, all_dead | laters)
def test_a_key_is_left_behind_only_when_its_issuer_lists_it_as_dead(
    about: Case, outcome: Outcome, later: tuple[Outcome, ...]
) -> None:
    decision = judge_answer(about, outcome, later, NOW)

    if isinstance(decision, Repend):
        passed = (outcome, *later)[: decision.generation - about.generation]
        assert decision.generation == about.generation + len(passed)
        assert all(isinstance(one, Failed | Stalled) for one in passed)
        assert about.state is not State.INTENT
        assert about.wdt_status == 45
        assert all(isinstance(one, Dead) for one in (outcome, *later))


@given(cases, outcomes, laters)
def test_only_an_invoice_that_is_ours_to_the_cent_is_adopted(
    about: Case, outcome: Outcome, later: tuple[Outcome, ...]
) -> None:
    for decision in (judge_answer(about, outcome, later, NOW), judge_submission(about, outcome)):
        if isinstance(decision, Adopt):
            assert about.expected is not None
            assert about.expected.disagreements(decision.invoice) == ()
            assert decision.invoice.number


@given(cases, outcomes, laters)
def test_an_invoice_that_exists_is_adopted_kept_beside_a_hold_or_asked_about_again(
    about: Case, outcome: Outcome, later: tuple[Outcome, ...]
) -> None:
    """Never dropped, failed, sent again or given another key."""
    exists = isinstance(outcome, Issued | SealFailed | Split | Voided) or (
        isinstance(outcome, Processing) and outcome.exists
    )
    decision = judge_answer(about, outcome, later, NOW)

    if exists:
        assert isinstance(decision, Adopt | SetAside | Wait | Revive)


@settings(max_examples=200)
@given(repended | intents, dead | outcomes, all_dead | laters)
def test_an_unchanged_order_keeps_its_key_and_a_changed_one_leaves_it_only_when_it_is_listed_as_dead(
    about: Case, outcome: Outcome, later: tuple[Outcome, ...]
) -> None:
    decision = judge_answer(about, outcome, later, NOW)

    if isinstance(decision, GoOn):
        assert isinstance(outcome, Failed | Stalled)
        assert all(isinstance(one, Dead) for one in later)
        assert about.wdt_status == 45
        assert decision.generation == about.generation or not about.unchanged
        passed = (outcome, *later)[: decision.generation - about.generation]
        assert all(isinstance(one, Failed | Stalled) for one in passed)
    if isinstance(decision, Repend) and about.unchanged:
        assert decision.generation != about.generation + 1 or isinstance(outcome, NotFound)


@given(cases, laters)
def test_what_is_not_the_invoices_fault_is_never_reported_as_its_failure(
    about: Case, later: tuple[Outcome, ...]
) -> None:
    assert not isinstance(judge_answer(about, STALLED, later, NOW), Fail)


@given(cases, outcomes)
def test_no_answer_to_a_revival_ends_anything(about: Case, outcome: Outcome) -> None:
    """Only asking does."""
    assert isinstance(judge_revival(about, outcome), Wait | RestLane)


def test_what_stalls_twenty_times_is_a_persons() -> None:
    decision = asked(case(unchanged=True, restarts=MOST_STALLS), STALLED)

    assert isinstance(decision, SetAside)
    assert decision.hold is Hold.POISON_ROW
    assert dict(decision.facts)["code"] == "stalled_again"


@given(cases, st.builds(Unknown, texts, st.booleans()), laters)
def test_silence_decides_nothing(about: Case, outcome: Unknown, later: tuple[Outcome, ...]) -> None:
    assert isinstance(judge_answer(about, outcome, later, NOW), Wait)
    assert isinstance(judge_submission(about, outcome), Wait)
