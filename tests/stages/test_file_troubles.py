"""A file that cannot be fetched is its own trouble: its neighbours are fetched, and its order is written back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from centre_parts import alibaba, linked
from daemon_parts import Daemon
from sqlalchemy import select, update
from stage_parts import Open

from syncd.domain.centre import FileKind, InvoiceFile
from syncd.domain.lifecycle import State
from syncd.sandbox import Sandbox
from syncd.stages.files.run import Files
from syncd.store.schema import invoice_file


async def files(d: Daemon) -> list[str]:
    async with d.app.store.read() as tx:
        return list((await tx.connection.execute(select(invoice_file.c.state).order_by("order_id"))).scalars())


async def test_a_defect_at_one_file_stops_neither_its_neighbours_nor_its_order(
    sandbox: Sandbox, daemon: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = sandbox.wdt.put_order({}), sandbox.wdt.put_order({})
    async with daemon(alibaba=alibaba(sandbox)) as d:
        await d.turn("poll", "pending")
        for no in (bad, good):
            await linked(d, f"A{no}", no)
        for no in (bad, good):
            await d.comes_to(no, State.ISSUED)
        async with d.app.store.begin() as tx:
            wanted = {"state": "wanted", "content": None, "kind": "", "tries": 0, "next_at": 1}
            await tx.connection.execute(update(invoice_file).values(**wanted))
        stage = d.app.stages["files"]
        assert isinstance(stage, Files)
        (merchant,) = stage._merchants.values()
        async with d.app.store.read() as tx:
            first = (await tx.files.due(merchant.name, 1))[0]
            assert first.order_id == (await tx.orders.by_no(bad))[0].id
        (address, *_) = first.urls
        monkeypatch.setattr(type(merchant.files), "fetch", _defective_at(address))
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                await d.turn("files")
            d.clock.advance(600)
        with pytest.raises(ZeroDivisionError):
            await d.turn("files")  # in single file
        for _ in range(2):
            d.clock.advance(600)
            await d.turn("files")

        assert await files(d) == ["wanted", "stored"]
        await d.comes_to(bad, State.DONE60, timedelta(minutes=5))
        assert "order.parked" not in [entry.event for entry in await d.story(bad)]


def _defective_at(address: str):  # type: ignore[no-untyped-def]
    async def fetch(_self: object, url: str) -> InvoiceFile:
        if url == address:
            raise ZeroDivisionError
        return InvoiceFile(FileKind.PDF, b"%PDF-1.4")

    return fetch
