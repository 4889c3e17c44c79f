from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from store_parts import AT, at, keep, raw, row

from syncd.domain.window import Window
from syncd.store.store import Store
from syncd.store.windows import Gap, Misplaced

SID, FEED = "demo_sid", "pending"


async def begin(store: Store) -> None:
    async with store.begin() as tx:
        await tx.windows.begin(SID, FEED, AT)


async def move(store: Store, start: float, end: float, rows: int = 0, calls: int = 1) -> None:
    async with store.begin() as tx:
        await tx.windows.move(SID, FEED, Window(at(start), at(end)), rows=rows, calls=calls)


async def gaps(store: Store) -> list[Gap]:
    async with store.read() as tx:
        return await tx.windows.gaps()


def ledger(store: Store) -> list[tuple[int, int]]:
    with raw(store) as db:
        return db.execute("SELECT rows, calls FROM window_done ORDER BY start").fetchall()


async def test_a_cursor_begins_at_its_origin(store: Store) -> None:
    await begin(store)

    async with store.read() as tx:
        (cursor,) = await tx.windows.cursors()
    assert (cursor.origin, cursor.position) == (AT, AT)
    assert await gaps(store) == []


async def test_a_completed_window_moves_the_cursor_to_its_end(store: Store) -> None:
    await begin(store)
    await move(store, 0, 60)

    async with store.read() as tx:
        cursor = await tx.windows.cursor(SID, FEED)
    assert cursor is not None
    assert cursor.position == at(60)
    assert await gaps(store) == []


@pytest.mark.parametrize("start", [-1, 1, 61])
async def test_a_window_that_does_not_begin_at_the_cursor_moves_nothing(store: Store, start: float) -> None:
    await begin(store)

    with pytest.raises(Misplaced):
        await move(store, start, start + 60)

    assert ledger(store) == []


async def test_the_same_window_is_never_completed_twice(store: Store) -> None:
    await begin(store)
    await move(store, 0, 60)

    with pytest.raises(Misplaced):
        await move(store, 0, 60)


async def test_rows_and_cursor_are_one_transaction(store: Store) -> None:
    await begin(store)

    with pytest.raises(Misplaced):
        async with store.begin() as tx:
            await keep(tx, row("FP1"))
            await tx.windows.move(SID, FEED, Window(at(9), at(60)), rows=1, calls=1)

    async with store.read() as tx:
        assert await tx.board.orders() == []


async def test_neighbouring_windows_are_one_line_of_the_ledger_up_to_a_day(store: Store) -> None:
    await begin(store)
    await move(store, 0, 60, rows=3, calls=2)
    await move(store, 60, 120, rows=4, calls=1)
    await move(store, 120, 86_400 - 1, rows=1)
    await move(store, 86_400 - 1, 86_400 + 60, rows=9, calls=5)
    await move(store, 86_400 + 60, 86_400 + 120)

    assert ledger(store) == [(8, 4), (9, 6)]
    assert await gaps(store) == []


async def test_a_missing_span_is_found_wherever_it_is(store: Store) -> None:
    await begin(store)
    for day in range(3):
        await move(store, day * 86_400, (day + 1) * 86_400)
    with raw(store) as db:
        db.execute("DELETE FROM window_done WHERE id = 2")

    assert await gaps(store) == [Gap(SID, FEED, at(86_400), at(2 * 86_400), "missing")]


async def test_a_cursor_beyond_its_ledger_is_found(store: Store) -> None:
    await begin(store)
    await move(store, 0, 60)
    with raw(store) as db:
        db.execute("UPDATE cursor SET position = position + 60000")

    assert await gaps(store) == [Gap(SID, FEED, at(60), at(120), "missing")]


async def test_a_span_that_was_covered_twice_is_found(store: Store) -> None:
    await begin(store)
    for day in range(2):
        await move(store, day * 86_400, (day + 1) * 86_400)
    with raw(store) as db:
        db.execute("UPDATE window_done SET start = start - 60000 WHERE id = 2")

    assert await gaps(store) == [Gap(SID, FEED, at(86_400 - 60), at(86_400), "twice")]


async def test_a_ledger_that_was_never_written_is_one_gap(store: Store) -> None:
    await begin(store)
    with raw(store) as db:
        db.execute("UPDATE cursor SET position = position + 60000")

    assert await gaps(store) == [Gap(SID, FEED, AT, at(60), "missing")]


async def test_feeds_have_cursors_of_their_own(store: Store) -> None:
    async with store.begin() as tx:
        for feed in ("pending", "mirror"):
            await tx.windows.begin(SID, feed, AT)
        await tx.windows.move(SID, "mirror", Window(AT, at(60)), rows=0, calls=1)

    async with store.read() as tx:
        assert {cursor.feed: cursor.position for cursor in await tx.windows.cursors()} == {
            "pending": AT,
            "mirror": at(60),
        }


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE cursor SET position = position - 1", "a cursor never goes back"),
        ("UPDATE cursor SET origin = position + 1", "ck_cursor_forward"),
        ('UPDATE window_done SET "end" = start', "ck_window_done_forward"),
        ("UPDATE backfill SET position = start - 1", "ck_backfill_inside"),
        ('UPDATE backfill SET position = "end" + 1', "ck_backfill_inside"),
    ],
)
async def test_the_database_refuses_a_ledger_that_cannot_be(store: Store, statement: str, why: str) -> None:
    await begin(store)
    await move(store, 0, 60)
    async with store.begin() as tx:
        await tx.windows.add_backfill(SID, FEED, at(-600), AT)

    with raw(store) as db, pytest.raises(Exception, match=why):
        db.execute(statement)


async def test_a_feed_begins_once(store: Store) -> None:
    await begin(store)

    with pytest.raises(IntegrityError):
        await begin(store)


# -- the past ------------------------------------------------------------------------------------------------------


async def test_a_backfill_asked_for_twice_is_read_once(store: Store) -> None:
    async with store.begin() as tx:
        assert await tx.windows.add_backfill(SID, FEED, at(-600), AT)
        assert not await tx.windows.add_backfill(SID, FEED, at(-600), AT)
        assert await tx.windows.add_backfill(SID, FEED, at(-1200), at(-600))

    async with store.read() as tx:
        assert len(await tx.windows.open_backfills()) == 2
        job = await tx.windows.next_backfill(SID)
        assert job is not None
        assert job.start == at(-600)


async def test_a_backfill_is_done_when_its_last_window_is(store: Store) -> None:
    async with store.begin() as tx:
        await tx.windows.add_backfill(SID, FEED, at(-600), AT)
    for start, end in ((-600, -300), (-300, 0)):
        async with store.begin() as tx:
            job = await tx.windows.next_backfill(SID)
            assert job is not None
            await tx.windows.move_backfill(job, Window(at(start), at(end)), rows=1, calls=1)

    async with store.read() as tx:
        assert await tx.windows.next_backfill(SID) is None
        assert await tx.windows.open_backfills() == []


async def test_a_backfill_moves_only_from_where_it_is(store: Store) -> None:
    async with store.begin() as tx:
        await tx.windows.add_backfill(SID, FEED, at(-600), AT)
        job = await tx.windows.next_backfill(SID)
        assert job is not None
        await tx.windows.move_backfill(job, Window(at(-600), at(-300)), rows=0, calls=1)

        with pytest.raises(Misplaced):
            await tx.windows.move_backfill(job, Window(at(-600), at(-300)), rows=0, calls=1)


async def test_a_backfill_does_not_disturb_the_ledger_of_the_tail(store: Store) -> None:
    await begin(store)
    async with store.begin() as tx:
        await tx.windows.add_backfill(SID, FEED, AT - timedelta(days=2), AT)
        job = await tx.windows.next_backfill(SID)
        assert job is not None
        await tx.windows.move_backfill(job, Window(job.start, job.end), rows=0, calls=1)
    await move(store, 0, 60)

    assert await gaps(store) == []
