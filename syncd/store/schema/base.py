"""What every table is made of: one metadata, its naming, and the kinds of columns that recur."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, MetaData, Text

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
BIG = BigInteger().with_variant(Integer, "sqlite")

#: Text is compared and ordered by its bytes, as SQLite does, whatever language a PostgreSQL was made for.
TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def one_of(column: str, values: list[str]) -> str:
    """The text of a CHECK: `column` holds one of `values`."""
    return f"{column} IN ({', '.join(repr(str(v)) for v in values)})"


def row_id() -> Column[int]:
    """A key that the store counts up itself."""
    return Column("id", BIG, primary_key=True, autoincrement=True)
