"""`syncd link`: which orders end which applications at Alibaba's invoice centre, and what a person says about them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from syncd.cli import options, output
from syncd.cli.arming import note_if_disarmed
from syncd.cli.finding import operator
from syncd.cli.frame import FINE, USAGE, Frame, here, leave, wait
from syncd.cli.link_deciding import remove as take_back
from syncd.cli.link_deciding import retry as go_on
from syncd.cli.link_deciding import settled as leave_alone
from syncd.cli.words import Lang, helper
from syncd.domain.application import OUTSIDE, Standing
from syncd.domain.link_rules import BadLine, Judged, Known, KnownApplication, KnownOrder, Wish, judge

if TYPE_CHECKING:
    from syncd.store.applications import ApplicationView
    from syncd.store.store import Store, Tx


def register(app: typer.Typer, lang: Lang) -> None:
    """Add `syncd link`."""
    text = helper(lang)

    @app.command("link", help=text("link"))
    def command(
        ctx: typer.Context,
        no: str | None = typer.Argument(None, metavar="[NO]", help=text("link.no")),
        apply_id: str | None = typer.Argument(None, metavar="[APPLY_ID]", help=text("link.apply_id")),
        csv: Path | None = typer.Option(None, "--csv", metavar="FILE", help=text("link.csv")),
        preview: bool = typer.Option(False, "--preview", help=text("link.preview")),
        also: bool = typer.Option(False, "--also", help=text("link.also")),
        listing: bool = typer.Option(False, "--list", help=text("link.list")),
        state: str | None = typer.Option(None, "--state", metavar="S", help=text("link.state")),
        remove: bool = typer.Option(False, "--remove", help=text("link.remove")),
        retry: bool = typer.Option(False, "--retry", help=text("link.retry")),
        as_it_is: bool = typer.Option(False, "--as-it-is", help=text("link.as_it_is")),
        settled: bool = typer.Option(False, "--settled", help=text("link.settled")),
        merchant: str | None = options.merchant(lang),
        reason: str = options.reason(lang, required=False),
        as_json: bool = options.as_json(lang),
    ) -> None:
        frame = here(ctx)
        match (bool(csv), listing, remove, retry, settled):
            case (True, False, False, False, False) if no is None:
                assert csv is not None
                wishes, bad = _read(frame, csv)
                way = Way("csv", merchant, preview=preview, also=also, as_json=as_json)
                leave(wait(_link(frame, wishes, way, tuple(bad))))
            case (False, True, False, False, False) if no is None:
                wait(_list(frame, merchant, state, as_json))
            case (False, False, True, False, False) if no and apply_id:
                wait(take_back(frame, no, apply_id, merchant, as_json=as_json))
            case (False, False, False, True, False) if no and apply_id is None:
                wait(go_on(frame, no, merchant, reason, as_it_is=as_it_is, as_json=as_json))
            case (False, False, False, False, True) if no and apply_id is None:
                wait(leave_alone(frame, no, merchant, reason, as_json=as_json))
            case (False, False, False, False, False) if no and apply_id:
                way = Way("operator", merchant, preview=preview, also=also, as_json=as_json)
                leave(wait(_link(frame, [Wish(0, no, apply_id)], way)))
            case _:
                raise frame.unusable("link.usage")


# -- linking -----------------------------------------------------------------------------------------------------------


def _read(frame: Frame, path: Path) -> tuple[list[Wish], list[BadLine]]:
    from syncd.cli.link_csv import MOST_BYTES, read

    try:
        content = sys.stdin.buffer.read(MOST_BYTES + 1) if str(path) == "-" else path.read_bytes()
    except FileNotFoundError:
        raise frame.unusable("link.no_file", file=path) from None
    except IsADirectoryError:
        raise frame.unusable("link.folder", file=path) from None
    except PermissionError:
        raise frame.unusable("link.forbidden", file=path) from None
    except OSError as error:
        raise frame.unusable("link.unreadable", file=path, why=error.strerror or error) from None
    return read(content)


@dataclass(frozen=True, slots=True)
class Way:
    """How links are wanted: by what, of whose orders, in earnest or not, and how it is told."""

    source: str
    merchant: str | None
    preview: bool
    also: bool
    as_json: bool


async def _link(frame: Frame, wishes: list[Wish], way: Way, unread: tuple[BadLine, ...] = ()) -> int:
    """All of them in one transaction, or none."""
    async with frame.store(frame.settings(), changes=not way.preview) as store:
        if way.preview:
            async with store.read() as tx:
                judged = judge(wishes, await _known(tx, wishes, way.merchant), also=way.also)
        else:
            judged = await _do(store, wishes, way, hopeless=bool(unread))
        bad = sorted((*unread, *judged.bad), key=lambda one: one.line)
        if not way.preview and not bad:
            await note_if_disarmed(frame, store)
    return _told_as_json(frame, judged, bad, way) if way.as_json else _told(frame, judged, bad, preview=way.preview)


async def _do(store: Store, wishes: list[Wish], way: Way, *, hopeless: bool) -> Judged:
    from syncd.domain.centre import ApplyId
    from syncd.stages.linking import link
    from syncd.store.links import Newcomer

    async with store.begin() as tx:
        judged = judge(wishes, await _known(tx, wishes, way.merchant), also=way.also)
        if judged.bad or hopeless:
            return judged
        for wish in judged.fit:
            (order,) = await tx.orders.by_no(wish.no, way.merchant)
            new = Newcomer(order.sid, order.merchant, ApplyId(wish.apply_id), way.source)
            application_id, _ = await tx.links.meet(new)
            await link(tx, await tx.applications.get(application_id), order, way.source, by=operator())
    return judged


async def _known(tx: Tx, wishes: list[Wish], merchant: str | None) -> Known:
    """What the store knows of everything that is wished for."""
    orders: dict[str, list[KnownOrder]] = {}
    applications: dict[str, list[KnownApplication]] = {}
    for no in dict.fromkeys(wish.no for wish in wishes):
        for order in await tx.orders.by_no(no, merchant):
            linked = [one for one in await tx.applications.of_order(order.id) if one.state is not Standing.WITHDRAWN]
            ids = tuple(str(one.apply_id) for one in linked)
            orders.setdefault(no, []).append(KnownOrder(no, order.merchant, order.payer_name, ids))
    for apply_id in dict.fromkeys(wish.apply_id for wish in wishes):
        for seen in await tx.applications.find(apply_id):
            legs = await tx.links.legs(seen.id)
            told = bool(seen.said) or await tx.links.has_returned(seen.id)
            beside = tuple(KnownOrder(leg.no, seen.merchant, leg.payer_name) for leg in legs if not leg.cancelled)
            known = KnownApplication(apply_id, seen.merchant, seen.state, told, beside)
            applications.setdefault(apply_id, []).append(known)
    return Known(orders, applications)


def _told(frame: Frame, judged: Judged, bad: list[BadLine], *, preview: bool) -> int:
    say = frame.say
    for one in bad:
        why = say(f"link.bad.{one.why}", **one.facts)
        print(output.inert(say("link.line", line=one.line, why=why) if one.line else why), file=sys.stderr)
    if bad:
        print(say("link.nothing_done", bad=len(bad)), file=sys.stderr)
        return USAGE
    if preview:
        for wish in judged.fit:
            print(output.inert(say("link.would", no=wish.no, apply_id=wish.apply_id)))
    key = "link.previewed" if preview else "link.done"
    print(say(key, fit=len(judged.fit), there=len(judged.there)))
    return FINE


def _told_as_json(frame: Frame, judged: Judged, bad: list[BadLine], way: Way) -> int:
    """One JSON value, whatever came of it: an integrator reads which lines, and why."""
    say = frame.say
    output.show_json(
        {
            "preview": way.preview,
            "done": not bad and not way.preview,
            "linked": [_as_json(wish) for wish in judged.fit] if not bad else [],
            "linked_already": [_as_json(wish) for wish in judged.there],
            "bad": [
                {"line": one.line, "why": one.why, **one.facts, "text": say(f"link.bad.{one.why}", **one.facts)}
                for one in bad
            ],
        }
    )
    return USAGE if bad else FINE


def _as_json(wish: Wish) -> dict[str, Any]:
    return {"line": wish.line, "no": wish.no, "apply_id": wish.apply_id}


# -- the work list -----------------------------------------------------------------------------------------------------


async def _list(frame: Frame, merchant: str | None, state: str | None, as_json: bool) -> None:
    wanted = _state(frame, state)
    settings = frame.settings()
    if merchant is not None:
        frame.merchant(settings, merchant)
    async with frame.store(settings) as store, store.read() as tx:
        found = await tx.applications.all(merchant=merchant, state=wanted)
        orders = await tx.links.orders_of([one.id for one in found])
        now = tx.now
    rows = [facts(one, [no for no, _ in orders.get(one.id, [])], frame.lang) for one in found]
    if as_json:
        output.show_json(rows)
        return
    if not rows:
        print(frame.say("link.none"))
        return
    say = frame.say
    columns = ("merchant", "apply_id", "state", "orders", "next", "why")
    output.table(
        [say(f"link.column.{name}") for name in columns],
        [
            [
                row["merchant"],
                row["apply_id"],
                say("application.settled" if row["settled_outside"] else f"application.{row['state']}"),
                " ".join(row["orders"]) or say("link.unlinked"),
                output.when(row["next_at"], now, say) if row["next_at"] else "-",
                row["text"] or "",
            ]
            for row in rows
        ],
    )


def facts(seen: ApplicationView, orders: list[Any], lang: Lang) -> dict[str, Any]:
    """An application as `link --list --json` shows it."""
    from syncd.domain.application_texts import sentence

    return {
        "merchant": seen.merchant,
        "apply_id": seen.apply_id,
        "state": seen.state,
        "settled_outside": seen.told == OUTSIDE,
        "hold": seen.hold,
        "text": sentence(seen.hold, seen.apply_id, seen.hold_facts, lang) if seen.hold else None,
        "orders": [str(no) for no in orders],
        "source": seen.source,
        "platform_tid": seen.platform_tid,
        "said": seen.said,
        "answer": seen.answer,
        "round": seen.round,
        "request_id": seen.request_id,
        "next_at": seen.next_at,
        "seen_at": seen.seen_at,
    }


def _state(frame: Frame, word: str | None) -> Standing | None:
    if word is None:
        return None
    states = {str(one): one for one in Standing}
    if word.lower() not in states:
        near = frame.nearest(word.lower(), states)
        raise frame.unusable("unknown.state", name=word, states=", ".join(states), near=near)
    return states[word.lower()]
