"""What is stored of the orders on a page: how many of them may be passed over, and what is to be known of the others.

A page that is read again shows hardly anything but rows which are stored as they are and of which nobody waits to hear.
The database counts those, so that not one cell of them travels. What `Sorted` would make of each is asked of it
beforehand, and said in the statement: see `passable`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import orjson

from syncd.domain.lifecycle import Phase, State
from syncd.domain.order import Glance, OrderNo, WdtStatus
from syncd.store.script import Ask, Cells
from syncd.store.sorting import Seen, Stored, passable, seen_since

_STORED = """o.id, o.no, o.state, o.phase, o.wdt_status, {}, o.hold, o.seq, o.seen_at,
  (SELECT 1 FROM submission s WHERE s.order_id = o.id LIMIT 1)"""
#: A number of its own that no request has: of what was stored by a later one nothing is passed over.
_NEVER = -1


@dataclass(frozen=True, slots=True)
class Met:
    """What is known of a page's orders, by number; but for so many of them that are passed over, so many waiting."""

    known: Mapping[OrderNo, Stored]
    passed_over: int
    waiting: int

    @property
    def count(self) -> int:
        """How many of the page's orders are stored."""
        return len(self.known) + self.passed_over


NOBODY = Met({}, 0, 0)


def asking(shared: bool, sid: str, rows: Sequence[Glance], seen: Seen, *, each: bool = False) -> Ask:
    """The question what is known of `rows`, on PostgreSQL or not; `each`: passing none of them over."""
    since = None if each else seen_since(seen)
    bounds = (_NEVER, 0) if since is None else (seen.seq, since)
    prints = {row.no: f"{row.content_hash.hex()}{row.status}" for row in rows}
    return Ask(_known(shared), (*bounds, orjson.dumps(prints).decode(), sid))


def met(told: Sequence[Cells]) -> Met:
    """The answer to `asking`."""
    count, waiting, cells = told[0]
    known = {}
    for one in orjson.loads(cells):
        one[5] = bytes.fromhex(one[5])
        known[one[1]] = Stored._make(one)
    waiting -= sum(stored.state == State.PENDING for stored in known.values())
    return Met(known, count - len(known), waiting)


@cache
def _known(shared: bool) -> str:
    """A page's numbers are one parameter: the statement is the same for any count of them. What is found is one row.

    One step into the index for each number, whatever the database believes: PostgreSQL keeps a plan that it made while
    there were no orders. And of SQLite Python's lock changes hands with each row that is fetched, which costs more than
    the row while another thread wants it, too.
    """
    digest = "encode(o.content_hash, 'hex')" if shared else "lower(hex(o.content_hash))"
    unseen = f"""NOT ({digest} || o.wdt_status = among.value AND o.seq <= ?
  AND (o.state <> 'PENDING' OR o.seen_at >= ?) AND {_nobody_waits()})"""
    counted = f"SELECT count(*), count(*) FILTER (WHERE o.state = '{State.PENDING}')"
    cells = _STORED.format(digest)
    if shared:
        return f"""{counted},
  COALESCE(CAST(json_agg(json_build_array({cells})) FILTER (WHERE {unseen}) AS TEXT), '[]')
FROM json_each_text(CAST(? AS JSON)) AS among, LATERAL (SELECT * FROM invoice_order here
  WHERE here.sid = ? AND here.no = among.key LIMIT 1) AS o"""
    return f"""{counted}, json_group_array(json_array({cells})) FILTER (WHERE {unseen})
FROM json_each(?) among CROSS JOIN invoice_order o WHERE o.sid = ? AND o.no = among.key"""


def _nobody_waits() -> str:
    """Where an order may stand that is seen again unchanged, and nothing follows from it."""
    waiting, other = (" OR ".join(_standing(waits)) for waits in (True, False))
    return f"CASE WHEN o.wdt_status = {int(WdtStatus.WAITING)} THEN {waiting} ELSE {other} END"


def _standing(waits: bool) -> list[str]:
    said: list[str] = []
    for state in State:
        phases = [phase for phase in Phase if passable(state, phase, waits=waits)]
        if len(phases) == len(Phase):
            said.append(f"o.state = '{state}'")
        elif phases:
            among = " OR ".join(f"o.phase = '{phase}'" for phase in phases)
            said.append(f"o.state = '{state}' AND ({among})")
    return said
