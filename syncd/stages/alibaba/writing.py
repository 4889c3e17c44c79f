"""Writing an application's fate down: the row, what is owed by it, and a line in the story of each of its orders."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import structlog

from syncd.domain.application import Standing
from syncd.domain.centre import Application, Updated
from syncd.stages.alibaba import plan
from syncd.stages.linking import withdraw
from syncd.store.applications import FOR_A_FILE, NEVER, ApplicationView, spelled
from syncd.store.instants import to_ms
from syncd.store.links import Leg
from syncd.store.store import Tx

log = structlog.get_logger("syncd.stages.alibaba")


async def note(tx: Tx, seen: ApplicationView, legs: Sequence[Leg], event: str, **facts: Any) -> None:
    """The same line in the story of every linked order."""
    for leg in legs:
        facts_of = {"application": seen.apply_id, **facts}
        await tx.journal.add(event, order_id=leg.order_id, merchant=seen.merchant, **facts_of)


async def stick(tx: Tx, seen: ApplicationView, legs: Sequence[Leg], move: plan.Stick) -> None:
    """Leave the application to a person; its orders go on as they would without it."""
    facts = {name: value for name, value in move.facts if value}
    await tx.applications.hold(seen, move.stuck, facts)
    await note(tx, seen, legs, "alibaba.held", stuck=str(move.stuck), **facts)
    tx.tell(partial(log.warning, "alibaba.held", merchant=seen.merchant, apply_id=seen.apply_id, stuck=str(move.stuck)))


async def rest(tx: Tx, seen: ApplicationView) -> None:
    """Nothing to do until an order moves, or somebody links one."""
    if seen.state is Standing.OWED:
        await tx.applications.move(seen, Standing.WAITING, next_at=NEVER)
        await tx.applications.owe(seen.id)
    else:
        await tx.applications.wait(seen, next_at=NEVER)


async def wait(tx: Tx, seen: ApplicationView, move: plan.Wait) -> None:
    """Ask again later."""
    answer = {"answer": FOR_A_FILE} if move.for_file else {}
    await tx.applications.wait(seen, round=move.round, next_at=to_ms(tx.now + move.span), **answer)


async def finish(tx: Tx, seen: ApplicationView, legs: Sequence[Leg], told: str, request_id: str) -> None:
    """The centre has it: what was owed is paid, and the files may go."""
    done = {"told": told, "answer": "done", "request_id": request_id, "missing": None, "round": 0, "blanks": 0}
    await tx.applications.move(seen, Standing.DONE, **done, tries=0, next_at=NEVER)
    await tx.files.let_go([leg.order_id for leg in legs])
    status = told.partition(" ")[0]
    await note(tx, seen, legs, "alibaba.done", status=status, request=request_id)
    tx.tell(
        partial(
            log.info,
            "alibaba.done",
            merchant=seen.merchant,
            apply_id=seen.apply_id,
            status=status,
            request_id=request_id,
        )
    )


async def answered(
    tx: Tx, seen: ApplicationView, legs: Sequence[Leg], tell: plan.Tell, answer: Updated, move: plan.Answer
) -> None:
    """What the centre said to a change of status."""
    said = {
        "missing": spelled(answer.missing),
        "answer": "missing" if answer.missing else "blank",
        "request_id": answer.request_id,
        "tries": 0,
    }
    match move:
        case plan.Finish(contradicted):
            await finish(tx, seen, legs, tell.signature, answer.request_id)
            if contradicted:
                about = {"merchant": seen.merchant, "apply_id": seen.apply_id, "request_id": answer.request_id}
                tx.tell(partial(log.warning, "alibaba.contradicted", **about))
        case plan.Stick():
            await tx.applications.wait(seen, **said)
            await stick(tx, seen, legs, move)
        case plan.Wait():
            await tx.applications.wait(seen, **said)
            await wait(tx, seen, move)
        case plan.Return():
            round_no = round_of(move)
            await tx.applications.wait(seen, **said, round=round_no)
            count = len(answer.missing)
            await note(tx, seen, legs, "alibaba.missing", count=count, time=round_no + 1, request=answer.request_id)
        case plan.Read():
            await tx.applications.wait(seen, **said)


async def looked(
    tx: Tx, seen: ApplicationView, legs: Sequence[Leg], shown: Application | None, why: plan.Why, move: plan.Sight
) -> None:
    """What the centre showed of an application."""
    known: dict[str, Any] = {"read_at": to_ms(tx.now), "tries": 0}
    if shown is not None:
        known |= {"answer": shown.status[:40], "request_id": shown.request_id}
        if shown.platform_tid and not seen.platform_tid:
            known |= {"platform_tid": shown.platform_tid, "platform_code": shown.platform_code}
    match move:
        case plan.GoOn():
            await tx.applications.wait(seen, **known, next_at=to_ms(tx.now))
            return
        case plan.Wait(span):
            blanks = seen.blanks + (why is plan.Why.BLANK)
            await tx.applications.wait(seen, **known, blanks=blanks, next_at=to_ms(tx.now + span))
            return
    await tx.applications.wait(seen, **known)
    match move:
        case plan.Finish():
            assert shown is not None
            await finish(tx, seen, legs, plan.ended_as(shown.status, legs), shown.request_id)
        case plan.Withdraw():
            await withdraw(tx, seen, legs)
        case plan.Stick():
            await stick(tx, seen, legs, move)


def round_of(move: plan.Return) -> int:
    """How many waits have passed before these are returned."""
    match move.then:
        case plan.Wait(_, round_no, for_file):
            return round_no if for_file else round_no - 1
        case plan.Stick():
            return 0
