"""kill -9 at every point of an order's life, and at pairs of points (F01–F07).

Two stories are told at a time, in the background: a test waits for its own one only.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from crash_daemons import Nursery, Yard, until, yard
from crash_ledgers import Books, all_is_well
from points import POINTS

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: What twelve orders come to: one is held for a person, one the issuer refuses.
ENDED = {"issued": 10, "written_back": 10, "refused": 1, "held": 1}
#: Deaths that follow each other in an order's life.
PAIRS = (
    ("intent.before_commit", "intent.after_commit"),
    ("intent.after_commit", "submit.before_send"),
    ("submit.after_answer", "record.before_commit"),
    ("record.after_commit", "ask.before_send"),
    ("ask.after_answer", "settle.before_commit"),
    ("sending.after_commit", "update.before_send"),
    ("update.after_answer", "sent.before_commit"),
    ("sent.after_commit", "confirm.before_commit"),
)

Death = tuple[str, int]
"""A point, and the how-manieth time it is reached."""


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


class Stories:
    """Tells each story once, two at a time."""

    def __init__(self, nursery: Nursery, home: Path) -> None:
        self._nursery = nursery
        self._home = home
        self._two = asyncio.Semaphore(2)
        self._told: dict[tuple[Death, ...], asyncio.Task[Story]] = {}

    def begin(self, *deaths: Death) -> asyncio.Task[Story]:
        if deaths not in self._told:
            self._told[deaths] = asyncio.create_task(self._tell(deaths))
        return self._told[deaths]

    async def of(self, *deaths: Death | str) -> Story:
        """The story of a daemon that dies these deaths, each at its restart, and then lives to the end."""
        return await self.begin(*((death, 1) if isinstance(death, str) else death for death in deaths))

    async def _tell(self, deaths: tuple[Death, ...]) -> Story:
        async with self._two:
            home = self._home / str(len(list(self._home.iterdir())))
            home.mkdir()
            async with yard(self._nursery, home) as here:
                return await tell(here, deaths)

    async def stop(self) -> None:
        for task in self._told.values():
            task.cancel()
        await asyncio.gather(*self._told.values(), return_exceptions=True)


async def tell(here: Yard, deaths: tuple[Death, ...], *, all_reached: bool = True) -> Story:
    story = Story(here.books)
    for point, nth in deaths:
        if point.startswith("resend"):  # needs a request that never arrives
            here.sandbox.nuonuo.faults.force("requestBillingNew", "lost_before")
        daemon = here.start(point, nth=nth)
        if all_reached or await daemon.end() != 0:
            await daemon.dies_at(point)
            story.died()
    await here.runs_to_the_end()
    return story


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stories(
    nursery: Nursery, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[Stories]:
    made = Stories(nursery, tmp_path_factory.mktemp("stories"))
    for item in request.session.items:
        if item.path == request.path and "deaths" in getattr(item, "fixturenames", ()):
            deaths = item.callspec.params["deaths"]  # type: ignore[attr-defined]
            made.begin(*((death, 1) for death in deaths))
    yield made
    await made.stop()


@pytest.mark.parametrize("deaths", [(point,) for point in POINTS], ids=POINTS)
async def test_a_daemon_killed_anywhere_leaves_nothing_twice_and_nothing_lost(
    stories: Stories, deaths: tuple[str]
) -> None:
    story = await stories.of(*deaths)

    story.well_told()


@pytest.mark.parametrize("deaths", PAIRS, ids=" then ".join)
async def test_a_restart_that_is_killed_a_step_further_on_is_as_harmless(
    stories: Stories, deaths: tuple[str, str]
) -> None:
    story = await stories.of(*deaths)

    story.well_told()


@pytest.mark.storm
@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", POINTS)
async def test_every_pair_of_deaths_is_harmless(nursery: Nursery, tmp_path: Path, first: str) -> None:
    """F07, all of them. A second point that is no longer reached, because all is done, is no death."""
    for second in POINTS:
        home = tmp_path / second
        home.mkdir()
        async with yard(nursery, home) as here:
            story = await tell(here, ((first, 1), (second, 1)), all_reached=False)

        story.well_told()


async def test_dying_before_the_intent_is_durable_means_that_nothing_was_sent(stories: Stories) -> None:
    """F01."""
    story = await stories.of("intent.before_commit")

    assert story.submitted == [[]]
    assert story.committed == [set()]


async def test_dying_before_the_second_batch_is_durable_means_that_only_the_first_was_sent(stories: Stories) -> None:
    """F01, in the middle of the work."""
    story = await stories.of(("intent.before_commit", 2))

    assert set(story.submitted[0]) == story.committed[0] != set()
    story.well_told()


async def test_an_intent_that_was_never_sent_is_asked_about_and_then_accepted_once(stories: Stories) -> None:
    """F02: the keys that were durable at the death are each accepted once, by one and the same request."""
    story = await stories.of("intent.after_commit")

    accepted = Counter(key for call, key in _answered(story.books) if call == "ok")
    assert story.submitted == [[]]
    assert story.committed[0] != set()
    assert {accepted[key] for key in story.committed[0]} == {1}


@pytest.mark.parametrize("silence", ["hung", "hung_before"])
async def test_after_a_death_in_the_middle_of_a_call_the_issuer_is_asked_before_anything_is_sent_again(
    nursery: Nursery, tmp_path: Path, silence: str
) -> None:
    """F03: whether the issuer acted ("hung") or not ("hung_before"), nobody can know."""
    async with yard(nursery, tmp_path) as here:
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


@pytest.mark.parametrize("point", ["submit.after_answer", "record.before_commit"])
async def test_an_answer_that_died_with_its_process_is_learned_again_and_adopted(stories: Stories, point: str) -> None:
    """F04: the number in the store is the ledger's, and no second request was made for it."""
    story = await stories.of(point)

    sent_at_death = set(story.submitted[0])
    assert sent_at_death
    assert {Counter(story.books.submitted_keys())[key] for key in sent_at_death} == {1}
    assert story.books.numbers_in_store() == story.books.numbers_in_ledger() != set()


@pytest.mark.parametrize("point", ["settle.after_commit", "sending.after_commit", "update.after_answer"])
async def test_a_debt_survives_its_process_and_is_told_at_most_twice(stories: Stories, point: str) -> None:
    """F05, F06."""
    story = await stories.of(point)

    assert story.counts["written_back"] == ENDED["written_back"]
    assert max(story.books.told().values()) <= 2
    assert story.books.told_two_things() == []


async def test_a_write_back_that_was_applied_is_seen_and_not_said_again(stories: Stories) -> None:
    """F06: WDT had answered, only nobody had noted it."""
    story = await stories.of("update.after_answer")

    assert set(story.books.told().values()) == {1}


def _answered(books: Books) -> list[tuple[str, str]]:
    """(answer, key) of every submission."""
    return list(zip((call.answer for call in books.submissions()), books.submitted_keys(), strict=True))
