"""Instants as people type them: Beijing time, with or without the time of day."""

from __future__ import annotations

from datetime import UTC, datetime

from syncd.cli.frame import Frame
from syncd.domain.clock import BEIJING


def instant(frame: Frame, text: str) -> datetime:
    """ "2026-11-01", "2026-11-01 08:00" or "2026-11-01 08:00:00" in Beijing, as aware UTC. Raises Unusable."""
    try:
        local = datetime.fromisoformat(text.strip())
    except ValueError:
        raise frame.unusable("time.unreadable", text=text) from None
    zoned = local if local.tzinfo else local.replace(tzinfo=BEIJING)
    return zoned.astimezone(UTC)
