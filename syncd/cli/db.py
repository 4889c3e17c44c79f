"""`syncd db`: bringing the store up or back, copying it while it works, looking whether it is sound."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from syncd.cli import db_move, options, output
from syncd.cli.frame import FAILED, FINE, Frame, group, here, leave, wait
from syncd.cli.words import Lang, helper

if TYPE_CHECKING:
    from syncd.config import Settings


def register(app: typer.Typer, lang: Lang) -> None:
    """Add `syncd db …`."""
    text = helper(lang)
    db = group(app, "db", lang)
    _register_downgrade(db, lang)
    db_move.register(db, lang)

    @db.command("upgrade", help=text("db.upgrade"))
    def upgrade(ctx: typer.Context) -> None:
        wait(_upgrade(here(ctx)))

    @db.command("backup", help=text("db.backup"))
    def backup(ctx: typer.Context, path: Path = typer.Argument(metavar="PATH", help=text("opt.backup"))) -> None:
        _backup(here(ctx), path)

    @db.command("check", help=text("db.check"))
    def check(ctx: typer.Context) -> None:
        leave(wait(_check(here(ctx))))


def _register_downgrade(db: typer.Typer, lang: Lang) -> None:
    text = helper(lang)

    @db.command("downgrade", help=text("db.downgrade"))
    def downgrade(
        ctx: typer.Context,
        revision: str = typer.Argument(metavar="REVISION", help=text("opt.revision")),
        yes: bool = options.yes(lang),
    ) -> None:
        wait(_downgrade(here(ctx), revision, yes))


def _url(settings: Settings) -> str:
    return settings.store.url.get_secret_value()


def _require_workable(url: str) -> None:
    """At whatever schema it is, a store that was moved away is not touched any more. Raises InAMove."""
    from syncd.store import soundness
    from syncd.store.instance import STUCK, InAMove
    from syncd.store.place import exists

    found = soundness.standing(url) if exists(url) else None
    if found is not None and not found[2] and found[3] in STUCK:
        raise InAMove(found[3], found[4])


async def _upgrade(frame: Frame) -> None:
    from syncd.store import migrate
    from syncd.store.lock import held
    from syncd.store.schema import HEAD

    url = _url(frame.settings())
    _require_workable(url)
    before = migrate.revision(url)
    if before == HEAD:
        migrate.require_current(url)
        print(frame.say("db.current", revision=before))
        return
    async with held(url):
        reached = await migrate.upgrade(url)
    print(frame.say("db.upgraded", before=before or "-", revision=reached))


async def _downgrade(frame: Frame, revision: str, yes: bool) -> None:
    from syncd.store import migrate, postgres
    from syncd.store.lock import held
    from syncd.store.place import shown

    url = _url(frame.settings())
    at, known = migrate.revision(url), migrate.known_revisions()
    _require_workable(url)
    if at is None:
        raise migrate.NotReady(frame.say("db.none", path=shown(url)))
    if at not in known:
        raise migrate.TooNew(frame.say("db.unknown_here", revision=at))
    below = ["base", *known[: known.index(at)]]
    if revision not in below:
        raise frame.unusable("db.no_such_revision", revision=revision, below=", ".join(below), at=at)
    if not yes:
        raise frame.unusable("db.downgrade_needs_yes", at=at, revision=revision)
    async with held(url):
        await migrate.downgrade(url, revision)
        if revision == "base" and postgres.is_postgresql(url):
            await _without_queue(url)
    print(frame.say("db.downgraded", revision=revision))


async def _without_queue(url: str) -> None:
    """The engine's queue goes with the tables it was about; where the engine is not installed there was none."""
    try:
        from syncd.engine import jobs
    except ImportError:
        return
    from syncd.store import postgres

    await jobs.remove(postgres.conninfo(url))


def _backup(frame: Frame, path: Path) -> None:
    from syncd.store import migrate, postgres
    from syncd.store.place import exists, shown

    url = _url(frame.settings())
    if postgres.is_postgresql(url):
        raise frame.unusable("db.backup_by_server", url=postgres.shown(url), path=path)
    if not exists(url):
        raise migrate.NotReady(frame.say("db.none", path=shown(url)))
    try:
        size = migrate.backup(url, path)
    except FileExistsError:
        raise frame.unusable("db.backup_exists", path=path) from None
    print(output.inert(frame.say("db.backed_up", path=path, size=f"{size:,}")))
    print(frame.say("db.backup_disarmed"))


async def _check(frame: Frame) -> int:
    """The store by its database's own inspection, and the rows by ours where it is whole and the schema current."""
    from syncd.store import migrate
    from syncd.store.place import exists, shown
    from syncd.store.schema import HEAD

    url = _url(frame.settings())
    if not exists(url):
        raise migrate.NotReady(frame.say("db.none", path=shown(url)))
    problems = migrate.check(url)
    if not problems and migrate.revision(url) == HEAD:
        migrate.require_current(url)
        problems = await _disagreements(frame, url)
    for problem in problems:
        print(output.inert(problem))
    print(frame.say("db.unsound" if problems else "db.sound", n=len(problems)))
    return FAILED if problems else FINE


async def _disagreements(frame: Frame, url: str) -> list[str]:
    """Each rule that the rows break, with an example and what to do."""
    from syncd.store.soundness import contradictions

    say = frame.say
    lines: list[str] = []
    for one in contradictions(url):
        text = say(f"db.rule.{one.rule}")
        lines.append(say("db.finding", text=text, n=one.count, example=one.example))
        lines.append(f"  → {say('db.finding.remedy', example=one.example)}")
    async with frame.store(frame.settings()) as store, store.read() as tx:
        gaps = await tx.windows.gaps()
    if gaps:
        lines += [say("db.gaps", n=len(gaps)), f"  → {say('db.gaps.remedy')}"]
    return lines
