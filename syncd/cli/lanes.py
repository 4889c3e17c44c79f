"""`syncd lane`: which lanes rest or are paused, and stopping and starting one by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from syncd.cli import options, output
from syncd.cli.finding import operator
from syncd.cli.frame import Frame, group, here, wait
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
    def resume_command(ctx: typer.Context, lane: str = typer.Argument(metavar="LANE", help=text("opt.lane"))) -> None:
        wait(_resume(here(ctx), lane))


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


def lane_names(settings: Settings) -> list[str]:
    """Every lane of the configured merchants."""
    return [f"{one.name}/{platform}" for one in settings.merchants for platform in ("wdt", one.issuer)]


async def _list(frame: Frame, as_json: bool) -> None:
    from syncd.cli.status import lane_facts, what_to_do

    settings = frame.settings()
    async with frame.store(settings) as store, store.read() as tx:
        stored = {
            lane.name: {**lane_facts(lane), "failures": lane.failures, **what_to_do(lane)}
            for lane in await tx.lanes.all()
        }
        paces = {name: await _pace(tx, settings, name) for name in lane_names(settings)}
        now = tx.now
    rows = [{**_current(stored.pop(name, _open(name)), now), **paces[name]} for name in lane_names(settings)]
    rows += [{**_current(row, now), **_NO_PACE} for row in stored.values() if row["state"] != "open"]
    if as_json:
        output.show_json(rows)
        return
    _print(frame, rows, now)


#: Of a lane whose merchant or account the settings do not name any more.
_NO_PACE: dict[str, Any] = {"calls_per_minute": None, "at_most": None, "banned_until": None}


async def _pace(tx: Tx, settings: Settings, name: str) -> dict[str, Any]:
    """How fast the lane's credential may call now, at most, and until when not at all."""
    from syncd.domain.budget import Budget
    from syncd.parties import credential_of_issuer, credential_of_wdt
    from syncd.store.paces import slowed

    merchant, _, platform = name.partition("/")
    if platform == "wdt":
        one = settings.merchant(merchant)
        ceiling, credential = one.wdt.calls_per_minute, credential_of_wdt(one)
    else:
        found = settings.issuers[platform]
        ceiling, credential = found.calls_per_minute, credential_of_issuer(found)
    budget = Budget(ceiling, await slowed(tx, *credential))
    return {
        "calls_per_minute": round(budget.rate(tx.now), 1),
        "at_most": ceiling,
        "banned_until": budget.resting(tx.now),
    }


def _open(name: str) -> dict[str, Any]:
    nothing = {"zh_remedy": None, "en_remedy": None, "runbook": None}
    row = {"lane": name, "state": "open", "reason": "", "until": None, "since": None, "code": "", "failures": 0}
    return {**row, **nothing}


def _current(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A pause that has run out is no pause any more."""
    ended = row["state"] == "paused" and row["until"] is not None and row["until"] <= now
    return _open(row["lane"]) if ended else row


def _print(frame: Frame, rows: Sequence[dict[str, Any]], now: datetime) -> None:
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
                row["reason"],
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
            at = output.when(row["banned_until"], now, say)
            print(output.inert(say("lane.banned", lane=row["lane"], at=at)))


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
    async with frame.store(settings) as store, store.begin() as tx:
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
        except ValueError as problem:
            raise frame.unusable("span.unreadable", text=lasting, why=str(problem)) from None
    end = instant(frame, until) if until else None
    if end is not None and end <= now:
        raise frame.unusable("lane.until_past")
    return end


async def _resume(frame: Frame, lane: str) -> None:
    settings = frame.settings()
    async with frame.store(settings) as store, store.begin() as tx:
        stored = [one.name for one in await tx.lanes.all()]
        merchant, platform = _known(frame, lane, [*lane_names(settings), *stored])
        rested = await tx.lanes.resume(merchant, platform)
        if rested:
            await tx.journal.add("lane.resumed", merchant=merchant, lane=lane, by=operator())
        await _wake(tx, merchant, platform)
    print(output.inert(frame.say("lane.resumed" if rested else "lane.was_open", lane=lane)))


async def _wake(tx: Tx, merchant: str, platform: str) -> None:
    from syncd.stages.lane import ISSUER_UNITS, WDT_UNITS

    for stage, key in WDT_UNITS if platform == "wdt" else ISSUER_UNITS:
        await tx.units.wake(stage, key.format(merchant=merchant))


def _known(frame: Frame, lane: str, names: Sequence[str]) -> tuple[str, str]:
    if lane not in names:
        raise frame.unusable("unknown.lane", name=lane, near=frame.nearest(lane, names))
    merchant, _, platform = lane.partition("/")
    return merchant, platform
