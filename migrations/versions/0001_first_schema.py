"""The first schema: orders, submissions, invoices, debts, journal, windows, units, lanes, tokens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

#: Every step of the lifecycle as it was at this revision; a test compares it with the program's table.
MOVES = """
    'DONE60>HOLD', 'CANCELLED>HOLD', 'CANCELLED>INTENT', 'CANCELLED>ISSUED', 'CANCELLED>PENDING', 'DONE85>CANCELLED',
    'DONE85>HOLD', 'DONE85>INTENT', 'DONE85>ISSUED', 'DONE85>PENDING', 'FAILED>CANCELLED', 'FAILED>DONE85',
    'FAILED>HOLD', 'FAILED>ISSUED', 'HOLD>FAILED', 'HOLD>INTENT', 'HOLD>ISSUED', 'HOLD>MIRRORED', 'HOLD>PENDING',
    'INTENT>CANCELLED', 'INTENT>FAILED', 'INTENT>HOLD', 'INTENT>ISSUED', 'ISSUED>DONE60', 'ISSUED>HOLD',
    'MIRRORED>PENDING', 'PENDING>CANCELLED', 'PENDING>HOLD', 'PENDING>INTENT', 'PENDING>ISSUED',
    'PENDING>MIRRORED'
"""

TRIGGERS = {
    "order_moves_by_the_table": f"""
        BEFORE UPDATE OF state ON invoice_order
        WHEN NEW.state <> OLD.state AND OLD.state || '>' || NEW.state NOT IN ({MOVES})
        BEGIN SELECT RAISE(ABORT, 'no such step in the lifecycle'); END
    """,
    "order_is_never_deleted": """
        BEFORE DELETE ON invoice_order
        BEGIN SELECT RAISE(ABORT, 'orders are never deleted'); END
    """,
    "submission_is_immutable": """
        BEFORE UPDATE ON submission
        BEGIN SELECT RAISE(ABORT, 'a submission never changes'); END
    """,
    "submission_is_never_deleted": """
        BEFORE DELETE ON submission
        BEGIN SELECT RAISE(ABORT, 'submissions are never deleted'); END
    """,
    "request_is_immutable": """
        BEFORE UPDATE ON request
        BEGIN SELECT RAISE(ABORT, 'frozen bytes never change'); END
    """,
    "request_is_never_deleted": """
        BEFORE DELETE ON request
        BEGIN SELECT RAISE(ABORT, 'frozen bytes are never deleted'); END
    """,
    "invoice_is_never_deleted": """
        BEFORE DELETE ON invoice
        BEGIN SELECT RAISE(ABORT, 'invoices are never deleted'); END
    """,
    "invoice_keeps_its_number": """
        BEFORE UPDATE OF order_id, number ON invoice
        BEGIN SELECT RAISE(ABORT, 'an invoice keeps its number'); END
    """,
    "journal_is_append_only": """
        BEFORE UPDATE ON journal
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END
    """,
    "journal_is_never_deleted": """
        BEFORE DELETE ON journal
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END
    """,
    "cursor_never_goes_back": """
        BEFORE UPDATE OF position ON cursor
        WHEN NEW.position < OLD.position
        BEGIN SELECT RAISE(ABORT, 'a cursor never goes back'); END
    """,
}


def upgrade() -> None:
    op.create_table(
        "alert_told",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("since_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("told_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("about", sa.Text(), server_default="", nullable=False),
        sa.Column("gone_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("over_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_alert_told")),
        sqlite_strict=True,
    )
    op.create_table(
        "backfill",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("sid", sa.Text(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("start", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("end", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("asked_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("done_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint('position >= start AND position <= "end"', name=op.f("ck_backfill_inside")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backfill")),
        sa.UniqueConstraint("sid", "feed", "start", "end", name="uq_backfill_span"),
        sqlite_strict=True,
    )
    op.create_table(
        "counter",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
        sqlite_strict=True,
    )
    op.create_table(
        "cursor",
        sa.Column("sid", sa.Text(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("origin", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("moved_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("caught_up_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint("position >= origin", name=op.f("ck_cursor_forward")),
        sa.PrimaryKeyConstraint("sid", "feed", name=op.f("pk_cursor")),
        sqlite_strict=True,
    )
    op.create_table(
        "instance",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("term", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("armed", sa.Integer(), nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("about", sa.Text(), server_default="", nullable=False),
        sa.Column("disarmed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("arm_asked_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("asked_by", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("armed IN (0, 1)", name=op.f("ck_instance_armed")),
        sa.CheckConstraint("one = 1", name=op.f("ck_instance_single")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_instance")),
        sqlite_strict=True,
    )
    op.create_table(
        "invoice_order",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("sid", sa.Text(), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("no", sa.Text(), nullable=False),
        sa.Column("shop_no", sa.Text(), nullable=False),
        sa.Column("payer_name", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("is_red", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("wdt_status", sa.Integer(), nullable=False),
        sa.Column("wdt_invoice_no", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seen_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("span_start", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("span_end", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), server_default="", nullable=False),
        sa.Column("generation", sa.Integer(), server_default="0", nullable=False),
        sa.Column("hold", sa.Text(), nullable=True),
        sa.Column("hold_facts", sa.Text(), nullable=True),
        sa.Column("held_from", sa.Text(), nullable=True),
        sa.Column("held_phase", sa.Text(), nullable=True),
        sa.Column("next_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("revives", sa.Integer(), server_default="0", nullable=False),
        sa.Column("restarts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("duplicates", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sent_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("missed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("asked_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("refusal_code", sa.Text(), nullable=True),
        sa.Column("refusal_text", sa.Text(), nullable=True),
        sa.Column("sweeps", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sweep_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("drifted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("doubted_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("relation", sa.Text(), server_default="", nullable=False),
        sa.Column("red_of", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("(state = 'HOLD') = (hold IS NOT NULL)", name=op.f("ck_invoice_order_hold_reason")),
        sa.CheckConstraint(
            "hold IS NULL OR hold IN ('cancelled_after_issue', 'foreign_number', 'key_collision', "
            "'class_b_not_found', 'class_c_unknown', 'restored_class_c', 'split_invoices', "
            "'issued_unsigned', 'red_blue_mismatch', 'wdt_missing', 'poison_row', 'amount_over_limit', "
            "'url_too_long', 'too_many_invoices', 'top_missing_loop', 'top_foreign_invoice', "
            "'top_cancelled', 'by_operator', 'voided_outside', 'red_form')",
            name=op.f("ck_invoice_order_hold"),
        ),
        sa.CheckConstraint(
            "phase IN ('', 'ready', 'sent', 'issuing', 'unknown', 'refused', 'unclassified', 'revivable', "
            "'waiting_buyer', 'waiting_blue', 'file_pending', 'left', 'repended')",
            name=op.f("ck_invoice_order_phase"),
        ),
        sa.CheckConstraint(
            "state IN ('MIRRORED', 'PENDING', 'INTENT', 'ISSUED', 'FAILED', 'DONE60', 'DONE85', 'CANCELLED', 'HOLD')",
            name=op.f("ck_invoice_order_state"),
        ),
        sa.CheckConstraint("generation >= 0 AND length(no) BETWEEN 1 AND 40", name=op.f("ck_invoice_order_sane")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_order")),
        sa.UniqueConstraint("sid", "no", name=op.f("uq_invoice_order_sid")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_invoice_order_doubted",
        "invoice_order",
        ["merchant"],
        unique=False,
        sqlite_where=sa.text("doubted_at IS NOT NULL"),
        postgresql_where=sa.text("doubted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_invoice_order_due",
        "invoice_order",
        ["merchant", "next_at", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('PENDING', 'INTENT', 'ISSUED', 'FAILED')"),
        postgresql_where=sa.text("state IN ('PENDING', 'INTENT', 'ISSUED', 'FAILED')"),
    )
    op.create_index("ix_invoice_order_state", "invoice_order", ["state", "merchant"], unique=False)
    op.create_index(
        "uq_invoice_order_red_in_flight",
        "invoice_order",
        ["red_of"],
        unique=True,
        sqlite_where=sa.text("red_of IS NOT NULL AND (state = 'INTENT' OR (state = 'HOLD' AND held_from = 'INTENT'))"),
        postgresql_where=sa.text(
            "red_of IS NOT NULL AND (state = 'INTENT' OR (state = 'HOLD' AND held_from = 'INTENT'))"
        ),
    )
    op.create_index(
        "ix_invoice_order_red_of",
        "invoice_order",
        ["red_of"],
        unique=False,
        sqlite_where=sa.text("red_of IS NOT NULL"),
        postgresql_where=sa.text("red_of IS NOT NULL"),
    )
    op.create_index(
        "ix_invoice_order_relation",
        "invoice_order",
        ["relation"],
        unique=False,
        sqlite_where=sa.text("relation <> ''"),
        postgresql_where=sa.text("relation <> ''"),
    )
    op.create_index(
        "ix_invoice_order_number",
        "invoice_order",
        ["wdt_invoice_no"],
        unique=False,
        sqlite_where=sa.text("wdt_invoice_no <> ''"),
        postgresql_where=sa.text("wdt_invoice_no <> ''"),
    )
    op.create_index(
        "ix_invoice_order_sweep",
        "invoice_order",
        ["merchant", "sweep_at"],
        unique=False,
        sqlite_where=sa.text("sweep_at IS NOT NULL"),
        postgresql_where=sa.text("sweep_at IS NOT NULL"),
    )
    op.create_table(
        "journal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("merchant", sa.Text(), server_default="", nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal")),
        sqlite_strict=True,
    )
    op.create_index("ix_journal_order", "journal", ["order_id"], unique=False)
    op.create_table(
        "lane",
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("until_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("since_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("strikes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("struck_by", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("state IN ('open', 'resting', 'paused')", name=op.f("ck_lane_state")),
        sa.PrimaryKeyConstraint("merchant", "platform", name=op.f("pk_lane")),
        sqlite_strict=True,
    )
    op.create_table(
        "pace",
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("rate", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("slowed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("until_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("platform", "account", name=op.f("pk_pace")),
        sqlite_strict=True,
    )
    op.create_table(
        "allowance",
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("platform", "account", name=op.f("pk_allowance")),
        sqlite_strict=True,
    )
    op.create_table(
        "quarantine",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("sid", sa.Text(), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seen_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint("sid", "digest", name=op.f("uq_quarantine_sid")),
        sqlite_strict=True,
    )
    op.create_table(
        "token",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("put_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("issuer", name=op.f("pk_token")),
        sqlite_strict=True,
    )
    op.create_table(
        "token_call",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token_call")),
        sqlite_strict=True,
    )
    op.create_index("ix_token_call_issuer", "token_call", ["issuer", "at"], unique=False)
    op.create_table(
        "unclassified",
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("first_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("last_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("platform", "code", "text", name=op.f("pk_unclassified")),
        sqlite_strict=True,
    )
    op.create_table(
        "unit",
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("next_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("epoch", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False),
        sa.Column(
            "lease_until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False
        ),
        sa.Column("lease_boot", sa.Text(), server_default="", nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("trouble", sa.Text(), server_default="", nullable=False),
        sa.Column("notes", sa.Text(), server_default="", nullable=False),
        sa.Column("ran_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("crashes", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("stage", "key", name=op.f("pk_unit")),
        sqlite_strict=True,
    )
    op.create_table(
        "window_done",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("sid", sa.Text(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("start", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("end", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("done_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint('"end" > start', name=op.f("ck_window_done_forward")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_window_done")),
        sqlite_strict=True,
    )
    op.create_index("ix_window_done_place", "window_done", ["sid", "feed", "start"], unique=False)
    op.create_table(
        "debt",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("looks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("owed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sent_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("settled_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint("state IN ('owed', 'sent', 'paid', 'void')", name=op.f("ck_debt_state")),
        sa.CheckConstraint("target IN ('wdt', 'alibaba', 'wallet')", name=op.f("ck_debt_target")),
        sa.ForeignKeyConstraint(["order_id"], ["invoice_order.id"], name=op.f("fk_debt_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_debt")),
        sa.UniqueConstraint("order_id", "target", "kind", "generation", "revision", name="uq_debt_cause"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_debt_open",
        "debt",
        ["target", "merchant", "next_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('owed', 'sent')"),
        postgresql_where=sa.text("state IN ('owed', 'sent')"),
    )
    op.create_index("ix_debt_order", "debt", ["order_id"], unique=False)
    op.create_table(
        "invoice",
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("total", sa.Text(), nullable=True),
        sa.Column("net", sa.Text(), nullable=True),
        sa.Column("tax", sa.Text(), nullable=True),
        sa.Column("colour", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("file_url", sa.Text(), nullable=False),
        sa.Column("ofd_url", sa.Text(), nullable=False),
        sa.Column("xml_url", sa.Text(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["invoice_order.id"], name=op.f("fk_invoice_order_id")),
        sa.PrimaryKeyConstraint("order_id", "number", name=op.f("pk_invoice")),
        sa.UniqueConstraint("number", "code", name=op.f("uq_invoice_number")),
        sqlite_strict=True,
    )
    op.create_table(
        "submission",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("issuer_kind", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("seller_tax_no", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["invoice_order.id"], name=op.f("fk_submission_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission")),
        sa.UniqueConstraint("issuer_kind", "seller_tax_no", "key", name="uq_submission_key"),
        sa.UniqueConstraint("order_id", "generation", name="uq_submission_order_generation"),
        sqlite_strict=True,
    )
    op.create_table(
        "request",
        sa.Column("submission_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("payload_hash", sa.LargeBinary(), nullable=False),
        sa.Column("buyer_tax_no", sa.Text(), nullable=False),
        sa.Column("total", sa.Text(), nullable=False),
        sa.Column("colour", sa.Text(), nullable=False),
        sa.Column("blue", sa.Text(), server_default="", nullable=False),
        sa.Column("epoch", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("colour IN ('blue', 'red')", name=op.f("ck_request_colour")),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_request_submission_id")),
        sa.PrimaryKeyConstraint("submission_id", "revision", name=op.f("pk_request")),
        sqlite_strict=True,
    )
    op.create_table(
        "application",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("sid", sa.Text(), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("apply_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("platform_code", sa.Text(), server_default="", nullable=False),
        sa.Column("platform_tid", sa.Text(), server_default="", nullable=False),
        sa.Column("noticed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("seen_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("hold", sa.Text(), nullable=True),
        sa.Column("hold_facts", sa.Text(), nullable=True),
        sa.Column("next_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("round", sa.Integer(), server_default="0", nullable=False),
        sa.Column("missing", sa.Text(), nullable=True),
        sa.Column("blanks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("read_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("said", sa.Text(), server_default="", nullable=False),
        sa.Column("said_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("told", sa.Text(), server_default="", nullable=False),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.Column("request_id", sa.Text(), server_default="", nullable=False),
        sa.Column("afresh_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("changed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("(state = 'held') = (hold IS NOT NULL)", name=op.f("ck_application_hold_reason")),
        sa.CheckConstraint(
            "hold IS NULL OR hold IN ('top_missing_loop', 'top_foreign_invoice', 'top_cancelled', 'too_many_invoices', "
            "'return_by_hand', 'file', 'contradiction', 'ended_otherwise', 'unknown_application', "
            "'other_amount', 'other_payer', 'partly_failed', 'order_cancelled', 'refused', 'unclassified', "
            "'trouble', 'reversed', 'row_changed')",
            name=op.f("ck_application_hold"),
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'owed', 'done', 'withdrawn', 'held')", name=op.f("ck_application_state")
        ),
        sa.CheckConstraint("length(apply_id) BETWEEN 1 AND 64", name=op.f("ck_application_sane")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application")),
        sa.UniqueConstraint("sid", "apply_id", name=op.f("uq_application_sid")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_application_due",
        "application",
        ["merchant", "next_at", "id"],
        unique=False,
        sqlite_where=sa.text("state <> 'held'"),
        postgresql_where=sa.text("state <> 'held'"),
    )
    op.create_index("ix_application_state", "application", ["state", "merchant"], unique=False)
    op.create_index("ix_application_trade", "application", ["merchant", "platform_tid"], unique=False)
    op.create_table(
        "notice_seen",
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("platform_tid", sa.Text(), nullable=False),
        sa.Column("trigger_status", sa.Text(), nullable=False),
        sa.Column("published_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("seen_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("merchant", "id", name=op.f("pk_notice_seen")),
        sqlite_strict=True,
    )
    op.create_index("ix_notice_seen_trade", "notice_seen", ["merchant", "platform_tid"], unique=False)
    op.create_table(
        "application_link",
        sa.Column("application_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("cancelled_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint("source IN ('tmc', 'operator', 'csv', 'field')", name=op.f("ck_application_link_source")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_application_link_application_id")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["invoice_order.id"], name=op.f("fk_application_link_order_id")),
        sa.PrimaryKeyConstraint("application_id", "order_id", name=op.f("pk_application_link")),
        sqlite_strict=True,
    )
    op.create_index("ix_application_link_order", "application_link", ["order_id"], unique=False)
    op.create_table(
        "invoice_file",
        sa.Column(
            "order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="", nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("wanted_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fetched_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("(state = 'stored') = (content IS NOT NULL)", name=op.f("ck_invoice_file_content")),
        sa.CheckConstraint(
            "state IN ('wanted', 'stored', 'spent', 'lost', 'none')", name=op.f("ck_invoice_file_state")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["invoice_order.id"], name=op.f("fk_invoice_file_order_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_invoice_file")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_invoice_file_due",
        "invoice_file",
        ["merchant", "next_at"],
        unique=False,
        sqlite_where=sa.text("state = 'wanted'"),
        postgresql_where=sa.text("state = 'wanted'"),
    )
    op.create_table(
        "order_trade",
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("tid", sa.Text(), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["invoice_order.id"], name=op.f("fk_order_trade_order_id")),
        sa.PrimaryKeyConstraint("merchant", "tid", "order_id", name=op.f("pk_order_trade")),
        sqlite_strict=True,
    )
    op.create_table(
        "upload",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("application_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("answered_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("taken", sa.Integer(), nullable=True),
        sa.CheckConstraint("(answered_at IS NULL) = (taken IS NULL)", name=op.f("ck_upload_answer")),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name=op.f("fk_upload_application_id")),
        sa.ForeignKeyConstraint(["order_id"], ["invoice_order.id"], name=op.f("fk_upload_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
        sqlite_strict=True,
    )
    op.create_index("ix_upload_application", "upload", ["application_id"], unique=False)
    op.create_table(
        "card",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("sid", sa.Text(), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("card_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("biz_code", sa.Text(), server_default="", nullable=False),
        sa.Column("seller_tax_no", sa.Text(), server_default="", nullable=False),
        sa.Column("gross", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column(
            "own_account", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False
        ),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seen_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("looked_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("wanted_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("missed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("missed_why", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card")),
        sa.UniqueConstraint("sid", "card_id", name=op.f("uq_card_sid")),
        sqlite_strict=True,
    )
    op.create_index("ix_card_number", "card", ["merchant", "number"], unique=False)
    op.create_index(
        "ix_card_wanted",
        "card",
        ["merchant"],
        unique=False,
        sqlite_where=sa.text("wanted_at IS NOT NULL"),
        postgresql_where=sa.text("wanted_at IS NOT NULL"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for name, rule in TRIGGERS.items():
            op.execute(f"CREATE TRIGGER {name} {rule}")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name in TRIGGERS:
            op.execute(f"DROP TRIGGER {name}")
    op.drop_table("card")
    op.drop_table("upload")
    op.drop_table("order_trade")
    op.drop_table("invoice_file")
    op.drop_table("application_link")
    op.drop_table("notice_seen")
    op.drop_table("application")
    op.drop_table("request")
    op.drop_table("submission")
    op.drop_table("invoice")
    op.drop_table("debt")
    op.drop_table("window_done")
    op.drop_table("unit")
    op.drop_table("unclassified")
    op.drop_table("token_call")
    op.drop_table("token")
    op.drop_table("quarantine")
    op.drop_table("allowance")
    op.drop_table("pace")
    op.drop_table("lane")
    op.drop_table("journal")
    op.drop_table("invoice_order")
    op.drop_table("instance")
    op.drop_table("cursor")
    op.drop_table("counter")
    op.drop_table("backfill")
    op.drop_table("alert_told")
