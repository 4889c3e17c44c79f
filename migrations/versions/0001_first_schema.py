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

#: What the database itself refuses, whoever asks: name → (what, on which table, when, why).
TRIGGERS = {
    "order_moves_by_the_table": (
        "UPDATE OF state",
        "invoice_order",
        f"NEW.state <> OLD.state AND OLD.state || '>' || NEW.state NOT IN ({MOVES})",
        "no such step in the lifecycle",
    ),
    "order_is_never_deleted": ("DELETE", "invoice_order", "", "orders are never deleted"),
    "row_is_never_deleted": ("DELETE", "order_row", "", "the rows of orders are never deleted"),
    "row_keeps_its_order": ("UPDATE OF order_id", "order_row", "", "a row keeps its order"),
    "submission_is_immutable": ("UPDATE", "submission", "", "a submission never changes"),
    "submission_is_never_deleted": ("DELETE", "submission", "", "submissions are never deleted"),
    "request_is_immutable": ("UPDATE", "request", "", "frozen bytes never change"),
    "request_is_never_deleted": ("DELETE", "request", "", "frozen bytes are never deleted"),
    "invoice_is_never_deleted": ("DELETE", "invoice", "", "invoices are never deleted"),
    "invoice_keeps_its_number": ("UPDATE OF order_id, number", "invoice", "", "an invoice keeps its number"),
    "journal_is_append_only": ("UPDATE", "journal", "", "the journal is append-only"),
    "journal_is_never_deleted": ("DELETE", "journal", "", "the journal is append-only"),
    "cursor_never_goes_back": (
        "UPDATE OF position",
        "cursor",
        "NEW.position < OLD.position",
        "a cursor never goes back",
    ),
}

#: PostgreSQL keeps text by its bytes, as SQLite does, whatever language the database was made for.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def one_of(column: str, values: str) -> str:
    """The text of a CHECK, spelled out: SQLite would sort a list in IN anew for every row."""
    return "(" + " OR ".join(f"{column} = {value}" for value in values.split(", ")) + ")"


_REFUSE = """
    CREATE FUNCTION syncd_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation'; END $$
"""


def _refuse_on_sqlite(name: str, what: str, table: str, when: str, why: str) -> None:
    condition = f"WHEN {when}" if when else ""
    op.execute(f"CREATE TRIGGER {name} BEFORE {what} ON {table} {condition} BEGIN SELECT RAISE(ABORT, '{why}'); END")


def _refuse_on_postgresql(name: str, what: str, table: str, when: str, why: str) -> None:
    condition = f"WHEN ({when})" if when else ""
    refuse = f"EXECUTE FUNCTION syncd_refuse('{why}')"
    op.execute(f"CREATE TRIGGER {name} BEFORE {what} ON {table} FOR EACH ROW {condition} {refuse}")
    if what == "DELETE":
        op.execute(f"CREATE TRIGGER {name}_all BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {refuse}")


def _drop_triggers(dialect: str) -> None:
    for name, (what, table, _, _) in TRIGGERS.items():
        on = f" ON {table}" if dialect == "postgresql" else ""
        op.execute(f"DROP TRIGGER {name}{on}")
        if dialect == "postgresql" and what == "DELETE":
            op.execute(f"DROP TRIGGER {name}_all{on}")
    if dialect == "postgresql":
        op.execute("DROP FUNCTION syncd_refuse()")


def upgrade() -> None:
    op.create_table(
        "alert_told",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("since_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("told_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("about", TEXT, server_default="", nullable=False),
        sa.Column("gone_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("over_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_alert_told")),
        sqlite_strict=True,
    )
    op.create_table(
        "backfill",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("sid", TEXT, nullable=False),
        sa.Column("feed", TEXT, nullable=False),
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
        sa.Column("name", TEXT, nullable=False),
        sa.Column("value", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
        sqlite_strict=True,
    )
    op.create_table(
        "cursor",
        sa.Column("sid", TEXT, nullable=False),
        sa.Column("feed", TEXT, nullable=False),
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
        sa.Column("id", TEXT, nullable=False),
        sa.Column("term", TEXT, nullable=False),
        sa.Column("epoch", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("armed", sa.Integer(), nullable=False),
        sa.Column("why", TEXT, server_default="", nullable=False),
        sa.Column("about", TEXT, server_default="", nullable=False),
        sa.Column("disarmed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("arm_asked_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("asked_by", TEXT, server_default="", nullable=False),
        sa.Column("other", TEXT, server_default="", nullable=False),
        sa.CheckConstraint("armed IN (0, 1)", name=op.f("ck_instance_armed")),
        sa.CheckConstraint("one = 1", name=op.f("ck_instance_single")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_instance")),
        sqlite_strict=True,
    )
    op.create_table(
        "invoice_order",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("sid", TEXT, nullable=False),
        sa.Column("merchant", TEXT, nullable=False),
        sa.Column("no", TEXT, nullable=False),
        sa.Column("shop_no", TEXT, nullable=False),
        sa.Column("payer_name", TEXT, nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("is_red", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("wdt_status", sa.Integer(), nullable=False),
        sa.Column("wdt_invoice_no", TEXT, nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seen_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("span_start", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("span_end", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("phase", TEXT, server_default="", nullable=False),
        sa.Column("generation", sa.Integer(), server_default="0", nullable=False),
        sa.Column("hold", TEXT, nullable=True),
        sa.Column("hold_facts", TEXT, nullable=True),
        sa.Column("held_from", TEXT, nullable=True),
        sa.Column("held_phase", TEXT, nullable=True),
        sa.Column("next_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unheard", sa.Integer(), server_default="0", nullable=False),
        sa.Column("revives", sa.Integer(), server_default="0", nullable=False),
        sa.Column("restarts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("duplicates", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sent_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("missed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("asked_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("refusal_code", TEXT, nullable=True),
        sa.Column("refusal_text", TEXT, nullable=True),
        sa.Column("sweeps", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sweep_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("drifted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("doubted_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("relation", TEXT, server_default="", nullable=False),
        sa.Column("red_of", TEXT, nullable=True),
        sa.Column("changed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("(state = 'HOLD') = (hold IS NOT NULL)", name=op.f("ck_invoice_order_hold_reason")),
        sa.CheckConstraint(
            "hold IS NULL OR "
            + one_of(
                "hold",
                "'cancelled_after_issue', 'foreign_number', 'key_collision', "
                "'class_b_not_found', 'class_c_unknown', 'restored_class_c', 'split_invoices', "
                "'issued_unsigned', 'red_blue_mismatch', 'wdt_missing', 'poison_row', 'amount_over_limit', "
                "'url_too_long', 'too_many_invoices', 'top_missing_loop', 'top_foreign_invoice', "
                "'top_cancelled', 'by_operator', 'voided_outside', 'red_form'",
            ),
            name=op.f("ck_invoice_order_hold"),
        ),
        sa.CheckConstraint(
            one_of(
                "phase",
                "'', 'ready', 'sent', 'issuing', 'unknown', 'refused', 'unclassified', 'revivable', "
                "'waiting_buyer', 'waiting_blue', 'file_pending', 'left', 'repended'",
            ),
            name=op.f("ck_invoice_order_phase"),
        ),
        sa.CheckConstraint(
            one_of(
                "state", "'MIRRORED', 'PENDING', 'INTENT', 'ISSUED', 'FAILED', 'DONE60', 'DONE85', 'CANCELLED', 'HOLD'"
            ),
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
        ["merchant", "next_at", "id", "state", "phase", "is_red", "wdt_status", "doubted_at"],
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
        "order_row",
        sa.Column(
            "order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["invoice_order.id"], name=op.f("fk_order_row_order_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_order_row")),
        sqlite_strict=True,
    )
    op.create_table(
        "journal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("merchant", TEXT, server_default="", nullable=False),
        sa.Column("event", TEXT, nullable=False),
        sa.Column("facts", TEXT, server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal")),
        sqlite_strict=True,
    )
    op.create_index("ix_journal_order", "journal", ["order_id"], unique=False)
    op.create_table(
        "lane",
        sa.Column("merchant", TEXT, nullable=False),
        sa.Column("platform", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("reason", TEXT, server_default="", nullable=False),
        sa.Column("code", TEXT, server_default="", nullable=False),
        sa.Column("until_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("since_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("strikes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("struck_by", TEXT, server_default="", nullable=False),
        sa.CheckConstraint("state IN ('open', 'resting', 'paused')", name=op.f("ck_lane_state")),
        sa.PrimaryKeyConstraint("merchant", "platform", name=op.f("pk_lane")),
        sqlite_strict=True,
    )
    op.create_table(
        "pace",
        sa.Column("platform", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("rate", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("slowed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("until_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("platform", "account", name=op.f("pk_pace")),
        sqlite_strict=True,
    )
    op.create_table(
        "pace_taken",
        sa.Column("platform", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("taken_until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("platform", "account", name=op.f("pk_pace_taken")),
        sqlite_strict=True,
    )
    op.create_table(
        "allowance",
        sa.Column("platform", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("day", TEXT, nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("platform", "account", name=op.f("pk_allowance")),
        sqlite_strict=True,
    )
    op.create_table(
        "quarantine",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("sid", TEXT, nullable=False),
        sa.Column("merchant", TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("first_seen_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seen_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint("sid", "digest", name=op.f("uq_quarantine_sid")),
        sqlite_strict=True,
    )
    op.create_table(
        "token",
        sa.Column("issuer", TEXT, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("put_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("issuer", name=op.f("pk_token")),
        sqlite_strict=True,
    )
    op.create_table(
        "token_call",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("issuer", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token_call")),
        sqlite_strict=True,
    )
    op.create_index("ix_token_call_issuer", "token_call", ["issuer", "at"], unique=False)
    op.create_table(
        "unclassified",
        sa.Column("platform", TEXT, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("first_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("last_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("platform", "code", "text", name=op.f("pk_unclassified")),
        sqlite_strict=True,
    )
    op.create_table(
        "unit",
        sa.Column("stage", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("next_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("epoch", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False),
        sa.Column(
            "lease_until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False
        ),
        sa.Column("lease_boot", TEXT, server_default="", nullable=False),
        sa.Column("owner", TEXT, server_default="", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("trouble", TEXT, server_default="", nullable=False),
        sa.Column("notes", TEXT, server_default="", nullable=False),
        sa.Column("ran_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("crashes", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("stage", "key", name=op.f("pk_unit")),
        sqlite_strict=True,
    )
    op.create_table(
        "worker",
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("busy", sa.Integer(), nullable=False),
        sa.Column("vouches", sa.Integer(), nullable=False),
        sa.Column("settings", TEXT, server_default="", nullable=False),
        sa.Column(
            "clock_off", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False
        ),
        sa.Column("started_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("beat_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("heard_until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_worker")),
        sqlite_strict=True,
    )
    op.create_table(
        "window_done",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("sid", TEXT, nullable=False),
        sa.Column("feed", TEXT, nullable=False),
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
        sa.Column("merchant", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("text", TEXT, server_default="", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("looks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("owed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sent_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("settled_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint(one_of("state", "'owed', 'sent', 'paid', 'void'"), name=op.f("ck_debt_state")),
        sa.CheckConstraint(one_of("target", "'wdt', 'alibaba', 'wallet'"), name=op.f("ck_debt_target")),
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
        sa.Column("number", TEXT, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("total", TEXT, nullable=True),
        sa.Column("net", TEXT, nullable=True),
        sa.Column("tax", TEXT, nullable=True),
        sa.Column("colour", TEXT, nullable=False),
        sa.Column("issued_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("file_url", TEXT, nullable=False),
        sa.Column("ofd_url", TEXT, nullable=False),
        sa.Column("xml_url", TEXT, nullable=False),
        sa.Column("serial", TEXT, nullable=False),
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
        sa.Column("issuer_kind", TEXT, nullable=False),
        sa.Column("issuer", TEXT, nullable=False),
        sa.Column("seller_tax_no", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
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
        sa.Column("buyer_tax_no", TEXT, nullable=False),
        sa.Column("total", TEXT, nullable=False),
        sa.Column("colour", TEXT, nullable=False),
        sa.Column("blue", TEXT, server_default="", nullable=False),
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
        sa.Column("sid", TEXT, nullable=False),
        sa.Column("merchant", TEXT, nullable=False),
        sa.Column("apply_id", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("platform_code", TEXT, server_default="", nullable=False),
        sa.Column("platform_tid", TEXT, server_default="", nullable=False),
        sa.Column("noticed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("seen_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("hold", TEXT, nullable=True),
        sa.Column("hold_facts", TEXT, nullable=True),
        sa.Column("next_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("round", sa.Integer(), server_default="0", nullable=False),
        sa.Column("missing", TEXT, nullable=True),
        sa.Column("blanks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("read_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("said", TEXT, server_default="", nullable=False),
        sa.Column("said_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("told", TEXT, server_default="", nullable=False),
        sa.Column("answer", TEXT, server_default="", nullable=False),
        sa.Column("request_id", TEXT, server_default="", nullable=False),
        sa.Column("afresh_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("changed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("(state = 'held') = (hold IS NOT NULL)", name=op.f("ck_application_hold_reason")),
        sa.CheckConstraint(
            "hold IS NULL OR "
            + one_of(
                "hold",
                "'top_missing_loop', 'top_foreign_invoice', 'top_cancelled', 'too_many_invoices', "
                "'return_by_hand', 'file', 'contradiction', 'ended_otherwise', 'unknown_application', "
                "'other_amount', 'other_payer', 'partly_failed', 'order_cancelled', 'refused', 'unclassified', "
                "'trouble', 'reversed', 'row_changed'",
            ),
            name=op.f("ck_application_hold"),
        ),
        sa.CheckConstraint(
            one_of("state", "'waiting', 'owed', 'done', 'withdrawn', 'held'"), name=op.f("ck_application_state")
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
        sa.Column("merchant", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("topic", TEXT, nullable=False),
        sa.Column("platform_tid", TEXT, nullable=False),
        sa.Column("trigger_status", TEXT, nullable=False),
        sa.Column("published_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("seen_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("content", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("merchant", "id", name=op.f("pk_notice_seen")),
        sqlite_strict=True,
    )
    op.create_index("ix_notice_seen_trade", "notice_seen", ["merchant", "platform_tid"], unique=False)
    op.create_table(
        "application_link",
        sa.Column("application_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("cancelled_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint(
            one_of("source", "'tmc', 'operator', 'csv', 'field'"), name=op.f("ck_application_link_source")
        ),
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
        sa.Column("merchant", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("kind", TEXT, server_default="", nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("wanted_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fetched_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("why", TEXT, server_default="", nullable=False),
        sa.CheckConstraint("(state = 'stored') = (content IS NOT NULL)", name=op.f("ck_invoice_file_content")),
        sa.CheckConstraint(
            one_of("state", "'wanted', 'stored', 'spent', 'lost', 'none'"), name=op.f("ck_invoice_file_state")
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
        sa.Column("merchant", TEXT, nullable=False),
        sa.Column("tid", TEXT, nullable=False),
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
        sa.Column("number", TEXT, nullable=False),
        sa.Column("code", TEXT, nullable=False),
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
        sa.Column("sid", TEXT, nullable=False),
        sa.Column("merchant", TEXT, nullable=False),
        sa.Column("card_id", TEXT, nullable=False),
        sa.Column("number", TEXT, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("biz_code", TEXT, server_default="", nullable=False),
        sa.Column("seller_tax_no", TEXT, server_default="", nullable=False),
        sa.Column("gross", TEXT, nullable=True),
        sa.Column("status", TEXT, nullable=False),
        sa.Column(
            "own_account", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False
        ),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seen_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("looked_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("wanted_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("missed_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("missed_why", TEXT, server_default="", nullable=False),
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
    refuse = _refuse_on_sqlite
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_REFUSE)
        refuse = _refuse_on_postgresql
    for name, rule in TRIGGERS.items():
        refuse(name, *rule)


def downgrade() -> None:
    _drop_triggers(op.get_bind().dialect.name)
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
    op.drop_table("worker")
    op.drop_table("unit")
    op.drop_table("unclassified")
    op.drop_table("token_call")
    op.drop_table("token")
    op.drop_table("quarantine")
    op.drop_table("allowance")
    op.drop_table("pace_taken")
    op.drop_table("pace")
    op.drop_table("lane")
    op.drop_table("journal")
    op.drop_table("order_row")
    op.drop_table("invoice_order")
    op.drop_table("instance")
    op.drop_table("cursor")
    op.drop_table("counter")
    op.drop_table("backfill")
    op.drop_table("alert_told")
