"""One line of what `syncd check` reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `remedy` is empty where nothing is to be done."""

    level: Level
    subject: str
    text: str
    remedy: str = ""
