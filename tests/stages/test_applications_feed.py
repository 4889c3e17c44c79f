"""Messages of the platform's queue: recorded once, then confirmed, and believed in the order they were published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from centre_parts import UPDATE, alibaba, application, applied, calls, comes_to, ends
from daemon_parts import Daemon, VirtualClock, settings_for
from stage_parts import Open

from syncd.domain.application import Standing, Stuck
from syncd.domain.lifecycle import Hold, State
from syncd.faultpoint import armed
from syncd.sandbox import Sandbox
from syncd.stages.applications.plan import Shop, owner

TMC = {"tmc": True, "link_by_trade": True}


def row_of(tid: str) -> dict[str, object]:
    line = {
        "item_name": "*日用杂品*收纳盒", "num": 1, "price": 100, "tax_code": "1030299000000000000", "tax_rate": 0.13,
        "sum_price": 100, "tax": 13, "sum_amount": 113, "row_type": "0", "tid": tid,
    }  # fmt: skip
    return {"detail_list": [line]}


async def known(d: Daemon, apply_id: str) -> bool:
    async with d.app.store.read() as tx:
        return bool(await tx.applications.find(apply_id))


async def test_a_message_that_names_the_trade_of_one_order_links_it_and_the_rest_follows(
    sandbox: Sandbox, daemon: Open
) -> None:
    no = sandbox.wdt.put_order(row_of("T1"))
    applied(sandbox, "A1", no, tid="T1", announce="Apply")
    applied(sandbox, "A2", no, tid="T2", announce="ApplyUpdate")
    async with daemon(alibaba=alibaba(sandbox, **TMC)) as d:
        await d.turn("poll", "pending")
        await d.turn("applications")
        await d.comes_to(no, State.ISSUED)
        await ends(d, "A1")

        assert (await application(d, "A2")).state is Standing.WAITING
    assert all(message.confirmed for message in sandbox.top.messages[:2])
    assert sandbox.top.complaints == []


async def test_an_application_that_comes_before_its_order_is_linked_when_the_order_is_read(
    sandbox: Sandbox, daemon: Open
) -> None:
    sandbox.top.put_application("A1", tid="T1", announce="Apply")
    async with daemon(alibaba=alibaba(sandbox, **TMC)) as d:
        await d.turn("applications")
        no = sandbox.wdt.put_order(row_of("T1"))
        await d.turn("poll", "pending")

        assert "alibaba.linked" in [entry.event for entry in await d.story(no)]


async def test_a_trade_of_two_orders_waits_for_a_person(sandbox: Sandbox, daemon: Open) -> None:
    for _ in range(2):
        sandbox.wdt.put_order(row_of("T1"))
    sandbox.top.put_application("A1", tid="T1", announce="Apply")
    async with daemon(alibaba=alibaba(sandbox, **TMC)) as d:
        await d.turn("poll", "pending")
        await d.turn("applications")
        await d.settle()
        async with d.app.store.read() as tx:
            seen = (await tx.applications.find("A1"))[0]

            assert await tx.links.legs(seen.id) == []
    assert "prod.apply.update" not in calls(sandbox)


@pytest.mark.parametrize("lost", ["killed", "unconfirmed", "answer"])
async def test_a_message_that_comes_again_is_known(sandbox: Sandbox, daemon: Open, lost: str) -> None:
    """Recorded first, then confirmed: what is lost in between comes again and changes nothing."""
    sandbox.top.put_application("A1", tid="T1", announce="Apply")
    async with daemon(alibaba=alibaba(sandbox, **TMC)) as d:
        if lost == "killed":
            with pytest.raises(KeyboardInterrupt), armed(_dies_at("applications.noted.after")):
                await d.turn("applications")
            d.clock.advance(120)
        elif lost == "unconfirmed":
            sandbox.top.switches.lost_confirms = 1
            await d.turn("applications")
        else:
            sandbox.top.faults.force("messages.confirm", "lost_after")
            await d.turn("applications")
        assert await known(d, "A1")
        await d.turn("applications")
        async with d.app.store.read() as tx:
            assert len(await tx.applications.all()) == 1
    assert all(message.confirmed for message in sandbox.top.messages)


def _dies_at(point: str):  # type: ignore[no-untyped-def]
    def strike(reached: str) -> None:
        if reached == point:
            raise KeyboardInterrupt

    return strike


async def test_a_withdrawal_names_the_trade_alone_and_stops_what_is_not_on_its_way(
    sandbox: Sandbox, daemon: Open
) -> None:
    """Nothing was submitted yet: the order is held, a person decides, and the centre is told nothing."""
    no = sandbox.wdt.put_order(row_of("T1"))
    applied(sandbox, "A1", no, tid="T1", announce="Apply")
    async with daemon(alibaba=alibaba(sandbox, **TMC)) as d:
        await d.turn("poll", "pending")
        await d.turn("applications")
        sandbox.top.cancel("A1")
        await d.turn("applications")
        held = await d.order(no)

        assert (held.state, held.hold) == (State.HOLD, Hold.TOP_CANCELLED)
        assert held.hold_facts == {"code": "withdrawn_unissued", "apply_id": "A1"}
        assert (await application(d, "A1")).state is Standing.WITHDRAWN
    assert sandbox.nuonuo.ledger == []


async def test_a_withdrawal_after_the_invoice_was_issued_is_a_persons(sandbox: Sandbox, daemon: Open) -> None:
    no = sandbox.wdt.put_order(row_of("T1"))
    applied(sandbox, "A1", no, tid="T1", announce="Apply")
    async with daemon(alibaba=alibaba(sandbox, **TMC)) as d:
        await d.turn("poll", "pending")
        await d.turn("applications")
        await d.comes_to(no, State.ISSUED)
        sandbox.top.cancel("A1")
        await d.turn("applications")
        held = await application(d, "A1")
        await d.comes_to(no, State.DONE60)

    assert held.hold is Stuck.CANCELLED
    assert held.hold_facts["invoices"] == sandbox.nuonuo.ledger[0].number
    assert "prod.apply.update" not in calls(sandbox)


async def test_a_withdrawn_application_whose_order_is_issued_all_the_same_is_a_persons(
    sandbox: Sandbox, daemon: Open
) -> None:
    """It was on its way when the buyer withdrew."""
    no = sandbox.wdt.put_order(row_of("T1"))
    applied(sandbox, "A1", no, tid="T1", announce="Apply")
    async with daemon(alibaba=alibaba(sandbox, **TMC)) as d:
        await d.turn("poll", "pending")
        await d.turn("applications")
        await d.turn("push")
        sandbox.top.cancel("A1")
        await d.turn("applications")
        assert (await application(d, "A1")).state is Standing.WITHDRAWN
        await d.comes_to(no, State.DONE60)
        held = await comes_to(d, "A1", Standing.HELD)

    assert held.hold is Stuck.CANCELLED


async def test_a_new_application_for_a_trade_outlives_the_withdrawal_of_the_old_one(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """The buyer corrects a title: withdraws, applies again. Read in one batch, or the withdrawal last."""
    sandbox.top.put_application("A1", tid="T1", announce="Apply")
    clock.advance(10)
    sandbox.top.cancel("A1")
    clock.advance(10)
    sandbox.top.put_application("A2", tid="T1", announce="Apply")
    async with daemon(alibaba=alibaba(sandbox, tmc=True)) as d:
        sandbox.top.messages.insert(0, sandbox.top.messages.pop(1))  # the withdrawal comes first
        await d.turn("applications")

        assert (await application(d, "A1")).state is Standing.WITHDRAWN
        assert (await application(d, "A2")).state is Standing.WAITING


async def test_messages_that_say_nothing_to_us_are_recorded_and_confirmed(sandbox: Sandbox, daemon: Open) -> None:
    key = next(iter(sandbox.top.accounts))
    sandbox.top.put_message("alibaba_invoice_GetXmlFile", key, {"invoice_no": "1", "platform_tid": "T9"})
    sandbox.top.put_message("alibaba_invoice_Apply", key, {"apply_id": "", "trigger_status": "buyer_payed"})
    async with daemon(alibaba=alibaba(sandbox, tmc=True)) as d:
        await d.turn("applications")
        async with d.app.store.read() as tx:
            assert await tx.applications.all() == []
    assert all(message.confirmed for message in sandbox.top.messages)


async def test_a_disarmed_store_takes_no_messages_and_tells_nothing(sandbox: Sandbox, daemon: Open) -> None:
    """A copy can never fire: it neither confirms, nor updates, nor uploads."""
    no = sandbox.wdt.put_order(row_of("T1"))
    applied(sandbox, "A1", no, tid="T1", announce="Apply")
    async with daemon(alibaba=alibaba(sandbox, **TMC)) as d:
        await d.turn("poll", "pending")
        await d.turn("applications")
        await d.comes_to(no, State.ISSUED)
        sandbox.top.put_application("A2", announce="Apply")
        async with d.app.store.begin() as tx:
            await tx.instance.disarm("operator", "rehearsal")
        before = len(sandbox.top.calls.recent)
        for stage in ("applications", "alibaba"):
            await d.turn(stage)

        assert not await known(d, "A2")
    assert len(sandbox.top.calls.recent) == before


async def test_a_field_of_the_row_links_an_order_when_the_settings_say_so(sandbox: Sandbox, daemon: Open) -> None:
    """Off by default; one id links, two wait for a person."""
    one = sandbox.wdt.put_order({**row_of("T1"), "invoice_remark": "申请号:B77 急"})
    two = sandbox.wdt.put_order({**row_of("T2"), "invoice_remark": "申请号:B78 申请号:B79"})
    rules = {"link_field": "remark", "link_pattern": r"申请号:(\w+)"}
    async with daemon(alibaba=alibaba(sandbox, **rules)) as d:
        await d.turn("poll", "pending")
        events = {no: [entry.event for entry in await d.story(no)] for no in (one, two)}
        async with d.app.store.read() as tx:
            found = [seen.apply_id for seen in await tx.applications.all()]

    assert found == ["B77"]
    assert "alibaba.linked" in events[one]
    assert "alibaba.ambiguous" in events[two]


async def test_a_second_application_for_an_order_that_ended_one_waits_for_a_person(
    sandbox: Sandbox, daemon: Open
) -> None:
    """Nobody said that the invoice ends the second one too: nothing is linked, and nothing told."""
    no = sandbox.wdt.put_order(row_of("T1"))
    applied(sandbox, "A1", no, tid="T1", announce="Apply")
    async with daemon(alibaba=alibaba(sandbox, **TMC)) as d:
        await d.turn("poll", "pending")
        await d.turn("applications")
        await d.comes_to(no, State.DONE60)
        await ends(d, "A1")
        applied(sandbox, "A2", no, tid="T1", announce="Apply")
        await d.turn("applications")
        await d.settle()
        events = [entry.event for entry in await d.story(no)]

        assert (await application(d, "A2")).state is Standing.WAITING
    assert events.count("alibaba.linked") == 1
    assert events.count("alibaba.ambiguous") == 1
    assert calls(sandbox).count(UPDATE) == 2


async def test_an_application_after_a_withdrawn_one_is_linked_to_the_order_of_both(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """The buyer corrects a title: what the withdrawn one had is free again."""
    no = sandbox.wdt.put_order(row_of("T1"))
    applied(sandbox, "A1", no, tid="T1", announce="Apply")
    async with daemon(alibaba=alibaba(sandbox, **TMC)) as d:
        await d.turn("poll", "pending")
        await d.turn("applications")
        sandbox.top.cancel("A1")
        clock.advance(10)
        applied(sandbox, "A2", no, tid="T1", announce="Apply")
        await d.turn("applications")
        async with d.app.store.read() as tx:
            legs = await tx.links.legs((await tx.applications.find("A2"))[0].id)

    assert [leg.no for leg in legs] == [no]


# -- several shops, one queue ------------------------------------------------------------------------------------------


def two_shops(sandbox: Sandbox, **second: object) -> dict[str, object]:
    """A merchant beside the first one, over the same application key."""
    wdt = {"url": sandbox.wdt_url, "sid": "demo_sid2", "key": "demo_sid2-syncd", "secret": "demosecret:demosalt"}
    section = alibaba(sandbox, **{"tmc": True, "seller_nick": "shop_two", **second})
    return {"name": "m002", "issuer": "main", "wdt": wdt, "alibaba": section}


@pytest.mark.parametrize("second_reads", [True, False])
async def test_a_message_is_recorded_under_the_merchant_it_names_whoever_reads_it(
    sandbox: Sandbox, clock: VirtualClock, tmp_path: Path, second_reads: bool
) -> None:
    for apply_id, nick, kind in (("A1", "shop_one", "Apply"), ("A2", "shop_two", "ApplyUpdate")):
        sandbox.top.put_application(apply_id, seller_nick=nick, announce=kind)  # type: ignore[arg-type]
    first = alibaba(sandbox, tmc=True, seller_nick="shop_one")
    settings = settings_for(sandbox, tmp_path, more=[two_shops(sandbox, tmc=second_reads)], alibaba=first)
    async with Daemon.on(settings, clock) as d:
        await d.turn("applications")
        sandbox.top.cancel("A2", named=True)
        await d.turn("applications")
        ends = {name: await application(d, name) for name in ("A1", "A2")}

    assert {name: one.merchant for name, one in ends.items()} == {"A1": "m001", "A2": "m002"}
    assert [one.state for one in ends.values()] == [Standing.WAITING, Standing.WITHDRAWN]
    assert all(message.confirmed for message in sandbox.top.messages)


async def test_a_message_for_a_shop_nobody_here_has_is_told_and_left_in_the_queue_until_somebody_has(
    sandbox: Sandbox, clock: VirtualClock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.top.put_application("A3", seller_nick="shop_three")
    sandbox.top.put_application("A1", seller_nick="shop_one")
    first = alibaba(sandbox, tmc=True, seller_nick="shop_one")
    settings = settings_for(sandbox, tmp_path, more=[two_shops(sandbox)], alibaba=first)
    async with Daemon.on(settings, clock) as d:
        for _ in range(3):
            await d.turn("applications")
        assert await known(d, "A1")
        assert not await known(d, "A3")
    assert [message.confirmed for message in sandbox.top.messages] == [False, True]
    assert capsys.readouterr().out.count("applications.unknown_shop") == 1

    settings = settings_for(
        sandbox, tmp_path, more=[two_shops(sandbox, seller_nick="shop_three")], alibaba=first
    )  # fmt: skip
    async with Daemon.on(settings, clock) as d:
        await d.turn("applications")
        assert (await application(d, "A3")).merchant == "m002"
    assert all(message.confirmed for message in sandbox.top.messages)


def test_whom_a_message_concerns() -> None:
    alone, one, two = Shop("m001"), Shop("m001", "a"), Shop("m002", "b")

    assert owner("whoever", alone, [alone]) == "m001"
    assert owner("", one, [one]) == "m001"
    assert owner("b ", one, [one, two]) == "m002"
    assert owner("", one, [one, two]) is None
    assert owner("c", one, [one, two]) is None
    assert owner("c", one, [one]) is None


# -- what one odd message costs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", ["x-1", "", "１２", -5])
async def test_a_message_with_an_odd_id_costs_the_others_nothing(
    sandbox: Sandbox, daemon: Open, odd: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is heeded once and cannot be confirmed; two of them are two."""
    for n in (1, 2, 3):
        sandbox.top.put_application(f"A{n}", tid=f"T{n}", announce="Apply")
    for message in sandbox.top.messages[:2]:
        message.id = odd
    async with daemon(alibaba=alibaba(sandbox, **TMC)) as d:
        for _ in range(3):
            await d.turn("applications")
        async with d.app.store.read() as tx:
            found = {seen.apply_id for seen in await tx.applications.all()}

    assert found == {"A1", "A2", "A3"}
    assert [message.confirmed for message in sandbox.top.messages] == [False, False, True]
    assert capsys.readouterr().out.count("applications.unconfirmable") == 2


async def test_a_text_nobody_can_store_costs_the_others_nothing(sandbox: Sandbox, daemon: Open) -> None:
    """A NUL, in a message of its own and within another's content; a page is not unreadable for it."""
    sandbox.top.put_message("odd\x00topic", next(iter(sandbox.top.accounts)), {"text": "\x00"})
    sandbox.top.put_application("A1", tid="T\x00", announce="Apply")
    sandbox.top.put_application("A2", tid="T2", announce="Apply")
    async with daemon(alibaba=alibaba(sandbox, **TMC)) as d:
        await d.turn("applications")

        assert await known(d, "A1")
        assert await known(d, "A2")
    assert all(message.confirmed for message in sandbox.top.messages)


# -- a withdrawal by its id --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["status", "trigger"])
async def test_a_withdrawal_by_id_counts_though_it_comes_before_its_application(
    sandbox: Sandbox, daemon: Open, by: str
) -> None:
    """Out of order it comes to the same: the order that the application would have had waits for a person."""
    no = sandbox.wdt.put_order(row_of("T1"))
    applied(sandbox, "A1", no, tid="T1", announce="Apply")
    if by == "status":
        sandbox.top.switches.announce_updates = True
        sandbox.top.set_status("A1", "cancelled")
    else:
        sandbox.top.cancel("A1", named=True)
    sandbox.top.messages.reverse()
    async with daemon(alibaba=alibaba(sandbox, **TMC)) as d:
        await d.turn("poll", "pending")
        await d.turn("applications")
        held = await d.order(no)

        assert (held.state, held.hold) == (State.HOLD, Hold.TOP_CANCELLED)
        assert (await application(d, "A1")).state is Standing.WITHDRAWN
    assert sandbox.nuonuo.ledger == []


async def test_a_withdrawal_by_id_of_an_application_nobody_knew_forbids_a_link_to_it(
    sandbox: Sandbox, daemon: Open
) -> None:
    sandbox.top.put_application("A1", announce="")
    sandbox.top.cancel("A1", named=True)
    async with daemon(alibaba=alibaba(sandbox, tmc=True)) as d:
        await d.turn("applications")

        assert (await application(d, "A1")).state is Standing.WITHDRAWN
