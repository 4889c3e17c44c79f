import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest

from syncd.wire.wdt.sign import Secret, sign, timestamp
from syncd.wire.wdt.times import beijing_text, created_at, from_beijing, from_epoch_ms

VECTORS = json.loads((Path(__file__).parents[2] / "data" / "vectors.json").read_text())["vectors"]


def vectors(kind: str) -> list[pytest.param]:
    found = [pytest.param(one["inputs"], one["expected"], id=one["id"]) for one in VECTORS if one["kind"] == kind]
    assert found
    return found


@pytest.mark.parametrize(("inputs", "expected"), vectors("wdt_sign"))
def test_the_signature_is_the_vendors(inputs: dict, expected: dict):
    body = inputs["body"].encode()

    signed = sign(Secret(inputs["secret"], inputs["query"]["salt"]), inputs["query"], body)

    assert signed == expected["sign"]
    assert len(body) == expected.get("body_bytes", len(body))


@pytest.mark.parametrize(("inputs", "expected"), vectors("wdt_timestamp"))
def test_the_stamp_counts_from_2012_in_beijing(inputs: dict, expected: dict):
    instant = datetime.fromtimestamp(inputs["unix"], UTC)

    assert timestamp(instant) == expected["timestamp"]
    assert timestamp(instant.replace(microsecond=999_999)) == expected["timestamp"]
    assert beijing_text(instant) == inputs["beijing"]
    assert from_beijing(inputs["beijing"]) == instant


@pytest.mark.parametrize(("inputs", "expected"), vectors("wdt_appsecret_split"))
def test_an_appsecret_is_split_at_its_colon(inputs: dict, expected: dict):
    secret = Secret.parse(inputs["appsecret"])

    assert (secret.secret, secret.salt) == (expected["secret"], expected["salt"])


@pytest.mark.parametrize(("inputs", "expected"), vectors("form_decode"))
def test_a_plus_sent_as_it_is_would_arrive_as_a_space(inputs: dict, expected: dict):
    """Why the query must be percent-encoded while the signature runs over the raw values."""
    arrived = dict(parse_qsl(inputs["raw"]))

    assert arrived == expected["values"]
    assert dict(parse_qsl(urlencode({"salt": "5alt+/=1"}))) == {"salt": "5alt+/=1"}


@pytest.mark.parametrize(("inputs", "expected"), vectors("epoch_ms_to_beijing"))
def test_milliseconds_since_1970_are_a_beijing_time(inputs: dict, expected: dict):
    assert beijing_text(from_epoch_ms(inputs["ms"])) == expected["beijing"]


@pytest.mark.parametrize("appsecret", ["demosecret:demosalt\n", "demosecret:demosalt  ", "demosecret:demosalt\r\n"])
def test_what_a_secret_file_leaves_at_its_end_is_dropped(appsecret: str):
    assert Secret.parse(appsecret) == Secret("demosecret", "demosalt")


def test_only_the_first_colon_splits():
    assert Secret.parse("demo:salt:with:colons") == Secret("demo", "salt:with:colons")


@pytest.mark.parametrize(
    "appsecret", ["nocolon", "", ":salt", "secret:", "demo\nsecret:salt", "demo:sa\rlt", "a:b\x00c"]
)
def test_a_half_appsecret_or_one_with_a_line_break_is_refused_without_being_shown(appsecret: str):
    with pytest.raises(ValueError) as caught:
        Secret.parse(appsecret)

    assert "demo" not in str(caught.value)


def test_a_secret_is_never_shown():
    secret = Secret.parse("canary1:canary2")

    assert "canary" not in f"{secret} {secret!r}"


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(ValueError):
        beijing_text(datetime(2026, 11, 20))  # noqa: DTZ001


@pytest.mark.parametrize(
    "value", [1549943699000, "1549943699000", 1549943699, "1549943699", 1.549943699e12, "2019-02-12 11:54:59"]
)
def test_a_creation_time_is_understood_in_all_its_spellings(value: object):
    assert created_at(value) == datetime(2019, 2, 12, 3, 54, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [None, "", 0, "0", -1, "0000-00-00 00:00:00", "2026-12-31 23:59:60", "2019-02-12", "soon", True, [1], 1e300],
)
def test_an_unreadable_creation_time_is_none(value: object):
    """F106: a leap second has no place in a calendar, and the poll goes on."""
    assert created_at(value) is None


def test_a_leap_day_is_a_day():
    """F106"""
    assert created_at("2028-02-29 07:59:59") == datetime(2028, 2, 28, 23, 59, 59, tzinfo=UTC)
