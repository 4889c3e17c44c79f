"""One daemon per store: a lock of the kernel's or the server's, which unlike a pid file cannot outlive its holder."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import structlog

from syncd.store import postgres
from syncd.store.engine import private, sqlite_path
from syncd.store.sessions import Session
from syncd.store.troubles import HeldElsewhere as HeldElsewhere

log = structlog.get_logger("syncd.store")

T = TypeVar("T")


class NetworkStore(Exception):
    """The store lies on a network file system, whose locks are not to be trusted."""

    def __init__(self, path: Path, kind: str) -> None:
        super().__init__(f"{path} is on a network file system ({kind})")
        self.path = path
        self.kind = kind


#: File systems that other hosts can mount, or that pass locks on by promise. SQLite's own pages say: not on these.
_NETWORK = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "9p", "ceph", "lustre", "gfs2", "ocfs2", "beegfs", "gpfs")
)
_NETWORK_FUSE = ("fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "fuse.rclone", "fuse.ceph", "fuse.juicefs", "fuse.davfs")


def refuse_network(store: Path, mountinfo: Path = Path("/proc/self/mountinfo")) -> None:
    """Raises NetworkStore unless the store's folder is on this host's own disks, as far as the kernel says."""
    folder = os.path.realpath(store.parent)
    best, kind = "", ""
    try:
        lines = mountinfo.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:  # no Linux, or no /proc: nothing is known
        return
    for line in lines:
        before, _, after = line.partition(" - ")
        point = _unescaped(before.split(" ")[4])
        inside = folder == point or folder.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):  # a later mount on the same point hides the earlier
            best, kind = point, after.split(" ", 1)[0]
    if kind in _NETWORK or kind.startswith(_NETWORK_FUSE):
        raise NetworkStore(store, kind)


def _unescaped(point: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        point = point.replace(code, character)
    return point


class StoreLock:
    """Exclusive use of a store for the life of this process. Raises HeldElsewhere at once; `waiting` waits first."""

    def __init__(self, store: Path) -> None:
        self._path = store.with_name(store.name + ".lock")
        self._fd: int | None = None

    async def waiting(self, seconds: float) -> Self:
        """Take the lock, waiting so long for its holder to end; `with` on what this returns gives it up again.

        Raises HeldElsewhere.
        """

        async def take() -> Self:
            return self.__enter__()

        return await _waiting(take, seconds)

    def __enter__(self) -> Self:
        if self._fd is not None:
            return self
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(fd, 200).decode(errors="replace").strip()
            os.close(fd)
            raise HeldElsewhere(self._path, holder or "another process") from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"pid {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        self._fd = fd
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


@asynccontextmanager
async def held(url: str, *, exclusive: bool = True, wait: float = 0.0) -> AsyncIterator[None]:
    """Use of a store inside: by this process alone, or shared with others that share it too.

    `wait`: seconds to wait for its holder to end. A SQLite store is used alone or without any lock, as its file is
    shared by processes of one host that trust their leases. Raises HeldElsewhere, StoreUnavailable.
    """
    if postgres.is_postgresql(url):
        session = Session(url, exclusive=exclusive)
        await _waiting(session.take, wait)
        try:
            yield
        finally:
            await session.give_up()
    elif exclusive:
        path = sqlite_path(url)
        private(path)
        with await StoreLock(path).waiting(wait):
            yield
    else:
        yield


async def _waiting(take: Callable[[], Awaitable[T]], seconds: float) -> T:
    """What `take` gives, tried for so long: a container often starts while the one before it still drains (F113)."""
    deadline = time.monotonic() + seconds
    told = False
    while True:
        try:
            return await take()
        except HeldElsewhere as held:
            if time.monotonic() >= deadline:
                raise
            if not told:
                log.info("daemon.waiting_for_lock", holder=held.holder, seconds=seconds)
                told = True
        await asyncio.sleep(min(0.2, max(0.0, deadline - time.monotonic())))


def holder(url: str) -> str | None:
    """Which process works on this store; None when nobody does or it cannot be told.

    Read from the kernel's or the server's list of locks: trying the lock, even for an instant, could turn a starting
    daemon away.
    """
    return postgres.holder(url) if postgres.is_postgresql(url) else _file_holder(sqlite_path(url))


def _file_holder(store: Path) -> str | None:
    lock = store.with_name(store.name + ".lock")
    try:
        inode = lock.stat().st_ino
        taken = Path("/proc/locks").read_text(encoding="ascii", errors="replace").splitlines()
        if not any("FLOCK" in line and f":{inode} " in line for line in taken):
            return None
        return lock.read_text(encoding="utf-8", errors="replace").strip() or "?"
    except OSError:
        return None
