"""Wrong twins of how red orders are sent: each breaks one rule of the program, and the day of reds must notice it."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from syncd.domain import money
from syncd.domain.invoice import BlueRef, IssuerKey
from syncd.domain.outcome import Outcome, Unknown
from syncd.domain.red_gate import OtherRed
from syncd.stages.push import reds
from syncd.stages.push import run as push_run
from syncd.wire.issuers.nuonuo.red import NuonuoRed

_ALPHABET = string.ascii_uppercase + string.digits


@contextmanager
def no_gate() -> Iterator[None]:
    """Rule 2: a red order is sent when it is read, whatever is known of the blue one it names."""

    async def gate(tx: Any, merchant: Any, order: Any, row: Any, patience: Any) -> reds.Cleared:
        header = money.totals(row)
        return reds.Cleared(BlueRef(""), header.invoice_amount if isinstance(header, money.Totals) else Decimal(0))

    index = "DROP INDEX IF EXISTS uq_invoice_order_red_in_flight"
    genuine = push_run.Push.work

    async def work(self: Any, key: str, claim: Any) -> Any:
        async with self._store.begin(claim, fact="push.looked") as tx:
            await tx.connection.exec_driver_sql(index)
        return await genuine(self, key, claim)

    with patch.object(reds, "gate", gate), patch.object(push_run.Push, "work", work):
        yield


@contextmanager
def fresh_form_after_a_timeout() -> Iterator[None]:
    """Rule 1: a form that got no answer is raised again at once, under a fresh key."""
    genuine = NuonuoRed.submit

    async def submit(self: NuonuoRed, key: IssuerKey, body: bytes) -> Outcome:
        outcome = await genuine(self, key, body)
        if isinstance(outcome, Unknown) and outcome.sent:
            fresh = IssuerKey("".join(secrets.choice(_ALPHABET) for _ in range(20)))
            return await genuine(self, fresh, body.replace(key.encode(), fresh.encode()))
        return outcome

    with patch.object(NuonuoRed, "submit", submit):
        yield


@contextmanager
def earlier_reds_forgotten() -> Iterator[None]:
    """Rule 8: only a red that is on its way counts, and what was reversed before is not added up."""
    genuine = reds._others

    async def others(tx: Any, order: Any, blue: BlueRef) -> list[OtherRed]:
        return [other for other in await genuine(tx, order, blue) if other.in_flight]

    with patch.object(reds, "_others", others):
        yield


@contextmanager
def lapse_read_as_waiting() -> Iterator[None]:
    """Rule 7: a form that lapsed is asked about for ever, and the shop never hears of it."""
    from syncd.wire.issuers.nuonuo import red_form

    states = {**red_form.STATES, "07": (red_form.Stage.BUYER, "")}
    with patch.object(red_form, "STATES", states):
        yield
