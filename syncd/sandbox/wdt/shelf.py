"""The documents of one seller account, ordered so that any page of any window is a slice."""

import random
from bisect import bisect_left, bisect_right, insort

from syncd.sandbox.wdt.document import Document
from syncd.sandbox.wdt.switches import WdtSwitches
from syncd.sandbox.wdt.tenant import Tenant

Mark = tuple[int, int]
"""(modified, seq): where a document stands in a timeline."""

LAST = 1 << 62


class Timeline:
    """Documents in the order they were last modified."""

    __slots__ = ("_loose", "marks")

    def __init__(self) -> None:
        self.marks: list[Mark] = []
        self._loose = False

    def add(self, mark: Mark) -> None:
        insort(self.marks, mark)

    def add_loose(self, mark: Mark) -> None:
        """Add without keeping order; `tidy` restores it. For thousands at once."""
        self.marks.append(mark)
        self._loose = True

    def tidy(self) -> None:
        if self._loose:
            self.marks.sort()
            self._loose = False

    def remove(self, mark: Mark) -> None:
        at = bisect_left(self.marks, mark)
        if at < len(self.marks) and self.marks[at] == mark:
            del self.marks[at]

    def between(self, start: int, end: int, *, closed: bool) -> tuple[int, int]:
        """The slice bounds of the marks modified within [start, end] or [start, end)."""
        low = bisect_left(self.marks, (start, -1))
        high = bisect_right(self.marks, (end, LAST)) if closed else bisect_left(self.marks, (end, -1))
        return low, max(low, high)


class Shelf:
    """What search can see of one tenant: one timeline over all documents and one per status.

    Holds the replica's view (`shown_*`), and only documents whose shop is granted and whose platform is not
    hidden. `seen_under` remembers the rules it was built under, so that it is rebuilt when they change.
    """

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.by_no: dict[str, Document] = {}
        self.by_seq: dict[int, Document] = {}
        self.everything = Timeline()
        self.by_status: dict[int, Timeline] = {}
        self.seen_under: tuple[object, object] | None = None

    def visible(self, document: Document, switches: WdtSwitches) -> bool:
        return self.tenant.sees(document.shop_no) and not (document.platforms & switches.hidden_platforms)

    def rebuild_if_needed(self, switches: WdtSwitches) -> None:
        shops = self.tenant.shops
        rules = (None if shops is None else frozenset(shops), switches.hidden_platforms)
        if rules == self.seen_under:
            return
        self.seen_under = rules
        self.everything, self.by_status = Timeline(), {}
        for document in self.by_seq.values():
            if document.shown and self.visible(document, switches):
                self._timelines(document, loose=True)
        self.tidy()

    def enter(self, document: Document, switches: WdtSwitches, *, loose: bool = False) -> None:
        """Let search see the document as its `shown_*` fields say; call `rebuild_if_needed` before."""
        if self.visible(document, switches):
            self._timelines(document, loose=loose)

    def leave(self, document: Document) -> None:
        """Take the document out of the timelines, before its `shown_*` fields change."""
        mark = (document.shown_modified, document.seq)
        self.everything.remove(mark)
        if document.shown_status in self.by_status:
            self.by_status[document.shown_status].remove(mark)

    def tidy(self) -> None:
        self.everything.tidy()
        for timeline in self.by_status.values():
            timeline.tidy()

    def page(
        self, timeline: Timeline, bounds: tuple[int, int], page_no: int, size: int,
        switches: WdtSwitches, rng: random.Random,
    ) -> list[Document]:  # fmt: skip
        """One page of a window in the order the switch asks for; empty beyond the end."""
        low, high = bounds
        first, last = page_no * size, (page_no + 1) * size
        match switches.sort:
            case "modified_asc":
                marks = timeline.marks[min(low + first, high) : min(low + last, high)]
            case "modified_desc":
                marks = timeline.marks[max(high - last, low) : max(high - first, low)][::-1]
            case "id_asc":
                marks = sorted(timeline.marks[low:high], key=lambda mark: mark[1])[first:last]
            case "random":
                shuffled = timeline.marks[low:high]
                rng.shuffle(shuffled)
                marks = shuffled[first:last]
        return [self.by_seq[seq] for _, seq in marks]

    def _timelines(self, document: Document, *, loose: bool) -> None:
        mark = (document.shown_modified, document.seq)
        status = self.by_status.setdefault(document.shown_status, Timeline())
        for timeline in (self.everything, status):
            timeline.add_loose(mark) if loose else timeline.add(mark)
