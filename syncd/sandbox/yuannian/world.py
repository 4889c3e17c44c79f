"""The state of the simulated Yuannian and of the wallets behind it."""

import random
from collections.abc import Iterable
from decimal import Decimal

from syncd.sandbox.calls import CallLog
from syncd.sandbox.faults import TRANSPORT, YUANNIAN_ONLY, Faults
from syncd.sandbox.moment import Clock
from syncd.sandbox.yuannian.account import App
from syncd.sandbox.yuannian.card import INIT, LOCK, Card, Goods, Import, StatusChange, card_names, status_word
from syncd.sandbox.yuannian.switches import YuannianSwitches

DEFAULT_APP_ID = "100002"
DEFAULT_SECRET = "demo_secret"
ACCOUNT = "yuannian"
"""The platform's own official account, which acts where no accessToken is given."""
SOMEBODY = "employer"
CENT = Decimal("0.01")
RATE = Decimal("0.13")


class YuannianWorld:
    """Cards, imports, applications, switches and faults.

    `changes` is the ledger of every status change, whoever made it. `access_tokens` map the token of an official
    account to the account.
    """

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self.clock = clock
        self.rng = rng
        self.skew = 0.0
        self.switches = YuannianSwitches()
        self.faults = Faults(TRANSPORT + YUANNIAN_ONLY, random.Random(rng.random()))
        self.calls = CallLog()
        self.apps: dict[str, App] = {}
        self.cards: dict[str, Card] = {}
        self.imports: list[Import] = []
        self.changes: list[StatusChange] = []
        self.access_tokens: dict[str, str] = {}
        self.qr_codes: list[str] = []
        self.busied: set[str] = set()
        self._seed = rng.random()
        self.token = self.add_app(DEFAULT_APP_ID, DEFAULT_SECRET).grant(rng)

    def now(self) -> float:
        """Unix seconds on the platform's clock."""
        return self.clock() + self.skew

    # --- accounts ---

    def add_app(self, app_id: str, secret: str) -> App:
        """One more application; `grant` gives it a token."""
        app = self.apps[app_id] = App(app_id, secret)
        return app

    def issue_token(self, life: float, app_id: str = DEFAULT_APP_ID) -> str:
        """A token that says (`exp`) that it ends in `life` seconds, and does."""
        return self.apps[app_id].grant(self.rng, self.now() + life)

    def expire_token(self, token: str) -> None:
        """From now on the token is refused, whatever it says."""
        for app in self.apps.values():
            app.tokens.pop(token, None)

    def add_access_token(self, token: str, account: str) -> None:
        """The accessToken of a merchant's own official account (for 2.6 and 2.7)."""
        self.access_tokens[token] = account

    # --- cards ---

    def put_card(
        self, number: str, code: str = "", *, openid: str = "", account: str = ACCOUNT, status: str = INIT,
        locked_by: str = SOMEBODY, gross: Decimal | str = "113.00", net: Decimal | str | None = None,
        title: str = "个人", buyer_tax_no: str = "", seller_name: str = "示例电子商务有限公司",
        seller_tax_no: str = "339902999999789113", billed_at: float | None = None,
        kind: str = "电子发票(普通发票)", lines: Iterable[tuple[str, Decimal]] | None = None,
        card_id: str = "", encrypt_code: str = "",
    ) -> Card:  # fmt: skip
        """Put an invoice into somebody's wallet; `status` may be short ("LOCK"), a lock is then `locked_by`'s.

        `openid` is the holder's id for `account`; every other account knows the holder under another id. `gross`,
        `net` in yuan; `lines` are (name, net amount), by default one with a discount.
        """
        serial, total = len(self.cards) + 1, Decimal(gross)
        before_tax = (total / (1 + RATE)).quantize(CENT) if net is None else Decimal(net)
        drawn_id, drawn_code = card_names(serial, self._seed)
        word = status_word(status)
        at = self.now() if billed_at is None else billed_at
        goods = [Goods(*line) for line in lines] if lines is not None else usual_lines(before_tax, serial)
        card = Card(
            card_id=card_id or drawn_id, encrypt_code=encrypt_code or drawn_code, number=number, code=code,
            holder=openid or drawn_id,
            status=word, gross=total, net=before_tax, tax=total - before_tax, title=title,
            buyer_tax_no=buyer_tax_no, seller_name=seller_name, seller_tax_no=seller_tax_no, billed_at=at,
            changed_at=self.now(), kind=kind, lines=goods, locked_by=locked_by if word == LOCK else "",
            check_code=f"{serial:020d}" if code else "",
        )  # fmt: skip
        if openid:
            card.openids[account] = openid
        self.cards[card.card_id] = card
        return card

    def card_of(self, number: str, code: str = "") -> Card:
        """The card of an invoice. Raises: KeyError."""
        for card in self.cards.values():
            if (card.number, card.code) == (number, code):
                return card
        raise KeyError(number)

    def find(self, card_id: str, encrypt_code: str) -> Card | None:
        """The card both parts name together; neither alone names one."""
        card = self.cards.get(card_id)
        return card if card is not None and card.encrypt_code == encrypt_code else None

    def set_status(self, card_id: str, status: str, *, by: str = SOMEBODY) -> None:
        """Somebody else changes a card in WeChat (employer, issuer); the platform's own copy does not notice."""
        self.change(self.cards[card_id], status_word(status), by)

    def change(self, card: Card, status: str, by: str) -> None:
        """Every change passes here and is written down. Setting what is set is no change."""
        if card.status != status:
            self.changes.append(StatusChange(card.card_id, card.status, status, by, self.now()))
            card.changed_at = self.now()
        card.status = status
        card.locked_by = by if status == LOCK else ""

    def changes_of(self, card_id: str) -> list[StatusChange]:
        return [change for change in self.changes if change.card_id == card_id]

    # --- imports ---

    def take_in(self, card: Card, biz_code: str, account: str, app_id: str) -> Import:
        """Import a card: the platform sees its status as it is now."""
        if self.switches.import_locks and card.status == INIT:
            self.change(card, LOCK, account)
        taken = Import(card, biz_code, account, app_id, card.status, self.now())
        for earlier in self.imports_of(card, app_id):
            earlier.status = card.status
        self.imports.append(taken)
        return taken

    def imports_of(self, card: Card, app_id: str) -> list[Import]:
        return [one for one in self.imports if one.card is card and one.app_id == app_id]

    def scan(self, content: str, *card_ids: str, app_id: str = DEFAULT_APP_ID) -> None:
        """Somebody scans the QR code of that content and picks cards: they are imported under it."""
        for card_id in card_ids:
            self.take_in(self.cards[card_id], content, ACCOUNT, app_id)


def usual_lines(net: Decimal, serial: int) -> list[Goods]:
    """A line and its discount, in either order; only the discounted one's name ends in the empty specification."""
    cut = (net * Decimal("0.1")).quantize(CENT)
    name = f"*演示商品*演示水杯 {serial}"
    pair = [Goods(f"{name} 无", net + cut), Goods(name, -cut)]
    return pair if serial % 2 else pair[::-1]
