"""`syncd lane`: which lanes rest or are paused, and stopping and starting one by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from syncd.cli import options, output
from syncd.cli.finding import operator
from syncd.cli.frame import Frame, group, here, wait
from syncd.cli.lane_bans import ban_of, credential, lane_names, lift, told, wake
from syncd.cli.moments import instant
from syncd.cli.words import Lang, helper

if TYPE_CHECKING:
    from syncd.config import Settings
    from syncd.store.store import Tx


def register(app: typer.Typer, lang: Lang) -> None:
    """Add `syncd lane …`."""
    lanes = group(app, "lane", lang)
    text = helper(lang)
    _register_pause(lanes, lang)

    @lanes.command("list", help=text("lane.list"))
    def list_command(ctx: typer.Context, as_json: bool = options.as_json(lang)) -> None:
        wait(_list(here(ctx), as_json))

    @lanes.command("resume", help=text("lane.resume"))
    def resume_command(
        ctx: typer.Context,
        lane: str = typer.Argument(metavar="LANE", help=text("opt.lane")),
        lift_ban: bool = typer.Option(False, "--lift-ban", help=text("opt.lift_ban")),
        reason: str = options.reason(lang, required=False),
        yes: bool = options.yes(lang),
    ) -> None:
        wait(_resume(here(ctx), lane, reason.strip(), lift_ban=lift_ban, yes=yes))


def _register_pause(lanes: typer.Typer, lang: Lang) -> None:
    text = helper(lang)

    @lanes.command("pause", help=text("lane.pause"))
    def command(
        ctx: typer.Context,
        lane: str = typer.Argument(metavar="LANE", help=text("opt.lane")),
        reason: str = options.reason(lang, required=True),
        until: str | None = typer.Option(None, "--until", metavar="TIME", help=text("opt.until")),
        lasting: str | None = typer.Option(None, "--for", metavar="SPAN", help=text("opt.for")),
    ) -> None:
        wait(_pause(here(ctx), lane, reason.strip(), until, lasting))


async def _list(frame: Frame, as_json: bool) -> None:
    from syncd.cli.lane_words import reason
    from syncd.cli.status import lane_facts, what_to_do

    settings = frame.settings()
    async with frame.store(settings) as store, store.read() as tx:
        stored = {
            lane.name: {**lane_facts(lane), "failures": lane.failures, **what_to_do(lane)}
            for lane in await tx.lanes.all()
        }
        said = {lane.name: reason(lane, frame.lang) for lane in await tx.lanes.all()}
        paces = {name: await _pace(tx, settings, name) for name in lane_names(settings)}
        now = tx.now
    rows = [{**_current(stored.pop(name, _open(name)), now), **paces[name]} for name in lane_names(settings)]
    rows += [{**_current(row, now), **_NO_PACE} for row in stored.values() if row["state"] != "open"]
    if as_json:
        output.show_json(rows)
        return
    _print(frame, rows, said, now)


#: Of a lane whose merchant or account the settings do not name any more.
_NO_PACE: dict[str, Any] = {"calls_per_minute": None, "at_most": None, "banned_until": None, "banned_call": None}


async def _pace(tx: Tx, settings: Settings, name: str) -> dict[str, Any]:
    """How fast the lane's credential may call now, at most, and until when not at all."""
    from syncd.domain.budget import Budget, longest_rest
    from syncd.store.paces import slowed

    merchant, _, platform = name.partition("/")
    ceiling, whose = credential(settings.merchant(merchant), settings, platform)
    budget = Budget(ceiling, await slowed(tx, *whose), longest_rest(whose[0]))
    ban = await ban_of(tx, settings, name)
    return {
        "calls_per_minute": round(budget.rate(tx.now), 1),
        "at_most": ceiling,
        "banned_until": ban.until if ban else None,
        "banned_call": ban.call if ban else None,
    }


def _open(name: str) -> dict[str, Any]:
    nothing = {"zh_remedy": None, "en_remedy": None, "runbook": None}
    row = {"lane": name, "state": "open", "reason": "", "until": None, "since": None, "code": "", "failures": 0}
    return {**row, **nothing}


def _current(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A pause that has run out is no pause any more."""
    ended = row["state"] == "paused" and row["until"] is not None and row["until"] <= now
    return _open(row["lane"]) if ended else row


def _print(frame: Frame, rows: Sequence[dict[str, Any]], said: Mapping[str, str], now: datetime) -> None:
    say = frame.say
    if not rows:
        print(say("lane.none"))
        return
    output.table(
        [say("column.lane"), say("column.state"), say("column.until"), say("column.pace"), say("column.why")],
        [
            [
                row["lane"],
                say(f"lane.{row['state']}"),
                say("lane.until_resumed") if _endless(row) else output.when(row["until"], now, say),
                _pace_said(row),
                said.get(row["lane"], "") if row["state"] != "open" else "",
            ]
            for row in rows
        ],
    )
    for row in rows:
        remedy = row[f"{frame.lang}_remedy"] if row["state"] == "resting" else None
        if remedy:
            since = output.when(row["since"], now, say)
            told = say("lane.remedy", lane=row["lane"], n=row["failures"], since=since, remedy=remedy)
            print(output.inert(told))
        if row["banned_until"] is not None:
            at, call = output.when(row["banned_until"], now, say), row["banned_call"]
            print(output.inert(say("lane.banned", lane=row["lane"], call=f" {call}" if call else "", at=at)))


def _pace_said(row: dict[str, Any]) -> str:
    return "" if row["at_most"] is None else f"{row['calls_per_minute']:g}/{row['at_most']}"


def _endless(row: dict[str, Any]) -> bool:
    return row["state"] == "paused" and row["until"] is None


# -- stopping and starting ---------------------------------------------------------------------------------------------


async def _pause(frame: Frame, lane: str, reason: str, until: str | None, lasting: str | None) -> None:
    settings = frame.settings()
    merchant, platform = _known(frame, lane, lane_names(settings))
    if not reason or not reason.isprintable():
        raise frame.unusable("reason.unprintable" if reason else "hold.no_reason")
    async with frame.store(settings, changes=True) as store, store.begin() as tx:
        end = _end(frame, until, lasting, tx.now)
        await tx.lanes.pause(merchant, platform, reason[:500], end)
        await tx.journal.add("lane.paused", merchant=merchant, lane=lane, reason=reason, until=end, by=operator())
    print(
        output.inert(frame.say("lane.paused_until" if end else "lane.paused_open", lane=lane, at=output.beijing(end)))
    )


def _end(frame: Frame, until: str | None, lasting: str | None, now: datetime) -> datetime | None:
    from syncd.config import duration

    if until and lasting:
        raise frame.unusable("lane.until_or_for")
    if lasting:
        try:
            return now + duration.parse(lasting)
        except ValueError:
            raise frame.unusable("span.unreadable", text=lasting) from None
    end = instant(frame, until) if until else None
    if end is not None and end <= now:
        raise frame.unusable("lane.until_past")
    return end


async def _resume(frame: Frame, lane: str, reason: str, *, lift_ban: bool, yes: bool) -> None:
    settings = frame.settings()
    if reason and not reason.isprintable():
        raise frame.unusable("reason.unprintable")
    if lift_ban:
        _known(frame, lane, lane_names(settings))
        await lift(frame, lane, reason[:500], yes=yes)
        return
    async with frame.store(settings, changes=True) as store, store.begin() as tx:
        stored = [one.name for one in await tx.lanes.all()]
        merchant, platform = _known(frame, lane, [*lane_names(settings), *stored])
        rested = await tx.lanes.resume(merchant, platform)
        if rested:
            why: dict[str, Any] = {"reason": reason[:500]} if reason else {}
            await tx.journal.add("lane.resumed", merchant=merchant, lane=lane, by=operator(), **why)
        await wake(tx, merchant, platform)
        ban = await ban_of(tx, settings, lane)
    if ban is not None:
        print(told(frame, lane, ban, resumed=rested))
        return
    print(output.inert(frame.say("lane.resumed" if rested else "lane.was_open", lane=lane)))


def _known(frame: Frame, lane: str, names: Sequence[str]) -> tuple[str, str]:
    if lane not in names:
        raise frame.unusable("unknown.lane", name=lane, near=frame.nearest(lane, names))
    merchant, _, platform = lane.partition("/")
    return merchant, platform
