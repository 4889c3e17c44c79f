"""What is owed to the centre is written with the fact that makes it owed, and decisions made too late are refused."""

from __future__ import annotations

import pytest
from store_parts import AT, REFUSED, SID, M, at, invoice, raw, submitted, the

from syncd.domain.application import Standing, Stuck
from syncd.domain.centre import ApplyId, FileKind, InvoiceFile, InvoiceUk
from syncd.domain.lifecycle import Event
from syncd.store.applications import ApplicationId, read_back, spelled
from syncd.store.links import Newcomer
from syncd.store.orders import OrderId, Stale
from syncd.store.store import Store


@pytest.fixture
async def order_id(store: Store) -> OrderId:
    return (await submitted(store)).order_id


@pytest.fixture
async def linked(store: Store, order_id: OrderId) -> ApplicationId:
    async with store.begin() as tx:
        application_id, _ = await tx.links.meet(Newcomer(SID, M, ApplyId("A1"), "operator"))
        await tx.links.add(application_id, order_id, "operator")
        return application_id


async def issue(store: Store) -> None:
    async with store.begin() as tx:
        order = await the(tx, "FP1")
        await tx.submissions.record(order.id, 0, invoice())
        await tx.orders.move(order, Event.ISSUED)


def debts(store: Store) -> list[tuple[str, str]]:
    with raw(store) as db:
        return db.execute("SELECT kind, state FROM debt WHERE target = 'alibaba' ORDER BY id").fetchall()


async def test_an_order_that_is_issued_owes_the_centre_in_the_same_transaction(
    store: Store, linked: ApplicationId
) -> None:
    async with store.begin() as tx:
        for stage in ("alibaba", "files"):
            await tx.units.ensure(stage, M)
            claim = await tx.units.claim(stage, M, at(60) - AT)
            assert claim is not None
            await tx.units.finish(claim, next_at=at(3600))
    await issue(store)

    async with store.read() as tx:
        assert await tx.applications.due(M, 5) == [linked]
        assert [wanted.order_id for wanted in await tx.files.due(M, 5)]
        assert [await tx.units.due(stage) for stage in ("alibaba", "files")] == [[M], [M]]
    assert debts(store) == [("inv_success", "owed")]


async def test_a_transaction_that_is_rolled_back_owes_nothing(store: Store, linked: ApplicationId) -> None:
    with pytest.raises(RuntimeError):
        async with store.begin() as tx:
            await tx.orders.move(await the(tx, "FP1"), Event.ISSUED)
            raise RuntimeError

    assert debts(store) == []


async def test_an_order_without_a_link_owes_the_centre_nothing(store: Store, order_id: OrderId) -> None:
    await issue(store)

    async with store.read() as tx:
        assert await tx.applications.next_due(M) is None
        assert await tx.files.next_due(M) is None
    assert debts(store) == []


async def test_a_debt_is_sent_then_paid_and_void_while_the_application_is_held(
    store: Store, linked: ApplicationId
) -> None:
    await issue(store)

    async with store.begin() as tx:
        await tx.applications.saying(await tx.applications.get(linked), "inv_success")
    assert debts(store) == [("inv_success", "sent")]
    async with store.begin() as tx:
        await tx.applications.hold(await tx.applications.get(linked), Stuck.REFUSED, {"text": "no"})
    assert debts(store) == [("inv_success", "void")]
    async with store.begin() as tx:
        await tx.applications.move(await tx.applications.get(linked), Standing.OWED)
        await tx.applications.move(await tx.applications.get(linked), Standing.DONE)
    assert debts(store) == [("inv_success", "paid")]


async def test_what_was_decided_before_an_order_moved_is_stale(store: Store, linked: ApplicationId) -> None:
    async with store.read() as tx:
        seen = await tx.applications.get(linked)
    await issue(store)

    with pytest.raises(Stale):
        async with store.begin() as tx:
            await tx.applications.wait(seen, tries=1)


async def test_one_application_is_known_once_however_it_is_met(store: Store, linked: ApplicationId) -> None:
    async with store.begin() as tx:
        again, new = await tx.links.meet(Newcomer(SID, M, ApplyId("A1"), "tmc", "TM", "T1", AT))
        seen = await tx.applications.get(again)

    assert (again, new) == (linked, False)
    assert (seen.platform_tid, seen.noticed_at, seen.source) == ("T1", AT, "operator")


async def test_a_file_is_kept_while_it_may_be_needed_and_let_go_afterwards(
    store: Store, linked: ApplicationId, order_id: OrderId
) -> None:
    await issue(store)
    async with store.begin() as tx:
        await tx.files.keep(order_id, InvoiceFile(FileKind.PDF, b"%PDF-"))
        await tx.files.let_go([order_id])
        assert await tx.files.get(order_id) == InvoiceFile(FileKind.PDF, b"%PDF-")  # the application waits for it
        await tx.applications.move(await tx.applications.get(linked), Standing.DONE)
        await tx.files.let_go([order_id])

    async with store.read() as tx:
        assert await tx.files.get(order_id) is None
    with raw(store) as db:
        assert db.execute("SELECT state, content, length(sha256) FROM invoice_file").fetchone() == ("spent", None, 32)


async def test_a_merchant_renamed_in_the_settings_keeps_its_applications(
    store: Store, linked: ApplicationId, order_id: OrderId
) -> None:
    await issue(store)
    async with store.begin() as tx:
        await tx.applications.rename(SID, "m009")

    async with store.read() as tx:
        assert (await tx.applications.get(linked)).merchant == "m009"
    with raw(store) as db:
        assert db.execute("SELECT merchant FROM invoice_file").fetchall() == [("m009",)]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE application SET state = 'held'",
        "UPDATE application SET hold = 'refused'",
        "UPDATE application SET state = 'gone'",
        (
            "INSERT INTO application_link (application_id, order_id, source, at)"
            " SELECT application_id, order_id, 'x', 0 FROM application_link"
        ),
    ],
)
async def test_the_database_refuses_what_cannot_be(store: Store, linked: ApplicationId, change: str) -> None:
    with raw(store) as db, pytest.raises(REFUSED):
        db.execute(change)


def test_a_list_of_invoices_is_one_text_in_one_spelling() -> None:
    told = spelled(
        [InvoiceUk("26332000000000000002", "0000"), InvoiceUk("123", "044001900111"), InvoiceUk("123 ", "044001900111")]
    )

    assert told == "00000123/044001900111 26332000000000000002"
    assert read_back(told) == (InvoiceUk("00000123", "044001900111"), InvoiceUk("26332000000000000002"))
