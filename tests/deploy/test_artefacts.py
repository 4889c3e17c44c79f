"""What the unit, the image, the log shipper and the pins promise. Their own linters run in deploy/check."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

TREE = Path(__file__).resolve().parents[2]
DEPLOY = TREE / "deploy"
UNIT = (DEPLOY / "systemd" / "syncd.service").read_text()
DOCKERFILE = (DEPLOY / "docker" / "Dockerfile").read_text()
PINS = (TREE / "constraints.txt").read_text().splitlines()
PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[0-9][0-9a-z.]*)( ; [a-z_]+ [=!]= '\w+'( and [a-z_]+ != '\w+')?)?")


def unit(key: str) -> list[str]:
    """Every value of `key`, in order."""
    return re.findall(rf"^{key}=(.*)$", UNIT, re.MULTILINE)


@pytest.fixture(scope="module")
def install_lines() -> ModuleType:
    spec = importlib.util.spec_from_file_location("install_lines", DEPLOY / "docker" / "install_lines.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_wrong_settings_and_a_disarmed_store_are_not_started_again():
    """F16. Wrong settings end with 2, which systemd takes for an answer."""
    assert unit("Restart") == ["on-failure"]
    assert set(unit("RestartPreventExitStatus")[0].split()) == {"2", "4"}


def test_a_crash_loop_starts_at_most_five_times_a_minute_and_never_gives_up():
    starts_a_minute = 60 // int(unit("RestartSec")[0])

    assert starts_a_minute < int(unit("StartLimitBurst")[0]) <= 5
    assert unit("StartLimitIntervalSec") == ["60"]


def test_the_service_writes_in_its_state_directories_alone():
    """The witness of the store has one of its own, outside what is backed up."""
    assert unit("ProtectSystem") == ["strict"]
    assert unit("StateDirectory") == ["syncd syncd-witness"]
    assert unit("WorkingDirectory") == ["/var/lib/syncd"]
    assert unit("ReadWritePaths") == []


def test_the_image_is_built_from_what_the_builder_is_given(install_lines):
    stage = install_lines.build_stage(DOCKERFILE)

    copied = [name for keyword, rest in stage if keyword == "COPY" for name in rest.split()[:-1]]
    ignore = (TREE / ".dockerignore").read_text()
    assert set(copied) == {"pyproject.toml", "constraints.txt", "README.md", "LICENSE", "migrations", "syncd"}
    assert all(install_lines.allowed(name, ignore) for name in copied)
    assert all((TREE / name).exists() for name in copied)


def test_the_image_installs_with_the_pins(install_lines):
    commands = [rest for keyword, rest in install_lines.build_stage(DOCKERFILE) if keyword == "RUN"]

    assert len(commands) == 1
    assert commands[0].endswith("/opt/syncd/bin/pip install -c constraints.txt '.[alerts,distributed]'")


def test_the_image_runs_unprivileged_and_is_asked_for_its_health(install_lines):
    after_build = dict(install_lines.instructions(DOCKERFILE.partition("\nFROM")[2]))

    assert after_build["USER"] == "10001:10001"
    assert after_build["ENTRYPOINT"] == '["syncd"]'
    assert after_build["CMD"] == '["run"]'
    assert after_build["STOPSIGNAL"] == "SIGTERM"
    assert after_build["HEALTHCHECK"].endswith('CMD ["syncd", "health"]')


def test_the_witness_lives_outside_the_store_in_every_installation():
    settings = tomllib.loads((DEPLOY / "syncd.toml.example").read_text(encoding="utf-8"))
    compose = (DEPLOY / "docker" / "compose.yaml").read_text(encoding="utf-8")
    image = dict(install_instructions())

    witness = settings["store"]["witness"]

    assert witness == "/var/lib/syncd-witness"
    assert f"- witness:{witness}" in compose
    assert witness in image["VOLUME"]


def install_instructions() -> list[tuple[str, str]]:
    lines = DOCKERFILE.partition("\nFROM")[2].splitlines()
    return [(keyword, rest) for keyword, _, rest in (line.partition(" ") for line in lines)]


def test_the_shipper_reads_only_fields_of_the_log_contract_and_labels_only_what_is_few():
    vector = (DEPLOY / "logs" / "vector.yaml").read_text()
    contract = (DEPLOY / "logs" / "README.md").read_text()

    read = set(re.findall(r"\bline\.(\w+)", vector))
    labels = set(re.findall(r'^      (\w+): "\{\{ \1 \}\}"$', vector, re.MULTILINE))

    assert read == {"at", "level", "event", "merchant"}
    assert all(f"| `{field}` |" in contract for field in read)
    assert labels == {"merchant", "level", "event", "stage"}


def test_the_shipper_drops_nothing():
    vector = (DEPLOY / "logs" / "vector.yaml").read_text()

    assert "when_full: block" in vector
    assert Counter(re.findall(r"^    (drop_on_\w+: false)$", vector, re.MULTILINE)).total() == 2
    assert not re.search(r"\b(type: (filter|sample|throttle|dedupe)|abort|drop_on_\w+: true)\b", vector)


def test_a_pin_is_a_name_a_version_and_at_most_a_condition():
    """No address of a registry, no hash, no extra: pip refuses the latter two for a local folder."""
    odd = [line for line in PINS if not PIN.fullmatch(line)]

    assert PINS
    assert odd == []


def wanted() -> set[str]:
    project = tomllib.loads((TREE / "pyproject.toml").read_text(encoding="utf-8"))
    groups = [
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        project["dependency-groups"]["dev"],
    ]
    names = (re.match(r"[A-Za-z0-9._-]+", requirement) for group in groups for requirement in group)
    return {re.sub(r"[._]", "-", name[0]).lower() for name in names if name} - {"syncd"}


def test_everything_the_project_asks_for_is_pinned_once():
    pinned = Counter(line.partition("==")[0] for line in PINS)

    assert wanted() <= set(pinned)
    assert max(pinned.values()) == 1
