"""`syncd cursor audit` and `syncd backfill`: what has been read completely, and reading more of the past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import typer

from syncd.cli import options, output
from syncd.cli.finding import operator
from syncd.cli.frame import FAILED, FINE, Frame, group, here, leave, wait
from syncd.cli.moments import instant
from syncd.cli.words import Lang, helper
from syncd.domain.window import LONGEST

if TYPE_CHECKING:
    from syncd.config import Settings
    from syncd.store.store import Tx
    from syncd.store.windows import Backfill, Gap

Feed = Literal["pending", "mirror"]


def register(app: typer.Typer, lang: Lang) -> None:
    """Add `syncd cursor audit` and `syncd backfill`."""
    text = helper(lang)
    cursors = group(app, "cursor", lang)

    @cursors.command("audit", help=text("cursor.audit"))
    def audit(ctx: typer.Context, as_json: bool = options.as_json(lang)) -> None:
        leave(wait(_audit(here(ctx), as_json)))

    @app.command("backfill", help=text("backfill"))
    def backfill(
        ctx: typer.Context,
        merchant: str = typer.Argument(metavar="MERCHANT", help=text("opt.backfill_merchant")),
        start: str = typer.Option(..., "--from", metavar="TIME", help=text("opt.from")),
        end: str | None = typer.Option(None, "--to", metavar="TIME", help=text("opt.to")),
        feed: Feed = typer.Option("pending", "--feed", help=text("opt.feed")),
    ) -> None:
        wait(_backfill(here(ctx), merchant, start, end, feed))


# -- audit -------------------------------------------------------------------------------------------------------------


async def _audit(frame: Frame, as_json: bool) -> int:
    settings = frame.settings()
    async with frame.store(settings) as store, store.read() as tx:
        facts, gaps = await _look(tx, settings)
        now = tx.now
    if as_json:
        output.show_json(facts)
    else:
        _print(frame, facts, now)
    return FAILED if gaps else FINE


async def _look(tx: Tx, settings: Settings) -> tuple[dict[str, list[dict[str, Any]]], list[Gap]]:
    from syncd.cli.status import cursor_facts

    names = {str(merchant.wdt.sid): str(merchant.name) for merchant in settings.merchants}
    gaps = await tx.windows.gaps()
    facts = {
        "cursors": [cursor_facts(names.get(at.sid, at.sid), at, tx.now) for at in await tx.windows.cursors()],
        "backfills": [_open(names.get(job.sid, job.sid), job) for job in await tx.windows.open_backfills()],
        "gaps": [
            {
                "merchant": names.get(gap.sid, gap.sid),
                "feed": gap.feed,
                "start": gap.start,
                "end": gap.end,
                "why": gap.why,
            }
            for gap in gaps
        ],
    }
    return facts, gaps


def _open(merchant: str, job: Backfill) -> dict[str, Any]:
    done = (job.position - job.start) / (job.end - job.start)
    return {
        "merchant": merchant,
        "feed": job.feed,
        "start": job.start,
        "end": job.end,
        "position": job.position,
        "done": round(done, 3),
    }


def _print(frame: Frame, facts: dict[str, list[dict[str, Any]]], now: datetime) -> None:
    say = frame.say
    if not facts["cursors"]:
        print(say("cursor.none"))
    else:
        output.table(
            [say(f"column.{name}") for name in ("merchant", "feed", "origin", "position", "lag")],
            [
                [
                    row["merchant"],
                    row["feed"],
                    output.beijing(row["origin"]),
                    output.beijing(row["position"]),
                    output.span(timedelta(seconds=row["lag_seconds"]), say),
                ]
                for row in facts["cursors"]
            ],
        )
    for job in facts["backfills"]:
        at, end, done = output.beijing(job["position"]), output.beijing(job["end"]), f"{job['done']:.0%}"
        line = say("cursor.backfill", merchant=job["merchant"], feed=job["feed"], at=at, end=end, done=done)
        print(output.inert(line))
    for gap in facts["gaps"]:
        start, end = output.beijing(gap["start"]), output.beijing(gap["end"])
        line = say(f"cursor.gap.{gap['why']}", merchant=gap["merchant"], feed=gap["feed"], start=start, end=end)
        print(output.inert(line))
    print(say("cursor.gaps" if facts["gaps"] else "cursor.no_gaps", n=len(facts["gaps"])))


# -- backfill ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    """A stretch of the past to be read."""

    start: datetime
    end: datetime

    @property
    def windows(self) -> int:
        """How many there are at least: as wide as they may be, for nobody knows yet how dense it is."""
        return -(-(self.end - self.start) // LONGEST)


async def _backfill(frame: Frame, merchant: str, start: str, end: str | None, feed: Feed) -> None:
    settings = frame.settings()
    found = settings.merchant(frame.merchant(settings, merchant))
    begin = instant(frame, start).replace(microsecond=0)
    asked = instant(frame, end).replace(microsecond=0) if end else None
    async with frame.store(settings, changes=True) as store, store.begin() as tx:
        latest = tx.now.replace(microsecond=0) - settings.poll.settle
        at = await tx.windows.cursor(found.wdt.sid, feed)
        stop = asked or (at.origin if at is not None and begin < at.origin else latest)
        if stop > latest:
            raise frame.unusable("backfill.unsettled", latest=output.beijing(latest))
        if begin >= stop:
            raise frame.unusable("backfill.backwards", start=output.beijing(begin), end=output.beijing(stop))
        plan = Plan(begin, stop)
        new = await tx.windows.add_backfill(found.wdt.sid, feed, plan.start, plan.end)
        if new:
            await tx.journal.add(
                "backfill.asked", merchant=merchant, feed=feed, start=plan.start, end=plan.end, by=operator()
            )
        await tx.units.wake("poll", f"{merchant}/backfill")
    _tell(frame, merchant, plan, new=new, page=settings.poll.page_size, pace=found.wdt.calls_per_minute)


def _tell(frame: Frame, merchant: str, plan: Plan, *, new: bool, page: int, pace: int) -> None:
    if not new:
        print(frame.say("backfill.known"))
        return
    start, end = output.beijing(plan.start), output.beijing(plan.end)
    print(frame.say("backfill.asked", merchant=merchant, start=start, end=end))
    print(frame.say("backfill.calls", calls=plan.windows, page=page, pace=pace))
