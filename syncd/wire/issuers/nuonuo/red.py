"""Red invoices at Nuonuo: a confirmation form is raised, the bureau makes the invoice, and both are asked about.

The form's billId is our key, so a repeated one is refused and can be asked for. An agreed form is not the end: only
the red invoice's own number is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from syncd.domain.clock import Clock
from syncd.domain.invoice import InvoiceRequest, IssuerKey
from syncd.domain.money_guard import PrintedForm
from syncd.domain.outcome import (
    Agreed,
    Blocked,
    Failed,
    NotFound,
    Outcome,
    Processing,
    Stalled,
    Stopped,
    Unknown,
)
from syncd.domain.ports import Class, IssuerProfile, Unfit
from syncd.wire.issuers.nuonuo.codec import NuonuoOptions
from syncd.wire.issuers.nuonuo.codec import ask_body as results_body
from syncd.wire.issuers.nuonuo.errors import (
    Meaning,
    Said,
    after_revive,
    after_submit,
    meaning,
    no_answer,
    unheard,
)
from syncd.wire.issuers.nuonuo.limits import KEY_LENGTH
from syncd.wire.issuers.nuonuo.red_form import (
    Form,
    Stage,
    ask_body,
    forms_in,
    make_body,
    printed,
    read_form,
    refresh_body,
    render,
    serials_body,
)
from syncd.wire.issuers.nuonuo.results import Entry, read_entry, text_in

log = structlog.get_logger(__name__)

SUBMIT = "nuonuo.OpeMplatform.saveInvoiceRedConfirm"
ASK = "nuonuo.OpeMplatform.queryInvoiceRedConfirm"
REFRESH = "nuonuo.OpeMplatform.refreshInvoiceRedConfirm"
MAKE = "nuonuo.OpeMplatform.fastInvoiceRed"
#: One question per form: keys in one `ask`.
ASK_BATCH = 10
#: A form of which Nuonuo keeps saying that it waits is fetched from the bureau this often.
REFRESH_EVERY = timedelta(minutes=5)
#: A buyer has 72 hours (bureau code 07).
LAPSES_AFTER = 72 * 3600.0
#: So many unanswered questions in a row, and the others of the batch are left for the next look.
MOST_UNHEARD = 2

Call = Callable[[str, bytes], Awaitable[Said | Blocked | Unknown]]
Revive = Callable[[IssuerKey, str], Awaitable[Outcome]]


class NuonuoRed:
    """The red channel of one account. Class A: the billId is taken once."""

    def __init__(
        self,
        *,
        name: str,
        tax_no: str,
        call: Call,
        results: str,
        reseal: Revive,
        clock: Clock,
        options: NuonuoOptions,
    ) -> None:
        """`results` is the method that tells of invoices, `reseal` what is done for one that exists without a seal."""
        self._name = name
        self._tax_no = tax_no
        self._call = call
        self._results = results
        self._reseal = reseal
        self._clock = clock
        self._options = options
        self._fetched_at: dict[IssuerKey, datetime] = {}

    @property
    def profile(self) -> IssuerProfile:
        return IssuerProfile(
            kind="nuonuo",
            trust=Class.A,
            key_length=KEY_LENGTH,
            ask_batch=ASK_BATCH,
            settle_for=self._options.settle_for,
            restartable=False,
            lapses_after=LAPSES_AFTER,
        )

    def render(self, request: InvoiceRequest, key: IssuerKey) -> bytes:
        """The body of saveInvoiceRedConfirm, the same for ever. Raises: Unfit."""
        if request.seller.tax_no != self._tax_no:
            raise Unfit("seller_differs", given=request.seller.tax_no, ours=self._tax_no)
        return render(request, key, self._tax_no, self._options)

    def printed(self, body: bytes) -> PrintedForm:
        """What a form's bytes ask for. Raises ValueError."""
        return printed(body)

    async def submit(self, key: IssuerKey, body: bytes) -> Outcome:
        """Raise the form, once. E0000 means that it exists, and nothing of a red invoice."""
        said = await self._call(SUBMIT, body)
        if isinstance(said, Blocked) and said.verdict.code == "at_rest":
            return Unknown("at_rest", sent=False)
        return after_submit(said) if isinstance(said, Said) else said

    async def revive(self, key: IssuerKey, serial: str) -> Outcome:
        """Seal the red invoice of `serial` again; or, without one, have it made of the agreed form.

        The form is looked at first, because it may have its invoice by now, or be agreed to no more.
        """
        if serial:
            return await self._reseal(key, serial)
        form = await self._form(key)
        if not isinstance(form, Form):
            return Unknown("form unknown", sent=False) if isinstance(form, Unknown) else form
        if form.stage is not Stage.AGREED or form.names_red:
            return Processing(form.serial)
        said = await self._call(MAKE, make_body(key, self._tax_no, form))
        return after_revive(said) if isinstance(said, Said) else said

    async def ask(self, keys: Sequence[IssuerKey]) -> Mapping[IssuerKey, Outcome]:
        """What became of each form, and of the red invoice of one that is agreed to or names one, however it ended."""
        found: dict[IssuerKey, Outcome] = {}
        with_red: dict[IssuerKey, Form] = {}
        silent = 0
        form: Form | NotFound | Blocked | Unknown = NotFound()
        for key in keys:
            if silent < MOST_UNHEARD:  # else the last word, or silence, holds for the others as well
                form = await self._form(key)
            silent = silent + 1 if isinstance(form, Unknown | Blocked) else 0
            if isinstance(form, Form) and (form.stage is Stage.AGREED or form.names_red):
                with_red[key] = form
            else:
                found[key] = self._outcome(form) if isinstance(form, Form) else form
        if with_red:
            reds = await self._reds(with_red)
            found |= {key: self._despite(with_red[key], red) for key, red in reds.items()}
        for key in keys:
            if not isinstance(found[key], Processing | Unknown | Blocked):
                self._fetched_at.pop(key, None)
        return found

    # -- the form --------------------------------------------------------------------------------------------------

    async def _form(self, key: IssuerKey) -> Form | NotFound | Blocked | Unknown:
        """The form as it is now; one that keeps waiting is fetched from the bureau before that is believed."""
        form = await self._look(key)
        if isinstance(form, Form) and self._seems_to_wait(form) and self._is_due(key):
            await self._call(REFRESH, refresh_body(form.uuid))  # of no consequence if it fails: it still waits
            return await self._look(key)
        return form

    def _seems_to_wait(self, form: Form) -> bool:
        waits = form.stage in (Stage.BUYER, Stage.AGREED, None)
        return waits and bool(form.uuid) and not form.names_red

    def _is_due(self, key: IssuerKey) -> bool:
        now = self._clock.now()
        if now - self._fetched_at.setdefault(key, now) < REFRESH_EVERY:
            return False
        self._fetched_at[key] = now
        return True

    async def _look(self, key: IssuerKey) -> Form | NotFound | Blocked | Unknown:
        said = await self._call(ASK, ask_body(key))
        if not isinstance(said, Said):
            return said
        match meaning(said.code):
            case Meaning.NOT_FOUND:
                return NotFound()
            case Meaning.ACCEPTED:
                return self._ours(said.result, key)
            case _:
                return no_answer(said)

    def _ours(self, result: object, key: IssuerKey) -> Form | NotFound | Unknown:
        """The form under our key; never one that does not name it, nor "none" from an answer about others."""
        entries = forms_in(result)
        if entries is None:
            return Unknown("result is no list of forms")
        ours = [entry for entry in entries if entry.get("billId") == key]
        if len(ours) < len(entries):
            log.warning("issue.key_mismatch", issuer=self._name, asked=1, strays=len(entries) - len(ours))
        if not ours:
            return Unknown("key mismatch") if entries else NotFound()
        forms = list(dict.fromkeys(read_form(entry) for entry in ours))
        return forms[0] if len(forms) == 1 else Unknown("several forms under one key")

    def _outcome(self, form: Form) -> Outcome:
        """Of a form that is not agreed to. A state nobody knows is told to people and is no failure."""
        match form.stage:
            case Stage.ENDED:
                return Failed(form.status, form.text, form.serial)
            case Stage.PERSON:
                return Stopped(f"red_form_{form.status}", form.text)
            case None:
                state = unheard(f"billStatus {form.status or 'missing'}", form.text)
                log.warning("issue.unclassified", issuer=self._name, method=ASK, code=state.code, text=state.text)
                return Processing(form.serial, unclassified=state)
            case stage:
                return Processing(form.serial, for_buyer=stage is Stage.BUYER)

    def _despite(self, form: Form, red: Outcome) -> Outcome:
        """Of a form that names a red invoice and is not agreed to: where that is not found, never that it failed."""
        if form.stage is Stage.AGREED or red != Processing(exists=True):
            return red
        if form.stage is Stage.ENDED:
            return Stopped("red_form_ended", f"{form.status} {form.text}")
        return self._outcome(form)

    # -- the red invoice of an agreed form -------------------------------------------------------------------------

    async def _reds(self, forms: Mapping[IssuerKey, Form]) -> dict[IssuerKey, Outcome]:
        """By the serials the forms name, and by our key where one names none."""
        named = {key: form for key, form in forms.items() if form.serial}
        found: dict[IssuerKey, Outcome] = {}
        if named:
            serials = [form.serial for form in named.values()]
            entries = await self._entries(serials_body(serials), "serialNo")
            found |= {key: _red(entries, form.serial, exists=True) for key, form in named.items()}
        unnamed = [key for key in forms if key not in named]
        if unnamed:
            entries = await self._entries(results_body(unnamed), "orderNo")
            found |= {key: self._unnamed(entries, key, forms[key]) for key in unnamed}
        return found

    def _unnamed(self, entries: Mapping[str, list[Entry]] | Outcome, key: IssuerKey, form: Form) -> Outcome:
        """Of a form without a serial: its invoice is found by our key, or is still to be made."""
        red = _red(entries, key, exists=bool(form.red_number))
        waits = isinstance(red, Processing) and not red.serial and not form.red_number
        return Agreed() if waits and not self._options.red_by_itself else red

    async def _entries(self, body: bytes, named_by: str) -> Mapping[str, list[Entry]] | Outcome:
        """The entries of a queryInvoiceResult by serial or order number; the outcome where it did not answer."""
        said = await self._call(self._results, body)
        if not isinstance(said, Said):
            return said
        match meaning(said.code):
            case Meaning.NOT_FOUND:
                return {}
            case Meaning.ACCEPTED if isinstance(said.result, list):
                found: dict[str, list[Entry]] = {}
                for entry in said.result:
                    if isinstance(entry, dict):
                        found.setdefault(text_in(entry, named_by), []).append(entry)
                return found
            case Meaning.ACCEPTED:
                return Unknown("result is no list")
            case _:
                return no_answer(said)


def _red(entries: Mapping[str, list[Entry]] | Outcome, name: str, *, exists: bool) -> Outcome:
    """What became of the red invoice of an agreed form. Not found yet, or failed, it is never dead: the form stands."""
    if not isinstance(entries, Mapping):
        return entries
    outcomes = list(dict.fromkeys(read_entry(entry) for entry in entries.get(name, [])))
    if not outcomes:
        return Processing(exists=exists)
    if len(outcomes) > 1:
        return Unknown("several invoices of one form")
    match outcomes[0]:
        case Failed(_, text):
            return Stopped("red_not_issued", text)
        case Stalled(verdict):
            return Stopped("red_not_issued", verdict.text)
        case outcome:
            return outcome
