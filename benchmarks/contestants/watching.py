"""Looking at a running `syncd` from outside: its store and what the kernel says of its processes."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Finished:
    """How it ended: instants and spans in seconds, `seconds` and `cpu` from the first call on."""

    rows: int
    at: float
    seconds: float
    cpu: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Process:
    """One process, by its number."""

    pid: int

    def cpu(self) -> float:
        """CPU seconds so far, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def rss_mb(self) -> float:
        """Memory in use now."""
        return self._status("VmRSS:")

    def peak_mb(self) -> float:
        """The most it ever had."""
        return self._status("VmHWM:")

    def _status(self, name: str) -> float:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith(name))) / 1024


@dataclass(slots=True)
class Spread:
    """How units of push lie over the processes, whenever more than one is at work."""

    units: int = 0
    of_the_busiest: int = 0

    def note(self, at_work: Sequence[int]) -> None:
        """So many units each process has now."""
        if sum(at_work) > 1:
            self.units += sum(at_work)
            self.of_the_busiest += max(at_work)

    @property
    def busiest(self) -> float:
        """The part of them that the process had which had most of them at the time."""
        return self.of_the_busiest / max(1, self.units)


class Looker:
    """Reads a store beside whoever works on it."""

    def __init__(self, connection: Any, mark: str) -> None:
        self._connection = connection
        self._mark = mark

    @classmethod
    @contextmanager
    def at(cls, store: str) -> Iterator[Self]:
        """The store of a path, or of a `postgresql://` address."""
        if "://" in store:
            import psycopg

            with psycopg.connect(store, autocommit=True) as server:
                yield cls(server, "%s")
            return
        connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
        try:
            yield cls(connection, "?")
        finally:
            connection.close()

    def count(self, state: str) -> int:
        """Orders in that state."""
        sql = f"SELECT count(*) FROM invoice_order WHERE state = {self._mark}"
        return int(self._connection.execute(sql, (state,)).fetchone()[0])

    def at_work(self, stage: str) -> list[int]:
        """How many units of the stage each process has that has any."""
        sql = f"SELECT count(*) FROM unit WHERE stage = {self._mark} AND lease_until > 0 GROUP BY owner"
        return [int(count) for (count,) in self._connection.execute(sql, (stage,)).fetchall()]

    def waiting(self) -> int | None:
        """Units that have had no turn yet; None before there are any."""
        units, turned = self._connection.execute("SELECT count(*), count(ran_at) FROM unit").fetchone()
        return units - turned if units else None
