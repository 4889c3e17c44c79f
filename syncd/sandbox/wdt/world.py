"""The state of the simulated WDT and everything a test or a user of the ERP client can do to it."""

import heapq
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from syncd.sandbox.calls import Call, CallLog
from syncd.sandbox.faults import TRANSPORT, WDT_ONLY, Faults
from syncd.sandbox.moment import WDT_EPOCH, Clock, beijing_day
from syncd.sandbox.wdt.document import (
    CANCELLED,
    FAILED,
    PENDING,
    Document,
    Row,
    Written,
    content_of,
    pack_row,
    read_row,
)
from syncd.sandbox.wdt.rows import drop_null_relations
from syncd.sandbox.wdt.sample import complete_row, red_row
from syncd.sandbox.wdt.shelf import Shelf
from syncd.sandbox.wdt.switches import WdtSwitches
from syncd.sandbox.wdt.tenant import Credential, Tenant

DEFAULT_SID = "demo_sid"
DEFAULT_KEY = "demo_sid-syncd"
DEFAULT_APPSECRET = "demosecret:demosalt"


@dataclass(slots=True)
class Plan:
    """Something that happens right after a matching call was answered, such as an edit between two pages."""

    method: str
    then: Callable[[], object]
    page_no: int | None = None
    times: int = 1

    def matches(self, call: Call) -> bool:
        if call.method != self.method and not call.method.endswith("." + self.method):
            return False
        return self.page_no is None or call.params.get("page_no") == str(self.page_no)


class WdtWorld:
    """Tenants, documents, switches, faults and ledgers of the simulated WDT.

    `served` holds (sid, no) of every document ever delivered in a search answer, `served_pending` those that
    were at 45 then. `skew` (seconds) moves WDT's clock against everybody else's.
    """

    def __init__(self, clock: Clock, rng: random.Random, calls_per_minute: int = 60) -> None:
        self.clock = clock
        self.rng = rng
        self.skew = 0.0
        self.calls_per_minute = calls_per_minute
        self.switches = WdtSwitches()
        self.faults = Faults(TRANSPORT + WDT_ONLY, random.Random(rng.random()))
        self.calls = CallLog()
        self.tenants: dict[str, Tenant] = {}
        self.shelves: dict[str, Shelf] = {}
        self.documents: dict[tuple[str, str], Document] = {}
        self.served: set[tuple[str, str]] = set()
        self.served_pending: set[tuple[str, str]] = set()
        self.plans: list[Plan] = []
        self._lagging: list[tuple[float, int, Document, bytes, int, int]] = []
        self._changes = 0
        self.add_tenant(DEFAULT_SID, DEFAULT_KEY, DEFAULT_APPSECRET)

    def now(self) -> float:
        """Unix seconds on WDT's own clock."""
        return self.clock() + self.skew

    def timestamp(self) -> int:
        """WDT's own count of seconds, since 2012 in Beijing."""
        return int(self.now()) - WDT_EPOCH

    # --- accounts ---

    def add_tenant(self, sid: str, key: str, appsecret: str, shops: Iterable[str] | None = None) -> Credential:
        """A seller account, or one more interface account of an existing one. `shops` None grants all."""
        tenant = self.tenants.get(sid)
        if tenant is None:
            tenant = self.tenants[sid] = Tenant(sid, shops=None if shops is None else set(shops))
            self.shelves[sid] = Shelf(tenant)
        return tenant.add_key(key, appsecret)

    def grant_shop(self, shop_no: str, *, sid: str = DEFAULT_SID) -> None:
        shops = self.tenants[sid].shops
        if shops is not None:
            shops.add(shop_no)

    def revoke_shop(self, shop_no: str, *, sid: str = DEFAULT_SID) -> None:
        """Take a shop away: its documents vanish from search without a word."""
        tenant = self.tenants[sid]
        if tenant.shops is None:
            tenant.shops = {document.shop_no for document in self.shelves[sid].by_seq.values()}
        tenant.shops.discard(shop_no)

    # --- documents ---

    def put_order(
        self, row: Row, *, sid: str = DEFAULT_SID, modified: float | None = None, expect: str = "issue",
        raw: bool = False, visible_after: float | None = None, loose: bool = False,
    ) -> str:  # fmt: skip
        """Create a document and return its number.

        `row` is completed with a seller, a buyer, a line of 113.00 and header amounts; `raw` keeps it as it is.
        `modified` is unix seconds (default now); `visible_after` overrides the switch `visibility_lag`.
        `expect`: "issue" | "refuse" | "hold" | "none". `loose` postpones sorting until `tidy()`.
        """
        at = self.now() if modified is None else modified
        no = str(row.get("invoice_order_no") or self._next_no(sid, at))
        if (sid, no) in self.documents:
            raise ValueError(f"{no} exists already under {sid}")
        full = dict(row) if raw else complete_row(row, no, at)
        document = self._new_document(sid, no, drop_null_relations(full), int(at), expect)
        shelf = self.shelves[sid]
        shelf.rebuild_if_needed(self.switches)
        self.documents[document.key] = document
        shelf.by_no[no] = shelf.by_seq[document.seq] = document
        self._publish(document, visible_after, loose=loose)
        return no

    def put_red_of(
        self, no: str, *, invoice_no: str = "", invoice_code: str = "", gross: Decimal | None = None,
        sign: Literal["negative", "positive"] = "negative", sid: str = DEFAULT_SID,
        modified: float | None = None, expect: str = "issue", **fields: Any,
    ) -> str:  # fmt: skip
        """Create a red document that reverses the document `no`, and return its number.

        It names the invoice WDT knows of `no`, or `invoice_no` (and `invoice_code`); where neither is, the relation
        is absent. `gross` (positive) makes it a partial one. The vendor does not say which sign amounts have.
        """
        blue = self.order(no, sid=sid)
        number = invoice_no or blue.get("invoice_no") or None
        code = invoice_code if invoice_no else blue.get("invoice_code") or None
        relation = {"relation_invoice_no_out": number, "relation_invoice_code": code or None}
        row = {**red_row(blue, gross, sign), **relation, **fields}
        return self.put_order(row, sid=sid, modified=modified, expect=expect)

    def tidy(self, *, sid: str = DEFAULT_SID) -> None:
        """Restore the order of the timelines after loose puts."""
        self.shelves[sid].tidy()

    def document(self, no: str, *, sid: str = DEFAULT_SID) -> Document:
        """Raises: KeyError when there is no such document."""
        return self.documents[sid, no]

    def order(self, no: str, *, sid: str = DEFAULT_SID) -> Row:
        """The current row of a document, as WDT's own database has it."""
        return read_row(self.document(no, sid=sid).row)

    def edit(self, no: str, *, sid: str = DEFAULT_SID, **fields: Any) -> None:
        """A user changes fields of a document; it counts as modified now."""
        self.change(self.document(no, sid=sid), fields)

    def touch(self, no: str, *, sid: str = DEFAULT_SID, modified: float | None = None) -> None:
        """Only bump the modified time (to `modified`, default now)."""
        self.change(self.document(no, sid=sid), {}, modified)

    def set_status(self, no: str, status: int, *, sid: str = DEFAULT_SID) -> None:
        """The ERP client moves a document to any status."""
        self.change(self.document(no, sid=sid), {"status": status})

    def cancel(self, no: str, *, sid: str = DEFAULT_SID) -> None:
        """A user cancels the document (5)."""
        self.document(no, sid=sid).cancelled_by_user = True
        self.set_status(no, CANCELLED, sid=sid)

    def reopen(self, no: str, *, sid: str = DEFAULT_SID) -> None:
        """A user puts a failed or cancelled document back to 45. Raises: ValueError from any other status."""
        document = self.document(no, sid=sid)
        if document.status not in (FAILED, CANCELLED):
            raise ValueError(f"{no} is at {document.status}; only 85 and 5 can be reopened")
        document.cancelled_by_user = False
        document.written.clear()
        self.set_status(no, PENDING, sid=sid)

    def write_back(self, document: Document, fields: Row, written: Written) -> None:
        """An accepted updateInvoice."""
        document.written.append(written)
        self.change(document, fields)

    def change(self, document: Document, fields: Row, modified: float | None = None) -> None:
        """Every change of a document passes here: new row, new modified time, then the replica."""
        row = {**read_row(document.row), **fields}
        document.row = pack_row(row)
        document.status = int(row["status"])
        document.was_pending |= document.status == PENDING
        document.modified = int(self.now() if modified is None else modified)
        content = content_of(row)
        if content not in document.contents:
            document.contents.append(content)
        self._publish(document, None)

    # --- the read replica ---

    def catch_up(self) -> None:
        """Show what the replica should have received by now."""
        while self._lagging and self._lagging[0][0] <= self.now():
            _, _, document, row, status, modified = heapq.heappop(self._lagging)
            self._show(document, row, status, modified)

    def _publish(self, document: Document, visible_after: float | None, *, loose: bool = False) -> None:
        lag = self.switches.visibility_lag if visible_after is None else visible_after
        if lag <= 0 and not self._lagging:
            self._show(document, document.row, document.status, document.modified, loose=loose)
            return
        self._changes += 1
        due = self.now() + lag
        heapq.heappush(self._lagging, (due, self._changes, document, document.row, document.status, document.modified))
        self.catch_up()

    def _show(self, document: Document, row: bytes, status: int, modified: int, *, loose: bool = False) -> None:
        shelf = self.shelves[document.sid]
        shelf.rebuild_if_needed(self.switches)
        if document.shown:
            shelf.leave(document)
        document.shown, document.shown_status, document.shown_modified = row, status, modified
        shelf.enter(document, self.switches, loose=loose)

    # --- what happens around calls ---

    def after(self, method: str, then: Callable[[], object], *, page_no: int | None = None, times: int = 1) -> None:
        """Do `then` right after the next `times` answers to `method` (of page `page_no`)."""
        self.plans.append(Plan(method, then, page_no, times))

    def called(self, call: Call) -> None:
        """Carry out the plans that waited for this call."""
        for plan in [plan for plan in self.plans if plan.matches(call)]:
            plan.times -= 1
            if plan.times <= 0:
                self.plans.remove(plan)
            plan.then()

    def _next_no(self, sid: str, at: float) -> str:
        """FP, the Beijing day and a running number, as WDT numbers look."""
        count = len(self.shelves[sid].by_no) + 1
        while (sid, no := f"FP{beijing_day(at)}{count:04d}") in self.documents:
            count += 1
        return no

    def _new_document(self, sid: str, no: str, row: Row, modified: int, expect: str) -> Document:
        status = int(row.get("status") or 0)
        platforms = (line.get("platform_id") for line in row.get("detail_list") or [])
        return Document(
            sid=sid, no=no, seq=len(self.documents) + 1, status=status, modified=modified,
            shop_no=str(row.get("shop_no") or ""),
            platforms=frozenset(int(one) for one in platforms if str(one).isdigit()),
            row=pack_row(row), shown=b"", shown_status=0, shown_modified=0, expect=expect,
            contents=[content_of(row)], was_pending=status == PENDING,
        )  # fmt: skip
