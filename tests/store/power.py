"""A disk whose power fails: what was written and not yet synced has reached it, or not, as the dice fall.

A fault VFS below SQLite (apsw): every write, truncation and sync counts as a step, and at the chosen one the power is
off. Reading afterwards goes through the host's own files.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import apsw


@dataclass(slots=True)
class Disk:
    """The state of the one disk: what is still in its cache, and when the power goes."""

    fails_at: int = -1
    steps: int = 0
    is_off: bool = False
    cached: dict[str, list[tuple[int, bytes, bytes]]] = field(default_factory=dict)

    def step(self) -> None:
        """One operation. Raises apsw.IOError from the cut on."""
        if self.is_off:
            raise apsw.IOError("the power is off")
        self.steps += 1
        self.is_off = self.steps == self.fails_at

    def lose(self, dice: random.Random) -> None:
        """Half of what was cached never reached the platter, newest first; a file may end earlier again."""
        for path, writes in self.cached.items():
            if not Path(path).exists():
                continue
            with open(path, "r+b") as file:
                for offset, new, old in reversed(writes):
                    if dice.random() < 0.5:
                        continue
                    file.seek(offset)
                    file.write(old)
                    if len(old) < len(new) and Path(path).stat().st_size <= offset + len(new):
                        file.truncate(offset + len(old))
        self.cached.clear()


class Power(apsw.VFS):
    """SQLite's files on `disk`, under the VFS name "power"."""

    def __init__(self) -> None:
        super().__init__("power", "")
        self.disk = Disk()

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        return _File(self, name, flags)


class _File(apsw.VFSFile):
    def __init__(self, power: Power, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._power = power
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        self._power.disk.step()
        old = super().xRead(len(data), offset) if offset < super().xFileSize() else b""
        kept = old[: max(0, min(len(data), super().xFileSize() - offset))]
        self._power.disk.cached.setdefault(self._path, []).append((offset, bytes(data), kept))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:
        self._power.disk.step()
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:
        self._power.disk.step()
        if self._power.disk.is_off:
            raise apsw.IOError("the power is off")
        super().xSync(flags)
        self._power.disk.cached.pop(self._path, None)
