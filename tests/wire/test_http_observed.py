"""Whoever counts calls hears of each one: how it ended and how long it took, and never of its content."""

from __future__ import annotations

import asyncio

import pytest
from wire_server import RawServer, hang, reply, reset

from syncd.domain.trouble import InDoubt, Transient
from syncd.wire.http import Http


class Ear:
    def __init__(self) -> None:
        self.heard: list[str] = []
        self.seconds: list[float] = []

    def __call__(self, outcome: str, seconds: float) -> None:
        self.heard.append(outcome)
        self.seconds.append(seconds)


@pytest.mark.parametrize(
    ("status", "outcome"), [(200, "ok"), (204, "ok"), (302, "http_3xx"), (429, "http_4xx"), (503, "http_5xx")]
)
async def test_an_answer_is_heard_of_by_the_class_of_its_status(
    raw_server: RawServer, status: int, outcome: str
) -> None:
    ear = Ear()
    raw_server.answer(reply("", status=status))

    async with Http("wdt", on_call=ear) as http:
        await http.post(raw_server.url, body=b"[]")

    assert ear.heard == [outcome]
    assert 0 <= ear.seconds[0] < 5


async def test_a_call_nobody_answered_is_in_doubt(raw_server: RawServer) -> None:
    ear = Ear()
    raw_server.answer(reset)

    async with Http("wdt", on_call=ear) as http:
        with pytest.raises(InDoubt):
            await http.post(raw_server.url, body=b"[]")

    assert ear.heard == ["in_doubt"]


async def test_a_call_that_certainly_never_left_is_not_sent(raw_server: RawServer) -> None:
    ear = Ear()
    closed = Http("wdt", on_call=ear)
    await closed.close()

    async with Http("wdt", on_call=ear) as http:
        with pytest.raises(Transient):
            await http.post("http://127.0.0.1:1/", body=b"[]")
    with pytest.raises(Transient):
        await closed.post(raw_server.url, body=b"[]")

    assert ear.heard == ["not_sent", "not_sent"]


async def test_a_cancelled_call_is_in_doubt(raw_server: RawServer) -> None:
    ear = Ear()
    raw_server.answer(hang)

    async with Http("wdt", on_call=ear) as http:
        call = asyncio.create_task(http.post(raw_server.url, body=b"[]"))
        await raw_server.asked.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    assert ear.heard == ["in_doubt"]
