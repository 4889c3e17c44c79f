"""Who works on what, which lanes rest and how fast they may go, and what was not understood there."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text

from syncd.store.schema.base import BIG, metadata, row_id

unit = Table(
    "unit",
    metadata,
    Column("stage", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("next_at", BIG, nullable=False),
    Column("epoch", BIG, nullable=False, server_default="0"),
    Column("lease_until", BIG, nullable=False, server_default="0"),
    Column("lease_boot", Text, nullable=False, server_default=""),
    Column("owner", Text, nullable=False, server_default=""),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("trouble", Text, nullable=False, server_default=""),
    Column("notes", Text, nullable=False, server_default=""),
    Column("ran_at", BIG),
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
    Column("until_at", BIG),
    Column("since_at", BIG, nullable=False),
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
    Column("rate", BIG, nullable=False),
    Column("slowed_at", BIG, nullable=False),
    Column("until_at", BIG, nullable=False),
    PrimaryKeyConstraint("platform", "account"),
    sqlite_strict=True,
)

#: Calls that a credential has taken of a day's, where a party counts them by the day. `day` is Beijing's.
allowance = Table(
    "allowance",
    metadata,
    Column("platform", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("day", Text, nullable=False),
    Column("taken", Integer, nullable=False),
    PrimaryKeyConstraint("platform", "account"),
    sqlite_strict=True,
)

unclassified = Table(
    "unclassified",
    metadata,
    Column("platform", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("count", BIG, nullable=False),
    Column("first_at", BIG, nullable=False),
    Column("last_at", BIG, nullable=False),
    PrimaryKeyConstraint("platform", "code", "text"),
    sqlite_strict=True,
)

token = Table(
    "token",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("expires_at", BIG),
    Column("put_at", BIG, nullable=False),
    sqlite_strict=True,
)

token_call = Table(
    "token_call",
    metadata,
    row_id(),
    Column("issuer", Text, nullable=False),
    Column("at", BIG, nullable=False),
    Index("ix_token_call_issuer", "issuer", "at"),
    sqlite_strict=True,
)
