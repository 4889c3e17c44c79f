"""Many turns in one transaction: each gets what is its own, and what befalls one is nobody else's trouble."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from daemon_parts import VirtualClock
from store_parts import ON_A_SERVER, at

from syncd.store.gathering import Gathered
from syncd.store.store import Store, StoreUnavailable
from syncd.store.units import LEASE, LONGEST_SLEEP, Claim, Ending, Fenced, Units

KEYS = [f"m{number:03}" for number in range(5)]


@pytest.fixture(autouse=True)
async def _units(store: Store) -> None:
    async with store.begin() as tx:
        await tx.units.ensure_all([("push", key) for key in KEYS])


async def claims(store: Store) -> list[Claim]:
    granted = await asyncio.gather(*(store.desk.claim("push", key) for key in KEYS))
    return [claim for claim in granted if claim is not None]


# -- gathering -----------------------------------------------------------------------------------------------------


class Rounds:
    """Answers each number by its double; keeps the rounds, and waits in the first one until it is let go."""

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()

    async def answer(self, questions: Sequence[int]) -> list[int | Exception]:
        self.rounds.append(list(questions))
        self.begun.set()
        await self.go_on.wait()
        if 13 in questions:
            raise OSError("nobody is answered")
        return [ValueError("no") if one < 0 else one * 2 for one in questions]


async def test_who_asks_while_others_are_answered_is_answered_with_all_who_came_meanwhile() -> None:
    rounds = Rounds()
    gathered = Gathered(rounds.answer, most=3)

    asked = [asyncio.create_task(gathered.ask(number)) for number in range(5)]
    await rounds.begun.wait()
    late = asyncio.create_task(gathered.ask(7))
    rounds.go_on.set()

    assert await asyncio.gather(*asked, late) == [0, 2, 4, 6, 8, 14]
    assert rounds.rounds == [[0, 1, 2], [3, 4, 7]]


async def test_an_error_is_raised_where_it_belongs() -> None:
    rounds = Rounds()
    rounds.go_on.set()
    gathered = Gathered(rounds.answer)

    told = await asyncio.gather(gathered.ask(1), gathered.ask(-1), gathered.ask(2), return_exceptions=True)

    assert [str(one) for one in told] == ["2", "no", "4"]
    assert await gathered.ask(5) == 10


async def test_one_odd_question_costs_its_neighbours_nothing() -> None:
    rounds = Rounds()
    rounds.go_on.set()
    gathered = Gathered(rounds.answer)

    told = await asyncio.gather(*map(gathered.ask, (1, 13, 2)), return_exceptions=True)

    assert [str(one) for one in told] == ["2", "nobody is answered", "4"]
    assert rounds.rounds == [[1, 13, 2], [1], [13], [2]]


async def test_a_store_that_is_away_is_told_to_all_and_asked_no_more() -> None:
    asked: list[Sequence[int]] = []

    async def answer(questions: Sequence[int]) -> list[int | Exception]:
        asked.append(questions)
        raise StoreUnavailable("away")

    gathered = Gathered(answer)
    told = await asyncio.gather(*map(gathered.ask, (1, 2)), return_exceptions=True)

    assert [str(one) for one in told] == ["away"] * 2
    assert asked == [[1, 2]]


async def test_who_has_gone_before_the_round_begins_has_not_asked() -> None:
    rounds = Rounds()
    gathered = Gathered(rounds.answer, most=1)
    first, second, third = (asyncio.create_task(gathered.ask(number)) for number in (1, 2, 3))
    await rounds.begun.wait()

    second.cancel()
    rounds.go_on.set()

    assert await asyncio.gather(first, third) == [2, 6]
    assert rounds.rounds == [[1], [3]]


async def test_an_answer_that_nobody_waits_for_any_more_is_told_to_whoever_cares() -> None:
    """One is cancelled while it is answered, another in the moment in which it is told."""
    rounds, told = Rounds(), list[int]()

    async def unheard(answers: Sequence[int]) -> None:
        told.extend(answers)
        raise OSError("that is its own trouble")

    gathered = Gathered(rounds.answer, unheard=unheard)

    async def first() -> int:
        answer = await gathered.ask(1)
        second.cancel()
        return answer

    asking = asyncio.create_task(first())
    second, third = (asyncio.create_task(gathered.ask(number)) for number in (2, 3))
    await rounds.begun.wait()
    third.cancel()
    rounds.go_on.set()
    await asyncio.wait({asking, second, third})
    await gathered.over(10)

    assert (await asking, second.cancelled(), third.cancelled()) == (2, True, True)
    assert sorted(told) == [4, 6]
    assert await gathered.ask(4) == 8


async def test_what_does_not_end_in_time_is_given_up_and_nobody_waits_for_it() -> None:
    rounds = Rounds()
    gathered = Gathered(rounds.answer)
    asked = asyncio.create_task(gathered.ask(1))
    await rounds.begun.wait()
    later = asyncio.create_task(gathered.ask(2))
    await asyncio.sleep(0)

    async with asyncio.timeout(10):
        await gathered.over(0.01)
        await asyncio.wait({asked, later})

    assert (asked.cancelled(), later.cancelled()) == (True, True)
    rounds.go_on.set()
    assert await gathered.ask(3) == 6


async def test_whoever_asks_while_a_late_answer_is_told_is_given_up_with_it() -> None:
    rounds, telling = Rounds(), asyncio.Event()

    async def never(_: Sequence[int]) -> None:
        telling.set()
        await asyncio.Event().wait()

    gathered = Gathered(rounds.answer, unheard=never)
    gone = asyncio.create_task(gathered.ask(1))
    await rounds.begun.wait()
    gone.cancel()
    rounds.go_on.set()
    await telling.wait()
    asked = asyncio.create_task(gathered.ask(2))
    await asyncio.sleep(0)

    async with asyncio.timeout(10):
        await gathered.over(0.01)
        await asyncio.wait({asked})

    assert asked.cancelled()


@ON_A_SERVER
async def test_a_store_is_closed_although_a_claim_waits_for_a_lock(
    store: Store, emptied: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncd.store.desk._GIVEN_UP_AFTER", 0.1)
    with psycopg.connect(emptied) as db:
        db.execute("SELECT * FROM unit FOR UPDATE")
        asked = asyncio.create_task(store.desk.claim("push", "m001"))
        await asyncio.sleep(0)

        async with asyncio.timeout(10):
            await store.close()
            await asyncio.wait({asked})

    assert asked.cancelled()


# -- claims and endings --------------------------------------------------------------------------------------------


async def test_each_of_many_claims_has_an_epoch_of_its_own(store: Store) -> None:
    await store.desk.finish(Ending((await claims(store))[0], at(0)))

    again = await asyncio.gather(*(store.desk.claim("push", key) for key in [*KEYS, "m999"]))

    assert [claim and (claim.key, claim.epoch) for claim in again] == [("m000", 2), None, None, None, None, None]


async def test_a_unit_that_is_asked_for_twice_in_one_round_is_granted_once(store: Store) -> None:
    granted = await asyncio.gather(*(store.desk.claim("push", "m000") for _ in range(4)))

    assert len([claim for claim in granted if claim is not None]) == 1


async def test_a_grant_whose_asker_is_gone_is_given_back_as_it_was(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would work on the unit for as long as the lease lasts."""
    (before,) = [one for one in await claims(store) if one.key == "m001"]
    await store.desk.finish(Ending(before, at(0), failures=2, trouble="why", notes="noted", crashes=1))
    granting, go_on = asyncio.Event(), asyncio.Event()
    claim_all = Units.claim_all

    async def slowly(self: Units, *given: Any) -> dict[tuple[str, str], Claim]:
        granted = await claim_all(self, *given)
        granting.set()
        await go_on.wait()
        return granted

    monkeypatch.setattr(Units, "claim_all", slowly)
    gone = asyncio.create_task(store.desk.claim("push", "m001"))
    await granting.wait()
    gone.cancel()
    go_on.set()
    await asyncio.wait({gone})
    await store.desk.close()

    again = await store.desk.claim("push", "m001")
    assert again is not None
    assert (again.epoch, again.failures, again.notes, again.crashes) == (before.epoch + 2, 2, "noted", 1)
    async with store.read() as tx:
        assert [one.trouble for one in await tx.units.all() if (one.stage, one.key) == ("push", "m001")] == ["why"]


async def test_a_superseded_ending_is_refused_and_its_neighbours_are_not(store: Store, clock: VirtualClock) -> None:
    first = await claims(store)
    clock.advance(LEASE)
    newer = await store.desk.claim("push", "m002")
    assert newer is not None

    told = await asyncio.gather(
        *(store.desk.finish(Ending(claim, at(600), failures=3)) for claim in first), return_exceptions=True
    )

    assert [type(one) for one in told] == [type(None), type(None), Fenced, type(None), type(None)]
    assert store.fenced == 1
    async with store.read() as tx:
        units = {unit.key: unit for unit in await tx.units.all()}
    async with store.begin(newer):
        pass
    assert {key for key, unit in units.items() if unit.running} == {"m002"}
    assert {unit.failures for key, unit in units.items() if key != "m002"} == {3}


async def test_an_ending_that_cannot_be_written_keeps_no_other_unit_leased(store: Store) -> None:
    units = [("push", name) for name in "abc"]
    async with store.begin() as tx:
        await tx.units.ensure_all(units)
    claims = await asyncio.gather(*(store.desk.claim(*unit) for unit in units))
    in_an_hour = store.clock.now() + timedelta(hours=1)

    troubles = ("", "half a pair \ud800", "")
    endings = [Ending(claim, in_an_hour, trouble=why) for claim, why in zip(claims, troubles, strict=True) if claim]
    told = await asyncio.gather(*map(store.desk.finish, endings), return_exceptions=True)

    assert [type(one) for one in told] == [type(None), UnicodeEncodeError, type(None)]
    async with store.read() as tx:
        assert [one.key for one in await tx.units.all() if one.running] == ["b"]


async def test_a_unit_woken_during_its_turn_goes_on_at_once_when_many_end(store: Store) -> None:
    first = await claims(store)
    async with store.begin() as tx:
        await tx.units.wake("push", "m003")
    heard: list[tuple[str, str]] = []
    store.on_due = heard.extend

    await asyncio.gather(*(store.desk.finish(Ending(claim, at(600))) for claim in first))

    assert heard == [("push", "m003")]
    assert [unit.key for unit in await store.desk.due("push")] == ["m003"]


async def test_of_many_claims_those_are_stale_that_were_superseded(store: Store, clock: VirtualClock) -> None:
    first = await claims(store)
    clock.advance(LEASE)
    assert await store.desk.claim("push", "m001") is not None

    async with store.begin(lone=True) as tx:
        assert await tx.units.stale(first) == {("push", "m001")}


async def test_numbers_drawn_together_are_all_different_and_rise(store: Store) -> None:
    before = await store.desk.number("a")

    drawn = await asyncio.gather(*(store.desk.number(sid) for sid in ("a", "b", "a", "a")))
    after = await store.desk.number("a")

    of_a = [drawn[0], drawn[2], drawn[3]]
    assert before < min(of_a)
    assert len(set(of_a)) == 3
    assert max(of_a) < after


# -- sleeping ------------------------------------------------------------------------------------------------------


async def test_only_who_has_slept_for_long_counts_as_rested(store: Store, clock: VirtualClock) -> None:
    short, long, troubled, *_ = await claims(store)
    await store.desk.finish(Ending(short, at(60)))
    await store.desk.finish(Ending(long, at(LONGEST_SLEEP.total_seconds())))
    await store.desk.finish(Ending(troubled, at(LONGEST_SLEEP.total_seconds()), failures=1))

    clock.advance(LONGEST_SLEEP - timedelta(seconds=1))
    assert {unit.key: unit.rested for unit in await store.desk.due("push")}.get("m001") is None
    clock.advance(1)

    rested = {unit.key: unit.rested for unit in await store.desk.due("push")}
    assert (rested["m000"], rested["m001"], rested["m002"]) == (False, True, False)


async def test_who_is_held_is_not_asleep_and_who_sleeps_on_is_not_due(store: Store) -> None:
    assert await store.desk.claim("push", "m000") is not None

    async with store.begin(lone=True) as tx:
        asleep = await tx.units.asleep("push", ["m000", "m001", "m002"])
        await tx.units.sleep_on("push", {"m001": at(300)})

    assert asleep == ["m001", "m002"]
    assert [unit.key for unit in await store.desk.due("push")] == ["m002", "m003", "m004"]
