from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from hands import NOON, HandClock, Shelf
from nuonuo_parts import APP_SECRET, TOKEN, Gateway, Says, fetched_token, says
from structlog.testing import capture_logs

from syncd.domain.ports import Token
from syncd.domain.trouble import Care
from syncd.sandbox import Sandbox, SandboxOptions
from syncd.wire.http import Http
from syncd.wire.issuers.nuonuo.token import NoToken, StaticToken, TokenSource


def granted(token: str, expires_in: object = "86400") -> Says:
    return Says(json.dumps({"access_token": token, "expires_in": expires_in}).encode())


@pytest.fixture
async def sandbox(clock: HandClock) -> AsyncIterator[Sandbox]:
    async with Sandbox(SandboxOptions(seed=1, clock=clock.unix)) as running:
        yield running


async def why_none(source: TokenSource) -> NoToken:
    with pytest.raises(NoToken) as caught:
        await source.current()
    return caught.value


# --- the allowance ------------------------------------------------------------------------------------------------


async def test_sixty_restarts_in_an_hour_cause_one_token_call(sandbox: Sandbox, http: Http, clock: HandClock) -> None:
    shelf = Shelf()

    tokens = set()
    for _ in range(60):
        tokens.add(await fetched_token(sandbox.token_url, shelf, http, clock).current())
        clock.move(60)

    assert sandbox.nuonuo.token_calls == 1
    assert len(tokens) == 1


async def test_sixty_restarts_cause_one_call_when_the_server_dies_after_it(
    sandbox: Sandbox, http: Http, clock: HandClock
) -> None:
    shelf = Shelf()
    sandbox.nuonuo.faults.force("accessToken", "lost_after", times=60)

    codes = [(await why_none(fetched_token(sandbox.token_url, shelf, http, clock))).verdict.code]
    for _ in range(59):
        clock.move(10)
        codes.append((await why_none(fetched_token(sandbox.token_url, shelf, http, clock))).verdict.code)

    assert sandbox.nuonuo.token_calls == 1
    assert codes == ["reset"] + ["token_rest"] * 59


async def test_a_month_of_lost_tokens_stays_under_the_vendors_fifty(
    sandbox: Sandbox, http: Http, clock: HandClock
) -> None:
    shelf = Shelf()
    sandbox.nuonuo.faults.force("accessToken", "lost_after", times=1000)

    for _ in range(100):
        clock.move(3600)
        await why_none(fetched_token(sandbox.token_url, shelf, http, clock))

    assert sandbox.nuonuo.token_calls == 45


async def test_workers_that_start_together_fetch_once(sandbox: Sandbox, http: Http, clock: HandClock) -> None:
    source = fetched_token(sandbox.token_url, Shelf(), http, clock)

    tokens = await asyncio.gather(*(source.current() for _ in range(20)))

    assert sandbox.nuonuo.token_calls == 1
    assert len(set(tokens)) == 1


# --- the life of a token ------------------------------------------------------------------------------------------


async def test_a_token_is_replaced_a_minute_before_its_end(http: Http, clock: HandClock) -> None:
    async with Gateway(granted("first", "3600"), granted("second", 3600)) as gateway:
        source = fetched_token(gateway.token_url, Shelf(), http, clock)

        before = await source.current()
        clock.move(3539)
        still = await source.current()
        clock.move(2)
        after = await source.current()

    assert (before, still, after) == ("first", "first", "second")


async def test_an_ending_token_serves_its_last_minute_when_no_other_can_be_had(http: Http, clock: HandClock) -> None:
    async with Gateway(granted("first", "3600"), Says(status=502)) as gateway:
        source = fetched_token(gateway.token_url, Shelf(), http, clock)

        await source.current()
        clock.move(3570)
        ending = await source.current()
        clock.move(30)
        ended = await why_none(source)

    assert ending == "first"
    assert ended.verdict.code == "token_rest"


@pytest.mark.parametrize("stated", [None, "", "never", "-1", 0, "9" * 40, [1]])
async def test_a_life_that_cannot_be_read_lasts_until_the_token_is_refused(
    stated: object, http: Http, clock: HandClock
) -> None:
    shelf = Shelf()
    async with Gateway(granted("lasting", stated)) as gateway:
        source = fetched_token(gateway.token_url, shelf, http, clock)

        await source.current()
        clock.move(10 * 365 * 86_400)

        assert await source.current() == "lasting"
    assert shelf.tokens["main"].expires_at is None


async def test_a_refused_token_is_renewed_once(http: Http, clock: HandClock) -> None:
    async with Gateway(granted("first"), granted("second")) as gateway:
        source = fetched_token(gateway.token_url, Shelf(), http, clock)
        refused = await source.current()
        clock.move(600)

        renewed = [await source.renewed(refused) for _ in range(5)]

        assert len(gateway.heard) == 2
    assert renewed == ["second"] * 5


async def test_a_token_that_another_worker_renewed_is_taken_from_the_shelf(http: Http, clock: HandClock) -> None:
    shelf = Shelf()
    async with Gateway(granted("first"), granted("second")) as gateway:
        ours = fetched_token(gateway.token_url, shelf, http, clock)
        theirs = fetched_token(gateway.token_url, shelf, http, clock)
        refused = await ours.current()
        clock.move(600)
        await theirs.renewed(refused)

        assert await ours.renewed(refused) == "second"
        assert await ours.current() == "second"
        assert len(gateway.heard) == 2


async def test_no_second_renewal_follows_minutes_after_the_first(http: Http, clock: HandClock) -> None:
    async with Gateway(granted("first"), granted("second")) as gateway:
        source = fetched_token(gateway.token_url, Shelf(), http, clock)
        refused = await source.current()
        clock.move(599)

        with pytest.raises(NoToken) as caught:
            await source.renewed(refused)

        assert len(gateway.heard) == 1
    assert caught.value.verdict.care is Care.REST_LANE


async def test_a_configured_token_is_never_renewed_by_us() -> None:
    source = StaticToken(TOKEN)

    with pytest.raises(NoToken) as caught:
        await source.renewed(await source.current())

    assert caught.value.verdict.care is Care.SETTINGS


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX-Evil: 1", "令牌", "a" * 513])
async def test_a_token_that_cannot_stand_in_a_header_is_none(token: str, http: Http, clock: HandClock) -> None:
    with pytest.raises(ValueError):
        StaticToken(token)

    async with Gateway(granted(token)) as gateway:
        assert isinstance(await why_none(fetched_token(gateway.token_url, Shelf(), http, clock)), NoToken)


# --- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "care", "code"),
    [
        (says("070306", "获取token次数超过限制"), Care.PERSON, "070306"),
        (Says(b'{"error":"070306","error_description":"x"}'), Care.PERSON, "070306"),
        (Says(b'{"error":"invalid_client"}', status=401), Care.SETTINGS, "invalid_client"),
        (says("070101", "appkey"), Care.SETTINGS, "070101"),
        (says("E9999", "系统异常"), Care.REST_LANE, "E9999"),
        (Says(b"<html>", content_type="text/html"), Care.REST_LANE, "token_http_200"),
        (Says(b"", status=503), Care.REST_LANE, "token_http_503"),
        (Says(b"null"), Care.REST_LANE, "token_http_200"),
        (Says(b"", status=302, headers={"Location": "/elsewhere"}), Care.REST_LANE, "token_http_302"),
        (Says(then="reset"), Care.REST_LANE, "reset"),
        (Says(then="hang"), Care.REST_LANE, "timeout"),
    ],
)
async def test_each_way_of_getting_no_token_has_its_owner(
    answer: Says, care: Care, code: str, http: Http, clock: HandClock
) -> None:
    async with Gateway(answer) as gateway:
        trouble = await why_none(fetched_token(gateway.token_url, Shelf(), http, clock))

        assert len(gateway.heard) == 1
    assert (trouble.verdict.care, trouble.verdict.code) == (care, code)
    assert trouble.verdict.rest_for


async def test_the_call_is_a_client_credentials_form(http: Http, clock: HandClock) -> None:
    async with Gateway(granted("fresh")) as gateway:
        await fetched_token(gateway.token_url, Shelf(), http, clock, app_secret="a&b=c").current()

        (heard,) = gateway.heard
    assert heard.body == b"client_id=demo_key&client_secret=a%26b%3Dc&grant_type=client_credentials"
    assert heard.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert heard.query == {}


# --- the seal -----------------------------------------------------------------------------------------------------


async def test_the_shelf_never_holds_the_token_in_clear(sandbox: Sandbox, http: Http, clock: HandClock) -> None:
    shelf = Shelf()

    token = await fetched_token(sandbox.token_url, shelf, http, clock).current()

    assert token.encode() not in shelf.tokens["main"].sealed
    assert shelf.tokens["main"].expires_at == NOON + timedelta(days=1)


async def test_each_sealing_takes_its_own_nonce(http: Http, clock: HandClock) -> None:
    shelf = Shelf()
    async with Gateway(granted("same"), granted("same")) as gateway:
        source = fetched_token(gateway.token_url, shelf, http, clock)
        await source.current()
        first = shelf.tokens["main"].sealed
        clock.move(600)
        await source.renewed("same")

    assert shelf.tokens["main"].sealed[:12] != first[:12]


@pytest.mark.parametrize("changed", [{"app_secret": "another"}, {"app_key": "another"}])
async def test_another_apps_token_is_no_token_of_ours(changed: dict[str, str], http: Http, clock: HandClock) -> None:
    shelf = Shelf()
    async with Gateway(granted("first"), granted("second")) as gateway:
        await fetched_token(gateway.token_url, shelf, http, clock).current()
        clock.move(600)

        assert await fetched_token(gateway.token_url, shelf, http, clock, **changed).current() == "second"


@pytest.mark.parametrize("sealed", [b"", b"short", b"\0" * 60])
async def test_a_damaged_seal_is_no_token(sealed: bytes, http: Http, clock: HandClock) -> None:
    shelf = Shelf({"main": Token(sealed, None)})
    async with Gateway(granted("fresh")) as gateway:
        assert await fetched_token(gateway.token_url, shelf, http, clock).current() == "fresh"


async def test_nothing_that_can_be_printed_shows_token_or_secret(http: Http, clock: HandClock) -> None:
    async with Gateway(granted("canary_token"), says("070101", "no")) as gateway:
        source = fetched_token(gateway.token_url, Shelf(), http, clock)
        with capture_logs() as logs:
            token = await source.current()
            clock.move(600)
            with pytest.raises(NoToken) as caught:
                await source.renewed(token)

        printed = f"{source!r} {source._grant!r} {source._seal!r} {caught.value!r} {caught.value} {logs}"
    assert [one["event"] for one in logs] == ["creds.refreshed"]
    assert "canary_token" not in printed + repr(StaticToken("canary_token"))
    assert APP_SECRET not in printed
