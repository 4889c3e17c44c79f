"""F46: a code 7 is a rest and never a failure."""

from datetime import UTC, datetime, timedelta

import pytest
from top_parts import NOON, NUMBER, Hand, budget, returned
from wire_server import reply

from syncd.domain.centre import ApplyId, ApplyStatus, InvoiceUk
from syncd.domain.trouble import Care, Paced, Transient
from syncd.sandbox import Sandbox
from syncd.wire.allowance import PORTION, Allowance
from syncd.wire.top.client import UPDATE, TopClient

OURS = InvoiceUk(NUMBER)
A1 = ApplyId("A1")


async def test_a_ban_of_hours_is_kept_to_the_second_and_nothing_is_sent_in_it(
    sandbox: Sandbox, top: TopClient, hand: Hand
):
    """The platform's own sample: 31,062 seconds."""
    sandbox.top.put_application("A1")
    sandbox.top.ban("app", 31_062)

    with pytest.raises(Transient) as caught:
        await top.update(A1, ApplyStatus.SUCCESS, [OURS])

    verdict = caught.value.verdict
    assert (verdict.care, verdict.code, verdict.rest_for) == (Care.REST_LANE, "7", 31_063)
    hand.move(31_062)
    for call in (top.update(A1, ApplyStatus.SUCCESS, [OURS]), top.upload(returned("A1")), top.application(A1)):
        with pytest.raises(Paced) as paced:
            await call
        assert paced.value.until == NOON + timedelta(seconds=31_063)
    assert len(sandbox.top.calls) == 1
    hand.move(1)
    assert not (await top.update(A1, ApplyStatus.SUCCESS, [OURS])).success


async def test_a_throttled_interface_rests_alone(sandbox: Sandbox, top: TopClient, hand: Hand):
    sandbox.top.put_application("A1")
    sandbox.top.ban("app_api", 2, method=UPDATE)

    with pytest.raises(Transient) as caught:
        await top.update(A1, ApplyStatus.SUCCESS, [OURS])
    with pytest.raises(Paced):
        await top.update(A1, ApplyStatus.SUCCESS, [OURS])

    assert caught.value.verdict.rest_for == 3
    assert await top.application(A1) is not None
    assert await top.upload(returned("A1"))
    hand.move(3)
    assert (await top.update(A1, ApplyStatus.SUCCESS, [OURS])).success


async def test_merchants_of_one_application_key_rest_together(sandbox: Sandbox, connect, hand: Hand):
    shared = budget(hand)
    first, second = (connect(sandbox.top_url, budget=shared, merchant=name) for name in ("m001", "m002"))
    sandbox.top.ban("app", 60)

    with pytest.raises(Transient):
        await first.server_time()
    with pytest.raises(Paced):
        await second.server_time()


@pytest.mark.parametrize(
    ("kind", "at", "rest_for"),
    [
        ("app", NOON, 600),
        ("app", datetime(2026, 11, 20, 15, 58, tzinfo=UTC), 121),
        ("api", NOON, 60),
        ("app_api", NOON, 60),
    ],
)
async def test_a_ban_without_its_length_is_looked_at_again(sandbox, top, hand, kind, at: datetime, rest_for: float):
    """The day's calls come back at midnight in Beijing: until then one look each ten minutes."""
    hand.instant = at
    sandbox.top.switches.ban_text = "bare"
    sandbox.top.ban(kind, 31_062)

    with pytest.raises(Transient) as caught:
        await top.server_time()

    assert caught.value.verdict.rest_for == rest_for


async def test_calls_are_spread_over_the_second(sandbox: Sandbox, connect, hand: Hand):
    client = connect(sandbox.top_url, budget=budget(hand, per_minute=300))

    for _ in range(11):
        await client.server_time()

    assert sum(hand.waits) == pytest.approx(10 * 61.2 / 300)


async def test_the_days_calls_are_used_up_and_back_at_midnight_in_beijing(sandbox: Sandbox, connect, hand: Hand):
    sandbox.top.put_application("A1")
    client = connect(sandbox.top_url, budget=budget(hand, per_day=PORTION + 1))

    for _ in range(PORTION + 1):
        await client.application(A1)
    with pytest.raises(Paced) as paced:
        await client.application(A1)

    assert paced.value.until == datetime(2026, 11, 20, 16, tzinfo=UTC)
    assert len(sandbox.top.calls) == PORTION + 1
    await client.server_time()
    hand.instant = paced.value.until
    assert await client.application(A1) is not None


async def test_whoever_asks_when_a_call_may_be_made_hears_of_the_ban_and_of_the_day(hand: Hand):
    ours = budget(hand, per_day=1)
    assert await ours.free_at() == NOON

    await ours.turn("any")
    with pytest.raises(Paced):
        await ours.turn("any")
    spent = await ours.free_at()
    await ours.slow(NOON, 80_000)

    assert spent == datetime(2026, 11, 20, 16, tzinfo=UTC)
    assert await ours.free_at() == NOON + timedelta(seconds=80_000)


async def test_an_allowance_takes_from_its_book_in_portions_and_asks_once_when_it_is_empty():
    asked: list[tuple[str, int, int]] = []

    class Book:
        async def take(self, day: str, most: int, portion: int) -> int:
            asked.append((day, most, portion))
            return 2 if len(asked) == 1 else 0

    ours = Allowance(100, lambda: NOON, Book())

    await ours.spend()
    await ours.spend()
    for _ in range(2):
        with pytest.raises(Paced):
            await ours.spend()

    assert asked == [("2026-11-20", 100, PORTION)] * 2


@pytest.mark.parametrize("told", ["7", "", "soon", "99999"])
async def test_a_gateway_in_front_that_throttles_is_left_alone(raw_server, odd: TopClient, told: str):
    raw_server.answers = [reply("", 429, {"Retry-After": told})]

    with pytest.raises(Transient) as caught:
        await odd.update(A1, ApplyStatus.SUCCESS, [OURS])
    with pytest.raises(Paced):
        await odd.update(A1, ApplyStatus.SUCCESS, [OURS])

    assert caught.value.verdict.care is Care.REST_LANE
    assert caught.value.verdict.rest_for == (7 if told == "7" else 60)
