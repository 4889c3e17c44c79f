"""Fetches the files of issued invoices that the centre may ask for, soon after they were issued.

Addresses of files live a day, some of them for one download: what is not fetched now may not be there when the centre
lacks it. Nothing here is sent anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from syncd.domain.centre import FileSource
from syncd.domain.retry import backoff
from syncd.domain.trouble import Care, Permanent, Transient, Verdict
from syncd.stages.turn import Brake, Merchant, Turn, later, share_spent, sleep
from syncd.store.files import WantedFile
from syncd.store.orders import OrderId, OrderView, WholeOrder
from syncd.store.store import Store, Tx
from syncd.store.units import Claim

log = structlog.get_logger("syncd.stages.files")

#: Files fetched in one turn.
BATCH = 20
#: So many failures, and a person is needed if the centre asks for it.
MOST_TRIES = 10
#: How long an address is waited for after the invoice was issued.
PATIENCE = timedelta(days=2)
#: When a file is looked at again that a defect of ours may have stopped.
PARKED_FOR = timedelta(hours=6)
#: WDT's `invoice_type` of invoices on paper (seed wdt-search §4): they have no file.
ON_PAPER = frozenset({0, 2})


@dataclass(frozen=True, slots=True)
class FilesRules:
    """The settings of this stage."""

    every: timedelta


class Files:
    """Fetches one merchant's files."""

    name = "files"

    def __init__(
        self, store: Store, merchants: Sequence[Merchant], rules: FilesRules, brake: Brake, rng: Callable[[], float]
    ) -> None:
        self._store = store
        self._brake = brake
        self._rules = rules
        self._rng = rng
        self._merchants = {
            str(one.name): one
            for one in merchants
            if one.files is not None and one.centre_rules is not None and one.centre_rules.uploads
        }
        self.keys = list(self._merchants)

    async def work(self, key: str, claim: Claim) -> Turn:
        """Fetch what is due, one file after the other."""
        merchant = self._merchants[key]
        assert merchant.files is not None
        fetched = 0
        async with self._store.read() as tx:
            due = await tx.files.due(merchant.name, 1 if claim.single_file else BATCH)
            orders = await tx.orders.by_ids([wanted.order_id for wanted in due])
        for wanted in due:
            if self._brake.pulled or share_spent(claim, self._store.clock.monotonic()):
                break
            if claim.single_file:
                await self._park(claim, wanted)
            fetched += await self._fetch(merchant, merchant.files, claim, wanted, orders[wanted.order_id])
        async with self._store.read() as tx:
            again, now = await tx.files.next_due(merchant.name), tx.now
        if again is not None and again <= now:
            return later(now, timedelta(0), {"fetched": fetched})
        return sleep(now, self._rules.every, again, {"fetched": fetched})

    def at_hand(self, key: str) -> OrderId | None:
        """None: a defect here parks the file (`_park`), and never its order."""
        return None

    async def _park(self, claim: Claim, wanted: WantedFile) -> None:
        """Two defects in a row: whatever this one runs into, it is not looked at again for hours."""
        async with self._store.begin(claim, fact="files.parked") as tx:
            await tx.files.park(wanted.order_id, tx.now + PARKED_FOR)

    async def _fetch(
        self, merchant: Merchant, source: FileSource, claim: Claim, wanted: WantedFile, order: OrderView
    ) -> bool:
        if not wanted.urls:
            await self._no_address(merchant, claim, wanted)
            return False
        why: Verdict | None = None
        for url in wanted.urls:
            try:
                found = await source.fetch(url)
            except (Transient, Permanent) as trouble:
                why = trouble.verdict
                continue
            async with self._store.begin(claim, fact="files.kept") as tx:
                await tx.files.keep(wanted.order_id, found)
                await self._tell_who_waits(tx, merchant, wanted.order_id)
                size = len(found.content)
                tx.tell(partial(log.info, "files.kept", merchant=merchant.name, order_no=order.no, bytes=size))
            return True
        assert why is not None
        await self._failed(merchant, claim, wanted, order, f"{why.code} {why.text}".strip(), why.care)
        return False

    async def _no_address(self, merchant: Merchant, claim: Claim, wanted: WantedFile) -> None:
        """The issuer has not told where it lies; of an invoice on paper it never will."""
        async with self._store.read() as tx:
            order = (await tx.orders.whole([wanted.order_id]))[wanted.order_id]
        if self._on_paper(merchant, order):
            async with self._store.begin(claim, fact="files.none") as tx:
                await tx.files.has_none(wanted.order_id)
                await self._tell_who_waits(tx, merchant, wanted.order_id)
            return
        async with self._store.begin(claim, fact="files.awaited") as tx:
            given_up = tx.now - wanted.wanted_at > PATIENCE
            again = None if given_up else tx.now + self._backoff(wanted.tries)
            await tx.files.failed(wanted.order_id, "no_address", again)
            if given_up:
                await self._tell_who_waits(tx, merchant, wanted.order_id)

    def _on_paper(self, merchant: Merchant, order: WholeOrder) -> bool:
        try:
            return merchant.erp.decode(order.raw).invoice_type in ON_PAPER
        except (ValueError, ArithmeticError):
            return False

    async def _failed(
        self, merchant: Merchant, claim: Claim, wanted: WantedFile, order: OrderView, why: str, care: Care
    ) -> None:
        never = care is Care.SETTINGS or wanted.tries + 1 >= MOST_TRIES
        async with self._store.begin(claim, fact="files.failed") as tx:
            again: datetime | None = None if never else tx.now + self._backoff(wanted.tries)
            await tx.files.failed(wanted.order_id, why, again)
            if never:
                await self._tell_who_waits(tx, merchant, wanted.order_id)
            about = {"merchant": merchant.name, "order_no": order.no, "why": why, "lost": never}
            tx.tell(partial(log.warning, "files.failed", **about))

    async def _tell_who_waits(self, tx: Tx, merchant: Merchant, order_id: OrderId) -> None:
        await tx.applications.file_came(order_id)
        await tx.units.wake("alibaba", merchant.name)

    def _backoff(self, tries: int) -> timedelta:
        return backoff(tries, self._rng, base=20.0, cap=3600.0)
