"""Which of the two databases of a move is in trouble, and what to do about that one."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from syncd.cli.frame import FAILED, USAGE, Frame
from syncd.cli.output import inert
from syncd.cli.troubles import Ended, unsupported

if TYPE_CHECKING:
    from syncd.config import Settings


def of_a_database() -> tuple[type[Exception], ...]:
    """What a database that is gone, refuses or is damaged raises."""
    from sqlalchemy.exc import DBAPIError

    from syncd.store.troubles import StoreUnavailable

    psycopg = sys.modules.get("psycopg")  # not installed with every installation
    return (StoreUnavailable, DBAPIError, sqlite3.Error, OSError, *((psycopg.Error,) if psycopg else ()))


def why(error: Exception) -> str:
    """A database's own words, on one line."""
    said = error.strerror if isinstance(error, OSError) else None
    return inert(" ".join(str(said or getattr(error, "orig", None) or error).split()))


def silent(frame: Frame, url: str, error: Exception) -> Ended:
    """The target does not answer, or does not let us in: what to look at."""
    from syncd.store.place import shown
    from syncd.store.postgres import is_postgresql

    lines = [frame.say("move.target_silent", target=shown(url), why=why(error))]
    return Ended([*lines, *([frame.say("move.target_silent.remedy")] if is_postgresql(url) else [])], FAILED)


@contextmanager
def at_target(frame: Frame, url: str) -> Iterator[None]:
    """Trouble inside is the target's: the present store is as it was, and another address may be what helps."""
    from syncd.store.lock import HeldElsewhere, NetworkStore
    from syncd.store.migrate import NotReady, TooNew
    from syncd.store.place import shown
    from syncd.store.target import Occupied
    from syncd.store.troubles import UnsupportedStore

    say, name = frame.say, shown(url)
    try:
        yield
    except Occupied as found:
        raise frame.unusable("move.not_empty", target=name, tables=found.facts["tables"]) from None
    except UnsupportedStore as error:
        raise Ended([say("move.target_unfit", target=name, why=unsupported(say, error))], USAGE) from None
    except NetworkStore as error:
        raise Ended([say("move.target_unfit", target=name, why=say("db.network", kind=error.kind))], USAGE) from None
    except (NotReady, TooNew):
        raise frame.unusable("move.target_other", target=name) from None
    except HeldElsewhere as error:
        raise frame.failed("move.target_held", target=name, holder=error.holder) from None
    except of_a_database() as error:
        raise silent(frame, url, error) from None


@asynccontextmanager
async def target_held(frame: Frame, url: str, *, dry_run: bool) -> AsyncIterator[None]:
    """Nobody else works on the target meanwhile; a dry run only looks whether somebody does."""
    from syncd.store.lock import HeldElsewhere, held, holder
    from syncd.store.place import shown

    async with AsyncExitStack() as stack:
        with at_target(frame, url):
            if not dry_run:
                await stack.enter_async_context(held(url))
            elif who := holder(url):
                raise HeldElsewhere(shown(url), who)
        yield


@asynccontextmanager
async def source_held(frame: Frame, url: str, *, dry_run: bool) -> AsyncIterator[None]:
    """Nobody works on the store meanwhile; of a dry run nobody takes notice. Raises HeldElsewhere."""
    from syncd.store.lock import held, holder

    if not dry_run:
        async with held(url):
            yield
        return
    if who := holder(url):
        print(inert(frame.say("move.stop_first", holder=who)), file=sys.stderr)
    yield


def require_fit(frame: Frame, settings: Settings, url: str, *, empty: bool) -> None:
    """Raises unless the store could be made there, and have its witness here; changes nothing."""
    from syncd.store import postgres, target
    from syncd.store.witness import witness_folder

    with at_target(frame, url):
        may_queue = target.require_room(url, empty=empty)
    if postgres.is_postgresql(url):  # beside a file it can always be
        witness_folder(settings.store.witness, None, os.environ)
    if not may_queue:
        print(frame.say("move.no_queue"), file=sys.stderr)
