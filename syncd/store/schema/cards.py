"""The mirror of buyers' wallets: cards that were imported, and where each stands."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, Table, UniqueConstraint

from syncd.store.schema.base import BIG, TEXT, metadata, partial, row_id

#: `sealed` holds whose card it is and what changing it takes; nothing else here tells of a person. `looked_at`: when
#: its state was last read afresh; `wanted_at`: since when somebody waits for that; `missed_at`: when it failed.
card = Table(
    "card",
    metadata,
    row_id(),
    Column("sid", TEXT, nullable=False),
    Column("merchant", TEXT, nullable=False),
    Column("card_id", TEXT, nullable=False),
    Column("number", TEXT, nullable=False),
    Column("code", TEXT, nullable=False),
    Column("biz_code", TEXT, nullable=False, server_default=""),
    Column("seller_tax_no", TEXT, nullable=False, server_default=""),
    Column("gross", TEXT),
    Column("status", TEXT, nullable=False),
    Column("own_account", BIG, nullable=False, server_default="0"),
    Column("sealed", LargeBinary, nullable=False),
    Column("first_seen_at", BIG, nullable=False),
    Column("seen_at", BIG, nullable=False),
    Column("looked_at", BIG),
    Column("wanted_at", BIG),
    Column("missed_at", BIG),
    Column("missed_why", TEXT, nullable=False, server_default=""),
    UniqueConstraint("sid", "card_id"),
    Index("ix_card_number", "merchant", "number"),
    partial("ix_card_wanted", "merchant", where="wanted_at IS NOT NULL"),
    sqlite_strict=True,
)
