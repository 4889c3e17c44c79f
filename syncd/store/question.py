"""Statements that are built once and asked often, without what SQLAlchemy does around each of them.

A cell is handed to the driver as it is, a list of them as one value, and a row is the driver's own tuple.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from functools import cache
from typing import Any

import orjson
from sqlalchemy import BindParameter, ColumnElement, Select, Update, bindparam
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles

from syncd.store.dialect import is_postgresql
from syncd.store.script import All, Ask, Cells, Script, play_looking
from syncd.store.wording import dialect_of

Statement = Select[Any] | Update
#: Stands for a value that has to be given.
_ASKED = object()


class Among(ColumnElement[bool]):
    """Whether `column` is one of the list that is asked with as `name`: the same words for any count of them."""

    inherit_cache = False

    def __init__(self, column: ColumnElement[Any], name: str, kind: str = "BIGINT") -> None:
        self.column, self.kind = column, kind
        self.these: BindParameter[Any] = bindparam(name)


@compiles(Among)
def _in_a_table(element: Among, compiler: Any, **how: Any) -> str:
    of, these = compiler.process(element.column, **how), compiler.process(element.these, **how)
    return f"{of} IN (SELECT value FROM json_each({these}))"


@compiles(Among, "postgresql")
def _in_an_array(element: Among, compiler: Any, **how: Any) -> str:
    of, these = compiler.process(element.column, **how), compiler.process(element.these, **how)
    return f"{of} = ANY(CAST({these} AS {element.kind}[]))"


@cache
def _worded(statement: Statement, shared: bool) -> tuple[str, tuple[tuple[str, Any], ...]]:
    """The words for the driver; of each value its name and, where nobody has to give one, the statement's own."""
    compiled: Any = statement.compile(dialect=dialect_of(shared))
    asked = {name: _ASKED for name, bound in compiled.binds.items() if bound.required}
    said = compiled.construct_expanded_state(asked)
    return said.statement, tuple((name, _plain(said.parameters[name])) for name in said.positiontup)


def _plain(cell: Any) -> Any:
    return cell.value if isinstance(cell, Enum) else cell


def question(connection: AsyncConnection, statement: Statement, **cells: Any) -> Ask:
    """`statement`, which is built once, asked with these cells. Raises KeyError where one of them is missing."""
    shared = is_postgresql(connection)
    sql, places = _worded(statement, shared)
    if not shared:
        cells = {name: orjson.dumps(cell).decode() if isinstance(cell, list) else cell for name, cell in cells.items()}
    return Ask(sql, [cells[name] if own is _ASKED else cells.get(name, own) for name, own in places])


async def rows(connection: AsyncConnection, statement: Statement, **cells: Any) -> list[Cells]:
    """What it finds, or returns of what it has changed; that is never an order."""
    return (await answers(connection, [question(connection, statement, **cells)]))[0]


async def first(connection: AsyncConnection, statement: Select[Any], **cells: Any) -> Any:
    """The first cell of the first row; None where there is no row."""
    found = await rows(connection, statement, **cells)
    return found[0][0] if found else None


async def answers(connection: AsyncConnection, questions: Iterable[Ask]) -> list[list[Cells]]:
    """What each of these finds; none follows from what another finds."""

    def asking() -> Script[list[list[Cells]]]:
        found: list[list[Cells]] = yield All(list(questions))
        return found

    return await play_looking(connection, asking())
