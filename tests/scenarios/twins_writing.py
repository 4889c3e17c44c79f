"""Wrong twins of how results are told to WDT: each breaks one rule, and a scenario must notice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from unittest.mock import patch

from syncd.domain.invoice import Invoice
from syncd.stages.write_back import paying, plan
from syncd.store.debts import Debt
from syncd.store.orders import OrderView


@contextmanager
def believed_when_sent() -> Iterator[None]:
    """Rule 2: what was sent counts as done, whatever WDT shows afterwards."""

    def next_move(debt: Debt, order: OrderView, invoice: Invoice | None, now: datetime) -> plan.Move:
        return plan.next_move(debt, order, invoice, now) if debt.sent_at is None else plan.Paid(drifted=False)

    with patch.object(paying, "next_move", next_move):
        yield


@contextmanager
def cut_to_fit() -> Iterator[None]:
    """Rule 7: an address that is too long is cut, so that WDT takes it."""

    def next_move(debt: Debt, order: OrderView, invoice: Invoice | None, now: datetime) -> plan.Move:
        if invoice is not None:
            invoice = replace(invoice, file_url=invoice.file_url[: plan.URL_LIMIT])
        return plan.next_move(debt, order, invoice, now)

    with patch.object(paying, "next_move", next_move):
        yield


@contextmanager
def never_mind_who_finished() -> Iterator[None]:
    """Rule 7: a document that stands at 60 is done, whosever number it carries."""

    def next_move(debt: Debt, order: OrderView, invoice: Invoice | None, now: datetime) -> plan.Move:
        move = plan.next_move(debt, order, invoice, now)
        return plan.Paid(drifted=False) if isinstance(move, plan.Incident) else move

    with patch.object(paying, "next_move", next_move):
        yield
