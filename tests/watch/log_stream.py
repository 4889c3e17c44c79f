"""A place where log lines can be read back, with everything put back afterwards."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import structlog

from syncd.watch import logs

AT = datetime(2026, 11, 20, 1, 2, 3, 456_789, tzinfo=UTC)


class StoppedClock:
    def now(self) -> datetime:
        return AT

    def monotonic(self) -> float:
        return 0.0


class Written(io.BytesIO):
    """What was logged."""

    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def only(self) -> dict[str, Any]:
        (row,) = self.rows()
        return row


@contextmanager
def logging_to(format: str = "json", level: str = "debug", secrets: tuple[str, ...] = ()) -> Iterator[Written]:
    root = logging.getLogger()
    handlers, root_level = root.handlers[:], root.level
    stream = Written()
    logs.configure(format, level, stream, secrets=secrets, clock=StoppedClock())
    try:
        yield stream
    finally:
        logging.captureWarnings(False)
        structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(root_level)
