"""What the invoice centre is to be told, and what its answers mean. Pure, and without a way to issuing anything.

Told are whole applications: every invoice of every linked order, once all of them have ended. What the centre calls
missing was not collected there; of that, ours is returned, and no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from syncd.domain.application import MOST_INVOICES, OUTSIDE, CentreRules, Standing, Stuck
from syncd.domain.centre import Application, ApplyStatus, InvoiceUk, Updated
from syncd.domain.lifecycle import Phase, State
from syncd.domain.texts import cut, half_width
from syncd.store.applications import ApplicationView, spelled
from syncd.store.links import Attempt, Leg

#: The waits between two questions about what was returned, after the first one, which is a setting.
LATER_GRACES = (timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=60))
#: So many waits without the missing set shrinking, or so many returns of one invoice, and a person looks.
MOST_ROUNDS = 5
#: So many answers "not done" that name nothing missing.
MOST_BLANKS = 3
#: So many failures of the centre itself in a row, for one application alone.
MOST_TROUBLES = 8
#: How long a file that is being fetched is waited for, before the centre is told and once it lacks it. Its coming, or
#: that it cannot be had, ends the wait.
FIRST_FILE_WAIT, FILE_WAIT = timedelta(minutes=5), timedelta(hours=6)
#: Characters of a message to the centre, and what is said where an issuer gave no reason.
MESSAGE_LIMIT, NO_REASON = 200, "开票失败"

_ISSUED = frozenset({State.ISSUED, State.DONE60})
#: Statuses of an application that nothing follows.
_SUCCEEDED = frozenset({ApplyStatus.SUCCESS, ApplyStatus.PART})


class Why(StrEnum):
    """Why an application is read."""

    FIRST = "first"  # before it is ended, to compare
    BLANK = "blank"  # "not done", and nothing named
    REFUSED = "refused"  # the change of status was refused


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do until an order moves, or somebody links one."""


@dataclass(frozen=True, slots=True)
class Told:
    """The centre has been told exactly this already."""


@dataclass(frozen=True, slots=True)
class Read:
    """Look at what the centre shows before going on."""

    why: Why


@dataclass(frozen=True, slots=True)
class Tell:
    """Change the application's status."""

    status: ApplyStatus
    invoices: tuple[InvoiceUk, ...] = ()
    message: str = ""

    @property
    def signature(self) -> str:
        """The same for the same thing said."""
        return " ".join(filter(None, (str(self.status), spelled(self.invoices))))


@dataclass(frozen=True, slots=True)
class Pause:
    """A file is being fetched for the first time: with it, one call fewer is needed."""


@dataclass(frozen=True, slots=True)
class Stick:
    """A person decides."""

    stuck: Stuck
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Finish:
    """The centre has it. `contradicted`: it said so, and called something missing all the same."""

    contradicted: bool = False


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The buyer took it back, and nothing was issued: nothing is owed."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask again after `span`; `round` waits have passed by then. `for_file`: or as soon as a file comes."""

    span: timedelta
    round: int
    for_file: bool = False


@dataclass(frozen=True, slots=True)
class Return:
    """Return these invoices, each once, then go on with `then`."""

    legs: tuple[Leg, ...]
    then: Wait | Stick


@dataclass(frozen=True, slots=True)
class GoOn:
    """What the centre shows does not contradict us."""


Step = Rest | Told | Read | Pause | Tell | Stick
Answer = Finish | Read | Return | Wait | Stick
Sight = GoOn | Finish | Withdraw | Wait | Stick


# -- what to do next ---------------------------------------------------------------------------------------------------


def next_step(seen: ApplicationView, legs: Sequence[Leg], rules: CentreRules) -> Step:
    """What is to be done about an application as it and its orders stand."""
    if seen.state is Standing.WITHDRAWN:
        issued = _issued(legs)
        return Stick(Stuck.CANCELLED, (("invoices", _names(issued)),)) if issued else Rest()
    step = owed([leg for leg in legs if not leg.cancelled], rules)
    if seen.state is Standing.DONE and (not isinstance(step, Tell) or seen.told in (step.signature, OUTSIDE)):
        return Told()
    if isinstance(step, Tell | Stick) and rules.read_first and seen.read_at is None:
        return Read(Why.FIRST)
    if isinstance(step, Tell) and not seen.said and rules.uploads and any(map(_being_fetched, legs)):
        return Pause()
    return step


def _being_fetched(leg: Leg) -> bool:
    return leg.file == "wanted" and leg.file_tries == 0 and not leg.cancelled


def owed(legs: Sequence[Leg], rules: CentreRules) -> Rest | Tell | Stick:
    """What the ends of the linked orders come to; Rest while one of them is not at its end."""
    if not legs or any(_alive(leg) for leg in legs):
        return Rest()
    issued = _issued(legs)
    failed = [leg for leg in legs if leg.state is State.DONE85]
    cancelled = [leg.no for leg in legs if leg.state is State.CANCELLED]
    if cancelled:
        return Stick(Stuck.ORDER_CANCELLED, (("orders", " ".join(cancelled)),))
    reversed_ones = [leg for leg in issued if leg.reversed]
    if reversed_ones:
        return Stick(Stuck.REVERSED, (("invoices", _names(reversed_ones)),))
    if len(issued) > MOST_INVOICES:
        return Stick(Stuck.TOO_MANY_INVOICES, (("count", str(len(issued))), ("most", str(MOST_INVOICES))))
    if not failed:
        return Tell(ApplyStatus.SUCCESS, _uks(issued))
    if not issued:
        return Tell(ApplyStatus.FAILED, message=reason(failed))
    if rules.part_success:
        return Tell(ApplyStatus.PART, _uks(issued), reason(failed))
    return Stick(Stuck.PARTLY_FAILED, (("issued", str(len(issued))), ("failed", str(len(failed)))))


def reason(failed: Sequence[Leg]) -> str:
    """Why nothing was issued, in the issuer's words; never empty."""
    said = "; ".join(dict.fromkeys(leg.refusal.strip() for leg in failed if leg.refusal.strip(" :")))
    return cut(said, MESSAGE_LIMIT) or NO_REASON


def _alive(leg: Leg) -> bool:
    """Whether something may still come of it: only a number of its own, or a failure that WDT shows, is an end."""
    if leg.state in _ISSUED:
        return leg.invoice is None
    return leg.state not in (State.DONE85, State.CANCELLED) or leg.phase is Phase.REPENDED


# -- what an answer means ----------------------------------------------------------------------------------------------


def heard(
    seen: ApplicationView,
    legs: Sequence[Leg],
    attempts: Sequence[Attempt],
    answer: Updated,
    rules: CentreRules,
    now: datetime,
) -> Answer:
    """What an answer to a change of status asks for. Of a contradiction the Boolean counts."""
    if answer.success:
        return Finish(contradicted=bool(answer.missing))
    mine = {uk: leg for leg in legs if (uk := _uk(leg)) is not None and not leg.cancelled}
    named = dict.fromkeys(uk.normal() for uk in answer.missing)
    if not named or not mine:  # what a failed application lacks, nobody can return
        return Read(Why.BLANK)
    foreign = [uk for uk in named if uk not in mine]
    lacking = [mine[uk] for uk in named if uk in mine]
    if not rules.uploads:
        facts = (("invoices", _names(lacking)), ("foreign", spelled(foreign)))
        return Stick(Stuck.FOREIGN_INVOICE if foreign else Stuck.BY_HAND, facts)
    shrunk = seen.missing is None or len(named) < len(seen.missing)
    return _returning(lacking, foreign, attempts, 0 if shrunk else seen.round, rules, now)


def _returning(
    lacking: Sequence[Leg],
    foreign: Sequence[InvoiceUk],
    attempts: Sequence[Attempt],
    round_no: int,
    rules: CentreRules,
    now: datetime,
) -> Return | Wait | Stick:
    due = [leg for leg in lacking if _may_return(leg, attempts, rules, now)]
    ready = tuple(leg for leg in due if leg.file == "stored" or not _needs_file(leg))
    coming = any(leg.file == "wanted" for leg in due)
    lost = [leg for leg in due if leg not in ready and leg.file != "wanted"]
    then: Wait | Stick = Wait(grace(round_no, rules), round_no + 1)
    if coming:
        then = Wait(FILE_WAIT, round_no, for_file=True)
    elif foreign:
        then = Stick(Stuck.FOREIGN_INVOICE, (("foreign", spelled(foreign)), ("invoices", _names(lacking))))
    elif lost:
        why = next((leg.file_why for leg in lost if leg.file_why), "")
        then = Stick(Stuck.NO_FILE, (("invoices", _names(lost)), ("why", why)))
    elif not ready and round_no >= MOST_ROUNDS:
        then = Stick(Stuck.MISSING_LOOP, (("invoices", _names(lacking)),))
    return Return(ready, then) if ready else then


def grace(round_no: int, rules: CentreRules) -> timedelta:
    """How long what was returned may take to be collected; ever longer, and never shorter than the setting."""
    if round_no <= 0:
        return rules.grace
    return max(rules.grace, LATER_GRACES[min(round_no, len(LATER_GRACES)) - 1])


def _may_return(leg: Leg, attempts: Sequence[Attempt], rules: CentreRules, now: datetime) -> bool:
    """Never twice what was taken, nothing again before the grace, and nothing without end.

    A lost answer is no proof of a lost invoice; and what was refused or lost so often is a person's.
    """
    assert leg.invoice is not None
    this = InvoiceUk(leg.invoice.number, leg.invoice.code).normal()
    of_this = [one for one in attempts if InvoiceUk(one.number, one.code).normal() == this]
    if not of_this:
        return True
    if any(one.taken for one in of_this) or len(of_this) >= MOST_ROUNDS:
        return False
    return now >= of_this[-1].sent_at + rules.grace


def _needs_file(leg: Leg) -> bool:
    """An invoice on paper has none."""
    return leg.file != "none"


# -- what a look at the centre means -----------------------------------------------------------------------------------


def sight(seen: ApplicationView, legs: Sequence[Leg], shown: Application | None, why: Why, text: str = "") -> Sight:
    """What the centre's own view of an application says to ours."""
    if shown is None:
        return Stick(Stuck.UNKNOWN)
    issued = _issued([leg for leg in legs if not leg.cancelled])
    names = _names(issued)
    if shown.status == ApplyStatus.CANCELLED:
        return Stick(Stuck.CANCELLED, (("invoices", names),)) if issued else Withdraw()
    ended = shown.final or shown.status == ApplyStatus.SUCCESS
    if ended and shown.status in _SUCCEEDED | {ApplyStatus.FAILED}:
        if _as_we_say(seen, issued, shown):
            return Finish()
        return Stick(Stuck.ENDED_OTHERWISE, (("status", shown.status), ("invoices", names)))
    if why is Why.FIRST:
        return _compared(issued, shown)
    if why is Why.REFUSED:
        return Stick(Stuck.REFUSED, (("text", text), ("call", "apply.update")))
    if seen.blanks + 1 >= MOST_BLANKS:
        return Stick(Stuck.CONTRADICTION, (("request_id", shown.request_id or seen.request_id),))
    return Wait(LATER_GRACES[0] * 2**seen.blanks, seen.round)


def _as_we_say(seen: ApplicationView, issued: Sequence[Leg], shown: Application) -> bool:
    if shown.status == ApplyStatus.FAILED:
        return not issued
    ours, theirs = {uk for leg in issued if (uk := _uk(leg))}, {uk.normal() for uk in shown.invoices}
    if not ours:
        return False
    return ours <= theirs if theirs else seen.said in _SUCCEEDED  # it shows none: then only if it has it from us


def _compared(issued: Sequence[Leg], shown: Application) -> GoOn | Stick:
    if not issued:
        return GoOn()
    totals = [leg.invoice.total for leg in issued if leg.invoice is not None and leg.invoice.total is not None]
    if shown.amount is not None and len(totals) == len(issued):
        ours = sum(totals, Decimal(0))
        if abs(ours) != abs(shown.amount):
            return Stick(Stuck.AMOUNT_DIFFERS, (("theirs", f"{shown.amount:.2f}"), ("ours", f"{ours:.2f}")))
    stranger = next((leg for leg in issued if _another(leg, shown)), None)
    if stranger is None:
        return GoOn()
    theirs, mine = _buyer(shown.payer_name, shown.payer_register_no), _buyer(stranger.payer_name, stranger.payer_tax_no)
    return Stick(Stuck.PAYER_DIFFERS, (("theirs", theirs), ("ours", mine)))


def _another(leg: Leg, shown: Application) -> bool:
    """Whether it is somebody else's. The same tax number is the same buyer, however the name is spelled."""
    theirs, ours = shown.payer_register_no.strip().upper(), leg.payer_tax_no.strip().upper()
    if theirs and ours:
        return theirs != ours
    return bool(shown.payer_name.strip()) and _folded(shown.payer_name) != _folded(leg.payer_name)


def _folded(name: str) -> str:
    return "".join(half_width(name).split()).casefold()


def _buyer(name: str, tax_no: str) -> str:
    """Enough of a buyer to be compared by somebody who knows both."""
    shown = f"{name.strip()[:1]}*" if name.strip() else "-"
    return f"{shown} …{tax_no.strip()[-4:]}" if tax_no.strip() else shown


# -- names -------------------------------------------------------------------------------------------------------------


def _issued(legs: Sequence[Leg]) -> list[Leg]:
    return [leg for leg in legs if leg.state in _ISSUED and leg.invoice is not None]


def _uk(leg: Leg) -> InvoiceUk | None:
    if leg.invoice is None or leg.state not in _ISSUED:
        return None
    return InvoiceUk(leg.invoice.number, leg.invoice.code).normal()


def _uks(legs: Sequence[Leg]) -> tuple[InvoiceUk, ...]:
    """As we have them recorded: how a number without a code is sent is the client's business."""
    return tuple(InvoiceUk(leg.invoice.number, leg.invoice.code) for leg in legs if leg.invoice is not None)


def _names(legs: Sequence[Leg]) -> str:
    return spelled(_uks(legs))


def ended_as(status: str, legs: Sequence[Leg]) -> str:
    """The signature of an end that the centre shows."""
    return " ".join(filter(None, (status, _names(_issued([leg for leg in legs if not leg.cancelled])))))
