"""The signature of a page, against what WeChat publishes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from syncd.domain.jssdk import signature

_VECTORS = json.loads((Path(__file__).parents[1] / "data" / "vectors.json").read_text("utf-8"))["vectors"]
WECHAT = [one for one in _VECTORS if one["kind"] == "wechat_jsapi_sign"]


@pytest.mark.parametrize("vector", WECHAT, ids=[one["id"] for one in WECHAT])
def test_the_signature_is_the_one_that_wechat_publishes(vector: dict[str, dict[str, str]]) -> None:
    given = vector["inputs"]

    made = signature(given["jsapi_ticket"], given["noncestr"], int(given["timestamp"]), given["url"])

    assert made == vector["expected"]["sign"]


def test_another_url_is_signed_otherwise() -> None:
    """Nothing is percent-encoded on the way, and the order of the page's own parameters counts."""
    page = "https://h5.example.test/?a=1&b=2"

    assert signature("t", "n", 1, page) != signature("t", "n", 1, "https://h5.example.test/?b=2&a=1")
    assert signature("t", "n", 1, page) == signature("t", "n", 1, f"{page}#top")
