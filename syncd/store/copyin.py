"""Many new rows at once into PostgreSQL, by COPY: an INSERT for each of them costs its server several times as much."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.store.postgres import without_rows


async def copy_in(connection: AsyncConnection, into: str, types: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Add `rows` to `into`, "table (columns)" whose types are `types`. All of them, or none and an IntegrityError."""
    from psycopg import Error

    proxied = await connection.get_raw_connection()
    driver: Any = proxied.driver_connection
    try:
        async with driver.cursor() as cursor, cursor.copy(f"COPY {into} FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(types)
            for row in rows:
                await copy.write_row(row)
    except Error as error:
        without_rows(error)
        told: Any = DBAPIError.instance(f"COPY {into}", None, error, Error, hide_parameters=True)
        raise told from error
