"""What merchants with nothing to do cost, and whether one with many rows delays another's five orders.

    python benchmarks/neighbours.py [--merchants 100] [--seconds 60] [--busy ROWS]

Prints how long the first turns of all units took; then, for SECONDS without any work (with --busy: for as long as the
five orders take), CPU seconds and write transactions a second, and what those transactions were for. Simulators,
daemon and store live in this process; the CPU seconds are of all three, the transactions of the daemon. A unit with
nothing to do sleeps up to a minute, so that fewer SECONDS than 60 show only some of them.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import resource
import tempfile
import time
from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from syncd.app import open_app
from syncd.config import Settings, from_mapping
from syncd.domain.clock import BEIJING
from syncd.sandbox import Sandbox, SandboxOptions
from syncd.store.store import Store

#: Seconds: for the first turns of all units, and for the five orders beside a busy neighbour.
FIRST, PATIENCE = 60.0, 300.0


def settings(sandbox: Sandbox, folder: Path, merchants: int) -> Settings:
    """As many merchants as asked for, all at one issuer account, with the default schedule."""
    start = (datetime.now(UTC).astimezone(BEIJING) - timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S")
    issuer = {
        "kind": "nuonuo", "url": sandbox.nuonuo_url, "app_key": "demo_key", "secret": "demo_secret",
        "token": "demo_token", "tax_no": "339902999999789113", "allow_plain_http": True,
        "calls_per_minute": 6000, "concurrency": 16,
    }  # fmt: skip
    listed: list[dict[str, Any]] = []
    for number in range(merchants):
        sid = f"demo_sid{number:03}"
        sandbox.wdt.add_tenant(sid, f"{sid}-syncd", "demosecret:demosalt")
        wdt = {"url": sandbox.wdt_url, "sid": sid, "key": f"{sid}-syncd", "secret": "demosecret:demosalt"}
        listed.append({"name": f"m{number:03}", "issuer": "main", "wdt": wdt})
    return from_mapping(
        {
            "store": {"url": f"sqlite:///{folder}/syncd.db", "witness": f"{folder}/witness"},
            "poll": {"start": start},
            "merchants": listed,
            "issuers": {"main": issuer},
        }
    )


def count_transactions(counts: Counter[str]) -> None:
    """Let the store count its write transactions by what became durable in them."""
    begin = Store.begin

    @asynccontextmanager
    async def counted(self: Store, *given: Any, **named: Any) -> Any:
        counts[named.get("fact", "unnamed")] += 1
        async with begin(self, *given, **named) as tx:
            yield tx

    Store.begin = counted  # type: ignore[method-assign]


async def measure(merchants: int, seconds: float, busy: int) -> None:
    counts: Counter[str] = Counter()
    count_transactions(counts)
    options = SandboxOptions(seed=1, calls_per_minute=0, issue_delay=(0.2, 0.5))
    with tempfile.TemporaryDirectory() as folder:
        async with (
            Sandbox(options) as sandbox,
            open_app(settings(sandbox, Path(folder), merchants)) as app,
            app.turning(listen=False),
        ):
            began = time.monotonic()
            late = await _first_turns(app.store)
            took = time.monotonic() - began
            print(f"{merchants} merchants had their first turns in {took:.1f} s, {late} units had none")
            counts.clear()
            cpu, began = _cpu(), time.monotonic()
            await _with_work(sandbox, busy) if busy else await asyncio.sleep(seconds)
            took = time.monotonic() - began
            print(f"{took:.1f} s: {_cpu() - cpu:.1f} CPU s, {sum(counts.values()) / took:.1f} transactions/s")
            print(", ".join(f"{name} {number}" for name, number in counts.most_common(8)))


async def _first_turns(store: Store) -> int:
    """Until every unit has had its first turn, `FIRST` seconds at most; how many have had none."""
    end = time.monotonic() + FIRST
    while (late := sum(unit.ran_at is None for unit in await _units(store))) and time.monotonic() < end:  # noqa: ASYNC110
        await asyncio.sleep(0.5)
    return late


async def _with_work(sandbox: Sandbox, rows: int) -> None:
    """One merchant gets `rows` orders, another five; how long the five take."""
    for _ in range(rows):
        sandbox.wdt.put_order({}, sid="demo_sid000", loose=True)
    sandbox.wdt.tidy(sid="demo_sid000")
    await asyncio.sleep(30)
    five = [sandbox.wdt.put_order({}, sid="demo_sid001") for _ in range(5)]
    began = time.monotonic()
    while any(sandbox.wdt.order(no, sid="demo_sid001")["status"] != 60 for no in five):
        if time.monotonic() - began > PATIENCE:
            print(f"beside a neighbour with {rows} rows, five orders were not written back within {PATIENCE:.0f} s")
            return
        await asyncio.sleep(0.2)
    print(f"beside a neighbour with {rows} rows, five orders were written back in {time.monotonic() - began:.1f} s")


async def _units(store: Store) -> list[Any]:
    async with store.read() as tx:
        return await tx.units.all()


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--merchants", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--busy", type=int, default=0, metavar="ROWS")
    given = parser.parse_args()
    asyncio.run(measure(given.merchants, given.seconds, given.busy))


if __name__ == "__main__":
    main()
