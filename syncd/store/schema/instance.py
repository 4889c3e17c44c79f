"""What this store is, what it counts, and what people were told of it."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Integer, Table

from syncd.store.schema.base import BIG, TEXT, metadata

#: What this store is: one row. docs/decisions/0009 tells what the columns are for.
instance = Table(
    "instance",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("id", TEXT, nullable=False),
    Column("term", TEXT, nullable=False),
    Column("epoch", BIG, nullable=False),
    Column("armed", Integer, nullable=False),
    Column("why", TEXT, nullable=False, server_default=""),
    Column("about", TEXT, nullable=False, server_default=""),
    Column("disarmed_at", BIG),
    Column("arm_asked_at", BIG),
    Column("asked_by", TEXT, nullable=False, server_default=""),
    #: The id of the store at the other end of a move, from here or to here.
    Column("other", TEXT, nullable=False, server_default=""),
    CheckConstraint("one = 1", name="single"),
    CheckConstraint("armed IN (0, 1)", name="armed"),
    sqlite_strict=True,
)

counter = Table(
    "counter",
    metadata,
    Column("name", TEXT, primary_key=True),
    Column("value", BIG, nullable=False),
    sqlite_strict=True,
)

#: What people were told: one row for each outage by name, kept after its end. No personal data.
alert_told = Table(
    "alert_told",
    metadata,
    Column("name", TEXT, primary_key=True),
    Column("since_at", BIG, nullable=False),
    Column("told_at", BIG, nullable=False),
    Column("count", Integer, nullable=False),
    Column("about", TEXT, nullable=False, server_default=""),
    Column("gone_at", BIG),
    Column("over_at", BIG),
    sqlite_strict=True,
)
