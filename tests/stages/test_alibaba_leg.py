"""An application is ended at the centre when its orders are, and what the centre lacks is returned once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from centre_parts import READ, UPDATE, UPLOAD, alibaba, application, applied, calls, comes_to, ends, legs_of, linked
from daemon_parts import VirtualClock
from stage_parts import Open

from syncd.domain.application import Standing, Stuck
from syncd.domain.lifecycle import State
from syncd.domain.order import MerchantName
from syncd.sandbox import Sandbox
from syncd.sandbox.nuonuo import server

DAY = timedelta(hours=24)


async def test_missing_invoices_are_returned_and_then_the_application_is_closed(sandbox: Sandbox, daemon: Open) -> None:
    """Told as soon as the number is there, whatever WDT does: neither leg blocks the other."""
    no = sandbox.wdt.put_order({})
    applied(sandbox, "A1", no)
    async with daemon(alibaba=alibaba(sandbox)) as d:
        await d.turn("poll", "pending")
        await linked(d, "A1", no)
        await d.settle()
        seen = await application(d, "A1")
        debts = await legs_of(d, no)

        assert await d.state(no) is State.DONE60
    assert (seen.state, seen.told.split()[0]) == (Standing.DONE, "inv_success")
    assert debts == [("wdt", "60", "paid"), ("alibaba", "inv_success", "paid")]
    assert sandbox.top.applications["A1"].status == "inv_success"
    assert calls(sandbox) == [READ, UPDATE, UPLOAD, UPDATE]
    assert sandbox.top.complaints == []


async def test_orders_without_an_application_finish_with_wdt_alone(sandbox: Sandbox, daemon: Open) -> None:
    no = sandbox.wdt.put_order({})
    async with daemon(alibaba=alibaba(sandbox)) as d:
        await d.settle()

        assert await d.state(no) is State.DONE60
        assert await legs_of(d, no) == [("wdt", "60", "paid")]
    assert calls(sandbox) == []


async def test_a_link_that_comes_after_the_end_starts_the_leg_then(sandbox: Sandbox, daemon: Open) -> None:
    done, failed = sandbox.wdt.put_order({}), sandbox.wdt.put_order({}, expect="refuse")
    sandbox.nuonuo.script(lambda order: order.order_no.startswith(failed), "fail", cause="购方信息错误")
    applied(sandbox, "A1", done)
    applied(sandbox, "A2", failed)
    async with daemon(alibaba=alibaba(sandbox)) as d:
        await d.settle()
        assert (await d.state(done), await d.state(failed)) == (State.DONE60, State.DONE85)
        await linked(d, "A1", done)
        await linked(d, "A2", failed)
        await d.settle()

    assert sandbox.top.applications["A1"].status == "inv_success"
    assert sandbox.top.applications["A2"].status == "inv_failed"
    assert "购方信息错误" in sandbox.top.applications["A2"].message


async def test_an_application_of_two_orders_is_told_once_with_both(sandbox: Sandbox, daemon: Open) -> None:
    """The list must be the union; while one of them waits nothing is said, and nothing is said of its failure alone."""
    early, late = sandbox.wdt.put_order({}), sandbox.wdt.put_order({"status": 20})
    applied(sandbox, "A1", early, late)
    async with daemon(alibaba=alibaba(sandbox)) as d:
        await d.pass_by(400)
        await linked(d, "A1", early, late)
        await d.settle()
        assert (await d.state(early), await d.state(late)) == (State.DONE60, State.MIRRORED)
        assert calls(sandbox) == []
        sandbox.wdt.edit(late, status=45)
        await d.comes_to(late, State.ISSUED)
        await ends(d, "A1")

    told = sandbox.top.applications["A1"].told
    assert sorted(key.number for key in told) == sorted(invoice.number for invoice in sandbox.nuonuo.ledger)


async def test_some_issued_and_some_failed_is_a_persons_unless_the_settings_say_part(
    sandbox: Sandbox, daemon: Open
) -> None:
    """Edge 14."""
    good, bad = sandbox.wdt.put_order({}), sandbox.wdt.put_order({}, expect="refuse")
    sandbox.nuonuo.script(lambda order: order.order_no.startswith(bad), "fail")
    applied(sandbox, "A1", good, amount="0")
    sandbox.top.applications["A1"].amount = sandbox.top.applications["A1"].amount * 0
    async with daemon(alibaba=alibaba(sandbox, read_first=False)) as d:
        await d.turn("poll", "pending")
        await linked(d, "A1", good, bad)
        held = await comes_to(d, "A1", Standing.HELD)

        assert (held.hold, held.hold_facts) == (Stuck.PARTLY_FAILED, {"issued": "1", "failed": "1"})
        assert (await d.state(good), await d.state(bad)) == (State.DONE60, State.DONE85)
        settled = await d.app.settled()
        assert settled.done
        assert settled.needs_a_person
    assert calls(sandbox) == []
    async with daemon(alibaba=alibaba(sandbox, read_first=False, partial=True)) as d:
        async with d.app.store.begin() as tx:
            await tx.applications.move(await tx.applications.get(held.id), Standing.WAITING)
            await tx.applications.orders_changed([held.id])
        await d.settle()

    assert sandbox.top.applications["A1"].status == "inv_part_success"


async def test_an_invoice_the_centre_wants_and_we_never_issued_is_neither_returned_nor_issued(
    sandbox: Sandbox, daemon: Open
) -> None:
    """Edge 4: ours is returned, then the application is held and the stranger named; WDT's leg goes on."""
    no = sandbox.wdt.put_order({})
    applied(sandbox, "A1", no)
    sandbox.top.demand("A1", "26990000000000000009")
    async with daemon(alibaba=alibaba(sandbox)) as d:
        await d.turn("poll", "pending")
        await linked(d, "A1", no)
        held = await comes_to(d, "A1", Standing.HELD)
        await d.settle()

        assert await d.state(no) is State.DONE60
        assert [entry.event for entry in await d.story(no)][-1] in ("alibaba.held", "order.written_60")
    (invoice,) = sandbox.nuonuo.ledger
    assert held.hold is Stuck.FOREIGN_INVOICE
    assert held.hold_facts["foreign"] == "26990000000000000009"
    assert [one.number for one in sandbox.top.uploads] == [invoice.number]
    assert sandbox.counts()["issued"] == 1


@pytest.mark.parametrize(
    ("switches", "read"),
    [({"update_says": "true_with_missing"}, 0), ({"stored_code": "zeros"}, 1), ({"uk_keys": "camel"}, 1)],
)
async def test_contradictions_and_other_spellings_end_well(
    sandbox: Sandbox, daemon: Open, switches: dict[str, str], read: int
) -> None:
    """Edges 2 and 6: the Boolean counts, and keys are compared in one spelling."""
    for name, value in switches.items():
        setattr(sandbox.top.switches, name, value)
    no = sandbox.wdt.put_order({})
    applied(sandbox, "A1", no)
    async with daemon(alibaba=alibaba(sandbox)) as d:
        await d.turn("poll", "pending")
        await linked(d, "A1", no)
        await d.settle()

        assert (await application(d, "A1")).state is Standing.DONE
    assert calls(sandbox).count(UPLOAD) == read


async def test_not_done_and_nothing_missing_is_looked_at_and_then_held(sandbox: Sandbox, daemon: Open) -> None:
    """Edge 3: never an upload of everything, never a loop."""
    sandbox.top.switches.update_says = "false_without_missing"
    no = sandbox.wdt.put_order({})
    applied(sandbox, "A1", no)
    async with daemon(alibaba=alibaba(sandbox)) as d:
        await d.turn("poll", "pending")
        await linked(d, "A1", no)
        await d.comes_to(no, State.ISSUED)
        held = await ends(d, "A1", Standing.HELD)

    assert held.hold is Stuck.CONTRADICTION
    assert held.hold_facts["request_id"]
    assert calls(sandbox) == [READ, *[UPDATE, READ] * 3]


async def test_what_is_collected_late_is_returned_once_and_asked_about_ever_less_often(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """F95. Edge 5, the good end."""
    sandbox.top.switches.collect_after = 1500
    no = sandbox.wdt.put_order({})
    applied(sandbox, "A1", no)
    async with daemon(alibaba=alibaba(sandbox)) as d:
        await d.turn("poll", "pending")
        await linked(d, "A1", no)
        await d.comes_to(no, State.ISSUED)
        await ends(d, "A1")

    assert sandbox.top.applications["A1"].status == "inv_success"
    assert calls(sandbox) == [READ, UPDATE, UPLOAD, UPDATE, UPDATE, UPDATE, UPDATE]


@pytest.mark.parametrize("fields", [{}, {"invoice_type": 1}])
async def test_what_is_never_collected_is_held_after_five_waits(
    sandbox: Sandbox, daemon: Open, fields: dict[str, object]
) -> None:
    """F95. Edge 5, the bad end: TOP_MISSING_LOOP, with the invoice named and returned once."""
    sandbox.top.switches.uploads = "never_collected"
    no = sandbox.wdt.put_order(fields)
    applied(sandbox, "A1", no)
    async with daemon(alibaba=alibaba(sandbox)) as d:
        await d.turn("poll", "pending")
        await linked(d, "A1", no)
        await d.comes_to(no, State.DONE60)
        held = await ends(d, "A1", Standing.HELD)
    assert held.hold is Stuck.MISSING_LOOP
    (invoice,) = sandbox.nuonuo.ledger
    assert held.hold_facts["invoices"] == (f"{invoice.number}/{invoice.code}" if invoice.code else invoice.number)
    assert calls(sandbox) == [READ, UPDATE, UPLOAD, *[UPDATE] * 5]


@pytest.mark.parametrize("fault", ["lost_before", "lost_after", "15_isp_after", "http_502_before", "truncated"])
async def test_a_return_that_got_no_answer_is_asked_about_first(sandbox: Sandbox, daemon: Open, fault: str) -> None:
    """Edge 10: returned again only if it is still missing after the grace."""
    sandbox.top.faults.force("core.inv.upload", fault)
    no = sandbox.wdt.put_order({})
    applied(sandbox, "A1", no)
    async with daemon(alibaba=alibaba(sandbox)) as d:
        await d.turn("poll", "pending")
        await linked(d, "A1", no)
        await d.comes_to(no, State.ISSUED)
        await ends(d, "A1")

    assert sandbox.top.applications["A1"].status == "inv_success"
    assert sandbox.top.uploads_double() == 0
    assert sandbox.top.uploads_hasty() == 0
    again = fault in ("lost_before", "http_502_before")
    assert calls(sandbox) == [READ, UPDATE, UPLOAD, UPDATE, *([UPLOAD, UPDATE] if again else [])]


@pytest.mark.parametrize("fault", ["lost_before", "lost_after", "50_isp_after", "code_10", "ban_app_api"])
async def test_a_change_of_status_without_an_answer_is_said_again(sandbox: Sandbox, daemon: Open, fault: str) -> None:
    """Edge 11."""
    sandbox.top.faults.force("prod.apply.update", fault, times=2)
    no = sandbox.wdt.put_order({})
    applied(sandbox, "A1", no)
    async with daemon(alibaba=alibaba(sandbox)) as d:
        await d.turn("poll", "pending")
        await linked(d, "A1", no)
        await d.comes_to(no, State.ISSUED)
        await ends(d, "A1")

        assert (await application(d, "A1")).state is Standing.DONE
    assert sandbox.top.faults.happened[fault] == 2
    assert sandbox.top.uploads_double() == 0
    assert sandbox.top.reused_stamps == 0


async def test_a_ban_of_hours_parks_the_centres_work_alone(sandbox: Sandbox, daemon: Open, clock: VirtualClock) -> None:
    """Edge 12."""
    numbers = [sandbox.wdt.put_order({}) for _ in range(3)]
    for no in numbers:
        applied(sandbox, f"A{no}", no)
    async with daemon(alibaba=alibaba(sandbox)) as d:
        await d.turn("poll", "pending")
        for no in numbers:
            await linked(d, f"A{no}", no)
        sandbox.top.ban("app", 31_062)
        for no in numbers:
            await d.comes_to(no, State.DONE60)
        began = clock.world
        assert {one.status for one in sandbox.top.applications.values()} == {"applying"}
        assert sandbox.top.rate_refused == 1
        async with d.app.store.read() as tx:
            until = await tx.lanes.at_rest(MerchantName("m001"), "top")
        assert until is not None
        clock.world = until
        for no in numbers:
            await ends(d, f"A{no}")

    assert {one.status for one in sandbox.top.applications.values()} == {"inv_success"}
    assert clock.world - began > timedelta(seconds=30_000)
    assert sandbox.top.rate_refused == 1


async def test_a_lost_session_pauses_the_centre_and_nobody_is_told_a_failure(sandbox: Sandbox, daemon: Open) -> None:
    """Edge 13: orders stay as they are, nothing is returned twice, and a new session goes on."""
    sandbox.top.switches.needs_session = {"alibaba.einvoice.core.inv.upload": True}
    no = sandbox.wdt.put_order({})
    applied(sandbox, "A1", no)
    async with daemon(alibaba=alibaba(sandbox)) as d:
        await d.turn("poll", "pending")
        await linked(d, "A1", no)
        sandbox.top.expire_session()
        await d.settle()
        settled = await d.app.settled()

        assert settled.stuck == ("m001/top",)
        assert settled.needs_a_person
        assert await d.state(no) is State.DONE60
        assert (await application(d, "A1")).tries == 0
    sandbox.top.add_session("demo_new_session")
    async with daemon(alibaba=alibaba(sandbox, session="demo_new_session")) as d:
        await d.pass_by(600)
        await ends(d, "A1")
    assert len([one for one in sandbox.top.uploads if one.accepted]) == 1


async def test_an_application_that_ended_elsewhere_is_believed_if_it_has_our_invoices(
    sandbox: Sandbox, daemon: Open
) -> None:
    """Edge 9, three ends: with ours; with another's; cancelled after we issued."""
    ours, theirs, gone = [sandbox.wdt.put_order({}) for _ in range(3)]
    for name, no in (("A1", ours), ("A2", theirs), ("A3", gone)):
        applied(sandbox, name, no)
    async with daemon(alibaba=alibaba(sandbox)) as d:
        for no in (ours, theirs, gone):
            await d.comes_to(no, State.DONE60)
            number = next(one.number for one in sandbox.nuonuo.ledger if one.order_no.startswith(no))
            sandbox.top.collect("A1" if no == ours else "A2", number if no == ours else "26990000000000000009")
        sandbox.top.set_status("A1", "inv_success")
        sandbox.top.set_status("A2", "inv_success")
        sandbox.top.set_status("A3", "cancelled")
        for name, no in (("A1", ours), ("A2", theirs), ("A3", gone)):
            await linked(d, name, no)
        await d.settle()
        ends = [await application(d, name) for name in ("A1", "A2", "A3")]

    assert [one.state for one in ends] == [Standing.DONE, Standing.HELD, Standing.HELD]
    assert [one.hold for one in ends[1:]] == [Stuck.ENDED_OTHERWISE, Stuck.CANCELLED]
    assert calls(sandbox) == [READ] * 3


async def test_an_application_for_another_amount_or_buyer_is_held_with_both_figures(
    sandbox: Sandbox, daemon: Open
) -> None:
    one, two, three = [sandbox.wdt.put_order({}) for _ in range(3)]
    applied(sandbox, "A1", one, amount="1.00")
    applied(sandbox, "A2", two, payer_name="另一家公司")
    async with daemon(alibaba=alibaba(sandbox)) as d:
        await d.turn("poll", "pending")
        for name, no in (("A1", one), ("A2", two), ("A3", three)):
            await linked(d, name, no)
        await d.settle()
        ends = [await application(d, name) for name in ("A1", "A2", "A3")]

    assert [end.hold for end in ends] == [Stuck.AMOUNT_DIFFERS, Stuck.PAYER_DIFFERS, Stuck.UNKNOWN]
    assert ends[0].hold_facts["theirs"] == "1.00"
    assert ends[0].hold_facts["ours"] != "1.00"
    assert "另一家公司" not in str(ends[1].hold_facts)
    assert UPDATE not in calls(sandbox)


async def test_without_an_interface_a_person_returns_what_is_missing(sandbox: Sandbox, daemon: Open) -> None:
    no = sandbox.wdt.put_order({})
    applied(sandbox, "A1", no)
    async with daemon(alibaba=alibaba(sandbox, return_api="none")) as d:
        await d.turn("poll", "pending")
        await linked(d, "A1", no)
        held = await comes_to(d, "A1", Standing.HELD)

    assert held.hold is Stuck.BY_HAND
    assert held.hold_facts["invoices"] == sandbox.nuonuo.ledger[0].number


@pytest.mark.parametrize("files", ["absent", "a_page"])
async def test_an_electronic_invoice_waits_for_its_file_and_is_never_returned_without(
    sandbox: Sandbox, daemon: Open, monkeypatch: pytest.MonkeyPatch, files: str
) -> None:
    """Edge 15: a page in place of a PDF is fetched again and again, then held; nothing goes out without a file."""
    if files == "a_page":
        monkeypatch.setattr(server, "PDF", b"<html>please log in</html>")
    no = sandbox.wdt.put_order({"payer_name": "未出版式"} if files == "absent" else {})
    applied(sandbox, "A1", no)
    async with daemon(alibaba=alibaba(sandbox)) as d:
        await d.turn("poll", "pending")
        await linked(d, "A1", no)
        await d.comes_to(no, State.ISSUED)
        held = await ends(d, "A1", Standing.HELD)

    assert held.hold is Stuck.NO_FILE
    assert held.hold_facts["why"] == ("no_address" if files == "absent" else "no_file neither PDF nor OFD")
    assert UPLOAD not in calls(sandbox)
    assert calls(sandbox).count(UPDATE) < 12


@pytest.mark.parametrize("fault", ["15_unknown_before", "15_unknown_after", "50_bare_after", "15_isv_before"])
async def test_words_nobody_has_classified_are_read_back_before_anybody_is_asked(
    sandbox: Sandbox, daemon: Open, fault: str
) -> None:
    """F97. If it was done all the same it is done; if not, a person looks, and it is not said again by itself."""
    no = sandbox.wdt.put_order({})
    applied(sandbox, "A1", no)
    async with daemon(alibaba=alibaba(sandbox)) as d:
        await d.turn("poll", "pending")
        await linked(d, "A1", no)
        await d.comes_to(no, State.ISSUED)
        sandbox.top.collect("A1", sandbox.nuonuo.ledger[0].number)
        sandbox.top.faults.force("prod.apply.update", fault)
        acted = fault.endswith("_after")
        seen = await ends(d, "A1", Standing.DONE if acted else Standing.HELD)
        async with d.app.store.read() as tx:
            unheard = await tx.unclassified.all()
    assert calls(sandbox) == [READ, UPDATE, READ]
    if not acted:
        assert seen.hold is (Stuck.UNCLASSIFIED if "unknown" in fault else Stuck.REFUSED)
    assert bool(unheard) is ("isv" not in fault)


async def test_a_day_without_the_centre_costs_wdt_nothing(sandbox: Sandbox, daemon: Open, clock: VirtualClock) -> None:
    """F101. The two debts are independent; both are paid in the end."""
    no = sandbox.wdt.put_order({})
    applied(sandbox, "A1", no)
    sandbox.top.faults.force("*", "lost_before", times=100_000)
    async with daemon(alibaba=alibaba(sandbox)) as d:
        await d.turn("poll", "pending")
        await linked(d, "A1", no)
        await d.comes_to(no, State.DONE60)
        await d.pass_by(900)
        assert await legs_of(d, no) == [("wdt", "60", "paid"), ("alibaba", "inv_success", "owed")]
        clock.advance(86_400)
        sandbox.top.faults.forced.clear()
        await ends(d, "A1")

        assert await legs_of(d, no) == [("wdt", "60", "paid"), ("alibaba", "inv_success", "paid")]
    assert len(sandbox.top.calls.recent) < 40


async def test_a_failure_that_counted_no_more_and_counts_again_is_told(sandbox: Sandbox, daemon: Open) -> None:
    """A clerk sets the order to 45 and back to 85: no step of ours, and the buyer is owed the answer all the same."""
    no = sandbox.wdt.put_order({}, expect="refuse")
    sandbox.nuonuo.script(lambda order: order.order_no.startswith(no), "fail", cause="购方信息错误")
    applied(sandbox, "A1", no)
    async with daemon(alibaba=alibaba(sandbox)) as d:
        await d.comes_to(no, State.DONE85)
        await linked(d, "A1", no)
        sandbox.wdt.edit(no, status=45)
        d.clock.advance(30)
        await d.turn("poll", "pending")
        await d.turn("alibaba")
        assert calls(sandbox) == []
        sandbox.wdt.edit(no, status=85)
        d.clock.advance(700)
        await d.turn("poll", "mirror")
        await ends(d, "A1")

    assert sandbox.top.applications["A1"].status == "inv_failed"
