"""The tax bureau's side of red invoices: forms move on, lapse, are answered, and lead to the red invoice."""

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from syncd.sandbox.moment import beijing_text
from syncd.sandbox.nuonuo.form import (
    LAPSED,
    PAPER,
    WAITING,
    Asked,
    Blue,
    FormMatch,
    RedForm,
    RedScript,
    form_matcher,
    path_of,
)
from syncd.sandbox.nuonuo.order import Line, Order
from syncd.sandbox.nuonuo.script import Script
from syncd.sandbox.nuonuo.submission import FAILED, Submission

if TYPE_CHECKING:
    from syncd.sandbox.nuonuo.world import NuonuoWorld

ZERO = Decimal(0)


class Bureau:
    """All red confirmation forms, by (seller's tax number, billId). Everything moves by the world's clock."""

    def __init__(self, world: "NuonuoWorld") -> None:
        self.world = world
        self.forms: dict[tuple[str, str], RedForm] = {}
        self.burnt: set[tuple[str, str]] = set()
        self.scripts: list[RedScript] = []
        self._running: dict[str, RedForm] = {}
        self._of_blue: dict[str, list[RedForm]] = {}

    # --- what tests and other people do ---

    def script(
        self, match: FormMatch | str, path: str, *, times: int | None = None, message: str | None = None
    ) -> RedScript:
        """Let forms that match go along `path` ("15-01", "02-04", "02-05", "02", "15-16", …).

        `match` is a predicate over the form, a billId or the end of one, a blue number, or the end of a buyer's name.
        `message` is the billMessage of a 16. Raises: ValueError for no path.
        """
        path_of(path)
        made = RedScript(form_matcher(match), path, times)
        made.message = message or made.message
        self.scripts.insert(0, made)
        return made

    def form(self, bill_id: str) -> RedForm:
        """The form as it is now. Raises: KeyError."""
        self.world.settle()
        found = [form for (_, known), form in self.forms.items() if known == bill_id]
        if not found:
            raise KeyError(bill_id)
        return found[0]

    def buyer_confirms(self, bill_id: str) -> None:
        """The buyer agrees in the tax bureau's own console. Raises: ValueError unless the form waits for it."""
        self._answer(bill_id, "02", "04")

    def buyer_denies(self, bill_id: str) -> None:
        """The buyer refuses. Raises: ValueError unless the form waits for it."""
        self._answer(bill_id, "02", "05")

    def move(self, bill_id: str, path: str) -> None:
        """Send a form along another path from now on, beginning with the state it enters at once."""
        self.enter(self.form(bill_id), path, self.world.now())

    def raise_by_buyer(self, blue: Blue, bill_id: str, *, reason: str = "1") -> RedForm:
        """The buyer applies for a red invoice of ours: the form waits for the seller (03)."""
        asked = Asked(
            bill_id, blue.kind or "pc", True, blue.number, blue.seller_tax_no, blue.buyer_name, blue.buyer_tax_no,
            reason, "", (), {},
        )  # fmt: skip
        return self.open(asked, blue, (-blue.net, -blue.tax), path="03")

    # --- the life of a form ---

    def open(self, asked: Asked, blue: Blue, amounts: tuple[Decimal, Decimal], *, path: str = "") -> RedForm:
        """Keep an application that passed every check; from now on its billId is taken for ever."""
        world, now = self.world, self.world.now()
        count = len(self.forms) + 1
        bill_id = asked.bill_id or f"{int(now) % 10**9:09d}{count:010d}"
        form = RedForm(
            asked, blue, bill_id, f"33{int(now) % 10**9:09d}{count:07d}", f"uuid{count:028d}", "", *amounts, now
        )
        form.hidden_for = world.switches.hide_first_queries
        self.forms[asked.seller_tax_no, bill_id] = form
        self._of_blue.setdefault(blue.number, []).append(form)
        made = next((one for one in self.scripts if one.times != 0 and one.match(form)), None)
        if made is not None:
            form.message, made.times = made.message, None if made.times is None else made.times - 1
        self.enter(form, path or (made.path if made else world.switches.red_path), now)
        return form

    def enter(self, form: RedForm, path: str, at: float) -> None:
        """The form enters the first state of `path`, with the rest ahead."""
        states, switches = path_of(path), self.world.switches
        form.path = path
        self._to(form, states[0], at)
        auto = switches.red_auto and form.asked.kind not in PAPER
        form.plan(at, states, switches.red_step, switches.red_delay, auto=auto)
        if form.steps:
            self._running[form.uuid] = form
        else:
            self._running.pop(form.uuid, None)

    def settle(self) -> None:
        """Carry out every step that is due."""
        now = self.world.now()
        for form in list(self._running.values()):
            while form.steps and form.steps[0][0] <= now:
                if not self._may_go_on(form):
                    late = now - form.steps[0][0]
                    form.steps = [(at if state == LAPSED else at + late, state) for at, state in form.steps]
                    break
                self.advance(form)

    def advance(self, form: RedForm) -> None:
        """Carry out the next step of a form, whenever it was due."""
        if not form.steps:
            return
        due, state = form.steps.pop(0)
        at = min(due, self.world.now())
        if not form.steps:
            self._running.pop(form.uuid, None)
        if state == "red":
            self.issue(form, at)
        else:
            self._to(form, state, at)

    def refresh(self, form: RedForm) -> None:
        """Nuonuo fetches the bureau's state of a form."""
        form.shown = form.status

    def issue(self, form: RedForm, at: float, order_no: str = "") -> Submission:
        """Have the red invoice made: an order of its own, which the drawer's login may still delay."""
        order = _red_order(form, order_no or form.asked.order_no or f"R{form.bill_no}")
        script = next(
            (made for match, made in self.world.scripts if match(order) and not made.used_up()), Script("issue")
        )
        form.red = self.world.accept(order, script, at=at)
        form.red.form = form
        return form.red

    # --- looking ---

    def has_red(self, form: RedForm) -> bool:
        """A red invoice exists or is being made."""
        return form.red is not None and form.red.status != FAILED

    def reversed_so_far(self, blue: Blue) -> Decimal:
        """The gross amount that open forms and red invoices take from a blue one; positive."""
        forms = self._of_blue.get(blue.number, [])
        return sum((-(form.net + form.tax) for form in forms if form.is_open() or self.has_red(form)), ZERO)

    def seller_forms(self, tax_no: str) -> Iterator[RedForm]:
        return (form for (seller, _), form in self.forms.items() if seller == tax_no)

    def _answer(self, bill_id: str, waits: str, then: str) -> None:
        form = self.form(bill_id)
        if form.status != waits:
            raise ValueError(f"{bill_id} is at {form.status}, not {waits}")
        self.enter(form, then, self.world.now())

    def _may_go_on(self, form: RedForm) -> bool:
        """False while the drawer is logged out, which holds up what Nuonuo does but not the bureau's own time."""
        if form.steps[0][1] == LAPSED or form.status in WAITING:
            return True
        seller = self.world.sellers[form.seller_tax_no]
        return seller.login == "ok" or self.world.switches.logged_out != "wait"

    def _to(self, form: RedForm, state: str, at: float) -> None:
        """Enter a state. Nuonuo notices by itself unless the form waited for a person (then it must be refreshed)."""
        noticed = self.world.switches.red_copy == "live" or form.shown not in WAITING
        form.status = state
        if state == "04":
            form.confirmed_at = at
        if noticed:
            form.shown = state


def bill_time(at: float | None) -> str:
    return "" if at is None else beijing_text(at)


def _red_order(form: RedForm, order_no: str) -> Order:
    """The order the red invoice is made from: one line with the form's amounts."""
    asked, blue = form.asked, form.blue
    goods = blue.goods_name
    line = Line(
        goods_name=goods, goods_code="", with_tax=False, rate=ZERO, prop="0", price=None, num=None,
        net=form.net, tax=form.tax, gross=form.net + form.tax,
        raw={"goodsName": goods, "taxExcludedAmount": f"{form.net:.2f}", "tax": f"{form.tax:.2f}"},
    )  # fmt: skip
    raw = {"orderNo": order_no, "invoiceType": "2", "callBackUrl": asked.raw.get("callbackUrl") or ""}
    return Order(order_no, form.seller_tax_no, asked.buyer_name, asked.buyer_tax_no, asked.kind, [line], raw)
