"""A server that answers with exactly the bytes a test gives it, and remembers exactly what arrived."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit

Script = Callable[["RawServer", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Arrived:
    """One request: its head as it came, its body, and which connection brought it."""

    head: str
    body: bytes
    connection: int

    @property
    def query(self) -> dict[str, str]:
        """The parameters as a server's form decoder sees them."""
        target = self.head.split(" ", 2)[1]
        return dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))


def reply(
    body: bytes | str | Mapping[str, object],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    content_type: str = "application/json",
) -> bytes:
    """A complete HTTP answer."""
    if isinstance(body, Mapping):
        body = json.dumps(body, ensure_ascii=False)
    raw = body.encode() if isinstance(body, str) else body
    fields = {"Content-Type": content_type, "Content-Length": str(len(raw)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + raw


class RawServer:
    """Answers each request with the next of `answers` (the last one for ever): bytes, or a script that writes."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: list[bytes | Script] = [reply("{}")]
        self.arrived: list[Arrived] = []
        self.connections = 0
        self.asked = asyncio.Event()
        self.released = asyncio.Event()
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/openapi"

    def answer(self, *answers: bytes | Script) -> None:
        self.answers = list(answers)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            await self._converse(reader, writer, self.connections)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        while not writer.is_closing():
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next(
                (int(line[15:]) for line in head.splitlines() if line.lower().startswith("content-length:")), 0
            )
            body = await reader.readexactly(length)
            self.arrived.append(Arrived(head, body, connection))
            self.asked.set()
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(self, writer)


async def hang(server: RawServer, writer: asyncio.StreamWriter) -> None:
    """Say nothing until the test releases it."""
    await server.released.wait()
    writer.close()


async def reset(server: RawServer, writer: asyncio.StreamWriter) -> None:
    """Cut the connection after the whole request was read."""
    writer.transport.abort()


async def reset_after_headers(server: RawServer, writer: asyncio.StreamWriter) -> None:
    """A head that promises a body, and then nothing."""
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"sta')
    await writer.drain()
    writer.transport.abort()


async def broken_chunks(server: RawServer, writer: asyncio.StreamWriter) -> None:
    """A chunked answer that ends in the middle of a chunk."""
    writer.write(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"sta\r\n50\r\nxx')
    await writer.drain()
    writer.close()


async def not_http(server: RawServer, writer: asyncio.StreamWriter) -> None:
    """Something that is no HTTP at all."""
    writer.write(b"SSH-2.0-demo\r\n\r\n")
    await writer.drain()
    writer.close()


async def drip(server: RawServer, writer: asyncio.StreamWriter) -> None:
    """A body that never ends, one byte at a time."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not server.released.is_set():
        writer.write(b" ")
        await writer.drain()
        await asyncio.wait([asyncio.ensure_future(server.released.wait())], timeout=0.01)
