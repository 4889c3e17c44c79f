"""Wrong twins of how issuing is done: each breaks one rule of the program, and a scenario must notice."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from sqlalchemy import text

from syncd.domain.decision import Case, Decision, Fail
from syncd.domain.invoice import IssuerKey
from syncd.domain.judgement import judge_submission
from syncd.domain.lifecycle import State
from syncd.domain.order import OrderNo
from syncd.domain.outcome import Blocked, Duplicate, Outcome, Refused, Unknown
from syncd.stages import settling
from syncd.stages.collect import plan as collect_plan
from syncd.stages.poll import run as poll_run
from syncd.stages.poll.reading import Reading
from syncd.stages.push import intents as push_intents
from syncd.stages.push import plan as push_plan
from syncd.stages.push import run as push_run
from syncd.stages.push.plan import Submit
from syncd.stages.push.run import Push
from syncd.stages.turn import Turn, later
from syncd.store.journal import Journal
from syncd.store.units import Claim, Units
from syncd.wire.issuers.nuonuo import client, results
from syncd.wire.issuers.nuonuo.client import NuonuoIssuer
from syncd.wire.issuers.nuonuo.errors import Said, after_submit

_ALPHABET = string.ascii_uppercase + string.digits


def _drawn(**_scope: object) -> IssuerKey:
    return IssuerKey("".join(secrets.choice(_ALPHABET) for _ in range(20)))


# -- rule 1: the intent is durable before the call, and its key computed -----------------------------------------------


@contextmanager
def fresh_key_after_a_timeout() -> Iterator[None]:
    """Rule 1: what got no answer is sent again at once, under a fresh key."""
    genuine = NuonuoIssuer.submit

    async def submit(self: NuonuoIssuer, key: IssuerKey, body: bytes) -> Outcome:
        outcome = await genuine(self, key, body)
        if isinstance(outcome, Unknown) and outcome.sent:
            fresh = _drawn()
            return await genuine(self, fresh, body.replace(key.encode(), fresh.encode()))
        return outcome

    with patch.object(NuonuoIssuer, "submit", submit):
        yield


@contextmanager
def call_then_save() -> Iterator[None]:
    """Rule 1: the issuer is called under a drawn key, and what was sent is saved afterwards."""
    sent: dict[OrderNo, Submit] = {}
    answers: dict[IssuerKey, Outcome] = {}
    save, call, planned = Push.work, Push._call, push_plan.plan

    async def work(self: Push, key: str, claim: Claim) -> Turn:
        sent.clear()  # what a dead process knew is forgotten
        merchant = self._merchants[key]
        async with self._store.read() as tx:
            due = await tx.orders.to_push(merchant.name, tx.now - self._rules.max_read_age, self._rules.batch)
        for order in due:
            row, place = merchant.erp.decode(order.raw), {"sid": merchant.sid, "generation": order.generation}
            decided = planned(row, issuer=merchant.issuer, mapping=merchant.mapping, **place)  # type: ignore[arg-type]
            if order.state is State.PENDING and isinstance(decided, Submit):
                sent[row.no] = decided
                answers[decided.key] = await merchant.issuer.submit(decided.key, decided.body)
        return await save(self, key, claim)

    async def remembered(self: Push, merchant: Any, job: Any) -> Outcome:
        return answers.pop(job.stored.key, None) or await call(self, merchant, job)

    with ExitStack() as wrong:
        wrong.enter_context(patch.object(Push, "work", work))
        wrong.enter_context(patch.object(Push, "_call", remembered))
        wrong.enter_context(
            patch.object(push_intents, "plan", lambda row, **more: sent.get(row.no) or planned(row, **more))
        )
        for module in (push_plan, collect_plan):
            wrong.enter_context(patch.object(module, "issuer_key", _drawn))
        yield


# -- rule 2: "unknown" is an outcome -----------------------------------------------------------------------------------


@contextmanager
def _judging(wrong: Callable[[Case, Outcome], Decision | None]) -> Iterator[None]:
    """The direct answer to a submission is judged so; where that says nothing, rightly."""

    def judge(case: Case, outcome: Outcome) -> Decision:
        return wrong(case, outcome) or judge_submission(case, outcome)

    with patch.object(push_run, "judge_submission", judge):
        yield


@contextmanager
def timeout_read_as_failure() -> Iterator[None]:
    """Rule 2: no answer is taken for a no, and WDT is told so."""
    with _judging(lambda _, outcome: Fail("timeout", "no answer") if isinstance(outcome, Unknown) else None):
        yield


@contextmanager
def duplicate_read_as_failure() -> Iterator[None]:
    """Rule 2: "this number exists" is taken for a no, instead of for a reason to ask."""
    with _judging(lambda _, outcome: Fail("E9106", "duplicate") if isinstance(outcome, Duplicate) else None):
        yield


@contextmanager
def first_refusal_believed() -> Iterator[None]:
    """Rule 2: a refusal is told to WDT without a question whether anything exists."""
    with _judging(lambda _, outcome: Fail(outcome.code, outcome.text) if isinstance(outcome, Refused) else None):
        yield


@contextmanager
def no_late_sweep() -> Iterator[None]:
    """Rule 2: what failed is never asked about again."""

    def never(_ended_at: datetime, _now: datetime) -> datetime | None:
        return None

    with patch.object(settling, "next_sweep", never):
        yield


# -- rules 3 and 4: fences, and one fact in one transaction ------------------------------------------------------------


@contextmanager
def no_fence() -> Iterator[None]:
    """Rule 3: nobody looks whether the unit has been granted to somebody else since."""

    async def check(_units: Units, _claim: Claim, _grant: Any = None) -> None:
        return

    async def stale(_units: Units, _claims: Any) -> set[tuple[str, str]]:
        return set()

    with patch.object(Units, "check", check), patch.object(Units, "stale", stale):
        yield


@contextmanager
def cursor_before_rows() -> Iterator[None]:
    """Rule 4: the cursor is moved over a window in a transaction of its own, before the rows are there."""
    genuine = Reading.read

    async def read(self: Reading, merchant: Any, claim: Claim, window: Any, every: bool, move: Any) -> int | None:
        async with self._store.begin(claim) as tx:
            await move(tx, window, 0, 0)

        async def moved_already(*_window: Any) -> None:
            return

        return await genuine(self, merchant, claim, window, every, moved_already)

    with patch.object(Reading, "read", read):
        yield


# -- rules 6, 7 and 12 -------------------------------------------------------------------------------------------------


@contextmanager
def no_mirror_feed() -> Iterator[None]:
    """Rule 6: only the work list is read, so that what leaves it is never seen again."""

    async def mirror(self: poll_run.Poll, _merchant: Any, _claim: Claim, _outset: Any) -> Turn:
        return later(self._store.clock.now(), timedelta(minutes=10))

    with patch.object(poll_run.Poll, "_mirror", mirror):
        yield


@contextmanager
def login_read_as_failure() -> Iterator[None]:
    """Rule 7: a drawer who is logged out is taken for an invoice that was refused."""

    def refused(said: Said) -> Outcome:
        outcome = after_submit(said)
        return Refused(said.code, said.text) if isinstance(outcome, Blocked) else outcome

    with (
        patch.object(client, "after_submit", refused),
        patch.object(results, "not_its_fault", lambda _code, _cause: None),
    ):
        yield


@contextmanager
def history_rewritten() -> Iterator[None]:
    """Rule 12: a new line of the journal corrects the old ones. The schema's triggers refuse it."""
    genuine = Journal.add

    async def add(self: Journal, event: str, **facts: Any) -> None:
        corrected = text("UPDATE journal SET event = :event WHERE order_id = :order_id")
        await self._connection.execute(corrected, {"event": event, "order_id": facts.get("order_id")})
        await genuine(self, event, **facts)

    with patch.object(Journal, "add", add):
        yield
