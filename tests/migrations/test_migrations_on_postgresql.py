"""The same migrations, up and down on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import runpy
import shutil
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from syncd.store import migrate, postgres
from syncd.store.migrate import NotReady, TooNew
from syncd.store.schema import HEAD, metadata
from syncd.store.troubles import UnsupportedStore

BROKEN = '''"""A second revision that fails half-way."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table("half", sa.Column("id", sa.Integer(), primary_key=True))
    op.execute("UPDATE counter SET value = 5")
    op.execute("ALTER TABLE nothing_there ADD COLUMN x INTEGER")


def downgrade() -> None:
    op.drop_table("half")
'''

#: Everything that a migration makes: tables with their columns, rules, indexes, triggers, functions, counters.
MADE = """
SELECT 'column', table_name || '.' || column_name,
  concat_ws(' ', data_type, collation_name, is_nullable, column_default)
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid)
FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'function', proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'sequence', sequencename, '' FROM pg_sequences WHERE schemaname = 'public'
ORDER BY 1, 2, 3
"""


@pytest.fixture
def url(empty_postgres: str) -> str:
    return empty_postgres


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Migrations of our own to break, instead of the program's."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrate.migrations(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(migrate, "migrations", lambda: folder)
    return folder


def run(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(statement.encode())
        return found.fetchall() if found.description else []


def write(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8")


async def test_up_down_and_up_again_is_the_same_schema(url: str) -> None:
    assert migrate.revision(url) is None
    assert await migrate.upgrade(url) == HEAD
    once = run(url, MADE)

    assert await migrate.downgrade(url, "base") == ""
    assert {name.partition(".")[0] for _, name, _ in run(url, MADE)} <= {"alembic_version", "alembic_version_pkc"}
    assert await migrate.upgrade(url) == HEAD

    assert run(url, MADE) == once
    assert len(once) > 400


async def test_the_migrations_make_exactly_the_tables_the_program_knows(url: str) -> None:
    await migrate.upgrade(url)
    engine = create_engine(postgres.parsed(url))

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


async def test_the_tables_are_written_down_to_the_last_check(url: str, postgres_server: Any) -> None:
    """What no comparison of metadata sees: CHECKs, collations, the words of partial indexes."""
    await migrate.upgrade(url)
    made = postgres_server.make()
    try:
        engine = create_engine(postgres.parsed(made))
        metadata.create_all(engine)
        engine.dispose()

        kinds = ("column", "constraint", "index", "sequence")
        found = [row for row in run(url, MADE) if row[0] in kinds and not row[1].startswith("alembic_version")]
        assert found == [row for row in run(made, MADE) if row[0] in kinds]
    finally:
        postgres_server.drop(made)


async def test_both_databases_refuse_the_same(url: str) -> None:
    await migrate.upgrade(url)
    first = runpy.run_path(str(migrate.migrations() / "versions" / "0001_first_schema.py"))

    triggers = {name.partition(".")[2] for kind, name, _ in run(url, MADE) if kind == "trigger"}

    deleted = {f"{name}_all" for name, (what, *_) in first["TRIGGERS"].items() if what == "DELETE"}
    assert triggers == set(first["TRIGGERS"]) | deleted


@pytest.mark.parametrize("table", ["invoice_order", "order_row", "submission", "request", "invoice", "journal"])
async def test_not_even_a_whole_table_can_be_emptied(postgres: str, table: str) -> None:
    with pytest.raises(psycopg.IntegrityError, match=r"never deleted|append-only"):
        run(postgres, f"TRUNCATE {table} CASCADE")


async def test_a_migration_that_fails_leaves_nothing_behind(url: str, copied: Path) -> None:
    await migrate.upgrade(url)
    run(url, "INSERT INTO counter (name, value) VALUES ('demo', 7)")
    before = run(url, MADE)
    await asyncio.to_thread(write, copied / "versions" / "0002_broken.py", BROKEN)

    with pytest.raises(Exception, match="nothing_there"):
        await migrate.upgrade(url, "0002")

    assert migrate.revision(url) == "0001"
    assert run(url, MADE) == before
    assert run(url, "SELECT value FROM counter") == [(7,)]


async def test_of_several_who_start_at_once_one_brings_the_store_up(url: str) -> None:
    assert await asyncio.gather(*(migrate.upgrade(url) for _ in range(4))) == [HEAD] * 4

    migrate.require_current(url)


async def test_a_store_that_is_newer_or_not_there_is_told_apart(url: str) -> None:
    with pytest.raises(NotReady, match="none"):
        migrate.require_current(url)
    await migrate.upgrade(url)
    migrate.require_current(url)
    run(url, "UPDATE alembic_version SET version_num = '9999'")
    before = run(url, MADE)

    with pytest.raises(TooNew, match="9999"):
        migrate.require_current(url)
    with pytest.raises(TooNew, match="9999"):
        await migrate.upgrade(url)

    assert run(url, MADE) == before


async def test_a_copy_is_left_to_the_servers_own_means(url: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedStore, match="pg_dump"):
        migrate.backup(url, tmp_path / "backup")

    assert not (tmp_path / "backup").exists()


async def test_an_index_that_does_not_count_is_found(url: str) -> None:
    await migrate.upgrade(url)
    assert migrate.check(url) == []

    run(url, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_debt_open'::regclass")

    assert migrate.check(url) == ["index ix_debt_open is invalid"]
