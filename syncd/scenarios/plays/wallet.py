"""Days on which blue invoices lie in buyers' wallets: locked, booked, and behind a platform that does not answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from syncd.sandbox import HEALTHY
from syncd.scenarios.holders import Holders
from syncd.scenarios.scenario import ALWAYS, Scenario
from syncd.scenarios.world import World

#: Everything is quick here but the people.
BLOCK: dict[str, Any] = {"red_guard": "block", "allow_cancel": True, "red_guard_lock": "6h", "calls_per_minute": 6000}
RARE = {"poll": "5m", "mirror": "1h", "push": "30s", "collect": "30s", "write_back": "30s"}
#: An order that is issued later than this after it was first seen was held up by something (seconds).
HELD_UP = 300.0
CARD_HOLDS = "SELECT count(*) FROM invoice_order WHERE hold = 'red_blue_mismatch' AND hold_facts LIKE ?"


async def wallet_locked(world: World) -> None:
    """Every blue is to be reversed a moment after employers have locked, released or booked its card."""
    async with world.parties(issue_delay=(0.1, 10.0)) as sandbox:
        blues = world.populate(HEALTHY)
        sandbox.yuannian.switches.allow_cancel = True
        sandbox.yuannian.switches.search_status = "live"
        holders = Holders(world, world.rng)
        async with world.daemons(world.settings(schedule=RARE, yuannian=BLOCK)):
            await world.settle()
            await holders.take(blues)
            holders.lock()
            holders.reverse(blues)
            await world.pass_by(timedelta(hours=1))
            waited = [no for no, fate in holders.fates.items() if fate == "locked"]
            world.figures["locks_not_waited_for"] = sum(_is_reversed(world, no) for no in waited)
            await world.pass_by(timedelta(hours=6))
            await world.settle(timedelta(hours=6))
            await _paid(world)
            fates = list(holders.fates.values())
            world.figures["persons_not_asked"] = (
                fates.count("closed")
                - int(world.onlooker.one(CARD_HOLDS, "%card_closed%"))
                + fates.count("locked_for_ever")
                - int(world.onlooker.one(CARD_HOLDS, "%card_locked%"))
            )
            free = [no for no, fate in holders.fates.items() if fate in ("free", "locked", "shown", "none")]
            world.figures["reds_not_gone"] = sum(not _is_reversed(world, no) for no in free)
        holders.note()


async def wallet_down(world: World) -> None:
    """Yuannian answers nobody: first with the setting that lets reds go, then with the one that makes them wait."""
    async with world.parties(issue_delay=(0.1, 10.0)) as sandbox:
        yuannian = sandbox.yuannian
        yuannian.switches.allow_cancel = True
        blues = world.populate(HEALTHY)
        going, waiting = blues[::2], blues[1::2]
        holders = Holders(world, world.rng)
        async with world.daemons(world.settings(schedule=RARE, yuannian=BLOCK)):
            await world.settle()
            await holders.take(blues)
            yuannian.switches.down = "cut"
            fresh = [sandbox.wdt.put_order({}) for _ in range(max(4, world.rows // 4))]
            holders.reverse(going)
            await world.pass_by(timedelta(hours=1))
            world.figures["reds_held_up"] = sum(not _is_reversed(world, no) for no in going)
            world.figures["blues_held_up"] = _held_up(world, fresh)
            world.figures["max_lanes_resting"] = world.onlooker.one("SELECT count(*) FROM lane WHERE state = 'resting'")
        wait = {**BLOCK, "red_guard_unknown": "wait"}
        async with world.daemons(world.settings(schedule=RARE, yuannian=wait)):
            holders.reverse(waiting)
            await world.pass_by(timedelta(hours=2))
            known = [no for no in waiting if no in holders.cards]
            world.figures["reds_gone_unseen"] = sum(_is_reversed(world, no) for no in known)
            world.seen["reds_waited"] += len(known)
            yuannian.switches.down = ""
            await world.pass_by(timedelta(hours=2))
            await world.settle(timedelta(hours=6))
            await _paid(world)
            world.figures["reds_not_gone"] = sum(not _is_reversed(world, no) for no in blues)
        world.seen["calls_cut"] += sum(yuannian.faults.happened.values())
        holders.note()


async def wallet_told(world: World) -> None:
    """A third of the answers about cards is lost, most of them before anything was done; each card is told once."""
    async with world.parties(issue_delay=(0.1, 10.0)) as sandbox:
        yuannian = sandbox.yuannian
        yuannian.switches.allow_cancel = yuannian.switches.busy_first = True
        blues = world.populate(HEALTHY)
        holders = Holders(world, world.rng)
        async with world.daemons(world.settings(schedule=RARE, yuannian={**BLOCK, "red_guard": "warn"})):
            await world.settle()
            await holders.take(blues)
            yuannian.faults.share, yuannian.faults.weights = 0.35, {"lost_before": 2.0, "lost_after": 1.0}
            yuannian.faults.force("status.update", "lost_after", times=2)
            yuannian.faults.force("status.update", "lost_before", times=2)
            holders.reverse(blues)
            await world.pass_by(timedelta(hours=1))
            yuannian.faults.calm()
            await world.settle(timedelta(hours=6))
            await _paid(world)
            world.figures["reds_not_gone"] = sum(not _is_reversed(world, no) for no in blues)
        holders.note()


def _is_reversed(world: World, no: str) -> bool:
    number = world.sandbox.wdt.order(no).get("invoice_no")
    return any(one.colour == "red" and one.blue_number == number for one in world.sandbox.nuonuo.ledger)


def _held_up(world: World, numbers: list[str]) -> int:
    """Of these, those issued late or not at all."""
    late = 0
    for no in numbers:
        took = world.onlooker.one(
            "SELECT i.recorded_at - o.first_seen_at FROM invoice_order o JOIN invoice i ON i.order_id = o.id"
            " WHERE o.no = ?",
            no,
        )
        late += took is None or took / 1000 > HELD_UP
    return late


async def _paid(world: World) -> None:
    """Until no card is owed anything."""

    async def nothing() -> bool:
        return not world.onlooker.one(
            "SELECT 1 FROM debt WHERE target = 'wallet' AND state IN ('owed', 'sent') LIMIT 1"
        )

    await world.until(nothing, timedelta(hours=6))


_ALL = f"{ALWAYS}, max_issued_per_order=1, cards_told_twice=0, cards_told_early=0, cards_not_told=0"
SCENARIOS = (
    Scenario(
        name="wallet-locked",
        zh="蓝票在购方卡包中：锁定的红票等待，已核销的交人决定，未锁定的照开；红票开出后才置卡券为冲红，每张一次",
        en="blues in buyers' wallets: locked, the red waits; booked, a person is asked; cards are told once, after it",
        play=wallet_locked,
        must=(
            f"{_ALL}, red_while_locked=0, red_after_closure=0, locks_not_waited_for=0, persons_not_asked=0,"
            " reds_not_gone=0, unresolved=0"
        ),
        sometimes=("cards_lock", "cards_init", "cards_closure", "fate_shown", "fate_none"),
        rows=24,
    ),
    Scenario(
        name="wallet-down",
        zh="元年整日不通：蓝票照常开具；红票按设置放行或等待；恢复后补告卡券",
        en="Yuannian answers nobody: blues are issued as ever, reds go or wait as set, and cards are told later",
        play=wallet_down,
        must=(
            f"{_ALL}, reds_held_up=0, blues_held_up=0, reds_gone_unseen=0, reds_not_gone=0, held=0, unresolved=0,"
            " max_lanes_resting=1"
        ),
        sometimes=("reds_waited", "calls_cut"),
        rows=24,
    ),
    Scenario(
        name="wallet-told",
        zh="红票开出后告知购方卡券，三成应答丢失：先看再说，每张恰好置为冲红一次",
        en="cards are told that their invoices were reversed, a third of the answers is lost: looked at, and told once",
        play=wallet_told,
        must=f"{_ALL}, reds_not_gone=0, held=0, unresolved=0",
        sometimes=("yuannian.update.lost_after", "yuannian.update.lost_before"),
        rows=24,
        workers=2,
    ),
)
