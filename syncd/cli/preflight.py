"""What `syncd check` looks at: settings, store, clock, credentials, permissions. It changes nothing anywhere.

It takes no lock and upgrades nothing, so that it can be run beside a daemon at work. Each party is asked one harmless
question per credential.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from syncd.cli.frame import Frame
from syncd.cli.words import Say
from syncd.domain.trouble import Care, Trouble, Verdict

if TYPE_CHECKING:
    from syncd.config import Settings
    from syncd.domain.ports import Issuer
    from syncd.parties import Parties
    from syncd.store.store import Store
    from syncd.wire.wdt.client import WdtClient

Level = Literal["ok", "warn", "fail"]

#: WDT refuses stamps 120 s off; before that there is time to be warned.
CLOCK_WARN, CLOCK_FAIL = 60.0, 110.0
_AT_ONCE = 8
#: Below this length a secret is too short to be looked for in a text.
_SHORTEST_SECRET = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `remedy` is empty where nothing is to be done."""

    level: Level
    subject: str
    text: str
    remedy: str = ""


def holder(store: Path) -> str | None:
    """Which process works on this store, as it wrote itself down; None when nobody does or it cannot be told.

    Read from the kernel's list of locks: trying the lock, even for an instant, could turn a starting daemon away.
    """
    lock = store.with_name(store.name + ".lock")
    try:
        inode = lock.stat().st_ino
        held = Path("/proc/locks").read_text(encoding="ascii", errors="replace").splitlines()
        if not any("FLOCK" in line and f":{inode} " in line for line in held):
            return None
        return lock.read_text(encoding="utf-8", errors="replace").strip() or "?"
    except OSError:
        return None


async def look(frame: Frame, settings: Settings) -> list[Finding]:
    """Every finding, in the order in which a person would want to mend them."""
    say = frame.say
    found = [*_settings(say, frame, settings), *_store(say, settings)]
    found += await _parties(say, settings)
    return [without_secrets(one, settings) for one in found]


def without_secrets(finding: Finding, settings: Settings) -> Finding:
    """A party's own words may quote what it was sent."""
    text = finding.text
    for secret in settings.secrets():
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return Finding(finding.level, finding.subject, text, finding.remedy)


# -- settings ----------------------------------------------------------------------------------------------------------


def _settings(say: Say, frame: Frame, settings: Settings) -> Iterator[Finding]:
    from syncd.config.reading import locate

    file = locate(frame.config, os.environ)
    merchants, issuers = len(settings.merchants), len(settings.issuers)
    yield Finding("ok", "settings", say("check.settings", file=file, merchants=merchants, issuers=issuers))
    for warning in settings.warnings:
        yield Finding("warn", "settings", warning)
    if file.stat().st_mode & 0o007 and _holds_a_secret(file, settings):
        yield Finding("warn", "settings", say("check.file_open", file=file), say("check.file_open.remedy", file=file))


def _holds_a_secret(file: Path, settings: Settings) -> bool:
    text = file.read_text(encoding="utf-8-sig", errors="replace")
    return any(len(secret) >= _SHORTEST_SECRET and secret in text for secret in settings.secrets())


# -- store -------------------------------------------------------------------------------------------------------------


def _store(say: Say, settings: Settings) -> Iterator[Finding]:
    from syncd.store.engine import UnsupportedStore, sqlite_path

    url = settings.store.url.get_secret_value()
    try:
        path = sqlite_path(url)
    except UnsupportedStore as error:
        yield Finding("fail", "store", str(error), say("check.store_url.remedy"))
        return
    yield from _access(say, path)
    if not path.exists() or path.stat().st_size == 0:
        yield Finding("warn", "store", say("check.store_none", path=path), say("check.store_none.remedy"))
        return
    try:
        yield from _schema(say, url)
    except sqlite3.Error as error:
        yield Finding("fail", "store", say("check.store_broken", why=error), say("check.store_broken.remedy"))
    who = holder(path)
    yield Finding("ok", "daemon", say("check.daemon", who=who) if who else say("check.no_daemon"))


def _access(say: Say, path: Path) -> Iterator[Finding]:
    folder = path.parent
    if folder.exists() and not os.access(folder, os.W_OK):
        yield Finding("fail", "store", say("check.no_write", path=folder), say("check.no_write.remedy"))
    if not path.exists():
        return
    if not os.access(path, os.R_OK | os.W_OK):
        yield Finding("fail", "store", say("check.no_write", path=path), say("check.no_write.remedy"))
    if path.stat().st_mode & 0o077:
        yield Finding("warn", "store", say("check.store_open", path=path), say("check.store_open.remedy", path=path))


def _schema(say: Say, url: str) -> Iterator[Finding]:
    from syncd.store import migrate
    from syncd.store.schema import HEAD

    at = migrate.revision(url)
    if at == HEAD:
        yield Finding("ok", "store", say("check.store_current", revision=at))
    elif at is None or at in migrate.known_revisions():
        text = say("check.store_old", at=at or "-", head=HEAD)
        yield Finding("warn", "store", text, say("check.store_old.remedy"))
    else:
        text = say("check.store_new", at=at, head=HEAD)
        yield Finding("fail", "store", text, say("check.store_new.remedy"))
    problems = migrate.check(url)
    if problems:
        yield Finding("fail", "store", say("check.store_broken", why=problems[0]), say("check.store_broken.remedy"))
    else:
        yield Finding("ok", "store", say("check.store_sound"))


# -- the parties -------------------------------------------------------------------------------------------------------


async def _parties(say: Say, settings: Settings) -> list[Finding]:
    from syncd.domain.clock import SystemClock
    from syncd.parties import join
    from syncd.store.engine import UnsupportedStore, reader_engine, sqlite_path, writer_engine
    from syncd.store.store import Store, this_host

    try:
        path = sqlite_path(settings.store.url.get_secret_value())
    except UnsupportedStore:
        return []
    # Not Store.at, which would make the file: nothing is opened here before it is used.
    async with Store(writer_engine(path), reader_engine(path), SystemClock(), this_host(), path) as store:
        try:
            parties = join(settings, store, store.clock)
        except ValueError as error:
            return [Finding("fail", "settings", str(error), say("check.settings.remedy"))]
        try:
            return await _ask(say, settings, parties, store)
        finally:
            await parties.close()


async def _ask(say: Say, settings: Settings, parties: Parties, store: Store) -> list[Finding]:
    places = asyncio.Semaphore(_AT_ONCE)

    async def wdt(name: str, client: WdtClient) -> Finding:
        async with places:
            return await _wdt(say, f"{name}/wdt", client, store)

    async def issuer(name: str, client: Issuer) -> Finding:
        async with places:
            return await _issuer(say, name, client, fetches=bool(settings.issuers[name].token_url), store=store)

    found = await asyncio.gather(
        *(wdt(name, client) for name, client in parties.wdt.items()),
        *(issuer(name, client) for name, client in parties.issuers.items()),
    )
    offsets = [client.clock_offset for client in parties.wdt.values() if client.clock_offset is not None]
    return [*_clock(say, offsets, asked=bool(parties.wdt)), *found]


def _clock(say: Say, offsets: list[float], *, asked: bool) -> Iterator[Finding]:
    if not offsets:
        if asked:
            yield Finding("warn", "clock", say("check.clock_unknown"))
        return
    worst = max(offsets, key=abs)
    level: Level = "fail" if abs(worst) > CLOCK_FAIL else "warn" if abs(worst) > CLOCK_WARN else "ok"
    remedy = "" if level == "ok" else say("check.clock.remedy")
    yield Finding(level, "clock", say("check.clock", seconds=f"{-worst:+.1f}"), remedy)


async def _wdt(say: Say, subject: str, client: WdtClient, store: Store) -> Finding:
    """One row of the last hour: signature, account and right to read are all needed for it."""
    from syncd.domain.clock import whole_second
    from syncd.domain.order import Search

    now = whole_second(store.clock.now())
    try:
        await client.search(Search(start=now - timedelta(hours=1), end=now, page_size=1))
    except Trouble as trouble:
        return _of(say, subject, trouble.verdict)
    return Finding("ok", subject, say("check.party_ok"))


async def _issuer(say: Say, name: str, issuer: Issuer, *, fetches: bool, store: Store) -> Finding:
    from syncd.store.store import StoreUnavailable

    subject = f"issuer {name}"
    if fetches and not (store.path.exists() and store.path.stat().st_size):
        return Finding("warn", subject, say("check.no_shelf"), say("check.no_shelf.remedy"))
    try:
        wrong = await issuer.probe()
    except StoreUnavailable as error:
        return Finding("fail", subject, say("store.unavailable", why=error), say("check.no_shelf.remedy"))
    return Finding("ok", subject, say("check.party_ok")) if wrong is None else _of(say, subject, wrong)


_REMEDIES = {
    Care.REST_LANE: "throttled",
    Care.CLOCK: "clock",
    Care.SETTINGS: "credentials",
    Care.PERSON: "person",
    Care.RETRY_SOON: "unreachable",
    Care.UNKNOWN: "unreachable",
}


def _of(say: Say, subject: str, verdict: Verdict) -> Finding:
    from syncd.watch.redaction import masked

    kind = _REMEDIES.get(verdict.care, "other")
    level: Level = "warn" if verdict.care is Care.REST_LANE else "fail"
    return Finding(level, subject, masked(str(verdict)), say(f"check.{kind}.remedy"))
