"""How lanes behave with both parties over real HTTP: throttled, unreachable, refused, and working again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from daemon_parts import Daemon, VirtualClock, settings_for
from stage_parts import SUBMIT, Open, submits

from syncd.domain.lifecycle import Hold, State
from syncd.sandbox import Sandbox
from syncd.store.lanes import Lane

MINUTE = timedelta(minutes=1)
#: WDT is read seldom where a test lets hours pass.
SELDOM = {"poll": "20m", "mirror": "30m"}


async def lane(d: Daemon, platform: str = "main") -> Lane | None:
    async with d.app.store.read() as tx:
        return next((one for one in await tx.lanes.all() if one.platform == platform), None)


async def state(d: Daemon, platform: str = "main") -> str:
    found = await lane(d, platform)
    return found.state if found is not None else "open"


def at(sandbox: Sandbox, party: str, method: str = "") -> list[float]:
    """When the calls of a party came, by its own clock."""
    calls = sandbox.wdt.calls if party == "wdt" else sandbox.nuonuo.calls
    return [call.at for call in (calls.of(method) if method else calls.recent)]


def most_in_a_minute(instants: Sequence[float]) -> int:
    return max((sum(first <= one < first + 60 for one in instants) for first in instants), default=0)


# -- throttled ---------------------------------------------------------------------------------------------------------


async def test_no_credential_ever_calls_faster_than_it_may(clock: VirtualClock, daemon: Open, sandbox: Sandbox) -> None:
    """The sandbox counts as the vendor does, and blocks at the first call too many."""
    sandbox.wdt.calls_per_minute = 12
    for _ in range(20):
        sandbox.wdt.put_order({})

    async with daemon(wdt={"calls_per_minute": 12}, schedule={"poll": "1s", "mirror": "1s"}) as d:
        await d.pass_by(timedelta(minutes=4))

    assert most_in_a_minute(at(sandbox, "wdt")) == 12
    assert not any("超过" in call.text for call in sandbox.wdt.calls.recent)


async def test_after_a_rate_answer_the_credential_is_left_alone_and_then_called_half_as_often(
    clock: VirtualClock, daemon: Open, sandbox: Sandbox
) -> None:
    """F46, F76. No call for the five minutes the vendor wants; the rate comes back minute by minute."""
    async with daemon(wdt={"calls_per_minute": 40}, schedule={"poll": "1s", "mirror": "1s"}) as d:
        sandbox.wdt.faults.force("search", "rate")
        await d.pass_by(10)
        told = at(sandbox, "wdt")[-1]
        assert await state(d, "wdt") == "resting"
        await d.pass_by(timedelta(minutes=7))
        pacer = d.app.parties.merchants[0].erp_pace
        assert pacer is not None

    calls = [one for one in at(sandbox, "wdt") if one > told]
    assert calls[0] - told >= 300
    assert 10 <= sum(one < calls[0] + 60 for one in calls) <= 21


async def test_a_rest_outlives_the_process(clock: VirtualClock, daemon: Open, sandbox: Sandbox) -> None:
    """F46, F76. A restart inside a ban would lock the credential out for longer."""
    sandbox.wdt.faults.force("search", "rate")
    async with daemon() as d:
        await d.pass_by(10)
    calls = len(sandbox.wdt.calls.recent)

    async with daemon() as d:
        async with d.app.store.begin() as tx:  # even where a person has opened the lane
            await tx.lanes.resume("m001", "wdt")
        await d.pass_by(timedelta(minutes=4))
        assert len(sandbox.wdt.calls.recent) == calls
        await d.pass_by(timedelta(minutes=4))
        assert len(sandbox.wdt.calls.recent) > calls


# -- unreachable -------------------------------------------------------------------------------------------------------


async def test_an_issuer_that_is_down_is_asked_once_a_minute_at_most_and_then_everything_drains_in_order(
    clock: VirtualClock, daemon: Open, sandbox: Sandbox
) -> None:
    """F56. A dead party rests as a lane: no order of its own waits longer and longer, none is failed or sent twice."""
    numbers = [sandbox.wdt.put_order({}) for _ in range(20)]
    sandbox.nuonuo.faults.force("*", "http_502_before", times=10_000)
    async with daemon(push={"batch": 10, "concurrency": 1}, schedule=SELDOM) as d:
        await d.pass_by(MINUTE)
        found = await lane(d)
        assert found is not None
        assert (found.state, found.code) == ("resting", "nuonuo.http_502")
        opened, before = clock(), len(sandbox.nuonuo.calls.recent)

        await d.pass_by(timedelta(hours=1))

        down = [one for one in at(sandbox, "nuonuo") if one > opened]
        assert most_in_a_minute(down) <= 1
        assert 10 <= len(down) <= 20
        assert before <= 12
        sandbox.nuonuo.faults.forced.clear()
        back = clock()
        await d.settle(timedelta(hours=2))
        orders = await d.orders()

    assert {orders[no].state for no in numbers} == {State.DONE60}
    assert len({one.order_no for one in sandbox.nuonuo.ledger}) == 20
    assert clock() - back < 1800


async def test_one_orders_own_trouble_never_closes_the_lane(
    clock: VirtualClock, daemon: Open, sandbox: Sandbox
) -> None:
    """F56. A submission that is always lost says nothing of the party while it is the only one."""
    sandbox.wdt.put_order({})
    sandbox.nuonuo.faults.force("*", "lost_before", times=12)

    async with daemon() as d:
        await d.pass_by(timedelta(minutes=30))
        assert await state(d) == "open"


async def test_wdt_that_is_down_is_searched_once_a_minute_at_most(
    clock: VirtualClock, daemon: Open, sandbox: Sandbox
) -> None:
    """F56. One search finds out whether it is back; the other feeds and the write-backs wait for it."""
    async with daemon(schedule={"poll": "2s", "mirror": "2s"}) as d:
        await d.pass_by(30)
        sandbox.wdt.faults.force("*", "http_502_before", times=10_000)
        await d.until(lambda: _rests(d, "wdt"))
        opened = clock()
        no = sandbox.wdt.put_order({})
        await d.pass_by(timedelta(minutes=30))
        down = [one for one in at(sandbox, "wdt") if one > opened]
        sandbox.wdt.faults.forced.clear()
        await d.comes_to(no, State.DONE60)

    assert most_in_a_minute(down) <= 1
    assert 4 <= len(down) <= 15


async def _rests(d: Daemon, platform: str) -> bool:
    return await state(d, platform) == "resting"


# -- refused -----------------------------------------------------------------------------------------------------------


async def test_revoked_credentials_are_tried_once_in_five_minutes_and_stop_nobody_else(
    clock: VirtualClock, daemon: Open, sandbox: Sandbox
) -> None:
    """F54, F78. All five units of a merchant meet the same refusal; one of them finds out when it is over."""
    async with daemon(schedule={"poll": "2s", "mirror": "2s"}) as d:
        await d.pass_by(10)
        sandbox.wdt.switches.allowed_ips = frozenset({"192.0.2.1"})
        await d.until(lambda: _rests(d, "wdt"))
        closed = clock()
        await d.pass_by(timedelta(minutes=31))
        refused = [one for one in at(sandbox, "wdt") if one > closed]
        sandbox.wdt.switches.allowed_ips = None
        await d.pass_by(timedelta(minutes=6))
        assert await state(d, "wdt") == "open"

    assert 5 <= len(refused) <= 7


# -- a defect ----------------------------------------------------------------------------------------------------------


async def test_an_order_that_trips_a_defect_is_set_aside_and_its_neighbours_go_on(
    clock: VirtualClock, daemon: Open, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F15. Two crashes in a row, and the stage works in single file; the third one names the order."""
    numbers = [sandbox.wdt.put_order({}) for _ in range(5)]
    poison = numbers[1]
    async with daemon() as d:
        erp = d.app.parties.merchants[0].erp
        sane = type(erp).decode

        def broken(self: object, raw: bytes) -> object:
            if poison.encode() in raw:
                raise RuntimeError("a defect")
            return sane(self, raw)

        monkeypatch.setattr(type(erp), "decode", broken)
        for _ in range(200):
            try:
                await d.pass_by(5)
            except RuntimeError:
                continue
            if {order.state for order in (await d.orders()).values()} <= {State.DONE60, State.HOLD}:
                break
        held = await d.order(poison)
        others = {order.state for no, order in (await d.orders()).items() if no != poison}

    assert (held.state, held.hold, held.hold_facts["code"]) == (State.HOLD, Hold.POISON_ROW, "defect")
    assert others == {State.DONE60}


async def test_an_order_that_may_have_been_sent_is_parked_and_not_held_after_a_defect(
    clock: VirtualClock, daemon: Open, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    no = sandbox.wdt.put_order({})
    sandbox.nuonuo.faults.force(SUBMIT, "lost_after")
    async with daemon(schedule=SELDOM) as d:
        await d.comes_to(no, State.INTENT)
        issuer = d.app.parties.merchants[0].issuer
        with monkeypatch.context() as planted:
            planted.setattr(type(issuer), "ask", _defect)
            for _ in range(60):
                try:
                    await d.pass_by(20)
                except RuntimeError:
                    continue
            parked = await d.order(no)
            story = [entry.event for entry in await d.story(no)]
        assert parked.next_at > clock.now() + timedelta(hours=5)
        clock.world = parked.next_at
        await d.comes_to(no, State.DONE60)

    assert parked.state is State.INTENT
    assert story.count("order.parked") == 1
    assert submits(sandbox) == 1


async def _defect(*_: object) -> object:
    raise RuntimeError("a defect")


# -- nobody sleeps past what is due ------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["calm", "rough"])
async def test_no_unit_sleeps_past_what_is_due_for_it(
    clock: VirtualClock, daemon: Open, sandbox: Sandbox, profile: str
) -> None:
    """A unit with nothing to do sleeps for a minute; whatever becomes due meanwhile must have woken it."""
    sandbox.nuonuo.faults.use(profile)
    sandbox.nuonuo.faults.weights.pop("hung", None)
    sandbox.nuonuo.faults.weights.pop("hung_before", None)
    every = timedelta(seconds=10)
    async with daemon() as d:
        for _ in range(60):
            if len(sandbox.wdt.documents) < 12:
                sandbox.wdt.put_order({})
            await d.pass_by(7)
            for stage, due, next_at, ran_at in await _standing(d):
                latest = max(due, ran_at + every) + timedelta(seconds=1)
                assert next_at <= latest or await state(d) != "open", f"{stage} sleeps {next_at - latest} too long"


async def _standing(d: Daemon) -> list[tuple[str, datetime, datetime, datetime]]:
    """For each stage with something to do: when it is due, when its unit is, and when it last ran."""
    async with d.app.store.read() as tx:
        merchant = d.app.parties.merchants[0].name
        fresh_since = tx.now - timedelta(seconds=120)
        stale = await tx.orders.stale(merchant, fresh_since)
        dues = {
            "push": None if stale else await tx.orders.next_to_push(merchant),
            "collect": await tx.orders.next_to_ask(merchant),
            "write_back": await tx.debts.next_due(merchant),
        }
        units = {unit.stage: unit for unit in await tx.units.all() if unit.stage in dues}
    found = []
    for stage, due in dues.items():
        unit = units[stage]
        if due is not None and unit.next_at is not None and due <= d.clock.now() + timedelta(seconds=59):
            found.append((stage, due, unit.next_at, unit.ran_at or d.clock.now()))
    return found


# -- the clock ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [119, -119])
async def test_a_clock_within_the_vendors_tolerance_loses_nothing(
    clock: VirtualClock, daemon: Open, sandbox: Sandbox, seconds: int
) -> None:
    """F102."""
    clock.skew = timedelta(seconds=seconds)
    async with daemon() as d:
        await d.pass_by(MINUTE)
        numbers = [sandbox.wdt.put_order({}) for _ in range(3)]
        await d.pass_by(timedelta(minutes=8))
        assert {(await d.order(no)).state for no in numbers} == {State.DONE60}
        assert await state(d, "wdt") == "open"


async def test_a_clock_that_steps_back_an_hour_stops_the_lane_and_loses_nothing(
    clock: VirtualClock, daemon: Open, sandbox: Sandbox
) -> None:
    """F104, F103. WDT refuses the stamps; once the clock is right everything goes on where it was."""
    async with daemon() as d:
        await d.pass_by(timedelta(minutes=2))
        clock.skew = timedelta(hours=-1)
        no = sandbox.wdt.put_order({})
        await d.pass_by(timedelta(minutes=10))
        assert await state(d, "wdt") == "resting"
        assert (await lane(d, "wdt")).reason.startswith("clock")  # type: ignore[union-attr]

        clock.skew = timedelta()
        await d.comes_to(no, State.DONE60)
        assert await state(d, "wdt") == "open"


# -- one account, many merchants ---------------------------------------------------------------------------------------


async def test_merchants_of_one_account_rest_and_go_on_together(
    clock: VirtualClock, tmp_path: Path, sandbox: Sandbox
) -> None:
    """F56. One question for all of them finds out whether the issuer is back."""
    settings = settings_for(sandbox, tmp_path, schedule=SELDOM)
    tree = settings.merchants[0]
    others = []
    for number in (2, 3):
        sid = f"demo_sid{number}"
        sandbox.wdt.add_tenant(sid, f"{sid}-syncd", "demosecret:demosalt")
        wdt = tree.wdt.model_copy(update={"sid": sid, "key": f"{sid}-syncd"})
        others.append(tree.model_copy(update={"name": f"m00{number}", "wdt": wdt}))
    settings = settings.model_copy(update={"merchants": (tree, *others)})
    for number in range(6):
        sandbox.wdt.put_order({}, sid="demo_sid" if number < 3 else "demo_sid2")
    sandbox.nuonuo.faults.force("*", "http_502_before", times=10_000)

    async with Daemon.on(settings, clock) as d:
        await d.pass_by(timedelta(minutes=2))
        async with d.app.store.read() as tx:
            resting = {one.name for one in await tx.lanes.all() if one.state == "resting"}
        opened = clock()
        await d.pass_by(timedelta(minutes=6))
        down = [one for one in at(sandbox, "nuonuo") if one > opened]
        sandbox.nuonuo.faults.forced.clear()
        await d.settle(timedelta(hours=1))

    assert resting == {"m001/main", "m002/main", "m003/main"}
    assert most_in_a_minute(down) <= 1
    assert {document.status for document in sandbox.wdt.documents.values()} == {60}
