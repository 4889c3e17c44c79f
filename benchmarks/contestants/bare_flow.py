"""How fast orders can be brought from WDT to Nuonuo and back at all: one aiohttp pipeline without any safety.

Everything overlaps: pages are read one after the other, `--concurrency` orders are submitted at once, outcomes are
asked for fifty at a time, written back twenty at a time, and WDT is read once more to see them there. Every batch is
committed in one transaction, `synchronous=FULL`, after the fact: a crash loses what was sent, or sends it again.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import aiohttp
import msgspec

from benchmarks.contestants.wish import Wish, cpu_seconds, peak_mb, read_wish, tell
from benchmarks.peers.shared import parties

NOTHING_MORE: Any = None
Order = tuple[str, str, dict[str, Any], bytes]
COMMIT = 100


class Pipeline:
    """One run of it. Queues join the steps; None at the end of a queue says that nothing more comes."""

    def __init__(self, wish: Wish, database: sqlite3.Connection, session: aiohttp.ClientSession) -> None:
        self._wish = wish
        self._database = database
        self._session = session
        self._wdt = asyncio.Lock()  # WDT takes one call of a credential at a time
        self._read: asyncio.Queue[Order] = asyncio.Queue(1000)
        self._submitted: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._issued: asyncio.Queue[tuple[str, str, str]] = asyncio.Queue()
        self.seen = 0

    async def run(self) -> None:
        """Everything, until the last order was seen written back."""
        width = self._wish.concurrency
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.read())
            tasks.create_task(self.submit(width))
            tasks.create_task(self.in_batches(self._submitted, parties.ASK_BATCH, self.ask))
            tasks.create_task(self.in_batches(self._issued, parties.UPDATE_BATCH, self.write_back))
        await self.confirm()

    async def read(self) -> None:
        """Every page, stored in one transaction each: the last one first, for what is written back leaves the list."""
        wish = self._wish
        body = parties.search_body(wish.start, wish.end)
        for page_no in reversed(range(-(-wish.orders // wish.page_size))):
            orders = [self._order(row) for row in await self._search(body, page_no)]
            self._write("INSERT INTO orders VALUES (?, 'READ', ?, ?, NULL, NULL)", [(o[0], o[3], o[1]) for o in orders])
            for order in orders:
                await self._read.put(order)
        for _ in range(wish.concurrency):
            await self._read.put(NOTHING_MORE)

    def _order(self, raw: bytes) -> Order:
        row: dict[str, Any] = msgspec.json.decode(raw)
        no = row["invoice_order_no"]
        return no, parties.key_of(no), row, raw

    async def submit(self, width: int) -> None:
        """As many orders at once as allowed; what was accepted is stored in batches."""
        accepted: list[tuple[str, str, str]] = []

        async def worker() -> None:
            while (order := await self._read.get()) is not NOTHING_MORE:
                no, key, row, _ = order
                body = msgspec.json.encode({"order": parties.order_of(row, key)})
                answer = await self._nuonuo(parties.SUBMIT, body)
                accepted.append(("SUBMITTED", answer["result"]["invoiceSerialNum"], no))
                if len(accepted) >= COMMIT:
                    self._store_accepted(accepted)
                await self._submitted.put((no, key))

        await asyncio.gather(*(worker() for _ in range(width)))
        self._store_accepted(accepted)
        await self._submitted.put(NOTHING_MORE)

    def _store_accepted(self, accepted: list[tuple[str, str, str]]) -> None:
        self._write("UPDATE orders SET state = ?, serial = ? WHERE no = ?", accepted)
        accepted.clear()

    async def ask(self, batch: list[tuple[str, str]]) -> None:
        """What became of up to fifty orders."""
        numbers = {key: no for no, key in batch}
        answer = await self._nuonuo(parties.ASK, msgspec.json.encode({"orderNos": list(numbers)}))
        issued = [
            (numbers[one["orderNo"]], one["allElectronicInvoiceNumber"], one["pdfUrl"]) for one in answer["result"]
        ]
        self._write(
            "UPDATE orders SET state = 'ISSUED', invoice_no = ? WHERE no = ?",
            [(number, no) for no, number, _ in issued],
        )
        for one in issued:
            await self._issued.put(one)
        if len(issued) < len(batch):
            raise SystemExit("an order was not issued")

    async def write_back(self, batch: list[tuple[str, str, str]]) -> None:
        """Tell WDT about up to twenty of them."""
        body = parties.update_body(batch)
        await self._post(parties.wdt_path(parties.UPDATE, body), body, parties.JSON, self._wdt)
        self._write("UPDATE orders SET state = 'WRITTEN' WHERE no = ?", [(no,) for no, _, _ in batch])

    async def confirm(self) -> None:
        """Read WDT in every state once more, and believe what it shows."""
        body = parties.search_body(self._wish.start, parties.beijing(in_seconds=5), mode=1)
        page_no, rows = 0, [b""]
        while rows and self.seen < self._wish.orders:
            rows = await self._search(body, page_no)
            shown = [msgspec.json.decode(row, type=Shown) for row in rows]
            done = [(one.invoice_order_no, one.invoice_no) for one in shown if one.status == 60]
            self._write("UPDATE orders SET state = 'DONE' WHERE no = ? AND invoice_no = ?", done)
            self.seen += len(done)
            page_no += 1

    async def in_batches(
        self, queue: asyncio.Queue[Any], size: int, work: Callable[[list[Any]], Awaitable[None]]
    ) -> None:
        """Work on what comes through the queue, `size` at a time, then hand on the end of it."""
        batch: list[Any] = []
        while (one := await queue.get()) is not NOTHING_MORE:
            batch.append(one)
            if len(batch) == size:
                await work(batch)
                batch = []
        if batch:
            await work(batch)
        if queue is self._submitted:
            await self._issued.put(NOTHING_MORE)

    async def _search(self, body: bytes, page_no: int) -> list[bytes]:
        size = self._wish.page_size
        path = parties.wdt_path(parties.SEARCH, body, page_no=page_no, page_size=size)
        answer = await self._post(path, body, parties.JSON, self._wdt)
        return [bytes(row) for row in msgspec.json.decode(answer, type=Page).data.order]

    async def _nuonuo(self, method: str, body: bytes) -> Any:
        path, headers = parties.nuonuo_call(method, body)
        return msgspec.json.decode(await self._post(path, body, headers, None))

    async def _post(self, path: str, body: bytes, headers: dict[str, str], alone: asyncio.Lock | None) -> bytes:
        if alone is not None:
            async with alone:
                return await self._post(path, body, headers, None)
        async with self._session.post(self._wish.url + path, data=body, headers=headers) as response:
            return await response.read()

    def _write(self, sql: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._database.execute("BEGIN IMMEDIATE")
        self._database.executemany(sql, rows)
        self._database.execute("COMMIT")


class Shown(msgspec.Struct):
    """What the last look reads of a row."""

    invoice_order_no: str
    status: int
    invoice_no: str


class _Data(msgspec.Struct):
    order: list[msgspec.Raw]


class Page(msgspec.Struct):
    """An answer of search."""

    data: _Data


async def run(wish: Wish) -> None:
    """The contestant."""
    database = parties.database(wish.store)
    connector = aiohttp.TCPConnector(limit=wish.concurrency + 4)
    began, cpu = time.monotonic(), cpu_seconds()
    async with aiohttp.ClientSession(connector=connector) as session:
        await Pipeline(wish, database, session).run()
    ended_at, spent = time.monotonic(), cpu_seconds() - cpu
    stored = database.execute("SELECT count(*) FROM orders WHERE state = 'DONE'").fetchone()[0]
    tell(stored=stored, ended_at=ended_at, first={"seconds": ended_at - began, "cpu": spent}, peak_mb=peak_mb())


if __name__ == "__main__":
    asyncio.run(run(read_wish(__doc__)))
