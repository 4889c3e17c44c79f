"""The broker of the task queues: Debian's Redis, unpacked beside us and never installed, on a free port of loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PACKAGES = ("redis-server", "redis-tools", "liblzf1", "libjemalloc2", "libatomic1")
PATIENCE = 10.0


class NoBroker(Exception):
    """There is no Redis here, and none could be fetched."""


@contextmanager
def broker(cache: Path) -> Iterator[str]:
    """The address of a Redis that keeps nothing. Raises NoBroker."""
    program = shutil.which("redis-server")
    libraries = ""
    if program is None:
        root = _unpacked(cache)
        program = str(root / "usr/bin/redis-server")
        libraries = ":".join(sorted({str(path.parent) for path in root.rglob("*.so.*")}))
    port = _free_port()
    quiet = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no"]
    with tempfile.TemporaryDirectory(prefix="syncd-redis-") as folder:
        process = subprocess.Popen(
            [program, *quiet, "--dir", folder],
            stdout=subprocess.DEVNULL,
            env={**os.environ, "LD_LIBRARY_PATH": libraries},
        )
        try:
            _wait_for(port, process)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()
            process.wait(10)


def _unpacked(cache: Path) -> Path:
    root = cache / "redis"
    if not (root / "made").exists():
        fetched = cache / "redis-packages"
        fetched.mkdir(parents=True, exist_ok=True)
        try:
            subprocess.run(["apt-get", "download", "-q", *PACKAGES], cwd=fetched, check=True, capture_output=True)
            for package in fetched.glob("*.deb"):
                subprocess.run(["dpkg", "-x", package, root], check=True)
        except (OSError, subprocess.CalledProcessError) as why:
            raise NoBroker("no redis-server here, and Debian's could not be fetched (apt-get update?)") from why
        (root / "made").touch()
    return root


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise NoBroker("redis-server does not answer")
