from __future__ import annotations

import itertools
import json
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from daemon_parts import VirtualClock
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from store_parts import AT, ON_A_FILE, SID, M, at, keep, put, raw, row, submitted, the

from syncd.domain.lifecycle import STEPS, Event, Hold, IllegalStep, Phase, State, allowed_moves
from syncd.domain.order import BadRow, MerchantName
from syncd.store.orders import Stale
from syncd.store.schema import counter, invoice_order
from syncd.store.sightings import Seen
from syncd.store.store import Store
from syncd.wire.wdt.page import decode_page

ILLEGAL = [pair for pair in itertools.product(State, State) if pair not in allowed_moves() and pair[0] is not pair[1]]


# -- seeing --------------------------------------------------------------------------------------------------------


async def test_a_page_is_kept_as_a_whole_or_not_at_all(store: Store) -> None:
    """One row the table refuses takes the whole page with it; nothing of it is half-stored."""
    page = [row("FP1"), row("FP2"), row("N" * 41)]

    with pytest.raises(IntegrityError):
        async with store.begin() as tx:
            await keep(tx, *page)

    async with store.read() as tx:
        assert await tx.board.orders() == []


async def test_what_is_new_changed_and_unchanged_is_told_apart(store: Store) -> None:
    async with store.begin() as tx:
        first = await keep(tx, row("FP1"), row("FP2"), seq=1)
    async with store.begin() as tx:
        second = await keep(tx, row("FP1"), row("FP2", version=2), row("FP3", status=20), seq=2)

    assert (first.new, first.changed, first.unchanged, first.waiting) == (2, 0, 0, 2)
    assert (second.new, second.changed, second.unchanged, second.waiting) == (1, 1, 1, 2)


async def test_an_unchanged_row_is_only_touched(store: Store, clock: VirtualClock) -> None:
    async with store.begin() as tx:
        await keep(tx, row("FP1"))
        before = await the(tx, "FP1")
    clock.advance(60)
    async with store.begin() as tx:
        await tx.sightings.keep(M, SID, [row("FP1")], Seen(2, at(60), (at(0), at(50))))
        after = await the(tx, "FP1")

    assert after.seen_at == at(60)
    assert (after.changed_at, after.first_seen_at, after.next_at) == (AT, AT, before.next_at)


async def test_an_older_answer_never_overwrites_what_a_later_request_brought(store: Store) -> None:
    """R11: the answer to request 5 arrives after that to request 6."""
    async with store.begin() as tx:
        await keep(tx, row("FP1", version=2), seq=6, seen_at=at(6))
    async with store.begin() as tx:
        late = await keep(tx, row("FP1", version=1, status=5), seq=5, seen_at=at(5))
        after = await the(tx, "FP1")

    assert (late.new, late.changed, late.unchanged, late.moved) == (0, 0, 0, ())
    assert after.raw == row("FP1", version=2).raw
    assert (after.state, after.seen_at) == (State.PENDING, at(6))


async def test_a_waiting_order_is_due_since_it_was_created(store: Store) -> None:
    """Oldest first, in whatever order the pages were read."""
    newer, older = row("FP2", created_at=AT - timedelta(hours=1)), row("FP1", created_at=AT - timedelta(hours=2))
    async with store.begin() as tx:
        await keep(tx, newer, older)

    async with store.read() as tx:
        due = await tx.orders.to_push(M, AT, 10)

    assert [order.no for order in due] == ["FP1", "FP2"]


async def test_a_waiting_order_is_due_since_the_window_began_in_which_it_was_changed(store: Store) -> None:
    """Oldest first, in whatever order the windows were read: what was changed long ago has waited long."""
    async with store.begin() as tx:
        for seq, (no, hours) in enumerate({"FP3": 1, "FP1": 3, "FP2": 2}.items()):
            span = AT - timedelta(hours=hours), AT - timedelta(hours=hours - 1)
            created = row(no, created_at=AT - timedelta(minutes=hours))
            await tx.sightings.keep(M, SID, [created], Seen(seq, AT, span))

    async with store.read() as tx:
        due = await tx.orders.to_push(M, AT, 10)

    assert [(order.no, order.next_at) for order in due] == [
        (f"FP{4 - hours}", AT - timedelta(hours=hours)) for hours in (3, 2, 1)
    ]


async def test_only_a_fresh_sighting_may_be_sent(store: Store) -> None:
    async with store.begin() as tx:
        await keep(tx, row("FP1"), seq=1, seen_at=at(-200))
        await keep(tx, row("FP2"), seq=2, seen_at=at(-100))

    async with store.read() as tx:
        fresh = await tx.orders.to_push(M, at(-120), 10)
        stale = await tx.orders.stale(M, at(-120))
        oldest = await tx.orders.oldest_stale(M, at(-120), 10)

    assert [order.no for order in fresh] == ["FP2"]
    assert (stale, [order.no for order in oldest]) == (1, ["FP1"])


async def test_a_corrected_row_loses_its_hold_and_its_reason(store: Store) -> None:
    async with store.begin() as tx:
        await keep(tx, row("FP1"))
        await tx.orders.hold(await the(tx, "FP1"), Hold.POISON_ROW, {"code": "gross_total_differs"})
    async with store.begin() as tx:
        await keep(tx, row("FP1", version=2), seq=2)
        after = await the(tx, "FP1")

    assert (after.state, after.hold, after.hold_facts) == (State.PENDING, None, {})


async def test_a_row_that_was_sent_is_not_released_by_an_edit(store: Store) -> None:
    await submitted(store)
    async with store.begin() as tx:
        await tx.orders.hold(await the(tx, "FP1"), Hold.POISON_ROW, {})
    async with store.begin() as tx:
        kept = await keep(tx, row("FP1", version=2), seq=2)

        assert (await the(tx, "FP1")).state is State.HOLD
        assert kept.moved == ()


async def test_an_edit_after_the_intent_is_reported_as_drift(store: Store) -> None:
    stored = await submitted(store)
    async with store.begin() as tx:
        kept = await keep(tx, row("FP1", version=2), seq=2)

    assert kept.drifted == (stored.order_id,)


async def test_an_edit_while_it_was_held_is_not_taken_for_what_was_compared_before(store: Store) -> None:
    """T21. The next change may be our own write-back, which asks for nothing new."""
    stored = await submitted(store)
    replaced = []
    async with store.begin() as tx:
        replaced.append((await keep(tx, row("FP1", version=2), seq=2)).replaced)
        await tx.orders.hold(await the(tx, "FP1"), Hold.BY_OPERATOR, {})
        replaced.append((await keep(tx, row("FP1", version=3), seq=3)).replaced)
        await tx.orders.move(await the(tx, "FP1"), Event.RELEASED_INTENT, hold=None, held_from=None, held_phase=None)
        replaced.append((await keep(tx, row("FP1", version=4), seq=4)).replaced)

        assert not (await the(tx, "FP1")).drifted

    rows = [row("FP1", version=version).raw for version in (1, 2, 3, 4)]
    assert replaced == [{stored.order_id: (rows[0], rows[1])}, {}, {stored.order_id: (b"", rows[3])}]


async def test_two_accounts_may_have_the_same_number(store: Store) -> None:
    async with store.begin() as tx:
        await keep(tx, row("FP1"), sid="demo_sid")
        await tx.sightings.keep(MerchantName("m002"), "other_sid", [row("FP1")], Seen(2, AT))

    async with store.read() as tx:
        assert {order.merchant for order in await tx.orders.by_no("FP1")} == {"m001", "m002"}
        assert [order.sid for order in await tx.orders.by_no("FP1", "m002")] == ["other_sid"]


async def test_a_merchant_may_be_renamed_but_stays_who_it_is(store: Store) -> None:
    async with store.begin() as tx:
        await keep(tx, row("FP1"))
        await tx.orders.rename(SID, "new_name")

    async with store.read() as tx:
        assert (await the(tx, "FP1")).merchant == "new_name"


async def test_a_read_by_number_keeps_the_window_in_which_the_order_can_be_read_again(store: Store) -> None:
    async with store.begin() as tx:
        await tx.sightings.keep(M, SID, [row("FP1")], Seen(1, at(1), (at(0), at(50))))
    for seq, seen_row in ((2, row("FP1")), (3, row("FP1", version=2))):
        async with store.begin() as tx:
            await tx.sightings.keep(M, SID, [seen_row], Seen(seq, at(seq)))

        async with store.read() as tx:
            assert await tx.orders.stale_span(M, at(60)) == (at(0), at(50))


async def test_a_reading_again_of_unchanged_rows_writes_none_of_them(store: Store) -> None:
    """Nobody waits to hear that an order that has ended was seen again, or that one that waits was, moments ago."""
    rows = [row("FP1"), row("FP2", 60), row("FP3", 5)]
    async with store.begin() as tx:
        await keep(tx, *rows, seq=1)
    before = await _cells(store)

    async with store.begin() as tx:
        again = await tx.sightings.keep(M, SID, rows, Seen(2, at(29), (at(0), at(50)), timedelta(seconds=30)))

    assert (again.new, again.changed, again.unchanged, again.waiting) == (0, 0, 3, 1)
    assert await _cells(store) == before


async def test_a_waiting_order_seen_longer_ago_is_known_to_be_seen_now(store: Store) -> None:
    async with store.begin() as tx:
        await keep(tx, row("FP1"), row("FP2", 60), seq=1)

    async with store.begin() as tx:
        await tx.sightings.keep(M, SID, [row("FP1"), row("FP2", 60)], Seen(2, at(31), None, timedelta(seconds=30)))

    async with store.read() as tx:
        assert [(await the(tx, no)).seen_at for no in ("FP1", "FP2")] == [at(31), AT]


@pytest.mark.parametrize("event", [Event.ISSUED, Event.REFUSED])
async def test_an_order_on_its_way_is_always_known_to_be_seen_now(store: Store, event: Event) -> None:
    """Whether WDT shows what we wrote is told by what was seen since."""
    async with store.begin() as tx:
        await keep(tx, row("FP1"), seq=1)
        order = await the(tx, "FP1")
        await tx.orders.move(order, Event.INTENDED)
        await tx.orders.move(await the(tx, "FP1"), event)

    async with store.begin() as tx:
        await tx.sightings.keep(M, SID, [row("FP1")], Seen(2, at(1), None, timedelta(seconds=30)))

    async with store.read() as tx:
        assert (await the(tx, "FP1")).seen_at == at(1)


@pytest.mark.parametrize("alone", [False, True], ids=["beside_others", "alone"])
async def test_what_a_later_request_saw_unchanged_is_not_overwritten_by_an_earlier_one(
    store: Store, alone: bool
) -> None:
    """R11, although the later one wrote no row: the earlier answer shows a state that was over by then.

    Nobody else has to know it where a process works alone on a file: then nothing is written at all. Who has lost a
    server's lock believes to be alone, too.
    """
    store.alone = alone
    async with store.begin() as tx:
        await keep(tx, row("FP1", 5), seq=1)
    async with store.begin() as tx:
        await tx.sightings.keep(M, SID, [row("FP1", 5)], Seen(3, at(3), None, timedelta(seconds=30)))

    async with store.begin() as tx:
        late = await keep(tx, row("FP1", 45, version=2), row("FP2"), seq=2, seen_at=at(2))
        after = await keep(tx, row("FP1", 45, version=2), seq=4, seen_at=at(4))

    async with store.read() as tx:
        noted = (await tx.connection.execute(select(counter).where(counter.c.name.like("passed_over:%")))).all()
    assert (late.new, late.changed, late.overtaken) == (1, 0, 1)
    assert (after.changed, after.overtaken) == (1, 0)
    assert len(noted) == (0 if alone and store.path else 1)


async def test_each_tenant_has_its_own_request_numbers(store: Store) -> None:
    async with store.begin() as tx:
        numbers = [(await tx.sightings.numbers([sid]))[0][0] for sid in (SID, SID, "other_sid", SID)]

    assert numbers == [1, 2, 1, 3]
    assert await store.next_seq("other_sid") == 2


async def test_numbers_go_on_where_the_one_counter_of_all_tenants_stood(store: Store) -> None:
    async with store.begin() as tx:
        await tx.connection.exec_driver_sql("INSERT INTO counter (name, value) VALUES ('request', 41)")

    assert [await store.next_seq(SID), await store.next_seq(SID)] == [42, 43]


async def _cells(store: Store) -> list[Any]:
    async with store.read() as tx:
        return list(await tx.connection.execute(select(invoice_order).order_by(invoice_order.c.id)))


async def test_rows_that_cannot_be_named_are_kept_once_with_their_bytes(store: Store) -> None:
    bad = [BadRow(b"[1]", "shape"), BadRow(b"{}", "no_number")]
    async with store.begin() as tx:
        first = await tx.sightings.set_aside(M, SID, bad)
        again = await tx.sightings.set_aside(M, SID, bad[:1])

        assert (first, again, await tx.board.quarantined()) == (tuple(bad), (), 2)
    with raw(store) as db:
        assert db.execute("SELECT raw, reason FROM quarantine ORDER BY id").fetchall() == [
            (b"[1]", "shape"),
            (b"{}", "no_number"),
        ]


# -- moving --------------------------------------------------------------------------------------------------------


async def test_a_move_writes_the_state_and_what_comes_with_it(store: Store, clock: VirtualClock) -> None:
    async with store.begin() as tx:
        await keep(tx, row("FP1"))
    clock.advance(5)
    async with store.begin() as tx:
        after = await tx.orders.move(await the(tx, "FP1"), Event.INTENDED, phase=Phase.SENT, generation=2)
        order = await the(tx, "FP1")

    assert after is State.INTENT
    assert (order.state, order.phase, order.generation, order.changed_at) == (State.INTENT, Phase.SENT, 2, at(5))


async def test_a_move_the_table_does_not_know_is_refused_before_it_reaches_the_database(store: Store) -> None:
    async with store.begin() as tx:
        await keep(tx, row("FP1"))

        with pytest.raises(IllegalStep):
            await tx.orders.move(await the(tx, "FP1"), Event.WRITTEN_60)


@pytest.mark.parametrize("change", [{"phase": Phase.LEFT}, {"state": "MIRRORED"}])
async def test_a_decision_about_an_order_that_has_moved_is_refused(store: Store, change: dict[str, Any]) -> None:
    async with store.begin() as tx:
        await keep(tx, row("FP1"))
        decided_on = await the(tx, "FP1")
        await tx.orders.wait(decided_on, **change)

        with pytest.raises(Stale):
            await tx.orders.move(decided_on, Event.INTENDED)
        with pytest.raises(Stale):
            await tx.orders.hold(decided_on, Hold.BY_OPERATOR, {})


async def test_a_hold_remembers_where_it_found_the_order(store: Store) -> None:
    await submitted(store)
    async with store.begin() as tx:
        await tx.orders.wait(await the(tx, "FP1"), phase=Phase.UNKNOWN, sweep_at=1)
        await tx.orders.hold(await the(tx, "FP1"), Hold.KEY_COLLISION, {"number": "1"})
        held = await the(tx, "FP1")

    assert (held.state, held.hold, held.hold_facts) == (State.HOLD, Hold.KEY_COLLISION, {"number": "1"})
    assert (held.held_from, held.held_phase, held.phase) == (State.INTENT, Phase.UNKNOWN, Phase.NONE)
    assert held.sweep_at is None


async def test_after_a_crash_what_was_on_its_way_is_to_be_asked_about_now(store: Store) -> None:
    await submitted(store)
    async with store.begin() as tx:
        await tx.orders.wait(await the(tx, "FP1"), phase=Phase.SENT, next_at=2**50)
    async with store.begin() as tx:
        assert await tx.orders.recover() == 1
        assert [order.no for order in await tx.orders.to_ask(M, 10)] == ["FP1"]


async def test_what_is_cleared_for_sending_is_not_asked_about(store: Store) -> None:
    await submitted(store)
    async with store.begin() as tx:
        await tx.orders.wait(await the(tx, "FP1"), phase=Phase.READY, next_at=0)

        assert await tx.orders.to_ask(M, 10) == []
        assert [order.no for order in await tx.orders.to_push(M, AT, 10)] == ["FP1"]


async def test_a_sweep_that_is_due_is_asked_about_whatever_the_state(store: Store) -> None:
    await put(store, "FP1", State.DONE85)
    async with store.begin() as tx:
        assert await tx.orders.to_ask(M, 10) == []
        await tx.orders.wait(await the(tx, "FP1"), sweep_at=1)

        assert [order.no for order in await tx.orders.to_ask(M, 10)] == ["FP1"]


# -- what the database enforces by itself --------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "after"), ILLEGAL)
async def test_the_database_refuses_a_move_that_is_not_in_the_table(store: Store, before: State, after: State) -> None:
    trigger = _trigger(store, "order_moves_by_the_table")
    await put(store, "FP1", before)

    with raw(store) as db:
        db.execute(trigger)
        held = "by_operator" if after is State.HOLD else None
        with pytest.raises(Exception, match="no such step in the lifecycle"):
            db.execute("UPDATE invoice_order SET state = ?, hold = ?", (str(after), held))


@pytest.mark.parametrize(("before", "after"), allowed_moves())
async def test_the_database_allows_every_move_of_the_table(store: Store, before: State, after: State) -> None:
    trigger = _trigger(store, "order_moves_by_the_table")
    await put(store, "FP1", before)

    with raw(store) as db:
        db.execute(trigger)
        held = "by_operator" if after is State.HOLD else None
        db.execute("UPDATE invoice_order SET state = ?, hold = ?", (str(after), held))
        assert db.execute("SELECT state FROM invoice_order").fetchone() == (str(after),)


def _trigger(store: Store, name: str) -> str:
    """The statement that makes it again; `put` has dropped it from a file."""
    if store.path is None:
        return "SELECT 1"
    with raw(store) as db:
        return str(db.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0])


def test_the_two_lists_of_moves_cover_every_pair() -> None:
    assert len(ILLEGAL) + len(allowed_moves()) == len(State) * (len(State) - 1)
    assert len(STEPS) >= len(allowed_moves())


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("DELETE FROM invoice_order", "orders are never deleted"),
        ("UPDATE invoice_order SET state = 'HOLD'", "ck_invoice_order_hold_reason"),
        ("UPDATE invoice_order SET hold = 'by_operator'", "ck_invoice_order_hold_reason"),
        ("UPDATE invoice_order SET state = 'HOLD', hold = 'no_reason'", "ck_invoice_order_hold"),
        ("UPDATE invoice_order SET state = 'LOST'", "no such step|ck_invoice_order_state"),
        ("UPDATE invoice_order SET phase = 'somewhere'", "ck_invoice_order_phase"),
        ("UPDATE invoice_order SET generation = -1", "ck_invoice_order_sane"),
        ("UPDATE invoice_order SET no = ''", "ck_invoice_order_sane"),
        (
            "UPDATE invoice_order SET wdt_status = 'waiting'",
            "cannot store TEXT value|invalid input syntax",
        ),
        (
            "UPDATE invoice_order SET content_hash = no",
            "cannot store TEXT value in BLOB column|is of type bytea",
        ),
        ("UPDATE order_row SET raw = order_id", "cannot store INT value in BLOB column|is of type bytea"),
        ("DELETE FROM order_row", "the rows of orders are never deleted"),
        ("UPDATE order_row SET order_id = order_id + 10", "a row keeps its order"),
        ("UPDATE invoice_order SET seq = 'x'", "cannot store TEXT value in INTEGER column|invalid input syntax"),
        ("UPDATE invoice_order SET no = 'FP2' WHERE no = 'FP1'", "UNIQUE constraint failed|duplicate key value"),
    ],
)
async def test_the_database_refuses_what_no_program_should_write(store: Store, statement: str, why: str) -> None:
    async with store.begin() as tx:
        await keep(tx, row("FP1"), row("FP2"))

    with raw(store) as db, pytest.raises(Exception, match=why):
        db.execute(statement)


@ON_A_FILE
async def test_every_table_is_strict(store: Store) -> None:
    with raw(store) as db:
        loose = db.execute(
            "SELECT name FROM pragma_table_list WHERE NOT strict AND type = 'table'"
            " AND name NOT LIKE 'sqlite_%' AND name <> 'alembic_version'"
        ).fetchall()

    assert loose == []


async def test_an_order_whose_row_shows_an_endless_invoice_number_stops_none_of_its_page(store: Store) -> None:
    """An index takes no text of thousands of bytes that cannot be compressed."""
    endless = Random(7).randbytes(6000).hex()
    rows = [{"invoice_order_no": "FP1", "status": 45}, {"invoice_order_no": "FP2", "status": 60, "invoice_no": endless}]
    page = decode_page(json.dumps({"status": 0, "data": {"order": rows, "total_count": 2}}).encode(), AT)

    async with store.begin() as tx:
        kept = await tx.sightings.keep(M, SID, page.rows, Seen(1, AT))

    assert kept.new == 2
