"""`alerts test` and what `check` says of channels: which took it, and never an address."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from cli_world import Place, Run


@dataclass
class Robot:
    """A chat robot in a thread of its own, as the command line has its own loop."""

    port: int = 0
    status: int = 200
    titles: list[str] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.titles.append((await request.json())["title"])
        return web.json_response({}, status=self.status)


@pytest.fixture
def robot() -> Iterator[Robot]:
    made, ready = Robot(), threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def live() -> None:
        app = web.Application()
        app.router.add_post("/{token}", made.take)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.port = runner.addresses[0][1]
        ready.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(live()))
    thread.start()
    assert ready.wait(10)
    yield made
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    loop.close()


def give(place: Place, *urls: str) -> None:
    text = place.settings.read_text(encoding="utf-8")
    place.settings.write_text(f"{text}\n[alerts]\nurls = {json.dumps(urls)}\n", encoding="utf-8")


def test_each_channel_gets_a_message_and_is_named_by_its_kind(place: Place, run: Run, robot: Robot) -> None:
    give(place, f"json://127.0.0.1:{robot.port}/canary_token")

    result = run("alerts", "test")

    assert result.exit_code == 0
    assert result.output == "json: taken\n"
    assert [title.rpartition(" · ")[2] for title in robot.titles] == ["测试消息"]


def test_a_channel_that_takes_nothing_fails_the_test_with_a_remedy(place: Place, run: Run, robot: Robot) -> None:
    robot.status = 403
    give(place, f"json://127.0.0.1:{robot.port}/canary_token")

    result = run("alerts", "test")

    assert result.exit_code == 1
    assert "json: not taken" in result.output
    assert "Check the token" in result.output
    assert "canary" not in result.output


def test_without_channels_there_is_nothing_to_test(run: Run) -> None:
    result = run("alerts", "test", lang="zh")

    assert result.exit_code == 2
    assert "urls_file" in result.output


def test_the_preflight_reads_the_addresses_and_sends_nothing(place: Place, run: Run, robot: Robot) -> None:
    give(place, f"json://127.0.0.1:{robot.port}/canary_token", "feishu://canary-canary-canary")

    result = run("check", "--json")

    (found,) = (one for one in json.loads(result.output) if one["subject"] == "alerts")
    assert (found["level"], found["text"]) == ("ok", "2 alert channels: json, feishu")
    assert robot.titles == []
    assert "canary" not in result.output


def test_the_preflight_names_an_address_that_cannot_work_by_its_place(place: Place, run: Run) -> None:
    give(place, "json://127.0.0.1:1/", "nosuch://canary")

    result = run("check", "--json")

    (found,) = (one for one in json.loads(result.output) if one["subject"] == "alerts")
    assert found["level"] == "fail"
    assert "alerts.urls[1]" in found["text"]
    assert "canary" not in result.output
    assert result.exit_code == 1
