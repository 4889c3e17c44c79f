"""Who is told what: decided from what is wrong and what was told, without a store or a channel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.store.told import Told
from syncd.watch.alerts import Edge, Kind, Message, Rules, Wrong, plan

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
RULES = Rules(quiet_for=timedelta(hours=6), gather_for=timedelta(minutes=10), calm_for=timedelta(minutes=3))


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def login_expired(rows: int, *lanes: str) -> Wrong:
    return Wrong(Kind.LANE_PERSON, NOON, len(lanes), lanes, "main", (("waiting", str(rows)),))


def held(count: int) -> Wrong:
    return Wrong(Kind.HELD, NOON, count, facts=(("poison_row", str(count)),))


class Listener:
    """Lives through rounds as the watch does, every channel taking everything."""

    def __init__(self) -> None:
        self.told: dict[str, Told] = {}
        self.heard: list[Message] = []

    def round(self, minutes: float, *wrongs: Wrong) -> list[Edge]:
        steps = plan(wrongs, self.told, at(minutes), RULES)
        self.told |= {step.told.name: step.told for step in steps}
        said = [step.message for step in steps if step.message]
        self.heard += said
        return [message.edge for message in said]


def test_an_expired_login_under_500_rows_is_one_message_and_one_when_it_is_over() -> None:
    """F54. Rows come in for hours; the outage is the lane's, not theirs."""
    listener = Listener()

    for minute in range(600):
        listener.round(minute / 2, login_expired(min(minute, 500), "m001/main"))
    ended = [listener.round(300 + minute) for minute in range(10)]

    assert [message.edge for message in listener.heard] == [Edge.BEGAN, Edge.OVER]
    assert ended[:3] == [[], [], []]
    assert ended[3] == [Edge.OVER]


def test_two_hundred_merchants_of_one_account_are_told_of_in_a_handful_of_messages() -> None:
    listener = Listener()
    lanes = [f"m{number:03}/main" for number in range(200)]

    for second in range(0, 1800, 15):
        touched = lanes[: min(second // 3 + 1, 200)]
        listener.round(second / 60, login_expired(0, *touched))

    assert [message.edge for message in listener.heard] == [Edge.BEGAN, Edge.GREW]
    assert listener.heard[-1].count == 200


def test_held_orders_are_told_once_in_the_quiet_span_however_many_join_them() -> None:
    listener = Listener()

    said = [listener.round(minute, held(1 + minute)) for minute in range(0, 13 * 60, 5)]

    assert [edge for edges in said for edge in edges] == [Edge.BEGAN, Edge.GREW, Edge.GREW]


def test_held_orders_that_come_back_within_the_quiet_span_wait_for_its_end() -> None:
    listener = Listener()
    listener.round(0, held(2))
    for minute in (10, 14):
        listener.round(minute)

    early = [listener.round(minute, held(1)) for minute in (20, 200, 359)]

    assert early == [[], [], []]
    assert listener.round(360, held(1)) == [Edge.BEGAN]


def test_a_second_invoice_waits_for_nothing() -> None:
    listener = Listener()
    listener.round(0, Wrong(Kind.SECOND_INVOICE, NOON, 1, ("m001",)))

    assert listener.round(0.25, Wrong(Kind.SECOND_INVOICE, NOON, 2, ("m001",))) == [Edge.GREW]


def test_the_gravest_is_said_first() -> None:
    listener = Listener()

    listener.round(0, held(3), login_expired(5, "m001/main"), Wrong(Kind.SECOND_INVOICE, NOON, 1, ("m001",)))

    assert [message.kind for message in listener.heard] == [Kind.SECOND_INVOICE, Kind.LANE_PERSON, Kind.HELD]


def test_a_flicker_is_neither_an_end_nor_a_beginning() -> None:
    listener = Listener()
    listener.round(0, login_expired(1, "m001/main"))

    said = [listener.round(minute, *([login_expired(1, "m001/main")] if minute % 2 else [])) for minute in range(1, 60)]

    assert [edges for edges in said if edges] == []


def test_a_new_outage_after_an_announced_end_is_told_again() -> None:
    listener = Listener()
    listener.round(0, login_expired(1, "m001/main"))
    listener.round(1)
    listener.round(5)

    assert listener.round(6, login_expired(1, "m001/main")) == [Edge.BEGAN]


def test_one_lane_mended_while_another_breaks_is_growth() -> None:
    listener = Listener()
    listener.round(0, login_expired(1, "m001/main"))

    assert listener.round(11, login_expired(1, "m002/main")) == [Edge.GREW]


def test_a_clock_that_goes_back_silences_nothing() -> None:
    told = {"held": Told("held", at(9000), at(9000), 1)}

    steps = plan([held(2)], told, NOON, RULES)

    assert [step.message.edge for step in steps if step.message] == [Edge.GREW]


def test_what_another_version_told_ends_without_a_word() -> None:
    told = {"moon:full": Told("moon:full", NOON, NOON, 1, gone_at=NOON)}

    (step,) = plan([], told, at(10), RULES)

    assert step.message is None
    assert step.told.over_at == at(10)


def test_told_at_once_and_remembered_nothing_more_is_said() -> None:
    """The plan is its own fixed point: what it wants remembered leaves nothing to say in the same instant."""
    wrongs = [held(3), login_expired(9, "m001/main", "m002/main"), Wrong(Kind.CURSOR, NOON, 1, ("m001",))]

    told = {step.told.name: step.told for step in plan(wrongs, {}, NOON, RULES)}

    assert plan(wrongs, told, NOON, RULES) == []


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["", "a", "b", "ab"]), max_size=120))
def test_beginnings_and_ends_take_turns(rounds: Sequence[str]) -> None:
    """However an outage comes and goes: nobody hears an end without a beginning, nor two beginnings in a row."""
    listener = Listener()
    edges: list[Edge] = []

    for minute, broken in enumerate(rounds):
        wrongs = [login_expired(1, *(f"{lane}/main" for lane in broken))] if broken else []
        edges += listener.round(minute, *wrongs)

    turns = [edge for edge in edges if edge is not Edge.GREW]
    assert turns[::2] == [Edge.BEGAN] * len(turns[::2])
    assert turns[1::2] == [Edge.OVER] * len(turns[1::2])
