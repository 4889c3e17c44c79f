"""What a stage says order by order reaches the database as a few statements: writes that are alike go together.

Inside one transaction. Its own reads see what waits all the same: before anything else is executed, that goes first.
The guards stay in the statements: a change that is guarded by what the order was must meet it, for every row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Delete, Insert, Select, Update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.lifecycle import Phase, State
from syncd.store.dialect import is_postgresql
from syncd.store.schema import invoice_order
from syncd.store.script import All, Script, Tell, play
from syncd.store.wording import Cells, Statement, worded

#: What guards a change of an order: its state, its phase, and its status at WDT.
Guarded = tuple[State, Phase, int]


class Torn(RuntimeError):
    """A guarded change met an order that is not as this same transaction has read it; nothing of it is kept."""


class _Group:
    """Writes by one statement."""

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.rows: list[Cells] = []
        self.guarded = 0

    def told(self, shared: bool) -> Tell:
        """In the words of the database's driver."""
        words = worded(self.statement, tuple(self.rows[0]), shared)
        return Tell(words.sql, [words.values(row) for row in self.rows])

    def require(self, changed: int) -> None:
        """Raises Torn where so many rows are not what was to be changed."""
        if self.guarded and changed != len(self.rows):
            raise Torn(f"{changed} of {len(self.rows)} orders were as they had been read")


def _all_of(groups: Sequence[_Group], also: Sequence[Tell], shared: bool) -> Script[None]:
    changed = yield All([*(group.told(shared) for group in groups), *also])
    for group, rows in zip(groups, changed[: len(groups)], strict=True):
        group.require(rows)


class Together:
    """The writes of one transaction that wait to be executed.

    Those about one order are executed in the order in which they came; across orders, only that is promised which a
    transaction promises anyway: all of them, or none.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._groups: list[_Group] = []
        self._newest: dict[int, int] = {}  # of each statement, by its identity, its newest group
        self._reached: dict[int, int] = {}  # of each order, the newest group that is about it
        #: Orders as this transaction has read them, or has changed them since.
        self.known: dict[int, Guarded] = {}

    def add(self, about: int, statement: Statement, cells: Cells, *, guarded: bool = False) -> None:
        """Execute `statement` with `cells`, about the order `about`, before the transaction ends.

        `statement` is one that is built once. `guarded`: it must change exactly one row, or the transaction is Torn.
        """
        at = self._newest.get(id(statement), -1)
        if at < self._reached.get(about, 0):
            at = len(self._groups)
            self._groups.append(_Group(statement))
            self._newest[id(statement)] = at
        self._reached[about] = at
        group = self._groups[at]
        group.rows.append(cells)
        group.guarded += guarded

    async def flush(self, also: Sequence[Tell] = ()) -> None:
        """Execute what waits, and then `also`. Raises Torn."""
        if not (self._groups or also):
            return
        groups, self._groups = self._groups, []
        self._newest.clear()
        self._reached.clear()
        await play(self._connection, _all_of(groups, also, is_postgresql(self._connection)))


class Patient:
    """The connection of a transaction, which lets what waits go first."""

    def __init__(self, connection: AsyncConnection, together: Together) -> None:
        self._connection = connection
        self._together = together

    async def execute(self, statement: Any, parameters: Any = None, **options: Any) -> Any:
        await self._before(statement)
        return await self._connection.execute(statement, parameters, **options)

    async def scalar(self, statement: Any, parameters: Any = None, **options: Any) -> Any:
        await self._before(statement)
        return await self._connection.scalar(statement, parameters, **options)

    async def scalars(self, statement: Any, parameters: Any = None, **options: Any) -> Any:
        await self._before(statement)
        return await self._connection.scalars(statement, parameters, **options)

    async def exec_driver_sql(self, statement: str, parameters: Any = None, **options: Any) -> Any:
        await self._before(None)
        return await self._connection.exec_driver_sql(statement, parameters, **options)

    async def stream(self, statement: Any, parameters: Any = None, **options: Any) -> Any:
        await self._before(statement)
        return await self._connection.stream(statement, parameters, **options)

    async def get_raw_connection(self) -> Any:
        raw = await self.get_raw_connection_to_look()
        self._together.known.clear()
        return raw

    async def get_raw_connection_to_look(self) -> Any:
        """The same for what changes no order."""
        await self._together.flush()
        begun: Any = self._connection.sync_connection
        return begun.connection  # it is there since the transaction began: SQLAlchemy's own way takes a greenlet

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def _before(self, statement: object) -> None:
        await self._together.flush()
        if not _leaves_orders_alone(statement):
            self._together.known.clear()


def _leaves_orders_alone(statement: object) -> bool:
    """Whether no order can be another after this; of a statement in plain words nobody can say."""
    if isinstance(statement, Insert | Update | Delete):
        return statement.table is not invoice_order
    return isinstance(statement, Select)
