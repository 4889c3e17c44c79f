"""`syncd orders`: list, show, and the three things a person may do with an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from syncd.cli import options, output
from syncd.cli.finding import find
from syncd.cli.frame import Frame, group, here, leave, wait
from syncd.cli.words import Lang, helper

if TYPE_CHECKING:
    from syncd.domain.lifecycle import State
    from syncd.store.orders import OrderView

ON_A_TERMINAL = 50


def register(app: typer.Typer, lang: Lang) -> None:
    """Add `syncd orders …`."""
    orders = group(app, "orders", lang)
    _register_list(orders, lang)
    _register_show(orders, lang)
    _register_retry(orders, lang)
    _register_hold(orders, lang)
    _register_release(orders, lang)


def _register_list(orders: typer.Typer, lang: Lang) -> None:
    text = helper(lang)

    @orders.command("list", help=text("orders.list"))
    def command(
        ctx: typer.Context,
        state: str | None = typer.Option(None, "--state", metavar="S", help=text("opt.state")),
        merchant: str | None = options.merchant(lang),
        limit: int | None = typer.Option(
            None, "--limit", metavar="N", callback=options.within(lang, "--limit", 1), help=text("opt.limit")
        ),
        as_json: bool = options.as_json(lang),
    ) -> None:
        wait(_list(here(ctx), state, merchant, limit, as_json))


def _register_show(orders: typer.Typer, lang: Lang) -> None:
    text = helper(lang)

    @orders.command("show", help=text("orders.show"))
    def command(
        ctx: typer.Context,
        no: str = options.number(lang),
        merchant: str | None = options.merchant(lang),
        raw: bool = typer.Option(False, "--raw", help=text("opt.raw")),
        as_json: bool = options.as_json(lang),
    ) -> None:
        wait(_show(here(ctx), no, merchant, raw, as_json))


def _register_retry(orders: typer.Typer, lang: Lang) -> None:
    @orders.command("retry", help=helper(lang)("orders.retry"))
    def command(
        ctx: typer.Context,
        nos: list[str] = options.numbers(lang),
        merchant: str | None = options.merchant(lang),
        reason: str = options.reason(lang, required=False),
    ) -> None:
        from syncd.cli.interventions import retry

        leave(wait(retry(here(ctx), nos, merchant, reason)))


def _register_hold(orders: typer.Typer, lang: Lang) -> None:
    @orders.command("hold", help=helper(lang)("orders.hold"))
    def command(
        ctx: typer.Context,
        no: str = options.number(lang),
        merchant: str | None = options.merchant(lang),
        reason: str = options.reason(lang, required=True),
    ) -> None:
        from syncd.cli.interventions import hold

        wait(hold(here(ctx), no, merchant, reason))


def _register_release(orders: typer.Typer, lang: Lang) -> None:
    text = helper(lang)

    @orders.command("release", help=text("orders.release"))
    def command(
        ctx: typer.Context,
        no: str = options.number(lang),
        merchant: str | None = options.merchant(lang),
        settled_outside: bool = typer.Option(False, "--settled-outside", help=text("opt.settled_outside")),
        blue_exists: str = typer.Option("", "--blue-exists", help=text("opt.blue_exists")),
        reason: str = options.reason(lang, required=False),
        yes: bool = options.yes(lang),
    ) -> None:
        from syncd.cli.interventions import release

        asked = release(
            here(ctx), no, merchant, reason, settled_outside=settled_outside, yes=yes, blue_exists=blue_exists
        )
        wait(asked)


# -- list --------------------------------------------------------------------------------------------------------------


async def _list(frame: Frame, state: str | None, merchant: str | None, limit: int | None, as_json: bool) -> None:
    wanted = _state(frame, state)
    settings = frame.settings()
    shown = limit or (None if as_json else ON_A_TERMINAL)
    async with frame.store(settings) as store, store.read() as tx:
        counts = await tx.board.by_state()
        if merchant is not None and merchant not in {name for name, _ in counts}:
            frame.merchant(settings, merchant)
        found = await tx.board.orders(state=wanted, merchant=merchant, limit=shown)
        numbers = await tx.board.numbers([order.id for order in found])
    rows = [facts(order, numbers.get(order.id), frame.lang) for order in found]
    if as_json:
        output.show_json(rows)
        return
    total = sum(n for (name, at), n in counts.items() if merchant in (None, name) and wanted in (None, at))
    _print(frame, rows)
    if total > len(rows):
        print(frame.say("orders.more", shown=len(rows), total=total))


def _state(frame: Frame, word: str | None) -> State | None:
    from syncd.domain.lifecycle import State

    if word is None:
        return None
    if word.upper() not in State.__members__:
        near = frame.nearest(word.upper(), State.__members__)
        raise frame.unusable("unknown.state", name=word, states=", ".join(State.__members__), near=near)
    return State(word.upper())


def facts(order: OrderView, number: str | None, lang: Lang) -> dict[str, Any]:
    """An order as `orders list --json` shows it."""
    from syncd.domain.hold_texts import sentence

    return {
        "merchant": order.merchant,
        "invoice_order_no": order.no,
        "state": order.state,
        "phase": order.phase,
        "hold": order.hold,
        "text": sentence(order.hold, order.hold_facts, lang) if order.hold else None,
        "invoice_no": number,
        "wdt_status": order.wdt_status,
        "amount": None if order.amount is None else output.yuan(order.amount),
        "is_red": order.is_red,
        "drifted": order.drifted,
        "changed_at": order.changed_at,
    }


def _print(frame: Frame, rows: list[dict[str, Any]]) -> None:
    if not rows:
        print(frame.say("orders.none"))
        return
    say = frame.say
    output.table(
        [
            say(f"column.{name}")
            for name in ("merchant", "no", "state", "wdt", "amount", "invoice_no", "changed", "why")
        ],
        [
            [
                row["merchant"],
                row["invoice_order_no"],
                f"{row['state']}/{row['phase']}" if row["phase"] else row["state"],
                str(row["wdt_status"]),
                row["amount"] or "-",
                row["invoice_no"] or "-",
                output.beijing(row["changed_at"]),
                row["text"] or (say("orders.drifted") if row["drifted"] else ""),
            ]
            for row in rows
        ],
    )


# -- show --------------------------------------------------------------------------------------------------------------


async def _show(frame: Frame, no: str, merchant: str | None, raw: bool, as_json: bool) -> None:
    from syncd.store.dossier import Dossier

    async with frame.store(frame.settings()) as store, store.read() as tx:
        order = await find(tx, frame, no, merchant)
        numbers = await tx.board.numbers([order.id])
        submissions = await Dossier(tx.connection).submissions(order.id)
        applications = await tx.applications.of_order(order.id)
        now = tx.now
    shown = facts(order, numbers.get(order.id), frame.lang) | {
        "payer": output.masked_name(order.payer_name),
        "shop_no": order.shop_no,
        "hold_facts": order.hold_facts,
        "held_from": order.held_from,
        "generation": order.generation,
        "keys": [one.key for one in submissions],
        "applications": [f"{one.apply_id} {one.state}" for one in applications],
        "next_at": order.next_at,
        "first_seen_at": order.first_seen_at,
        "seen_at": order.seen_at,
        "sent_at": order.sent_at,
        "asked_at": order.asked_at,
    }
    body = order.raw.decode("utf-8", "backslashreplace") if raw else ""
    if as_json:
        output.show_json(shown | ({"raw": body} if raw else {}))
        return
    output.pairs({frame.say(f"show.{key}"): _cell(frame, value, now) for key, value in shown.items()})
    if raw:
        print(output.inert(body))


def _cell(frame: Frame, value: object, now: Any) -> str:
    from datetime import datetime

    if isinstance(value, datetime):
        return output.when(value, now, frame.say)
    if isinstance(value, bool):
        return frame.say("yes" if value else "no")
    if isinstance(value, dict):
        return "; ".join(f"{name}={told}" for name, told in value.items()) or "-"
    if isinstance(value, list):
        return ", ".join(str(one) for one in value) or "-"
    return "-" if value in (None, "") else str(value)
