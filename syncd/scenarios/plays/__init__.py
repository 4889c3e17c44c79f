"""Every scenario, by name."""

from __future__ import annotations

from syncd.scenarios.plays import (
    answers,
    deaths,
    hostile,
    issuing,
    neighbours,
    reading,
    refusing,
    storage,
    strikes,
    writing,
)
from syncd.scenarios.scenario import Scenario

PLAYS = (answers, deaths, hostile, issuing, neighbours, reading, refusing, storage, strikes, writing)
SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for play in PLAYS for scenario in play.SCENARIOS}
