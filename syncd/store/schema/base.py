"""What every table is made of: one metadata, its naming, and the kinds of columns that recur."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, MetaData, Text, event, text

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
    """The text of a CHECK: `column` holds one of `values`. SQLite would sort a list in IN anew for every row."""
    return "(" + " OR ".join(f"{column} = {str(value)!r}" for value in values) + ")"


def row_id() -> Column[int]:
    """A key that the store counts up itself."""
    return Column("id", BIG, primary_key=True, autoincrement=True)


def partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of the rows for which `where` is true."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where))


@event.listens_for(metadata, "before_create")
def _partial_there_too(target: MetaData, connection: Connection, **_how: object) -> None:
    """Told of it when an index is named, SQLAlchemy would load all it knows of PostgreSQL into every process."""
    if connection.dialect.name == "postgresql":
        for index in (index for table in target.tables.values() for index in table.indexes):
            index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]
