"""What `syncd check` asks the parties: one harmless question per credential."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from syncd.cli.checked import Finding, Level
from syncd.cli.output import beijing
from syncd.cli.words import Lang, Say, speaker
from syncd.domain.trouble import Care, Paced, Trouble, Verdict

if TYPE_CHECKING:
    from syncd.config import Settings
    from syncd.domain.ports import Issuer
    from syncd.parties import Parties
    from syncd.store.store import Store
    from syncd.wire.top.client import TopClient
    from syncd.wire.wdt.client import WdtClient
    from syncd.wire.yuannian.client import YuannianWallet

#: WDT refuses stamps 120 s off; before that there is time to be warned.
CLOCK_WARN, CLOCK_FAIL = 60.0, 110.0
#: TOP refuses stamps ten minutes off.
TOP_CLOCK_WARN = 300.0
_TOKEN_ENDS_SOON = timedelta(days=3)
_AT_ONCE = 8


async def ask(lang: Lang, settings: Settings) -> list[Finding]:
    """What each party says, and the clocks beside ours."""
    from syncd.cli.words_settings import settings_line
    from syncd.domain.clock import SystemClock
    from syncd.parties import join
    from syncd.store.store import Store
    from syncd.store.troubles import UnsupportedStore

    say = speaker(lang)
    try:
        known = Store.at(settings.store.url.get_secret_value(), SystemClock(), make=False)
    except UnsupportedStore:
        return []
    async with known as store:
        store.by_hand = True  # nothing is written to one that is moved away meanwhile
        try:
            parties = join(settings, store, store.clock, store_is_ready=_is_ready(settings))
        except ValueError as error:
            return [Finding("fail", "settings", settings_line(str(error), lang), say("check.settings.remedy"))]
        try:
            return await _ask(lang, settings, parties, store)
        finally:
            await parties.close()


def _is_ready(settings: Settings) -> bool:
    from syncd.store import migrate
    from syncd.store.troubles import StoreUnavailable, UnsupportedStore

    try:
        migrate.require_current(settings.store.url.get_secret_value())
    except (migrate.NotReady, migrate.TooNew, UnsupportedStore, StoreUnavailable):
        return False
    return True


async def _ask(lang: Lang, settings: Settings, parties: Parties, store: Store) -> list[Finding]:
    say = speaker(lang)
    places = asyncio.Semaphore(_AT_ONCE)

    async def wdt(name: str, client: WdtClient) -> Finding:
        async with places:
            return await _wdt(lang, f"{name}/wdt", client, store)

    async def issuer(name: str, client: Issuer) -> Finding:
        async with places:
            return await _issuer(lang, name, client, fetches=bool(settings.issuers[name].token_url), store=store)

    with_session = {one.name for one in settings.merchants if one.alibaba and one.alibaba.session.get_secret_value()}
    stopped = await _stopped(lang, store) if _is_ready(settings) else {}

    async def centre(name: str, client: TopClient) -> Finding:
        async with places:
            found = await _centre(lang, f"{name}/top", client, store, session=name in with_session)
        why = stopped.get(f"{name}/top")  # calls with the session are refused, which the clock does not show
        if found.level != "ok" or why is None:
            return found
        text = say("check.top_stopped", why=why)
        return Finding("warn", found.subject, text, say("check.top_stopped.remedy", lane=found.subject))

    async def wallet(name: str, client: YuannianWallet) -> Finding:
        async with places:
            return await _wallet(lang, f"{name}/yuannian", client)

    found = await asyncio.gather(
        *(wdt(name, client) for name, client in parties.wdt.items()),
        *(centre(name, client) for name, client in parties.centres.items()),
        *(wallet(name, client) for name, client in parties.wallets.items()),
        *(issuer(name, client) for name, client in parties.issuers.items()),
    )
    offsets = [client.clock_offset for client in parties.wdt.values() if client.clock_offset is not None]
    return [*_clock(say, offsets, asked=bool(parties.wdt)), *found, *_wallets(lang, settings, parties, store)]


def _clock(say: Say, offsets: list[float], *, asked: bool) -> Iterator[Finding]:
    if not offsets:
        if asked:
            yield Finding("warn", "clock", say("check.clock_unknown"))
        return
    worst = max(offsets, key=abs)
    level: Level = "fail" if abs(worst) > CLOCK_FAIL else "warn" if abs(worst) > CLOCK_WARN else "ok"
    remedy = "" if level == "ok" else say("check.clock.remedy")
    yield Finding(level, "clock", say("check.clock", seconds=f"{-worst:+.1f}"), remedy)


async def _wdt(lang: Lang, subject: str, client: WdtClient, store: Store) -> Finding:
    """One row of the last hour: signature, account and right to read are all needed for it."""
    from syncd.domain.clock import whole_second
    from syncd.domain.order import Search

    say = speaker(lang)
    now = whole_second(store.clock.now())
    try:
        await client.search(Search(start=now - timedelta(hours=1), end=now, page_size=1))
    except Trouble as trouble:
        return _of(lang, subject, trouble.verdict)
    except Paced as paced:
        return Finding("warn", subject, say("check.paced", until=beijing(paced.until)), say("check.throttled.remedy"))
    return Finding("ok", subject, say("check.party_ok"))


async def _stopped(lang: Lang, store: Store) -> dict[str, str]:
    """Why lanes rest until somebody acts, by lane."""
    from syncd.cli.lane_words import reason
    from syncd.store.lanes import RESTING

    async with store.read() as tx:
        return {
            lane.name: reason(lane, lang)
            for lane in await tx.lanes.all()
            if lane.state == RESTING and lane.care in (Care.PERSON, Care.SETTINGS)
        }


async def _centre(lang: Lang, subject: str, client: TopClient, store: Store, *, session: bool) -> Finding:
    """The gateway's clock, for which app key, secret and stamp must be right.

    The seller's session is not tried: only the return of an invoice carries one, and that is no harmless question.
    """
    say = speaker(lang)
    began_at = store.clock.now()
    try:
        theirs = await client.server_time()
    except Trouble as trouble:
        return _of(lang, subject, trouble.verdict)
    except Paced as paced:
        return Finding("warn", subject, say("check.paced", until=beijing(paced.until)), say("check.throttled.remedy"))
    off = (theirs - began_at).total_seconds()
    if abs(off) > TOP_CLOCK_WARN:
        return Finding("warn", subject, say("check.top_clock", seconds=f"{-off:+.1f}"), say("check.clock.remedy"))
    return Finding("ok", subject, say("check.top_ok" if session else "check.top_no_session"))


async def _wallet(lang: Lang, subject: str, client: YuannianWallet) -> Finding:
    """One row of the search: token, signature and address are all needed for it."""
    say = speaker(lang)
    try:
        wrong = await client.probe()
    except Paced as paced:
        return Finding("warn", subject, say("check.paced", until=beijing(paced.until)), say("check.throttled.remedy"))
    return Finding("ok", subject, say("check.party_ok")) if wrong is None else _of(lang, subject, wrong)


def _wallets(lang: Lang, settings: Settings, parties: Parties, store: Store) -> Iterator[Finding]:
    """Wallets that cannot work as they are configured, and tokens that are about to end."""
    from syncd.cli.words_settings import settings_line
    from syncd.wallets import token_ends

    say = speaker(lang)
    for name, why in parties.wallets_off.items():
        yield Finding("fail", f"{name}/yuannian", settings_line(why, lang), say("check.wallet_off.remedy"))
    for merchant in settings.merchants:
        ends_at = token_ends(merchant.yuannian) if merchant.yuannian else None
        if ends_at is not None and ends_at - store.clock.now() < _TOKEN_ENDS_SOON:
            text = say("check.wallet_token", at=beijing(ends_at))
            yield Finding("warn", f"{merchant.name}/yuannian", text, say("check.wallet_token.remedy"))


async def _issuer(lang: Lang, name: str, issuer: Issuer, *, fetches: bool, store: Store) -> Finding:
    from syncd.store.store import StoreUnavailable

    say, subject = speaker(lang), f"issuer {name}"
    if fetches and store.path is not None and not (store.path.exists() and store.path.stat().st_size):
        return Finding("warn", subject, say("check.no_shelf"), say("check.no_shelf.remedy"))
    try:
        wrong = await issuer.probe(issuing=True)
    except StoreUnavailable as error:
        return Finding("fail", subject, say("store.unavailable", why=error), say("check.no_shelf.remedy"))
    return Finding("ok", subject, say("check.party_ok")) if wrong is None else _of(lang, subject, wrong)


_REMEDIES = {
    Care.REST_LANE: "throttled",
    Care.CLOCK: "clock",
    Care.SETTINGS: "credentials",
    Care.PERSON: "person",
    Care.RETRY_SOON: "unreachable",
    Care.UNKNOWN: "unreachable",
}


def _of(lang: Lang, subject: str, verdict: Verdict) -> Finding:
    """What the party said, as the catalogue understands it, and what to do."""
    from syncd.cli.lane_words import trouble
    from syncd.watch.redaction import masked

    kind = _REMEDIES.get(verdict.care, "other")
    level: Level = "warn" if verdict.care is Care.REST_LANE else "fail"
    return Finding(level, subject, trouble(masked(str(verdict)), lang), speaker(lang)(f"check.{kind}.remedy"))
