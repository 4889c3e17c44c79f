"""Signing is data: whatever text the settings describe, and nothing that is claimed to be right."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any

import pytest
from hands import NOON, HandClock
from yuannian_parts import at_sandbox, golden, said

from syncd.sandbox import Sandbox
from syncd.wire.http import Http
from syncd.wire.yuannian.envelope import enveloped, header
from syncd.wire.yuannian.sign import PARTS, PRESETS, BadTemplate, SignRule, spelled_out

HEADER = {"appId": "100002", "token": "demo_token", "timestamp": "2018-08-30T09:00:00", "vendor": "WECHAT"}
BODY = {"b": "1", "a": {"名": "甲"}}
WRITTEN = '{"b":"1","a":{"名":"甲"}}'


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest().upper()


@pytest.mark.parametrize(
    ("template", "text"),
    [
        (
            "preset:top_style",
            f"demo_secretappId100002timestamp2018-08-30T09:00:00tokendemo_tokenvendorWECHAT{WRITTEN}demo_secret",
        ),
        (
            "preset:qs_key",
            "appId=100002&timestamp=2018-08-30T09:00:00&token=demo_token&vendor=WECHAT&key=demo_secret",
        ),
        ("{appId}#{token}#{timestamp}#{secret}", "100002#demo_token#2018-08-30T09:00:00#demo_secret"),
        ("{body_json}", WRITTEN),
    ],
)
def test_the_text_that_is_signed_is_what_the_template_says(template: str, text: str) -> None:
    rule = SignRule(template, secret="demo_secret")

    assert rule.text(HEADER, rule.body(BODY)) == text
    assert rule.sign(HEADER, rule.body(BODY)) == md5(text)


def test_digest_case_and_what_is_left_out_are_settings() -> None:
    rule = SignRule("{header_kv_sorted}", secret="demo_secret", exclude=("sign", "token"))
    text = "appId100002timestamp2018-08-30T09:00:00vendorWECHAT"
    keyed = hmac.new(b"demo_secret", text.encode(), hashlib.sha256).hexdigest()

    assert rule.sign(HEADER, "{}") == md5(text)
    assert replace(rule, case="lower").sign(HEADER, "{}") == md5(text).lower()
    assert replace(rule, digest="sha1", case="lower").sign(HEADER, "") == hashlib.sha1(text.encode()).hexdigest()
    assert replace(rule, digest="sha256").sign(HEADER, "") == hashlib.sha256(text.encode()).hexdigest().upper()
    assert replace(rule, digest="hmac-sha256", case="lower").sign(HEADER, "") == keyed


def test_the_body_is_signed_as_it_is_sent_sorted_or_not_at_all() -> None:
    rule = SignRule("{body_json}{secret}", secret="s")
    in_order, none = replace(rule, canonical="sorted"), replace(rule, canonical="none")

    assert rule.body(BODY) == WRITTEN
    assert in_order.body(BODY) == '{"a":{"名":"甲"},"b":"1"}'
    assert in_order.text(HEADER, in_order.body(BODY)) == '{"a":{"名":"甲"},"b":"1"}s'
    assert none.text(HEADER, none.body(BODY)) == "s"


@pytest.mark.parametrize("template", ["{secrets}", "preset:other", "md5 of it all", "{secret}{body}", ""])
def test_a_template_that_names_nothing_is_refused(template: str) -> None:
    with pytest.raises(BadTemplate):
        spelled_out(template)


def test_what_stands_in_a_value_is_no_template() -> None:
    rule = SignRule("{token}{secret}", secret="{token}")

    assert rule.text({"token": "{secret}"}, "{}") == "{secret}{token}"


def test_the_secret_is_not_in_the_rules_own_words() -> None:
    assert "demo_secret" not in repr(SignRule("{secret}", secret="demo_secret"))


@pytest.mark.parametrize("name", ["import", "status-update", "qrcode", "search", "jsapi-sign", "import-jsapi"])
def test_the_envelope_has_the_fields_of_the_document_in_its_order(name: str) -> None:
    """The document's own requests (seed yuannian-wechat §2.1.5 and the following)."""
    sample: dict[str, Any] = golden(f"{name}-request")
    paging = {key: sample["header"][key] for key in ("page", "size") if key in sample["header"]}
    fields = {**header("100002", sample["header"]["token"], NOON), **paging}

    sent = said(enveloped(fields, sample["body"], SignRule("{body_json}{secret}")))

    assert set(sent["header"]) == set(sample["header"])
    assert {key: sent["header"][key] for key in ("appId", "vendor", "format", "version")} == {
        key: sample["header"][key] for key in ("appId", "vendor", "format", "version")
    }
    assert sent["header"]["timestamp"] == "2026-11-20T12:00:00"
    assert sent["body"] == sample["body"]


def test_the_signed_characters_are_the_ones_that_are_sent() -> None:
    rule = SignRule("{body_json}", secret="s")

    raw = enveloped(header("100002", "t", NOON), {"title": '甲/"乙'}, rule).decode()

    body = raw.partition(',"body":')[2][:-1]
    assert json.loads(body) == {"title": '甲/"乙'}
    assert said(raw.encode())["header"]["sign"] == md5(body)


@pytest.mark.parametrize(
    ("template", "body"),
    [
        ("preset:top_style", "compact"),
        ("preset:qs_key", "none"),
        ("{secret}.{timestamp}.{body_json}.{token}", "sorted"),
        ("{appId}#{token}#{timestamp}#{secret}", "compact"),
    ],
)
async def test_a_platform_that_signs_in_any_of_these_ways_takes_our_calls(
    sandbox: Sandbox, http: Http, hand: HandClock, template: str, body: Any
) -> None:
    sandbox.yuannian.switches.sign_template, sandbox.yuannian.switches.sign_body = template, body
    right = SignRule(template, secret="demo_secret", canonical=body)
    wrong = SignRule(next(one for one in ("preset:qs_key", "preset:top_style") if one != template), "demo_secret")

    assert await at_sandbox(sandbox, http, hand, rule=right).probe() is None
    refused = await at_sandbox(sandbox, http, hand, rule=wrong).probe()
    assert refused is not None
    assert refused.care == "settings"


def test_every_preset_is_made_of_known_parts() -> None:
    for text in PRESETS.values():
        assert spelled_out(text) == text
    assert "secret" in PARTS
