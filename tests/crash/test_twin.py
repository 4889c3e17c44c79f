"""Negative controls: the same deaths under wrong programs must show doubles, or these tests prove nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from crash_verdict import all_is_well

from syncd.scenarios.yard import Yard

TWINS = Path(__file__).parents[1] / "scenarios" / "twins_processes.py"
CALL_FIRST, DRAWN_KEY = f"{TWINS}:call_then_save", f"{TWINS}:random_key"


async def test_a_program_that_calls_first_and_saves_afterwards_issues_twice(here: Yard) -> None:
    await here.start("nuonuo.submit.after", twin=CALL_FIRST).dies_at("nuonuo.submit.after")
    await here.runs_to_the_end(twin=CALL_FIRST)

    assert here.books.counts()["doubles"] > 0
    assert here.books.sent_before_committed() != set()
    assert here.books.numbers_in_store() == here.books.numbers_in_ledger() != set()


async def test_a_drawn_key_is_harmless_only_as_long_as_the_store_lives(here: Yard) -> None:
    await here.start("nuonuo.submit.after", twin=DRAWN_KEY).dies_at("nuonuo.submit.after")
    await here.runs_to_the_end(twin=DRAWN_KEY)

    all_is_well(here.books)


async def test_a_drawn_key_issues_twice_when_the_store_is_lost(here: Yard) -> None:
    await here.start("nuonuo.submit.after", twin=DRAWN_KEY).dies_at("nuonuo.submit.after")
    here.lose_the_store()
    await here.runs_to_the_end(twin=DRAWN_KEY)

    assert here.books.counts()["doubles"] > 0


@pytest.mark.parametrize("point", ["nuonuo.submit.after", "wdt.update.after"])
async def test_a_computed_key_finds_its_invoices_again_when_the_store_is_lost(here: Yard, point: str) -> None:
    """F27: sent again under the same key, refused as a duplicate, asked about, adopted."""
    await here.start(point).dies_at(point)
    here.lose_the_store()
    await here.runs_to_the_end()

    answers = here.sandbox.nuonuo.calls.by_answer
    assert here.books.broken() == {"doubles": 0, "lost": 0, "wrong": 0}
    assert here.books.counts()["written_back"] == 10
    assert answers["nuonuo.OpeMplatform.requestBillingNew", "E9106"] > 0
    assert here.books.told_two_things() == []
