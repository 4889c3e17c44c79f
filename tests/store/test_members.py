"""What a process among many finds out at each beat: that the store went back, that its host's clock is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
import structlog
from postgres import other_role
from psycopg.conninfo import conninfo_to_dict
from store_parts import raw

from syncd.domain.clock import SystemClock
from syncd.engine import jobs
from syncd.fleet import Member
from syncd.store.guard import Guard, open_instance
from syncd.store.instance import Disarmed
from syncd.store.place import known_place
from syncd.store.postgres import conninfo
from syncd.store.store import Store
from syncd.store.witness import Finding, WitnessFolder


@pytest.fixture
async def store(emptied: str) -> AsyncIterator[Store]:
    async with Store.at(emptied, SystemClock()) as opened:
        yield opened


def member(url: str, **changes: object) -> Member:
    return Member(Store.at(url, SystemClock(), connections=1), "worker", **changes)  # type: ignore[arg-type]


def guarded(url: str, folder: Path) -> Guard:
    folder.mkdir()
    return Guard(WitnessFolder(folder), known_place(url), shared=True)


async def send(store: Store) -> None:
    async with store.begin(outward=True):
        pass


async def test_a_server_that_went_back_is_noticed_by_who_only_heard_of_what_others_sent(
    store: Store, emptied: str, tmp_path: Path
) -> None:
    """F26. A standby that lagged takes over: what this process never sent itself is forgotten all the same."""
    guard = guarded(emptied, tmp_path / "first")
    await open_instance(store, guard, exclusive=False, all_refuse_doubles=True)
    onlooker = member(emptied, guard=guarded(emptied, tmp_path / "second"))
    async with onlooker.line:
        for _ in range(3):
            await send(store)
        await onlooker._beat()

        with raw(store) as db:
            db.execute("UPDATE instance SET epoch = epoch - 2")
        await onlooker._beat()

    async with store.read() as tx:
        here = await tx.instance.get()
    assert here is not None
    assert (here.armed, here.why) == (False, Finding.RESTORED)
    with pytest.raises(Disarmed):
        await send(store)


async def test_a_store_that_others_take_on_is_none_that_went_back(store: Store, emptied: str, tmp_path: Path) -> None:
    guard = guarded(emptied, tmp_path / "first")
    await open_instance(store, guard, exclusive=False, all_refuse_doubles=True)
    onlooker = member(emptied, guard=guarded(emptied, tmp_path / "second"))
    async with onlooker.line:
        for _ in range(3):
            await onlooker._beat()
            await send(store)
        await onlooker._beat()

    await send(store)


@pytest.mark.parametrize(("minutes", "astray"), [(0, False), (1, True), (-1, True)])
async def test_a_clock_that_is_not_the_databases_is_noticed(emptied: str, minutes: int, astray: bool) -> None:
    """F103. Settling times, what is due and what is fresh are reckoned by it: such a process sends nothing."""
    off = timedelta(minutes=minutes)
    joins = member(emptied, wall=lambda: datetime.now(UTC) + off)
    async with joins.line:
        await joins._beat()

    assert joins.pulse.astray is astray
    assert joins.pulse.half_spent is astray
    assert abs(joins.pulse.off - off) < timedelta(seconds=5)


def test_the_queue_understands_every_password_that_the_store_does() -> None:
    """Psycopg's own reader of URLs wants more characters escaped, and quotes the password where it complains."""
    for password in ("p%zz", "se cret", "a:b=c+d", "it's"):
        ours = conninfo(f"postgresql+psycopg://demo:{quote(password)}@h:5432/db?options=-c%20work_mem%3D8MB")

        assert (
            conninfo_to_dict(jobs.conninfo(ours)).items()
            >= {"password": password, "options": "-c work_mem=8MB"}.items()
        )

    careless = conninfo_to_dict(jobs.conninfo(conninfo("postgresql://demo:p%zz@h/db")))
    assert careless["password"] == "p%zz"


async def test_who_is_not_heard_again_vouches_for_nothing(emptied: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """F26. A copy that was made a moment ago holds the last words of those who live elsewhere."""
    monkeypatch.setattr("syncd.fleet._VOUCHED_WITHIN", 0.5)
    lives, joins = member(emptied), member(emptied)
    async with lives.line, joins.line:
        async with lives.line.begin(lone=True) as tx:
            await tx.workers.beat("a", "worker", places=1, busy=0, vouches=True, silent_after=timedelta(minutes=1))

        assert not await joins.vouched()


@pytest.fixture
def lowly(emptied: str) -> Iterator[str]:
    """The same store, for a role that may do everything there but end a session."""
    may = "GRANT ALL ON ALL TABLES IN SCHEMA public TO {}"
    with other_role(emptied, may, "REVOKE EXECUTE ON FUNCTION pg_terminate_backend FROM PUBLIC") as url:
        yield url


async def fallen_silent(onlooker: Member) -> None:
    """Somebody is in the list who was not heard for longer than anybody is blocked."""
    async with onlooker.line.begin(lone=True) as tx:
        ago = timedelta(seconds=-10)
        await tx.workers.beat("far:1:abcdef", "worker", places=1, busy=0, vouches=False, silent_after=ago)


async def test_whoever_beats_ends_what_the_silent_left_open(emptied: str) -> None:
    """F11. The next beat of anybody; a start, which waits for every transaction, goes on then, and with it the rest."""
    onlooker = member(emptied)
    async with onlooker.line:
        with psycopg.connect(emptied, application_name="syncd far:1") as frozen:
            frozen.execute("SELECT pg_advisory_xact_lock(4711)")
            await fallen_silent(onlooker)

            await onlooker._beat()

            with pytest.raises(psycopg.OperationalError):
                frozen.execute("SELECT 1")


async def test_who_may_end_no_session_beats_on(lowly: str) -> None:
    """A careful administrator takes that from everybody; it is said once."""
    onlooker = member(lowly)
    with structlog.testing.capture_logs() as said:
        async with onlooker.line:
            await fallen_silent(onlooker)

            await onlooker._beat()
            await onlooker._beat()

    assert onlooker.beats == 2
    assert [line["event"] for line in said] == ["worker.sessions_left"]


async def test_a_look_at_the_silent_that_has_to_wait_holds_up_no_beat(emptied: str) -> None:
    """Where sessions are scarce it may wait for one: who beats for the others' sake would fall silent itself."""
    onlooker = member(emptied)
    async with onlooker.line, AsyncExitStack() as taken:
        await fallen_silent(onlooker)
        for _ in range(4):  # as many as look at a time
            await taken.enter_async_context(onlooker.line.read())

        async with asyncio.timeout(10):
            await onlooker._beat()

        assert onlooker.pulse.unheard_for < 5
