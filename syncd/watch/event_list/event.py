"""What is said of one event."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """What one event says. `level` names one level, several, or "any"; `fields` are the keys it may carry besides
    `at`, `level`, `event` and `exception`.
    """

    level: str
    en: str
    zh: str
    fields: tuple[str, ...] = ()
