from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hands import NOON

from syncd.wire.issuers.nuonuo.sign import Stamp, sign, stamp

VECTORS = [
    vector
    for vector in json.loads((Path(__file__).parents[2] / "data" / "vectors.json").read_text())["vectors"]
    if vector["kind"] == "nuonuo_sign"
]


def signed(inputs: dict[str, Any], **changes: str) -> str:
    told = {**inputs, **changes}
    stamped = Stamp(told["appkey"], told["senid"], told["nonce"], told["timestamp"])
    return sign(told["secret"], told["path"], stamped, told["body"].encode())


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["id"] for vector in VECTORS])
def test_the_published_vectors_are_signed_as_published(vector: dict[str, Any]) -> None:
    assert signed(vector["inputs"]) == vector["expected"]["sign"]


def test_there_are_three_published_vectors() -> None:
    assert len(VECTORS) == 3


@pytest.mark.parametrize(
    "changed",
    [{"secret": "x"}, {"path": "/open/v2/services"}, {"nonce": "12345679"}, {"timestamp": "1"}, {"body": "{}"}],
)
def test_the_signature_covers_every_part(changed: dict[str, str]) -> None:
    inputs = VECTORS[0]["inputs"]

    assert signed(inputs, **changed) != signed(inputs)


def test_an_address_without_three_segments_cannot_be_signed() -> None:
    with pytest.raises(ValueError, match="three path segments"):
        signed(VECTORS[0]["inputs"], path="/open/v1")


def test_a_stamp_has_the_shape_that_the_gateway_checks() -> None:
    random = Random(1)

    stamps = [stamp("demo_key", NOON, random) for _ in range(200)]

    assert all(len(one.senid) == 32 and one.senid.isalnum() for one in stamps)
    assert all(len(one.nonce) == 8 and one.nonce[0] != "0" for one in stamps)
    assert {one.timestamp for one in stamps} == {"1795147200"}
    assert len({one.senid for one in stamps}) == len({one.nonce for one in stamps}) == 200
