"""`[alerts]`: where messages go. Addresses are secrets."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from settings_files import GOOD, written

from syncd.config import SettingsError, load, rules

DINGTALK = "dingtalk://canary_token_of_a_robot/13800000000"
MAIL = "mailtos://ops:canary.pass.word@mail.example.com?from=syncd"


def urls_of(directory: Path, text: str = "", **env: str) -> list[str]:
    settings = load(written(directory, GOOD + text), env)
    return [url.get_secret_value() for url in settings.alerts.urls]


def test_without_the_section_nobody_is_told(tmp_path: Path) -> None:
    assert urls_of(tmp_path) == []


def test_addresses_come_from_the_file_itself(tmp_path: Path) -> None:
    assert urls_of(tmp_path, f'[alerts]\nurls = ["{DINGTALK}", "{MAIL}"]\n') == [DINGTALK, MAIL]


def test_addresses_come_from_a_file_of_their_own_one_a_line(tmp_path: Path) -> None:
    (tmp_path / "channels").write_text(f"{DINGTALK}\n\n  {MAIL}\n")

    assert urls_of(tmp_path, '[alerts]\nurls_file = "channels"\n') == [DINGTALK, MAIL]


def test_addresses_come_from_the_environment_and_from_a_secrets_directory(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "alerts__urls").write_text(f"{DINGTALK}\n")

    assert urls_of(tmp_path, SYNCD_SECRETS_DIR=str(secrets)) == [DINGTALK]
    assert urls_of(tmp_path, SYNCD_SECRETS_DIR=str(secrets), SYNCD_ALERTS__URLS=MAIL) == [MAIL]


def test_the_rest_has_its_defaults_and_forms(tmp_path: Path) -> None:
    text = '[alerts]\nlanguage = "en"\nquiet_for = "2h"\n'

    alerts = load(written(tmp_path, GOOD + text), {}).alerts

    assert (alerts.language, alerts.quiet_for) == ("en", timedelta(hours=2))
    assert (alerts.resting_after, alerts.unknown_after) == (timedelta(minutes=30), timedelta(minutes=15))


@pytest.mark.parametrize("url", ["canary_no_scheme", "://canary_x", "http:/canary"])
def test_what_is_no_address_is_refused_without_being_shown(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError) as raised:
        urls_of(tmp_path, f'[alerts]\nurls = ["{url}"]\n')

    (line,) = raised.value.lines
    assert "alerts.urls" in line
    assert "must look like" in line
    assert "canary" not in line


def test_without_the_extra_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "find_spec", lambda _: None)

    assert urls_of(tmp_path) == []
    with pytest.raises(SettingsError) as raised:
        urls_of(tmp_path, f'[alerts]\nurls = ["{DINGTALK}"]\n')

    (line,) = raised.value.lines
    assert line.endswith("alerts.urls needs the package apprise: pip install -c constraints.txt '.[alerts]'")


def test_an_address_is_hidden_whole_and_in_its_telling_parts(tmp_path: Path) -> None:
    settings = load(written(tmp_path, GOOD + f'[alerts]\nurls = ["{DINGTALK}", "{MAIL}"]\n'), {})

    hidden = settings.secrets()

    assert {DINGTALK, MAIL, "canary_token_of_a_robot", "canary.pass.word"} <= hidden
    assert not {"mail.example.com", "dingtalk", "mailtos"} & hidden
    assert "canary" not in f"{settings!r} {settings.model_dump_json()}"
