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
from syncd.cli.output import beijing
from syncd.cli.words import Say
from syncd.domain.trouble import Care, Paced, Trouble, Verdict

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
#: What a finding about a disarmed store is called; alone it ends `check` with its own exit code.
ARMING = "arming"
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
    found += _alerts(say, settings)
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
        yield from _arming(say, settings, path)
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


# -- alerts ------------------------------------------------------------------------------------------------------------


def _alerts(say: Say, settings: Settings) -> Iterator[Finding]:
    """Whether the addresses can be understood; nothing is sent, that is what `syncd alerts test` is for."""
    if not settings.alerts.urls:
        return
    from syncd.alerting import channels_of
    from syncd.config import SettingsError

    try:
        channels = channels_of(settings)
    except SettingsError as error:
        yield Finding("fail", "alerts", error.lines[0], say("check.alerts.remedy"))
        return
    schemes = ", ".join(channel.scheme for channel in channels)
    yield Finding("ok", "alerts", say("check.alerts", count=len(channels), schemes=schemes))


def _arming(say: Say, settings: Settings, path: Path) -> Iterator[Finding]:
    """Whether it may write outside now, and whether the next start would let it."""
    from contextlib import closing

    from syncd.store.witness import Finding as Compared
    from syncd.store.witness import compare, find_witness

    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as db:
        try:
            row = db.execute("SELECT id, epoch, armed, why, about FROM instance").fetchone()
        except sqlite3.OperationalError:  # older than its schema, which is told elsewhere
            return
    if row is None:
        return
    instance, epoch, armed, why, about = row
    witness = find_witness(instance, settings.store.witness, path, os.environ)
    compared = compare(instance, epoch, os.path.realpath(path), witness)
    if armed and compared is Compared.FINE:
        yield Finding("ok", ARMING, say("check.armed"))
        return
    if armed:
        about, epoch = (witness.store, witness.epoch) if witness else ("", 0)
    reason = say(f"arming.why.{compared if armed else why}", about=about, seen=epoch)
    text = say("check.would_disarm", why=reason) if armed else reason
    yield Finding("fail", ARMING, text, say("arming.remedy"))


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
            parties = join(settings, store, store.clock, store_is_ready=_is_ready(settings))
        except ValueError as error:
            return [Finding("fail", "settings", str(error), say("check.settings.remedy"))]
        try:
            return await _ask(say, settings, parties, store)
        finally:
            await parties.close()


def _is_ready(settings: Settings) -> bool:
    from syncd.store import migrate

    try:
        migrate.require_current(settings.store.url.get_secret_value())
    except (migrate.NotReady, migrate.TooNew):
        return False
    return True


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
    except Paced as paced:
        return Finding("warn", subject, say("check.paced", until=beijing(paced.until)), say("check.throttled.remedy"))
    return Finding("ok", subject, say("check.party_ok"))


async def _issuer(say: Say, name: str, issuer: Issuer, *, fetches: bool, store: Store) -> Finding:
    from syncd.store.store import StoreUnavailable

    subject = f"issuer {name}"
    if fetches and not (store.path.exists() and store.path.stat().st_size):
        return Finding("warn", subject, say("check.no_shelf"), say("check.no_shelf.remedy"))
    try:
        wrong = await issuer.probe(issuing=True)
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
