"""One daemon per store, as the kernel sees it (F110)."""

from __future__ import annotations

import re
import signal

from syncd.scenarios.nursery import KILLED, Daemon, until
from syncd.scenarios.processes import HELD_ELSEWHERE
from syncd.scenarios.yard import Yard


async def at_work(daemon: Daemon) -> None:
    await until(lambda: daemon.at_work, "a daemon at work")


async def test_a_second_daemon_is_refused_and_told_who_holds_the_store(here: Yard) -> None:
    first = here.start(mode="serve")
    await at_work(first)

    second = here.start(mode="serve")
    code = await second.end()

    assert code == HELD_ELSEWHERE
    assert re.search(rf"(pid |:){first.pid} ", second.note("held"))
    assert not second.at_work
    assert not first.over


async def test_a_daemon_that_merely_stands_still_keeps_the_store(here: Yard) -> None:
    """A lock that timed out would let a second one in beside a sleeper that wakes up."""
    sleeper = here.start(mode="serve")
    await at_work(sleeper)
    sleeper.kill(signal.SIGSTOP)
    await until(lambda: sleeper.stopped, "the daemon to stand still")

    second = here.start(mode="serve")

    assert await second.end() == HELD_ELSEWHERE


async def test_the_lock_dies_with_its_holder_however_that_died(here: Yard) -> None:
    """A pid file would still be there."""
    first = here.start(mode="serve")
    await at_work(first)
    first.kill()

    assert await first.end() == KILLED
    await here.runs_to_the_end()
