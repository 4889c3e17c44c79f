"""The catalogue: both languages, the same fields, and a text for every key that is used."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

import syncd.cli
from syncd.cli.frame import hoisted
from syncd.cli.words import CATALOGUE, language, speaker

SOURCES = sorted(Path(syncd.cli.__file__).parent.glob("*.py"))
_CALLS = {"say", "text", "unusable", "failed", "helper", "group"}


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


@pytest.mark.parametrize("key", sorted(CATALOGUE))
def test_both_languages_say_the_same_with_the_same_fields(key: str) -> None:
    zh, en = CATALOGUE[key]

    assert zh.strip()
    assert en.strip()
    assert fields(zh) == fields(en)


def test_help_texts_have_no_fields_that_nobody_would_fill() -> None:
    assert [key for key in CATALOGUE if key.startswith("help.") and fields(CATALOGUE[key][1])] == []


def used() -> set[tuple[str, str]]:
    """Every key in the sources, as a pattern: literal, or with `.*` where a part is computed."""
    found = set()
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and (name := _name(node.func)) in _CALLS:
                for pattern in _patterns(node.args[1] if name == "group" else node.args[0]):
                    found.add((source.name, ("help." if _is_help(node, name) else "") + pattern))
    return found


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Call):
        return _name(function.func)
    return str(getattr(function, "attr", "") or getattr(function, "id", ""))


def _is_help(node: ast.Call, name: str) -> bool:
    return name in ("text", "group") or (name == "helper" and isinstance(node.func, ast.Call))


def _patterns(argument: ast.expr) -> list[str]:
    match argument:
        case ast.Constant(value=str(text)):
            return [re.escape(text)]
        case ast.JoinedStr(values=parts):
            return ["".join(re.escape(str(p.value)) if isinstance(p, ast.Constant) else ".*" for p in parts)]
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Add()):
            return [re.escape(text) + ".*"]
        case ast.IfExp(body=one, orelse=other):
            return [*_patterns(one), *_patterns(other)]
        case _:
            return []


def test_every_key_that_is_used_exists() -> None:
    keys = list(CATALOGUE)

    missing = [(file, key) for file, key in sorted(used()) if not any(re.fullmatch(key, known) for known in keys)]

    assert len(used()) > 150
    assert missing == []


def test_every_event_and_state_of_the_program_has_words() -> None:
    from syncd.domain.lifecycle import STEPS, Phase, State

    for state in State:
        assert f"state.{state}" in CATALOGUE
    for event in {event for _, event in STEPS} - {e for _, e in STEPS if e.startswith("released")}:
        assert f"event.order.{event}" in CATALOGUE or event == "repended", event
    for phase in Phase:
        assert not phase or f"event.order.{phase}" in CATALOGUE


def test_every_journal_event_that_is_written_can_be_told() -> None:
    package = Path(syncd.cli.__file__).parent.parent
    written = set()
    for source in package.rglob("*.py"):
        text = source.read_text(encoding="utf-8")
        written |= set(re.findall(r'journal\.add\(\s*"(order\.[a-z_0-9]+|write_back\.[a-z_]+)"', text))

    assert len(written) > 8
    assert {event for event in written if f"event.{event}" not in CATALOGUE} == set()


@pytest.mark.parametrize(
    ("args", "env", "expected"),
    [
        (["--lang", "zh", "status"], {}, "zh"),
        (["status", "--lang=en"], {"LANG": "zh_CN.UTF-8"}, "en"),
        (["status"], {"SYNCD_LANG": "zh", "LANG": "en_US.UTF-8"}, "zh"),
        (["status"], {"LC_ALL": "zh_CN.UTF-8"}, "zh"),
        (["status"], {"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
        (["status"], {"LANG": "de_DE.UTF-8"}, "en"),
        (["status"], {}, "en"),
        (["--", "--lang", "zh"], {}, "en"),
        (["--lang"], {}, "en"),
    ],
)
def test_the_language_is_what_was_asked_for_else_the_locale(
    args: list[str], env: dict[str, str], expected: str
) -> None:
    assert language(args, env) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["orders", "list", "-c", "a.toml"], ["-c", "a.toml", "orders", "list"]),
        (["status", "--config=a.toml", "--lang", "zh"], ["--config=a.toml", "--lang", "zh", "status"]),
        (["orders", "retry", "--", "-c", "x"], ["orders", "retry", "--", "-c", "x"]),
        (["status", "-c"], ["-c"]),
    ],
)
def test_global_options_may_stand_anywhere(given: list[str], expected: list[str]) -> None:
    assert hoisted(given) == expected


def test_a_key_that_does_not_exist_is_a_defect() -> None:
    with pytest.raises(KeyError):
        speaker("zh")("no.such.key")
