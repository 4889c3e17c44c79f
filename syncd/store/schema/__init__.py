"""The tables as the statements see them. migrations/ makes them; a test holds the two together.

Instants are whole milliseconds since 1970 in UTC; money is ten-thousandths where it is summed and text where it is
exact; leases are milliseconds of the host's monotonic clock, valid for one boot.
"""

from __future__ import annotations

from syncd.store.schema.applications import (
    application,
    application_link,
    invoice_file,
    notice_seen,
    order_trade,
    upload,
)
from syncd.store.schema.base import metadata
from syncd.store.schema.cards import card
from syncd.store.schema.instance import alert_told, counter, instance
from syncd.store.schema.orders import debt, invoice, invoice_order, journal, order_row, quarantine, request, submission
from syncd.store.schema.reading import backfill, cursor, window_done
from syncd.store.schema.working import allowance, lane, pace, pace_taken, token, token_call, unclassified, unit, worker

#: The alembic revision this code was written for; a store beyond it belongs to a newer program.
HEAD = "0001"

__all__ = [
    "HEAD",
    "alert_told",
    "allowance",
    "application",
    "application_link",
    "backfill",
    "card",
    "counter",
    "cursor",
    "debt",
    "instance",
    "invoice",
    "invoice_file",
    "invoice_order",
    "journal",
    "lane",
    "metadata",
    "notice_seen",
    "order_row",
    "order_trade",
    "pace",
    "pace_taken",
    "quarantine",
    "request",
    "submission",
    "token",
    "token_call",
    "unclassified",
    "unit",
    "upload",
    "window_done",
    "worker",
]
