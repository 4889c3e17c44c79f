from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from store_parts import AT, EXPECTED, at, invoice, keep, raw, row, submitted, the, wanted

from syncd.domain.lifecycle import State
from syncd.store.journal import Entry
from syncd.store.store import Store
from syncd.store.submissions import KeyTaken


async def test_an_intent_is_durable_with_its_key_and_its_exact_bytes(store: Store) -> None:
    await submitted(store, key="KEY0")

    with raw(store) as db:  # another connection: what it sees is committed
        assert db.execute("SELECT key, generation FROM submission").fetchall() == [("KEY0", 0)]
        assert db.execute("SELECT revision, body, total, colour, epoch FROM request").fetchall() == [
            (0, b"{}", "113.00", "blue", 1)
        ]


async def test_an_intent_that_is_not_committed_never_was(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        async with store.begin() as tx:
            await keep(tx, row("FP1"))
            await tx.submissions.intend((await the(tx, "FP1")).id, wanted(), epoch=1)
            raise ZeroDivisionError

    with raw(store) as db:
        assert db.execute("SELECT count(*) FROM submission").fetchone() == (0,)


async def test_the_newest_generation_and_its_newest_bytes_are_what_counts(store: Store) -> None:
    first = await submitted(store)
    async with store.begin() as tx:
        again = await tx.submissions.intend(first.order_id, wanted(body=b"[1]"), epoch=2)
        following = await tx.submissions.intend(first.order_id, wanted("KEY1", 1, b"[2]"), epoch=3)
        newest = await tx.submissions.newest([first.order_id])

    assert (first.revision, again.revision, following.revision) == (0, 1, 0)
    assert (again.generation, again.key) == (first.generation, first.key)
    assert newest[first.order_id] == following
    assert newest[first.order_id].expected == EXPECTED


async def test_a_revision_keeps_its_key_and_leaves_the_earlier_bytes(store: Store) -> None:
    first = await submitted(store)
    async with store.begin() as tx:
        await tx.submissions.intend(first.order_id, wanted(body=b"[1]"), epoch=2)

    with raw(store) as db:
        assert db.execute("SELECT body FROM request ORDER BY revision").fetchall() == [(b"{}",), (b"[1]",)]
        assert db.execute("SELECT key FROM submission").fetchall() == [("KEY0",)]


async def test_a_key_belongs_to_one_order_for_ever(store: Store) -> None:
    await submitted(store, "FP1", "KEY0")
    async with store.begin() as tx:
        await keep(tx, row("FP2"))
        other = await the(tx, "FP2")

        with pytest.raises(KeyTaken):
            await tx.submissions.intend(other.id, wanted("KEY0"), epoch=1)


async def test_a_generation_never_gets_a_second_key(store: Store) -> None:
    first = await submitted(store)
    async with store.begin() as tx:
        with pytest.raises(KeyTaken):
            await tx.submissions.intend(first.order_id, wanted("ANOTHER"), epoch=1)


async def test_the_same_key_at_another_seller_is_another_key(store: Store) -> None:
    await submitted(store, "FP1", "KEY0")
    async with store.begin() as tx:
        await keep(tx, row("FP2"))
        order = await the(tx, "FP2")
        stored = await tx.submissions.intend(order.id, wanted("KEY0", seller_tax_no="91310115MA1K39423D"), epoch=1)

    assert stored.order_id == order.id


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE submission SET key = 'OTHER'", "a submission never changes"),
        ("UPDATE submission SET generation = 1", "a submission never changes"),
        ("DELETE FROM submission", "submissions are never deleted"),
        ("UPDATE request SET body = body", "frozen bytes never change"),
        ("UPDATE request SET epoch = 9", "frozen bytes never change"),
        ("DELETE FROM request", "frozen bytes are never deleted"),
        ("DELETE FROM invoice", "invoices are never deleted"),
        ("UPDATE invoice SET number = '1'", "an invoice keeps its number"),
        ("UPDATE invoice SET order_id = 2", "an invoice keeps its number"),
        ("UPDATE journal SET event = 'another'", "the journal is append-only"),
        ("DELETE FROM journal", "the journal is append-only"),
        (
            "INSERT INTO submission SELECT 9, 2, 0, issuer_kind, issuer, seller_tax_no, key, 0 FROM submission",
            "UNIQUE constraint failed: submission.issuer_kind|uq_submission_key",
        ),
        (
            "INSERT INTO submission SELECT 9, order_id, 0, issuer_kind, issuer, seller_tax_no, 'K9', 0 FROM submission",
            "UNIQUE constraint failed: submission.order_id|uq_submission_order_generation",
        ),
        (
            (
                "INSERT INTO invoice SELECT 2, number, code, 0, total, net, tax, colour, issued_at, file_url, ofd_url,"
                " xml_url, serial, 0 FROM invoice"
            ),
            "UNIQUE constraint failed: invoice.number|uq_invoice_number",
        ),
    ],
)
async def test_the_database_keeps_what_was_sent_issued_and_told(store: Store, statement: str, why: str) -> None:
    stored = await submitted(store)
    async with store.begin() as tx:
        await keep(tx, row("FP2"), seq=2)
        await tx.submissions.record(stored.order_id, 0, invoice())
        await tx.journal.add("order.issued", order_id=stored.order_id)

    with raw(store) as db, pytest.raises(Exception, match=why):
        db.execute(statement)


async def test_a_submission_cannot_be_of_an_order_that_is_not_there(store: Store) -> None:
    with pytest.raises(Exception, match=r"FOREIGN KEY constraint failed|violates foreign key"):
        async with store.begin() as tx:
            await tx.submissions.intend(99, wanted(), epoch=1)  # type: ignore[arg-type]


async def test_an_invoice_is_kept_with_every_amount_to_the_cent(store: Store) -> None:
    stored = await submitted(store)
    found = invoice(
        net=Decimal("100.00"),
        tax=Decimal("13.00"),
        issued_at=at(5.25),
        file_url="https://fp.example.com/1.pdf",
        serial="s1",
    )
    async with store.begin() as tx:
        assert await tx.submissions.record(stored.order_id, 0, found)

        assert await tx.submissions.invoices([stored.order_id]) == {stored.order_id: [found]}


async def test_a_second_look_at_an_invoice_adds_what_was_missing(store: Store) -> None:
    stored = await submitted(store)
    found = invoice()
    async with store.begin() as tx:
        await tx.submissions.record(stored.order_id, 0, found)
        filed = replace(found, file_url="https://fp.example.com/1.pdf")
        assert await tx.submissions.record(stored.order_id, 0, filed)

        assert await tx.submissions.invoices([stored.order_id]) == {stored.order_id: [filed]}


async def test_an_invoice_of_one_order_is_never_recorded_under_another(store: Store) -> None:
    first = await submitted(store, "FP1", "KEY0")
    second = await submitted(store, "FP2", "KEY1")
    async with store.begin() as tx:
        assert await tx.submissions.record(first.order_id, 0, invoice())
        assert not await tx.submissions.record(second.order_id, 0, invoice())

        assert second.order_id not in await tx.submissions.invoices([second.order_id])


async def test_the_same_paper_number_under_another_code_is_another_invoice(store: Store) -> None:
    first = await submitted(store, "FP1", "KEY0")
    second = await submitted(store, "FP2", "KEY1")
    async with store.begin() as tx:
        assert await tx.submissions.record(first.order_id, 0, invoice("12345678", code="033002600111"))
        assert await tx.submissions.record(second.order_id, 0, invoice("12345678", code="033002600112"))


async def test_the_story_of_an_order_is_told_in_the_order_it_happened(store: Store) -> None:
    stored = await submitted(store)
    async with store.begin() as tx:
        await tx.journal.add("order.intended", order_id=stored.order_id, merchant="m001", key="KEY0", why=None)
        await tx.journal.add("lane.rested", merchant="m001")
        await tx.journal.add("order.issued", order_id=stored.order_id, merchant="m001", state=State.ISSUED)

        story = await tx.journal.of(stored.order_id)

    assert story == [
        Entry(AT, stored.order_id, "m001", "order.intended", {"key": "KEY0"}),
        Entry(AT, stored.order_id, "m001", "order.issued", {"state": "ISSUED"}),
    ]
