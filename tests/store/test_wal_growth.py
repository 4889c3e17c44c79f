"""A reader that never ends keeps the write-ahead log from being emptied; that is seen, and passes with the reader."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from syncd.domain.clock import SystemClock
from syncd.store import migrate
from syncd.store.store import Store
from syncd.watch.gauges import wal_bytes

#: SQLite empties the log when it has about this many bytes (1,000 pages).
USUAL = 4_200_000


async def write(store: Store, times: int) -> None:
    for number in range(times):
        async with store.begin() as tx:
            await tx.journal.add("order.held", merchant="m001", filling=f"{number:05d}" * 4_000)


async def test_the_log_grows_beyond_its_usual_size_while_somebody_reads_and_no_further_afterwards(
    tmp_path: Path,
) -> None:
    """F32."""
    url = f"sqlite:///{tmp_path / 'syncd.db'}"
    await migrate.upgrade(url)
    async with Store.at(url, SystemClock()) as store:
        await write(store, 1)  # which makes it a store with a write-ahead log
        with closing(sqlite3.connect(store.path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM journal").fetchone()
            await write(store, 400)
            grown = await asyncio.to_thread(wal_bytes, store.path)
        await write(store, 400)
        settled = await asyncio.to_thread(wal_bytes, store.path)

    assert grown > 1.5 * USUAL
    assert settled < grown + USUAL
