"""Buyers' applications at Alibaba's invoice centre: which orders end them, what was returned, and the files for it."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from syncd.domain.application import Standing, Stuck
from syncd.store.schema.base import BIG, TEXT, metadata, one_of, partial, row_id

#: One row for each application: how far we are in telling the centre how it ended.
application = Table(
    "application",
    metadata,
    row_id(),
    Column("sid", TEXT, nullable=False),
    Column("merchant", TEXT, nullable=False),
    Column("apply_id", TEXT, nullable=False),
    Column("source", TEXT, nullable=False),
    Column("platform_code", TEXT, nullable=False, server_default=""),
    Column("platform_tid", TEXT, nullable=False, server_default=""),
    Column("noticed_at", BIG),
    Column("seen_at", BIG, nullable=False),
    Column("state", TEXT, nullable=False),
    Column("hold", TEXT),
    Column("hold_facts", TEXT),
    Column("next_at", BIG, nullable=False),
    Column("round", Integer, nullable=False, server_default="0"),
    Column("missing", TEXT),
    Column("blanks", Integer, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("read_at", BIG),
    Column("said", TEXT, nullable=False, server_default=""),
    Column("said_at", BIG),
    Column("told", TEXT, nullable=False, server_default=""),
    Column("answer", TEXT, nullable=False, server_default=""),
    Column("request_id", TEXT, nullable=False, server_default=""),
    Column("afresh_at", BIG),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("changed_at", BIG, nullable=False),
    UniqueConstraint("sid", "apply_id"),
    CheckConstraint(one_of("state", list(Standing)), name="state"),
    CheckConstraint("hold IS NULL OR " + one_of("hold", list(Stuck)), name="hold"),
    CheckConstraint("(state = 'held') = (hold IS NOT NULL)", name="hold_reason"),
    CheckConstraint("length(apply_id) BETWEEN 1 AND 64", name="sane"),
    partial("ix_application_due", "merchant", "next_at", "id", where="state <> 'held'"),
    Index("ix_application_trade", "merchant", "platform_tid"),
    Index("ix_application_state", "state", "merchant"),
    sqlite_strict=True,
)

#: Which orders end an application. `cancelled_at`: the buyer withdrew; the row stays, so that it can be told.
application_link = Table(
    "application_link",
    metadata,
    Column("application_id", BIG, ForeignKey("application.id"), nullable=False),
    Column("order_id", BIG, ForeignKey("invoice_order.id"), nullable=False),
    Column("source", TEXT, nullable=False),
    Column("at", BIG, nullable=False),
    Column("cancelled_at", BIG),
    PrimaryKeyConstraint("application_id", "order_id"),
    CheckConstraint(one_of("source", ["tmc", "operator", "csv", "field"]), name="source"),
    Index("ix_application_link_order", "order_id"),
    sqlite_strict=True,
)

#: Messages of the platform's queue that are recorded already: they are delivered at least once.
notice_seen = Table(
    "notice_seen",
    metadata,
    Column("merchant", TEXT, nullable=False),
    Column("id", TEXT, nullable=False),
    Column("topic", TEXT, nullable=False),
    Column("platform_tid", TEXT, nullable=False),
    Column("trigger_status", TEXT, nullable=False),
    Column("published_at", BIG),
    Column("seen_at", BIG, nullable=False),
    Column("content", TEXT, nullable=False),
    PrimaryKeyConstraint("merchant", "id"),
    Index("ix_notice_seen_trade", "merchant", "platform_tid"),
    sqlite_strict=True,
)

#: Every return of an invoice, written before the call; without `answered_at` nobody knows whether it arrived.
upload = Table(
    "upload",
    metadata,
    row_id(),
    Column("application_id", BIG, ForeignKey("application.id"), nullable=False),
    Column("order_id", BIG, ForeignKey("invoice_order.id"), nullable=False),
    Column("number", TEXT, nullable=False),
    Column("code", TEXT, nullable=False),
    Column("round", Integer, nullable=False),
    Column("sent_at", BIG, nullable=False),
    Column("answered_at", BIG),
    Column("taken", Integer),
    CheckConstraint("(answered_at IS NULL) = (taken IS NULL)", name="answer"),
    Index("ix_upload_application", "application_id"),
    sqlite_strict=True,
)

#: An invoice's file, fetched while its address still works; the bytes go once nobody can need them any more.
invoice_file = Table(
    "invoice_file",
    metadata,
    Column("order_id", BIG, ForeignKey("invoice_order.id"), primary_key=True, autoincrement=False),
    Column("merchant", TEXT, nullable=False),
    Column("state", TEXT, nullable=False),
    Column("kind", TEXT, nullable=False, server_default=""),
    Column("content", LargeBinary),
    Column("sha256", LargeBinary),
    Column("wanted_at", BIG, nullable=False),
    Column("fetched_at", BIG),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_at", BIG, nullable=False),
    Column("why", TEXT, nullable=False, server_default=""),
    CheckConstraint(one_of("state", ["wanted", "stored", "spent", "lost", "none"]), name="state"),
    CheckConstraint("(state = 'stored') = (content IS NOT NULL)", name="content"),
    partial("ix_invoice_file_due", "merchant", "next_at", where="state = 'wanted'"),
    sqlite_strict=True,
)

#: The platform's trade numbers of an order, kept only for merchants whose settings link by them.
order_trade = Table(
    "order_trade",
    metadata,
    Column("merchant", TEXT, nullable=False),
    Column("tid", TEXT, nullable=False),
    Column("order_id", BIG, ForeignKey("invoice_order.id"), nullable=False),
    PrimaryKeyConstraint("merchant", "tid", "order_id"),
    sqlite_strict=True,
)
