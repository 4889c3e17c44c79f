"""What `python -m benchmarks.calls` measures, at a small size: calls made against the fewest that could do the same."""

from __future__ import annotations

from pathlib import Path

from benchmarks.calls.cases import Case
from benchmarks.calls.figures import Figures
from benchmarks.calls.playing import play


async def played(folder: Path, case: Case, *, calls_per_minute: int = 60) -> Figures:
    return await play(case, calls_per_minute=calls_per_minute, seed=1, lock=True, folder=folder)


async def test_a_past_is_read_in_hardly_more_calls_than_its_rows_fill_pages_and_live_orders_go_first(
    tmp_path: Path,
) -> None:
    """The whole year, the same way: efficiency 0.99 or more; here the first windows weigh more."""
    case = Case("backfill", past=14, past_per_day=1000, per_day=20_000)

    figures = await played(tmp_path, case)

    assert figures.refused == 0
    assert figures.busiest_minute <= 60
    assert figures.lost == 0
    assert figures.backfill_efficiency >= 0.97
    assert figures.wall <= 1.10
    assert len(figures.latencies) > 20
    assert figures.p95() <= 120


async def test_a_quiet_time_costs_one_call_an_interval(tmp_path: Path) -> None:
    figures = await played(tmp_path, Case("quiet", live=0.02))

    assert figures.made == {"work list": 29, "mirror": 1}
    assert figures.polling <= 1.05


async def test_orders_that_one_page_showed_are_written_back_and_looked_for_together(
    tmp_path: Path,
) -> None:
    figures = await played(tmp_path, Case("busy", live=0.007, per_day=10_000), calls_per_minute=50)

    assert figures.made["work list"] <= figures.minimum["work list"] + 1
    assert figures.made["write-back"] <= 2 * figures.minimum["write-back"]  # a page that looks also finds new orders
    assert figures.made["looking"] <= figures.made["write-back"]
    assert figures.made["by number"] == figures.made["reading again"] == 0
    assert figures.p95() <= 120
