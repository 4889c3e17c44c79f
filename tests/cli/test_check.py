"""`check`: each line with its remedy; nothing is changed, nothing secret is shown."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing

import pytest
from cli_world import Place, Run, World

from syncd.cli.preflight import Finding, without_secrets
from syncd.config import load
from syncd.store.lock import StoreLock

SECRETS = ("demosecret", "demosalt", "demo_secret", "demo_token")


def findings(run: Run, *, expect: int) -> dict[str, list[dict[str, str]]]:
    result = run("check", "--json")
    assert result.exit_code == expect, result.output
    assert not any(secret in result.output for secret in SECRETS)
    found: dict[str, list[dict[str, str]]] = {}
    for one in json.loads(result.output):
        found.setdefault(one["subject"], []).append(one)
    return found


def failed(found: dict[str, list[dict[str, str]]]) -> list[str]:
    return [subject for subject, lines in found.items() for line in lines if line["level"] == "fail"]


def test_a_good_installation_passes_with_its_warnings(run: Run) -> None:
    found = findings(run, expect=0)

    assert set(found) == {"settings", "store", "arming", "daemon", "clock", "m001/wdt", "issuer main"}
    assert failed(found) == []
    assert any("below its safe default" in line["text"] for line in found["settings"])


def test_it_says_who_is_at_work_and_leaves_the_lock_alone(place: Place, run: Run) -> None:
    with StoreLock(place.store):
        found = findings(run, expect=0)

    assert "pid" in found["daemon"][0]["text"]
    with StoreLock(place.store):
        pass


def test_a_wrong_credential_fails_with_a_remedy(place: Place, run: Run) -> None:
    place.change('secret = "demosecret:demosalt"', 'secret = "wrongsecret:wrongsalt"')
    place.change('token = "demo_token"', 'token = "wrong_token"')

    found = findings(run, expect=1)

    assert failed(found) == ["m001/wdt", "issuer main"]
    assert "secret" in found["m001/wdt"][0]["remedy"]
    assert "wrongsecret" not in json.dumps(found)
    assert "wrong_token" not in json.dumps(found)


def test_unreachable_parties_fail_with_a_remedy(place: Place, run: Run, world: World) -> None:
    place.change(world.sandbox.wdt_url, "http://127.0.0.1:9/openapi")
    place.change(world.sandbox.nuonuo_url, "http://127.0.0.1:9/open/v1/services")

    found = findings(run, expect=1)

    assert failed(found) == ["m001/wdt", "issuer main"]
    assert "network" in found["m001/wdt"][0]["remedy"]


def test_what_a_party_says_is_told_in_the_readers_language_with_its_own_words_behind(
    place: Place, run: Run, world: World
) -> None:
    place.change(world.sandbox.wdt_url, "http://127.0.0.1:9/openapi")
    place.change('token = "demo_token"', 'token = "wrong_token"')

    zh, en = run("check", lang="zh"), run("check")

    assert (zh.exit_code, en.exit_code) == (1, 1)
    assert "m001/wdt: 没有连上对方" in zh.stdout
    assert "m001/wdt: The party was not reached" in en.stdout
    assert "not_sent" in zh.stdout
    (issuer,) = [line for line in zh.stdout.splitlines() if "issuer main" in line]
    assert re.search(r"issuer main: [\u4e00-\u9fff]", issuer)


@pytest.mark.parametrize(("ahead", "level", "code"), [(80, "warn", 0), (-115, "fail", 1), (400, "fail", 1)])
def test_a_clock_that_is_off_is_told_before_wdt_refuses_it(
    ahead: int, level: str, code: int, run: Run, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import datetime, timedelta

    from syncd.domain import clock

    class Shifted(clock.SystemClock):
        def now(self) -> datetime:
            return super().now() + timedelta(seconds=ahead)

    monkeypatch.setattr(clock, "SystemClock", Shifted)

    found = findings(run, expect=code)

    assert found["clock"][0]["level"] == level
    assert "synchronisation" in found["clock"][0]["remedy"]


def test_a_missing_store_is_a_warning_and_is_not_made(place: Place, run: Run) -> None:
    place.change("sqlite:///s.db", "sqlite:///sub/other.db")

    found = findings(run, expect=0)

    assert [line["level"] for line in found["store"]] == ["warn"]
    assert not (place.folder / "sub").exists()


def test_a_store_of_a_newer_program_fails(place: Place, run: Run) -> None:
    with closing(sqlite3.connect(place.store)) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
        db.commit()

    assert failed(findings(run, expect=1)) == ["store"]


def test_an_old_store_is_told_and_not_upgraded(place: Place, run: Run) -> None:
    run("db", "downgrade", "base", "--yes")

    found = findings(run, expect=0)

    assert found["store"][0]["level"] == "warn"
    assert run("status").exit_code == 2


def test_files_that_others_can_read_are_warned_about(place: Place, run: Run) -> None:
    place.store.chmod(0o644)
    place.settings.chmod(0o644)

    found = findings(run, expect=0)

    assert any("chmod 600" in line["remedy"] for line in found["store"])
    assert any("chmod o-rwx" in line["remedy"] for line in found["settings"])


def test_a_file_that_a_secret_is_read_from_is_warned_about_when_others_can_read_it(place: Place, run: Run) -> None:
    place.change('secret = "demo_secret"', 'secret_file = "app.secret"')
    secret = place.folder / "app.secret"
    secret.write_text("demo_secret\n", encoding="utf-8")

    secret.chmod(0o640)
    closed = findings(run, expect=0)["settings"]
    secret.chmod(0o644)
    opened = findings(run, expect=0)["settings"]

    assert not any("app.secret" in line["text"] for line in closed)
    assert [line["remedy"] for line in opened if "app.secret" in line["text"]] == ["chmod o-rwx app.secret"]


def test_people_get_the_same_in_their_language(run: Run) -> None:
    result = run("check", lang="zh")

    assert result.exit_code == 0
    assert "失败 0 项" in result.output


def test_a_party_that_quotes_our_secret_is_not_repeated(place: Place) -> None:
    settings = load(place.settings, {})
    quoted = Finding("fail", "m001/wdt", "wdt 100: sign of demosecret with salt demosalt is wrong")

    assert without_secrets(quoted, settings).text == "wdt 100: sign of *** with salt *** is wrong"


def test_whose_past_will_never_be_read_is_named_until_the_reading_has_begun(place: Place, run: Run) -> None:
    """An operator expects that what waits in WDT on the first day is issued."""
    place.change("start = ", "# start = ")
    assert "poll" not in findings(run, expect=0)
    place.change("sqlite:///s.db", "sqlite:///other.db")

    (said,) = findings(run, expect=0)["poll"]

    assert (said["level"], "m001" in said["text"], "backfill" in said["remedy"]) == ("warn", True, True)
