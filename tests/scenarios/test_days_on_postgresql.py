"""Days on a real PostgreSQL: a few each time, all of them in storms."""

from __future__ import annotations

from pathlib import Path

import pytest
from postgres import Server

from syncd.scenarios.plays import SCENARIOS
from syncd.scenarios.run import Order, OtherStore, Result, play

HERE = Path(__file__).parent
#: Played each time, and with how many orders: turns in one process, real processes, and what only a server does.
DAYS = {"struck-workers": 8, "restore-old-backup": 12, "connections-cut": 12}
#: As many orders as show a day in a minute; the days not named here are played with their own number.
SHORT = {"kill9-storm": 60, "noisy-neighbour": 100, "workers-storm": 200}
WITH_A_SERVER = [name for name, scenario in SCENARIOS.items() if scenario.only != "sqlite"]


def played(server: Server, name: str, rows: int, again: int = 3) -> Result:
    """A day on this run's server, or on one of its own; another seed where the fault did not happen to strike."""
    scenario = SCENARIOS[name]
    store = "postgresql" if scenario.only == "own server" else server.url
    for seed in range(1, again + 2):
        result = play(Order(name, rows, seed, scenario.workers, "", store))
        if not result.broken or any("proves nothing" not in why for why in result.broken):
            break
    return result


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("name", "rows"), DAYS.items(), ids=DAYS)
def test_a_day_on_a_server_ends_well(postgres_server: Server, name: str, rows: int) -> None:
    """F02, F04, F22, F26, F35, F111."""
    assert played(postgres_server, name, rows).broken == ()


@pytest.mark.storm
@pytest.mark.timeout(600)
def test_a_wrong_program_is_caught_on_a_server_too(postgres_server: Server) -> None:
    """With other dice where nobody happened to die at the wrong moment: a server answers when it likes."""
    workers, twin = SCENARIOS["struck-workers"].workers, f"{HERE / 'twins_issuing.py'}:call_then_save"
    days = (play(Order("struck-workers", 15, seed, workers, twin, postgres_server.url)) for seed in range(1, 5))

    assert any(result.figures["doubles"] > 0 for result in days)


@pytest.mark.storm
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", WITH_A_SERVER)
def test_every_day_ends_well_on_a_server(postgres_server: Server, name: str) -> None:
    assert played(postgres_server, name, SHORT.get(name, SCENARIOS[name].rows)).broken == ()


def test_a_day_about_files_is_not_played_on_a_server(postgres_server: Server) -> None:
    with pytest.raises(OtherStore, match="wal-lost: sqlite"):
        play(Order("wal-lost", 5, 1, 1, "", postgres_server.url))


def test_no_run_tells_where_its_store_was(postgres_server: Server) -> None:
    order = Order("lost-answer", 4, 1, 1, "", postgres_server.url)
    result = play(order)

    assert "demo_secret" not in f"{result.facts()} {result} {order}"
    assert result.figures["issued"] == 4
