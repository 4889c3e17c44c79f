"""Wrong twins of how merchants share the engine and a budget: each breaks one rule, and a scenario must notice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from unittest.mock import patch

from syncd.domain.budget import Budget, Slowed
from syncd.engine.embedded import Embedded


@contextmanager
def one_queue() -> Iterator[None]:
    """Rule 9: all merchants stand in one queue, and whoever is at its head keeps the others waiting."""
    places: dict[int, asyncio.Semaphore] = {}

    def place(self: Embedded, stage: str, key: str) -> asyncio.Semaphore:
        return places.setdefault(id(self), asyncio.Semaphore(1))

    with patch.object(Embedded, "_place", place):
        yield


def _unmoved(budget: Budget, now: datetime, _began_at: datetime, _rest_for: float) -> Budget:
    return replace(budget, slowed=Slowed(budget.ceiling, now, now))


@contextmanager
def no_budget() -> Iterator[None]:
    """Rule 7: calls are made as fast as they come, and a rate answer changes nothing."""
    with (
        patch.object(Budget, "spacing", lambda _self, _now: 0.0),
        patch.object(Budget, "after_rate_answer", _unmoved),
    ):
        yield
