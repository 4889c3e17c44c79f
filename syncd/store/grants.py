"""The statements by which units are found due, granted and given back. Each is built once: that costs most of it.

`by_database`: leases run by the database's clock, which all its workers share, not by the host's monotonic one.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Select,
    Update,
    and_,
    bindparam,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.ext.compiler import compiles

from syncd.store.dialect import DATABASE_NOW
from syncd.store.instants import span_ms
from syncd.store.schema import unit
from syncd.store.workers import MOST_OFF, silent

Unit = tuple[str, str]

#: While a unit runs its next_at stands here, so that a wake in the meantime is seen when it finishes.
RUNNING = 2**62
#: A step of the clock smaller than this (milliseconds) is left alone.
_CLOCK_WENT_BACK = 5_000
#: Nor is what the clocks of two hosts may differ by without either being astray.
_CLOCKS_DIFFER = _CLOCK_WENT_BACK + 2 * span_ms(MOST_OFF)

_ONE = (unit.c.stage == bindparam("k_stage"), unit.c.key == bindparam("k_key"))


class _Among(ColumnElement[bool]):
    """Whether a unit is one of those that are asked with as `units`: the same words for any count of them."""

    inherit_cache = False

    def __init__(self) -> None:
        self.these: BindParameter[str] = bindparam("units")


@compiles(_Among)
def _in_a_table(element: _Among, compiler: Any, **how: Any) -> str:
    these = compiler.process(element.these, **how)
    listed = f"SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each({these})"
    return f'(unit.stage, unit."key") IN ({listed})'


@compiles(_Among, "postgresql")
def _in_elements(element: _Among, compiler: Any, **how: Any) -> str:
    these = compiler.process(element.these, **how)
    listed = f"SELECT one ->> 0, one ->> 1 FROM jsonb_array_elements(CAST({these} AS JSONB)) AS one"
    return f'(unit.stage, unit."key") IN ({listed})'


_AMONG = _Among()
_OLDEST = (unit.c.next_at, unit.c.key)


def among(units: Collection[Unit]) -> dict[str, Any]:
    """The parameter of a statement about several units."""
    return {"units": orjson.dumps(sorted(units)).decode()}


def _number(name: str) -> BindParameter[int]:
    return bindparam(name, type_=BigInteger)


@cache
def lost(by_database: bool) -> ColumnElement[bool]:
    """Of a unit that was granted: whether the lease is over, or whoever holds it was not heard for too long."""
    mono: ColumnElement[int] = DATABASE_NOW if by_database else _number("c_mono")
    over = or_(unit.c.lease_boot != bindparam("c_boot"), unit.c.lease_until <= mono)
    return or_(over, silent(unit.c.owner)) if by_database else over


@cache
def _claimable(by_database: bool) -> ColumnElement[bool]:
    now = _number("c_now")
    idle = unit.c.lease_until == 0
    # A unit that ran in the future has seen the clock go back; its next_at means nothing.
    back = _CLOCKS_DIFFER if by_database else _CLOCK_WENT_BACK
    due = or_(unit.c.next_at <= now, and_(unit.c.ran_at.is_not(None), unit.c.ran_at > now + back))
    return or_(and_(idle, due), and_(unit.c.lease_until > 0, lost(by_database)))


@cache
def due(by_database: bool) -> Select[Any]:
    """The keys of a stage, longest waiting first."""
    return select(unit.c.key).where(unit.c.stage == bindparam("k_stage"), _claimable(by_database)).order_by(*_OLDEST)


@cache
def due_of_all(by_database: bool) -> Select[Any]:
    """Stage, key, and whether the unit had nothing to do for `slept` at least."""
    rested = and_(unit.c.failures == 0, unit.c.lease_until == 0, unit.c.next_at - unit.c.ran_at >= _number("slept"))
    return (
        select(unit.c.stage, unit.c.key, func.coalesce(rested, False)).where(_claimable(by_database)).order_by(*_OLDEST)
    )


@cache
def held(by_database: bool) -> Select[Any]:
    """Which of several can be claimed, once whoever writes under their last grants, or wakes them, has ended."""
    ordered = select(unit.c.stage, unit.c.key).where(_AMONG, _claimable(by_database))
    return ordered.order_by(unit.c.stage, unit.c.key).with_for_update()


@cache
def claim(by_database: bool) -> Update:
    """Grant those of several that can be claimed, each under its next epoch."""
    granted = update(unit).where(_AMONG, _claimable(by_database))
    granted = granted.values(
        epoch=unit.c.epoch + 1,
        lease_until=until(by_database),
        lease_boot=bindparam("c_boot"),
        owner=bindparam("in_owner"),
        next_at=RUNNING,
    )
    return granted.returning(unit.c.stage, unit.c.key, unit.c.epoch, unit.c.notes, unit.c.crashes, unit.c.failures)


@cache
def renew(by_database: bool) -> Update:
    """The same grant for longer."""
    return update(unit).where(*_ONE, unit.c.epoch == bindparam("k_epoch")).values(lease_until=until(by_database))


@cache
def until(by_database: bool) -> ColumnElement[int]:
    """The end of a lease as the row holds it: `c_span` after now in the database, or what the host says."""
    return DATABASE_NOW + _number("c_span") if by_database else _number("c_until")


#: By whether it is PostgreSQL: there a grant waits until this transaction has ended, and this one for a grant; a wake
#: waits for neither. SQLite's writer is alone anyway.
EPOCH = {
    False: 'SELECT epoch FROM unit WHERE stage = ? AND "key" = ?',
    True: 'SELECT epoch FROM unit WHERE stage = ? AND "key" = ? FOR KEY SHARE',
}
#: The same of several: stage, key, epoch.
EPOCHS = (
    select(unit.c.stage, unit.c.key, unit.c.epoch)
    .where(_AMONG)
    .order_by(unit.c.stage, unit.c.key)
    .with_for_update(read=True, key_share=True)
)
#: Of the instant, the stage and the key; and the instant again, where nobody else writes.
WAKE = 'UPDATE unit SET next_at = ? WHERE stage = ? AND "key" = ? AND next_at > ?'
#: Where others write too, a unit that is due already is held until this transaction is durable: granted before, it
#: would look in vain for what is being written here, and go to sleep.
WAKE_BESIDE_OTHERS = 'UPDATE unit SET next_at = LEAST(next_at, ?) WHERE stage = ? AND "key" = ?'
ENSURE = 'INSERT INTO unit (stage, "key", next_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING'
SLEEP_ON = "UPDATE unit SET next_at = ?, ran_at = ?, trouble = '', notes = '' WHERE stage = ? AND \"key\" = ?"
_FINISH = """
UPDATE unit SET next_at = {earlier}(next_at, ?), lease_until = 0, owner = '',
  failures = ?, trouble = ?, notes = ?, crashes = ?, ran_at = ?
WHERE stage = ? AND "key" = ? AND epoch = ? RETURNING next_at
"""
#: By whether it is PostgreSQL. A unit that was woken during its turn is due when it was woken for.
FINISH = {False: _FINISH.format(earlier="min"), True: _FINISH.format(earlier="least")}
#: The instant, and the claim: nothing else of the unit changes.
GIVE_BACK = """
UPDATE unit SET next_at = ?, lease_until = 0, owner = '' WHERE stage = ? AND "key" = ? AND epoch = ?
"""
