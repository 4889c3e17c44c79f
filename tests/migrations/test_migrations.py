from __future__ import annotations

import asyncio
import re
import runpy
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from daemon_parts import VirtualClock
from sqlalchemy import create_engine

from syncd.domain.lifecycle import Hold, Phase, State, allowed_moves
from syncd.store import migrate
from syncd.store.migrate import NotReady, TooNew
from syncd.store.schema import HEAD, metadata
from syncd.store.store import Store

BROKEN = '''"""A second revision that fails half-way."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table("half", sa.Column("id", sa.Integer(), primary_key=True))
    op.execute("UPDATE counter SET value = 5")
    op.execute("ALTER TABLE nothing_there ADD COLUMN x")


def downgrade() -> None:
    op.drop_table("half")
'''


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/syncd.db"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "syncd.db"


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Migrations of our own to break, instead of the program's."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrate.migrations(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(migrate, "migrations", lambda: folder)
    return folder


def schema(path: Path) -> list[tuple[str, str, str]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()


def run(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        for statement in statements:
            db.execute(statement)


def held(path: Path) -> bytes:
    return path.read_bytes()


def fill(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# -- up and down ---------------------------------------------------------------------------------------------------


async def test_up_down_and_up_again_is_the_same_schema(url: str, path: Path) -> None:
    assert migrate.revision(url) is None
    assert await migrate.upgrade(url) == HEAD
    once = schema(path)

    assert await migrate.downgrade(url, "base") == ""
    assert [name for _, name, _ in schema(path)] == ["alembic_version"]
    assert await migrate.upgrade(url) == HEAD

    assert sorted(schema(path)) == sorted(once)


async def test_a_second_upgrade_changes_nothing(url: str, path: Path) -> None:
    await migrate.upgrade(url)
    run(path, "INSERT INTO counter (name, value) VALUES ('demo', 7)")
    before = schema(path)

    await migrate.upgrade(url)

    assert schema(path) == before
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT value FROM counter WHERE name = 'demo'").fetchone() == (7,)


async def test_the_migrations_make_exactly_the_tables_the_program_knows(url: str) -> None:
    await migrate.upgrade(url)
    engine = create_engine(url)

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


async def test_the_tables_are_written_down_to_the_last_check(url: str, path: Path, tmp_path: Path) -> None:
    """What no comparison of metadata sees: CHECKs, STRICT, partial indexes."""
    await migrate.upgrade(url)
    engine = create_engine(f"sqlite:///{tmp_path}/made.db")
    metadata.create_all(engine)
    engine.dispose()

    assert _tables(path) == _tables(tmp_path / "made.db")


def _tables(path: Path) -> dict[str, list[str]]:
    """Each table and index as its parts, in no order and with no line breaks."""
    found: dict[str, list[str]] = {}
    for kind, name, sql in schema(path):
        if kind in ("table", "index") and name != "alembic_version":
            head, _, rest = re.sub(r"\s+", " ", sql).partition("(")
            body, _, tail = rest.rpartition(")")
            parts = re.split(r", (?=\"?[a-z_]+\"? [A-Z]|CONSTRAINT|CHECK|PRIMARY|UNIQUE|FOREIGN)", body)
            found[name] = sorted([head, tail, *(part.strip() for part in parts)])
    return found


def test_the_migrations_end_where_the_program_begins() -> None:
    assert migrate.known_revisions()[-1] == HEAD


def test_the_moves_the_database_allows_are_those_of_the_lifecycle() -> None:
    first = runpy.run_path(str(migrate.migrations() / "versions" / "0001_first_schema.py"))

    moves = re.findall(r"'(\w+)>(\w+)'", first["MOVES"])

    assert sorted(moves) == sorted((str(before), str(after)) for before, after in allowed_moves())


@pytest.mark.parametrize(("column", "values"), [("state", State), ("phase", Phase), ("hold", Hold)])
async def test_the_values_the_database_allows_are_those_of_the_lifecycle(
    url: str, path: Path, column: str, values: type[State] | type[Phase] | type[Hold]
) -> None:
    await migrate.upgrade(url)
    sql = next(sql for _, name, sql in schema(path) if name == "invoice_order")

    listed = re.search(rf"[ (]\(({column} = '[^']*'(?: OR {column} = '[^']*')+)\)\)", sql)

    assert listed is not None
    assert set(re.findall(r"'([^']*)'", listed[1])) == {str(value) for value in values}


# -- when it goes wrong --------------------------------------------------------------------------------------------


async def test_a_migration_that_fails_leaves_nothing_behind(url: str, path: Path, copied: Path) -> None:
    """SQLite would otherwise keep what was done before the failure, and neither program could go on."""
    await migrate.upgrade(url)
    run(path, "INSERT INTO counter (name, value) VALUES ('demo', 7)")
    before = schema(path)
    fill(copied / "versions" / "0002_broken.py", BROKEN.encode())

    with pytest.raises(Exception, match="nothing_there"):
        await migrate.upgrade(url, "0002")

    assert migrate.revision(url) == "0001"
    assert schema(path) == before
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT value FROM counter").fetchall() == [(7,)]
    migrate.require_current(url)


async def test_a_first_migration_that_fails_leaves_an_empty_store(url: str, path: Path, copied: Path) -> None:
    first = copied / "versions" / "0001_first_schema.py"
    fill(
        first,
        held(first).replace(b"def downgrade", b"    op.execute('SELECT * FROM nothing_there')\n\n\ndef downgrade"),
    )

    with pytest.raises(Exception, match="nothing_there"):
        await migrate.upgrade(url)

    assert [name for _, name, _ in schema(path) if name != "alembic_version"] == []
    assert migrate.revision(url) is None


async def test_a_store_of_a_newer_program_is_left_alone(url: str, path: Path) -> None:
    await migrate.upgrade(url)
    run(path, "UPDATE alembic_version SET version_num = '9999'")
    before = held(path)

    with pytest.raises(TooNew, match="9999"):
        migrate.require_current(url)
    with pytest.raises(TooNew, match="9999"):
        await migrate.upgrade(url)

    assert held(path) == before


async def test_a_store_that_is_not_there_or_older_is_not_ready(url: str, path: Path) -> None:
    with pytest.raises(NotReady, match="none"):
        migrate.require_current(url)
    await migrate.upgrade(url)
    migrate.require_current(url)

    await migrate.downgrade(url, "base")

    with pytest.raises(NotReady):
        migrate.require_current(url)


async def test_a_file_that_was_made_private_and_never_filled_is_not_ready(url: str, path: Path) -> None:
    fill(path, b"")

    assert migrate.revision(url) is None
    with pytest.raises(NotReady):
        migrate.require_current(url)


async def test_an_upgraded_store_is_its_owners_alone(url: str, path: Path) -> None:
    await migrate.upgrade(url)

    assert mode(path) == 0o600


# -- copies and checks ---------------------------------------------------------------------------------------------


async def test_a_backup_taken_while_it_is_written_is_one_moment_of_the_store(
    url: str, tmp_path: Path, clock: VirtualClock
) -> None:
    """F35."""
    await migrate.upgrade(url)
    target = tmp_path / "backup.db"
    async with Store.at(url, clock) as store:
        writing = asyncio.create_task(_write(store))
        size = await asyncio.to_thread(migrate.backup, url, target)
        await writing
        await store.next_seq("demo_sid")

    assert size == len(held(target)) > 0
    assert migrate.check(f"sqlite:///{target}") == []
    migrate.require_current(f"sqlite:///{target}")
    with closing(sqlite3.connect(target)) as db:
        journal, seq = db.execute(
            "SELECT (SELECT count(*) FROM journal), (SELECT coalesce(max(value), 0) FROM counter)"
        ).fetchone()
    assert journal == seq


async def _write(store: Store) -> None:
    """Each transaction numbers a request and notes it: a consistent copy has as many of either."""
    for number in range(1, 60):
        async with store.begin() as tx:
            await tx.connection.exec_driver_sql(
                "INSERT INTO counter (name, value) VALUES ('request', 1)"
                " ON CONFLICT (name) DO UPDATE SET value = value + 1"
            )
            await tx.journal.add("demo.numbered", number=number)


async def test_a_backup_is_its_owners_alone_and_never_overwrites(url: str, tmp_path: Path) -> None:
    await migrate.upgrade(url)
    target = tmp_path / "backup.db"

    migrate.backup(url, target)
    first = held(target)

    assert mode(target) == 0o600
    with pytest.raises(FileExistsError):
        migrate.backup(url, target)
    assert held(target) == first


async def test_a_sound_store_has_nothing_wrong_with_it(url: str) -> None:
    await migrate.upgrade(url)

    assert migrate.check(url) == []


async def test_a_corrupted_file_is_found(url: str, path: Path) -> None:
    await migrate.upgrade(url)
    run(path, *(f"INSERT INTO counter (name, value) VALUES ('k{n}{'x' * 400}', {n})" for n in range(200)))
    content = bytearray(held(path))
    content[-20_000:-12_000] = b"\xff" * 8_000
    fill(path, bytes(content))

    assert migrate.check(url) != []


async def test_a_file_that_is_no_database_is_found(url: str, path: Path) -> None:
    fill(path, b"no database at all, but long enough to be looked at" * 40)

    assert migrate.check(url) != []


async def test_a_row_that_belongs_to_nothing_is_found(url: str, path: Path) -> None:
    await migrate.upgrade(url)
    run(
        path,
        "INSERT INTO submission (order_id, generation, issuer_kind, issuer, seller_tax_no, key, created_at)"
        " VALUES (99, 0, 'nuonuo', 'main', '1', 'KEY0', 0)",
    )

    assert migrate.check(url) == ["foreign key: submission row 1"]
