"""What this store is, what it counts, and what people were told of it."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Integer, Table, Text

from syncd.store.schema.base import BIG, metadata

#: What this store is: one row. docs/decisions/0009 tells what the columns are for.
instance = Table(
    "instance",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False),
    Column("term", Text, nullable=False),
    Column("epoch", BIG, nullable=False),
    Column("armed", Integer, nullable=False),
    Column("why", Text, nullable=False, server_default=""),
    Column("about", Text, nullable=False, server_default=""),
    Column("disarmed_at", BIG),
    Column("arm_asked_at", BIG),
    Column("asked_by", Text, nullable=False, server_default=""),
    CheckConstraint("one = 1", name="single"),
    CheckConstraint("armed IN (0, 1)", name="armed"),
    sqlite_strict=True,
)

counter = Table(
    "counter",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BIG, nullable=False),
    sqlite_strict=True,
)

#: What people were told: one row for each outage by name, kept after its end. No personal data.
alert_told = Table(
    "alert_told",
    metadata,
    Column("name", Text, primary_key=True),
    Column("since_at", BIG, nullable=False),
    Column("told_at", BIG, nullable=False),
    Column("count", Integer, nullable=False),
    Column("about", Text, nullable=False, server_default=""),
    Column("gone_at", BIG),
    Column("over_at", BIG),
    sqlite_strict=True,
)
