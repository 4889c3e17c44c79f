"""Every event a log line can carry: its level, what it means, and its fields. docs/events.md is drawn from it."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from syncd.watch.event_list.event import Event
from syncd.watch.event_list.orders import OF_ORDERS
from syncd.watch.event_list.parties import BESIDE_ISSUING
from syncd.watch.event_list.running import OF_THE_PROGRAM

EVENTS: Mapping[str, Event] = {**OF_ORDERS, **BESIDE_ISSUING, **OF_THE_PROGRAM}

_INTRODUCTION = """# Log events · 日志事件

This page is generated: `python -m syncd.watch.events > docs/events.md`. 本页由程序生成。

Each line is one JSON object: `at` (UTC), `level`, `event`, then the fields below; `exception` holds a traceback.
Names, tax numbers, phones, secrets and whole addresses do not appear. 日志不含姓名、税号、电话、密钥与完整网址。

| event | level | meaning | 含义 | fields |
|---|---|---|---|---|
"""


def render() -> str:
    """The whole page, events in alphabetical order."""
    rows = (
        f"| `{name}` | {event.level} | {event.en} | {event.zh} | {', '.join(f'`{key}`' for key in event.fields)} |\n"
        for name, event in sorted(EVENTS.items())
    )
    return _INTRODUCTION + "".join(rows)


if __name__ == "__main__":
    sys.stdout.write(render())
