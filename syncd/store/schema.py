"""The tables as the statements see them. migrations/ makes them; a test holds the two together.

Instants are whole milliseconds since 1970 in UTC; money is ten-thousandths where it is summed and text where it is
exact; leases are milliseconds of the host's monotonic clock, valid for one boot.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from syncd.domain.lifecycle import Hold, Phase, State

#: The alembic revision this code was written for; a store beyond it belongs to a newer program.
HEAD = "0001"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


#: 64 bits everywhere; SQLite's STRICT tables know them only as INTEGER (which is also how a rowid is spelled).
_Big = BigInteger().with_variant(Integer, "sqlite")


def _one_of(column: str, values: list[str]) -> str:
    return f"{column} IN ({', '.join(repr(str(v)) for v in values)})"


def _id() -> Column[int]:
    return Column("id", _Big, primary_key=True, autoincrement=True)


#: What people were told: one row for each outage by name, kept after its end. No personal data.
alert_told = Table(
    "alert_told",
    metadata,
    Column("name", Text, primary_key=True),
    Column("since_at", _Big, nullable=False),
    Column("told_at", _Big, nullable=False),
    Column("count", Integer, nullable=False),
    Column("about", Text, nullable=False, server_default=""),
    Column("gone_at", _Big),
    Column("over_at", _Big),
    sqlite_strict=True,
)

counter = Table(
    "counter",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", _Big, nullable=False),
    sqlite_strict=True,
)

#: What this store is: one row. docs/decisions/0009 tells what the columns are for.
instance = Table(
    "instance",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False),
    Column("term", Text, nullable=False),
    Column("epoch", _Big, nullable=False),
    Column("armed", Integer, nullable=False),
    Column("why", Text, nullable=False, server_default=""),
    Column("about", Text, nullable=False, server_default=""),
    Column("disarmed_at", _Big),
    Column("arm_asked_at", _Big),
    Column("asked_by", Text, nullable=False, server_default=""),
    CheckConstraint("one = 1", name="single"),
    CheckConstraint("armed IN (0, 1)", name="armed"),
    sqlite_strict=True,
)

invoice_order = Table(
    "invoice_order",
    metadata,
    _id(),
    Column("sid", Text, nullable=False),
    Column("merchant", Text, nullable=False),
    Column("no", Text, nullable=False),
    Column("shop_no", Text, nullable=False),
    Column("payer_name", Text, nullable=False),
    Column("amount", _Big),
    Column("is_red", Integer, nullable=False),
    Column("created_at", _Big),
    Column("wdt_status", Integer, nullable=False),
    Column("wdt_invoice_no", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    Column("seq", _Big, nullable=False),
    Column("first_seen_at", _Big, nullable=False),
    Column("seen_at", _Big, nullable=False),
    Column("span_start", _Big),
    Column("span_end", _Big),
    Column("state", Text, nullable=False),
    Column("phase", Text, nullable=False, server_default=""),
    Column("generation", Integer, nullable=False, server_default="0"),
    Column("hold", Text),
    Column("hold_facts", Text),
    Column("held_from", Text),
    Column("held_phase", Text),
    Column("next_at", _Big, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("revives", Integer, nullable=False, server_default="0"),
    Column("restarts", Integer, nullable=False, server_default="0"),
    Column("duplicates", Integer, nullable=False, server_default="0"),
    Column("sent_at", _Big),
    Column("missed_at", _Big),
    Column("asked_at", _Big),
    Column("refusal_code", Text),
    Column("refusal_text", Text),
    Column("sweeps", Integer, nullable=False, server_default="0"),
    Column("sweep_at", _Big),
    Column("drifted", Integer, nullable=False, server_default="0"),
    Column("doubted_at", _Big),
    Column("changed_at", _Big, nullable=False),
    UniqueConstraint("sid", "no"),
    CheckConstraint(_one_of("state", list(State)), name="state"),
    CheckConstraint(_one_of("phase", list(Phase)), name="phase"),
    CheckConstraint("hold IS NULL OR " + _one_of("hold", list(Hold)), name="hold"),
    CheckConstraint("(state = 'HOLD') = (hold IS NOT NULL)", name="hold_reason"),
    CheckConstraint("generation >= 0 AND length(no) BETWEEN 1 AND 40", name="sane"),
    # What is due, and what is counted: partial, so that a million finished orders cost nothing.
    Index(
        "ix_invoice_order_due",
        "merchant",
        "next_at",
        "id",
        sqlite_where=text("state IN ('PENDING', 'INTENT', 'ISSUED', 'FAILED')"),
        postgresql_where=text("state IN ('PENDING', 'INTENT', 'ISSUED', 'FAILED')"),
    ),
    Index(
        "ix_invoice_order_sweep",
        "merchant",
        "sweep_at",
        sqlite_where=text("sweep_at IS NOT NULL"),
        postgresql_where=text("sweep_at IS NOT NULL"),
    ),
    Index(
        "ix_invoice_order_doubted",
        "merchant",
        sqlite_where=text("doubted_at IS NOT NULL"),
        postgresql_where=text("doubted_at IS NOT NULL"),
    ),
    Index("ix_invoice_order_state", "state", "merchant"),
    sqlite_strict=True,
)

quarantine = Table(
    "quarantine",
    metadata,
    _id(),
    Column("sid", Text, nullable=False),
    Column("merchant", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("first_seen_at", _Big, nullable=False),
    Column("seen_at", _Big, nullable=False),
    UniqueConstraint("sid", "digest"),
    sqlite_strict=True,
)

submission = Table(
    "submission",
    metadata,
    _id(),
    Column("order_id", _Big, ForeignKey("invoice_order.id"), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("issuer_kind", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("seller_tax_no", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("created_at", _Big, nullable=False),
    UniqueConstraint("order_id", "generation", name="uq_submission_order_generation"),
    UniqueConstraint("issuer_kind", "seller_tax_no", "key", name="uq_submission_key"),
    sqlite_strict=True,
)

request = Table(
    "request",
    metadata,
    Column("submission_id", _Big, ForeignKey("submission.id"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("payload_hash", LargeBinary, nullable=False),
    Column("buyer_tax_no", Text, nullable=False),
    Column("total", Text, nullable=False),
    Column("colour", Text, nullable=False),
    Column("epoch", _Big, nullable=False),
    Column("created_at", _Big, nullable=False),
    PrimaryKeyConstraint("submission_id", "revision"),
    CheckConstraint("colour IN ('blue', 'red')", name="colour"),
    sqlite_strict=True,
)

invoice = Table(
    "invoice",
    metadata,
    Column("order_id", _Big, ForeignKey("invoice_order.id"), nullable=False),
    Column("number", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("total", Text),
    Column("net", Text),
    Column("tax", Text),
    Column("colour", Text, nullable=False),
    Column("issued_at", _Big),
    Column("file_url", Text, nullable=False),
    Column("ofd_url", Text, nullable=False),
    Column("xml_url", Text, nullable=False),
    Column("serial", Text, nullable=False),
    Column("recorded_at", _Big, nullable=False),
    PrimaryKeyConstraint("order_id", "number"),
    UniqueConstraint("number", "code"),
    sqlite_strict=True,
)

debt = Table(
    "debt",
    metadata,
    _id(),
    Column("order_id", _Big, ForeignKey("invoice_order.id"), nullable=False),
    Column("merchant", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("text", Text, nullable=False, server_default=""),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("looks", Integer, nullable=False, server_default="0"),
    Column("next_at", _Big, nullable=False),
    Column("owed_at", _Big, nullable=False),
    Column("sent_at", _Big),
    Column("settled_at", _Big),
    UniqueConstraint("order_id", "target", "kind", "generation", "revision", name="uq_debt_cause"),
    CheckConstraint("state IN ('owed', 'sent', 'paid', 'void')", name="state"),
    CheckConstraint("target IN ('wdt', 'alibaba', 'wallet')", name="target"),
    Index(
        "ix_debt_open",
        "target",
        "merchant",
        "next_at",
        sqlite_where=text("state IN ('owed', 'sent')"),
        postgresql_where=text("state IN ('owed', 'sent')"),
    ),
    Index("ix_debt_order", "order_id"),
    sqlite_strict=True,
)

journal = Table(
    "journal",
    metadata,
    _id(),
    Column("at", _Big, nullable=False),
    Column("order_id", _Big),
    Column("merchant", Text, nullable=False, server_default=""),
    Column("event", Text, nullable=False),
    Column("facts", Text, nullable=False, server_default="{}"),
    Index("ix_journal_order", "order_id"),
    sqlite_strict=True,
)

cursor = Table(
    "cursor",
    metadata,
    Column("sid", Text, nullable=False),
    Column("feed", Text, nullable=False),
    Column("origin", _Big, nullable=False),
    Column("position", _Big, nullable=False),
    Column("moved_at", _Big, nullable=False),
    Column("caught_up_at", _Big),
    PrimaryKeyConstraint("sid", "feed"),
    CheckConstraint("position >= origin", name="forward"),
    sqlite_strict=True,
)

window_done = Table(
    "window_done",
    metadata,
    _id(),
    Column("sid", Text, nullable=False),
    Column("feed", Text, nullable=False),
    Column("start", _Big, nullable=False),
    Column("end", _Big, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("done_at", _Big, nullable=False),
    CheckConstraint('"end" > start', name="forward"),
    Index("ix_window_done_place", "sid", "feed", "start"),
    sqlite_strict=True,
)

backfill = Table(
    "backfill",
    metadata,
    _id(),
    Column("sid", Text, nullable=False),
    Column("feed", Text, nullable=False),
    Column("start", _Big, nullable=False),
    Column("end", _Big, nullable=False),
    Column("position", _Big, nullable=False),
    Column("asked_at", _Big, nullable=False),
    Column("done_at", _Big),
    UniqueConstraint("sid", "feed", "start", "end", name="uq_backfill_span"),
    CheckConstraint('position >= start AND position <= "end"', name="inside"),
    sqlite_strict=True,
)

unit = Table(
    "unit",
    metadata,
    Column("stage", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("next_at", _Big, nullable=False),
    Column("epoch", _Big, nullable=False, server_default="0"),
    Column("lease_until", _Big, nullable=False, server_default="0"),
    Column("lease_boot", Text, nullable=False, server_default=""),
    Column("owner", Text, nullable=False, server_default=""),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("trouble", Text, nullable=False, server_default=""),
    Column("notes", Text, nullable=False, server_default=""),
    Column("ran_at", _Big),
    Column("crashes", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("stage", "key"),
    sqlite_strict=True,
)

lane = Table(
    "lane",
    metadata,
    Column("merchant", Text, nullable=False),
    Column("platform", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("code", Text, nullable=False, server_default=""),
    Column("until_at", _Big),
    Column("since_at", _Big, nullable=False),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("strikes", Integer, nullable=False, server_default="0"),
    Column("struck_by", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("merchant", "platform"),
    CheckConstraint("state IN ('open', 'resting', 'paused')", name="state"),
    sqlite_strict=True,
)

#: What a credential's last rate answer left behind. `rate` is thousandths of a call a minute.
pace = Table(
    "pace",
    metadata,
    Column("platform", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("rate", _Big, nullable=False),
    Column("slowed_at", _Big, nullable=False),
    Column("until_at", _Big, nullable=False),
    PrimaryKeyConstraint("platform", "account"),
    sqlite_strict=True,
)

unclassified = Table(
    "unclassified",
    metadata,
    Column("platform", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("count", _Big, nullable=False),
    Column("first_at", _Big, nullable=False),
    Column("last_at", _Big, nullable=False),
    PrimaryKeyConstraint("platform", "code", "text"),
    sqlite_strict=True,
)

token = Table(
    "token",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("expires_at", _Big),
    Column("put_at", _Big, nullable=False),
    sqlite_strict=True,
)

token_call = Table(
    "token_call",
    metadata,
    _id(),
    Column("issuer", Text, nullable=False),
    Column("at", _Big, nullable=False),
    Index("ix_token_call_issuer", "issuer", "at"),
    sqlite_strict=True,
)
