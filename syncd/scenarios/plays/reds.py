"""Days of red orders: buyers confirm, refuse or let lapse, blues nobody knows yet, a second red of one blue."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from syncd.sandbox import HEALTHY, Sandbox
from syncd.sandbox.nuonuo.form import RedForm
from syncd.sandbox.wdt.document import FAILED, ISSUED, PENDING
from syncd.scenarios.plays.answers import SELDOM, rough
from syncd.scenarios.scenario import ALWAYS, Scenario
from syncd.scenarios.world import World

#: How a form goes, by how many in twenty; 02 alone lapses after 72 hours.
PATHS = (("01", 8), ("15-01", 2), ("02-04", 4), ("02-05", 3), ("02", 2), ("15-16", 1))
#: What a clerk does with a blue one, by how many in twenty.
WISHES = (("ordinary", 7), ("early", 5), ("mistyped", 2), ("second", 4), ("partial", 1), ("outside", 1))
#: A number that nobody has issued, and what the clerk takes to notice.
MISTYPED, NOTICED_AFTER = "99", timedelta(minutes=25)
LAPSE = timedelta(hours=72)
STRIDE = timedelta(hours=18)
MOST_LAPSES = 4
CENT = Decimal("0.01")


@dataclass
class RedDesk:
    """The clerks who want reds, and the buyers who answer the forms; all by dice of the scenario's seed."""

    world: World
    sandbox: Sandbox
    blues: list[str]
    wanted: int
    reds: list[str] = field(default_factory=list)
    _left: dict[str, str] = field(default_factory=dict)
    _reopened: set[str] = field(default_factory=set)
    _most_open: int = 0
    _paths: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        dice = random.Random(f"{self.world.seed}/wishes")
        left = self.wanted
        for no in self.blues:
            wish = _drawn(dice, WISHES)
            left -= 2 if wish == "second" else 1
            if left < 0:
                break
            self._left[no] = wish
        self._paths = [path for path, many in PATHS for _ in range(many)]
        dice.shuffle(self._paths)
        nuonuo = self.sandbox.nuonuo
        for path, _ in PATHS:
            nuonuo.script_red(lambda form, path=path: self.path_of(form) == path, path)  # type: ignore[misc]

    def path_of(self, form: RedForm) -> str:
        """The way a form goes: of twenty forms in a row each way has its share. The form is the newest one."""
        return self._paths[len(self.sandbox.nuonuo.bureau.forms) % len(self._paths)]

    @property
    def done(self) -> bool:
        """Every wish has become a document."""
        return not self._left

    def visit(self) -> None:
        """Once a minute: make the documents whose time has come, and see that no blue has two open forms."""
        ledger = self.sandbox.nuonuo.ledger
        numbers = {one.order_no[:14]: one.number for one in ledger if one.colour == "blue"}
        for no, wish in list(self._left.items()):
            status = self.sandbox.wdt.document(no).status
            if wish == "outside":
                self._outside()
            elif wish == "early" and no in numbers:
                self._red(no, invoice_no=numbers[no])
                self.world.seen["reds_early"] += status == PENDING
            elif wish != "early" and status == ISSUED:
                getattr(self, f"_{wish}")(no)
            else:
                continue
            del self._left[no]
        open_forms = Counter(form.blue.number for form in self.sandbox.nuonuo.bureau.forms.values() if form.is_open())
        self._most_open = max([self._most_open, *open_forms.values()])

    def reopen(self) -> None:
        """Half of what failed is wanted all the same, once."""
        dice = random.Random(f"{self.world.seed}/reopened")
        for no in self.reds:
            if self.sandbox.wdt.document(no).status == FAILED and no not in self._reopened and dice.random() < 0.5:
                self._reopened.add(no)
                self.sandbox.wdt.reopen(no)
                self.world.seen["reds_wanted_again"] += 1

    def note(self) -> None:
        """What came of it, from the bureau's side."""
        nuonuo = self.sandbox.nuonuo
        forms = list(nuonuo.bureau.forms.values())
        ends = Counter(form.status for form in forms)
        self.world.seen["buyers_confirmed"] += ends["04"]
        self.world.seen["buyers_refused"] += ends["05"]
        self.world.seen["forms_lapsed"] += ends["07"]
        self.world.seen["applications_failed"] += ends["16"]
        figures = self.world.figures
        figures["red_before_blue"] = self.sandbox.red_before_blue()
        figures["red_over_blue"] = self.sandbox.red_over_blue()
        figures["forms_without_blue"] = sum(not form.blue.total for form in forms)
        figures["max_forms_open_per_blue"] = self._most_open
        figures["reds_issued"] = sum(one.colour == "red" for one in nuonuo.ledger)
        figures["forms"] = len(forms)

    # -- the wishes ------------------------------------------------------------------------------------------------

    def _red(self, no: str, **fields: Any) -> str:
        sign = random.Random(f"{self.world.seed}/{no}/sign").choice(("negative", "positive"))
        self.reds.append(self.sandbox.wdt.put_red_of(no, sign=sign, **fields))  # type: ignore[arg-type]
        return self.reds[-1]

    def _ordinary(self, no: str) -> None:
        self._red(no)

    def _mistyped(self, no: str) -> None:
        """A number nobody has issued yet, corrected when the clerk notices."""
        right = str(self.sandbox.wdt.order(no)["invoice_no"])
        red = self._red(no, invoice_no=MISTYPED + right[2:])

        def correct() -> None:
            if self.sandbox.wdt.document(red).status == PENDING:
                self.sandbox.wdt.edit(red, relation_invoice_no_out=right)

        self.world.diary.at(self.world.clock.world + NOTICED_AFTER, correct)
        self.world.seen["reds_mistyped"] += 1

    def _second(self, no: str) -> None:
        """Two clerks want one blue reversed: the second is heeded only where the first came to nothing."""
        for _ in range(2):  # either may get it, and none of the two is lost where the other did
            self._red(no, expect="hold")
        self.world.seen["reds_second"] += 1

    def _partial(self, no: str) -> None:
        total = Decimal(str(self.sandbox.wdt.order(no)["invoice_amount"]))
        self._red(no, gross=(total / 2).quantize(CENT), expect="hold")
        self.world.seen["reds_partial"] += 1

    def _outside(self) -> None:
        """A blue that was issued by hand at the bureau, and entered in WDT."""
        number = f"{98:02d}332{len(self.reds):015d}"
        no = self.sandbox.wdt.put_order({"status": ISSUED, "invoice_no": number}, expect="none")
        row = self.sandbox.wdt.order(no)
        net, tax = Decimal(str(row["sum_price"])), Decimal(str(row["sum_tax"]))
        self.sandbox.nuonuo.declare_blue(number, net, tax)
        self._red(no)
        self.world.seen["reds_of_outside_blues"] += 1


def _drawn(dice: random.Random, shares: tuple[tuple[str, int], ...]) -> str:
    return dice.choices([name for name, _ in shares], [share for _, share in shares])[0]


async def red_chain(world: World) -> None:
    """The bureau takes any form, even for a blue that does not exist or is reversed: the program alone sees to it."""
    async with world.parties(issue_delay=(0.05, 400.0)) as sandbox:
        blues = sandbox.populate(max(3, world.rows * 3 // 5), HEALTHY)
        rough(sandbox, 0.2)
        sandbox.nuonuo.faults.force("saveInvoiceRedConfirm", "lost_after", times=4)
        switches = sandbox.nuonuo.switches
        switches.red_unfit, switches.red_repeat = "accept", "E9106"
        switches.red_step, switches.red_delay = 600.0, 40.0
        desk = RedDesk(world, sandbox, blues, world.rows - len(blues))
        world.diary.at(world.began, desk.visit, every=timedelta(minutes=1))
        async with world.daemons(world.settings(schedule=SELDOM, push={"red_wait": "12h"})):
            await world.until(_asked(desk), timedelta(hours=48))
            await _let_lapse(world)
            desk.reopen()
            for _ in range(MOST_LAPSES):  # a red that waited for another one to lapse may lapse itself
                await _let_lapse(world)
                if not world.onlooker.must_go_on():
                    break
            await world.settle(timedelta(hours=48))
        desk.note()


def _asked(desk: RedDesk) -> Any:
    async def holds() -> bool:
        return desk.done

    return holds


async def _let_lapse(world: World) -> None:
    """An hour in which the program is there, and three days in which it looks in for a moment now and then."""
    await world.pass_by(timedelta(hours=1))
    end = world.clock.world + LAPSE
    while world.clock.world < end:
        world.clock.advance(STRIDE)
        await world.pass_by(timedelta(minutes=2))


SCENARIOS = (
    Scenario(
        name="red-chain",
        zh="红票成批而来：买方确认、否认或逾期，蓝票未明，同一蓝票两次红冲，回应丢失；先蓝后红、绝不超额、每单只一张",
        en="reds whose buyers confirm, refuse or let lapse, early and second ones: one each, after its blue",
        play=red_chain,
        must=(
            f"{ALWAYS}, red_before_blue=0, red_over_blue=0, forms_without_blue=0, max_forms_open_per_blue=1,"
            " unresolved=0, max_issued_per_order=1"
        ),
        sometimes=(
            *("issuer.saveInvoiceRedConfirm.lost_after", "buyers_confirmed", "buyers_refused", "forms_lapsed"),
            *("reds_early", "reds_second"),
        ),
        faults=("F64", "F65"),
        rows=60,
        workers=2,
    ),
)
