"""`db move`: what is wrong with where it should go is said by its dry run, of that end, in the reader's words."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg
import pytest
from cli_world import Place, Run
from postgres import Server, database
from psycopg import sql
from sqlalchemy.engine import make_url
from typer.testing import Result

from syncd import faultpoint
from syncd.store import postgres as server

Made = Callable[..., str]


@pytest.fixture
def made(postgres_server: Server) -> Iterator[Made]:
    """`made("ENCODING 'LATIN1' …", "CREATE TABLE …")`: the URL of a new database, with something in it."""
    urls: list[str] = []

    def make(options: str, *statements: str) -> str:
        name = f"{postgres_server.mark}_made_{len(urls)}"
        with psycopg.connect(postgres_server.url, autocommit=True) as db:
            create = f"CREATE DATABASE {name} TEMPLATE template0 {options}"
            db.execute(create.encode())
        urls.append(postgres_server.at(name))
        with psycopg.connect(urls[-1], autocommit=True) as db:
            for one in statements:
                db.execute(one.encode())
        return urls[-1]

    yield make
    for url in urls:
        postgres_server.drop(url)


@pytest.fixture
def guest(postgres_server: Server) -> Iterator[str]:
    """A role that may log in, and nothing else."""
    name = f"{postgres_server.mark}_guest"
    with psycopg.connect(postgres_server.url, autocommit=True) as db:
        db.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'demo_secret'").format(sql.Identifier(name)))
        yield name
        db.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def by(user: str, url: str) -> str:
    return make_url(url).set(username=user, password="demo_secret").render_as_string(hide_password=False)


def tried(run: Run, url: str, *, code: int = 2) -> Result:
    """The dry run, which is told the same by the real one; the present store goes on."""
    dry = run("db", "move", "--to", url, "--dry-run")
    real = run("db", "move", "--to", url, "--yes")

    assert (dry.exit_code, real.exit_code) == (code, code), dry.output + real.output
    assert dry.stderr == real.stderr
    assert dry.stdout == real.stdout == ""
    assert run("status").exit_code in (0, 3)
    return dry


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_cannot_hold_every_text_is_refused_by_the_dry_run(
    place: Place, run: Run, made: Made, encoding: str
) -> None:
    url = made(f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'")

    refused, in_chinese = tried(run, url), run("db", "move", "--to", url, "--dry-run", lang="zh")

    assert f"the database's encoding is {encoding}:" in refused.stderr
    assert database(url) in refused.stderr
    assert f"库的编码是 {encoding}；" in in_chinese.stderr
    assert f"目标 {server.shown(url)} 不能用" in in_chinese.stderr


def test_a_server_that_is_too_old_is_refused_by_the_dry_run(
    place: Place, run: Run, empty_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "OLDEST", 990000)

    refused, in_chinese = tried(run, empty_postgres), run("db", "move", "--to", empty_postgres, "--dry-run", lang="zh")

    assert "99 or newer is needed" in refused.stderr
    assert "太旧，须 99 或更新" in in_chinese.stderr


def test_a_user_who_may_make_no_tables_is_refused_by_the_dry_run(
    place: Place, run: Run, made: Made, guest: str
) -> None:
    url = by(guest, made("", "REVOKE CREATE ON SCHEMA public FROM PUBLIC"))

    refused, in_chinese = tried(run, url), run("db", "move", "--to", url, "--dry-run", lang="zh")

    assert f"{guest} may not make tables in the schema public" in refused.stderr
    assert "GRANT CREATE ON SCHEMA" in in_chinese.stderr


def test_a_search_path_that_leads_nowhere_is_refused_by_the_dry_run(
    place: Place, run: Run, empty_postgres: str
) -> None:
    between = "&" if "?" in empty_postgres else "?"

    refused = tried(run, f"{empty_postgres}{between}options=-csearch_path%3Dnowhere")

    assert "no schema of its search path exists" in refused.stderr


def test_who_may_not_make_a_schema_is_told_what_a_distributed_engine_needs(
    place: Place, run: Run, made: Made, guest: str
) -> None:
    url = by(guest, made("", "GRANT CREATE ON SCHEMA public TO PUBLIC"))

    found = run("db", "move", "--to", url, "--dry-run")

    assert found.exit_code == 0, found.output
    assert "GRANT CREATE ON DATABASE" in found.stderr


@pytest.mark.parametrize(
    "theirs",
    [
        "CREATE TABLE their_orders (id int)",
        "CREATE VIEW their_orders AS SELECT 1",
        "CREATE TABLE instance (their_orders int)",
        "CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('their_orders')",
    ],
)
def test_a_database_with_another_programs_tables_is_refused(place: Place, run: Run, made: Made, theirs: str) -> None:
    """Two programs would migrate, and drop, under the same names: whose `alembic_version` is it?"""
    url = made("", theirs)

    refused = tried(run, url)

    assert "Name an empty database" in refused.stderr
    with psycopg.connect(url) as db:
        (tables,) = db.execute("SELECT count(*) FROM pg_class WHERE relname = 'invoice_order'").fetchone() or (1,)
    assert tables == 0


def test_what_an_extension_brought_or_another_schema_holds_is_in_nobodys_way(
    place: Place, run: Run, made: Made
) -> None:
    url = made("", "CREATE SCHEMA theirs", "CREATE TABLE theirs.instance (id int)")
    with psycopg.connect(url, autocommit=True) as db:
        there = db.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_stat_statements'").fetchone()
        if there:
            db.execute("CREATE EXTENSION pg_stat_statements")

    assert run("db", "move", "--to", url, "--dry-run").exit_code == 0
    assert run("db", "move", "--to", url, "--yes").exit_code == 0


def test_a_database_that_was_a_store_and_was_taken_back_is_empty(place: Place, run: Run, empty_postgres: str) -> None:
    text = place.settings.read_text(encoding="utf-8")
    place.change("sqlite:///s.db", empty_postgres)
    assert run("db", "upgrade").exit_code == 0
    assert run("db", "downgrade", "base", "--yes").exit_code == 0
    place.settings.write_text(text, encoding="utf-8")

    assert run("db", "move", "--to", empty_postgres, "--yes").exit_code == 0


def test_a_file_that_is_no_empty_store_is_refused(place: Place, run: Run) -> None:
    with closing(sqlite3.connect(place.folder / "theirs.db")) as db:
        db.execute("CREATE TABLE their_orders (id)")
    (place.folder / "text.db").write_text("no database at all, but long enough to be read as one" * 30)
    (place.folder / "folder.db").mkdir()

    assert "their_orders" in tried(run, "sqlite:///theirs.db").stderr
    assert "no SQLite database" in tried(run, "sqlite:///text.db").stderr
    for url in ("sqlite:///folder.db", "sqlite:///theirs.db/below.db"):
        assert "cannot be written to" in tried(run, url).stderr


@pytest.mark.parametrize("wrong", ["port", "name", "user"])
def test_a_target_that_does_not_let_us_in_is_named_with_what_to_look_at(
    place: Place, run: Run, empty_postgres: str, wrong: str
) -> None:
    """The present store is fine: nobody is sent to look at that."""
    asked = make_url(empty_postgres)
    changed = {
        "port": asked.set(host="127.0.0.1", port=1, query={}),
        "name": asked.set(database="nowhere"),
        "user": asked.set(username="nobody_at_all"),
    }[wrong]
    url = changed.render_as_string(hide_password=False)

    refused, in_chinese = tried(run, url, code=1), run("db", "move", "--to", url, "--dry-run", lang="zh")

    assert f"The target {server.shown(url)} cannot be used" in refused.stderr
    assert "CREATE DATABASE" in refused.stderr
    assert "The present store is not concerned" in refused.stderr
    assert "db check" not in refused.output
    assert f"目标 {server.shown(url)} 不能访问" in in_chinese.stderr
    assert "当前数据库未受影响" in in_chinese.stderr
    assert "demo_secret" not in refused.output.replace("--to", "")


def test_tables_that_this_user_may_not_read_are_the_targets_trouble(
    place: Place, run: Run, postgres: str, guest: str
) -> None:
    refused = tried(run, by(guest, postgres), code=1)

    assert "permission denied" in refused.stderr
    assert "The target postgresql://" in refused.stderr


def test_a_dry_run_of_a_move_that_was_handed_over_says_what_is_missing(place: Place, run: Run) -> None:
    with faultpoint.armed(_struck), pytest.raises(Struck):
        run("db", "move", "--to", "sqlite:///new.db", "--yes")

    half = run("db", "move", "--to", "sqlite:///new.db", "--dry-run")
    ended = run("db", "move", "--to", "sqlite:///new.db")
    over = run("db", "move", "--to", "sqlite:///new.db", "--dry-run")

    assert [one.exit_code for one in (half, ended, over)] == [0, 0, 0]
    assert "only the end is missing" in half.stdout
    assert "nothing is to be done" in over.stdout


class Struck(BaseException):
    """This process has come to its end."""


def _struck(point: str) -> None:
    if point == "move.handed_over.after":
        raise Struck


def test_a_server_that_is_lost_in_the_middle_is_no_trouble_of_the_present_store(
    place: Place, run: Run, empty_postgres: str
) -> None:
    """The same command goes on from there, or says which end is in trouble."""

    def lost(point: str) -> None:
        if point == "move.copied.before":
            with psycopg.connect(empty_postgres, autocommit=True) as db:
                db.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )

    with faultpoint.armed(lost):
        broken = run("db", "move", "--to", empty_postgres, "--yes")

    assert broken.exit_code == 1, broken.output
    assert "Run the same command again" in broken.stderr
    assert "db check" not in broken.output
    assert run("db", "move", "--to", empty_postgres, "--yes").exit_code == 0
