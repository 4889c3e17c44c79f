"""kill -9 at every point of an order's life, and at pairs of points (F01–F07)."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from crash_verdict import all_is_well
from walks import ORDINARY, all_pairs, sample

from syncd.scenarios.books import Books
from syncd.scenarios.nursery import Nursery, until
from syncd.scenarios.yard import FRESH, QUICK, Yard, yard

#: What twelve orders come to: one is held for a person, one the issuer refuses.
ENDED = {"issued": 10, "written_back": 10, "refused": 1, "held": 1}


# -- walking from death to death ---------------------------------------------------------------------------------------


async def walk(nursery: Nursery, home: Path, points: list[str]) -> None:
    """One daemon after another, each killed at the next point; then one that lives."""
    async with yard(nursery, Path(tempfile.mkdtemp(dir=home)), orders=4, speed=2 * QUICK) as here:
        for point in points:
            here.sandbox.populate(2, FRESH)
            await here.start(point, mode="serve").dies_at(point)
            assert here.books.newly_submitted() <= here.books.committed_keys(), point
        await here.works_everything_off(90)  # a write-back that was noted and never said is found out within hours

        assert here.books.broken() == {"doubles": 0, "lost": 0, "wrong": 0}
        assert here.books.told_two_things() == []
        assert here.books.numbers_in_store() == here.books.numbers_in_ledger() != set()


@pytest.mark.timeout(300)
async def test_a_daemon_killed_at_every_point_one_after_another_leaves_nothing_twice_and_nothing_lost(
    nursery: Nursery, home: Path
) -> None:
    """F01, F02, F03, F04, F05, F06, F07: each restart dies at another point, so neighbours are pairs of deaths."""
    await asyncio.gather(*(walk(nursery, home, points) for points in sample(seed=1, walks=2)))


@pytest.mark.storm
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("points", all_pairs(walks=24), ids=lambda points: f"from-{points[0]}")
async def test_every_pair_of_deaths_is_harmless(nursery: Nursery, home: Path, points: list[str]) -> None:
    """F07, all of them."""
    await walk(nursery, home, points)


def test_the_walks_take_every_pair_of_points() -> None:
    pairs = {pair for points in all_pairs(walks=24) for pair in pairwise(points)}

    assert pairs == {(first, second) for first in ORDINARY for second in ORDINARY}


# -- what is known at a death ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Story:
    """What was seen: at each death, which keys were committed and which had reached the issuer; then the end."""

    books: Books
    committed: list[set[str]] = field(default_factory=list)
    submitted: list[list[str]] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        counts = self.books.counts()
        return {name: counts[name] for name in ENDED}

    def died(self) -> None:
        self.committed.append(self.books.committed_keys())
        self.submitted.append(self.books.submitted_keys())

    def well_told(self) -> None:
        """Nothing was sent before it was durable, and everything ended as it would have without a death."""
        for committed, submitted in zip(self.committed, self.submitted, strict=True):
            assert set(submitted) <= committed
        assert self.counts == ENDED
        all_is_well(self.books)


async def tell(here: Yard, *deaths: tuple[str, int] | str) -> Story:
    """The story of a daemon that dies these deaths, each at its restart, and then lives to the end."""
    story = Story(here.books)
    for death in deaths:
        point, nth = (death, 1) if isinstance(death, str) else death
        await here.start(point, nth=nth).dies_at(point)
        story.died()
    await here.runs_to_the_end()
    return story


async def test_dying_before_the_intent_is_durable_means_that_nothing_was_sent(here: Yard) -> None:
    """F01."""
    story = await tell(here, "push.intended.before")

    assert story.submitted == [[]]
    assert story.committed == [set()]


async def test_dying_before_the_second_batch_is_durable_means_that_only_the_first_was_sent(here: Yard) -> None:
    """F01, in the middle of the work."""
    story = await tell(here, ("push.intended.before", 2))

    assert set(story.submitted[0]) == story.committed[0] != set()
    story.well_told()


async def test_an_intent_that_was_never_sent_is_asked_about_and_then_accepted_once(here: Yard) -> None:
    """F02: the keys that were durable at the death are each accepted once, by one and the same request."""
    story = await tell(here, "push.intended.after")

    accepted = Counter(key for call, key in _answered(story.books) if call == "ok")
    assert story.submitted == [[]]
    assert story.committed[0] != set()
    assert {accepted[key] for key in story.committed[0]} == {1}


@pytest.mark.parametrize("silence", ["hung", "hung_before"])
async def test_after_a_death_in_the_middle_of_a_call_the_issuer_is_asked_before_anything_is_sent_again(
    here: Yard, silence: str
) -> None:
    """F03: whether the issuer acted ("hung") or not ("hung_before"), nobody can know."""
    here.sandbox.nuonuo.faults.hang_for = 10_000
    here.sandbox.nuonuo.faults.force("requestBillingNew", silence)
    doomed = here.start()
    await until(here.books.submissions, "a submission on its way")
    unanswered = here.books.submitted_keys()[0]

    doomed.kill()
    await doomed.end()
    arrived_before = len(here.sandbox.nuonuo.calls)
    await here.runs_to_the_end()

    first_about_it = here.books.calls_about(unanswered, since=arrived_before)[0]
    assert first_about_it == "queryInvoiceResult"
    assert Counter(here.books.submitted_keys())[unanswered] == (1 if silence == "hung" else 2)
    all_is_well(here.books)


@pytest.mark.parametrize("point", ["nuonuo.submit.after", "push.recorded.before"])
async def test_an_answer_that_died_with_its_process_is_learned_again_and_adopted(here: Yard, point: str) -> None:
    """F04: the number in the store is the ledger's, and no second request was made for it."""
    story = await tell(here, point)

    sent_at_death = set(story.submitted[0])
    assert sent_at_death
    assert {Counter(story.books.submitted_keys())[key] for key in sent_at_death} == {1}
    assert story.books.numbers_in_store() == story.books.numbers_in_ledger() != set()


@pytest.mark.parametrize("point", ["collect.settled.after", "write_back.said.after", "wdt.update.after"])
async def test_a_debt_survives_its_process_and_is_told_at_most_twice(here: Yard, point: str) -> None:
    """F05, F06."""
    story = await tell(here, point)

    assert story.counts["written_back"] == ENDED["written_back"]
    assert max(story.books.told().values()) <= 2
    assert story.books.told_two_things() == []


async def test_a_write_back_that_was_applied_is_seen_and_not_said_again(here: Yard) -> None:
    """F06: WDT had answered, only nobody had noted it."""
    story = await tell(here, "wdt.update.after")

    assert set(story.books.told().values()) == {1}


def _answered(books: Books) -> list[tuple[str, str]]:
    """(answer, key) of every submission."""
    return list(zip((call.answer for call in books.submissions()), books.submitted_keys(), strict=True))
