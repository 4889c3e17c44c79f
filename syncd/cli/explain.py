"""`syncd explain NO`: an order's story, where it stands, what happens next and when, and who must act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from syncd.cli import explain_application, explain_red, explain_wallet, options, output
from syncd.cli.explain_owed import Around, Outlook, left_over, owner
from syncd.cli.finding import find, typed
from syncd.cli.frame import Frame, here, wait
from syncd.cli.lane_bans import ban_of
from syncd.cli.lane_words import reason
from syncd.cli.words import CATALOGUE, Lang, Say, helper, speaker
from syncd.domain.hold_texts import explain, sentence
from syncd.domain.lifecycle import FINAL, Hold, State

if TYPE_CHECKING:
    from syncd.domain.invoice import Invoice
    from syncd.store.applications import ApplicationId, ApplicationView
    from syncd.store.cards import CardView
    from syncd.store.dossier import DebtView, Submitted
    from syncd.store.journal import Entry
    from syncd.store.lanes import Lane
    from syncd.store.orders import OrderView


#: Lanes that stop neither issuing nor the write-back.
OTHERS = ("top", "yuannian")


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
    typed: str  # how a command means it
    entries: tuple[Entry, ...]
    submissions: tuple[Submitted, ...]
    debts: tuple[DebtView, ...]
    invoices: tuple[Invoice, ...]
    lanes: tuple[Lane, ...]
    now: datetime
    applications: tuple[ApplicationView, ...] = ()
    reds: explain_red.Chain = explain_red.ALONE
    cards: tuple[CardView, ...] = ()
    bans: Mapping[str, datetime] = field(default_factory=dict)  # by platform, of the merchant's accounts
    linked: Mapping[ApplicationId, Sequence[tuple[str, str]]] = field(default_factory=dict)

    @property
    def around(self) -> Around:
        return Around(self.lanes, self.now, self.bans, self.linked)


async def _explain(frame: Frame, no: str, merchant: str | None, as_json: bool) -> None:
    from syncd.store.dossier import Dossier

    settings = frame.settings()
    async with frame.store(settings) as store, store.read() as tx:
        order = await find(tx, frame, no, merchant)
        applications = tuple(await tx.applications.of_order(order.id))
        dossier = Dossier(tx.connection)
        invoices = tuple((await tx.submissions.invoices([order.id])).get(order.id, []))
        story = Story(
            order=order,
            typed=await typed(tx, order),
            entries=tuple(await tx.journal.of(order.id)),
            submissions=tuple(await dossier.submissions(order.id)),
            debts=tuple(await dossier.debts(order.id)),
            invoices=invoices,
            lanes=tuple(lane for lane in await tx.lanes.all() if lane.merchant == order.merchant),
            now=tx.now,
            applications=applications,
            reds=await explain_red.chain(tx, order, invoices),
            cards=await explain_wallet.cards(tx, order, invoices),
            bans={
                platform: ban.until
                for platform in OTHERS
                if (ban := await ban_of(tx, settings, f"{order.merchant}/{platform}")) is not None
            },
            linked=await tx.links.orders_of([one.id for one in applications]),
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
        left = left_over(story.applications, story.debts, story.around)
        if left is not None:
            return left
        return Outlook("swept" if order.sweep_at else order.state, order.sweep_at, "nobody")
    owed = next((debt for debt in story.debts if debt.target == "wdt" and debt.state in ("owed", "sent")), None)
    writing = order.state in (State.ISSUED, State.FAILED) and order.phase != "file_pending"
    at = owed.next_at if writing and owed is not None else order.next_at
    lane = _rest(story, to_wdt=writing)
    key = f"{order.state}.{order.phase}" if order.phase else order.state
    key += ".card" if order.phase == "waiting_blue" and explain_red.for_card(story.entries) else ""
    until = _until(story) if order.phase == "waiting_buyer" else ""
    if lane is None:
        return Outlook(key, at, "buyer" if until else "system", until=until)
    return Outlook(key, max(at, lane.until) if lane.until else None, owner(lane), lane)


def _until(story: Story) -> str:
    """When the buyer's time is over, as it was last noted."""
    noted = [entry.facts.get("until") for entry in story.entries if entry.event == "order.waiting_buyer"]
    return _instant(str(noted[-1])) if noted and noted[-1] else ""


def _instant(text: str) -> str:
    """A noted instant as people here read it."""
    try:
        return output.beijing(datetime.fromisoformat(text))
    except ValueError:
        return text


def _rest(story: Story, *, to_wdt: bool) -> Lane | None:
    for lane in story.lanes:
        ended = lane.until is not None and lane.until <= story.now
        if lane.platform in OTHERS:
            continue
        if lane.state != "open" and not ended and (lane.platform == "wdt") is to_wdt:
            return lane
    return None


# -- telling -----------------------------------------------------------------------------------------------------------


def told(entry: Entry, lang: Lang) -> str:
    """One journal line as a sentence; an event this program has no words for is shown by its name."""
    say, key = speaker(lang), f"event.{entry.event}"
    for part in (explain_application.held, explain_red.waits):
        sentence_of_it = part(entry, lang)
        if sentence_of_it is not None:
            return sentence_of_it
    if entry.event == "order.held" and entry.facts.get("hold") in set(Hold):
        return say("explain.held", why=explain(Hold(entry.facts["hold"]), _safe(entry.facts), lang).what)
    facts = {name: str(value) for name, value in entry.facts.items()}
    text = say(key) if key in CATALOGUE else entry.event
    rest = "; ".join(f"{_label(name, say)} {_said(name, value, say)}" for name, value in facts.items() if value)
    return f"{text} ({rest})" if rest else text


def _label(name: str, say: Say) -> str:
    key = f"fact.{name}"
    return say(key) if key in CATALOGUE else name


def _said(name: str, value: str, say: Say) -> str:
    """A value that is a word of ours in the reader's language, any other as it may be shown."""
    key = f"fact.{name}.{value}"
    return say(key) if key in CATALOGUE else _shown(name, value)


def _shown(name: str, value: str) -> str:
    """A party's own wording may quote names and numbers of people; keys and document numbers are ours to show."""
    from syncd.watch.redaction import masked

    if name == "until":
        return _instant(value)
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
        "applications": explain_application.facts(story.applications, frame.lang, story.around),
        "red": explain_red.facts(story.reds),
        "cards": explain_wallet.facts(story.cards),
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
    if ahead.application is not None:
        return say("next.alibaba", apply_id=ahead.application.apply_id, why=ahead.application.said(say))
    return say(key, until=ahead.until or "?") if key in CATALOGUE else say("next.other")


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
    explain_red.show(frame, story.reds)
    explain_wallet.show(frame, story.cards, story.now)
    explain_application.show(frame, story.applications, story.around)
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
        kind = say(f"debt.kind.{debt.kind}") if f"debt.kind.{debt.kind}" in CATALOGUE else debt.kind
        target, state = say(f"debt.{debt.target}"), say(f"debt.{debt.state}")
        line = say("explain.debt", target=target, kind=kind, state=state, n=debt.tries)
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
        stands = reason(ahead.lane, frame.lang)
        print(f"  {output.inert(say('explain.lane', lane=ahead.lane.name, reason=stands, until=until))}")
    if ahead.at is not None:
        print(say("explain.when", when=output.when(ahead.at, story.now, say)))
    print(say("explain.who", who=say(f"who.{ahead.who}")))
    if order.hold:
        print(output.inert(say("explain.command", order=story.typed)))
