"""What tests of the stages do at the two parties of a sandbox."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from daemon_parts import Daemon, VirtualClock, settings_for

from syncd.sandbox import Sandbox

Open = Callable[..., AbstractAsyncContextManager[Daemon]]

SEARCH = "InvoiceOrder.search"
UPDATE = "InvoiceOrder.updateInvoice"
SUBMIT = "requestBillingNew"
ASK = "queryInvoiceResult"
SAMPLE = Path(__file__).parents[1] / "data" / "wdt-search-sample.json"


def opener(sandbox: Sandbox, folder: Path, clock: VirtualClock) -> Open:
    """Opens daemons of this sandbox; `store` is another folder for a store that knows nothing."""

    @asynccontextmanager
    async def opened(store: str = "", **overrides: dict[str, Any]) -> AsyncIterator[Daemon]:
        place = folder / store
        place.mkdir(exist_ok=True)
        async with Daemon.on(settings_for(sandbox, place, **overrides), clock) as daemon:
            yield daemon

    return opened


def sample_row() -> dict[str, Any]:
    """The row of the vendor's own sample reply, its amounts to the digit."""
    row: dict[str, Any] = json.loads(SAMPLE.read_text(encoding="utf-8"), parse_float=Decimal)["data"]["order"][0]
    return row


def submits(sandbox: Sandbox) -> int:
    """How many submissions reached the issuer, whatever it said to them."""
    return len(sandbox.nuonuo.calls.of(SUBMIT))


def submitted_totals(sandbox: Sandbox) -> list[Decimal]:
    return [invoice.total for invoice in sandbox.nuonuo.ledger]
