"""Wrong twins of how odd rows are met: each breaks one rule, and a scenario must notice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from syncd.domain import money, money_guard
from syncd.domain.order import BadRow, Row
from syncd.wire.strict_json import Malformed
from syncd.wire.wdt import page


@contextmanager
def one_bad_row_stops_all() -> Iterator[None]:
    """Rule 9: a row that cannot be read refuses its page."""
    read = page.read_row

    def read_or_refuse(raw: bytes) -> Row | BadRow:
        row = read(raw)
        if isinstance(row, BadRow):
            raise Malformed(row.reason)
        return row

    with patch.object(page, "read_row", read_or_refuse):
        yield


@contextmanager
def sums_are_believed() -> Iterator[None]:
    """Rule 8: nobody checks that amounts are the sums of their parts, neither the mapping nor the guard behind it."""

    def nothing(*_: object) -> None:
        return None

    with ExitStack() as wrong:
        for name in ("check_header", "check_sums", "check_line", "check"):
            wrong.enter_context(patch.object(money, name, nothing))
        wrong.enter_context(patch.object(money_guard, "guard", nothing))
        yield
