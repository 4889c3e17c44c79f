"""A store with something in every table and an order in every state, and a look at all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Integer, LargeBinary, Table, Text, insert, select
from store_parts import AT

from syncd.domain.application import Standing, Stuck
from syncd.domain.clock import Clock
from syncd.domain.lifecycle import Hold, Phase, State
from syncd.store import migrate
from syncd.store.copying import TABLES, Row
from syncd.store.guard import Guard, open_instance
from syncd.store.instance import Instance
from syncd.store.instants import to_ms
from syncd.store.move import End, moved
from syncd.store.place import known_place, shown
from syncd.store.schema import metadata
from syncd.store.store import Store, Tx
from syncd.store.witness import WitnessFolder

NOW = to_ms(AT)
LARGE = 2**62
#: What a text may hold: nothing, quotes, tabs and backslashes (COPY has its own ideas of them), and other scripts.
TEXTS = ("", "a'b\"c", "tab\tnew\nline\\N\\", "杭州某某有限公司", "𠮷野家 🧾")

#: Rows of the tables whose columns allow only certain words; the others are filled by their columns' types.
SPECIAL: dict[str, list[dict[str, Any]]] = {
    "order_row": [{"order_id": number} for number in (1, 2, 3)],
    "debt": [
        {"target": target, "state": state, "revision": number}
        for number, (target, state) in enumerate(
            (target, state) for target in ("wdt", "alibaba", "wallet") for state in ("owed", "sent", "paid", "void")
        )
    ],
    "application": [
        *(
            {"apply_id": f"A{number}", "state": str(state), "hold": None}
            for number, state in enumerate(Standing)
            if state != "held"
        ),
        *({"apply_id": f"H{number}", "state": "held", "hold": str(why)} for number, why in enumerate(Stuck)),
    ],
    "application_link": [{"source": "tmc"}],
    "upload": [{"answered_at": NOW, "taken": 1}, {"answered_at": None, "taken": None}],
    "invoice_file": [{"state": "stored", "content": bytes(range(256)) * 40}],
    "request": [{"colour": "blue", "revision": 0}, {"colour": "red", "revision": 1}],
    "window_done": [{"start": NOW, "end": NOW + 1}],
    "backfill": [{"start": NOW, "end": NOW + 10, "position": NOW + 5}],
    "cursor": [{"origin": NOW, "position": NOW + 1}],
    "lane": [{"state": state, "platform": state} for state in ("open", "resting", "paused")],
    "unit": [
        {"key": "idle", "lease_until": 0, "owner": ""},
        {"key": "left by the dead", "lease_until": 1, "lease_boot": "an earlier boot", "next_at": LARGE},
    ],
}


def _orders() -> list[dict[str, Any]]:
    """Every state with every phase, and every reason to be held."""
    made = [
        {"no": f"{state}/{phase}", "state": str(state), "phase": str(phase), "hold": None, "red_of": None}
        for state in State
        for phase in Phase
        if state is not State.HOLD
    ]
    made += [
        {"no": f"hold/{why}", "state": "HOLD", "phase": "", "hold": str(why), "held_from": "INTENT", "red_of": None}
        for why in Hold
    ]
    made.append({"no": "red", "state": "INTENT", "phase": "sent", "hold": None, "red_of": "26332000000000000001"})
    return made


def _value(table: Table, column: Any, number: int) -> Any:
    if column.foreign_keys:
        return 1
    if column.nullable and number % 2:
        return None
    if isinstance(column.type, LargeBinary):
        return bytes([number % 256, 0, 255]) * (number + 1)
    if isinstance(column.type, Text):
        return f"{number}{TEXTS[number % len(TEXTS)]}"
    if isinstance(column.type, Integer) and type(column.type) is Integer:
        return number + 1
    return NOW + number if column.name.endswith("_at") else LARGE + number


def _rows(table: Table) -> list[dict[str, Any]]:
    special = _orders() if table.name == "invoice_order" else SPECIAL.get(table.name, [{}] * 3)
    rows = []
    for number, given in enumerate(special):
        row = {
            column.name: _value(table, column, number) for column in table.c if column is not table.autoincrement_column
        }
        if table.name == "invoice_order":
            row |= {"is_red": number % 2, "drifted": 0}
        rows.append({**row, **given})
    return rows


async def fill(store: Store) -> None:
    """Rows in every table, keys counted up by the database."""
    async with store.begin() as tx:
        for table in TABLES:
            await tx.connection.execute(insert(table), _rows(table))


async def rows_of(tx: Tx) -> dict[str, list[Row]]:
    """Everything in the store but what it is and what was said of its moves."""
    found: dict[str, list[Row]] = {}
    for table in TABLES:
        rows = [tuple(row) for row in await tx.connection.execute(select(*table.c))]
        if table.name == "journal":
            rows = [row for row in rows if not str(row[4]).startswith("instance.moved")]
        found[table.name] = sorted(rows, key=repr)
    return found


async def everything(store: Store) -> dict[str, list[Row]]:
    async with store.read() as tx:
        return await rows_of(tx)


async def what(store: Store) -> Instance | None:
    async with store.read() as tx:
        return await tx.instance.get()


@dataclass(frozen=True, slots=True)
class Yard:
    """Where stores are made and opened, all under one folder of witnesses."""

    folder: Path
    clock: Clock

    @property
    def witnesses(self) -> WitnessFolder:
        return WitnessFolder(self.folder)

    @asynccontextmanager
    async def at(self, url: str) -> AsyncIterator[End]:
        async with Store.at(url, self.clock) as store:
            yield End(store, Guard(self.witnesses, known_place(url)), shown(url))

    async def filled(self, url: str) -> None:
        """A store that has sent something, with rows in every state, left by a daemon that is gone."""
        async with self.at(url) as end:
            await open_instance(end.store, end.guard, exclusive=True, all_refuse_doubles=True)
            async with end.store.begin(outward=True):
                pass
            await fill(end.store)

    async def move(self, source: str, target: str, step: Any = lambda *_: None) -> list[Any]:
        """As the command does it: an unfinished copy is made anew."""
        async with self.at(source) as old, self.at(target) as new:
            here = await what(new.store)
            again = here is not None and here.why == "moving" and (await what(old.store)).armed  # type: ignore[union-attr]
        if again:
            await migrate.downgrade(target, "base")
            await migrate.upgrade(target)
        async with self.at(source) as old, self.at(target) as new:
            return await moved(old, new, step)

    async def armable(self, *urls: str) -> list[str]:
        """Which of these a start would let write outside, or a person could arm."""
        found = []
        for url in urls:
            async with self.at(url) as end:
                here = await what(end.store)
                if here is not None and not here.stuck:
                    found.append(url)
        return found


def tables() -> list[str]:
    own = ("instance", "worker", "pace_taken")  # of one database and its clock
    return [table.name for table in metadata.sorted_tables if table.name not in own]
