"""Channels over real HTTP, through Apprise."""

from __future__ import annotations

import asyncio
import time

import pytest
from channels import robot

from syncd.watch import alert_channels
from syncd.watch.alert_channels import BadAddress, NoApprise, Note, opened

NOTE = Note("【告警】需要人工", "怎么办：登录", "failure")


async def test_a_message_arrives_with_its_title_body_and_urgency() -> None:
    async with robot() as bot:
        (channel,) = opened([bot.url])

        assert await channel.send(NOTE)

    (received,) = bot.received
    assert (received["title"], received["message"], received["type"]) == (NOTE.title, NOTE.body, "failure")


async def test_a_channel_that_answers_with_an_error_has_not_taken_it() -> None:
    async with robot() as bot:
        bot.status = 500
        (channel,) = opened([bot.url])

        assert not await channel.send(NOTE)


async def test_a_channel_nobody_listens_at_has_not_taken_it() -> None:
    async with robot() as bot:
        address = bot.url
    (channel,) = opened([address])

    assert not await channel.send(NOTE)


async def test_a_channel_that_never_answers_blocks_nobody() -> None:
    """The loop goes on meanwhile, and the wait has an end."""
    async with robot() as bot:
        bot.hang = True
        (channel,) = opened([bot.url], within=0.3)
        turns = 0
        began = time.monotonic()

        sending = asyncio.create_task(channel.send(NOTE))
        while not sending.done():
            await asyncio.sleep(0.01)
            turns += 1

        assert not sending.result()
    assert turns > 5
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    "url",
    [
        "dingtalk://demo0token0demo0token0demo0token0demo0token0/",
        "wecombot://11111111-2222-3333-4444-555555555555",
        "feishu://demo-token-demo-token",
        "mailtos://demo_user:demo_secret@example.com",
    ],
)
def test_the_channels_of_the_documentation_are_known(url: str) -> None:
    (channel,) = opened([url])

    assert channel.scheme == url.partition("://")[0]


@pytest.mark.parametrize("url", ["dingtalk://", "nosuchthing://demo_secret", "demo_secret", "mailtos://"])
def test_an_address_that_cannot_work_is_named_by_its_place_and_never_shown(url: str) -> None:
    with pytest.raises(BadAddress, match=r"alerts\.urls\[1\]") as raised:
        opened(["json://127.0.0.1:1/", url])

    assert "demo_secret" not in str(raised.value)


def test_without_the_extra_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_channels, "installed", lambda: False)

    with pytest.raises(NoApprise, match=r"pip install -c constraints\.txt '\.\[alerts\]'"):
        opened(["json://127.0.0.1:1/"])


def test_without_addresses_nothing_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_channels, "installed", lambda: False)

    assert opened([]) == []
