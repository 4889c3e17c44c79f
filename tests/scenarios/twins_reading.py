"""Wrong twins of how rows are read: each breaks one rule, and a scenario must notice."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from unittest.mock import patch

from syncd.domain.window import LONGEST, AskPage, Complete, Window, next_window
from syncd.stages.poll import plan, reading, run, walk
from syncd.wire.http import Reply
from syncd.wire.wdt import client, codec
from syncd.wire.wdt.sign import timestamp


@dataclass(slots=True)
class Forward:
    """Pages from the first to the last, believed to be all when as many have been read as were announced."""

    window: Window
    page_size: int
    limit: datetime | None = None
    orderly: bool = True
    page_no: int = 0
    pages: int = 1

    def first(self) -> AskPage:
        return AskPage(0, with_total=True)

    def feed(self, served: int, ids: Collection[str], total: int | None) -> AskPage | Complete:
        if self.page_no == 0:
            self.pages = -(-(total or 0) // self.page_size)
        self.page_no += 1
        return AskPage(self.page_no, with_total=False) if self.page_no < self.pages else Complete()


def _up_to_now(cursor: datetime, stamp: datetime, settle: timedelta, step: timedelta = LONGEST) -> Window | None:
    return next_window(cursor, stamp, timedelta(0), step)


@contextmanager
def naive_cursor() -> Iterator[None]:
    """Rule 5: the cursor is the end of a read up to the local present, paged forward."""
    with ExitStack() as wrong:
        wrong.enter_context(patch.object(walk, "WindowReader", Forward))
        for module in (run, reading):
            wrong.enter_context(patch.object(module, "settled_end", lambda stamp, _settle: stamp))
        wrong.enter_context(patch.object(plan, "next_window", _up_to_now))
        yield


@contextmanager
def trusted_offset() -> Iterator[None]:
    """Rule 11: a clock that WDT refuses is helped out by the offset learned from it, and the cursor follows it."""
    learn = client.WdtClient._learn_offset
    offset = timedelta()

    def learned(self: client.WdtClient, stamped_at: datetime, reply: Reply) -> None:
        nonlocal offset
        learn(self, stamped_at, reply)
        offset = timedelta(seconds=self.clock_offset or 0.0)

    with ExitStack() as wrong:
        wrong.enter_context(patch.object(client.WdtClient, "_learn_offset", learned))
        wrong.enter_context(patch.object(client, "timestamp", lambda instant: timestamp(instant + offset)))
        yield


@contextmanager
def zone_of_the_host() -> Iterator[None]:
    """Rule 11: WDT is told texts of the host's zone."""
    with patch.object(codec, "beijing_text", lambda instant: instant.astimezone().strftime("%Y-%m-%d %H:%M:%S")):
        yield
