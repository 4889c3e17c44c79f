"""SIGTERM with calls on their way (F09)."""

from __future__ import annotations

import json
import signal
import time
from dataclasses import replace
from pathlib import Path

from crash_daemons import Nursery, until, yard
from crash_ledgers import all_is_well

from syncd.sandbox import HEALTHY

CALLS = 16


async def test_a_daemon_told_to_stop_ends_within_ten_seconds_and_its_restart_settles_the_rest(
    nursery: Nursery, tmp_path: Path
) -> None:
    """The issuer takes every request and says nothing, for longer than anybody waits."""
    async with yard(nursery, tmp_path, orders=CALLS, mix=replace(HEALTHY, days=0.03)) as here:
        here.tree["push"] = {"batch": CALLS, "concurrency": CALLS}
        here.tree["issuers"]["main"] |= {"concurrency": CALLS, "timeout": "20s"}
        here.sandbox.nuonuo.faults.hang_for = 10_000
        here.sandbox.nuonuo.faults.force("requestBillingNew", "hung", times=CALLS)
        told = here.start(mode="serve")
        await until(lambda: len(here.books.submissions()) == CALLS, "all calls on their way")

        stopped_at = time.monotonic()
        told.kill(signal.SIGTERM)
        code = await told.end()
        took = time.monotonic() - stopped_at
        in_flight = here.books.unanswered()
        await here.runs_to_the_end()

    assert (code, took < 10) == (0, True)
    assert json.loads(told.note("drained"))["left"] == 1
    assert in_flight == CALLS
    assert here.books.counts()["written_back"] == CALLS
    assert sorted(here.books.submitted_keys()) == sorted(here.books.committed_keys())
    all_is_well(here.books)
