"""`syncd db move`: the store goes on in another database, and exactly one of the two can be armed afterwards."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from syncd.cli import options, output
from syncd.cli.frame import DISARMED, FAILED, FINE, Frame, here, leave, wait
from syncd.cli.move_ends import at_target, of_a_database, require_fit, silent, source_held, target_held, why
from syncd.cli.words import Lang, Say, helper

if TYPE_CHECKING:
    from syncd.config import Settings
    from syncd.store.copying import Content
    from syncd.store.move import End, Standing
    from syncd.store.store import Store

#: Where the target's URL may stand besides the command line, which other users of the machine can read.
TO, TO_FILE = "SYNCD_MOVE_TO", "SYNCD_MOVE_TO_FILE"
_LINE_EVERY = 2.0  # seconds between two lines of progress


@dataclass(slots=True)
class Told:
    """What the command has to say at its end, for people and as JSON."""

    source: str
    target: str
    dry_run: bool
    state: str = "moved"  # moved, would_move, would_finish, finished (the end of an earlier attempt), already, differs
    tables: list[Content] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    differs: tuple[str, ...] = ()
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        tables = [{"table": one.table, "rows": one.rows, "digest": one.digest} for one in self.tables]
        return {
            "from": self.source,
            "to": self.target,
            "dry_run": self.dry_run,
            "state": self.state,
            "rows": sum(self.counts.values()),
            "tables": tables or [{"table": name, "rows": rows} for name, rows in self.counts.items()],
            "differs": list(self.differs),
            "seconds": round(self.seconds, 3),
        }


def register(db: typer.Typer, lang: Lang) -> None:
    """Add `db move`."""
    text = helper(lang)

    @db.command("move", help=text("db.move"))
    def move(
        ctx: typer.Context,
        to: str = typer.Option("", "--to", metavar="URL", help=text("opt.move_to")),
        to_file: Path | None = typer.Option(None, "--to-file", metavar="FILE", help=text("opt.move_to_file")),
        dry_run: bool = typer.Option(False, "--dry-run", help=text("opt.move_dry_run")),
        yes: bool = options.yes(lang),
        as_json: bool = options.as_json(lang),
    ) -> None:
        frame = here(ctx)
        leave(wait(_move(frame, wanted(frame, to, to_file, os.environ), dry_run=dry_run, yes=yes, as_json=as_json)))


def wanted(frame: Frame, to: str, to_file: Path | None, env: Mapping[str, str]) -> str:
    """The URL to move to: from the command line, a file, or the environment. Raises Unusable."""
    if to and to_file:
        raise frame.unusable("move.both")
    if to:
        if _password(to):
            print(frame.say("move.visible"), file=sys.stderr)
        return _checked(frame, to)
    if to_file is None and not env.get(TO) and env.get(TO_FILE):
        to_file = Path(env[TO_FILE])
    if to_file is not None:
        return _checked(frame, _from_file(frame, to_file))
    if not env.get(TO):
        raise frame.unusable("move.where")
    return _checked(frame, env[TO])


def _from_file(frame: Frame, file: Path) -> str:
    from syncd.cli import files

    lines = files.read(frame, file).decode("utf-8", "replace").split()
    if len(lines) != 1:
        raise frame.unusable("move.file", file=file)
    return lines[0]


def _checked(frame: Frame, url: str) -> str:
    from syncd.store.place import shown
    from syncd.store.troubles import UnsupportedStore

    if url.partition("://")[0] not in ("sqlite", "postgresql", "postgres"):
        raise frame.unusable("move.scheme")
    try:
        shown(url)
    except (UnsupportedStore, ValueError):  # a ValueError may quote what it cannot read: a password
        raise frame.unusable("move.scheme") from None
    return url


def _password(url: str) -> str:
    from urllib.parse import urlsplit

    try:
        return urlsplit(url).password or ""
    except ValueError:
        return ""


# -- moving ------------------------------------------------------------------------------------------------------------


async def _move(frame: Frame, url: str, *, dry_run: bool, yes: bool, as_json: bool) -> int:
    from syncd.store import migrate
    from syncd.store.place import place_of, shown
    from syncd.store.target import require_suitable
    from syncd.watch import logs

    settings = frame.settings()
    source = settings.store.url.get_secret_value()
    secrets = {*settings.secrets(), url, _password(url)} - {""}
    logs.configure(settings.log.format, "warning", sys.stderr.buffer, secrets=frozenset(secrets))
    migrate.require_current(source)
    with at_target(frame, url):
        require_suitable(url)
        place, name = await place_of(url), await _name(url)
    if await place_of(source) == place:
        raise frame.unusable("move.same", url=shown(url))
    told = Told(await _name(source), name, dry_run)
    async with source_held(frame, source, dry_run=dry_run), target_held(frame, url, dry_run=dry_run):
        code = await _worked(frame, settings, (source, url), told, yes=yes)
    if as_json:
        output.show_json(told.as_json())
    else:
        _show(frame.say, told)
    return code


async def _worked(frame: Frame, settings: Settings, urls: tuple[str, str], told: Told, *, yes: bool) -> int:
    """Look, ask, and move; fills in `told`. Raises Unusable, Failed and what the store raises."""
    from syncd.store import migrate

    source, url = urls
    with at_target(frame, url):
        empty = migrate.revision(url) is None
        if not empty:
            migrate.require_current(url)
    async with _end(settings, source) as old:
        standing = await _standing(frame, old, None if empty else url, idle=not told.dry_run)
        told.counts = standing.counts
        if not standing.handed_over:
            require_fit(frame, settings, url, empty=empty)
        if told.dry_run:
            told.state = _would(standing)
            return FINE
        await _permitted(frame, told, standing, yes)
        with at_target(frame, url):
            if standing.leftover:
                print(frame.say("move.leftover"), file=sys.stderr)
                await migrate.downgrade(url, "base")
            if empty or standing.leftover:
                await migrate.upgrade(url)
        async with _end(settings, url) as new:
            return await _done(frame, old, new, standing, told)


def _would(standing: Standing) -> str:
    if not standing.handed_over:
        return "would_move"
    return "already" if _over(standing) else "would_finish"


def _over(standing: Standing) -> bool:
    """Whether an earlier move came to its end."""
    from syncd.store.instance import MOVING

    return standing.handed_over and not (standing.target and standing.target.why == MOVING)


async def _standing(frame: Frame, old: End, url: str | None, *, idle: bool) -> Standing:
    """How far it is. Raises Unusable, Failed, Disarmed through the frame."""
    from syncd.cli.troubles import Ended
    from syncd.store import place
    from syncd.store.move import AtTarget, AtWork, Elsewhere, NeverStarted, NotCertain, NotEmpty, looked_at

    try:
        if url is None:
            return await looked_at(old, None, idle=idle)
        async with _opened(url) as target:
            return await looked_at(old, target, idle=idle)
    except NeverStarted:
        raise frame.unusable("move.never_started", source=old.name) from None
    except NotEmpty as found:
        raise frame.unusable("move.not_empty", target=place.shown(url or ""), tables=found) from None
    except AtTarget as error:
        raise silent(frame, url or "", error.error) from None
    except Elsewhere as other:
        raise Ended([frame.say("move.elsewhere", where=other)], DISARMED) from None
    except AtWork as work:
        raise frame.failed("move.at_work", owners=work) from None
    except NotCertain as doubt:
        reason = frame.say(f"move.not_certain.{doubt.finding}")
        raise Ended([frame.say("move.not_certain", why=reason)], DISARMED) from None


async def _permitted(frame: Frame, told: Told, standing: Standing, yes: bool) -> None:
    """Say what will happen and ask; what was begun with a yes is finished without. Raises Unusable, Failed."""
    if standing.handed_over:
        return
    rows = sum(standing.counts.values())
    print(
        output.inert(frame.say("move.plan", source=told.source, target=told.target, rows=f"{rows:,}")), file=sys.stderr
    )
    if yes:
        return
    if not sys.stdin.isatty():
        raise frame.unusable("move.needs_yes")
    if not typer.confirm(frame.say("move.question"), err=True):
        raise frame.failed("ask.nothing_done")


async def _done(frame: Frame, old: End, new: End, standing: Standing, told: Told) -> int:
    from syncd.store.copying import CannotHold
    from syncd.store.guard import NoWitness
    from syncd.store.move import Differs, moved

    began = time.monotonic()
    try:
        told.tables = await moved(old, new, Progress(frame.say))
    except Differs as wrong:
        told.state, told.differs, told.tables = "differs", wrong.tables, list(wrong.found)
        return FAILED
    except CannotHold as value:
        raise frame.failed("move.cannot_hold", why=value) from None
    except NoWitness as error:
        raise frame.failed("move.no_witness", why=error) from None
    except of_a_database() as error:
        raise frame.failed("move.interrupted", why=why(error)) from None
    finally:
        told.seconds = time.monotonic() - began
    if standing.handed_over:
        told.state = "already" if _over(standing) else "finished"
    return FINE


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Store]:
    from syncd.domain.clock import SystemClock
    from syncd.store.store import Store

    async with Store.at(url, SystemClock(), make=False) as store:
        yield store


@asynccontextmanager
async def _end(settings: Settings, url: str) -> AsyncIterator[End]:
    """One of the two stores with its witness. Raises WitnessUnusable."""
    from syncd.store.guard import Guard
    from syncd.store.move import End
    from syncd.store.place import place_of
    from syncd.store.witness import witness_folder

    async with _opened(url) as store:
        guard = Guard(witness_folder(settings.store.witness, store.path, os.environ), await place_of(url))
        yield End(store, guard, await _name(url))


async def _name(url: str) -> str:
    """The store for people, wherever they read it."""
    from syncd.store import postgres
    from syncd.store.place import place_of

    return postgres.shown(url) if postgres.is_postgresql(url) else await place_of(url)


# -- telling -----------------------------------------------------------------------------------------------------------


class Progress:
    """A line on standard error now and then, and one for each table that is done."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._told_at = time.monotonic()

    def __call__(self, step: str, table: str, done: int, of: int) -> None:
        over = done >= of > 0
        if not over and time.monotonic() - self._told_at < _LINE_EVERY:
            return
        self._told_at = time.monotonic()
        line = self._say(f"move.progress.{step}", table=table, done=f"{done:,}", of=f"{of:,}")
        print(line, file=sys.stderr, flush=True)


def _show(say: Say, told: Told) -> None:
    if told.tables:
        rows = [[one.table, f"{one.rows:,}", one.digest[:16]] for one in told.tables if one.rows]
        output.table([say("move.table"), say("move.rows"), say("move.digest")], rows)
    elif told.dry_run:
        output.table(
            [say("move.table"), say("move.rows")], [[n, f"{rows:,}"] for n, rows in told.counts.items() if rows]
        )
    names = {"source": told.source, "target": told.target, "tables": ", ".join(told.differs)}
    for line in say(f"move.{told.state}", **names).splitlines():
        print(output.inert(line))
