"""From a party's answer to bytes on the wire, through whatever fault was drawn.

A party's work is one synchronous step (`act`), so a fault is exactly "before it" or "after it".
"""

import asyncio
import gzip
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from syncd.sandbox.faults import NOT_ACTED, Faults
from syncd.sandbox.moment import Clock, Sleep, http_date

LOGIN_PAGE = "<!DOCTYPE html><html><head><title>登录</title></head><body><form>请先登录</form></body></html>"
BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"


@dataclass(slots=True)
class Answer:
    """What a party says: bytes, their type, and what to note once they were really handed over."""

    body: bytes
    content_type: str = "application/json"
    status: int = 200
    delivered: Callable[[], None] | None = None
    headers: dict[str, str] = field(default_factory=dict)


class Delivery:
    """Carries requests to `act` and its answers back, striking with the faults of one party.

    `now` gives the unix seconds of the `Date` header. `stop()` ends hung answers and pending replays.
    """

    def __init__(self, faults: Faults, now: Clock, sleep: Sleep) -> None:
        self.faults = faults
        self.now = now
        self.sleep = sleep
        self.held: list[Callable[[], Answer]] = []
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def carry(
        self, request: web.Request, method: str, kind: str, act: Callable[[], Answer],
        spoken: Callable[[str], Answer | None] = lambda kind: None,
    ) -> web.StreamResponse:  # fmt: skip
        """Answer one request. `spoken` gives the answer of a fault the vendor voices itself (a code)."""
        if not kind:
            return await self._hand_over(request, act())
        self.faults.count(method, kind)
        answer = None if kind in NOT_ACTED else act()
        voiced = spoken(kind)
        if voiced is not None:
            return await self._hand_over(request, voiced)
        return await self._struck(request, kind, act, answer)

    async def _struck(
        self, request: web.Request, kind: str, act: Callable[[], Answer], answer: Answer | None
    ) -> web.StreamResponse:
        match kind:
            case "lost_before" | "lost_after":
                return self._cut(request)
            case "delayed":
                self._replay_later(act)
                return self._cut(request)
            case "hung" | "hung_before":
                await self._hang()
                return self._cut(request)
            case "http_502_before" | "http_502_after":
                return await self._hand_over(request, Answer(BAD_GATEWAY.encode(), "text/html", 502))
            case "html_200" | "html_200_after":
                return await self._hand_over(request, Answer(LOGIN_PAGE.encode(), "text/html"))
        assert answer is not None, kind
        if kind == "late_duplicate":
            self._replay_later(act)
            return await self._hand_over(request, answer)
        if kind == "slow_drip":
            return await self._drip(request, answer)
        return await self._hand_over(request, dressed(answer, kind))

    async def _hand_over(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        response = web.Response(
            body=answer.body, status=answer.status, content_type=answer.content_type,
            charset="utf-8", headers={**answer.headers, "Date": http_date(self.now())},
        )  # fmt: skip
        await response.prepare(request)
        await response.write_eof()
        if answer.delivered is not None:
            answer.delivered()
        return response

    async def _drip(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Date": http_date(self.now())})
        response.content_type = answer.content_type
        response.content_length = len(answer.body)
        await response.prepare(request)
        step = max(1, len(answer.body) // 20)
        for start in range(0, len(answer.body), step):
            await response.write(answer.body[start : start + step])
            await self.sleep(self.faults.drip_every)
        await response.write_eof()
        if answer.delivered is not None:
            answer.delivered()
        return response

    def _cut(self, request: web.Request) -> web.StreamResponse:
        """Close the connection without a byte of answer."""
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def _hang(self) -> None:
        """Say nothing for `hang_for` seconds, or until the server stops."""
        waiting = [
            asyncio.ensure_future(self.sleep(self.faults.hang_for)),
            asyncio.ensure_future(self._stopping.wait()),
        ]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for future in waiting:
                future.cancel()

    def _replay_later(self, act: Callable[[], Answer]) -> None:
        if self.faults.hold_replays:
            self.held.append(act)
            return
        task = asyncio.get_running_loop().create_task(self._replay_in(self.faults.replay_after, act))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _replay_in(self, seconds: float, act: Callable[[], Answer]) -> None:
        await self.sleep(seconds)
        act()

    def replay(self) -> int:
        """Execute the requests a proxy still holds, and say how many they were."""
        held, self.held = self.held, []
        for act in held:
            act()
        return len(held)

    async def stop(self) -> None:
        self._stopping.set()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def dressed(answer: Answer, kind: str) -> Answer:
    """The same answer, cut or in an unusual dress."""
    match kind:
        case "truncated":
            return Answer(answer.body[: len(answer.body) * 2 // 3], answer.content_type, answer.status)
        case "empty":
            return Answer(b"", answer.content_type, answer.status)
        case "bom":
            return Answer(b"\xef\xbb\xbf" + answer.body, delivered=answer.delivered)
        case "gzip":
            packed = gzip.compress(answer.body, mtime=0)
            return Answer(packed, delivered=answer.delivered, headers={"Content-Encoding": "gzip"})
        case "text_html_type":
            return Answer(answer.body, "text/html", delivered=answer.delivered)
    raise ValueError(f"no such dress: {kind}")
