"""What the tests of the WDT client share."""

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from syncd.domain.order import OrderNo, Search, WriteBack
from syncd.wire.wdt.client import WdtClient

Connect = Callable[..., WdtClient]
NUMBER = "26112000000123456789"
URL = "https://fp.example.test/1.pdf"


@dataclass
class Hand:
    """A clock that runs with the host's, moved by hand, and a note of every wait."""

    skew: timedelta = timedelta()
    waits: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.skew

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


def last_minutes(**changed: object) -> Search:
    now = datetime.now(UTC).replace(microsecond=0)
    return Search(start=now - timedelta(minutes=10), end=now + timedelta(seconds=1), **changed)  # type: ignore[arg-type]


def issued(no: str) -> WriteBack:
    at = datetime(2026, 11, 20, 1, 58, 7, tzinfo=UTC)
    return WriteBack(OrderNo(no), 60, NUMBER, file_url=URL, issued_at=at, outer_amount=Decimal("113.00"))


def everything_said(error: BaseException) -> str:
    return f"{error} {error!r} " + "".join(traceback.format_exception(error))
