"""A pooler that drops what sessions ask for at their start is recognised before anything is trusted to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from syncd.store import migrate
from syncd.store.troubles import UnsupportedStore


def without_options(startup: bytes) -> bytes:
    """The first message of a session as a pooler passes it on that was told to ignore `options`."""
    words = startup[8:].rstrip(b"\0").split(b"\0")
    kept = [
        word for name, cell in zip(words[::2], words[1::2], strict=True) if name != b"options" for word in (name, cell)
    ]
    told = startup[4:8] + b"\0".join(kept) + b"\0\0"
    return (len(told) + 4).to_bytes(4) + told


@asynccontextmanager
async def pooler(url: str) -> AsyncIterator[str]:
    """The URL of a way to the database on which the options get lost."""
    place = urlsplit(url)

    async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while some := await source.read(65536):
            target.write(some)
        target.close()

    async def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(place.hostname, place.port)
        first = await reader.readexactly(4)
        back.write(without_options(first + await reader.readexactly(int.from_bytes(first) - 4)))
        await asyncio.gather(carry(reader, back), carry(there, writer))

    async with await asyncio.start_server(come, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield url.replace(f":{place.port}/", f":{port}/") + "?sslmode=disable&gssencmode=disable"


async def test_a_pooler_that_drops_the_settings_of_sessions_is_refused(postgres: str) -> None:
    async with pooler(postgres) as url:
        with pytest.raises(UnsupportedStore) as opened:
            await migrate.upgrade(url)
        with pytest.raises(UnsupportedStore) as looked_at:
            await asyncio.to_thread(migrate.require_current, url)

    assert opened.value.why == looked_at.value.why == "pooled"
    assert await migrate.upgrade(postgres) == migrate.revision(postgres)
