"""The state of the simulated Nuonuo: applications, sellers, submissions and the ledger of legal invoices."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from syncd.sandbox.calls import CallLog
from syncd.sandbox.faults import NUONUO_ONLY, TRANSPORT, Faults
from syncd.sandbox.moment import Clock
from syncd.sandbox.nuonuo.amounts import ZERO, totals
from syncd.sandbox.nuonuo.bureau import Bureau
from syncd.sandbox.nuonuo.form import Blue, FormMatch, RedScript, blue_key
from syncd.sandbox.nuonuo.ledger import LegalInvoice, NumberSeries, legal_invoice
from syncd.sandbox.nuonuo.order import Order
from syncd.sandbox.nuonuo.script import Match, Outcome, Script, by_buyer_name, matcher
from syncd.sandbox.nuonuo.submission import DONE, FAILED, ISSUING, SEALING, UNSEALED, VOID, Step, Submission
from syncd.sandbox.nuonuo.switches import NuonuoSwitches
from syncd.sandbox.nuonuo.tokens import App

DEFAULT_APP_KEY = "demo_key"
DEFAULT_APP_SECRET = "demo_secret"
DEFAULT_TOKEN = "demo_token"
DEFAULT_SELLER = "339902999999789113"

Login = Literal["ok", "logged_out", "identity_needed"]
LOGINS: tuple[Login, ...] = ("ok", "logged_out", "identity_needed")
CENT = Decimal("0.01")
QUOTA = Decimal("100000000")


@dataclass(slots=True)
class Seller:
    """A taxpayer that issues through Nuonuo. `quota` is what may still be issued, without tax.

    `has_address`: telephone and address are kept in the vendor's console, so requests may omit them.
    `asked` holds the instants of QR codes and refreshes, which are limited.
    """

    tax_no: str
    apps: set[str]
    numbers: NumberSeries
    name: str = "示例电子商务有限公司"
    login: Login = "ok"
    quota: Decimal = QUOTA
    has_address: bool = True
    asked: dict[str, list[float]] = field(default_factory=dict)


class NuonuoWorld:
    """What exists at the issuer. Everything moves by `clock`; `settle()` brings the world up to it."""

    def __init__(self, clock: Clock, rng: random.Random, issue_delay: tuple[float, float] = (0.05, 0.4)) -> None:
        self.clock = clock
        self.rng = rng
        self.skew = 0.0
        self.issue_delay = issue_delay
        self.switches = NuonuoSwitches()
        self.faults = Faults(TRANSPORT + NUONUO_ONLY, random.Random(rng.random()))
        self.calls = CallLog()
        self.apps: dict[str, App] = {}
        self.sellers: dict[str, Seller] = {}
        self.by_key: dict[tuple[str, str], Submission] = {}
        self.by_serial: dict[str, Submission] = {}
        self.burnt: set[tuple[str, str]] = set()
        self.scripts: list[tuple[Match, Script]] = []
        self.busied: dict[str, int] = {}
        self.queries = self.strange_answers = 0
        self.links: dict[str, str] = {}
        self.files_root = ""
        self.on_result: Callable[[Submission], None] = lambda submission: None
        self.bureau = Bureau(self)
        self.outside_blues: dict[str, Blue] = {}
        self._ledger: list[LegalInvoice] = []
        self._by_number: dict[str, LegalInvoice] = {}
        self._running: dict[str, Submission] = {}
        self._delay_seed = rng.random()
        self.add_app(DEFAULT_APP_KEY, DEFAULT_APP_SECRET, DEFAULT_TOKEN)
        self.add_seller(DEFAULT_SELLER, [DEFAULT_APP_KEY])

    def now(self) -> float:
        """Unix seconds on the issuer's clock."""
        return self.clock() + self.skew

    # --- accounts ---

    def add_app(self, key: str, secret: str, token: str = "", *, kind: str = "self", user_id: str = "") -> App:
        """An application; `token` is a permanent access token. `kind` "self" or "isv"."""
        app = self.apps[key] = App(key, secret, kind=kind, user_id=user_id)
        if token:
            app.tokens[token] = float("inf")
        return app

    def add_seller(self, tax_no: str, app_keys: Iterable[str], name: str = "示例电子商务有限公司") -> Seller:
        start = self.rng.randrange(10**6, 10**7) * 100
        self.sellers[tax_no] = Seller(tax_no, set(app_keys), NumberSeries(start), name)
        return self.sellers[tax_no]

    @property
    def token_calls(self) -> int:
        """How many token calls were made, by all applications."""
        return sum(app.token_calls for app in self.apps.values())

    @property
    def login(self) -> Login:
        """The drawer's session at the tax bureau (of the default seller); setting it sets all sellers."""
        return self.sellers[DEFAULT_SELLER].login

    @login.setter
    def login(self, state: Login) -> None:
        if state not in LOGINS:
            raise ValueError(f"unknown login state {state!r}; known: {', '.join(LOGINS)}")
        self.settle()
        for seller in self.sellers.values():
            seller.login = state

    @property
    def quota(self) -> Decimal:
        """What the default seller may still issue, without tax; setting it sets all sellers."""
        return self.sellers[DEFAULT_SELLER].quota

    @quota.setter
    def quota(self, amount: Decimal) -> None:
        for seller in self.sellers.values():
            seller.quota = amount

    # --- scripts ---

    def script(
        self, match: Match | str, outcome: Outcome, *, times: int | None = None, cause: str | None = None,
        code: str | None = None,
    ) -> Script:  # fmt: skip
        """Let orders that match end as scripted, before any rule of the buyer's name.

        `match` is a predicate over the order, or the end of an orderNo or buyer name.
        """
        made = Script(outcome, times)
        made.cause, made.code = cause or made.cause, code or made.code
        self.scripts.insert(0, (matcher(match), made))
        return made

    def ending_of(self, order: Order) -> Script:
        for match, script in self.scripts:
            if match(order) and not script.used_up():
                return script
        return by_buyer_name(order)

    def script_red(
        self, match: FormMatch | str, path: str, *, times: int | None = None, message: str | None = None
    ) -> RedScript:
        """Let red confirmation forms that match go along `path`, such as "02-05" (see `Bureau.script`)."""
        return self.bureau.script(match, path, times=times, message=message)

    # --- the ledger ---

    @property
    def ledger(self) -> list[LegalInvoice]:
        """All legal invoices until now."""
        self.settle()
        return self._ledger

    def invoices_of(self, order_no: str) -> list[LegalInvoice]:
        """The legal invoices under one order number, of any seller."""
        return [invoice for invoice in self.ledger if invoice.order_no == order_no]

    def declare_blue(
        self, number: str, net: Decimal, tax: Decimal, *, code: str = "", seller_tax_no: str = DEFAULT_SELLER,
        buyer_name: str = "", buyer_tax_no: str = "", kind: str = "",
    ) -> Blue:  # fmt: skip
        """A blue invoice that exists although it was issued elsewhere; empty texts fit every form."""
        key = blue_key(number, code)
        blue = Blue(key, code, seller_tax_no, net, tax, buyer_name, buyer_tax_no, kind=kind, issued_at=self.now())
        self.outside_blues[key] = blue
        return blue

    def blue(self, key: str) -> Blue | None:
        """The blue invoice of that number (code and number for tax-control ones), issued here or declared."""
        found = self._by_number.get(key)
        if found is None or found.colour != "blue":
            return self.outside_blues.get(key)
        return Blue(
            key, found.code, found.seller_tax_no, found.net, found.tax, found.buyer_name, found.buyer_tax_no,
            found.goods_name, found.kind, found.issued_at, found.voided,
        )  # fmt: skip

    def link(self, order_no: str, wdt_order_no: str) -> None:
        """Tell the sandbox which WDT document an order number or a billId stands for."""
        self.links[order_no] = wdt_order_no

    # --- submissions ---

    def accept(self, order: Order, script: Script, *, at: float | None = None) -> Submission:
        """Keep an order that passed every check; from now on its number is taken for ever."""
        now = self.now() if at is None else at
        serial = f"{int(now) % 10**10:010d}{len(self.by_serial) + 1:010d}"
        dice = random.Random(f"{self._delay_seed}/{order.seller_tax_no}/{order.order_no}")
        submission = Submission(serial, order, script, now, dice.uniform(*self.issue_delay))
        submission.hidden_for = self.switches.hide_first_queries
        self.by_key[order.seller_tax_no, order.order_no] = self.by_serial[serial] = submission
        self.start(submission, at=now)
        return submission

    def start(self, submission: Submission, *, at: float | None = None) -> None:
        """Begin a run of the submission, now if not told otherwise."""
        submission.status, submission.fail_cause = ISSUING, ""
        submission.plan(self.now() if at is None else at)
        if submission.steps:
            self._running[submission.serial] = submission

    def reseal(self, submission: Submission) -> None:
        """Try the seal again; it succeeds once the script's bad runs are used up."""
        submission.status = SEALING
        submission.script.spend()
        step: Step = "seal" if submission.script.used_up() else "unseal"
        submission.steps = [(self.now() + submission.delay, step)]
        self._running[submission.serial] = submission

    def settle(self) -> None:
        """Carry out every step that is due; by query count (`advance`) instead when so switched."""
        if self.switches.progress == "clock":
            self.bureau.settle()
            now = self.now()
            for submission in list(self._running.values()):
                while submission.steps and submission.steps[0][0] <= now:
                    if not self._may_go_on(submission):
                        submission.postpone(now)
                        break
                    self.advance(submission)

    def advance(self, submission: Submission) -> None:
        """Carry out the next step of a submission, whenever it was due."""
        if not submission.steps:
            return
        at, step = submission.steps.pop(0)
        getattr(self, f"_step_{step}")(submission, at)
        if not submission.steps:
            self._running.pop(submission.serial, None)
        self.on_result(submission)

    def _may_go_on(self, submission: Submission) -> bool:
        """False while the drawer is logged out or the credit line is used up, which only delays an order."""
        if submission.steps[0][1] != "issue":
            return True
        seller = self.sellers[submission.order.seller_tax_no]
        if seller.login != "ok":
            return self.switches.logged_out != "wait"
        net, _, _ = totals(submission.order.lines)
        return net <= seller.quota or self.switches.quota != "wait"

    def _step_issue(self, submission: Submission, at: float) -> None:
        """The invoice comes into being, unless login or quota fail it."""
        cause = self._obstacle(submission)
        if cause:
            submission.steps = []
            self._fail(submission, cause)
            return
        submission.status = SEALING
        for net, tax in _shares(submission):
            self._enter(submission, net, tax, at)

    def _obstacle(self, submission: Submission) -> str:
        seller = self.sellers[submission.order.seller_tax_no]
        net, _, _ = totals(submission.order.lines)
        if seller.login != "ok":
            return "开票员未登录电子税务局"
        if net > seller.quota:
            return "可用授信额度不足"
        seller.quota -= net
        return ""

    def _enter(self, submission: Submission, net: Decimal, tax: Decimal, at: float) -> None:
        order = submission.order
        numbers = self.sellers[order.seller_tax_no].numbers.draw(order.kind, at)
        requested = totals(order.lines)[2]
        invoice = legal_invoice(order, submission.serial, (net, tax), requested, numbers, at)
        invoice.wdt_order_no = self.links.get(order.order_no)
        if submission.form is not None:
            form = submission.form
            invoice.colour, invoice.blue_number, invoice.bill_id = "red", form.blue.number, form.bill_id
            invoice.wdt_order_no = self.links.get(form.bill_id, invoice.wdt_order_no)
        submission.invoices.append(invoice)
        self._ledger.append(invoice)
        self._by_number[blue_key(invoice.number, invoice.code)] = invoice

    def _step_finish(self, submission: Submission, at: float) -> None:
        submission.status, submission.done_at = DONE, at

    _step_seal = _step_finish

    def _step_unseal(self, submission: Submission, at: float) -> None:
        submission.status, submission.fail_cause = UNSEALED, "签章失败"

    def _step_void(self, submission: Submission, at: float) -> None:
        submission.status = VOID
        for invoice in submission.invoices:
            invoice.voided = True

    def _step_fail(self, submission: Submission, at: float) -> None:
        """22; the script may have it issued after all, later (revive)."""
        self._fail(submission, submission.script.cause)
        submission.script.spend()
        if submission.script.outcome == "fail_then_issue":
            submission.steps = [(at + self.switches.revive_after, "revive")]

    def _step_revive(self, submission: Submission, at: float) -> None:
        submission.status, submission.fail_cause = ISSUING, ""
        submission.steps = [(at, "issue"), (at, "finish")]

    def _fail(self, submission: Submission, cause: str) -> None:
        submission.status, submission.fail_cause = FAILED, cause


def _shares(submission: Submission) -> list[tuple[Decimal, Decimal]]:
    """(net, tax) of each invoice: one, two when split, one cent more in tax when the issuer miscounts."""
    net, tax, _ = totals(submission.order.lines)
    match submission.script.outcome:
        case "split":
            half_net, half_tax = (net / 2).quantize(CENT), (tax / 2).quantize(CENT)
            return [(half_net, half_tax), (net - half_net, tax - half_tax)]
        case "cent_off":
            return [(net, tax + CENT)]
    return [(net, tax + ZERO)]
