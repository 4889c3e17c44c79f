"""Wrong twins of what a buyer's wallet says to a red invoice: each breaks one rule, and a scenario must notice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from syncd.domain import red_guard
from syncd.domain.red_guard import GuardRule, Look, Looked
from syncd.domain.wallet import Reimburse
from syncd.stages.wallet import run
from syncd.stages.wallet.plan import Paid, Say
from syncd.store.cards import Cards


@contextmanager
def mirror_believed() -> Iterator[None]:
    """Rule 2: what was seen of a card once is believed for ever, instead of being looked at again."""

    def known(card: Looked, rule: GuardRule, since: datetime, now: datetime) -> Reimburse | Look | None:
        return card.status

    with patch.object(red_guard, "_known", known):
        yield


@contextmanager
def waits_for_the_platform() -> Iterator[None]:
    """Rule 9: whoever waits for a look waits until it is had, whatever the settings say of an outage."""

    answered = Cards.missed

    async def missed(self: Cards, ids: Sequence[int], why: str) -> None:
        if why == "search_only":  # it did answer
            await answered(self, ids, why)

    right = red_guard.guard

    def guard(card: Looked | None, rule: GuardRule, since: datetime, now: datetime) -> red_guard.Guarded:
        return right(card, replace(rule, patience=timedelta(days=9), look_every=timedelta(minutes=3)), since, now)

    with patch.object(Cards, "missed", missed), patch.object(red_guard, "guard", guard):
        yield


@contextmanager
def said_is_paid() -> Iterator[None]:
    """Rule 2: a card that was told counts as told, whatever it shows afterwards."""

    def step(status: Reimburse | None, *, fresh: bool, tries: int, refusal: str = "") -> Any:
        return Say() if tries == 0 else Paid()

    with patch.object(run, "cancel_step", step):
        yield
