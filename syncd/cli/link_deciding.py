"""What a person decides about a link or an application: take it back, go on with it, leave it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncd.cli import output
from syncd.cli.arming import note_if_disarmed
from syncd.cli.finding import find, operator
from syncd.cli.frame import Frame
from syncd.domain.application import OUTSIDE, Standing

if TYPE_CHECKING:
    from syncd.store.applications import ApplicationView
    from syncd.store.store import Tx

LONGEST_REASON = 200


async def remove(frame: Frame, no: str, apply_id: str, merchant: str | None, *, as_json: bool) -> None:
    """Take a link back as long as nothing was said; an application that links alone had made goes with the last one."""
    async with frame.store(frame.settings(), changes=True) as store:
        async with store.begin() as tx:
            order = await find(tx, frame, no, merchant)
            seen = await _find(tx, frame, apply_id, order.merchant)
            if seen.said or await tx.links.has_returned(seen.id) or seen.state in (Standing.DONE, Standing.WITHDRAWN):
                raise frame.failed("link.bad.already_told", no=no, apply_id=apply_id)
            await tx.applications.void(seen.id)
            if not await tx.links.remove(seen.id, order.id):
                raise frame.failed("link.not_linked", no=no, apply_id=apply_id)
            if seen.state is Standing.HELD:
                await tx.applications.move(seen, Standing.WAITING, read_at=None)
            await tx.applications.orders_changed([seen.id])
            forgotten = await tx.links.forget(seen.id)
            facts = {"application": apply_id, "by": operator()}
            await tx.journal.add("alibaba.unlinked", order_id=order.id, merchant=order.merchant, **facts)
            await tx.units.wake("alibaba", order.merchant)
        await note_if_disarmed(frame, store)
    told = {"removed": True, "no": no, "apply_id": apply_id, "merchant": order.merchant, "forgotten": forgotten}
    _say(frame, told, as_json, "link.removed", no=no, apply_id=apply_id)


async def retry(
    frame: Frame, apply_id: str, merchant: str | None, reason: str, *, as_it_is: bool, as_json: bool
) -> None:
    """Let an application go on from the beginning."""
    from syncd.store.instants import to_ms

    async with frame.store(frame.settings(), changes=True) as store:
        async with store.begin() as tx:
            seen = await _find(tx, frame, apply_id, merchant)
            if seen.state in (Standing.DONE, Standing.WITHDRAWN):
                raise frame.failed(f"link.is_{seen.state}", apply_id=apply_id)
            legs = await tx.links.legs(seen.id)
            again = {"round": 0, "missing": None, "blanks": 0, "tries": 0, "afresh_at": to_ms(tx.now)}
            read_at = to_ms(tx.now) if as_it_is else None
            await tx.applications.move(seen, Standing.WAITING, **again, read_at=read_at, answer="")
            await tx.applications.orders_changed([seen.id])
            await tx.files.want_again([leg.order_id for leg in legs])
            await _note(tx, seen, "alibaba.retried", reason, as_it_is="yes" if as_it_is else None)
            for stage in ("alibaba", "files"):
                await tx.units.wake(stage, seen.merchant)
        await note_if_disarmed(frame, store)
    told = {"retried": True, "apply_id": apply_id, "merchant": seen.merchant, "as_it_is": as_it_is}
    _say(frame, told, as_json, "link.retried", apply_id=apply_id)


async def settled(frame: Frame, apply_id: str, merchant: str | None, reason: str, *, as_json: bool) -> None:
    """A person has ended it at the centre: it is left alone from now on."""
    from syncd.store.applications import NEVER

    async with frame.store(frame.settings(), changes=True) as store, store.begin() as tx:
        seen = await _find(tx, frame, apply_id, merchant)
        if seen.state in (Standing.DONE, Standing.WITHDRAWN):
            raise frame.failed(f"link.is_{seen.state}", apply_id=apply_id)
        await tx.applications.void(seen.id)
        await tx.applications.move(seen, Standing.DONE, told=OUTSIDE, answer=OUTSIDE, next_at=NEVER)
        await tx.files.let_go([leg.order_id for leg in await tx.links.legs(seen.id)])
        await _note(tx, seen, "alibaba.settled", reason)
    told = {"settled": True, "apply_id": apply_id, "merchant": seen.merchant}
    _say(frame, told, as_json, "link.settled_now", apply_id=apply_id)


def _say(frame: Frame, told: dict[str, Any], as_json: bool, key: str, **fields: object) -> None:
    if as_json:
        output.show_json(told)
    else:
        print(output.inert(frame.say(key, **fields)))


async def _note(tx: Tx, seen: ApplicationView, event: str, reason: str, **facts: Any) -> None:
    said = {"reason": reason.strip()[:LONGEST_REASON] or None, "by": operator(), "hold": seen.hold}
    for leg in await tx.links.legs(seen.id):
        about = {"application": seen.apply_id, **said, **facts}
        await tx.journal.add(event, order_id=leg.order_id, merchant=seen.merchant, **about)


async def _find(tx: Tx, frame: Frame, apply_id: str, merchant: str | None) -> ApplicationView:
    found = await tx.applications.find(apply_id.strip(), merchant)
    if not found:
        raise frame.unusable("link.unknown", apply_id=apply_id)
    if len(found) > 1:
        raise frame.unusable("link.several", apply_id=apply_id, merchants=", ".join(one.merchant for one in found))
    return found[0]
