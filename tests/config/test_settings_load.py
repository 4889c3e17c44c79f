"""Where settings come from, and which source wins."""

from __future__ import annotations

import os
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from settings_files import GOOD, without, written

from syncd.config import Settings, SettingsError, from_mapping, load

SECRET_ENV = "SYNCD_ISSUERS__MAIN__SECRET"


def secret_of(settings: Settings) -> str:
    return settings.issuers["main"].secret.get_secret_value()


def test_a_file_with_the_required_keys_gets_every_default(tmp_path: Path) -> None:
    settings = load(written(tmp_path), {})

    assert settings.store.url.get_secret_value() == "sqlite:///syncd.db"
    assert (settings.console.host, settings.console.port) == ("127.0.0.1", 8650)
    assert settings.schedule.poll == timedelta(seconds=60)
    assert settings.schedule.mirror == timedelta(minutes=15)
    assert settings.schedule.reconcile == time(2, 30)
    assert settings.poll.start is None
    assert (settings.poll.settle, settings.poll.step) == (timedelta(seconds=300), timedelta(days=1))
    assert settings.push.max_read_age == timedelta(seconds=120)
    assert settings.merchant("m001").wdt.secret_and_salt() == ("demo_secret", "demo_salt")
    assert settings.merchant("m001").wdt.client_version == "1.5.8.4"
    assert settings.issuers["main"].settle == timedelta(seconds=600)
    assert settings.warnings == []


def test_the_salt_may_hold_colons(tmp_path: Path) -> None:
    text = GOOD.replace("demo_secret:demo_salt", "demo_secret:de:mo")

    settings = load(written(tmp_path, text), {})

    assert settings.merchant("m001").wdt.secret_and_salt() == ("demo_secret", "de:mo")


def test_the_named_file_wins_over_the_environment_and_that_over_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, '[console]\nlisten = "127.0.0.1:1"')
    by_env = written(tmp_path, '[console]\nlisten = "127.0.0.1:2"', "env.toml")
    by_flag = written(tmp_path, '[console]\nlisten = "127.0.0.1:3"', "flag.toml")
    env = {"SYNCD_CONFIG": str(by_env)}

    ports = [load(None, {}).console.port, load(None, env).console.port, load(by_flag, env).console.port]

    assert ports == [1, 2, 3]


def test_no_file_anywhere_is_one_line_that_says_where_we_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("syncd.config.reading.PLACES", (Path("syncd.toml"), tmp_path / "etc" / "syncd.toml"))

    with pytest.raises(SettingsError) as refused:
        load(None, {})

    assert len(refused.value.lines) == 1
    assert "looked for syncd.toml" in refused.value.lines[0]


def test_a_byte_order_mark_is_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "syncd.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())

    assert load(path, {}).merchant("m001").issuer == "main"


def test_environment_beats_secrets_directory_beats_secret_file_beats_the_value(tmp_path: Path) -> None:
    (tmp_path / "app.secret").write_text("from_file\n")
    directory = tmp_path / "secrets"
    directory.mkdir()
    (directory / "issuers__main__secret").write_text("from_directory\n")
    plain = written(tmp_path, name="plain.toml")
    filed = written(tmp_path, GOOD + 'secret_file = "app.secret"\n', "filed.toml")
    with_directory = {"SYNCD_SECRETS_DIR": str(directory)}

    found = [
        secret_of(load(plain, {})),
        secret_of(load(filed, {})),
        secret_of(load(filed, with_directory)),
        secret_of(load(filed, with_directory | {SECRET_ENV: "from_environment"})),
    ]

    assert found == ["demo_app_secret", "from_file", "from_directory", "from_environment"]


def test_systemd_credentials_are_read_and_the_operators_own_directory_wins(tmp_path: Path) -> None:
    for name in ("credentials", "own"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "merchants__m001__wdt__secret").write_text(f"{name}:salt")
    path = written(
        tmp_path, without("secret", GOOD.partition("[issuers")[0]) + "[issuers" + GOOD.partition("[issuers")[2]
    )
    credentials = {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}

    first = load(path, credentials).merchant("m001").wdt.secret_and_salt()
    second = load(path, credentials | {"SYNCD_SECRETS_DIR": str(tmp_path / "own")}).merchant("m001")

    assert first == ("credentials", "salt")
    assert second.wdt.secret_and_salt() == ("own", "salt")


def test_strangers_in_the_secrets_directory_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "db_password").write_text("x")
    (tmp_path / "other__thing").write_text("x")
    (tmp_path / "issuers__main").mkdir()

    settings = load(written(tmp_path), {"SYNCD_SECRETS_DIR": str(tmp_path)})

    assert secret_of(settings) == "demo_app_secret"


@pytest.mark.parametrize("content", ["s:t\n", "s:t\r\n", "s:t"])
def test_the_line_break_at_the_end_of_a_secret_file_is_not_part_of_it(tmp_path: Path, content: str) -> None:
    (tmp_path / "wdt.secret").write_bytes(content.encode())
    text = GOOD.replace('secret = "demo_secret:demo_salt"', 'secret_file = "wdt.secret"')

    settings = load(written(tmp_path, text), {})

    assert settings.merchant("m001").wdt.secret_and_salt() == ("s", "t")


def test_the_store_address_may_hold_a_password_and_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "dsn").write_text("postgresql://syncd:demo_password@db/syncd\n")

    settings = load(written(tmp_path, '[store]\nurl_file = "dsn"\n' + GOOD), {})

    assert settings.store.url.get_secret_value() == "postgresql://syncd:demo_password@db/syncd"
    assert "demo_password" not in repr(settings)


def test_environment_names_are_read_in_any_case_and_nested(tmp_path: Path) -> None:
    env = {
        "SYNCD_STORE__URL": "sqlite:///other.db",
        "syncd_merchants__M001__wdt__SECRET": "a:b",
        "SYNCD_SCHEDULE__POLL": "90",
        "SYNCD_MERCHANTS__m001__WDT__CALLS_PER_MINUTE": "10",
        "SYNCD_ISSUERS__MAIN__LEGACY_AS_DIGITAL": "true",
        "SYNCD_ISSUERS__MAIN__ZERO_RATE__6": "untaxed",
    }

    settings = load(written(tmp_path), env)

    assert settings.store.url.get_secret_value() == "sqlite:///other.db"
    assert settings.merchant("m001").wdt.secret_and_salt() == ("a", "b")
    assert settings.merchant("m001").wdt.calls_per_minute == 10
    assert settings.schedule.poll == timedelta(seconds=90)
    assert settings.issuers["main"].legacy_as_digital is True
    assert settings.issuers["main"].zero_rate == {"6": "untaxed"}


def test_the_environment_may_name_a_secret_file_and_yields_to_the_secret_itself(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("from_named_file\n")
    path = written(tmp_path)
    by_file = {f"{SECRET_ENV}_FILE": str(tmp_path / "s")}

    assert secret_of(load(path, by_file)) == "from_named_file"
    assert secret_of(load(path, by_file | {SECRET_ENV: "itself"})) == "itself"


def test_a_name_with_hyphens_or_double_underscores_is_still_addressed(tmp_path: Path) -> None:
    text = GOOD.replace('name = "m001"', 'name = "shop-a__b"')

    settings = load(written(tmp_path, text), {"SYNCD_MERCHANTS__SHOP_A__B__WDT__SECRET": "x:y"})

    assert settings.merchant("shop-a__b").wdt.secret_and_salt() == ("x", "y")


def test_of_two_names_that_differ_in_a_hyphen_the_exact_one_is_meant(tmp_path: Path) -> None:
    merchant, _, issuer = GOOD.partition("[issuers")
    hyphen = merchant.replace("m001", "shop-a")
    underscore = merchant.replace("m001", "shop_a").replace("demo_sid", "other_sid")
    path = written(tmp_path, f"{hyphen}{underscore}[issuers{issuer}")

    settings = load(path, {"SYNCD_MERCHANTS__SHOP_A__WDT__KEY": "one", "SYNCD_MERCHANTS__SHOP-A__WDT__KEY": "two"})

    assert [merchant.wdt.key for merchant in settings.merchants] == ["two", "one"]


def test_names_without_a_double_underscore_are_not_ours(tmp_path: Path) -> None:
    """Kubernetes gives every pod SYNCD_PORT and its like once a service is called syncd."""
    env = {"SYNCD_PORT": "tcp://10.0.0.1:80", "SYNCD_SERVICE_HOST": "10.0.0.1", "PATH": os.defpath}

    assert load(written(tmp_path), env).console.port == 8650


@pytest.mark.parametrize("value", ['"2026-11-01 00:00:00"', "2026-11-01 00:00:00", "2026-10-31T16:00:00Z"])
def test_poll_start_is_beijing_time_unless_it_says_otherwise(tmp_path: Path, value: str) -> None:
    settings = load(written(tmp_path, GOOD + f"[poll]\nstart = {value}\n"), {})

    assert settings.poll.start == datetime(2026, 10, 31, 16, tzinfo=UTC)


def test_an_amount_keeps_every_digit(tmp_path: Path) -> None:
    settings = load(written(tmp_path, GOOD + "amount_limit = 123456789012345.67\n"), {})

    assert settings.issuers["main"].amount_limit == Decimal("123456789012345.67")


def test_settings_without_a_file_are_checked_alike() -> None:
    assert from_mapping({"poll": {"page_size": 200}}).poll.page_size == 200
    with pytest.raises(SettingsError, match=r"demo: poll\.page_size must be at most 200"):
        from_mapping({"poll": {"page_size": 201}}, source="demo")


def test_no_secret_shows_in_any_representation(tmp_path: Path) -> None:
    text = GOOD + '[console]\ntoken = "canary_console"\n'
    for name in ("demo_secret", "demo_salt", "demo_app_secret", "demo_token"):
        text = text.replace(name, f"canary_{name}")

    settings = load(written(tmp_path, text), {"SYNCD_STORE__URL": "postgresql://u:canary_db@h/d"})

    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert "canary" not in shown
    assert "canary_demo_app_secret" in secret_of(settings)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_of_a_stores_url_its_password_alone_is_secret_as_written_and_as_meant(tmp_path: Path, scheme: str) -> None:
    settings = load(written(tmp_path, GOOD), {"SYNCD_STORE__URL": f"{scheme}://u:demo%20db%2F@h/d"})

    assert {"demo%20db%2F", "demo db/"} <= settings.secrets()
    assert not any("h/d" in secret for secret in settings.secrets())


def test_every_secret_can_be_handed_to_the_redaction(tmp_path: Path) -> None:
    text = GOOD + '[console]\ntoken = "demo_console"\n'

    settings = load(written(tmp_path, text), {"SYNCD_STORE__URL": "postgresql://u:demo_db@h/d"})

    assert settings.secrets() == {
        "demo_secret:demo_salt",
        "demo_secret",
        "demo_salt",
        "demo_app_secret",
        "demo_token",
        "demo_console",
        "demo_db",
    }


def test_settings_cannot_be_changed_after_loading(tmp_path: Path) -> None:
    settings = load(written(tmp_path), {})

    with pytest.raises(ValueError, match="frozen"):
        settings.poll.page_size = 1
