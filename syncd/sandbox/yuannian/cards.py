"""2.1 and 2.6 import, 2.2 and 2.7 status update: what may be done with cards, and by whom (seed; WeChat's rules).

INIT --lock--> LOCK --unlock--> INIT        LOCK --close--> CLOSURE
INIT | LOCK --reversed--> CANCEL            CLOSURE, CANCEL: terminal
"""

from typing import Any

from syncd.sandbox.yuannian.card import CANCEL, CLOSURE, INIT, LOCK, STATUSES, TERMINAL, Card
from syncd.sandbox.yuannian.gate import Admitted
from syncd.sandbox.yuannian.refusal import BUSINESS, WECHAT_TEXTS, ByWechat, Refused, invalid, missing
from syncd.sandbox.yuannian.rows import imported_row
from syncd.sandbox.yuannian.world import ACCOUNT, YuannianWorld

UNKNOWN_CARD = 72031


def import_cards(world: YuannianWorld, call: Admitted, *, h5: bool) -> list[dict[str, Any]]:
    """Import the cards asked for; one item each, an error item (or none) for a card nobody knows."""
    account = _account(world, call, h5=h5)
    biz_code, asked = call.text("bizCode"), _cards_named(world, call)
    taken = asked[: world.switches.import_at_most or None]
    found = [(name, world.find(*name)) for name in taken]
    if world.switches.unknown_card == "refuse" and any(card is None for _, card in found):
        raise ByWechat(UNKNOWN_CARD)
    if world.switches.reimport == "refuse" and any(
        card and world.imports_of(card, call.app.app_id) for _, card in found
    ):
        raise Refused(BUSINESS, "发票已导入，请勿重复导入")
    items = []
    for (card_id, _), card in found:
        if card is not None:
            items.append(imported_row(world.take_in(card, biz_code, account, call.app.app_id), world.switches))
        elif world.switches.unknown_card == "item":
            items.append({"cardId": card_id, "errcode": UNKNOWN_CARD, "errmsg": WECHAT_TEXTS[UNKNOWN_CARD]})
    return items


def update_status(world: YuannianWorld, call: Admitted, *, h5: bool) -> None:
    """Change the status of all cards, or of none.

    Raises: ByWechat 72037 (a card is not this holder's, as this account knows the holder), 72023, 72024, 72039,
    72036, 72031.
    """
    account = _account(world, call, h5=h5)
    openid, wanted = call.needed("openid"), call.needed("reimburseStatus")
    if wanted not in STATUSES:
        raise ByWechat(72031)
    cards = [world.find(*name) for name in _cards_named(world, call)]
    mine = [card for card in cards if card is not None and card.openid(account) == openid]
    if len(mine) < len(cards):
        raise ByWechat(72037)
    if world.switches.busy_first and any(card.card_id not in world.busied for card in mine):
        world.busied.update(card.card_id for card in mine)
        raise ByWechat(72036)
    for card in mine:
        errcode = objection(world, card, wanted, account)
        if errcode:
            raise ByWechat(errcode)
    for card in mine:
        world.change(card, wanted, account)
        for taken in world.imports_of(card, call.app.app_id):
            taken.status, taken.changed_at = wanted, world.now()


def objection(world: YuannianWorld, card: Card, wanted: str, account: str) -> int:
    """WeChat's code against this change by this account, or 0."""
    if card.status in TERMINAL:
        return 72024
    if card.status == LOCK and card.locked_by != account:
        return 72023
    if wanted == CANCEL and not world.switches.allow_cancel:
        return 72024
    if wanted == CLOSURE and card.status == INIT:
        return 72039
    if wanted == LOCK and card.status == LOCK and world.switches.relock == "refuse":
        return 72024
    return 0


def _account(world: YuannianWorld, call: Admitted, *, h5: bool) -> str:
    """The official account a call acts for: the caller's own in 2.6 and 2.7 with an accessToken."""
    token = call.text("accessToken") if h5 else ""
    if not token:
        return ACCOUNT
    if token not in world.access_tokens:
        raise ByWechat(40001)
    return world.access_tokens[token]


def _cards_named(world: YuannianWorld, call: Admitted) -> list[tuple[str, str]]:
    named = call.body.get("invoiceList")
    if not named:
        raise missing("invoiceList")
    if not isinstance(named, list) or not all(isinstance(one, dict) for one in named):
        raise invalid("invoiceList", "应为对象数组")
    if len(named) > world.switches.most_cards:
        raise invalid("invoiceList", f"不能超过{world.switches.most_cards}张")
    pairs = []
    for one in named:
        for name in ("cardId", "encryptCode"):
            if not one.get(name):
                raise missing(name)
            if not isinstance(one[name], str):
                raise invalid(name, "应为字符串")
        pairs.append((one["cardId"], one["encryptCode"]))
    return pairs
