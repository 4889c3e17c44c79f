"""Bans that a party told of: a credential's, not a lane's, so that opening the lane ends none of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from syncd.cli import output
from syncd.cli.finding import operator
from syncd.cli.frame import Frame

if TYPE_CHECKING:
    from syncd.config import Merchant, Settings
    from syncd.store.paces import Ban
    from syncd.store.store import Tx


def lane_names(settings: Settings) -> list[str]:
    """Every lane of the configured merchants."""
    return [f"{one.name}/{platform}" for one in settings.merchants for platform in _platforms(one)]


def _platforms(merchant: Merchant) -> list[str]:
    return [
        "wdt",
        merchant.issuer,
        *(["top"] if merchant.alibaba else []),
        *(["yuannian"] if merchant.yuannian else []),
    ]


def credential(merchant: Merchant, settings: Settings, platform: str) -> tuple[int, tuple[str, str]]:
    """Calls a minute at most, and whose calls the party counts."""
    from syncd import centres, wallets
    from syncd.parties import credential_of_issuer, credential_of_wdt

    if platform == "wdt":
        return merchant.wdt.calls_per_minute, credential_of_wdt(merchant)
    if platform == centres.PLATFORM and merchant.alibaba is not None:
        return merchant.alibaba.calls_per_second * 60, centres.credential(merchant.alibaba)
    if platform == wallets.PLATFORM and merchant.yuannian is not None:
        return merchant.yuannian.calls_per_minute, wallets.credential(merchant.yuannian)
    found = settings.issuers[platform]
    return found.calls_per_minute, credential_of_issuer(found)


async def bans(tx: Tx, settings: Settings) -> dict[str, Ban]:
    """The longest ban behind each lane of the configured merchants that has one."""
    found = {name: await ban_of(tx, settings, name) for name in lane_names(settings)}
    return {name: ban for name, ban in found.items() if ban is not None}


async def ban_of(tx: Tx, settings: Settings, lane: str) -> Ban | None:
    """The longest ban behind a lane; None where calls may be made, and for a lane that is configured no more."""
    from syncd.store import paces

    if lane not in lane_names(settings):
        return None
    found = await paces.bans(tx, *_whose(settings, lane))
    return found[0] if found else None


def told(frame: Frame, lane: str, ban: Ban, *, resumed: bool) -> str:
    """What a ban means for somebody who would like to go on."""
    call = f" {ban.call}" if ban.call else ""
    key = "lane.resumed_banned" if resumed else "lane.banned_still"
    return output.inert(frame.say(key, lane=lane, call=call, at=output.beijing(ban.until)))


async def lift(frame: Frame, lane: str, reason: str, *, yes: bool) -> None:
    """After the party itself reset it: forget the ban, for everybody on this credential, and go on."""
    from syncd.cli.interventions import agreed

    settings = frame.settings()
    async with frame.store(settings, changes=True) as store:
        async with store.read() as tx:
            ban = await ban_of(tx, settings, lane)
            now = tx.now
        if ban is None:
            raise frame.failed("lane.no_ban", lane=lane)
        sharers = _sharers(settings, lane)
        when, named = output.when(ban.until, now, frame.say), ", ".join(sharers)
        print(output.inert(frame.say("lane.will_lift", lane=lane, at=when, lanes=named)))
        if not yes and not agreed(frame):
            raise frame.failed("ask.nothing_done")
        async with store.begin() as tx:
            await _forget(tx, settings, lane, ban, sharers, reason)
    print(output.inert(frame.say("lane.lifted", lanes=named)))


async def _forget(tx: Tx, settings: Settings, lane: str, ban: Ban, sharers: list[str], reason: str) -> None:
    from syncd.store import paces
    from syncd.wire.pace import HEARSAY_FOR

    # A daemon at work may believe what it read last for so long, and would only go back to sleep.
    heard_at = tx.now + timedelta(seconds=HEARSAY_FOR + 1)
    await paces.lift(tx, *_whose(settings, lane))
    throttled = {
        one.name for one in await tx.lanes.all() if one.state == "resting" and one.reason.startswith("rest_lane")
    }
    for name in sharers:
        merchant, _, platform = name.partition("/")
        if name in throttled:
            await tx.lanes.resume(merchant, platform)
        why: dict[str, Any] = {"reason": reason} if reason else {}
        await tx.journal.add("lane.ban_lifted", merchant=merchant, lane=name, until=ban.until, by=operator(), **why)
        await wake(tx, merchant, platform, heard_at)


async def wake(tx: Tx, merchant: str, platform: str, at: datetime | None = None) -> None:
    """Have everybody who uses the lane look again."""
    from syncd.stages.lane import units_of

    for stage, key in units_of(platform):
        await tx.units.wake(stage, key.format(merchant=merchant), at)


def _whose(settings: Settings, lane: str) -> tuple[str, str]:
    merchant, _, platform = lane.partition("/")
    return credential(settings.merchant(merchant), settings, platform)[1]


def _sharers(settings: Settings, lane: str) -> list[str]:
    """The lanes behind which the same credential stands."""
    return [name for name in lane_names(settings) if _whose(settings, name) == _whose(settings, lane)]
