"""How things are shown: a table on a terminal, aligned lines in a pipe, one JSON value with --json.

Whatever comes from outside is shown inert: control characters, direction overrides and markup as plain text.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from syncd.cli.words import Say

_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def inert(text: str) -> str:
    """`text` on one line, with everything a terminal might act on spelled out."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _ESCAPES.get(one) or _code(one) for one in text)


def _code(one: str) -> str:
    number = ord(one)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def is_terminal() -> bool:
    """Whether a person looks at standard output."""
    return sys.stdout.isatty()


def show_json(value: object) -> None:
    """One JSON value; instants in UTC, unprintable characters escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=_plain)
    print(text if text.isprintable() else _JSON_STRING.sub(_escaped, text))


def _escaped(found: re.Match[str]) -> str:
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in found[0])


def _plain(value: object) -> str:
    return iso(value) if isinstance(value, datetime) else str(value)


def iso(instant: datetime) -> str:
    """RFC 3339 in UTC, milliseconds."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on a terminal, aligned lines in a pipe; cells are made inert here."""
    cells = [[inert(cell) for cell in row] for row in rows]
    if is_terminal():
        _drawn(headers, cells)
        return
    for line in aligned([list(headers), *cells]):
        print(line)


def _drawn(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for header in headers:
        drawn.add_column(Text(header), overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    Console(file=sys.stdout, highlight=False).print(drawn)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns two blanks apart, a Chinese character counting as two places."""
    from rich.cells import cell_len

    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    return [
        "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def pairs(lines: Mapping[str, str]) -> None:
    """Labels and values, one pair a line."""
    for line in aligned([[label, inert(value)] for label, value in lines.items()]):
        print(f"  {line}")


def beijing(instant: datetime | None) -> str:
    """Beijing time to the second; a dash where there is none."""
    from syncd.domain.clock import BEIJING

    return instant.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S") if instant else "-"


def span(length: timedelta, say: Say) -> str:
    """How long, in its two largest units at most: "3 min", "2 d 4 h"."""
    seconds = int(abs(length.total_seconds()))
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(say(f"span.{unit}", n=count))
    return " ".join(parts[:2]) or say("span.s", n=0)


def relative(instant: datetime, now: datetime, say: Say) -> str:
    """ "3 min ago", "in 5 s", "now"."""
    length = instant - now
    if abs(length) < timedelta(seconds=1):
        return say("when.now")
    return say("when.ahead" if length > timedelta(0) else "when.ago", span=span(length, say))


def when(instant: datetime | None, now: datetime, say: Say) -> str:
    """Beijing time with how far away it is."""
    return "-" if instant is None else f"{beijing(instant)} ({relative(instant, now, say)})"


def yuan(ten_thousandths: int | None) -> str:
    """An amount as people write it, all its decimals kept: 20788 hundredths of a cent are 2.0788."""
    if ten_thousandths is None:
        return "-"
    sign, number = "-" if ten_thousandths < 0 else "", abs(ten_thousandths)
    whole, rest = divmod(number, 10_000)
    decimals = f"{rest:04d}"
    return f"{sign}{whole}.{decimals[:2]}{decimals[2:].rstrip('0')}"


def masked_name(name: str) -> str:
    """A buyer's name that only somebody who knows it recognises."""
    text = name.strip()
    return text[:1] + "*" * min(len(text) - 1, 4) if text else ""
