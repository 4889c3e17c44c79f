"""What is wrong with the settings is said in the reader's language, whichever rule it is that says so."""

from __future__ import annotations

import ast
import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_world import Place, Run

import syncd.config
import syncd.wire.yuannian.sign
from syncd.cli.words_settings import settings_line
from syncd.config import SettingsError, load, problems

NO_TOML = (
    "[poll\n", "[[merchants]\n", "x 1\n", "x = \n", "x = abc\n", 'x = "a\n', "x = [1\n", "x = {a = 1\n", "= 1\n",
    "x = 1 2\n", "a = 1\na = 2\n", "[a]\n[a]\n", 'x = "\\q"\n', 'x = "\\u12"\n', 'x = "\\ud800"\n',
    "x = 2026-99-99\n", 'x = "\x01"\n', "x = {a = 1, a = 2}\n", "x = {a = 1}\n[x.b]\n", "]\n", "[a.b]\n[a]\nb.c = 1\n",
)  # fmt: skip
SOURCES = sorted(Path(syncd.config.__file__).parent.glob("*.py"))
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
#: Calls whose argument is a sentence, or the rest of one.
_RAISED = {"ValueError", "SettingsError", "BadTemplate"}


def said() -> set[str]:
    """Every sentence about the settings: raised, noted as a problem, yielded as a contradiction or a warning."""
    found = {*problems._TEXTS.values(), *(f"{text} 3" for _, text in problems._LIMITS.values())}
    for source in [*SOURCES, Path(syncd.wire.yuannian.sign.__file__)]:
        if source.name != "reference.py":
            found |= {text for node in _nodes(source) for text in _texts(node, source)}
    told = {text.removeprefix("X: ").removeprefix("X ") for text in found if " " in text}
    return told - {"X", "secrets file X X"}  # a place, and a problem that was made elsewhere


def _nodes(source: Path) -> Iterator[ast.expr]:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[arg]) if name in _RAISED:
                yield arg
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="problems"), attr="append"), args=[arg]):
                yield arg
            case ast.Yield(value=ast.expr() as value) if source.name == "rules.py":
                yield value
            case ast.Assign(targets=[ast.Name(id="said")], value=value):
                yield value
            case ast.Return(value=ast.expr() as value) if source.name == "problems.py":
                yield value


def _texts(node: ast.expr, source: Path) -> set[str]:
    match node:
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return {text for item in items for text in _texts(item, source)}
        case ast.Constant(value=str(text)):
            return {text}
        case ast.JoinedStr(values=parts):
            return {"".join(str(part.value) if isinstance(part, ast.Constant) else _stand_in(part) for part in parts)}
        case ast.Name(id=name) if name.isupper() or name.startswith("_"):
            module = importlib.import_module(f"syncd.config.{source.stem}")
            named = getattr(module, name, None)
            return {named} if isinstance(named, str) else set()
        case _:
            return set()


def _stand_in(part: ast.expr) -> str:
    """What a field of a sentence may hold; a guess and a list of what there is are added to sentences, or not."""
    name = ast.unparse(part)
    if "nearest" in name or name in ("{guess}", "{known}"):
        return ""
    return "merchant" if name == "{kind}" else "X"


@pytest.mark.parametrize("text", sorted(said()))
def test_every_sentence_about_the_settings_is_there_in_chinese(text: str) -> None:
    in_chinese = settings_line(f"syncd.toml: engine.kind {text}", "zh")

    assert _CHINESE.search(in_chinese), text
    assert in_chinese.startswith("syncd.toml: engine.kind")


def test_the_sentences_are_found() -> None:
    """A walk that finds nothing would be content with anything."""
    assert len(said()) > 70
    assert {"must be at most ten years", "is not a setting", "is missing", "must be a path"} <= said()
    assert 'must be a span such as "90s", "5m", "2h", "1d" or "1h30m"' in said()
    assert "console.token is shorter than X characters" in said()
    assert settings_line("syncd.toml: engine.kind is a sentence nobody translated", "zh").isascii()


def test_every_way_a_file_is_no_toml_is_there_in_chinese(tmp_path: Path) -> None:
    for text in NO_TOML:
        file = tmp_path / "syncd.toml"
        file.write_text(text, encoding="utf-8")
        with pytest.raises(tomllib.TOMLDecodeError):
            tomllib.loads(text)

        with pytest.raises(SettingsError) as refused:
            load(file, {})

        (line,) = refused.value.lines
        told = settings_line(line, "zh").removeprefix(f"{file}: ")
        assert re.match(r"第 \d+ 行第 \d+ 列：.*[\u4e00-\u9fff]", told), (line, told)


@pytest.mark.parametrize(
    ("line", "in_chinese"),
    [
        (
            'syncd.toml: merchants.m001.isuer is not a setting (did you mean "issuer"?)',
            'syncd.toml: merchants.m001.isuer 不是设置项（是否指 "issuer"？）',
        ),
        (
            "/etc/my shop/syncd.toml: cannot be read (Permission denied)",
            "/etc/my shop/syncd.toml: 无法读取（没有权限：请以服务用户运行，或更正属主与权限）",
        ),
        (
            "s.toml: merchants.m001.wdt.secret_file cannot be read from /a b/c (No such file or directory)",
            "s.toml: merchants.m001.wdt.secret_file 无法读取 /a b/c（没有这个文件）",
        ),
        (
            'environment SYNCD_MERCHANTS__M01__WDT__KEY: there is no merchant "m01" in the file (did you mean "m001"?)',
            '环境变量 SYNCD_MERCHANTS__M01__WDT__KEY: 文件中没有商户 "m01"（是否指 "m001"？）',
        ),
        ("secrets file issuers__main__token is empty: /x/y", "密钥文件 issuers__main__token 是空文件：/x/y"),
        ("s.toml: cannot be read (Odd trouble)", "s.toml: 无法读取（Odd trouble）"),
        ("s.toml: something nobody has translated", "s.toml: something nobody has translated"),
    ],
)
def test_places_names_and_reasons_keep_their_meaning(line: str, in_chinese: str) -> None:
    assert settings_line(line, "zh") == in_chinese
    assert settings_line(line, "en") == line


def test_mistakes_in_the_settings_are_told_in_chinese_with_their_places(place: Place, run: Run) -> None:
    place.change('issuer = "main"', 'issuer = "mian"\nisuer = "x"')
    place.change("[schedule]", '[engine]\nkind = "both"\n[schedule]')

    told, in_english = run("status", lang="zh"), run("status")

    assert (told.exit_code, in_english.exit_code) == (2, 2)
    assert "syncd.toml: engine.kind 只能是：embedded, distributed" in told.stderr
    assert 'merchants.m001.isuer 不是设置项（是否指 "issuer"？）' in told.stderr
    assert "docs/settings.md" in told.stderr
    assert "改好后" in told.stderr
    assert "must be one of" in in_english.stderr
    assert "once it is corrected" in in_english.stderr


def test_what_is_unwise_is_told_in_chinese_by_a_check(run: Run) -> None:
    told = run("check", lang="zh")

    assert "schedule.poll = 1s 低于安全的缺省值 1m" in told.stdout
    assert "safe default" not in told.stdout
