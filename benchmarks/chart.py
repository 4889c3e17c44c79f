"""The races as bars, one panel each, in an SVG that stands on light and on dark ground.

    python -m benchmarks.chart FILE.json … > docs/benchmarks.svg

Each FILE is what `--json` of another script wrote. Every panel has its own scale; lengths are linear from zero.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

WIDTH, LABEL, BAR, ROW, GAP, TITLE = 760, 150, 470, 24, 22, 30
#: Greys and one blue that can be read on white and on near-black.
INK, LIMIT, OURS, OTHERS = "#7d8590", "#9aa3ad", "#2f81f7", "#c4741a"
STYLE = "font-family:system-ui,sans-serif;font-size:13px"


def svg(panels: Sequence[Mapping[str, Any]], note: str) -> str:
    """All panels, one below the other."""
    parts: list[str] = []
    top = 10
    for panel in panels:
        parts += _panel(panel, top)
        top += TITLE + ROW * len(panel["bars"]) + GAP
    parts.append(_text(10, top + 8, note, size=11))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top + 20}" style="{STYLE}" role="img"'
    title = f"<title>{escape('; '.join(str(panel['title']) for panel in panels))}</title>"
    return "\n".join([f'{head} viewBox="0 0 {WIDTH} {top + 20}">', title, *parts, "</svg>", ""])


def _panel(panel: Mapping[str, Any], top: float) -> Iterable[str]:
    yield _text(10, top + 16, f"{panel['title']} ({panel['unit']})", weight="600")
    bars: Mapping[str, float] = panel["bars"]
    longest = max(bars.values())
    for at, (name, value) in enumerate(sorted(bars.items(), key=lambda bar: -bar[1])):
        y = top + TITLE + at * ROW
        width = max(1.0, value / longest * BAR)
        yield _text(LABEL - 8, y + 13, name, anchor="end", weight="600" if name == "syncd" else "400")
        yield f'<rect x="{LABEL}" y="{y}" width="{width:.1f}" height="{ROW - 7}" rx="2" fill="{_colour(name)}"/>'
        yield _text(LABEL + width + 6, y + 13, f"{value:,.0f}")


def _colour(name: str) -> str:
    return {"yardstick": LIMIT, "syncd": OURS}.get(name, OTHERS)


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str = "400", size: int = 13) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} font-weight="{weight}" font-size="{size}" fill="{INK}">{escape(text)}</text>'


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    found = [json.loads(path.read_text()) for path in parser.parse_args().files]
    machine = found[0]["machine"]
    note = f"{machine['cores']} cores ({machine['cpu']}), {machine['memory']}, Python {machine['python']}; medians"
    print(svg([panel for one in found for panel in one.get("panels", ())], note), end="")


if __name__ == "__main__":
    main()
