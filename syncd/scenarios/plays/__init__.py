"""Every scenario, by name."""

from __future__ import annotations

from syncd.scenarios.plays import (
    alibaba,
    answers,
    deaths,
    hostile,
    issuing,
    moving,
    neighbours,
    reading,
    reds,
    refusing,
    servers,
    storage,
    strikes,
    wallet,
    workers,
    writing,
)
from syncd.scenarios.scenario import Scenario

PLAYS = (
    *(alibaba, answers, deaths, hostile, issuing, neighbours, reading, reds, refusing, storage, strikes, wallet),
    *(writing, moving, workers, servers),
)
SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for play in PLAYS for scenario in play.SCENARIOS}
