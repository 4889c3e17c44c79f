"""What somebody does wrong in a settings file is told with its place, what is wrong and what to do, in zh and en."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cli_world import Place, Run

_CHINESE = re.compile(r"[\u4e00-\u9fff]")
TAX_NO = 'tax_no = "339902999999789113"'
SECRET = 'secret = "demosecret:demosalt"'
TWIN = '[[merchants]]\nname = "m001"\nissuer = "main"\n[merchants.wdt]\nurl = "http://x/"\nsid = "x"\nkey = "x"\n'

#: What was there, what somebody made of it, the place, and a word or two of what is told in Chinese and in English.
MISTAKES = (
    ("mirror = ", "batch = ", "schedule.batch", "不是设置项", "is not a setting"),
    ("calls_per_minute = 6000\ntimeout = \"3s\"\n[", "timeout = 3s\n[", "第 ", "多余的内容", "line "),
    ("sid = ", "sidd = ", "merchants.m001.wdt.sid", '是否指 "sid"', 'did you mean "sid"'),
    ('settle = "2s"', 'settle = "soon"', "issuers.main.settle", '如 "90s"', 'such as "90s"'),
    ("[console]", "[push]\nbatch = true\n[console]", "push.batch", "应为数字", "must be a number"),
    ("[console]", '[push]\nbatch = "many"\n[console]', "push.batch", "应为整数", "whole number"),
    (SECRET, 'secret_file = "gone"', "merchants.m001.wdt.secret_file", "没有这个文件", "No such file"),
    ("[issuers.main]", f"{TWIN}{SECRET}\n[issuers.main]", "merchants[1]", "请另取一个", "give this one another"),
    ('issuer = "main"', 'issuer = "nuonuo"', "merchants.m001.issuer", "文件中有：main", "there are: main"),
    (TAX_NO, 'tax_no = "91-123"', "issuers.main.tax_no", "15 至 20 位", "15 to 20 characters"),
    ('url = "http://', 'url = "htp://', "merchants.m001.wdt.url", '必须以 "http://"', 'must begin with "http://"'),
    ('token = "demo_token"', 'token = "令牌"', "issuers.main.token", "英文字母", "plain ASCII"),
    (SECRET, "", "merchants.m001.wdt.secret", "用 secret_file 指定文件", "as secret_file"),
)  # fmt: skip


@pytest.mark.parametrize(("old", "new", "where", "in_chinese", "in_english"), MISTAKES)
def test_a_mistake_is_told_with_its_place_and_its_cure(
    old: str, new: str, where: str, in_chinese: str, in_english: str, place: Place, run: Run
) -> None:
    text = place.settings.read_text(encoding="utf-8")
    assert old in text
    place.settings.write_text(text.replace(old, new, 1), encoding="utf-8")

    for command in (("check",), ("status",), ("run", "--once")):
        zh, en = run(*command, lang="zh"), run(*command)

        assert (zh.exit_code, en.exit_code, zh.stdout, en.stdout) == (2, 2, "", "")
        *problems, what_to_do = zh.stderr.splitlines()
        assert all(line.startswith("syncd.toml: ") and _CHINESE.search(line) for line in problems), problems
        assert any(where in line and in_chinese in line for line in problems), problems
        assert "syncd check" in what_to_do
        assert in_english in en.stderr
        assert not _CHINESE.search(en.stderr)


@pytest.mark.parametrize(
    ("file", "in_chinese", "in_english"),
    [("gone.toml", "没有这个文件", "No such file"), (".", "这是一个目录", "Is a directory")],
)
def test_a_file_that_cannot_be_read_is_named(file: str, in_chinese: str, in_english: str, run: Run) -> None:
    zh, en = run("status", "-c", file, lang="zh"), run("status", "-c", file)

    assert (zh.exit_code, en.exit_code) == (2, 2)
    assert zh.stderr.startswith(f"{file}: 无法读取（{in_chinese}）")
    assert en.stderr.startswith(f"{file}: cannot be read ({in_english}")


def test_a_file_of_somebody_else_says_so(place: Place, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", closed)

    told = run("status", lang="zh")

    assert told.exit_code == 2
    assert "syncd.toml: 无法读取（没有权限：请以服务用户运行，或更正属主与权限）" in told.stderr


def test_all_of_them_are_told_at_once_and_no_secret_is_shown(place: Place, run: Run) -> None:
    place.change('token = "demo_token"', 'token = "canary 令牌"')
    place.change(SECRET, 'secret = "canary"')
    place.change(TAX_NO, 'tax_no = "canary"')

    told = run("check", lang="zh")

    assert len(told.stderr.splitlines()) == 4
    assert "canary" not in told.stderr
