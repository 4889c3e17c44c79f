"""The engines that the contract holds for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest
from engine_parts import Fleet, Made, Work, by_feed, distributed

from syncd.engine.embedded import Embedded
from syncd.engine.engine import Engine


@pytest.fixture(params=["embedded", "distributed"])
async def made(request: pytest.FixtureRequest) -> AsyncIterator[Made]:
    """An engine of either kind."""
    engines: list[Engine] = []
    url = request.getfixturevalue("empty_postgres") if request.param == "distributed" else ""

    def make(work: Work, *stages: str, most_units: int = 8, places: Mapping[str, int] | None = None) -> Engine:
        engine: Engine
        if url:
            engine = distributed(url, work, *stages, most_units=most_units, places=places)
        else:
            engine = Embedded(stages, work.due, work.run, tick=0.1, most_units=most_units, group=by_feed, places=places)
        engine.start()
        engines.append(engine)
        return engine

    yield make
    await asyncio.gather(*(engine.drain(0.0) for engine in engines))


@pytest.fixture
async def fleet(empty_postgres: str) -> AsyncIterator[Fleet]:
    """A database for engines that share it."""
    fleet = Fleet(empty_postgres)
    yield fleet
    await asyncio.gather(*(engine.drain(0.0) for engine in fleet.engines))
