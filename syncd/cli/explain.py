"""`syncd explain NO`: an order's story, where it stands, what happens next and when, and who must act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from syncd.cli import options, output
from syncd.cli.finding import find
from syncd.cli.frame import Frame, here, wait
from syncd.cli.words import CATALOGUE, Lang, Say, helper, speaker
from syncd.domain.hold_texts import explain, sentence
from syncd.domain.lifecycle import FINAL, Hold, State

if TYPE_CHECKING:
    from syncd.domain.invoice import Invoice
    from syncd.store.dossier import DebtView, Submitted
    from syncd.store.journal import Entry
    from syncd.store.lanes import Lane
    from syncd.store.orders import OrderView


def register(app: typer.Typer, lang: Lang) -> None:
    """Add `syncd explain`."""

    @app.command("explain", help=helper(lang)("explain"))
    def command(
        ctx: typer.Context,
        no: str = options.number(lang),
        merchant: str | None = options.merchant(lang),
        as_json: bool = options.as_json(lang),
    ) -> None:
        wait(_explain(here(ctx), no, merchant, as_json))


@dataclass(frozen=True, slots=True)
class Story:
    """Everything there is to tell about one order."""

    order: OrderView
    entries: tuple[Entry, ...]
    submissions: tuple[Submitted, ...]
    debts: tuple[DebtView, ...]
    invoices: tuple[Invoice, ...]
    lanes: tuple[Lane, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class Outlook:
    """What happens next: a sentence's key, when (None: not by itself), who must act, and the lane it waits for."""

    key: str
    at: datetime | None
    who: str
    lane: Lane | None = None


async def _explain(frame: Frame, no: str, merchant: str | None, as_json: bool) -> None:
    from syncd.store.dossier import Dossier

    async with frame.store(frame.settings()) as store, store.read() as tx:
        order = await find(tx, frame, no, merchant)
        dossier = Dossier(tx.connection)
        story = Story(
            order=order,
            entries=tuple(await tx.journal.of(order.id)),
            submissions=tuple(await dossier.submissions(order.id)),
            debts=tuple(await dossier.debts(order.id)),
            invoices=tuple((await tx.submissions.invoices([order.id])).get(order.id, [])),
            lanes=tuple(lane for lane in await tx.lanes.all() if lane.merchant == order.merchant),
            now=tx.now,
        )
    if as_json:
        output.show_json(_facts(frame, story))
    else:
        _print(frame, story)


# -- what happens next -------------------------------------------------------------------------------------------------


def outlook(story: Story) -> Outlook:
    """What the order waits for, and who or what it waits on."""
    order = story.order
    if order.state is State.HOLD:
        return Outlook("HOLD", None, "clerk")
    if order.state in FINAL and not order.phase:
        return Outlook("swept" if order.sweep_at else order.state, order.sweep_at, "nobody")
    owed = next((debt for debt in story.debts if debt.state in ("owed", "sent")), None)
    writing = order.state in (State.ISSUED, State.FAILED) and order.phase != "file_pending"
    at = owed.next_at if writing and owed is not None else order.next_at
    lane = _rest(story, to_wdt=writing)
    key = f"{order.state}.{order.phase}" if order.phase else order.state
    if lane is None:
        return Outlook(key, at, "system")
    return Outlook(key, max(at, lane.until) if lane.until else None, _owner(lane), lane)


def _rest(story: Story, *, to_wdt: bool) -> Lane | None:
    for lane in story.lanes:
        ended = lane.until is not None and lane.until <= story.now
        if lane.state != "open" and not ended and (lane.platform == "wdt") is to_wdt:
            return lane
    return None


def _owner(lane: Lane) -> str:
    if lane.state == "paused":
        return "operator"
    care = lane.reason.partition(":")[0]
    return {"settings": "integrator", "person": "clerk", "clock": "integrator"}.get(care, "system")


# -- telling -----------------------------------------------------------------------------------------------------------


def told(entry: Entry, lang: Lang) -> str:
    """One journal line as a sentence; an event this program has no words for is shown by its name."""
    say, key = speaker(lang), f"event.{entry.event}"
    if entry.event == "order.held" and entry.facts.get("hold") in set(Hold):
        return say("explain.held", why=explain(Hold(entry.facts["hold"]), _safe(entry.facts), lang).what)
    facts = {name: str(value) for name, value in entry.facts.items()}
    text = say(key) if key in CATALOGUE else entry.event
    rest = "; ".join(f"{_label(name, say)} {_shown(name, value)}" for name, value in facts.items() if value)
    return f"{text} ({rest})" if rest else text


def _label(name: str, say: Say) -> str:
    key = f"fact.{name}"
    return say(key) if key in CATALOGUE else name


def _shown(name: str, value: str) -> str:
    """A party's own wording may quote names and numbers of people; keys and document numbers are ours to show."""
    from syncd.watch.redaction import masked

    return masked(value, numbers=name not in ("text", "why", "error", "given", "ours", "order", "account"))


def _facts(frame: Frame, story: Story) -> dict[str, Any]:
    from syncd.cli.orders import facts

    ahead = outlook(story)
    number, held = story.invoices[-1].number if story.invoices else None, story.order.hold
    return facts(story.order, number, frame.lang) | {
        "text": sentence(held, _safe(story.order.hold_facts), frame.lang) if held else None,
        "payer": output.masked_name(story.order.payer_name),
        "events": [
            {"at": entry.at, "event": entry.event, "text": told(entry, frame.lang), "facts": _safe(entry.facts)}
            for entry in story.entries
        ],
        "submissions": [
            {"generation": one.generation, "key": one.key, "issuer": one.issuer, "revisions": one.revisions}
            for one in story.submissions
        ],
        "invoices": [{"number": one.number, "code": one.code, "issued_at": one.issued_at} for one in story.invoices],
        "debts": [
            {"target": debt.target, "kind": debt.kind, "state": debt.state, "next_at": debt.next_at}
            for debt in story.debts
        ],
        "next": {
            "text": _next(frame.say, ahead),
            "at": ahead.at,
            "who": ahead.who,
            "lane": ahead.lane.name if ahead.lane else None,
        },
    }


def _safe(facts: Mapping[str, object]) -> dict[str, str]:
    """Facts as anybody may read them."""
    return {name: _shown(name, str(value)) for name, value in facts.items()}


def _next(say: Say, ahead: Outlook) -> str:
    key = f"next.{ahead.key}"
    return say(key) if key in CATALOGUE else say("next.other")


def _print(frame: Frame, story: Story) -> None:
    say, order = frame.say, story.order
    name = output.masked_name(order.payer_name) or "-"
    print(output.inert(say("explain.title", no=order.no, merchant=order.merchant)))
    print(output.inert(say("explain.order", payer=name, amount=output.yuan(order.amount), status=order.wdt_status)))
    print(f"\n{say('explain.story')}")
    _line(say("explain.first_seen"), order.first_seen_at, story.now, say)
    for entry in story.entries:
        _line(told(entry, frame.lang), entry.at, story.now, say)
    _print_papers(frame, story)
    _print_now(frame, story)


def _line(text: str, at: datetime, now: datetime, say: Say) -> None:
    print(f"  {output.beijing(at)}  {output.inert(text)}  ({output.relative(at, now, say)})")


def _print_papers(frame: Frame, story: Story) -> None:
    say = frame.say
    if story.submissions or story.invoices:
        print(f"\n{say('explain.papers')}")
    for one in story.submissions:
        line = say("explain.key", key=one.key, generation=one.generation, issuer=one.issuer, n=one.revisions)
        print(f"  {output.inert(line)}")
    for invoice in story.invoices:
        line = say("explain.invoice", number=invoice.number, code=invoice.code or "-")
        print(f"  {output.inert(line)}  {output.when(invoice.issued_at, story.now, say)}")
    for debt in story.debts:
        line = say("explain.debt", target=debt.target, kind=debt.kind, state=say(f"debt.{debt.state}"), n=debt.tries)
        print(f"  {output.inert(line)}")


def _print_now(frame: Frame, story: Story) -> None:
    say, order, ahead = frame.say, story.order, outlook(story)
    print(f"\n{say('explain.now', state=order.state, meaning=say(f'state.{order.state}'))}")
    if order.hold:
        why = explain(order.hold, _safe(order.hold_facts), frame.lang)
        print(f"  {output.inert(why.what)}\n  {output.inert(why.then)}")
    if order.drifted:
        print(f"  {say('orders.drifted')}")
    print(say("explain.next", text=_next(say, ahead)))
    if ahead.lane is not None:
        until = output.when(ahead.lane.until, story.now, say) if ahead.lane.until else say("lane.until_resumed")
        print(f"  {output.inert(say('explain.lane', lane=ahead.lane.name, reason=ahead.lane.reason, until=until))}")
    if ahead.at is not None:
        print(say("explain.when", when=output.when(ahead.at, story.now, say)))
    print(say("explain.who", who=say(f"who.{ahead.who}")))
    if order.hold:
        print(output.inert(say("explain.command", no=order.no)))
