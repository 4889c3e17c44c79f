"""Wrong twins of the talk with Alibaba's invoice centre: each breaks one rule, and a scenario must notice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from unittest.mock import patch

from syncd.domain.application import CentreRules, Stuck
from syncd.domain.centre import InvoiceUk, Updated
from syncd.domain.trouble import Care, Paced, Trouble
from syncd.stages.alibaba import plan, talk
from syncd.stages.applications import run as applications
from syncd.store.applications import ApplicationView
from syncd.store.links import Attempt, Leg

_heard, _next_step, _troubled = plan.heard, plan.next_step, talk.Talk._troubled


@contextmanager
def returned_again_at_once() -> Iterator[None]:
    """Rule 2: what was not collected at once is returned again, whatever became of it the first time."""
    with (
        patch.object(plan, "_may_return", lambda *_: True),
        patch.object(plan, "grace", lambda *_: timedelta(seconds=5)),
    ):
        yield


@contextmanager
def everything_is_missing() -> Iterator[None]:
    """Rule 2: "not done" means that all of ours is missing; what the centre names is not looked at."""

    def heard(
        seen: ApplicationView,
        legs: Sequence[Leg],
        attempts: Sequence[Attempt],
        answer: Updated,
        rules: CentreRules,
        now: datetime,
    ) -> plan.Answer:
        ours = tuple(InvoiceUk(leg.invoice.number, leg.invoice.code) for leg in legs if leg.invoice is not None)
        told = answer if answer.success else replace(answer, missing=ours)
        return _heard(seen, legs, attempts, told, rules, now)

    with patch.object(plan, "heard", heard):
        yield


@contextmanager
def strangers_overlooked() -> Iterator[None]:
    """Rule 7: a missing invoice that is none of ours is nobody's business."""

    def heard(
        seen: ApplicationView,
        legs: Sequence[Leg],
        attempts: Sequence[Attempt],
        answer: Updated,
        rules: CentreRules,
        now: datetime,
    ) -> plan.Answer:
        ours = {leg.invoice.number for leg in legs if leg.invoice is not None}
        known = tuple(uk for uk in answer.missing if uk.number in ours)
        return _heard(seen, legs, attempts, replace(answer, missing=known), rules, now)

    with patch.object(plan, "heard", heard):
        yield


@contextmanager
def withdrawals_unheard() -> Iterator[None]:
    """Rule 6: a buyer's withdrawal is not looked for, neither in the queue nor at the centre."""

    def next_step(seen: ApplicationView, legs: Sequence[Leg], rules: CentreRules) -> plan.Step:
        return _next_step(seen, legs, replace(rules, read_first=False))

    with (
        patch.object(applications, "concerns", lambda *_: False),
        patch.object(plan, "next_step", next_step),
    ):
        yield


@contextmanager
def ban_read_as_refusal() -> Iterator[None]:
    """Rule 7: "App Call Limited" is the platform saying no to this application."""

    async def troubled(self: talk.Talk, seen: ApplicationView, trouble: Trouble | Paced, call: str) -> None:
        if isinstance(trouble, Paced) or trouble.verdict.care is Care.REST_LANE:
            async with self.store.read() as tx:
                legs = await tx.links.legs(seen.id)
            await self._stick(seen, legs, plan.Stick(Stuck.REFUSED, (("text", "limited"), ("call", call))))
            return
        await _troubled(self, seen, trouble, call)

    with patch.object(talk.Talk, "_troubled", troubled):
        yield
