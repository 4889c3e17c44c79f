from __future__ import annotations

import asyncio
from datetime import timedelta

from daemon_parts import VirtualClock
from store_parts import AT, at, raw

from syncd.domain.ports import Token
from syncd.store.store import Store
from syncd.store.tokens import Shelf

DAY = timedelta(days=1)
TOKEN = Token(b"sealed", at(86_400))


async def start(shelf: Shelf, clock: VirtualClock) -> int:
    """What a starting daemon does: take the token from the shelf, or fetch one if it may. How many calls it made."""
    if await shelf.get("main") is not None or not await shelf.may_fetch("main", clock.now(), 600.0, 50):
        return 0
    await shelf.put("main", TOKEN)
    return 1


async def test_an_empty_shelf_has_no_token(store: Store) -> None:
    assert await Shelf(store).get("main") is None


async def test_a_token_is_kept_as_it_was_sealed(store: Store) -> None:
    await Shelf(store).put("main", TOKEN)

    assert await Shelf(store).get("main") == TOKEN


async def test_a_new_token_replaces_the_old_one(store: Store) -> None:
    shelf = Shelf(store)
    await shelf.put("main", TOKEN)
    await shelf.put("main", Token(b"newer", None))
    await shelf.put("other", TOKEN)

    assert await shelf.get("main") == Token(b"newer", None)


async def test_sixty_restarts_make_one_token_call(store: Store, clock: VirtualClock) -> None:
    calls = 0
    for _ in range(60):
        calls += await start(Shelf(store), clock)
        clock.advance(1)

    assert calls == 1


async def test_sixty_restarts_that_never_get_a_token_make_one_call_in_ten_minutes(
    store: Store, clock: VirtualClock
) -> None:
    """The attempt is noted before it is made, so a crash in it cannot be repeated at once."""
    granted = 0
    for _ in range(60):
        granted += await Shelf(store).may_fetch("main", clock.now(), 600.0, 50)
        clock.advance(9)

    assert granted == 1


async def test_one_of_many_workers_fetches(store: Store) -> None:
    answers = await asyncio.gather(*(Shelf(store).may_fetch("main", AT, 600.0, 50) for _ in range(10)))

    assert sum(answers) == 1


async def test_fifty_calls_in_thirty_days_are_all_there_are(store: Store) -> None:
    shelf, at_hours = Shelf(store), [AT + timedelta(hours=hour) for hour in range(60)]

    granted = [await shelf.may_fetch("main", at_hour, 600.0, 50) for at_hour in at_hours]

    assert granted == [True] * 50 + [False] * 10


async def test_the_allowance_comes_back_as_old_calls_age(store: Store) -> None:
    shelf = Shelf(store)
    for hour in range(50):
        await shelf.may_fetch("main", AT + timedelta(hours=hour), 600.0, 50)

    assert not await shelf.may_fetch("main", AT + 29 * DAY, 600.0, 50)
    assert await shelf.may_fetch("main", AT + 30 * DAY + timedelta(minutes=1), 600.0, 50)


async def test_accounts_have_allowances_of_their_own(store: Store) -> None:
    assert await Shelf(store).may_fetch("main", AT, 600.0, 50)
    assert await Shelf(store).may_fetch("other", AT, 600.0, 50)


async def test_an_attempt_is_durable_before_it_is_made(store: Store) -> None:
    await Shelf(store).may_fetch("main", AT, 600.0, 50)

    with raw(store) as db:
        assert db.execute("SELECT count(*) FROM token_call").fetchone() == (1,)
