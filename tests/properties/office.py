"""A WDT and an issuer in memory that behave as the proof's world does.

Calls are answered, lost before or after they were carried out, carried out later, or twice. The issuer works in its
own time, refuses with or without a record, and shows nothing at first. Users cancel, edit and reopen.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b

import msgspec
from daemon_parts import VirtualClock

from syncd.domain.invoice import Colour, Invoice, InvoiceRequest, IssuerKey
from syncd.domain.money_guard import PrintedLine
from syncd.domain.order import (
    WDT_ACCEPTS_WRITE_BACK,
    InvoiceOrder,
    Line,
    OrderNo,
    Page,
    Party,
    Row,
    Search,
    UpdateAnswer,
    WriteBack,
)
from syncd.domain.outcome import Blocked, Duplicate, Failed, Issued, NotFound, Outcome, Processing, Refused, Unknown
from syncd.domain.ports import Class, IssuerProfile
from syncd.domain.trouble import Care, InDoubt, Transient, Verdict

SELLER = "91310115MA1K39423D"  # made up
Meanwhile = Callable[[], Awaitable[None]]
#: What may happen to a call. Late: carried out some other time. Doubled: answered, and carried out again later.
FATES = ("given", "lost before", "lost after", "late", "doubled")
SETTLE = 30.0
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
#: Seconds a new submission may stay unseen; below the settle time, as the issuer promises.
UNSEEN = 10


@dataclass(slots=True)
class Document:
    """An invoice order in WDT."""

    no: str
    amount: Decimal
    status: int = 45
    number: str = ""
    modified: datetime = LONG_AGO
    edited: bool = False

    def row(self) -> Row:
        raw = msgspec.json.encode([self.no, str(self.amount), self.status, self.number])
        return Row(
            no=OrderNo(self.no),
            status=self.status,
            invoice_no=self.number,
            is_red=False,
            shop_no="",
            payer_name="",
            amount=int(self.amount * 10_000),
            created_at=None,
            raw=raw,
            content_hash=blake2b(raw, digest_size=16).digest(),
        )


@dataclass(slots=True)
class Submission:
    """What the issuer holds under a key: "processing", "issued" or "failed"."""

    order_no: str
    total: Decimal
    at: datetime
    state: str = "processing"
    number: str = ""
    hidden_until: datetime = LONG_AGO


@dataclass(slots=True)
class Office:
    """Both parties, and the network with what is still under way in it."""

    clock: VirtualClock
    dice: random.Random
    documents: dict[str, Document] = field(default_factory=dict)
    register: dict[str, Submission] = field(default_factory=dict)
    legal: list[Submission] = field(default_factory=list)
    soup: list[Callable[[], object]] = field(default_factory=list)
    calm: bool = False

    # -- the world -----------------------------------------------------------------------------------------------------

    def put(self, no: str) -> None:
        self.documents[no] = Document(no, Decimal(113), modified=self.clock.world)

    def invoices_of(self, no: str) -> list[str]:
        return [one.number for one in self.legal if one.order_no == no]

    def fate(self) -> str:
        return "given" if self.calm or self.dice.random() < 0.5 else self.dice.choice(FATES)

    def deliver(self) -> None:
        """A message that was under way arrives."""
        if self.soup:
            self.soup.pop(self.dice.randrange(len(self.soup)))()

    def bureau_works(self) -> bool:
        """The tax bureau gets on with one of the submissions that wait; False when none does."""
        waiting = [key for key, one in self.register.items() if one.state == "processing"]
        if not waiting:
            return False
        key = self.dice.choice(waiting)
        one = self.register[key]
        luck = 1.0 if self.calm else self.dice.random()
        if luck < 0.2:
            one.state = "failed"
        elif luck < 0.3:
            del self.register[key]  # refused, and no record is kept
        else:
            one.state, one.number = "issued", f"26332{len(self.legal) + 1:015d}"
            self.legal.append(one)
        return True

    def makes_good(self) -> None:
        """An issuer issues what it has listed as failed, whenever it likes.

        Not where the order was changed since: its old key is left behind then, and nobody can prevent a second invoice
        but the issuer (docs/decisions/0008).
        """
        failed = [one for one in self.register.values() if one.state == "failed"]
        kept = [one for one in failed if not self.documents[one.order_no].edited]
        if kept:
            one = self.dice.choice(kept)
            one.state, one.number = "issued", f"26332{len(self.legal) + 1:015d}"
            self.legal.append(one)

    def user_acts(self) -> None:
        """Somebody at WDT cancels, edits or reopens."""
        document = self.dice.choice(list(self.documents.values()))
        match self.dice.randrange(4):
            case 0 if document.status in (45, 85):
                self._change(document, status=5)
            case 1 if document.status in (45, 85):
                document.edited = True
                self._change(document, amount=document.amount + 113)
            case _ if document.status in (85, 5):
                self._change(document, status=45)

    def _change(self, document: Document, **fields: object) -> None:
        for name, value in fields.items():
            setattr(document, name, value)
        document.modified = self.clock.world

    # -- what calls do -------------------------------------------------------------------------------------------------

    def write(self, back: WriteBack) -> str:
        """Apply one write-back; the text of the refusal, or ""."""
        document = self.documents[back.order_no]
        if document.status not in WDT_ACCEPTS_WRITE_BACK:
            return "wrong state"
        self._change(document, status=back.status, number=back.invoice_no)
        return ""

    def take(self, key: str, body: bytes) -> Outcome:
        """Carry out one submission."""
        if key in self.register:
            return Duplicate()
        order_no, total, *_ = msgspec.json.decode(body, type=tuple[str, Decimal, Decimal, Decimal])
        if not self.calm and self.dice.random() < 0.15:
            return Refused("E9101", "refused at once")
        unseen = timedelta(seconds=0 if self.calm else self.dice.choice([0, 0, UNSEEN]))
        self.register[key] = Submission(order_no, total, self.clock.world, hidden_until=self.clock.world + unseen)
        return Processing(key)

    def go_on(self, key: str) -> None:
        """Carry out a revival."""
        if key in self.register and self.register[key].state == "failed":
            self.register[key].state = "processing"

    def shown(self, key: str) -> Outcome:
        one = self.register.get(key)
        if one is None or one.hidden_until > self.clock.world:
            return NotFound()
        match one.state:
            case "processing":
                return Processing(key)
            case "failed":
                return Failed("22", "refused by the bureau")
        url = f"https://fp.example.com/{one.number}.pdf"
        return Issued(Invoice(one.number, "", one.total, Colour.BLUE, buyer_tax_no="", file_url=url, issued_at=one.at))


class OfficeErp:
    """The `Erp` port."""

    clock_offset: float | None = 0.0

    def __init__(self, office: Office, meanwhile: Meanwhile) -> None:
        self._office = office
        self._meanwhile = meanwhile

    async def search(self, query: Search) -> Page:
        office = self._office
        await self._meanwhile()
        if office.fate() not in ("given", "doubled"):
            raise Transient(Verdict(Care.RETRY_SOON, "wdt", "timeout", "no answer"))
        asked_at = office.clock.now()
        rows = [document.row() for document in office.documents.values() if _asked(document, query)]
        page = rows[query.page_no * query.page_size : (query.page_no + 1) * query.page_size]
        await self._meanwhile()
        return Page(tuple(page), (), len(rows) if query.with_total else None, asked_at)

    async def update(self, documents: Sequence[WriteBack]) -> UpdateAnswer:
        office, fate = self._office, self._office.fate()
        await self._meanwhile()
        if fate == "lost before" and office.dice.random() < 0.5:
            raise Transient(Verdict(Care.RETRY_SOON, "wdt", "refused", "not one byte left"))
        refused: dict[OrderNo, str] = {}
        if fate in ("given", "lost after", "doubled"):
            refused = {back.order_no: text for back in documents if (text := office.write(back))}
        if fate in ("late", "doubled"):
            office.soup.extend(lambda back=back: office.write(back) for back in documents)  # type: ignore[misc]
        await self._meanwhile()
        if fate not in ("given", "doubled"):
            raise InDoubt(Verdict(Care.UNKNOWN, "wdt", "timeout", "no answer"))
        return UpdateAnswer(refused)

    def decode(self, raw: bytes) -> InvoiceOrder:
        no, amount, status, number = msgspec.json.decode(raw, type=tuple[str, Decimal, int, str])
        return _order(no, amount, status, number)

    def ask_the_same(self, before: bytes, now: bytes) -> bool:
        return before != b"" and self.decode(before) == self.decode(now)


class OfficeIssuer:
    """The `Issuer` port, class A: a key is taken once."""

    name = "main"
    tax_no = SELLER
    profile = IssuerProfile(kind="demo", trust=Class.A, key_length=20, ask_batch=50, settle_for=SETTLE)

    def __init__(self, office: Office, meanwhile: Meanwhile) -> None:
        self._office = office
        self._meanwhile = meanwhile
        self.red = self  # nothing red is asked of it

    def render(self, request: InvoiceRequest, key: IssuerKey) -> bytes:
        return msgspec.json.encode((request.order_no, request.total, request.net, request.tax))

    def printed(self, body: bytes) -> list[PrintedLine]:
        """One line over the whole amount: this issuer prints no more."""
        _, total, net, tax = msgspec.json.decode(body, type=tuple[str, Decimal, Decimal, Decimal])
        return [PrintedLine(0, tax / net, net, tax, total)]

    async def submit(self, key: IssuerKey, body: bytes) -> Outcome:
        office, fate = self._office, self._office.fate()
        await self._meanwhile()
        outcome: Outcome = Unknown("timeout")
        if fate in ("given", "lost after", "doubled"):
            outcome = office.take(key, body)
        if fate in ("late", "doubled"):
            office.soup.append(lambda: office.take(key, body))
        await self._meanwhile()
        if fate == "lost before":
            return Unknown("connection refused", sent=False)
        return outcome if fate in ("given", "doubled") else Unknown("timeout")

    async def ask(self, keys: Sequence[IssuerKey]) -> Mapping[IssuerKey, Outcome]:
        office = self._office
        await self._meanwhile()
        fate = office.fate()
        if fate == "late":
            return dict.fromkeys(keys, Blocked(Verdict(Care.REST_LANE, "demo", "busy", "too many questions", 20.0)))
        answers: dict[IssuerKey, Outcome] = {key: office.shown(key) for key in keys}
        await self._meanwhile()
        return answers if fate in ("given", "doubled") else dict.fromkeys(keys, Unknown("timeout"))

    async def revive(self, key: IssuerKey, serial: str) -> Outcome:
        """A failed one is under way again; whatever happens to the call, it makes no second one."""
        office, fate = self._office, self._office.fate()
        await self._meanwhile()
        if fate in ("given", "lost after", "doubled"):
            office.go_on(key)
        if fate in ("late", "doubled"):
            office.soup.append(lambda: office.go_on(key))
        await self._meanwhile()
        return Processing(key) if fate in ("given", "doubled") else Unknown("timeout", sent=fate != "lost before")

    async def probe(self, *, issuing: bool = False) -> Verdict | None:
        return None


def _asked(document: Document, query: Search) -> bool:
    if query.order_no is not None:
        return document.no == query.order_no
    assert query.start is not None
    assert query.end is not None
    inside = query.start <= document.modified <= query.end + timedelta(seconds=1)
    return inside and (query.every_status or document.status == 45)


def _order(no: str, amount: Decimal, status: int, number: str) -> InvoiceOrder:
    net = (amount / Decimal("1.13")).quantize(Decimal("0.01"))
    line = Line(
        item_name="demo goods",
        item_no="demo-1",
        row_type=0,
        unit_name="件",
        num=Decimal(1),
        price=net,
        tax_code="1030405010000000000",
        tax_rate=Decimal("0.13"),
        sum_price=net,
        tax=amount - net,
        sum_amount=amount,
        discount=Decimal(0),
        discount_tax=Decimal(0),
    )
    return InvoiceOrder(
        no=OrderNo(no),
        status=status,
        is_red=False,
        business_type=0,
        invoice_type=3,
        payer=Party(name="个人"),
        payee=Party(name="demo seller", tax_no=SELLER),
        operator="demo drawer",
        receiver="",
        checker="",
        shop_no="",
        shop_name="",
        trade_no="",
        goods_amount=net,
        goods_tax=amount - net,
        discount=Decimal(0),
        discount_tax=Decimal(0),
        sum_price=net,
        sum_tax=amount - net,
        invoice_amount=amount,
        outer_amount=None,
        remark="",
        tax_control_no="",
        relation_invoice_no="",
        relation_invoice_code="",
        invoice_no=number,
        invoice_code="",
        invoice_time="",
        file_url="",
        error_info="",
        serial_no="",
        mask=0,
        created_at=None,
        lines=(line,),
    )
