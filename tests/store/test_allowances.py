"""The calls of a day, counted over restarts and for all workers."""

from __future__ import annotations

from syncd.store.allowances import Allowances
from syncd.store.store import Store

TODAY, TOMORROW = "2026-11-20", "2026-11-21"


async def test_a_day_gives_no_more_than_it_has_whoever_takes(store: Store) -> None:
    one, other = Allowances(store, "top", "demo_app"), Allowances(store, "top", "demo_app")

    taken = [await one.take(TODAY, 50, 20), await other.take(TODAY, 50, 20), await one.take(TODAY, 50, 20)]

    assert taken == [20, 20, 10]
    assert await other.take(TODAY, 50, 20) == 0


async def test_a_new_day_begins_anew(store: Store) -> None:
    book = Allowances(store, "top", "demo_app")
    await book.take(TODAY, 20, 20)

    assert await book.take(TOMORROW, 20, 20) == 20
    assert await book.take(TOMORROW, 20, 20) == 0


async def test_credentials_do_not_share(store: Store) -> None:
    await Allowances(store, "top", "demo_app").take(TODAY, 20, 20)

    assert await Allowances(store, "top", "other_app").take(TODAY, 20, 20) == 20


async def test_a_lower_limit_than_was_taken_gives_nothing(store: Store) -> None:
    """The setting was lowered during the day."""
    book = Allowances(store, "top", "demo_app")
    await book.take(TODAY, 50, 40)

    assert await book.take(TODAY, 30, 20) == 0
