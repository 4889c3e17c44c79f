"""Writing down what a person decided about an order: one transaction, one line in its story, and a wake-up call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from syncd.cli.arming import note_if_disarmed
from syncd.cli.finding import find, operator, typed
from syncd.cli.frame import FAILED, FINE, Frame
from syncd.cli.output import beijing, inert, yuan
from syncd.domain import release as rules
from syncd.domain.lifecycle import Hold, State
from syncd.domain.release import Change, Refusal, Standing
from syncd.store.debts import FAILED as FAILED_DEBT
from syncd.store.instants import to_ms

if TYPE_CHECKING:
    from syncd.config import Settings
    from syncd.store.orders import OrderView
    from syncd.store.store import Tx

LONGEST_REASON = 200
#: So much of a tax number tells two of them apart.
_TAIL = 4


def standing(order: OrderView) -> Standing:
    """What the rules need to know of a stored order."""
    code = order.hold_facts.get("code", "") if order.hold else ""
    return Standing(order.state, order.phase, order.wdt_status, order.hold, order.held_from, order.held_phase, code)


# -- retry -------------------------------------------------------------------------------------------------------------


async def retry(frame: Frame, nos: Sequence[str], merchant: str | None, reason: str) -> int:
    """Make each order due now. One that cannot be retried says why and makes the exit code 1; the others go on."""
    refused = 0
    settings = frame.settings()
    async with frame.store(settings, changes=True) as store:
        async with store.read() as tx:
            for no in nos:  # a typing mistake is found before anything is written
                await find(tx, frame, no, merchant)
        for no in nos:
            async with store.begin() as tx:
                line, done = await retry_one(tx, frame, settings, await find(tx, frame, no, merchant), reason)
            print(inert(line))
            refused += not done
        await note_if_disarmed(frame, store)
    return FAILED if refused else FINE


async def decided_retry(tx: Tx, settings: Settings, order: OrderView) -> Change | Refusal:
    """What the rules say; refused, too, where the settings still lack the account that would have to be asked."""
    decided = rules.retry(standing(order), tx.now)
    if isinstance(decided, Refusal) or standing(order).code != rules.ACCOUNT_CHANGED:
        return decided
    stored = (await tx.submissions.newest([order.id])).get(order.id)
    account = _account(settings, order.merchant)
    if stored is None or account == (stored.issuer_kind, stored.seller_tax_no):
        return decided
    shown = {"account": stored.issuer, "was": stored.seller_tax_no[-_TAIL:], "now": account[1][-_TAIL:] or "-"}
    return Refusal("account_elsewhere", shown)


def _account(settings: Settings, merchant: str) -> tuple[str, str]:
    """Platform and tax number that the settings issue with for a merchant; empty where they do not know it."""
    names = {str(one.name): one.issuer for one in settings.merchants}
    issuer = settings.issuers.get(names.get(merchant, ""))
    return ("", "") if issuer is None else (issuer.kind, issuer.tax_no)


async def retry_one(
    tx: Tx, frame: Frame, settings: Settings, order: OrderView, reason: str, where: str | None = None
) -> tuple[str, bool]:
    """Make one order due now, if the rules allow it; the line to print and whether it was done."""
    decided = await decided_retry(tx, settings, order)
    if isinstance(decided, Refusal):
        return f"{order.no}: {why_not(frame, decided, order)}", False
    by = {"by": operator(), "reason": _reason(frame, reason), "where": where}
    await _apply(tx, order, decided, "order.retried", by)
    rest = await _rests(tx, frame, order, decided)
    return f"{order.no}: {frame.say('retry.done.' + decided.wake[-1])}{rest}", True


async def _rests(tx: Tx, frame: Frame, order: OrderView, change: Change) -> str:
    """A word about lanes at rest, without which "now" would be a lie."""
    resting = [lane for lane in await tx.lanes.all() if lane.merchant == order.merchant and lane.state != "open"]
    concerned = [lane for lane in resting if (lane.platform == "wdt") is ("write_back" in change.wake)]
    return "".join(" " + frame.say("retry.lane_rests", lane=lane.name, until=beijing(lane.until)) for lane in concerned)


# -- hold --------------------------------------------------------------------------------------------------------------


async def hold(frame: Frame, no: str, merchant: str | None, reason: str) -> None:
    """Set an order aside. What is on its way at the issuer stays on its way; it is asked about at the release."""
    said = _reason(frame, reason)
    if said is None:
        raise frame.unusable("hold.no_reason")
    async with frame.store(frame.settings(), changes=True) as store, store.begin() as tx:
        order = await find(tx, frame, no, merchant)
        decided = rules.hold(standing(order))
        if isinstance(decided, Refusal):
            raise frame.failed("order.refused", no=order.no, why=why_not(frame, decided, order))
        facts = {"reason": said, "by": operator()}
        await tx.orders.hold(order, Hold.BY_OPERATOR, facts)
        await tx.debts.void(order.id)
        await tx.journal.add("order.held", order_id=order.id, merchant=order.merchant, hold=Hold.BY_OPERATOR, **facts)
        named = await typed(tx, order)
    print(inert(frame.say("hold.done", no=order.no, order=named)))
    if order.state is State.INTENT:
        print(frame.say("hold.in_flight"))


# -- release -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wish:
    """A release as it was asked for."""

    settled_outside: bool
    reason: str | None
    blue_exists: str | None = None  # how somebody knows that the blue invoice of a red order exists


async def release(
    frame: Frame,
    no: str,
    merchant: str | None,
    reason: str,
    *,
    settled_outside: bool,
    yes: bool,
    blue_exists: str = "",
) -> None:
    """Let a held order go, after saying what will happen and asking."""
    wish = Wish(settled_outside, _reason(frame, reason), _reason(frame, blue_exists))
    if wish.settled_outside and wish.blue_exists:
        raise frame.unusable("release.one_or_the_other")
    async with frame.store(frame.settings(), changes=True) as store:
        async with store.read() as tx:
            order = await find(tx, frame, no, merchant)
            decided = _decided(frame, order, wish, tx.now)
        print(inert(frame.say("release.will." + str(decided.event), no=order.no)))
        if wish.blue_exists:
            blue, amount = order.hold_facts.get("blue", "?"), yuan(order.amount)
            print(inert(frame.say("release.vouched", blue=blue, amount=amount)))
        if not yes and not agreed(frame):
            raise frame.failed("ask.nothing_done")
        async with store.begin() as tx:
            order = await find(tx, frame, no, merchant)
            change = _decided(frame, order, wish, tx.now)
            if change.event is not decided.event:
                raise frame.failed("order.moved", no=order.no)
            by = {"by": operator(), "reason": wish.reason, "hold": order.hold, "code": order.hold_facts.get("code")}
            if wish.blue_exists:
                vouched = {"by": operator(), "reason": wish.blue_exists, "blue": order.hold_facts.get("blue", "")}
                await tx.journal.add("order.blue_exists", order_id=order.id, merchant=order.merchant, **vouched)
            await _apply(tx, order, change, "order.released", {**by, "to": str(change.event)})
            named = await typed(tx, order)
        print(inert(frame.say("release.done", no=order.no, order=named)))
        await note_if_disarmed(frame, store)


def agreed(frame: Frame) -> bool:
    """Ask; whoever goes away instead of answering has not agreed."""
    try:
        return typer.confirm(frame.say("ask.go_on"))
    except typer.Abort:
        print()
        return False


def _decided(frame: Frame, order: OrderView, wish: Wish, now: datetime) -> Change:
    vouched = wish.blue_exists is not None
    decided = rules.release(standing(order), now, settled_outside=wish.settled_outside, vouched=vouched)
    if isinstance(decided, Refusal):
        raise frame.failed("order.refused", no=order.no, why=why_not(frame, decided, order))
    return decided


# -- writing -----------------------------------------------------------------------------------------------------------


async def _apply(tx: Tx, order: OrderView, change: Change, event: str, facts: dict[str, Any]) -> None:
    """Write a change down, in the transaction in which it was decided."""
    columns = {name: to_ms(value) if isinstance(value, datetime) else value for name, value in change.columns.items()}
    if change.event is None:
        await tx.orders.wait(order, **columns)
    else:
        await tx.orders.move(order, change.event, **columns)
    if change.owes is not None:
        await _owe(tx, order, str(int(change.owes)))
    if change.look_now:
        await tx.debts.wake(order.id)
    known = {name: value for name, value in facts.items() if value is not None}
    await tx.journal.add(event, order_id=order.id, merchant=order.merchant, **known)
    for stage in change.wake:
        await tx.units.wake(stage, order.merchant)


async def _owe(tx: Tx, order: OrderView, kind: str) -> None:
    """What WDT was owed before the hold made it void."""
    stored = (await tx.submissions.newest([order.id])).get(order.id)
    text = ": ".join(order.refusal) if order.refusal and kind == FAILED_DEBT else ""
    revision = stored.revision if stored is not None else 0
    await tx.debts.owe(order.id, order.merchant, kind=kind, generation=order.generation, revision=revision, text=text)


def why_not(frame: Frame, refusal: Refusal, order: OrderView) -> str:
    """The refusal as a sentence."""
    when = beijing(order.next_at) if refusal.why == "in_flight" else ""
    return frame.say(f"refusal.{refusal.why}", **refusal.facts, when=when)


def _reason(frame: Frame, reason: str) -> str | None:
    """A reason fit for the journal, None for none. Raises Unusable."""
    text = reason.strip()
    if len(text) > LONGEST_REASON:
        raise frame.unusable("reason.too_long", limit=LONGEST_REASON)
    if not text.isprintable():
        raise frame.unusable("reason.unprintable")
    return text or None
