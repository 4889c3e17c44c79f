"""The catalogue of events and the log calls in the code say the same."""

from __future__ import annotations

import re
from pathlib import Path

from log_calls import LogCall, log_calls

from syncd.watch.events import EVENTS, render

ROOT = Path(__file__).parents[2]
#: `sandbox` plays the other parties and writes no log of ours.
SOURCES = [path for path in sorted((ROOT / "syncd").rglob("*.py")) if "sandbox" not in path.parts]


def calls() -> list[LogCall]:
    return [
        call for path in SOURCES for call in log_calls(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT)))
    ]


def test_every_event_is_a_literal() -> None:
    """S02: outside text stands in fields only."""
    assert [call.where for call in calls() if call.event is None] == []


def test_every_event_in_the_code_is_in_the_catalogue() -> None:
    missing = {call.event: call for call in calls() if call.event and call.event not in EVENTS}

    assert [
        f'"{event}": Event("{call.level}", …, {call.fields})  # {call.where}' for event, call in missing.items()
    ] == []


def test_every_event_in_the_catalogue_is_in_the_code() -> None:
    assert sorted(set(EVENTS) - {call.event for call in calls()}) == []


def test_the_catalogue_names_the_level_and_every_field_of_each_call() -> None:
    wrong = [
        f"{call.where}: {call.event} {call.level} {sorted(set(call.fields) - set(EVENTS[call.event].fields))}"
        for call in calls()
        if call.event in EVENTS
        and not (
            call.level in EVENTS[call.event].level.split(", ")
            and set(call.fields) <= {*EVENTS[call.event].fields, "**"}
        )
    ]

    assert wrong == []


def test_names_are_stage_and_past_tense_and_both_languages_are_there() -> None:
    assert [name for name in EVENTS if not re.fullmatch(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*", name)] == []
    assert [name for name, event in EVENTS.items() if not (event.en and re.search("[一-鿿]", event.zh))] == []


def test_the_page_is_the_one_the_catalogue_gives() -> None:
    """Regenerate it: python -m syncd.watch.events > docs/events.md"""
    assert (ROOT / "docs" / "events.md").read_text(encoding="utf-8") == render()


def test_only_the_watch_uses_the_standard_librarys_loggers() -> None:
    """They take a format string where we want a constant."""
    users = [
        path for path in SOURCES if re.search(r"^\s*(import|from) logging\b", path.read_text(encoding="utf-8"), re.M)
    ]

    assert [path.relative_to(ROOT).as_posix() for path in users] == ["syncd/watch/logs.py"]


def test_the_search_finds_every_way_to_log() -> None:
    """The control: a call it would miss is a call nobody checks."""
    source = """
log.info("a.said", x=1)
self._log.warning("b.said", exc_info=error)
log.bind(lane=lane).error("c.said", **more)
structlog.get_logger().debug("d.said")
log.info(f"e {x}")
logger.log(level, "f.said")
log.exception(name)
get_logger().info()
tx.tell(partial(log.info, "g.said", y=1))
tx.tell(partial(log.info, name))
say = log.info
math.log(2)
catalogue.info("not a log")
"""

    found = [(call.event, call.level, call.fields) for call in log_calls(source, "sample")]

    assert sorted(found, key=str) == sorted(
        [
            ("a.said", "info", ("x",)),
            ("b.said", "warning", ()),
            ("c.said", "error", ("**",)),
            ("d.said", "debug", ()),
            (None, "info", ()),
            ("f.said", "any", ()),
            ("g.said", "info", ("y",)),
            (None, "info", ()),
            (None, "info", ()),
            (None, "error", ()),
            (None, "info", ()),
        ],
        key=str,
    )
