"""What is known of a page's orders: the quick way, which passes most of them over, tells what the careful one does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import product
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import select
from store_parts import AT, SID, M, at, keep, raw, row

from syncd.domain.lifecycle import Phase, State
from syncd.domain.order import Row
from syncd.store import known
from syncd.store.schema import invoice_order
from syncd.store.sightings import Kept, Seen
from syncd.store.store import Store

KNOWN_FOR = timedelta(seconds=30)
#: Seen within that time, and longer ago, when a page is read at 60 s.
FRESH, STALE = at(31), at(29)
READ = Seen(5, at(60), (at(0), at(50)), KNOWN_FOR)


#: The lifecycle's trigger, by whether it is PostgreSQL.
PASS_BY = {False: "DROP TRIGGER IF EXISTS order_moves_by_the_table", True: "SET session_replication_role = replica"}
_STAND = "UPDATE invoice_order SET state = ?, phase = ?, hold = ? WHERE no = ?"
_SENT = """
INSERT INTO submission (order_id, generation, issuer_kind, issuer, seller_tax_no, key, created_at)
SELECT id, 0, 'nuonuo', 'main', '339902999999789113', no, 0 FROM invoice_order
WHERE phase <> '' AND NOT EXISTS (SELECT 1 FROM submission WHERE key = no)
"""


class Undone(Exception):
    """What was tried is taken back."""


async def kept(store: Store, rows: Sequence[Row], seen: Seen, *, carefully: bool) -> tuple[Kept, list[Any]]:
    """What a page changes, and every cell afterwards; the store stays as it was."""
    asking = known.asking

    def each(*given: Any, **_: Any) -> Any:
        return asking(*given, each=True)

    o, found = invoice_order.c, []
    cells = select(o.no, o.state, o.phase, o.wdt_status, o.content_hash, o.seq, o.seen_at, o.span_end, o.next_at)
    with pytest.raises(Undone), patch.object(known, "asking", each if carefully else asking):
        async with store.begin() as tx:
            found.append(await tx.sightings.keep(M, SID, rows, seen))
            found.append([tuple(one) for one in await tx.connection.execute(cells.order_by(o.no))])
            found.append(tx.sightings.noting())
            raise Undone
    return found[0], found[1:]


async def everywhere(store: Store) -> list[Row]:
    """Orders in every state and phase, some sent, stored by an earlier request and by a later one, and their rows."""
    rows = []
    for status, seq, seen_at in product((45, 60, 5), (1, 9), (FRESH, STALE)):
        standing = [(state, phase) for state in State for phase in Phase]
        made = [row(f"FP{status}-{seq}-{seen_at == FRESH}-{n}", status) for n in range(len(standing))]
        async with store.begin() as tx:
            await keep(tx, *made, seq=seq, seen_at=seen_at)
        with raw(store) as db:
            db.execute(PASS_BY[store.path is None])
            for one, (state, phase) in zip(made, standing, strict=True):
                held = "poison_row" if state is State.HOLD else None
                db.execute(_STAND, (str(state), str(phase), held, one.no))
            db.execute(_SENT)
        rows += made
    return rows


async def test_whatever_stands_on_a_page_the_quick_way_does_what_the_careful_one_does(store: Store) -> None:
    """States, phases, requests and times as they come, unchanged rows and changed ones, with new ones and without."""
    stored = await everywhere(store)
    rng = Random(7)

    for size in (len(stored), 1, 20, 20, 200, 200):
        same = rng.sample(stored, size)
        edited = [row(one.no, rng.choice((one.status, 45, 20)), 2) if rng.random() < 0.1 else one for one in same]
        for page in (same, [*same, row("NEW")], edited, [row("NEW"), *edited]):
            quick = await kept(store, page, READ, carefully=False)

            assert quick == await kept(store, page, READ, carefully=True)
    assert quick[0].unchanged > 50


async def test_where_every_sighting_is_to_be_noted_nothing_is_passed_over(store: Store) -> None:
    rows = [row("FP1"), row("FP2", 60)]
    async with store.begin() as tx:
        await keep(tx, *rows, seq=1)

    async with store.begin() as tx:
        found = await keep(tx, *rows, seq=2, seen_at=at(5))

    assert (found.unchanged, found.waiting) == (2, 1)
    async with store.read() as tx:
        assert {order.seen_at for order in await tx.orders.by_no("FP1")} == {at(5)}


@pytest.mark.parametrize("no", ['a"b', "a\\b", "票😀", "'", "?", "%s", "12", "a/b:c"])
async def test_a_number_of_any_characters_is_known_again(store: Store, no: str) -> None:
    async with store.begin() as tx:
        await keep(tx, row(no), row("FP2"), seq=1, seen_at=AT)

    async with store.begin() as tx:
        again = await tx.sightings.keep(M, SID, [row(no), row("FP2", version=2)], Seen(2, at(1), None, KNOWN_FOR))

    assert (again.new, again.changed, again.unchanged, again.waiting) == (0, 1, 1, 2)


async def test_what_one_page_passed_over_an_older_one_in_the_same_transaction_does_not_overwrite(store: Store) -> None:
    """R11: what was passed over is written at the end of the transaction, and known before."""
    async with store.begin() as tx:
        await keep(tx, row("FP1", 5), seq=1)

    async with store.begin() as tx:
        newer = await tx.sightings.keep(M, SID, [row("FP1", 5)], Seen(3, at(3), None, KNOWN_FOR))
        older = await keep(tx, row("FP1", 45, version=2), seq=2, seen_at=at(2))

    async with store.begin() as tx:
        later = await keep(tx, row("FP1", 45, version=2), seq=2, seen_at=at(2))
    assert (newer.unchanged, older.overtaken, older.changed) == (1, 1, 0)
    assert (later.overtaken, later.changed) == (1, 0)
