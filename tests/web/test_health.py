"""Health, readiness and metrics over real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
import structlog

from syncd.web.health import AddressInUse, CannotListen, Served, app, serve

PATHS = ["/healthz", "/readyz", "/metrics", "/absent", "/healthz/../x"]


class Facts:
    """A daemon whose state the test decides."""

    def __init__(self) -> None:
        self.stale: list[str] = []
        self.unready: list[str] = []
        self.trouble: BaseException | None = None
        self.hangs = False

    async def alive(self) -> list[str]:
        if self.hangs:
            await asyncio.Event().wait()
        if self.trouble:
            raise self.trouble
        return self.stale

    async def ready(self) -> list[str]:
        if self.trouble:
            raise self.trouble
        return self.unready


@asynccontextmanager
async def served(
    facts: Facts, token: str = "", within: float = 5.0
) -> AsyncIterator[tuple[Served, aiohttp.ClientSession]]:
    async def numbers() -> bytes:
        if facts.trouble:
            raise facts.trouble
        return b"syncd_issued_total 1.0\n"

    server = await serve(app(facts, numbers, token, answer_within=within), "127.0.0.1:0")
    try:
        async with aiohttp.ClientSession(server.url) as session:
            yield server, session
    finally:
        await server.stop()


async def answer(session: aiohttp.ClientSession, path: str, **headers: str) -> tuple[int, object]:
    async with session.get(path, headers=headers) as reply:
        return reply.status, json.loads(await reply.text())


async def test_a_turning_daemon_is_healthy_and_ready() -> None:
    async with served(Facts()) as (_, session):
        assert await answer(session, "/healthz") == (200, {"status": "ok"})
        assert await answer(session, "/readyz") == (200, {"status": "ready"})


async def test_a_standing_part_is_named_and_said_without_personal_data() -> None:
    facts = Facts()
    facts.stale = ["poll has not ticked for 300 s", "token=canary"]
    facts.unready = ["starting"]

    async with served(facts) as (_, session):
        assert await answer(session, "/healthz") == (
            503,
            {"status": "stale", "reasons": ["poll has not ticked for 300 s", "token=***"]},
        )
        assert await answer(session, "/readyz") == (503, {"status": "not ready", "reasons": ["starting"]})


async def test_metrics_are_text_a_scraper_understands() -> None:
    async with served(Facts()) as (_, session), session.get("/metrics") as reply:
        assert reply.status == 200
        assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert await reply.read() == b"syncd_issued_total 1.0\n"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("failing", [False, True])
async def test_every_answer_forbids_caching_and_sniffing_and_names_no_software(path: str, failing: bool) -> None:
    facts = Facts()
    facts.trouble = OSError("canary") if failing else None

    async with served(facts) as (_, session), session.get(path) as reply:
        body = await reply.text()

    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    assert reply.headers["Server"] == "syncd"
    assert "canary" not in body


async def test_what_is_not_there_and_what_is_not_allowed_are_told_in_json() -> None:
    async with served(Facts()) as (_, session):
        assert await answer(session, "/absent") == (404, {"error": "not found"})
        async with session.post("/healthz") as reply:
            assert (reply.status, await reply.json()) == (405, {"error": "method not allowed"})
            assert "GET" in reply.headers["Allow"]


@pytest.mark.parametrize("trouble", [OSError("canary"), RuntimeError("canary"), KeyError("canary")])
async def test_an_error_of_ours_is_a_bare_500_and_a_log_line(trouble: Exception) -> None:
    """S39."""
    facts = Facts()
    facts.trouble = trouble

    with structlog.testing.capture_logs() as lines:
        async with served(facts) as (_, session):
            seen = [await answer(session, path) for path in ("/healthz", "/readyz", "/metrics")]

    assert seen == [(500, {"error": "failed"})] * 3
    assert [(line["event"], line["path"], line["exc_info"]) for line in lines] == [
        ("web.failed", path, trouble) for path in ("/healthz", "/readyz", "/metrics")
    ]


async def test_a_daemon_that_cannot_answer_in_time_is_not_healthy() -> None:
    facts = Facts()
    facts.hangs = True

    async with served(facts, within=0.05) as (_, session):
        assert await answer(session, "/healthz") == (
            503,
            {"status": "no answer", "reasons": ["no answer within 0.05 s"]},
        )


@pytest.mark.parametrize("path", ["/readyz", "/metrics", "/absent"])
@pytest.mark.parametrize(
    "given", [None, "Bearer wrong", "Bearer demo_toke", "demo_token", "Basic demo_token", "Bearer \u9519"]
)
async def test_with_a_token_only_its_bearer_sees_more_than_health(path: str, given: str | None) -> None:
    headers = {"Authorization": given} if given else {}

    async with served(Facts(), token="demo_token") as (_, session):
        assert await answer(session, path, **headers) == (401, {"error": "unauthorized"})
        assert await answer(session, "/healthz", **headers) == (200, {"status": "ok"})


async def test_the_bearer_of_the_token_sees_everything() -> None:
    bearer = {"Authorization": "Bearer demo_token"}

    async with served(Facts(), token="demo_token") as (_, session):
        assert await answer(session, "/readyz", **bearer) == (200, {"status": "ready"})
        assert await answer(session, "/absent", **bearer) == (404, {"error": "not found"})
        async with session.get("/metrics", headers=bearer) as reply:
            assert reply.status == 200


async def test_the_port_is_closed_after_stop() -> None:
    async with served(Facts()) as (server, _):
        pass

    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(server.url)


async def test_a_busy_port_is_named() -> None:
    async with served(Facts()) as (server, session):
        listen = server.url.removeprefix("http://")

        with pytest.raises(AddressInUse, match=f"{listen} is in use by another process"):
            await serve(app(Facts(), _nothing), listen)

        assert (await answer(session, "/healthz"))[0] == 200


async def test_an_address_that_is_not_ours_is_named() -> None:
    with pytest.raises(CannotListen, match=r"cannot listen on 192\.0\.2\.1:0"):
        await serve(app(Facts(), _nothing), "192.0.2.1:0")


async def test_it_listens_on_loopback_alone_when_told_so() -> None:
    async with served(Facts()) as (server, _):
        port = server.url.rpartition(":")[2]

        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.2", int(port))


async def test_a_request_that_is_no_http_is_refused_and_harms_nobody() -> None:
    async with served(Facts()) as (server, session):
        host, port = server.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"\x00\x01 not http\r\n\r\n")
        reply = await reader.read()
        writer.close()
        await writer.wait_closed()

        assert reply.split(b" ")[1] == b"400"
        assert await answer(session, "/healthz") == (200, {"status": "ok"})


async def _nothing() -> bytes:
    return b""
