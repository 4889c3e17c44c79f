"""Trouble that has a name, as lines for a person and an exit code: 1 failed, 2 usage or settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncd.cli.output import inert
from syncd.cli.words import Lang, Say, speaker

if TYPE_CHECKING:
    from syncd.config import SettingsError
    from syncd.store.troubles import UnsupportedStore


#: PostgreSQL's code for a lock that was waited for in vain.
_LOCK_NOT_AVAILABLE = "55P03"


class Unusable(Exception):
    """What was typed cannot be meant; the text says why. Exit code 2."""


class Failed(Exception):
    """It could not be done; the text says why. Exit code 1."""


class Ended(Exception):
    """It ends here, with these lines and this exit code."""

    def __init__(self, lines: list[str], code: int) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
        self.code = code


def known() -> tuple[type[Exception], ...]:
    """Every trouble with a name. Called only once something was raised, so that a fine run imports none of it."""
    import sqlite3

    from sqlalchemy.exc import DBAPIError

    from syncd.config import SettingsError
    from syncd.store.instance import InAMove
    from syncd.store.lock import HeldElsewhere, NetworkStore
    from syncd.store.migrate import NotReady, TooNew
    from syncd.store.soundness import Corrupt
    from syncd.store.store import StoreUnavailable
    from syncd.store.troubles import UnsupportedStore
    from syncd.store.witness import WitnessUnusable
    from syncd.web.health import CannotListen

    ours = (Unusable, Failed, SettingsError, UnsupportedStore, HeldElsewhere, NotReady, TooNew, StoreUnavailable)
    return (
        *ours,
        Ended,
        InAMove,
        NetworkStore,
        Corrupt,
        WitnessUnusable,
        CannotListen,
        DBAPIError,
        sqlite3.Error,
        OSError,
    )


def lines_and_code(error: Exception, lang: Lang) -> tuple[list[str], int]:
    """What to print and how to exit; `error` is one of `known()`."""
    from syncd.config import SettingsError
    from syncd.store.instance import InAMove
    from syncd.store.lock import HeldElsewhere, NetworkStore
    from syncd.store.migrate import Behind, NotReady, TooNew
    from syncd.store.soundness import Corrupt
    from syncd.store.troubles import UnsupportedStore
    from syncd.store.witness import WitnessUnusable

    say = speaker(lang)
    match error:
        case SettingsError():
            return _settings(error, lang), 2
        case Unusable():
            return [inert(str(error))], 2
        case UnsupportedStore():
            return [unsupported(say, error)], 2
        case Ended():
            return [inert(line) for line in error.lines], error.code
        case InAMove():
            return [inert(say(f"move.stuck.{error.why}", about=error.about))], 4
        case Behind():
            return [say("store.behind" if error.at else "store.none", at=inert(error.at))], 2
        case NotReady():
            return [say("store.not_ready", why=inert(str(error)))], 2
        case TooNew():
            return [say("store.too_new", why=inert(str(error)))], 2
        case NetworkStore():
            return [say("db.network", kind=inert(error.kind))], 2
        case WitnessUnusable():
            return [say("db.witness_unusable", why=inert(str(error)))], 2
        case Corrupt():
            return [say("db.corrupt", why=inert(str(error)))], 1
        case HeldElsewhere():
            return [say("store.held", holder=inert(error.holder))], 1
        case Failed():
            return [inert(str(error))], 1
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            return [inert(f"{where}{error.strerror or error}")], 1
        case _:
            return [_other(error, say)], 1


def _settings(error: SettingsError, lang: Lang) -> list[str]:
    """Each problem in the reader's language, and where the settings are explained."""
    from syncd.cli.words_settings import settings_line

    return [*(inert(settings_line(line, lang)) for line in error.lines), speaker(lang)("settings.explained")]


def unsupported(say: Say, error: UnsupportedStore) -> str:
    """Why no store can be there."""
    return inert(say(f"unsupported.{error.why}", **error.facts))


def _other(error: Exception, say: Say) -> str:
    """A database that does not answer or is damaged, or an address that cannot be listened on."""
    from syncd.web.health import CannotListen

    why = inert(" ".join(str(getattr(error, "orig", None) or error).split()))
    if isinstance(error, CannotListen):
        return why
    cause = error.__cause__ or error
    said = getattr(cause, "orig", None) or cause
    if _is_busy(said):
        return say("store.busy", why=why)
    return say("store.no_server" if type(said).__module__.startswith("psycopg") else "store.unavailable", why=why)


def _is_busy(said: BaseException) -> bool:
    """Whether somebody else was writing for longer than anybody waits: a move is, for minutes."""
    import sqlite3

    if isinstance(said, sqlite3.OperationalError):
        return said.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return getattr(said, "sqlstate", None) == _LOCK_NOT_AVAILABLE
