"""What tests of the Alibaba leg do: orders that wait at WDT, applications for them at the centre, and links."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from daemon_parts import Daemon

from syncd.domain.application import Standing
from syncd.sandbox import Sandbox
from syncd.stages.linking import link
from syncd.store.applications import ApplicationView
from syncd.store.links import Newcomer

UPDATE, UPLOAD, READ = "prod.apply.update", "core.inv.upload", "prod.apply.get"
SCHEDULE = {"poll": "30s", "mirror": "10m", "push": "10s", "collect": "10s", "write_back": "10s"}


def alibaba(sandbox: Sandbox, **more: Any) -> dict[str, Any]:
    """The section [merchants.alibaba] for this sandbox."""
    top = sandbox.describe()["top"]
    return {
        "url": top["url"],
        "app_key": top["app_key"],
        "secret": top["secret"],
        "session": top["session"],
        "allow_plain_http": True,
        "calls_per_second": 1000,
        "calls_per_day": 1_000_000,
        "timeout": "3s",
        **more,
    }


async def linked(daemon: Daemon, apply_id: str, *numbers: str, source: str = "operator") -> None:
    """Link orders that the daemon has read, as the command does."""
    async with daemon.app.store.begin() as tx:
        for no in numbers:
            (order,) = await tx.orders.by_no(no)
            new = Newcomer(order.sid, order.merchant, _id(apply_id), source)
            application_id, _ = await tx.links.meet(new)
            await link(tx, await tx.applications.get(application_id), order, source)


def _id(apply_id: str) -> Any:
    return apply_id


async def application(daemon: Daemon, apply_id: str) -> ApplicationView:
    async with daemon.app.store.read() as tx:
        (found,) = await tx.applications.find(apply_id)
        return found


async def comes_to(daemon: Daemon, apply_id: str, state: Standing, within: Any = None) -> ApplicationView:
    async def there() -> bool:
        async with daemon.app.store.read() as tx:
            found = await tx.applications.find(apply_id)
            return bool(found) and found[0].state is state

    await daemon.until(there, **({"within": within} if within else {}))
    return await application(daemon, apply_id)


async def ends(daemon: Daemon, apply_id: str, state: Standing = Standing.DONE) -> ApplicationView:
    """Time jumps from one step of an application to the next, until it is in `state`; nobody else has a turn."""
    for _ in range(200):
        seen = await application(daemon, apply_id)
        if seen.state is state:
            return seen
        due = [seen.next_at]
        async with daemon.app.store.read() as tx:
            due.append(await tx.files.next_due(seen.merchant))
        soon = daemon.clock.world + timedelta(seconds=1)  # a lane may rest
        daemon.clock.world = max(soon, min(at for at in due if at is not None))
        await daemon.turn("files")
        await daemon.turn("alibaba")
    raise AssertionError(f"{apply_id} is {seen.state}, {seen.answer}")


def amount_of(sandbox: Sandbox, no: str) -> str:
    return str(sandbox.wdt.order(no)["invoice_amount"])


def applied(sandbox: Sandbox, apply_id: str, *numbers: str, **more: Any) -> None:
    """The buyer of these orders applies for their invoice."""
    from decimal import Decimal

    total = sum((Decimal(amount_of(sandbox, no)) for no in numbers), Decimal(0))
    row = sandbox.wdt.order(numbers[0])
    fields = {"amount": str(total), "payer_name": row.get("payer_name", ""), "announce": "", **more}
    sandbox.top.put_application(apply_id, **fields)


def calls(sandbox: Sandbox) -> list[str]:
    """The calls the centre got, without reads of its queue and clock."""
    return [call.method.removeprefix("alibaba.einvoice.") for call in sandbox.top.calls]


async def legs_of(daemon: Daemon, no: str) -> list[tuple[str, str, str]]:
    """What an order owes or owed: to whom, what, and how it stands."""
    from syncd.store.dossier import Dossier

    (order,) = [one for one in (await daemon.orders()).values() if one.no == no]
    async with daemon.app.store.read() as tx:
        debts = await Dossier(tx.connection).debts(order.id)
    return [(debt.target, debt.kind, debt.state) for debt in debts]
