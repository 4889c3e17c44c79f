"""`syncd wallet import`, `status`, `list`: cards by hand, and what is kept of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from syncd.cli import output
from syncd.cli.finding import operator
from syncd.cli.frame import DISARMED, FAILED, FINE, Frame, wait
from syncd.cli.wallet_account import (
    Account,
    account,
    card_cells,
    card_facts,
    card_headers,
    refusal_said,
    section,
    status_said,
)

if TYPE_CHECKING:
    from syncd.domain.wallet import Card, Reimburse

Pairs = Sequence[tuple[str, str]]
#: Cards to a call; not said there.
_BATCH = 20


async def bring_in(
    frame: Frame, merchant: str | None, cards: Pairs, biz_code: str, access_token: str, as_json: bool
) -> int:
    """Import, keep, show; FAILED where a card was not taken."""
    async with account(frame, merchant) as here:
        found, refusals = await _imported(here, cards, biz_code, access_token)
        await _keep(frame, here, found, cards, access_token)
    missing = [card for card, _ in cards if card not in {one.card_id for one in found}]
    if as_json:
        rows: list[dict[str, Any]] = [{**card_facts(one, here.name), "imported": True} for one in found]
        why = {card: refusals.get(card) for card in missing}
        rows += [{"merchant": here.name, "card_id": card, "imported": False, "why": why[card]} for card in missing]
        output.show_json(rows)
    else:
        _print(frame, found, len(cards), missing, refusals)
    return FAILED if missing else FINE


def _print(frame: Frame, found: Sequence[Card], many: int, missing: Sequence[str], why: dict[str, str]) -> None:
    if found:
        output.table(card_headers(frame), [card_cells(frame, one) for one in found])
    print(frame.say("wallet.imported", n=len(found), all=many))
    if missing:
        named = [f"{card} ({why.get(card) or frame.say('wallet.no_reason')})" for card in missing]
        print(output.inert(frame.say("wallet.not_imported", cards=", ".join(named))), file=sys.stderr)


async def _imported(here: Account, cards: Pairs, biz_code: str, access_token: str) -> tuple[list[Card], dict[str, str]]:
    """The cards that were taken; of the others, why not, as far as it was said. One bad card is not the others'."""
    from syncd.domain.trouble import LANE_WIDE, Permanent
    from syncd.domain.wallet import CardRef

    found: list[Card] = []
    refusals: dict[str, str] = {}

    async def some(pairs: Pairs) -> None:
        refs = [CardRef(*pair) for pair in pairs]
        try:
            taken = await here.wallet.import_cards(refs, biz_code, access_token=access_token)
        except Permanent as no:
            if no.verdict.care in LANE_WIDE or len(cards) == 1:
                raise
            taken = ()
            if len(pairs) == 1:
                refusals[pairs[0][0]] = refusal_said(here.lang, no.verdict)
        found.extend(taken)
        shown = {card.card_id for card in taken}
        left = [pair for pair in pairs if pair[0] not in shown]
        if len(pairs) > 1:
            for pair in left:
                await some([pair])

    for start in range(0, len(cards), _BATCH):
        await some(cards[start : start + _BATCH])
    return found, refusals


async def _keep(frame: Frame, here: Account, found: Sequence[Card], cards: Pairs, access_token: str) -> None:
    from syncd.stages.wallet.keeping import keep_cards

    if not here.kept:
        print(frame.say("wallet.not_kept"), file=sys.stderr)
        return
    rules, merchant = here.merchant.wallet_rules, here.merchant
    assert rules is not None
    async with here.store.begin() as tx:
        await keep_cards(
            tx, merchant.sid, here.name, rules.seal, found, codes=dict(cards), own_account=bool(access_token)
        )


# -- changing a status -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """A status, for the cards of one holder."""

    openid: str
    status: Reimburse
    cards: tuple[tuple[str, str], ...]
    access_token: str


def status_of(frame: Frame, word: str) -> Reimburse:
    """LOCK and INVOICE_REIMBURSE_LOCK are the same. Raises Unusable."""
    from syncd.domain.wallet import Reimburse

    name = word.strip().upper().removeprefix("INVOICE_REIMBURSE_")
    if name not in Reimburse.__members__:
        raise frame.unusable("wallet.status", word=word)
    return Reimburse[name]


def change(frame: Frame, merchant: str | None, wanted: Change, closure_is_final: bool, yes: bool, as_json: bool) -> int:
    """Ask where it cannot be undone, change, look, show."""
    _, found = section(frame, frame.settings(), merchant)
    _confirmed(frame, wanted, allow_cancel=found.allow_cancel, closure_is_final=closure_is_final, yes=yes)
    return wait(_change(frame, merchant, wanted, as_json))


def _confirmed(frame: Frame, wanted: Change, *, allow_cancel: bool, closure_is_final: bool, yes: bool) -> None:
    """Raises Failed where somebody was asked and has not said so, Unusable where nobody can be asked."""
    from syncd.domain.wallet import Reimburse

    if wanted.status is Reimburse.CLOSURE and not closure_is_final:
        if yes and not sys.stdin.isatty():
            raise frame.unusable("wallet.closure_refused")
        if _typed(frame.say("wallet.closure")).strip() != "CLOSURE":
            raise frame.failed("wallet.closure_refused")
    if wanted.status is Reimburse.CANCEL:
        if not allow_cancel:
            raise frame.unusable("wallet.cancel_off")
        if not yes and not typer.confirm(frame.say("wallet.cancel", n=len(wanted.cards)), err=True):
            raise frame.failed("wallet.stopped")


def _typed(question: str) -> str:
    """What a person types; "" where there is nobody."""
    try:
        return str(typer.prompt(question, default="", show_default=False, prompt_suffix=" ", err=True))
    except typer.Abort:
        return ""


async def _change(frame: Frame, merchant: str | None, wanted: Change, as_json: bool) -> int:
    from syncd.domain.trouble import InDoubt
    from syncd.store.instance import Disarmed

    async with account(frame, merchant) as here:
        try:
            await _note(here, wanted)
        except Disarmed as disarmed:
            print(output.inert(frame.say("wallet.disarmed", why=str(disarmed))), file=sys.stderr)
            return DISARMED
        try:
            await _set(here, wanted)
        except InDoubt as doubt:
            raise frame.failed("wallet.unknown", why=doubt.verdict.code) from None
        found, _ = await _imported(here, wanted.cards, "", wanted.access_token)
        await _keep(frame, here, found, wanted.cards, wanted.access_token)
    if as_json:
        output.show_json([card_facts(one, here.name) for one in found])
    else:
        print(frame.say("wallet.changed", n=len(wanted.cards), status=status_said(frame, wanted.status)))
        if found:
            output.table(card_headers(frame), [card_cells(frame, one) for one in found])
    return FINE


async def _note(here: Account, wanted: Change) -> None:
    """Who changes what goes into the history before it is done. Raises Disarmed."""
    if not here.kept:
        return
    async with here.store.begin() as tx:
        await tx.instance.require_armed()
        cards = " ".join(card for card, _ in wanted.cards)
        await tx.journal.add(
            "wallet.status_set", merchant=here.name, status=wanted.status.name, cards=cards, by=operator()
        )


async def _set(here: Account, wanted: Change) -> None:
    """WeChat closes a card only when it is locked: then it is locked first, and closed."""
    from syncd.domain.trouble import Permanent
    from syncd.domain.wallet import CardRef, Reimburse

    refs = [CardRef(*pair) for pair in wanted.cards]
    try:
        await here.wallet.set_status(wanted.openid, wanted.status, refs, access_token=wanted.access_token)
    except Permanent as no:
        if no.verdict.code != "72039" or wanted.status is not Reimburse.CLOSURE:
            raise
        await here.wallet.set_status(wanted.openid, Reimburse.LOCK, refs, access_token=wanted.access_token)
        await here.wallet.set_status(wanted.openid, wanted.status, refs, access_token=wanted.access_token)


# -- the mirror --------------------------------------------------------------------------------------------------------


async def show_mirror(frame: Frame, merchant: str | None, as_json: bool) -> None:
    """What is kept of the cards; whose they are is sealed and not shown."""
    settings = frame.settings()
    name = None if merchant is None else frame.merchant(settings, merchant)
    async with frame.store(settings) as store, store.read() as tx:
        cards, now = await tx.cards.all(name), tx.now
    if as_json:
        output.show_json(
            [
                {
                    **{key: getattr(one, key) for key in ("merchant", "card_id", "biz_code", "own_account")},
                    "invoice_no": one.number,
                    "invoice_code": one.code,
                    "status": one.status_text,
                    "gross": None if one.gross is None else str(one.gross),
                    **{key: getattr(one, key) for key in ("seen_at", "looked_at", "missed_at", "missed_why")},
                }
                for one in cards
            ]
        )
        return
    if not cards:
        print(frame.say("wallet.nothing"))
        return
    headers = [frame.say(f"column.{name}") for name in ("merchant", "card", "invoice", "state", "looked")]
    rows = [
        [
            *(one.merchant, one.card_id, one.number or "-", status_said(frame, one.status_text)),
            output.when(one.looked_at, now, frame.say),
        ]
        for one in cards
    ]
    output.table(headers, rows)
