"""Servers that only answer: WDT and Nuonuo, so fast that what is measured is their client.

Envelopes, windows, pages and effects are right; signatures, tokens, rights and rates are not looked at. The faithful
simulators are in `syncd.sandbox`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Fakes:
    """A running process of fakes. `url` is its root."""

    url: str
    pid: int

    @property
    def wdt_url(self) -> str:
        return self.url + "/openapi"

    @property
    def nuonuo_url(self) -> str:
        return self.url + "/open/v1/services"

    def reset(self, **wish: float) -> None:
        """Begin anew: `orders`, `days`, `delay_ms`; what is left out stays as it was. `sellers` is 1 if not said."""
        self._get(f"/reset?{urlencode(wish)}")

    def ledger(self) -> dict[str, Any]:
        """What came in since the beginning, and what it led to."""
        return dict(self._get("/ledger"))

    def _get(self, path: str) -> Any:
        with urlopen(self.url + path, timeout=60) as answer:
            return json.load(answer)


@contextmanager
def serving(orders: int, days: float = 25.0, delay_ms: float = 0.0) -> Iterator[Fakes]:
    """Fakes in a process of their own."""
    wish = ["--orders", str(orders), "--days", str(days), "--delay-ms", str(delay_ms)]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.fakes", *wish], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        assert process.stdout is not None
        yield Fakes(process.stdout.readline().strip(), process.pid)
    finally:
        process.terminate()
        process.wait(10)
