"""Whatever the network does, the answer is an outcome, and it never says more than is known."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hands import HandClock, Shelf
from nuonuo_parts import APP_SECRET, KEY, OTHER_KEY, SELLER, TOKEN, Gateway, Says, fetched_token, issuer, request, says
from structlog.testing import capture_logs

from syncd.domain.outcome import Blocked, Duplicate, Issued, NotFound, Outcome, Processing, Unknown
from syncd.domain.trouble import Care
from syncd.sandbox import Sandbox, SandboxOptions
from syncd.wire.http import Http
from syncd.wire.issuers.nuonuo.client import NuonuoIssuer
from syncd.wire.issuers.nuonuo.sign import Stamp, sign
from syncd.wire.pace import Pacer

BODY = '{"order":{"orderNo":"FP202611200001ABCDEF","buyerName":"个人"}}'.encode()
ACCEPTED = says("E0000", "开票提交成功", {"invoiceSerialNum": "S1"})


class Deaf(Pacer):
    """Does not hear that it should slow down, so that each call gets its own answer."""

    async def slow(self, began_at: datetime, rest_for: float | None) -> None:
        return


async def every_answer(nuonuo: NuonuoIssuer) -> list[Outcome]:
    """What each kind of call makes of the same answer."""
    asked = await nuonuo.ask([KEY, OTHER_KEY])
    return [await nuonuo.submit(KEY, BODY), *asked.values(), await nuonuo.revive(KEY, "S1")]


# --- what is sent -------------------------------------------------------------------------------------------------


async def test_the_frozen_bytes_are_what_is_sent_and_signed(clock: HandClock, http: Http) -> None:
    async with Gateway(ACCEPTED) as gateway:
        await issuer(gateway.url, clock, http).submit(KEY, BODY)

        (heard,) = gateway.heard
    query = heard.query
    stamped = Stamp(query["appkey"], query["senid"], query["nonce"], query["timestamp"])
    assert heard.body == BODY
    assert heard.headers["X-Nuonuo-Sign"] == sign(APP_SECRET, "/open/v1/services", stamped, BODY)
    assert heard.headers["Content-Type"] == "application/json"
    assert heard.headers["accessToken"] == TOKEN
    assert heard.headers["userTax"] == SELLER
    assert heard.headers["method"] == "nuonuo.OpeMplatform.requestBillingNew"
    assert int(query["timestamp"]) == clock.now().timestamp()


async def test_each_attempt_is_stamped_and_signed_anew(clock: HandClock, http: Http) -> None:
    async with Gateway(ACCEPTED) as gateway:
        nuonuo = issuer(gateway.url, clock, http)
        await nuonuo.submit(KEY, BODY)
        clock.move(3600)
        await nuonuo.submit(KEY, BODY)

        first, second = gateway.heard
    assert first.body == second.body
    assert int(second.query["timestamp"]) - int(first.query["timestamp"]) == 3600
    assert first.headers["X-Nuonuo-Sign"] != second.headers["X-Nuonuo-Sign"]
    assert first.query["senid"] != second.query["senid"]


# --- answers lost and found ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "found", "again"),
    [
        ("lost_after", Issued, Duplicate),
        ("http_502_after", Issued, Duplicate),
        ("html_200_after", Issued, Duplicate),
        ("truncated", Issued, Duplicate),
        ("empty", Issued, Duplicate),
        ("E9999_after", Issued, Duplicate),
        ("hung", Issued, Duplicate),
        ("lost_before", NotFound, Processing),
        ("http_502_before", NotFound, Processing),
        ("html_200", NotFound, Processing),
        ("E9999", NotFound, Processing),
        ("E9601", NotFound, Processing),
        ("hung_before", NotFound, Processing),
    ],
)
async def test_a_lost_answer_is_unknown_and_asking_tells(
    fault: str, found: type, again: type, clock: HandClock, http: Http
) -> None:
    """The same unknown, whether everything was done or nothing (F36, F37)."""
    async with Sandbox(SandboxOptions(seed=1, clock=clock.unix, issue_delay=(1.0, 1.0))) as sandbox:
        nuonuo = issuer(sandbox.nuonuo_url, clock, http)
        body = nuonuo.render(request(), KEY)
        sandbox.nuonuo.faults.force("requestBillingNew", fault)

        lost = await nuonuo.submit(KEY, body)
        clock.move(2)
        asked = (await nuonuo.ask([KEY]))[KEY]
        resent = await nuonuo.submit(KEY, body)
        clock.move(2)

        assert isinstance(lost, Unknown)
        assert lost.sent
        assert isinstance(asked, found)
        assert isinstance(resent, again)
        assert len(sandbox.nuonuo.ledger) == 1


@pytest.mark.parametrize("dress", ["bom", "gzip", "text_html_type", "slow_drip", "late_duplicate"])
async def test_a_good_answer_in_an_unusual_dress_is_a_good_answer(dress: str, clock: HandClock, http: Http) -> None:
    async with Sandbox(SandboxOptions(seed=1, clock=clock.unix)) as sandbox:
        nuonuo = issuer(sandbox.nuonuo_url, clock, http)
        sandbox.nuonuo.faults.hold_replays = True
        sandbox.nuonuo.faults.force("requestBillingNew", dress)

        outcome = await nuonuo.submit(KEY, nuonuo.render(request(), KEY))
        assert sandbox.nuonuo_server is not None
        sandbox.nuonuo_server.delivery.replay()
        clock.move(2)

        assert isinstance(outcome, Processing)
        assert len(sandbox.nuonuo.ledger) == 1


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (Says(b"", status=500), "http_500"),
        (Says(b"<html>", status=502, content_type="text/html"), "http_502"),
        (Says(ACCEPTED.body, status=503), "http_503"),
        (Says(b"", status=504), "http_504"),
        (Says(b"", status=404), "http_404"),
        (Says(b"", status=400), "http_400"),
        (Says("<html>请先登录</html>".encode(), content_type="text/html"), "malformed html"),
        (Says(b'{"code":"E0000","result":{"invoice'), "malformed syntax"),
        (Says(b'{"code":"E0000","describe":"\xff\xfe"}'), "malformed utf8"),
        (Says(b""), "malformed empty"),
        (Says(b"null"), "malformed shape"),
        (Says(b'[{"code":"E0000"}]'), "malformed shape"),
        (Says(b"{}"), "malformed shape"),
        (Says(b'{"code":0}'), "malformed shape"),
        (Says(b'{"code":"E9101","code":"E0000"}'), "malformed dup_key"),
        (Says(b'{"code":"E0000","result":NaN}'), "malformed number"),
        (Says(then="reset"), "reset"),
        (Says(ACCEPTED.body, then="cut"), "payload"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_an_answer_that_cannot_be_trusted_is_unknown_for_every_call(
    answer: Says, cause: str, clock: HandClock, http: Http
) -> None:
    """F47, F48, F49, F51: never a failure, never "not found", whatever was asked."""
    async with Gateway(answer) as gateway:
        outcomes = await every_answer(issuer(gateway.url, clock, http))

        assert len(gateway.heard) == 3
    assert outcomes == [Unknown(cause)] * 4


@pytest.mark.parametrize("then", ["hang", "drip"])
async def test_a_call_ends_in_doubt_within_its_time(then: str, clock: HandClock, http: Http) -> None:
    """F50: an answer that comes byte by byte does not hold a worker; the bound is the whole call, not each read."""
    async with Gateway(Says(ACCEPTED.body, then=then)) as gateway:
        started = time.monotonic()
        outcome = await issuer(gateway.url, clock, http).submit(KEY, BODY)
        took = time.monotonic() - started

        assert len(gateway.heard) == 1
    assert outcome == Unknown("timeout")
    assert took < 1.4


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_no_redirect_is_followed(status: int, clock: HandClock, http: Http) -> None:
    async with Gateway(ACCEPTED) as canary:
        location = {"Location": canary.url}
        async with Gateway(Says(b"", status=status, headers=location)) as gateway:
            outcome = await issuer(gateway.url, clock, http).submit(KEY, BODY)

        assert canary.heard == []
    assert outcome == Unknown(f"http_{status}")


# --- nothing was sent ---------------------------------------------------------------------------------------------


async def test_a_refused_connection_sent_nothing(clock: HandClock, http: Http) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        port = unheard.getsockname()[1]
        outcomes = await every_answer(issuer(f"http://127.0.0.1:{port}/open/v1/services", clock, http))

    assert outcomes == [Unknown("not_sent.refused", sent=False)] * 4


async def test_a_name_that_does_not_resolve_sent_nothing(clock: HandClock, http: Http) -> None:
    outcome = await issuer("http://nowhere.invalid/open/v1/services", clock, http).submit(KEY, BODY)

    assert isinstance(outcome, Unknown)
    assert not outcome.sent


def self_signed(folder: Path, expires_at: datetime) -> ssl.SSLContext:
    """A server whose certificate nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(expires_at - timedelta(days=2))
        .not_valid_after(expires_at)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@pytest.mark.parametrize("days", [1, -1])
async def test_a_certificate_that_nobody_vouches_for_gets_no_byte_and_rests_the_lane(
    days: int, clock: HandClock, http: Http, tmp_path: Path
) -> None:
    """F53: no body reaches the stranger, and the integrator is told."""
    bodies: list[bytes] = []

    async def overhear(asked: web.Request) -> web.Response:
        bodies.append(await asked.read())
        return web.Response(body=ACCEPTED.body)

    app = web.Application()
    app.router.add_post("/{path:.*}", overhear)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    context = self_signed(tmp_path, datetime.now(UTC) + timedelta(days=days))
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    url = f"https://localhost:{runner.addresses[0][1]}/open/v1/services"

    outcome = await issuer(url, clock, http).submit(KEY, BODY)
    await runner.cleanup()

    assert bodies == []
    assert isinstance(outcome, Blocked)
    assert (outcome.verdict.care, outcome.verdict.code) == (Care.SETTINGS, "not_sent.certificate")


# --- the lane rests -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "care", "rest_for"),
    [
        (Says(b"", status=401), Care.SETTINGS, 300.0),
        (Says(b"", status=403), Care.SETTINGS, 300.0),
        (Says(b"", status=429), Care.REST_LANE, 60.0),
        (Says(b"", status=429, headers={"Retry-After": "7"}), Care.REST_LANE, 7.0),
        (Says(b"", status=429, headers={"Retry-After": "86400"}), Care.REST_LANE, 3600.0),
        (Says(b"", status=429, headers={"Retry-After": "soon"}), Care.REST_LANE, 60.0),
        (says("070101", "签名错误"), Care.SETTINGS, 300.0),
        (says("E9338", "无该接口权限"), Care.SETTINGS, 300.0),
        (says("E9777", "请扫码登录"), Care.PERSON, 300.0),
    ],
)
async def test_what_is_not_the_orders_fault_rests_the_lane_for_every_call(
    answer: Says, care: Care, rest_for: float, clock: HandClock, http: Http
) -> None:
    async with Gateway(answer) as gateway:
        outcomes = await every_answer(issuer(gateway.url, clock, http, pacer=Deaf(0)))

    assert len(outcomes) == 4
    for outcome in outcomes:
        assert isinstance(outcome, Blocked)
        assert (outcome.verdict.care, outcome.verdict.rest_for) == (care, rest_for)


async def test_an_account_that_was_told_to_slow_down_sends_nothing_until_its_rest_is_over(
    clock: HandClock, http: Http
) -> None:
    """F46. Whoever submits meanwhile knows that not one byte left."""
    told = Says(b"", status=429, headers={"Retry-After": "7"})
    async with Gateway(told) as gateway:
        nuonuo = issuer(gateway.url, clock, http, pacer=Pacer(600, now=clock.now))
        first = await nuonuo.submit(KEY, BODY)
        second = await nuonuo.submit(KEY, BODY)
        asked = await nuonuo.ask([KEY])

        assert len(gateway.heard) == 1
    assert isinstance(first, Blocked)
    assert second == Unknown("at_rest", sent=False)
    assert isinstance(asked[KEY], Blocked)
    assert asked[KEY].verdict.rest_for == 7


async def test_revoked_credentials_are_not_tried_again_within_the_call(clock: HandClock, http: Http) -> None:
    async with Gateway(says("070304", "accessToken无效")) as gateway:
        outcome = await issuer(gateway.url, clock, http).submit(KEY, BODY)

        assert len(gateway.heard) == 1
    assert isinstance(outcome, Blocked)
    assert outcome.verdict.care is Care.SETTINGS


@pytest.mark.parametrize("code", ["070304", "070305"])
async def test_a_refused_token_is_renewed_once_and_the_same_bytes_go_again(
    code: str, clock: HandClock, http: Http
) -> None:
    grants = [Says(json.dumps({"access_token": token}).encode()) for token in ("first", "second")]
    async with Gateway(*grants) as tokens, Gateway(says(code, "x"), ACCEPTED) as gateway:
        source = fetched_token(tokens.token_url, Shelf(), http, clock)
        await source.current()
        clock.move(600)

        outcome = await issuer(gateway.url, clock, http, token=source).submit(KEY, BODY)

        assert [heard.headers["accessToken"] for heard in gateway.heard] == ["first", "second"]
        assert {heard.body for heard in gateway.heard} == {BODY}
    assert outcome == Processing("S1")


async def test_a_token_refused_again_after_its_renewal_ends_the_attempt(clock: HandClock, http: Http) -> None:
    grants = [Says(json.dumps({"access_token": token}).encode()) for token in ("first", "second")]
    async with Gateway(*grants) as tokens, Gateway(says("070304", "x")) as gateway:
        source = fetched_token(tokens.token_url, Shelf(), http, clock)
        await source.current()
        clock.move(600)
        nuonuo = issuer(gateway.url, clock, http, token=source)

        outcomes = [await nuonuo.submit(KEY, BODY) for _ in range(3)]

        assert len(gateway.heard) == 4
        assert len(tokens.heard) == 2
    assert all(isinstance(outcome, Blocked) for outcome in outcomes)


async def test_after_a_reset_there_is_no_second_send(clock: HandClock, http: Http) -> None:
    """Only a refusal at the door is free of doubt."""
    async with Gateway(Says(then="reset"), ACCEPTED) as gateway:
        outcome = await issuer(gateway.url, clock, http).submit(KEY, BODY)

        assert len(gateway.heard) == 1
    assert outcome == Unknown("reset")


# --- the rest -----------------------------------------------------------------------------------------------------


async def test_cancelling_is_the_only_thing_that_leaves_a_call(clock: HandClock, http: Http) -> None:
    async with Gateway(Says(then="hang")) as gateway:
        task = asyncio.create_task(issuer(gateway.url, clock, http).submit(KEY, BODY))
        await gateway.arrived.wait()
        task.cancel()

        with pytest.raises(asyncio.CancelledError):
            await task


async def test_an_unclassified_answer_and_a_strange_key_are_logged(clock: HandClock, http: Http) -> None:
    stray = says("E0000", "", [{"orderNo": "SOMEBODY", "status": "2", "invoiceNo": "1"}])
    async with Gateway(says("E9777", "什么"), stray) as gateway:
        nuonuo = issuer(gateway.url, clock, http)
        with capture_logs() as logs:
            await nuonuo.submit(KEY, BODY)
            await nuonuo.ask([KEY])

    assert [(one["event"], one.get("code"), one.get("strays")) for one in logs] == [
        ("issue.unclassified", "E9777", None),
        ("issue.key_mismatch", None, 1),
    ]


@pytest.mark.parametrize(
    ("answer", "care"),
    [
        (says("E0000", "", []), None),
        (says("E9500", "未查询到发票信息"), None),
        (says("E9777", "什么"), Care.UNCLASSIFIED),
        (says("E9999", "系统异常"), Care.UNKNOWN),
        (Says(b"", status=502), Care.UNKNOWN),
        (Says(b"", status=401), Care.SETTINGS),
    ],
)
async def test_the_probe_tells_sound_from_unsound(
    answer: Says, care: Care | None, clock: HandClock, http: Http
) -> None:
    async with Gateway(answer) as gateway:
        verdict = await issuer(gateway.url, clock, http).probe()

    assert (verdict.care if verdict else None) is care


async def test_the_probe_tells_an_address_where_nobody_listens(clock: HandClock, http: Http) -> None:
    verdict = await issuer("http://nowhere.invalid/open/v1/services", clock, http).probe()

    assert verdict is not None
    assert verdict.care is Care.RETRY_SOON
