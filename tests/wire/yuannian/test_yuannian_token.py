"""Where the token comes from: configured, in a file that changes, or fetched and shared."""

from __future__ import annotations

import base64
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hands import HandClock, Shelf
from wire_server import RawServer, reply
from yuannian_parts import VECTORS, at_sandbox, ref

from syncd.domain.ports import Token
from syncd.domain.trouble import Care
from syncd.domain.wallet import Holder
from syncd.sandbox import Sandbox
from syncd.wire.http import Http
from syncd.wire.yuannian.seal import HolderSeal, Seal
from syncd.wire.yuannian.token import (
    FetchedToken,
    FileToken,
    NoToken,
    StaticToken,
    TokenRequest,
    expires_at,
    references_of,
)

FIELDS = {"grant_type": "client_credentials", "client_id": "$app_id", "client_secret": "$secret"}


def fetched(url: str, http: Http, hand: HandClock, shelf: Shelf, **more: Any) -> FetchedToken:
    return FetchedToken(
        name="yuannian/m001",
        request=TokenRequest(url=url, fields=FIELDS, **more),
        app_id="100002",
        secret="demo_secret",
        shelf=shelf,
        seal=Seal("demo_secret", "token", os.urandom),
        http=http,
        clock=hand,
    )


# -- in a file ---------------------------------------------------------------------------------------------------------


async def test_a_token_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "token"
    source = FileToken(file)
    with pytest.raises(NoToken):
        await source.current()

    file.write_text("first\n")
    first = await source.current()
    file.write_text("other\n")

    assert (first, await source.current(), await source.renewed("first")) == ("first", "other", "other")
    with pytest.raises(NoToken) as refused:
        await source.renewed("other")
    assert refused.value.verdict.care is Care.SETTINGS


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", "令牌".encode(), b"two words", b"x" * 5000])
async def test_while_a_file_is_being_replaced_the_last_token_serves(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_text("first")
    source = FileToken(file)
    await source.current()

    file.write_bytes(content)

    assert await source.current() == "first"


async def test_a_renewed_file_ends_the_trouble_within_the_same_call(
    sandbox: Sandbox, http: Http, hand: HandClock, tmp_path: Path
) -> None:
    """The platform refuses the old token; meanwhile somebody has put a new one into the file."""
    card = sandbox.yuannian.put_card("26332000000000000001")
    file = tmp_path / "token"
    file.write_text(sandbox.yuannian.token)
    wallet = at_sandbox(sandbox, http, hand, token=FileToken(file))
    await wallet.import_cards([ref(card)])

    sandbox.yuannian.expire_token(sandbox.yuannian.token)
    file.write_text(sandbox.yuannian.issue_token(3600))

    assert len(await wallet.import_cards([ref(card)])) == 1


async def test_a_static_token_is_what_it_is() -> None:
    assert await StaticToken("demo_token").current() == "demo_token"
    with pytest.raises(NoToken):
        await StaticToken("demo_token").renewed("demo_token")
    for bad in ("", "two words", "令牌"):
        with pytest.raises(ValueError, match="token"):
            StaticToken(bad)


# -- fetched -----------------------------------------------------------------------------------------------------------


async def test_a_fetched_token_is_shared_and_sealed(sandbox: Sandbox, http: Http, hand: HandClock) -> None:
    shelf = Shelf()
    source = fetched(sandbox.yuannian_token_url, http, hand, shelf)
    card = sandbox.yuannian.put_card("26332000000000000001")

    await at_sandbox(sandbox, http, hand, token=source).import_cards([ref(card)])
    again = await fetched(sandbox.yuannian_token_url, http, hand, shelf).current()

    assert again == await source.current()
    assert len(shelf.attempts) == 1
    assert again.encode() not in shelf.tokens["yuannian/m001"].sealed


async def test_a_token_is_renewed_shortly_before_it_ends(sandbox: Sandbox, http: Http, hand: HandClock) -> None:
    source = fetched(sandbox.yuannian_token_url, http, hand, Shelf())
    first = await source.current()

    hand.move(7200 - 61)
    assert await source.current() == first
    hand.move(2)

    assert await source.current() != first


async def test_a_refused_token_is_renewed_once_a_minute_at_most(sandbox: Sandbox, http: Http, hand: HandClock) -> None:
    source = fetched(sandbox.yuannian_token_url, http, hand, Shelf())
    first = await source.current()

    with pytest.raises(NoToken) as rests:
        await source.renewed(first)
    hand.move(60)
    second = await source.renewed(first)

    assert rests.value.verdict.care is Care.REST_LANE
    assert second != first


@pytest.mark.parametrize("form", ["form", "json"])
async def test_the_request_and_where_its_token_stands_are_settings(
    raw_server: RawServer, http: Http, hand: HandClock, form: Any
) -> None:
    raw_server.answer(reply({"data": {"jwt": "abc.def"}}))
    source = fetched(raw_server.url, http, hand, Shelf(), form=form, path="data.jwt", life=timedelta(minutes=5))

    token = await source.current()

    body = raw_server.arrived[0].body.decode()
    sent = json.loads(body) if form == "json" else dict(part.split("=") for part in body.split("&"))
    assert token == "abc.def"
    assert sent == {"grant_type": "client_credentials", "client_id": "100002", "client_secret": "demo_secret"}


@pytest.mark.parametrize(
    "answer",
    [
        reply({"error": "invalid_client"}, 401),
        reply("<html>"),
        reply({"data": None}),
        reply({"data": {"jwt": 7}}),
        reply({"data": {"jwt": "two words"}}),
        reply("", 500),
    ],
)
async def test_an_answer_without_a_token_is_told_and_not_repeated_at_once(
    raw_server: RawServer, http: Http, hand: HandClock, answer: bytes
) -> None:
    raw_server.answer(answer)
    source = fetched(raw_server.url, http, hand, Shelf(), path="data.jwt")

    for _ in range(3):
        with pytest.raises(NoToken):
            await source.current()

    assert len(raw_server.arrived) == 1


async def test_a_shelf_under_another_secret_has_no_token_for_us(http: Http, hand: HandClock) -> None:
    other = Seal("other_secret", "token", os.urandom).closed("stolen", "yuannian/m001")
    shelf = Shelf({"yuannian/m001": Token(other, None)})

    with pytest.raises(NoToken):
        await fetched("http://127.0.0.1:1/token", http, hand, shelf).current()


def test_a_reference_to_nothing_is_found() -> None:
    assert references_of({**FIELDS, "x": "$sercet"}) == ["$sercet"]
    assert references_of(FIELDS) == []


# -- when a token ends -------------------------------------------------------------------------------------------------


def jwt(payload: object) -> str:
    part = base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=").decode()
    return f"eyJhbGciOiJIUzUxMiJ9.{part}.c2VhbA"


def test_a_token_that_says_when_it_ends_is_believed_for_a_warning() -> None:
    assert expires_at(jwt({"exp": 1_800_000_000})) == datetime.fromtimestamp(1_800_000_000, UTC)


@pytest.mark.parametrize(
    "token",
    [
        "demo_token",
        "a.b.c",
        jwt({"exp": True}),
        jwt({"exp": "soon"}),
        jwt({"exp": -1}),
        jwt([]),
        jwt({}),
        *(one["inputs"]["token"] for one in VECTORS if one["id"].startswith("yuannian-token")),
    ],
)
def test_no_other_token_says_so(token: str) -> None:
    """The document's samples are clipped, and one is misread into no JSON at all."""
    assert expires_at(token) is None


# -- sealing -----------------------------------------------------------------------------------------------------------


def test_a_holders_data_open_only_for_their_card_under_their_secret() -> None:
    seal = HolderSeal("demo_secret", "100002", os.urandom)
    holder = Holder("code", "openid", "个人", "T1", "https://x.example.test/")

    sealed = seal.closed("c1", holder)

    assert seal.opened("c1", sealed) == holder
    assert seal.opened("c2", sealed) is None
    assert HolderSeal("other", "100002", os.urandom).opened("c1", sealed) is None
    assert HolderSeal("demo_secret", "100003", os.urandom).opened("c1", sealed) is None
    assert seal.opened("c1", sealed[:-1] + b"x") is None
    assert seal.opened("c1", b"") is None
    for text in ("code", "openid", "个人", "T1", "example"):
        assert text.encode() not in sealed


def test_nothing_is_sealed_without_a_secret() -> None:
    with pytest.raises(ValueError, match="key"):
        HolderSeal("", "100002", os.urandom)
