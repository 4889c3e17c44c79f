"""`syncd status`: where everything stands, what needs a person, and what to type next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import typer

from syncd.cli import options, output, status_many, status_workers
from syncd.cli.arming import told
from syncd.cli.frame import DISARMED, FINE, PERSON, Frame, here, leave, wait
from syncd.cli.lane_bans import bans
from syncd.cli.lane_words import reason, trouble, understood
from syncd.cli.words import Lang, helper

if TYPE_CHECKING:
    from syncd.config import Settings
    from syncd.domain.lifecycle import State
    from syncd.store.instance import Instance
    from syncd.store.lanes import Lane
    from syncd.store.paces import Ban
    from syncd.store.store import Tx
    from syncd.store.unclassified import Unheard
    from syncd.store.units import UnitView
    from syncd.store.windows import Backfill, Cursor, Gap
    from syncd.store.workers import WorkerView

#: How many unclassified messages people see; --json has them all.
_FEW = 10


def register(app: typer.Typer, lang: Lang) -> None:
    """Add `syncd status`."""

    @app.command("status", help=helper(lang)("status"))
    def command(ctx: typer.Context, as_json: bool = options.as_json(lang)) -> None:
        leave(wait(_status(here(ctx), as_json)))


@dataclass(frozen=True, slots=True)
class Look:
    """One consistent look at the whole store."""

    now: datetime
    names: Mapping[str, str]  # sid → merchant, as the settings have it
    states: Mapping[tuple[str, State], int]
    holds: Mapping[tuple[str, str], int]
    oldest_unknown: Mapping[str, datetime]
    debts: Mapping[str, int]
    quarantined: int
    lanes: tuple[Lane, ...]
    cursors: tuple[Cursor, ...]
    backfills: tuple[Backfill, ...]
    gaps: tuple[Gap, ...]
    troubled: tuple[UnitView, ...]
    daemon: str | None
    instance: Instance | None
    unclassified: tuple[Unheard, ...] = ()
    applications: Mapping[tuple[str, str], int] = field(default_factory=dict)  # merchant and state
    stuck_applications: Mapping[tuple[str, str], int] = field(default_factory=dict)  # merchant and reason
    bans: Mapping[str, Ban] = field(default_factory=dict)  # by lane
    workers: Sequence[WorkerView] = ()
    shared: bool = False  # whether many processes are meant to work here

    @property
    def disarmed(self) -> bool:
        return self.instance is not None and not self.instance.armed

    def merchant(self, sid: str) -> str:
        return self.names.get(sid, sid)

    @property
    def stuck(self) -> tuple[Lane, ...]:
        """Lanes at which somebody must act: paused without an end, or resting for a reason that does not pass."""
        return tuple(
            lane
            for lane in self.lanes
            if (lane.state == "paused" and lane.until is None)
            or (lane.state == "resting" and lane.reason.startswith(("settings", "person")))
        )

    @property
    def held(self) -> int:
        return sum(self.holds.values()) + sum(self.stuck_applications.values())

    @property
    def needs_a_person(self) -> bool:
        """The same question, and the same answer, as `run --once` ends with."""
        return self.held > 0 or bool(self.stuck)


async def _status(frame: Frame, as_json: bool) -> int:
    settings = frame.settings()
    async with frame.store(settings) as store, store.read() as tx:
        look = await _look(tx, settings)
    if as_json:
        output.show_json(_facts(look))
    else:
        _print(frame, look)
    if look.disarmed:
        return DISARMED
    return PERSON if look.needs_a_person else FINE


async def _look(tx: Tx, settings: Settings) -> Look:
    from syncd.store.lock import holder

    return Look(
        now=tx.now,
        names={merchant.wdt.sid: merchant.name for merchant in settings.merchants},
        states=await tx.board.by_state(),
        holds=await tx.board.by_hold(),
        oldest_unknown=await tx.board.oldest_unknown(),
        debts=await tx.board.debts(),
        quarantined=await tx.board.quarantined(),
        lanes=tuple(lane for lane in await tx.lanes.all() if lane.state != "open" and not _ended(lane, tx.now)),
        cursors=tuple(await tx.windows.cursors()),
        backfills=tuple(await tx.windows.open_backfills()),
        gaps=tuple(await tx.windows.gaps()),
        troubled=tuple(unit for unit in await tx.units.all() if unit.failures),
        instance=await tx.instance.get(),
        daemon=holder(settings.store.url.get_secret_value()),
        unclassified=_still_unheard(await tx.unclassified.all()),
        applications={(name, str(at)): n for (name, at), n in (await tx.applications.by_state()).items()},
        stuck_applications=await tx.applications.by_hold(),
        bans=await bans(tx, settings),
        workers=await tx.workers.all(),
        shared=settings.engine.kind == "distributed",
    )


def _still_unheard(messages: Sequence[Unheard]) -> tuple[Unheard, ...]:
    """Those that the catalogue of this version does not know either: an upgrade may have brought the missing entry."""
    from syncd.catalogue import find

    return tuple(one for one in messages if find(one.platform, one.code, one.text) is None)


def _ended(lane: Lane, now: datetime) -> bool:
    """A pause that ran out stops nothing any more."""
    return lane.state == "paused" and lane.until is not None and lane.until <= now


def _facts(look: Look) -> dict[str, Any]:
    merchants: dict[str, dict[str, Any]] = {}
    for (name, state), number in look.states.items():
        merchants.setdefault(name, {"states": {}, "holds": {}})["states"][str(state)] = number
    for (name, hold), number in look.holds.items():
        merchants[name]["holds"][hold] = number
    for name, since in look.oldest_unknown.items():
        merchants[name]["oldest_unknown"] = since
    return {
        "needs_a_person": look.needs_a_person,
        "daemon": look.daemon,
        "disarmed": look.instance.why if look.instance is not None and look.disarmed else None,
        "workers": [status_workers.facts(worker) for worker in look.workers],
        "merchants": merchants,
        "lanes": [{**lane_facts(lane), **what_to_do(lane)} for lane in look.lanes],
        "bans": [{"lane": name, "call": ban.call or None, "until": ban.until} for name, ban in look.bans.items()],
        "cursors": [cursor_facts(look.merchant(at.sid), at, look.now) for at in look.cursors],
        "backfills": len(look.backfills),
        "gaps": len(look.gaps),
        "debts": dict(look.debts),
        "applications": [
            {"merchant": name, "state": state, "count": n} for (name, state), n in look.applications.items()
        ],
        "applications_held": [
            {"merchant": name, "why": why, "count": n} for (name, why), n in look.stuck_applications.items()
        ],
        "quarantined": look.quarantined,
        "unclassified": [unheard_facts(one) for one in look.unclassified],
        "troubled_units": [
            {"stage": unit.stage, "unit": unit.key, "failures": unit.failures, "why": unit.trouble}
            for unit in look.troubled
        ],
    }


def unheard_facts(one: Unheard) -> dict[str, Any]:
    """A message nobody has classified, with what is to be done about it."""
    from syncd.catalogue import unlisted

    return {
        "platform": one.platform,
        "code": one.code,
        "text": one.text,
        "count": one.count,
        "first_at": one.first_at,
        "last_at": one.last_at,
        "zh_remedy": unlisted().remedies[0],
        "en_remedy": unlisted().remedies[1],
    }


def lane_facts(lane: Lane) -> dict[str, Any]:
    """A lane as `lane list --json` shows it."""
    return {
        "lane": lane.name,
        "state": lane.state,
        "reason": lane.reason,
        "until": lane.until,
        "since": lane.since,
        "code": lane.code,
    }


def what_to_do(lane: Lane) -> dict[str, str | None]:
    """The remedy of a lane at rest, in both languages, and where more of it stands."""
    entry = understood(lane)
    zh, en = entry.remedies if entry else (None, None)
    runbook = f"docs/runbooks/{entry.runbook}" if entry else None
    return {"zh_remedy": zh, "en_remedy": en, "runbook": runbook}


def cursor_facts(merchant: str, at: Cursor, now: datetime) -> dict[str, Any]:
    """A cursor as `cursor audit --json` shows it."""
    return {
        "merchant": merchant,
        "feed": at.feed,
        "origin": at.origin,
        "position": at.position,
        "moved_at": at.moved_at,
        "lag_seconds": round((now - at.position).total_seconds()),
    }


# -- for people --------------------------------------------------------------------------------------------------------


def _print(frame: Frame, look: Look) -> None:
    say = frame.say
    if look.instance is not None and look.disarmed:
        print("\n".join(told(say, look.instance)))
    print(output.inert(say("status.daemon", who=look.daemon)) if look.daemon else say("status.no_daemon"))
    status_workers.show(frame, look)
    if len(names := status_many.merchants(look)) > status_many.MANY:
        status_many.show(frame, look, names)
        _print_lanes(frame, look)
    else:
        _print_orders(frame, look)
        _print_applications(frame, look)
        _print_lanes(frame, look)
        _print_cursors(frame, look)
    _print_rest(frame, look)
    print()
    _print_next(frame, look)


def _print_orders(frame: Frame, look: Look) -> None:
    from syncd.domain.lifecycle import Hold
    from syncd.watch.alert_texts import HOLDS

    say = frame.say
    print(f"\n{say('status.orders')}")
    if not look.states:
        print(f"  {say('orders.none')}")
        return
    output.table(
        [say("column.merchant"), say("column.state"), say("column.count"), say("column.meaning")],
        [[name, state, str(n), say(f"state.{state}")] for (name, state), n in look.states.items()],
    )
    for (name, hold), number in sorted(look.holds.items()):
        why = f"{HOLDS[Hold(hold)][0 if frame.lang == 'zh' else 1]} ({hold})"
        print(f"  {output.inert(say('status.hold', merchant=name, hold=why, n=number))}")
    for name, since in look.oldest_unknown.items():
        age = output.relative(since, look.now, say)
        print(f"  {output.inert(say('status.oldest_unknown', merchant=name, age=age))}")


def _print_applications(frame: Frame, look: Look) -> None:
    say = frame.say
    if not look.applications:
        return
    print(f"\n{say('status.applications')}")
    for merchant in sorted({name for name, _ in look.applications}):
        counts = ", ".join(
            f"{say(f'application.{state}')} {n}"
            for (name, state), n in sorted(look.applications.items())
            if name == merchant
        )
        print(f"  {output.inert(say('status.application_line', merchant=merchant, counts=counts))}")


def _print_lanes(frame: Frame, look: Look) -> None:
    say = frame.say
    print(f"\n{say('status.lanes')}")
    if not look.lanes and not look.bans:
        print(f"  {say('status.all_open')}")
    for lane in look.lanes:
        until = output.when(lane.until, look.now, say) if lane.until else say("lane.until_resumed")
        line = say(
            "status.lane", lane=lane.name, state=say(f"lane.{lane.state}"), until=until, reason=reason(lane, frame.lang)
        )
        print(f"  {output.inert(line)}")
    for name, ban in _unsaid(look):
        at, call = output.when(ban.until, look.now, say), f" {ban.call}" if ban.call else ""
        print(f"  {output.inert(say('lane.banned', lane=name, call=call, at=at))}")


def _unsaid(look: Look) -> Iterator[tuple[str, Ban]]:
    """Bans that outlast what the lane itself shows: somebody resumed or paused it."""
    shown = {lane.name: lane.until for lane in look.lanes if lane.state == "resting"}
    for name, ban in look.bans.items():
        until = shown.get(name)
        if until is None or until + timedelta(seconds=5) < ban.until:
            yield name, ban


def _print_cursors(frame: Frame, look: Look) -> None:
    say = frame.say
    print(f"\n{say('status.cursors')}")
    for at in look.cursors:
        lag = output.span(look.now - at.position, say)
        line = say(
            "status.cursor", merchant=look.merchant(at.sid), feed=at.feed, at=output.beijing(at.position), lag=lag
        )
        print(f"  {output.inert(line)}")
    if not look.cursors:
        print(f"  {say('cursor.none')}")


def _print_rest(frame: Frame, look: Look) -> None:
    say = frame.say
    debts = ", ".join(f"{target} {number}" for target, number in look.debts.items()) or "0"
    print(f"\n{say('status.debts', debts=debts)}")
    if look.quarantined:
        print(say("status.quarantined", n=look.quarantined))
    if look.backfills:
        print(say("status.backfills", n=len(look.backfills)))
    if look.unclassified:
        print(say("status.unclassified", n=len(look.unclassified)))
    for one in look.unclassified[:_FEW]:
        age = output.relative(one.last_at, look.now, say)
        words = {"platform": one.platform, "code": one.code, "text": one.text, "n": one.count}
        print(f"  {output.inert(say('status.unclassified_one', **words, age=age))}")
    for unit in look.troubled:
        line = say(
            "status.troubled", unit=f"{unit.stage} {unit.key}", n=unit.failures, why=trouble(unit.trouble, frame.lang)
        )
        print(output.inert(line))


def _print_next(frame: Frame, look: Look) -> None:
    say = frame.say
    if look.holds:
        print(say("status.next.held", n=sum(look.holds.values())))
    for (name, stuck), number in sorted(look.stuck_applications.items()):
        print(output.inert(say("status.application_held", merchant=name, count=number, why=stuck)))
    for lane in look.stuck:
        print(output.inert(say("status.next.lane", lane=lane.name, reason=reason(lane, frame.lang))))
        if (entry := understood(lane)) is not None:
            remedy = entry.remedies[0 if frame.lang == "zh" else 1]
            print(f"  {output.inert(say('status.next.remedy', text=remedy, file=f'docs/runbooks/{entry.runbook}'))}")
    if look.gaps:
        print(say("status.next.gaps", n=len(look.gaps)))
    if look.unclassified:
        print(say("status.next.unclassified"))
    if look.daemon is None:
        print(say("status.next.daemon"))
    if not look.needs_a_person:
        print(say("status.nobody"))
