"""The lane as the stages see it: may I call, how did it go, and who is told when it rests or works again.

An account that several merchants share rests and recovers for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from syncd.domain.outcome import Outcome, Unknown, is_silence
from syncd.domain.trouble import LANE_WIDE, Care, Trouble, Verdict
from syncd.stages.turn import Merchant
from syncd.store.lanes import PROBE_FOR, STRIKES, Standing
from syncd.store.store import Store, Tx
from syncd.store.units import Claim

log = structlog.get_logger("syncd.stages")

WDT, YUANNIAN, TOP = "wdt", "yuannian", "top"
#: The stages that use a lane to WDT, with the unit keys of one merchant; an issuer's lane is used by two others.
WDT_UNITS = (
    *((("poll", f"{{merchant}}/{feed}")) for feed in ("pending", "mirror", "backfill", "refresh")),
    ("write_back", "{merchant}"),
)
ISSUER_UNITS = (("push", "{merchant}"), ("collect", "{merchant}"))
#: Who uses the lane to a party that is no issuer; any other platform is an operator's name for an issuer account.
PARTY_UNITS: Mapping[str, Sequence[tuple[str, str]]] = {
    WDT: WDT_UNITS,
    YUANNIAN: (("wallet", "{merchant}"),),
    TOP: (("alibaba", "{merchant}"), ("applications", "{merchant}")),
}
#: A budget that comes free within this is waited for in line; a longer one ends the turn.
PATIENCE = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a stage may call. `until`: not before then. `probe`: this turn has the one call of a half-open lane."""

    until: datetime | None = None
    probe: bool = False
    half_open: bool = False
    care: Care | None = None


async def gate(
    store: Store,
    claim: Claim,
    merchant: Merchant,
    platform: str,
    *,
    prober: bool,
    patient: bool = False,
    standing: Standing | None = None,
) -> Gate:
    """Ask for the way. Only a `prober` gets the call of a half-open lane; the others are woken when it is open.

    What is `patient` lets every other call of the credential go first. `standing` is how the lane stood a moment ago,
    where that has just been read.
    """
    if standing is None:
        async with store.read() as tx:
            standing = await tx.lanes.standing(merchant.name, platform)
    now = store.clock.now()
    if standing.until is not None:
        return Gate(until=standing.until, care=standing.care)
    if not standing.half_open:
        return Gate(until=await budget_rest(merchant, platform, now, patient=patient))
    if not prober:
        return Gate(until=now + PROBE_FOR, half_open=True, care=standing.care)
    async with store.begin(claim, fact="lane.probed") as tx:
        if not await tx.lanes.probe(sharers(merchant, platform), platform):
            return Gate(until=tx.now + PROBE_FOR, half_open=True, care=standing.care)
    return Gate(probe=True, half_open=True, care=standing.care)


async def budget_rest(merchant: Merchant, platform: str, now: datetime, *, patient: bool = False) -> datetime | None:
    """Until when the credential's budget is spent, if that is worth going away for."""
    paces = {WDT: merchant.erp_pace, YUANNIAN: merchant.wallet_pace, TOP: merchant.centre_pace}
    pace = paces.get(platform, merchant.issuer_pace)
    if pace is None:
        return None
    free_at = await pace.free_at(patient=patient)
    return free_at if free_at > now + PATIENCE else None


def sharers(merchant: Merchant, platform: str) -> tuple[str, ...]:
    """Everybody who uses this merchant's account at `platform`."""
    if platform == TOP:  # a ban is the application's, whichever shop's calls earned it
        return (*merchant.centre_sharers, str(merchant.name))
    return (str(merchant.name),) if platform in PARTY_UNITS else (*merchant.sharers, str(merchant.name))


def units_of(platform: str) -> Sequence[tuple[str, str]]:
    """Stage and key of every unit that uses the lane to `platform`; "{merchant}" stands for the merchant."""
    return PARTY_UNITS.get(platform, ISSUER_UNITS)


async def rest(tx: Tx, merchant: Merchant, platform: str, verdict: Verdict) -> datetime | None:
    """The party stops the lane, or is unreachable; until when. Told once, on the edge."""
    now = await tx.lanes.standing(merchant.name, platform)
    if now.care is verdict.care and now.until is not None and _as_long(now.until - tx.now, verdict):
        return now.until  # one question about fifty orders is refused once, not fifty times
    own = platform == TOP and verdict.care is Care.PERSON  # a session is one shop's alone
    for name in dict.fromkeys((str(merchant.name),) if own else sharers(merchant, platform)):
        edge = await tx.lanes.rest(name, platform, verdict)
        until = await tx.lanes.at_rest(name, platform)
        for stage, key in _probers(platform, verdict.care):
            await tx.units.wake(stage, key.format(merchant=name), until)
        if edge:
            tx.tell(
                partial(
                    log.warning,
                    "lane.rested",
                    lane=f"{name}/{platform}",
                    care=str(verdict.care),
                    code=verdict.code,
                    why=verdict.text,
                    until=str(until),
                )
            )
    return await tx.lanes.at_rest(merchant.name, platform)


async def settings_are_read(tx: Tx) -> None:
    """What rests because of its settings is tried now: they have just been read, and may be others."""
    for merchant, platform in await tx.lanes.try_now(Care.SETTINGS):
        for stage, key in _probers(platform, Care.SETTINGS):
            await tx.units.wake(stage, key.format(merchant=merchant))


async def is_well(tx: Tx, merchant: Merchant, platform: str) -> bool:
    """Whether an answer changes nothing: nobody who uses the account has had trouble with it since the last one."""
    return not await tx.lanes.unwell(sharers(merchant, platform), platform)


async def heard(
    tx: Tx, merchant: Merchant, platform: str, *, by_asking: bool = False, unwell: set[str] | None = None
) -> None:
    """The party answered: a lane that rested is open again, and whoever waited for it goes on.

    `unwell` are those of its sharers whose lane is not well, where that has just been asked.
    """
    if unwell is None:
        unwell = await tx.lanes.unwell(sharers(merchant, platform), platform)
    for name in sorted(unwell):
        not_told = by_asking or (platform == TOP and name != merchant.name)  # nothing about another shop's session
        if not await tx.lanes.recovered(name, platform, by_asking=not_told):
            continue
        tx.tell(partial(log.info, "lane.recovered", lane=f"{name}/{platform}"))
        for stage, key in units_of(platform):
            await tx.units.wake(stage, key.format(merchant=name))


async def unheard(
    tx: Tx, merchant: Merchant, platform: str, cause: str, *, by: str = "", probe: bool = False
) -> datetime | None:
    """Nobody answered. After some of these in a row, or after one `probe`, the lane rests; until when, or None.

    `by` is the order the call was about, where it was about one: what one order meets alone says nothing of the party.
    """
    if not probe:
        standing = await tx.lanes.standing(merchant.name, platform)
        if standing.until is not None:  # it was on its way when the lane came to rest
            return standing.until
        if await tx.lanes.strike(merchant.name, platform, by) < STRIKES and not standing.half_open:
            return None
    kind = platform if platform in PARTY_UNITS else merchant.issuer.profile.kind
    return await rest(tx, merchant, platform, Verdict(Care.RETRY_SOON, kind, cause, "unreachable"))


def is_unheard(verdict: Verdict) -> bool:
    """Whether a call ended without an answer of the party's own."""
    return is_silence(verdict.code)


def unheard_cause(outcomes: Sequence[Outcome]) -> str | None:
    """Why no answer came to any of these; None where the party said something, or was not asked."""
    silences = [one for one in outcomes if isinstance(one, Unknown) and one.silent]
    if not silences or len(silences) < len(outcomes):
        return None
    return silences[0].cause.replace(" ", ".")


async def troubled(
    store: Store,
    claim: Claim,
    merchant: Merchant,
    trouble: Trouble,
    *,
    fact: str,
    probe: bool = False,
    platform: str = WDT,
) -> datetime | None:
    """What a call that went wrong does to the lane: until when it rests; None: it is the unit's own trouble."""
    verdict = trouble.verdict
    down = is_unheard(verdict) or (probe and verdict.care is Care.RETRY_SOON)
    if not probe and not down and verdict.care not in LANE_WIDE:
        return None
    async with store.begin(claim, fact=fact) as tx:
        if verdict.care in LANE_WIDE:
            return await rest(tx, merchant, platform, verdict)
        if down:
            return await unheard(tx, merchant, platform, verdict.code, probe=probe)
        await heard(tx, merchant, platform)  # it said no, but it spoke
        return None


def _as_long(left: timedelta, verdict: Verdict) -> bool:
    return verdict.rest_for is not None and left >= timedelta(seconds=verdict.rest_for)


def _probers(platform: str, care: Care) -> Sequence[tuple[str, str]]:
    """Who sees whether the lane works again: one search, one question; a submission only where nothing else tells."""
    if platform == WDT:
        return (("poll", "{merchant}/pending"),)
    if platform in PARTY_UNITS:
        return PARTY_UNITS[platform]
    return (("push", "{merchant}"),) if care is Care.PERSON else (("collect", "{merchant}"),)
