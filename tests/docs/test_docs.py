"""The pages say what the code says."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import pytest

from syncd.domain.lifecycle import STEPS, Event, Hold, Phase, State
from syncd.domain.lifecycle_drawing import BEGIN, END, FIRST, drawing, drawn_in
from syncd.domain.order import OrderNo, Row, WdtStatus
from syncd.domain.sighting import observe
from syncd.store.schema import metadata
from syncd.watch.events import EVENTS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")), *sorted(DOCS.rglob("*.md"))]
SOURCES = sorted((ROOT / "syncd").rglob("*.py"))
#: These cite the rules of docs/amounts.md; everybody else's R-numbers are those of docs/windows.md.
ABOUT_AMOUNTS = {"domain/money.py", "domain/detail.py", "domain/discount.py"}

FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
CITED = re.compile(r"\b[RT][0-9]{1,2}(?:[–-][RT]?[0-9]{1,2})?\b")
MACHINE = re.compile(r"(?<![\w./-])/(?:root|home|Users|work|tmp)/|\b[A-Za-z]:\\Users\\")
REGISTRY = re.compile(r"(?:pypi|npmjs|pythonhosted|crates|rubygems)\.(?:org|io|com)|registry\.|/simple/?\b|index-url")


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def first_cells(page: str, form: str) -> set[str]:
    """What the tables of `page` list in their first column, as far as it has this form."""
    return set(re.findall(rf"^\| ({form}) \|", page, re.MULTILINE))


def numbers_in(text: str) -> set[str]:
    """Every rule cited in `text`; R1–R3 cites three."""
    found: set[str] = set()
    for cited in CITED.findall(text):
        letter, ends = cited[0], [int(number) for number in re.findall(r"[0-9]+", cited)]
        found |= {f"{letter}{number}" for number in range(ends[0], ends[-1] + 1)}
    return found


def is_about_amounts(source: Path) -> bool:
    inside = source.relative_to(ROOT / "syncd").as_posix()
    return inside in ABOUT_AMOUNTS or inside.startswith("sandbox/")


def rules_on(page: str) -> set[str]:
    """The rules a page explains, R1 for R1 and T09 for T9."""
    return {f"{rule[0]}{int(rule[1:])}" for rule in first_cells(text_of(DOCS / page), "[RT][0-9]{1,2}")}


# -- the drawing ---------------------------------------------------------------------------------------------------


def test_the_drawing_in_the_page_is_the_one_the_program_prints() -> None:
    """Put the output of `python -m syncd.domain.lifecycle_drawing` in the place of the old one."""
    command = [sys.executable, "-m", "syncd.domain.lifecycle_drawing"]

    printed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True, encoding="utf-8").stdout

    assert drawn_in(text_of(DOCS / "lifecycle.md")) == printed


def test_every_step_of_the_table_is_on_the_drawing() -> None:
    drawn = drawing()

    arrows = {
        (before, event, after)
        for before, after, events in re.findall(r"^ +(\w+) --> (\w+): (.+)$", drawn, re.MULTILINE)
        for event in events.split(" / ")
    }
    assert arrows == {(str(before), str(event), str(after)) for (before, event), after in STEPS.items()}


def test_another_table_gives_another_drawing() -> None:
    steps = {key: after for key, after in STEPS.items() if key != (State.INTENT, Event.ISSUED)}

    assert drawing(steps) != drawing()


def test_a_state_nothing_leads_out_of_is_an_end() -> None:
    steps = {key: after for key, after in STEPS.items() if key != (State.DONE60, Event.HELD)}

    assert re.findall(r"(\w+) --> \[\*\]", drawing(steps)) == [State.DONE60]


def test_a_page_without_the_markers_in_order_has_no_drawing() -> None:
    assert drawn_in("no markers") == ""
    assert drawn_in(f"{END} {BEGIN}") == ""


@pytest.mark.parametrize(("status", "state"), list(zip((WdtStatus.WAITING, WdtStatus.ISSUED), FIRST, strict=True)))
def test_an_order_begins_where_the_drawing_begins(status: WdtStatus, state: State) -> None:
    row = Row(OrderNo("FP0001"), status, "", False, "", "", 0, datetime(2026, 11, 1, tzinfo=UTC), b"{}", b"hash")

    assert observe(None, row).state is state


# -- what must be explained ----------------------------------------------------------------------------------------


def test_every_state_is_explained() -> None:
    assert sorted(set(State) - first_cells(text_of(DOCS / "lifecycle.md"), "[A-Z0-9]+")) == []


def test_every_phase_but_the_empty_one_is_explained() -> None:
    explained = first_cells(text_of(DOCS / "lifecycle.md"), "`[a-z_]+`")

    assert sorted({f"`{phase}`" for phase in Phase if phase} - explained) == []


def test_every_hold_reason_is_explained() -> None:
    explained = first_cells(text_of(DOCS / "lifecycle.md"), "`[a-z_]+`")

    assert sorted({f"`{hold}`" for hold in Hold} - explained) == []


#: Where reasons are declared and put into words, not set.
_SAID = ("lifecycle.py", "hold_texts.py", "alert_texts.py")


def test_holds_said_to_be_set_by_no_code_are_named_by_none() -> None:
    """The page may not go on saying so once a stage uses the reason."""
    rows = re.findall(r"^\| `([a-z_]+)` \| \*no code sets it yet\*", text_of(DOCS / "lifecycle.md"), re.MULTILINE)
    code = "".join(text_of(path) for path in SOURCES if path.name not in _SAID)

    assert rows
    assert [hold for hold in rows if f"Hold.{hold.upper()}" in code] == []


@pytest.mark.parametrize("source", SOURCES, ids=name_of)
def test_every_rule_the_code_cites_is_explained(source: Path) -> None:
    rules = rules_on("amounts.md") if is_about_amounts(source) else rules_on("windows.md")

    cited = numbers_in(text_of(source))

    assert sorted(cited - rules - rules_on("lifecycle.md")) == []


def test_a_citation_may_be_a_range() -> None:
    assert numbers_in("(R1–R3, R8) and T09") == {"R1", "R2", "R3", "R8", "T9"}
    assert numbers_in("E9106, ART12, R2D2") == set()


# -- where a page says things are ----------------------------------------------------------------------------------

#: What the paths on a page start from, besides the tree and `syncd/`.
BASES = {"wire/wdt.md": "syncd/wire/wdt", "wire/nuonuo.md": "syncd/wire/issuers/nuonuo"}
WITH_PLACES = ("windows.md", "amounts.md", *BASES)
DEFINED = re.compile(r"^ *(?:(?:async )?def|class) (\w+)|^ *(\w+)(?: *:[^=\n]+)? = |^ +(\w+): ", re.MULTILINE)


def paths_on(page: Path) -> set[str]:
    """Files and folders of ours; a bare file name only where the page says below which folder it stands."""
    code = re.findall(r"`([^`\n]+)`", FENCE.sub("", text_of(page)))
    form = r"[\w.-]*(?:/[\w./-]+)?\.py|(?:syncd|stages|wire|store|domain|tests|docs)/[\w/-]*"
    return {word for word in code if re.fullmatch(form, word) and ("/" in word or own_folder(page))}


def own_folder(page: Path) -> str | None:
    return BASES.get(page.relative_to(DOCS).as_posix()) if page.is_relative_to(DOCS) else None


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_a_page_names_is_there(page: Path) -> None:
    own = own_folder(page)
    bases = [ROOT, ROOT / "syncd", *([ROOT / own] if own else [])]

    assert sorted(path for path in paths_on(page) if not any((base / path).exists() for base in bases)) == []


@pytest.mark.parametrize("name", WITH_PLACES)
def test_every_name_in_the_last_column_is_defined_in_the_code(name: str) -> None:
    defined = {word for path in SOURCES for found in DEFINED.findall(text_of(path)) for word in found if word}
    rows = re.findall(r"^\|.*\| (.+) \|$", text_of(DOCS / name), re.MULTILINE)

    named = {word for row in rows for word in re.findall(r"`[\w./]*?\.?(_?[A-Za-z]\w*)`", row) if word != "py"}

    elsewhere = {table.name for table in metadata.sorted_tables} | {event.partition(".")[2] for event in EVENTS}

    assert len(named) > 5
    assert sorted(named - defined - elsewhere - set(Phase)) == []


# -- links and traces ----------------------------------------------------------------------------------------------


def broken_links(page: Path) -> list[str]:
    """Relative links of `page` that lead nowhere, and anchors that no heading makes."""
    broken = []
    for target in LINK.findall(FENCE.sub("", text_of(page))):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        place, _, anchor = unquote(target).partition("#")
        path = (page.parent / place).resolve() if place else page
        if not path.exists() or (anchor and path.suffix == ".md" and anchor not in anchors_of(path)):
            broken.append(target)
    return broken


def anchors_of(page: Path) -> set[str]:
    headings = re.findall(r"^#+ +(.+?) *$", FENCE.sub("", text_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert broken_links(page) == []


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Here\n[a](gone.md) [b](#here) [c](#there) ![d](page.md) [e](https://example.test/x)\n")

    assert broken_links(page) == ["gone.md", "#there"]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_names_one_machine_or_a_registry(page: Path) -> None:
    text = text_of(page)

    assert MACHINE.findall(text) == []
    assert REGISTRY.findall(text) == []


@pytest.mark.parametrize(
    ("trace", "pattern"),
    [
        ("see /" + "home/someone/syncd", MACHINE),
        ("cd /" + "work/main", MACHINE),
        ("from py" + "pi.org", REGISTRY),
        ("--index" + "-url x", REGISTRY),
    ],
)
def test_a_trace_is_seen(trace: str, pattern: re.Pattern[str]) -> None:
    assert pattern.search(trace)
