"""What systemd is told, over a real socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.watch.notify import Notifier


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    name = f"@syncd-test-{os.getpid()}" if request.param == "abstract" else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.settimeout(5)
        listener.bind(f"\0{name[1:]}" if name.startswith("@") else name)
        yield listener, name


def test_every_message_arrives_as_systemd_expects_it(systemd: tuple[socket.socket, str]) -> None:
    listener, name = systemd
    notifier = Notifier.from_env({"NOTIFY_SOCKET": name})

    told = [notifier.ready(), notifier.watchdog(), notifier.status("3 lanes rest\nMAINPID=1 发票"), notifier.stopping()]

    assert told == [True] * 4
    assert [listener.recv(4096).decode() for _ in told] == [
        "READY=1",
        "WATCHDOG=1",
        "STATUS=3 lanes rest MAINPID=1 发票",
        "STOPPING=1",
    ]


@pytest.mark.parametrize("env", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1"}])
def test_without_a_socket_nobody_is_told_and_nothing_fails(env: dict[str, str]) -> None:
    notifier = Notifier.from_env(env)

    assert (notifier.ready(), notifier.watchdog_every) == (False, None)


def test_a_socket_that_went_away_fails_nothing(tmp_path: Path) -> None:
    assert Notifier.from_env({"NOTIFY_SOCKET": str(tmp_path / "gone")}).watchdog() is False


def test_a_systemd_that_does_not_read_does_not_stop_us(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        notifier = Notifier.from_env({"NOTIFY_SOCKET": str(tmp_path / "notify")})

        told = [notifier.watchdog() for _ in range(10_000)]

    assert told[0] is True
    assert told[-1] is False


@pytest.mark.parametrize(
    ("env", "every"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_fed_twice_as_often_as_systemd_asks(env: dict[str, str], every: float | None) -> None:
    assert Notifier.from_env({"NOTIFY_SOCKET": "/run/x", **env}).watchdog_every == every
