"""The catalogue's data files: complete, reachable, and quick on whatever a party may say."""

from __future__ import annotations

import ast
import re
import time
from pathlib import Path

import pytest

from syncd.catalogue import PLATFORMS, WIRE, Entry, Owner, entries, find, unlisted, verdict
from syncd.catalogue.entry import LONGEST_TEXT, BadEntry, read
from syncd.catalogue.names import CARES, OWNERS
from syncd.domain.trouble import LANE_WIDE, Care
from syncd.wire.issuers.nuonuo.errors import CODES, Meaning

ROOT = Path(__file__).parents[2]
ALL = [entry for platform in (*PLATFORMS, WIRE) for entry in entries(platform)]
EVERYTHING = [*ALL, unlisted()]


def of(entry: Entry) -> str:
    return entry.id


@pytest.mark.parametrize("entry", EVERYTHING, ids=of)
def test_every_entry_is_said_in_both_languages(entry: Entry) -> None:
    for zh, en in (entry.texts, entry.remedies):
        assert any("\u4e00" <= one <= "\u9fff" for one in zh), zh
        assert en.isascii() or not any("\u4e00" <= one <= "\u9fff" for one in en), en
        assert zh.endswith("。")
        assert en.endswith(".")


@pytest.mark.parametrize("entry", EVERYTHING, ids=of)
def test_every_entry_leads_to_a_runbook(entry: Entry) -> None:
    assert (ROOT / "docs" / "runbooks" / entry.runbook).is_file()


def test_ids_are_unique_and_tell_their_platform() -> None:
    ids = [entry.id for entry in EVERYTHING]

    assert len(ids) == len(set(ids))
    assert [entry.id for entry in ALL if not entry.id.startswith(f"{entry.platform}.")] == []


@pytest.mark.parametrize("entry", ALL, ids=of)
def test_every_entry_is_reached_by_its_own_samples(entry: Entry) -> None:
    """No entry hides behind an earlier one that takes everything it is about."""
    assert entry.samples
    for code, text in entry.samples:
        assert find(entry.platform, code, text) is entry, (code, text)


@pytest.mark.parametrize("entry", [entry for entry in ALL if entry.codes and entry.pattern is None], ids=of)
def test_every_code_of_an_entry_without_a_pattern_is_this_entry(entry: Entry) -> None:
    for code in entry.codes:
        assert find(entry.platform, code.replace("*", "x"), "") in (entry, *_more_exact(entry, code))


def _more_exact(entry: Entry, code: str) -> list[Entry]:
    return [other for other in entries(entry.platform) if code.endswith("*") and other is not entry]


@pytest.mark.parametrize("entry", ALL, ids=of)
def test_every_alternative_of_a_pattern_has_a_sample(entry: Entry) -> None:
    """Otherwise an alternative could be spelled wrong, or hide behind another entry, unnoticed."""
    if entry.pattern is None or "(" in entry.pattern.pattern:
        return
    texts = [text for _, text in entry.samples]
    for alternative in entry.pattern.pattern.split("|"):
        assert any(re.search(alternative, text, re.IGNORECASE) for text in texts), alternative


def test_every_class_and_every_owner_has_a_name() -> None:
    assert CARES.keys() == set(Care)
    assert OWNERS.keys() == set(Owner)


def test_every_class_of_the_domain_is_used() -> None:
    assert {entry.care for entry in EVERYTHING} == set(Care)


@pytest.mark.parametrize("entry", ALL, ids=of)
def test_a_lane_rests_for_a_stated_time_and_nothing_else_does(entry: Entry) -> None:
    """But for Nuonuo's re-seals, which are counted per invoice: no lane rests for them."""
    if entry.vendor_class != Meaning.LIMIT:
        assert (entry.rest_for is not None) == (entry.care in LANE_WIDE)


@pytest.mark.parametrize("entry", ALL, ids=of)
def test_who_must_act_fits_the_class(entry: Entry) -> None:
    owners = {
        Care.RETRY_SOON: {Owner.NOBODY},
        Care.REST_LANE: {Owner.NOBODY},
        Care.SPLIT: {Owner.NOBODY},
        Care.UNKNOWN: {Owner.NOBODY},
        Care.CLOCK: {Owner.INTEGRATOR},
        Care.SETTINGS: {Owner.INTEGRATOR},
        Care.UNCLASSIFIED: {Owner.INTEGRATOR},
        Care.PERSON: {Owner.ISSUER},
        Care.DATA: {Owner.CLERK},
        Care.REFUSED: {Owner.CLERK, Owner.INTEGRATOR},
    }

    assert entry.owner in owners[entry.care]


# -- what the vendors list ---------------------------------------------------------------------------------------------

TOP_CODES = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, *range(21, 35), 40, 41, 42, 43, *range(100, 112), 900, 901, 902]


@pytest.mark.parametrize("code", TOP_CODES)
def test_every_code_of_top_is_listed(code: int) -> None:
    assert find("top", str(code), "") is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "App Call Limited",
        "accesscontrol.limited-by-app-access-count This ban will last for 31062 more seconds",
        "accesscontrol.limited-by-api-access-count This ban will last for 1 more seconds",
        "accesscontrol.limited-by-app-api-access-count This ban will last for 2 more seconds",
        "isv.anything-at-all",
        "isp.anything-at-all",
    ],
)
def test_code_7_of_top_is_a_rate_limit_and_never_a_failure(text: str) -> None:
    assert verdict("top", "7", text).care is Care.REST_LANE


@pytest.mark.parametrize(
    ("text", "rest_for"),
    [
        ("accesscontrol.limited-by-app-access-count This ban will last for 31062 more seconds", 31063),
        ("accesscontrol.limited-by-api-access-count This ban will last for 1 more second", 2),
        ("accesscontrol.limited-by-api-access-count", 60),
        ("accesscontrol.limited-by-app-access-count This ban will last for 999999 more seconds", 86_400),
    ],
)
def test_a_ban_lasts_as_long_as_it_says(text: str, rest_for: float) -> None:
    assert verdict("top", "7", text).rest_for == rest_for


@pytest.mark.parametrize("code", ["15", "50"])
@pytest.mark.parametrize(
    ("text", "care"),
    [
        ("isp.remote-service-timeout x", Care.UNKNOWN),
        ("isp.http-connection-refuse x", Care.RETRY_SOON),
        ("isp.never-heard-of x", Care.RETRY_SOON),
        ("isv.invalid-parameter 非法参数", Care.DATA),
        ("isv.never-heard-of x", Care.REFUSED),
        ("isv.data-duplicate-error x", Care.RETRY_SOON),
        ("isv.permission-api-package-limit x", Care.SETTINGS),
        ("something.else x", Care.UNCLASSIFIED),
        ("Remote service error", Care.UNCLASSIFIED),
        ("", Care.UNCLASSIFIED),
    ],
)
def test_an_error_behind_top_is_told_by_the_prefix_of_its_sub_code(code: str, text: str, care: Care) -> None:
    assert verdict("top", code, text).care is care


def test_what_the_client_of_nuonuo_acts_on_is_what_people_are_told() -> None:
    for code, rule in CODES.items():
        entry = find("nuonuo", code, "")
        assert entry is not None
        assert (entry.vendor_class, entry.care) == (rule.meaning, rule.care)


@pytest.mark.parametrize(
    ("platform", "code", "text"),
    [
        ("wdt", "100", "单据状态不允许回传!"),
        ("wdt", "77", ""),
        ("nuonuo", "E9777", "什么"),
        ("top", "12345", "x"),
        ("nobody", "7", "x"),
        ("", "", ""),
    ],
)
def test_what_is_in_no_entry_is_unclassified_and_nobody_rests_for_it(platform: str, code: str, text: str) -> None:
    found = verdict(platform, code, text)

    assert find(platform, code, text) is None
    assert (found.care, found.rest_for) == (Care.UNCLASSIFIED, None)


def test_what_our_wire_says_in_place_of_a_party_is_known_for_every_party() -> None:
    for platform in (*PLATFORMS, "anybody"):
        assert verdict(platform, "http_502", "").care is Care.UNKNOWN
        assert verdict(platform, "http_429", "").care is Care.REST_LANE
        assert verdict(platform, "not_sent.certificate", "").care is Care.SETTINGS
        assert verdict(platform, "not_sent.refused", "").care is Care.RETRY_SOON


def codes_of_ours() -> list[tuple[str, str]]:
    """The code of every verdict that our own code makes with a code of its own, and where."""
    found = []
    for source in sorted([*(ROOT / "syncd/wire").rglob("*.py"), *(ROOT / "syncd/stages").rglob("*.py")]):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Verdict":
                match node.args[2:3]:
                    case [ast.Constant(value=str(code))]:
                        found.append((code, source.name))
                    case [ast.JoinedStr(values=parts)]:
                        code = "".join(str(p.value) if isinstance(p, ast.Constant) else "502" for p in parts)
                        found.append((code, source.name))
    return found


def test_every_code_of_our_own_making_is_explained_like_a_partys() -> None:
    codes = codes_of_ours()

    assert len(codes) > 8
    assert [
        (code, where)
        for code, where in codes
        if code != "batch" and not any(find(platform, code, "") for platform in PLATFORMS)
    ] == []


# -- hostile texts -----------------------------------------------------------------------------------------------------

SIZE = 100_000


def hostile(entry: Entry) -> list[str]:
    """Texts that almost match, over and over."""
    heads = [text[:-1] for _, text in entry.samples if len(text) > 1]
    words = [*heads, "a", " ", "isp.", "isp.a", "isv.-", "1", "-", "last for 1", "\n", "超"]
    return [(word * (SIZE // len(word) + 1))[:SIZE] for word in words if word]


@pytest.mark.parametrize("entry", [one for one in ALL if one.pattern or one.rest_in], ids=of)
def test_no_pattern_is_slow_on_a_hostile_text(entry: Entry) -> None:
    """S35. The whole text is given to the pattern itself; what a party says is cut before that."""
    for pattern in (entry.pattern, entry.rest_in):
        for text in hostile(entry) if pattern else []:
            best = min(_seconds(pattern, text) for _ in range(3))
            assert best < 0.05, (pattern, text[:30])


def _seconds(pattern: object, text: str) -> float:
    started = time.perf_counter()
    pattern.search(text)  # type: ignore[attr-defined]
    return time.perf_counter() - started


def test_only_the_beginning_of_a_text_is_looked_at() -> None:
    assert find("wdt", "100", "x" * LONGEST_TEXT + "权限不足") is None


# -- the form ----------------------------------------------------------------------------------------------------------

GOOD: dict[str, object] = {
    "id": "x.one",
    "class": "X",
    "care": "data",
    "owner": "clerk",
    "zh": "一",
    "en": "one",
    "zh_do": "做",
    "en_do": "do",
    "runbook": "bad-data.md",
    "samples": ["1: x"],
}


def test_a_complete_entry_is_read() -> None:
    assert read("x", GOOD).care is Care.DATA


@pytest.mark.parametrize(
    "change",
    [
        {"care": "nonsense"},
        {"owner": "somebody"},
        {"zh": " "},
        {"en_do": 3},
        {"pattern": "("},
        {"rest": 0},
        {"rest": -5},
        {"rest": 90_000},
        {"rest": True},
        {"codes": [1]},
        {"codes": "7"},
        {"samples": ["without a colon"]},
        {"colour": "blue"},
    ],
    ids=str,
)
def test_a_faulty_entry_is_refused_by_name(change: dict[str, object]) -> None:
    with pytest.raises(BadEntry, match=r"x\.one"):
        read("x", {**GOOD, **change})


@pytest.mark.parametrize("missing", [name for name in GOOD if name != "samples"])
def test_an_entry_with_a_field_missing_is_refused(missing: str) -> None:
    with pytest.raises(BadEntry):
        read("x", {name: value for name, value in GOOD.items() if name != missing})
