"""`status` shows what parties said, what to do about it, and what nobody has classified."""

from __future__ import annotations

import json

from cli_world import Place, Run
from orders_made import in_store

from syncd.domain.trouble import Care, Verdict
from syncd.store.store import Tx


def say(place: Place, *messages: tuple[str, str, str]) -> None:
    """Parties said this, as the store remembers it."""

    async def remember(tx: Tx) -> None:
        for platform, code, text in messages:
            await tx.unclassified.seen(Verdict(Care.UNCLASSIFIED, platform, code, text))

    in_store(place.store, remember)


def test_nothing_unclassified_is_not_mentioned(run: Run) -> None:
    assert "classified" not in run("status").output
    assert json.loads(run("status", "--json").output)["unclassified"] == []


def test_messages_are_shown_with_the_remedy_and_that_nothing_was_re_sent(place: Place, run: Run) -> None:
    say(place, ("nuonuo", "E9777", "星期四不开票"), ("nuonuo", "E9777", "星期四不开票"), ("wdt", "100", "单据已锁定"))

    zh, en = run("status", lang="zh").output, run("status").output

    assert "nuonuo E9777: 星期四不开票" in zh
    assert "2 次" in zh
    assert "未重发任何东西" in zh
    assert "wdt 100: 单据已锁定" in en
    assert "send them to the maintainers" in en
    assert "nothing was re-sent" in en
    assert "docs/runbooks/unclassified.md" in en


def test_json_has_them_all_with_the_remedy_in_both_languages(place: Place, run: Run) -> None:
    say(place, *(("nuonuo", f"E97{number:02}", "x") for number in range(15)))

    told = json.loads(run("status", "--json").output)["unclassified"]

    assert len(told) == 15
    assert {(one["platform"], one["text"], one["count"]) for one in told} == {("nuonuo", "x", 1)}
    assert all(one["first_at"] and one["last_at"] for one in told)
    assert "维护者" in told[0]["zh_remedy"]
    assert "maintainers" in told[0]["en_remedy"]


def test_what_this_version_has_learned_since_is_no_longer_shown(place: Place, run: Run) -> None:
    """The entry that was missing came with an upgrade."""
    say(place, ("nuonuo", "E9130", "不含税金额加税额不等于含税金额"))

    assert json.loads(run("status", "--json").output)["unclassified"] == []


def test_the_exit_code_is_that_of_the_orders_and_lanes(place: Place, run: Run) -> None:
    """A message alone needs nobody tonight: an order it left undecided is held, and that needs a person."""
    before = run("status").exit_code
    say(place, ("nuonuo", "E9777", "x"))

    assert run("status").exit_code == before


def test_a_partys_words_are_shown_inert(place: Place, run: Run) -> None:
    say(place, ("nuonuo", "E9777", "\x1b[31m[red]x[/red]"))

    output = run("status").output

    assert "[red]x[/red]" in output
    assert "\x1b" not in output


# -- lanes ---------------------------------------------------------------------------------------------------------


def rest(place: Place, verdict: Verdict) -> None:
    """The issuer's lane rests for this."""

    async def put(tx: Tx) -> None:
        await tx.lanes.rest("m001", "main", verdict)

    in_store(place.store, put)


def test_a_lane_that_needs_a_person_says_what_that_person_must_do(place: Place, run: Run) -> None:
    rest(place, Verdict(Care.PERSON, "nuonuo", "E9999", "开票员未登录电子税务局，请先登录", 300.0))

    zh, en = run("status", lang="zh").output, run("status").output
    (lane,) = json.loads(run("status", "--json").output)["lanes"]

    assert "请开票员在诺诺完成登录或认证" in zh
    assert "Have the drawer log in" in en
    assert "docs/runbooks/person-needed.md" in en
    assert lane["runbook"] == "docs/runbooks/person-needed.md"
    assert lane["zh_remedy"]
    assert lane["en_remedy"]


def test_a_lane_paused_by_a_person_needs_no_explanation_of_ours(place: Place, run: Run) -> None:
    run("lane", "pause", "m001/main", "--reason", "settings: stock-taking")

    (lane,) = json.loads(run("status", "--json").output)["lanes"]

    assert (lane["runbook"], lane["zh_remedy"], lane["en_remedy"]) == (None, None, None)
    assert "docs/runbooks" not in run("status").output
