"""What the units, the compose file and the manifests for PostgreSQL and many workers promise."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from syncd.config import load

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
ALONE = (DEPLOY / "systemd" / "syncd.service").read_text()
UNITS = {
    role: (DEPLOY / "systemd" / name).read_text()
    for role, name in (("worker", "syncd-worker@.service"), ("scheduler", "syncd-scheduler.service"))
}
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "docker" / "compose.postgres.yaml").read_text())
MANIFESTS: list[dict[str, Any]] = [
    yaml.safe_load(path.read_text()) for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
]
PODS = {one["metadata"]["name"]: one for one in MANIFESTS if one["kind"] == "StatefulSet"}


def lines(unit: str) -> set[str]:
    """Everything a unit says, but for what differs by nature."""
    own = ("#", "[", "Description=", "ExecStart=", "After=", "PartOf=", "WantedBy=", "RuntimeDirectory=")
    return {line for line in unit.splitlines() if line and not line.startswith(own) and "LISTEN" not in line}


# -- systemd -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", UNITS)
def test_a_unit_of_many_is_as_locked_up_and_as_patient_as_the_single_one(role: str) -> None:
    assert lines(UNITS[role]) == lines(ALONE)
    assert f"ExecStart=/opt/syncd/bin/syncd run --role {role} -c /etc/syncd/syncd.toml" in UNITS[role]


def test_the_workers_of_one_machine_do_not_fight_over_a_port_or_a_folder() -> None:
    assert "Environment=SYNCD_CONSOLE__LISTEN=127.0.0.1:865%i" in UNITS["worker"]
    assert "RuntimeDirectory=syncd-worker-%i" in UNITS["worker"]


def test_all_units_log_under_the_name_that_is_shipped() -> None:
    vector = yaml.safe_load((DEPLOY / "logs" / "vector.yaml").read_text())

    assert vector["sources"]["journal"]["include_matches"] == {"SYSLOG_IDENTIFIER": ["syncd"]}
    assert all("SyslogIdentifier=syncd\n" in unit for unit in (ALONE, *UNITS.values()))
    alone = yaml.safe_load((DEPLOY / "docker" / "compose.yaml").read_text())["services"].values()
    ours = [one for one in (*alone, *COMPOSE["services"].values()) if one["image"].startswith("syncd")]
    assert all(set(vector["sources"]["containers"]["include_labels"]) <= set(one["labels"]) for one in ours)


# -- containers --------------------------------------------------------------------------------------------------------


def test_any_number_of_workers_can_be_had_from_the_compose_file() -> None:
    """A fixed name or a published port would stop the second one."""
    worker = COMPOSE["services"]["worker"]

    assert worker["command"] == ["run", "--role", "worker"]
    assert not {"container_name", "ports"} & set(worker)
    assert worker["environment"]["SYNCD_ENGINE__KIND"] == "distributed"


def test_every_container_is_asked_for_its_health_and_the_database_before_anything_starts() -> None:
    services = COMPOSE["services"]

    assert all("healthcheck" in one for one in services.values())
    for role in ("worker", "scheduler"):
        assert services[role]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert COMPOSE["networks"]["inside"]["internal"]
    assert services["postgres"]["networks"] == ["inside"]


def test_no_secret_stands_in_the_compose_file() -> None:
    """Each is a file; the address of the database with its password is one of them."""
    assert all(set(one) == {"file"} for one in COMPOSE["secrets"].values())
    for role in ("worker", "scheduler"):
        mounted = {one["source"]: one["target"] for one in COMPOSE["services"][role]["secrets"]}
        assert mounted["store__url"] == "/etc/syncd/credentials/store__url"
        assert "postgres_password" not in mounted
    assert "POSTGRES_PASSWORD_FILE" in COMPOSE["services"]["postgres"]["environment"]
    assert "POSTGRES_PASSWORD" not in COMPOSE["services"]["postgres"]["environment"]


def test_the_witness_of_a_machine_is_a_volume_and_its_database_forgets_no_commit() -> None:
    assert all("witness:/var/lib/syncd-witness" in COMPOSE["services"][role]["volumes"] for role in UNITS)
    assert {"synchronous_commit=on", "fsync=on"} <= set(COMPOSE["services"]["postgres"]["command"])


# -- Kubernetes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PODS)
def test_a_pod_has_no_rights_and_a_witness_of_its_own(name: str) -> None:
    """A witness on an emptyDir would be lost with each restart, and the store disarmed."""
    pod = PODS[name]["spec"]["template"]["spec"]
    container = pod["containers"][0]

    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    claims = [claim["metadata"]["name"] for claim in PODS[name]["spec"]["volumeClaimTemplates"]]
    assert claims == [mounts["/var/lib/syncd-witness"]]
    assert container["args"] == ["run", "--role", name.removeprefix("syncd-")]
    assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container)
    assert pod["terminationGracePeriodSeconds"] > 10


def test_the_manifests_carry_no_secret_and_refer_to_one() -> None:
    assert not [one for one in MANIFESTS if one["kind"] == "Secret"]
    for one in PODS.values():
        volumes = one["spec"]["template"]["spec"]["volumes"]
        assert {"secretName": "syncd-credentials", "defaultMode": 0o440} in [found.get("secret") for found in volumes]


def test_what_is_selected_are_our_pods() -> None:
    kinds = {one["kind"]: one for one in MANIFESTS}
    worker = PODS["syncd-worker"]["spec"]["template"]["metadata"]["labels"]

    budget = kinds["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]
    assert budget == worker
    for selector in (
        kinds["Service"]["spec"]["selector"],
        kinds["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ):
        for one in PODS.values():
            assert selector.items() <= one["spec"]["template"]["metadata"]["labels"].items()


def test_the_settings_of_the_manifests_are_settings(tmp_path: Path) -> None:
    """With nothing beside them but the secrets, each a file named like its setting."""
    text = next(one for one in MANIFESTS if one["kind"] == "ConfigMap")["data"]["syncd.toml"]
    (tmp_path / "syncd.toml").write_text(text, encoding="utf-8")
    (tmp_path / "syncd.toml").chmod(0o600)
    credentials = {
        "store__url": "postgresql://syncd:demo_secret@db:5432/syncd",
        "console__token": "demo_token_of_the_console_0123456789",
        "merchants__m001__wdt__secret": "demosecret:demosalt",
        "issuers__main__secret": "demo_secret",
        "issuers__main__token": "demo_token",
    }
    for name, value in credentials.items():
        (tmp_path / name).write_text(value, encoding="utf-8")

    settings = load(tmp_path / "syncd.toml", {"SYNCD_SECRETS_DIR": str(tmp_path)})

    assert settings.engine.kind == "distributed"
    assert settings.store.witness == "/var/lib/syncd-witness"
    assert settings.store.url.get_secret_value() == credentials["store__url"]
    assert "demo_secret" not in re.sub(r"\s", "", text)
    assert tomllib.loads(text)["merchants"][0]["wdt"]["calls_per_minute"] == 50
