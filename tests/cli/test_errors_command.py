"""`syncd errors check|list|explain`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer.testing

from syncd.catalogue import PLATFORMS, WIRE, entries, find
from syncd.cli import build
from syncd.cli.words import Lang

KNOWN = "wdt 100: 权限不足\nnuonuo E9130: 不含税金额加税额不等于含税金额\ntop 7: App Call Limited\n"
#: A message nobody has ever heard of.
NEW = "nuonuo E9777: 星期四不开票"

SUB_CODE, BAN = "accesscontrol.limited-by-app-access-count", "This ban will last for 31062 more seconds"


def errors(*args: str, lang: Lang = "en", input: bytes | None = None) -> typer.testing.Result:
    """The command without any settings: it needs none."""
    return typer.testing.CliRunner().invoke(build(lang), ["errors", *args], input=input, catch_exceptions=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "messages.txt"
    path.write_text(KNOWN, encoding="utf-8")
    return path


def test_messages_that_are_all_known_exit_0_with_meaning_owner_and_runbook(file: Path) -> None:
    result = errors("check", str(file))

    assert result.exit_code == 0
    for said in (
        "owner: integrator",
        "owner: clerk",
        "owner: nobody",
        "fix settings",
        "rest the lane",
        "该应用没有这个接口的权限。",
        "This app has no permission for the method.",
        "docs/runbooks/settings.md",
        "docs/runbooks/bad-data.md",
        "docs/runbooks/throttled.md",
        "3 kinds of messages, 0 unclassified",
    ):
        assert said in result.output


def test_people_are_told_in_their_own_language_first(file: Path) -> None:
    zh, en = errors("check", str(file), lang="zh").output, errors("check", str(file)).output

    assert "责任人：实施人员" in zh
    assert zh.index("该应用没有") < zh.index("This app has no")
    assert en.index("This app has no") < en.index("该应用没有")


def test_one_unknown_message_exits_1_and_is_listed_with_its_place(file: Path) -> None:
    file.write_text(f"{KNOWN}{NEW}\n", encoding="utf-8")

    result = errors("check", str(file))

    assert result.exit_code == 1
    assert "4 kinds of messages, 1 unclassified" in result.output
    assert result.output.splitlines()[-1] == f"  {file}:4  {NEW}"
    assert "never re-sent" in result.output
    assert "docs/runbooks/unclassified.md" in result.output


def test_every_sample_of_the_catalogue_is_known(tmp_path: Path) -> None:
    lines = [
        f"{platform} {code}: {text}"
        for platform in (*PLATFORMS, WIRE)
        for entry in entries(platform)
        for code, text in entry.samples
    ]
    (tmp_path / "all.txt").write_text("\n".join(lines), encoding="utf-8")

    result = errors("check", str(tmp_path / "all.txt"), "--json")

    assert result.exit_code == 0
    assert json.loads(result.output)["unclassified"] == 0


def test_json_says_everything_about_each_kind_of_message_once(tmp_path: Path) -> None:
    lines = [
        '{"platform":"wdt","code":100,"text":"发票不存在! FP202611200017"}',
        "wdt 100: 发票不存在! FP202611200018",
        json.dumps({"platform": "top", "code": 7, "sub_code": SUB_CODE, "sub_msg": BAN}),
        NEW,
    ]
    (tmp_path / "a.txt").write_text("\n".join(lines), encoding="utf-8")

    told = json.loads(errors("check", "--json", str(tmp_path / "a.txt")).output)

    one, ban, new = told["messages"]
    assert told["unclassified"] == 1
    assert (one["id"], one["class"], one["owner"], one["count"]) == ("wdt.no_such_document", "data", "clerk", 2)
    assert one["where"] == f"{tmp_path / 'a.txt'}:1"
    assert (ban["class"], ban["rest_seconds"]) == ("rest_lane", 31063)
    assert (new["classified"], new["class"], new["platform"]) == (False, "unclassified", "nuonuo")
    for message in told["messages"]:
        assert all(message[name] for name in ("zh", "en", "zh_remedy", "en_remedy", "runbook"))


def test_our_own_log_may_be_given_as_it_is(tmp_path: Path) -> None:
    log = [
        {"event": "daemon.started", "merchants": 1},
        {"event": "lane.rested", "lane": "m001/main", "care": "person", "code": "E9777", "why": "需要人脸识别"},
        {"event": "unit.troubled", "stage": "poll", "why": "wdt 100: 未知错误"},
        {"event": "issue.unclassified", "issuer": "main", "code": "E9777", "text": "星期四不开票"},
    ]
    (tmp_path / "log").write_text("\n".join(json.dumps(one) for one in log), encoding="utf-8")

    result = errors("check", "--json", str(tmp_path / "log"))

    assert result.exit_code == 1
    assert [one["id"] for one in json.loads(result.output)["messages"]] == [
        "nuonuo.login",
        "wdt.unknown_to_wdt",
        "unlisted",
    ]


def test_a_json_array_is_a_list_of_messages(tmp_path: Path) -> None:
    array = [{"platform": "wdt", "code": 100, "text": "权限不足"}, {"status": 7, "message": "时间戳错误"}, "nonsense"]
    (tmp_path / "a.json").write_text(json.dumps(array, indent=2), encoding="utf-8")

    told = json.loads(errors("check", "--json", str(tmp_path / "a.json")).output)

    assert [one["id"] for one in told["messages"]] == ["wdt.permission", "wdt.clock", "unlisted"]
    assert told["messages"][1]["where"] == f"{tmp_path / 'a.json'}:2"


def test_a_broken_json_array_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"platform": ', encoding="utf-8")

    assert errors("check", str(tmp_path / "a.json")).exit_code == 2


def test_a_dash_is_standard_input() -> None:
    assert errors("check", "-", input=KNOWN.encode()).exit_code == 0
    assert errors("check", "-", input=f"\ufeff{NEW}".encode()).exit_code == 1


def test_an_empty_file_holds_nothing_unclassified(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n# a remark\n", encoding="utf-8")

    result = errors("check", str(tmp_path / "empty"))

    assert result.exit_code == 0
    assert "no message" in result.output


@pytest.mark.parametrize("kind", ["missing", "folder", "bytes"])
def test_a_file_that_cannot_be_read_exits_2_and_is_named(kind: str, file: Path, tmp_path: Path) -> None:
    path = tmp_path / kind
    if kind == "folder":
        path.mkdir()
    if kind == "bytes":
        path.write_bytes("wdt 100: 权限不足".encode("gbk"))

    result = errors("check", str(file), str(path))

    assert result.exit_code == 2
    assert str(path) in result.output.replace("\n", "")


def test_what_a_party_says_is_shown_inert(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("nuonuo E1: \x1b]0;pwned\x07[red]x[/red]\u202e", encoding="utf-8")

    for args in (["check", str(tmp_path / "a")], ["check", str(tmp_path / "a"), "--json"]):
        output = errors(*args).output

        assert "[red]x[/red]" in output
        assert all(one.isprintable() or one == "\n" for one in output)


# -- list and explain --------------------------------------------------------------------------------------------------


def test_the_list_names_every_entry() -> None:
    listed = json.loads(errors("list", "--json").output)

    assert [one["id"] for one in listed] == [e.id for name in (*PLATFORMS, WIRE) for e in entries(name)]


def test_the_list_can_be_narrowed_to_a_platform() -> None:
    listed: list[dict[str, Any]] = json.loads(errors("list", "--platform", "TOP", "--json").output)

    assert {one["platform"] for one in listed} == {"top"}
    assert "top.limit" in errors("list", "--platform", "top").output
    assert "wdt." not in errors("list", "--platform", "top").output


def test_an_unknown_platform_names_those_there_are() -> None:
    result = errors("list", "--platform", "nuonu")

    assert result.exit_code == 2
    assert "wdt, nuonuo, top" in result.output
    assert "Did you mean nuonuo?" in result.output


def test_one_message_is_explained() -> None:
    result = errors("explain", "wdt", "100", "超过每分钟最大调用频率限制，请稍后重试", lang="zh")

    assert result.exit_code == 0
    assert "旺店通限流" in result.output
    assert "通道歇 5 分" in result.output


def test_an_unclassified_message_is_explained_as_such() -> None:
    result = errors("explain", "nuonuo", "E9777", "--json")

    assert find("nuonuo", "E9777", "") is None
    assert result.exit_code == 1
    assert json.loads(result.output)["classified"] is False
