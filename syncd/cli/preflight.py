"""What `syncd check` looks at: settings, store, clock, credentials, permissions. It changes nothing anywhere.

It takes no lock and upgrades nothing, so that it can be run beside a daemon at work. Each party is asked one harmless
question per credential, which counts among its calls; so nobody is asked from a store that was moved away.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.cli.checked import Finding as Finding
from syncd.cli.frame import Frame
from syncd.cli.preflight_parties import ask
from syncd.cli.words import Say

if TYPE_CHECKING:
    from syncd.config import Settings

#: What a finding about a disarmed store is called; alone it ends `check` with its own exit code.
ARMING = "arming"
#: Below this length a secret is too short to be looked for in a text.
_SHORTEST_SECRET = 4


async def look(frame: Frame, settings: Settings) -> list[Finding]:
    """Every finding, in the order in which a person would want to mend them."""
    say = frame.say
    found = [*_settings(say, frame, settings), *_store(say, settings)]
    found += _beginning(say, settings)
    found += _alerts(frame, settings)
    if _goes_on_elsewhere(settings):
        found.append(Finding("warn", "parties", say("check.not_asked")))
    else:
        found += await ask(frame.lang, settings)
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
    from syncd.cli.words_settings import settings_line
    from syncd.config.reading import locate, secret_files

    file = locate(frame.config, os.environ)
    merchants, issuers = len(settings.merchants), len(settings.issuers)
    yield Finding("ok", "settings", say("check.settings", file=file, merchants=merchants, issuers=issuers))
    for warning in settings.warnings:
        yield Finding("warn", "settings", settings_line(warning, frame.lang))
    if _is_open(file) and _holds_a_secret(file, settings):
        yield Finding("warn", "settings", say("check.file_open", file=file), say("check.file_open.remedy", file=file))
    for named in filter(_is_open, secret_files(frame.config, os.environ)):
        text = say("check.file_open", file=named)
        yield Finding("warn", "settings", text, say("check.secret_open.remedy", file=named))


def _is_open(file: Path) -> bool:
    return bool(file.stat().st_mode & 0o007)


def _holds_a_secret(file: Path, settings: Settings) -> bool:
    text = file.read_text(encoding="utf-8-sig", errors="replace")
    return any(len(secret) >= _SHORTEST_SECRET and secret in text for secret in settings.secrets())


# -- store -------------------------------------------------------------------------------------------------------------


def _store(say: Say, settings: Settings) -> Iterator[Finding]:
    """Whether there is one, of this program's schema and sound; whether it may write outside; who works on it."""
    from syncd.cli.troubles import unsupported
    from syncd.store import postgres
    from syncd.store.engine import sqlite_path
    from syncd.store.lock import holder
    from syncd.store.troubles import StoreUnavailable, UnsupportedStore

    url = settings.store.url.get_secret_value()
    try:
        if postgres.is_postgresql(url):
            postgres.require_suitable(url)
            there, shown = postgres.has_tables(url), postgres.shown(url)
        else:
            path = sqlite_path(url)
            yield from _access(say, path)
            there, shown = path.exists() and path.stat().st_size > 0, str(path)
    except UnsupportedStore as error:
        yield Finding("fail", "store", unsupported(say, error), say("check.store_url.remedy"))
        return
    except StoreUnavailable as error:
        where = postgres.shown(url)
        yield Finding(
            "fail", "store", say("check.store_silent", url=where, why=error), say("check.store_silent.remedy")
        )
        return
    if not there:
        yield Finding("warn", "store", say("check.store_none", path=shown), say("check.store_none.remedy"))
        return
    try:
        yield from _schema(say, url)
        yield from _arming(say, settings, url)
    except (sqlite3.Error, StoreUnavailable) as error:
        yield Finding("fail", "store", say("check.store_broken", why=error), say("check.store_broken.remedy"))
    who = holder(url)
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
    from syncd.store import migrate, postgres
    from syncd.store.schema import HEAD

    at = migrate.revision(url)
    if at == HEAD:
        yield _structure(say, url)
    elif at is None or at in migrate.known_revisions():
        text = say("check.store_old", at=at or "-", head=HEAD)
        yield Finding("warn", "store", text, say("check.store_old.remedy"))
    else:
        text = say("check.store_new", at=at, head=HEAD)
        yield Finding("fail", "store", text, say("check.store_new.remedy"))
    if postgres.is_postgresql(url):
        yield _server(say, [*migrate.check(url), *postgres.dangers(url)])
        yield from _sessions(say, url)
        return
    problems = migrate.check(url)
    if problems:
        yield Finding("fail", "store", say("check.store_broken", why=problems[0]), say("check.store_broken.remedy"))
    else:
        yield Finding("ok", "store", say("check.store_sound"))


def _structure(say: Say, url: str) -> Finding:
    """The revision alone proves little: whether what it stands for is really there."""
    from syncd.cli.troubles import unsupported
    from syncd.store.schema import HEAD
    from syncd.store.structure import Misbuilt, require_built

    try:
        require_built(url)
    except Misbuilt as error:
        return Finding("fail", "store", unsupported(say, error), say("check.misbuilt.remedy"))
    return Finding("ok", "store", say("check.store_current", revision=HEAD))


def _sessions(say: Say, url: str) -> Iterator[Finding]:
    """Processes that keep each other from the server make no progress, and none of them has enough to give up."""
    from syncd.store import postgres

    allowed, at_work = postgres.sessions(url)
    needed = postgres.SESSIONS * max(at_work, 1)
    if allowed < needed:
        text = say("check.sessions", allowed=allowed, needed=needed, processes=max(at_work, 1))
        yield Finding("warn", "store", text, say("check.sessions.remedy"))


def _server(say: Say, problems: list[str]) -> Finding:
    if problems:
        return Finding("fail", "store", say("check.server", why="; ".join(problems)), say("check.server.remedy"))
    return Finding("ok", "store", say("check.server_sound"))


def _beginning(say: Say, settings: Settings) -> Iterator[Finding]:
    """Without a start, what was waiting before the first reading is never read: said of whom that is still to come."""
    if settings.poll.start is None:
        begun = _begun(settings)
        new = [str(merchant.name) for merchant in settings.merchants if merchant.wdt.sid not in begun]
        if new:
            text = say("check.no_start", merchants=", ".join(new))
            yield Finding("warn", "poll", text, say("check.no_start.remedy"))


def _begun(settings: Settings) -> set[str]:
    """The WDT accounts that have been read before."""
    from syncd.store.soundness import column
    from syncd.store.troubles import StoreUnavailable, UnsupportedStore

    try:
        return set(column(settings.store.url.get_secret_value(), "SELECT DISTINCT sid FROM cursor"))
    except (UnsupportedStore, StoreUnavailable, sqlite3.Error):  # none yet, or it is told elsewhere what is wrong
        return set()


# -- alerts ------------------------------------------------------------------------------------------------------------


def _alerts(frame: Frame, settings: Settings) -> Iterator[Finding]:
    """Whether the addresses can be understood; nothing is sent, that is what `syncd alerts test` is for."""
    if not settings.alerts.urls:
        return
    from syncd.alerting import channels_of
    from syncd.cli.words_settings import settings_line
    from syncd.config import SettingsError

    say = frame.say
    try:
        channels = channels_of(settings)
    except SettingsError as error:
        yield Finding("fail", "alerts", settings_line(error.lines[0], frame.lang), say("check.alerts.remedy"))
        return
    schemes = ", ".join(channel.scheme for channel in channels)
    yield Finding("ok", "alerts", say("check.alerts", count=len(channels), schemes=schemes))


#: What to do about a store at one end of a move; about any other that may not send: read, ask, arm.
_REMEDIES = {
    "moved_away": "arming.remedy.stuck",
    "moved_here": "arming.remedy.moved_here",
}


def _goes_on_elsewhere(settings: Settings) -> bool:
    """Whether a move left this store behind, or has not finished it: nothing is written here, not even a call."""
    from syncd.store.instance import STUCK
    from syncd.store.soundness import standing
    from syncd.store.troubles import StoreUnavailable, UnsupportedStore

    try:
        here = standing(settings.store.url.get_secret_value())
    except (UnsupportedStore, StoreUnavailable, sqlite3.Error):  # none yet, or it is told elsewhere what is wrong
        return False
    return here is not None and not here[2] and here[3] in STUCK


def _arming(say: Say, settings: Settings, url: str) -> Iterator[Finding]:
    """Whether it may write outside now, and whether the next start would let it."""
    from syncd.store import postgres
    from syncd.store.engine import sqlite_path
    from syncd.store.instance import STUCK
    from syncd.store.place import known_place
    from syncd.store.soundness import standing
    from syncd.store.witness import Finding as Compared
    from syncd.store.witness import compare, find_witness

    here = standing(url)
    if here is None:
        return
    instance, epoch, armed, why, about = here
    path = None if postgres.is_postgresql(url) else sqlite_path(url)
    witness = find_witness(instance, settings.store.witness, path, os.environ)
    compared = compare(instance, epoch, known_place(url), witness)
    if armed and compared is Compared.FINE:
        yield Finding("ok", ARMING, say("check.armed"))
        return
    if armed:
        about, epoch = (witness.store, witness.epoch) if witness else ("", 0)
    if not armed and why in STUCK:
        yield Finding("fail", ARMING, say(f"move.stuck.{why}", about=about))
        return
    reason = say(f"arming.why.{compared if armed else why}", about=about, seen=epoch)
    text = say("check.would_disarm", why=reason) if armed else reason
    remedy = _REMEDIES.get(compared if armed else why, "arming.remedy")
    yield Finding("fail", ARMING, text, say(remedy))
