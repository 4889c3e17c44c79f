"""The shop's orders, what was sent to issuers for them, what came of it, and what is owed for it."""

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

from syncd.domain.lifecycle import Hold, Phase, State
from syncd.store.schema.base import BIG, TEXT, metadata, one_of, partial, row_id

_RED_IN_FLIGHT = "red_of IS NOT NULL AND (state = 'INTENT' OR (state = 'HOLD' AND held_from = 'INTENT'))"

invoice_order = Table(
    "invoice_order",
    metadata,
    row_id(),
    Column("sid", TEXT, nullable=False),
    Column("merchant", TEXT, nullable=False),
    Column("no", TEXT, nullable=False),
    Column("shop_no", TEXT, nullable=False),
    Column("payer_name", TEXT, nullable=False),
    Column("amount", BIG),
    Column("is_red", Integer, nullable=False),
    Column("created_at", BIG),
    Column("wdt_status", Integer, nullable=False),
    Column("wdt_invoice_no", TEXT, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    Column("seq", BIG, nullable=False),
    Column("first_seen_at", BIG, nullable=False),
    Column("seen_at", BIG, nullable=False),
    Column("span_start", BIG),
    Column("span_end", BIG),
    Column("state", TEXT, nullable=False),
    Column("phase", TEXT, nullable=False, server_default=""),
    Column("generation", Integer, nullable=False, server_default="0"),
    Column("hold", TEXT),
    Column("hold_facts", TEXT),
    Column("held_from", TEXT),
    Column("held_phase", TEXT),
    Column("next_at", BIG, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("unheard", Integer, nullable=False, server_default="0"),
    Column("revives", Integer, nullable=False, server_default="0"),
    Column("restarts", Integer, nullable=False, server_default="0"),
    Column("duplicates", Integer, nullable=False, server_default="0"),
    Column("sent_at", BIG),
    Column("missed_at", BIG),
    Column("asked_at", BIG),
    Column("refusal_code", TEXT),
    Column("refusal_text", TEXT),
    Column("sweeps", Integer, nullable=False, server_default="0"),
    Column("sweep_at", BIG),
    #: 1: the row asks for something else than was frozen, and somebody was told. 2: edited while held, or after its
    #: end, and not compared with what was frozen; it will be when it changes on its way.
    Column("drifted", Integer, nullable=False, server_default="0"),
    Column("doubted_at", BIG),
    #: The blue invoice a red row names, as WDT shows it now, and the one its submission was frozen for.
    Column("relation", TEXT, nullable=False, server_default=""),
    Column("red_of", TEXT),
    Column("changed_at", BIG, nullable=False),
    UniqueConstraint("sid", "no"),
    CheckConstraint(one_of("state", list(State)), name="state"),
    CheckConstraint(one_of("phase", list(Phase)), name="phase"),
    CheckConstraint("hold IS NULL OR " + one_of("hold", list(Hold)), name="hold"),
    CheckConstraint("(state = 'HOLD') = (hold IS NOT NULL)", name="hold_reason"),
    CheckConstraint("generation >= 0 AND length(no) BETWEEN 1 AND 40", name="sane"),
    # What is due, and what is counted: partial, so that a million finished orders cost nothing. Whose turn it is can be
    # told from the index alone, so that those that wait for one stage cost another no look at their rows.
    partial(
        "ix_invoice_order_due",
        "merchant",
        "next_at",
        "id",
        "state",
        "phase",
        "is_red",
        "wdt_status",
        "doubted_at",
        where="state IN ('PENDING', 'INTENT', 'ISSUED', 'FAILED')",
    ),
    partial("ix_invoice_order_sweep", "merchant", "sweep_at", where="sweep_at IS NOT NULL"),
    partial("ix_invoice_order_doubted", "merchant", where="doubted_at IS NOT NULL"),
    Index("ix_invoice_order_state", "state", "merchant"),
    # One red invoice of a blue one may be on its way at a time, whatever two workers think (T20).
    partial("uq_invoice_order_red_in_flight", "red_of", unique=True, where=_RED_IN_FLIGHT),
    partial("ix_invoice_order_red_of", "red_of", where="red_of IS NOT NULL"),
    partial("ix_invoice_order_relation", "relation", where="relation <> ''"),
    partial("ix_invoice_order_number", "wdt_invoice_no", where="wdt_invoice_no <> ''"),
    sqlite_strict=True,
)

#: An order's bytes as WDT sent them. Apart, because they are most of an order and seldom wanted: what is left of it is
#: small to look up, and small to write again with each step it takes.
order_row = Table(
    "order_row",
    metadata,
    Column("order_id", BIG, ForeignKey("invoice_order.id"), primary_key=True, autoincrement=False),
    Column("raw", LargeBinary, nullable=False),
    sqlite_strict=True,
)

quarantine = Table(
    "quarantine",
    metadata,
    row_id(),
    Column("sid", TEXT, nullable=False),
    Column("merchant", TEXT, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("reason", TEXT, nullable=False),
    Column("first_seen_at", BIG, nullable=False),
    Column("seen_at", BIG, nullable=False),
    UniqueConstraint("sid", "digest"),
    sqlite_strict=True,
)

submission = Table(
    "submission",
    metadata,
    row_id(),
    Column("order_id", BIG, ForeignKey("invoice_order.id"), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("issuer_kind", TEXT, nullable=False),
    Column("issuer", TEXT, nullable=False),
    Column("seller_tax_no", TEXT, nullable=False),
    Column("key", TEXT, nullable=False),
    Column("created_at", BIG, nullable=False),
    UniqueConstraint("order_id", "generation", name="uq_submission_order_generation"),
    UniqueConstraint("issuer_kind", "seller_tax_no", "key", name="uq_submission_key"),
    sqlite_strict=True,
)

request = Table(
    "request",
    metadata,
    Column("submission_id", BIG, ForeignKey("submission.id"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("payload_hash", LargeBinary, nullable=False),
    Column("buyer_tax_no", TEXT, nullable=False),
    Column("total", TEXT, nullable=False),
    Column("colour", TEXT, nullable=False),
    Column("blue", TEXT, nullable=False, server_default=""),
    Column("epoch", BIG, nullable=False),
    Column("created_at", BIG, nullable=False),
    PrimaryKeyConstraint("submission_id", "revision"),
    CheckConstraint("colour IN ('blue', 'red')", name="colour"),
    sqlite_strict=True,
)

invoice = Table(
    "invoice",
    metadata,
    Column("order_id", BIG, ForeignKey("invoice_order.id"), nullable=False),
    Column("number", TEXT, nullable=False),
    Column("code", TEXT, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("total", TEXT),
    Column("net", TEXT),
    Column("tax", TEXT),
    Column("colour", TEXT, nullable=False),
    Column("issued_at", BIG),
    Column("file_url", TEXT, nullable=False),
    Column("ofd_url", TEXT, nullable=False),
    Column("xml_url", TEXT, nullable=False),
    Column("serial", TEXT, nullable=False),
    Column("recorded_at", BIG, nullable=False),
    PrimaryKeyConstraint("order_id", "number"),
    UniqueConstraint("number", "code"),
    sqlite_strict=True,
)

debt = Table(
    "debt",
    metadata,
    row_id(),
    Column("order_id", BIG, ForeignKey("invoice_order.id"), nullable=False),
    Column("merchant", TEXT, nullable=False),
    Column("target", TEXT, nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("state", TEXT, nullable=False),
    Column("text", TEXT, nullable=False, server_default=""),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("looks", Integer, nullable=False, server_default="0"),
    Column("next_at", BIG, nullable=False),
    Column("owed_at", BIG, nullable=False),
    Column("sent_at", BIG),
    Column("settled_at", BIG),
    UniqueConstraint("order_id", "target", "kind", "generation", "revision", name="uq_debt_cause"),
    CheckConstraint(one_of("state", ["owed", "sent", "paid", "void"]), name="state"),
    CheckConstraint(one_of("target", ["wdt", "alibaba", "wallet"]), name="target"),
    partial("ix_debt_open", "target", "merchant", "next_at", where="state IN ('owed', 'sent')"),
    Index("ix_debt_order", "order_id"),
    sqlite_strict=True,
)

journal = Table(
    "journal",
    metadata,
    row_id(),
    Column("at", BIG, nullable=False),
    Column("order_id", BIG),
    Column("merchant", TEXT, nullable=False, server_default=""),
    Column("event", TEXT, nullable=False),
    Column("facts", TEXT, nullable=False, server_default="{}"),
    Index("ix_journal_order", "order_id"),
    sqlite_strict=True,
)
