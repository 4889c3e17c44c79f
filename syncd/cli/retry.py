"""`syncd retry --where …`: the same as `orders retry`, for every order that meets a condition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from syncd.cli import options, output
from syncd.cli.frame import FAILED, FINE, Frame, here, leave, wait
from syncd.cli.words import Lang, helper

if TYPE_CHECKING:
    from syncd.cli.where import Condition
    from syncd.config import Settings
    from syncd.store.orders import OrderView
    from syncd.store.store import Store, Tx

ON_A_TERMINAL = 50
RETRY, RELEASE, NONE = "retry", "release", "none"


def register(app: typer.Typer, lang: Lang) -> None:
    """Add `syncd retry`."""
    text = helper(lang)

    @app.command("retry", help=text("retry"))
    def command(
        ctx: typer.Context,
        where: str = typer.Option(..., "--where", metavar="CONDITION", help=text("opt.where")),
        dry_run: bool = typer.Option(False, "--dry-run", help=text("opt.dry_run")),
        reason: str = options.reason(lang, required=False),
        yes: bool = options.yes(lang),
        as_json: bool = options.as_json(lang),
    ) -> None:
        leave(wait(_retry(here(ctx), where, Manner(dry_run, yes, as_json, reason))))


@dataclass(frozen=True, slots=True)
class Manner:
    """How a bulk retry was asked for."""

    dry_run: bool
    yes: bool
    as_json: bool
    reason: str


@dataclass(slots=True)
class Planned:
    """One order and what is to become of it; `done` is None until it was tried."""

    order: OrderView
    action: str
    what: str
    done: bool | None = None


async def _retry(frame: Frame, where: str, manner: Manner) -> int:
    from datetime import UTC, datetime

    from syncd.cli.where import parse
    from syncd.store.workers import differ

    if manner.as_json and not (manner.dry_run or manner.yes):
        raise frame.unusable("retry.json_needs_yes")
    condition = parse(frame, where, datetime.now(UTC))
    settings = frame.settings()
    async with frame.store(settings, changes=not manner.dry_run) as store:
        async with store.read() as tx:
            plan = [await _planned(tx, frame, settings, condition, order) for order in await _matching(tx, condition)]
            unequal = differ(await tx.workers.all())
        if not manner.as_json:
            _print_plan(frame, plan)
            if unequal and _possible(plan):
                print(frame.say("retry.settings_differ"))
        if not manner.dry_run and _possible(plan):
            _agree(frame, manner)
            await _carry_out(store, frame, settings, condition, plan, manner)
    return _report(frame, condition, plan, manner, unequal=unequal)


async def _matching(tx: Tx, condition: Condition) -> list[OrderView]:
    """Every order that meets the condition, the oldest first."""
    named = [term.value for term in condition.terms if term.field == "merchant" and not term.pattern]
    found = [
        order
        for state in condition.states
        for order in await tx.board.orders(state=state, merchant=named[0] if named else None)
        if condition.matches(order)
    ]
    return sorted(found, key=lambda order: order.id)


async def _planned(tx: Tx, frame: Frame, settings: Settings, condition: Condition, order: OrderView) -> Planned:
    from syncd.cli.interventions import decided_retry, why_not
    from syncd.domain.lifecycle import Event, Hold
    from syncd.domain.release import Refusal

    decided = await decided_retry(tx, settings, order)
    if order.hold is Hold.BY_OPERATOR and not condition.names("hold", Hold.BY_OPERATOR):
        decided = Refusal("held_by_a_person")
    if isinstance(decided, Refusal):
        return Planned(order, NONE, frame.say("retry.cannot", why=why_not(frame, decided, order)))
    if decided.event is None:
        return Planned(order, RETRY, frame.say("retry.will." + decided.wake[-1]))
    if decided.event is not Event.RELEASED_PENDING:
        return Planned(order, RELEASE, frame.say(f"retry.will.{decided.event}"))
    asked_first = "release_left" if decided.wake == ("collect",) else "release"
    return Planned(order, RELEASE, frame.say("retry.will." + asked_first))


async def _carry_out(
    store: Store, frame: Frame, settings: Settings, condition: Condition, plan: Sequence[Planned], manner: Manner
) -> None:
    """Each order in a transaction of its own, decided anew there; one that has moved meanwhile is left alone."""
    from syncd.cli.interventions import retry_one

    for one in _possible(plan):
        async with store.begin() as tx:
            order = (await tx.orders.by_ids([one.order.id])).get(one.order.id)
            if (
                order is None
                or not condition.matches(order)
                or (await _planned(tx, frame, settings, condition, order)).action != one.action
            ):
                one.done, one.what = False, frame.say("retry.cannot", why=frame.say("refusal.moved"))
                continue
            line, one.done = await retry_one(tx, frame, settings, order, manner.reason, condition.text)
        if not manner.as_json:
            print(output.inert(line))


def _agree(frame: Frame, manner: Manner) -> None:
    """Ask, unless told not to. Raises Failed for "no"."""
    from syncd.cli.interventions import agreed

    if not manner.yes and not agreed(frame):
        raise frame.failed("ask.nothing_done")


def _possible(plan: Sequence[Planned]) -> list[Planned]:
    return [one for one in plan if one.action != NONE]


# -- saying it ---------------------------------------------------------------------------------------------------------


def _report(frame: Frame, condition: Condition, plan: Sequence[Planned], manner: Manner, *, unequal: bool) -> int:
    if manner.as_json:
        output.show_json(
            {
                "where": condition.text,
                "dry_run": manner.dry_run,
                "matched": len(plan),
                "counts": _counts(plan),
                "settings_differ": unequal,
                "orders": [_facts(one) for one in plan],
            }
        )
    elif plan:
        done = sum(one.done is True for one in plan)
        print(frame.say("retry.dry") if manner.dry_run else frame.say("retry.done_all", n=done))
    if manner.dry_run:
        return FINE
    return FINE if all(one.done for one in plan) else FAILED


def _facts(one: Planned) -> dict[str, Any]:
    order = one.order
    return {
        "merchant": order.merchant,
        "invoice_order_no": order.no,
        "state": order.state,
        "phase": order.phase,
        "hold": order.hold,
        "held_from": order.held_from,
        "action": one.action,
        "what": one.what,
        "done": one.done,
    }


def _counts(plan: Sequence[Planned]) -> dict[str, int]:
    counted = Counter(one.action for one in plan)
    return {action: counted[action] for action in (RETRY, RELEASE, NONE)}


def _print_plan(frame: Frame, plan: Sequence[Planned]) -> None:
    say = frame.say
    if not plan:
        print(say("retry.nothing"))
        return
    output.table(
        [say(f"column.{name}") for name in ("merchant", "no", "state", "action")],
        [
            [
                one.order.merchant,
                one.order.no,
                _stands(frame, one.order),
                one.what,
            ]
            for one in plan[:ON_A_TERMINAL]
        ],
    )
    if len(plan) > ON_A_TERMINAL:
        print(say("retry.more", shown=ON_A_TERMINAL))
    print(say("retry.summary", n=len(plan), **_counts(plan)))


def _stands(frame: Frame, order: OrderView) -> str:
    """Its state, and why it is held in the reader's language with the word for --where behind it."""
    from syncd.watch.alert_texts import HOLDS

    if order.hold is None:
        return f"{order.state}/{order.phase}".rstrip("/")
    return f"{order.state}: {HOLDS[order.hold][0 if frame.lang == 'zh' else 1]} ({order.hold})"
