"""deploy/syncd.toml.example is the first thing an operator copies: it must load, and leave no setting unmentioned."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from syncd.config import load
from syncd.config.schema import Settings

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
EXAMPLE = (DEPLOY / "syncd.toml.example").read_text(encoding="utf-8")
OPTIONAL = re.compile(r"^#(?=[a-z\[])", re.MULTILINE)
SECRET_FILE = re.compile(r'^\w+_file = "credentials/(\w+)"$', re.MULTILINE)


def secrets_of(text: str) -> set[str]:
    return set(SECRET_FILE.findall(text))


def settings_in(folder: Path, text: str) -> Settings:
    (folder / "credentials").mkdir()
    for name in secrets_of(text):
        (folder / "credentials" / name).write_text("demo_secret:demo_salt_of_some_length\n")
    (folder / "syncd.toml").write_text(text, encoding="utf-8")
    return load(folder / "syncd.toml", {})


def test_the_example_loads_with_its_placeholders_and_nothing_in_it_is_unwise(tmp_path):
    settings = settings_in(tmp_path, EXAMPLE)

    assert [merchant.name for merchant in settings.merchants] == ["m001", "m002"]
    assert list(settings.issuers) == ["main"]
    assert settings.warnings == []


def test_every_optional_line_of_the_example_is_a_setting_that_exists(tmp_path):
    settings = settings_in(tmp_path, OPTIONAL.sub("", EXAMPLE))

    assert settings.merchants[0].alibaba is not None
    assert settings.merchants[1].yuannian is not None


@pytest.mark.parametrize("section", [name for name in Settings.model_fields if name not in ("merchants", "issuers")])
def test_every_key_of_a_section_stands_in_the_example(section):
    table = Settings.model_fields[section].annotation

    text = OPTIONAL.sub("", EXAMPLE).split(f"\n[{section}]\n")[1].split("\n[")[0]

    keys = {key.removesuffix("_file") for key in re.findall(r"^(\w+) = ", text, re.MULTILINE)}
    assert keys == set(table.model_fields)


def test_each_secret_is_named_like_the_setting_it_fills(tmp_path):
    """So that one file name serves NAME_file, systemd credentials and container secrets alike."""
    without = re.sub(r"^\w+_file = .*\n", "", OPTIONAL.sub("", EXAMPLE), flags=re.MULTILINE)
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    for name in secrets_of(OPTIONAL.sub("", EXAMPLE)):
        (credentials / name).write_text(f"{name}:salt")
    (tmp_path / "syncd.toml").write_text(without, encoding="utf-8")

    settings = load(tmp_path / "syncd.toml", {"CREDENTIALS_DIRECTORY": str(credentials)})

    assert settings.console.token.get_secret_value() == "console__token:salt"
    assert settings.merchants[1].wdt.secret_and_salt() == ("merchants__m002__wdt__secret", "salt")
    assert settings.issuers["main"].token.get_secret_value() == "issuers__main__token:salt"


def test_systemd_credentials_are_those_of_the_example():
    drop_in = (DEPLOY / "systemd" / "syncd.service.d" / "credentials.conf").read_text()

    lines = re.findall(r"^LoadCredential=(\w+):/etc/syncd/credentials/(\w+)$", drop_in, re.MULTILINE)

    assert {name for name, _ in lines} == secrets_of(EXAMPLE)
    assert all(name == file for name, file in lines)


def test_compose_secrets_are_those_of_the_example_and_stand_where_it_looks_for_them():
    compose = (DEPLOY / "docker" / "compose.yaml").read_text()

    mounted = re.findall(r"- source: (\w+)\n\s+target: /etc/syncd/credentials/(\w+)$", compose, re.MULTILINE)
    declared = re.findall(r"^  (\w+):\n    file: \./credentials/(\w+)$", compose, re.MULTILINE)

    assert {source for source, _ in mounted} == {name for name, _ in declared} == secrets_of(EXAMPLE)
    assert all(source == target for source, target in mounted)
    assert all(name == file for name, file in declared)


def test_the_example_holds_no_secret_itself():
    keys = re.findall(r"^#?(secret|token|session) = ", EXAMPLE, re.MULTILINE)

    assert keys == []
