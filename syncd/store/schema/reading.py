"""What of WDT has been read: the ledger of windows, and what a person asked to have read again."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, PrimaryKeyConstraint, Table, UniqueConstraint

from syncd.store.schema.base import BIG, TEXT, metadata, row_id

cursor = Table(
    "cursor",
    metadata,
    Column("sid", TEXT, nullable=False),
    Column("feed", TEXT, nullable=False),
    Column("origin", BIG, nullable=False),
    Column("position", BIG, nullable=False),
    Column("moved_at", BIG, nullable=False),
    Column("caught_up_at", BIG),
    PrimaryKeyConstraint("sid", "feed"),
    CheckConstraint("position >= origin", name="forward"),
    sqlite_strict=True,
)

window_done = Table(
    "window_done",
    metadata,
    row_id(),
    Column("sid", TEXT, nullable=False),
    Column("feed", TEXT, nullable=False),
    Column("start", BIG, nullable=False),
    Column("end", BIG, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("done_at", BIG, nullable=False),
    CheckConstraint('"end" > start', name="forward"),
    Index("ix_window_done_place", "sid", "feed", "start"),
    sqlite_strict=True,
)

backfill = Table(
    "backfill",
    metadata,
    row_id(),
    Column("sid", TEXT, nullable=False),
    Column("feed", TEXT, nullable=False),
    Column("start", BIG, nullable=False),
    Column("end", BIG, nullable=False),
    Column("position", BIG, nullable=False),
    Column("asked_at", BIG, nullable=False),
    Column("done_at", BIG),
    UniqueConstraint("sid", "feed", "start", "end", name="uq_backfill_span"),
    CheckConstraint('position >= start AND position <= "end"', name="inside"),
    sqlite_strict=True,
)
