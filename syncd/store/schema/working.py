"""Who works on what, which lanes rest and how fast they may go, and what was not understood there."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table

from syncd.store.schema.base import BIG, TEXT, metadata, row_id

unit = Table(
    "unit",
    metadata,
    Column("stage", TEXT, nullable=False),
    Column("key", TEXT, nullable=False),
    Column("next_at", BIG, nullable=False),
    Column("epoch", BIG, nullable=False, server_default="0"),
    Column("lease_until", BIG, nullable=False, server_default="0"),
    Column("lease_boot", TEXT, nullable=False, server_default=""),
    Column("owner", TEXT, nullable=False, server_default=""),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("trouble", TEXT, nullable=False, server_default=""),
    Column("notes", TEXT, nullable=False, server_default=""),
    Column("ran_at", BIG),
    Column("crashes", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("stage", "key"),
    sqlite_strict=True,
)

#: The processes that share this store's work, each with what it last said. `heard_until` is by the database's clock:
#: whoever says nothing until then is dead, and its leases with it. `clock_off` is how far the process's own clock is
#: ahead of that, in milliseconds.
worker = Table(
    "worker",
    metadata,
    Column("owner", TEXT, primary_key=True),
    Column("role", TEXT, nullable=False),
    Column("places", Integer, nullable=False),
    Column("busy", Integer, nullable=False),
    Column("vouches", Integer, nullable=False),
    Column("settings", TEXT, nullable=False, server_default=""),
    Column("clock_off", BIG, nullable=False, server_default="0"),
    Column("started_at", BIG, nullable=False),
    Column("beat_at", BIG, nullable=False),
    Column("heard_until", BIG, nullable=False),
    sqlite_strict=True,
)

lane = Table(
    "lane",
    metadata,
    Column("merchant", TEXT, nullable=False),
    Column("platform", TEXT, nullable=False),
    Column("state", TEXT, nullable=False),
    Column("reason", TEXT, nullable=False, server_default=""),
    Column("code", TEXT, nullable=False, server_default=""),
    Column("until_at", BIG),
    Column("since_at", BIG, nullable=False),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("strikes", Integer, nullable=False, server_default="0"),
    Column("struck_by", TEXT, nullable=False, server_default=""),
    PrimaryKeyConstraint("merchant", "platform"),
    CheckConstraint("state IN ('open', 'resting', 'paused')", name="state"),
    sqlite_strict=True,
)

#: What a credential's last rate answer left behind. `rate` is thousandths of a call a minute.
pace = Table(
    "pace",
    metadata,
    Column("platform", TEXT, nullable=False),
    Column("account", TEXT, nullable=False),
    Column("rate", BIG, nullable=False),
    Column("slowed_at", BIG, nullable=False),
    Column("until_at", BIG, nullable=False),
    PrimaryKeyConstraint("platform", "account"),
    sqlite_strict=True,
)

#: Until when the places of a credential's line are given away, where several workers share it: microseconds since 1970.
pace_taken = Table(
    "pace_taken",
    metadata,
    Column("platform", TEXT, nullable=False),
    Column("account", TEXT, nullable=False),
    Column("taken_until", BIG, nullable=False),
    PrimaryKeyConstraint("platform", "account"),
    sqlite_strict=True,
)

#: Calls that a credential has taken of a day's, where a party counts them by the day. `day` is Beijing's.
allowance = Table(
    "allowance",
    metadata,
    Column("platform", TEXT, nullable=False),
    Column("account", TEXT, nullable=False),
    Column("day", TEXT, nullable=False),
    Column("taken", Integer, nullable=False),
    PrimaryKeyConstraint("platform", "account"),
    sqlite_strict=True,
)

unclassified = Table(
    "unclassified",
    metadata,
    Column("platform", TEXT, nullable=False),
    Column("code", TEXT, nullable=False),
    Column("text", TEXT, nullable=False),
    Column("count", BIG, nullable=False),
    Column("first_at", BIG, nullable=False),
    Column("last_at", BIG, nullable=False),
    PrimaryKeyConstraint("platform", "code", "text"),
    sqlite_strict=True,
)

token = Table(
    "token",
    metadata,
    Column("issuer", TEXT, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("expires_at", BIG),
    Column("put_at", BIG, nullable=False),
    sqlite_strict=True,
)

token_call = Table(
    "token_call",
    metadata,
    row_id(),
    Column("issuer", TEXT, nullable=False),
    Column("at", BIG, nullable=False),
    Index("ix_token_call_issuer", "issuer", "at"),
    sqlite_strict=True,
)
