"""WDT without its checks: search by windows and pages, and updateInvoice."""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import msgspec

from benchmarks.fakes.http import Request
from benchmarks.fakes.rows import Rows, number_of

BEIJING = timezone(timedelta(hours=8))
SEARCH = "finance.invoice.InvoiceOrder.search"
UPDATE = "finance.invoice.InvoiceOrder.updateInvoice"
#: Orders were last changed before this many seconds ago, when the server starts.
SETTLED_FOR = 600


class _Question(msgspec.Struct):
    start_time: str = ""
    end_time: str = ""
    invoice_order_no: str = ""
    mode: int | str = 0


class _Document(msgspec.Struct):
    invoice_order_no: str
    status: int
    invoice_no: str = ""


_QUESTION = msgspec.json.Decoder(tuple[_Question])
_DOCUMENTS = msgspec.json.Decoder(tuple[list[_Document]])


class Wdt:
    """One seller's orders at 45: `count` of `rows` from the number `first` on, last changed evenly over `days`.

    What is written back is shown at once, as changed just now.
    """

    def __init__(self, rows: Rows, days: float, first: int, count: int) -> None:
        self._rows = rows
        self._first, self._count = first, count
        self.end = int(time.time()) - SETTLED_FOR
        self.start = self.end - int(days * 86_400)
        self.written: dict[int, tuple[int, int, str]] = {}  # number → when, status, invoice number
        self._waiting: Sequence[int] = range(first, first + count)
        self._changed: list[tuple[int, int]] = []  # (when, number), in order
        self.repeated = 0

    def __call__(self, request: Request) -> tuple[str, bytes]:
        """One call."""
        if request.query.get("method") == UPDATE:
            return "update", self._update(request.body)
        return "search", self._search(request)

    # -- search ----------------------------------------------------------------------------------------------------

    def _search(self, request: Request) -> bytes:
        query = request.query
        asked = _QUESTION.decode(request.body)[0]
        size, page_no = int(query.get("page_size", "100")), int(query.get("page_no", "0"))
        if asked.invoice_order_no:
            total, rows = self._by_number(asked)
        else:
            total, rows = self._by_window(asked, page_no * size, size)
        count = b'"total_count":%d,' % total if query.get("calc_total") == "1" else b""
        return b'{"status":0,"data":{' + count + b'"order":[' + b",".join(rows) + b"]}}"

    def _by_number(self, asked: _Question) -> tuple[int, list[bytes]]:
        number = self._own(asked.invoice_order_no)
        if number is None or (number in self.written and str(asked.mode) != "1"):
            return 0, []
        return 1, [self._shown(number)]

    def _own(self, name: str) -> int | None:
        """The number of one of this seller's orders; None for anything else."""
        number = number_of(name)
        return number if number is not None and 0 <= number - self._first < self._count else None

    def _by_window(self, asked: _Question, skip: int, size: int) -> tuple[int, list[bytes]]:
        """Orders changed within [start, end), those that wait first: the others were all changed later."""
        start, end = _unix(asked.start_time), _unix(asked.end_time)
        low, high = (bisect_left(self._waiting, self._first_at(at)) for at in (start, end))
        changed: list[tuple[int, int]] = []
        if str(asked.mode) == "1":
            first, last = (bisect_left(self._changed, (at, -1)) for at in (start, end))
            changed = self._changed[first:last]
        waiting = self._waiting[min(low + skip, high) : min(low + skip + size, high)]
        skip, left = max(0, skip - (high - low)), size - len(waiting)
        numbers = [*waiting, *(number for _, number in changed[skip : skip + left])]
        return high - low + len(changed), [self._shown(number) for number in numbers]

    def _first_at(self, unix: int) -> int:
        """The first number whose order was last changed at `unix` or later, before any write-back."""
        if unix >= self.end:
            return self._first + self._count
        return self._first + max(0, -(-(unix - self.start) * self._count // (self.end - self.start)))

    def _shown(self, number: int) -> bytes:
        if number not in self.written:
            return self._rows.row(number)
        _, status, invoice_no = self.written[number]
        return self._rows.done(number, status, invoice_no)

    # -- write-back ------------------------------------------------------------------------------------------------

    def _update(self, body: bytes) -> bytes:
        now, unknown = int(time.time()), {}
        for document in _DOCUMENTS.decode(body)[0]:
            number = self._own(document.invoice_order_no)
            if number is None:
                unknown[document.invoice_order_no] = "发票不存在!"
            else:
                self._write(number, document, now)
        return msgspec.json.encode({"status": 0, "data": {"error_info": unknown, "status": 0}})

    def _write(self, number: int, document: _Document, now: int) -> None:
        before = self.written.get(number)
        if before is None:
            self._waiting = self._waiting if isinstance(self._waiting, list) else list(self._waiting)
            del self._waiting[bisect_left(self._waiting, number)]
        else:
            self.repeated += 1
            del self._changed[bisect_left(self._changed, (before[0], number))]
        self.written[number] = now, document.status, document.invoice_no
        mark = now, number
        if self._changed and self._changed[-1] > mark:
            insort(self._changed, mark, lo=bisect_right(self._changed, (now - 2, -1)))
        else:
            self._changed.append(mark)


def _unix(text: str) -> int:
    """`yyyy-MM-dd HH:mm:ss` in Beijing as Unix seconds."""
    day, clock = text.split(" ")
    year, month, date = (int(part) for part in day.split("-"))
    hour, minute, second = (int(part) for part in clock.split(":"))
    return int(datetime(year, month, date, hour, minute, second, tzinfo=BEIJING).astimezone(UTC).timestamp())
