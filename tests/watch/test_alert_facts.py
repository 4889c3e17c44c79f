"""What counts as an outage, over a real store."""

from __future__ import annotations

from datetime import timedelta

import pytest
from daemon_parts import NOON, VirtualClock
from stored import cursor, ms, order

from syncd.domain.lifecycle import Hold
from syncd.domain.trouble import Care, Verdict
from syncd.store.store import Store
from syncd.watch.alert_facts import Limits, wrong_now
from syncd.watch.alert_texts import HOLDS, TEXTS, body, title, trial
from syncd.watch.alerts import RUNBOOKS, Edge, Kind, Message, Wrong
from syncd.watch.gauges import Served

MERCHANTS = [Served(f"m00{n}", f"demo_m00{n}", "main", "nuonuo") for n in (1, 2, 3)]
LONG_AGO = NOON - timedelta(days=1)


async def wrongs(store: Store, up_for: timedelta = timedelta(days=2)) -> dict[str, Wrong]:
    async with store.read() as tx:
        found = await wrong_now(tx, MERCHANTS, Limits(), tx.now - up_for)
    return {wrong.name: wrong for wrong in found}


async def rest(store: Store, merchant: str, platform: str, care: Care) -> None:
    async with store.begin() as tx:
        await tx.lanes.rest(merchant, platform, Verdict(care, "nuonuo", "E1", "text"))


async def test_a_quiet_store_is_no_outage(store: Store) -> None:
    cursor(store.path, "demo_m001", "pending", NOON, NOON)
    order(store.path, "FP1", "PENDING", LONG_AGO)

    assert await wrongs(store) == {}


async def test_lanes_that_need_a_person_are_one_outage_for_each_platform(store: Store) -> None:
    await rest(store, "m001", "main", Care.PERSON)
    await rest(store, "m002", "main", Care.SETTINGS)
    await rest(store, "m003", "wdt", Care.SETTINGS)
    for number in range(4):
        order(store.path, f"FP{number}", "PENDING", NOON, merchant="m001" if number else "m003")

    found = await wrongs(store)

    assert {name: (wrong.about, dict(wrong.facts)["waiting"]) for name, wrong in found.items()} == {
        "lane_person:main": (("m001/main", "m002/main"), "3"),
        "lane_person:wdt": (("m003/wdt",), "1"),
    }


async def test_a_lane_at_rest_is_an_outage_only_after_long(store: Store, clock: VirtualClock) -> None:
    await rest(store, "m001", "wdt", Care.REST_LANE)
    clock.advance(timedelta(minutes=29))
    assert await wrongs(store) == {}

    clock.advance(timedelta(minutes=1))

    assert list(await wrongs(store)) == ["lane_resting:wdt"]


async def test_a_lane_paused_by_a_person_is_no_outage(store: Store, clock: VirtualClock) -> None:
    async with store.begin() as tx:
        await tx.lanes.pause("m001", "wdt", "holiday", None)
    cursor(store.path, "demo_m001", "pending", LONG_AGO, LONG_AGO)
    clock.advance(timedelta(days=1))

    assert await wrongs(store) == {}


async def test_held_orders_are_one_outage_with_the_reasons_counted(store: Store) -> None:
    for number in range(8):
        order(store.path, f"FP{number}", "HOLD", NOON, hold="poison_row")
    for number in range(4):
        order(store.path, f"FQ{number}", "HOLD", LONG_AGO, hold="foreign_number", merchant="m002")

    found = (await wrongs(store))["held"]

    assert (found.count, found.since) == (12, LONG_AGO)
    assert dict(found.facts) == {"poison_row": "8", "foreign_number": "4"}


async def test_a_second_invoice_is_an_outage_of_its_own(store: Store) -> None:
    facts = {"code": "second_invoice", "numbers": "1 2"}
    order(store.path, "FP1", "HOLD", NOON, hold="split_invoices", facts=facts)

    found = await wrongs(store)

    assert set(found) == {"held", "second_invoice"}
    assert (found["second_invoice"].count, found["second_invoice"].about) == (1, ("m001",))


async def test_an_outcome_unknown_for_a_quarter_of_an_hour_is_an_outage(store: Store, clock: VirtualClock) -> None:
    order(store.path, "FP1", "INTENT", NOON, phase="unknown", sent_at=ms(NOON))
    clock.advance(timedelta(minutes=15))
    assert await wrongs(store) == {}

    clock.advance(1)

    assert list(await wrongs(store)) == ["unknown"]


async def test_a_work_list_that_is_read_no_more_is_an_outage_unless_its_lane_rests(store: Store) -> None:
    for merchant in ("m001", "m002", "gone"):
        cursor(store.path, f"demo_{merchant}", "pending", LONG_AGO, LONG_AGO)
    cursor(store.path, "demo_m003", "mirror", LONG_AGO, LONG_AGO)
    await rest(store, "m002", "wdt", Care.PERSON)

    found = await wrongs(store)

    assert found["cursor"].about == ("m001",)
    assert set(found) == {"cursor", "lane_person:wdt"}


async def test_a_disarmed_store_is_an_outage_since_it_was_disarmed(store: Store, clock: VirtualClock) -> None:
    """A restored store sends nothing until a person arms it: that person must know."""
    async with store.begin() as tx:
        await tx.instance.create()
    assert await wrongs(store) == {}

    async with store.begin() as tx:
        await tx.instance.disarm("operator", "for a test")
    clock.advance(60)

    assert (await wrongs(store))["disarmed"].since == NOON


async def test_a_start_after_a_long_stop_is_given_time_to_catch_up(store: Store) -> None:
    cursor(store.path, "demo_m001", "pending", LONG_AGO, LONG_AGO)
    order(store.path, "FP1", "INTENT", LONG_AGO, phase="unknown", sent_at=ms(LONG_AGO))

    assert await wrongs(store, up_for=timedelta(seconds=119)) == {}
    assert set(await wrongs(store, up_for=timedelta(seconds=120))) == {"cursor", "unknown"}


# -- the texts -----------------------------------------------------------------------------------------------------


def test_every_kind_and_every_hold_has_its_words() -> None:
    assert set(TEXTS) == set(RUNBOOKS) == set(Kind)
    assert set(HOLDS) == set(Hold)


def test_held_orders_read_like_a_sentence() -> None:
    message = Message(Edge.BEGAN, Kind.HELD, "held", NOON, 12, (), (("poison_row", "8"), ("foreign_number", "4")))

    assert title(message, "en", "here") == "[alert] 12 orders held · syncd here"
    assert "Reasons: 8 bad data, 4 foreign number in WDT" in body(message, "en", NOON)
    assert "原因：8 数据有误，4 旺店通为他人发票号" in body(message, "zh", NOON)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("kind", list(Kind))
def test_every_message_names_its_beginning_its_remedy_and_its_runbook(kind: Kind, language: str) -> None:
    began = Message(Edge.BEGAN, kind, str(kind), NOON, 1, ("m001",))
    over = Message(Edge.OVER, kind, str(kind), NOON, 1, ("m001",))

    text = body(began, language, NOON)  # type: ignore[arg-type]
    end = body(over, language, NOON + timedelta(minutes=61))  # type: ignore[arg-type]

    assert "2026-11-20 12:00" in text
    assert f"docs/runbooks/{RUNBOOKS[kind]}" in text
    assert "1h 1min" in end
    assert RUNBOOKS[kind] not in end


def test_many_lanes_are_named_up_to_ten_and_counted() -> None:
    lanes = tuple(f"m{number:03}/main" for number in range(200))
    message = Message(Edge.BEGAN, Kind.LANE_PERSON, "lane_person:main", NOON, 200, lanes)

    text = body(message, "en", NOON)

    assert "m009/main and 190 more" in text
    assert "m010/main" not in text


def test_a_code_that_hides_a_number_is_masked() -> None:
    facts = (("waiting", "1"), ("codes", "nuonuo.339902999999789113"))
    message = Message(Edge.BEGAN, Kind.LANE_PERSON, "lane_person:main", NOON, 1, ("m001/main",), facts)

    assert "339902999999789113" not in body(message, "en", NOON)


def test_the_trial_says_what_it_is() -> None:
    assert trial("zh", "here") == ("syncd here · 测试消息", "收到这条消息，说明告警渠道可用。")
