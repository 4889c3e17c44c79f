"""What the Nuonuo tests are made of: a clock in the hand, a shelf in memory, a request, and a gateway on command."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from hands import NOON, Shelf

from syncd.domain.clock import Clock
from syncd.domain.invoice import Colour, InvoiceRequest, IssuerKey, Kind, RequestLine
from syncd.domain.order import OrderNo, Party
from syncd.wire.http import Http
from syncd.wire.issuers.nuonuo.client import NuonuoIssuer
from syncd.wire.issuers.nuonuo.codec import NuonuoOptions
from syncd.wire.issuers.nuonuo.token import FetchedToken, StaticToken, TokenSource
from syncd.wire.pace import Pacer

APP_KEY, APP_SECRET, TOKEN = "demo_key", "demo_secret", "demo_token"
SELLER = "339902999999789113"
KEY = IssuerKey("FP202611200001ABCDEF")
OTHER_KEY = IssuerKey("FP202611200002ABCDEF")


def line(**changes: Any) -> RequestLine:
    """The sample line of WDT: 3.53 + 0.47 = 4.00 at 13 %."""
    sample: dict[str, Any] = {
        "property": 0, "name": "测试商品", "spec": "green", "unit": "只", "num": Decimal(1),
        "price": Decimal("3.53"), "tax_code": "1010101010000000000", "rate": Decimal("0.13"),
        "net": Decimal("3.53"), "tax": Decimal("0.47"), "gross": Decimal("4.00"),
    }  # fmt: skip
    return RequestLine(**{**sample, **changes})


def request(**changes: Any) -> InvoiceRequest:
    """A blue fully digital ordinary invoice for a natural person; `lines` decide the totals."""
    lines: tuple[RequestLine, ...] = changes.pop("lines", (line(),))
    sample: dict[str, Any] = {
        "order_no": OrderNo("FP202611200001"), "colour": Colour.BLUE, "kind": Kind.DIGITAL_NORMAL,
        "seller": Party(name="百望", tax_no=SELLER, address="北京", phone="15936892345"),
        "buyer": Party(name="个人", phone="18000000983"), "buyer_is_company": False, "natural_person": True,
        "drawer": "示例开票员", "payee": "示例开票员", "checker": "示例开票员", "remark": "", "ordered_at": NOON,
        "mobile": "18000000983", "lines": lines,
        "net": sum((one.net for one in lines), Decimal(0)), "tax": sum((one.tax for one in lines), Decimal(0)),
        "total": sum((one.gross for one in lines), Decimal(0)),
    }  # fmt: skip
    return InvoiceRequest(**{**sample, **changes})


def company(**changes: Any) -> InvoiceRequest:
    """The same for a company with a tax number."""
    buyer = Party(name="示例科技有限公司", tax_no="91120222079642398Y")
    return request(**{"buyer": buyer, "buyer_is_company": True, "natural_person": False, **changes})


def issuer(
    url: str, clock: Clock, http: Http, *, token: TokenSource | None = None, seed: int = 7, **changes: Any
) -> NuonuoIssuer:
    made: dict[str, Any] = {
        "name": "main", "url": url, "app_key": APP_KEY, "app_secret": APP_SECRET, "tax_no": SELLER,
        "token": token or StaticToken(TOKEN), "http": http, "pacer": Pacer(0), "clock": clock,
        "random": Random(seed), "options": NuonuoOptions(),
    }  # fmt: skip
    return NuonuoIssuer(**{**made, **changes})


def fetched_token(token_url: str, shelf: Shelf, http: Http, clock: Clock, **changes: Any) -> FetchedToken:
    made: dict[str, Any] = {
        "issuer": "main", "token_url": token_url, "app_key": APP_KEY, "app_secret": APP_SECRET, "shelf": shelf,
        "http": http, "clock": clock, "random_bytes": Random(3).randbytes,
    }  # fmt: skip
    return FetchedToken(**{**made, **changes})


# --- a gateway that says what it is told to -----------------------------------------------------------------------


@dataclass(frozen=True)
class Says:
    """One answer: bytes of any kind, or a way of not answering (`then`: "hang", "reset", "cut", "drip")."""

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    then: str = ""


def says(code: str, describe: str = "", result: object = None) -> Says:
    return Says(json.dumps({"code": code, "describe": describe, "result": result}, ensure_ascii=False).encode())


@dataclass(frozen=True)
class Heard:
    """One request as it arrived."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class Gateway:
    """Real HTTP on a free port; answers in the order they were queued, then repeats the last one."""

    def __init__(self, *answers: Says) -> None:
        self.answers = deque(answers)
        self.heard: list[Heard] = []
        self.arrived = asyncio.Event()
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.root = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/{path:.*}", self._receive)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.root = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def url(self) -> str:
        return self.root + "/open/v1/services"

    @property
    def token_url(self) -> str:
        return self.root + "/accessToken"

    async def _receive(self, asked: web.Request) -> web.StreamResponse:
        self.heard.append(Heard(asked.path, dict(asked.query), dict(asked.headers), await asked.read()))
        self.arrived.set()
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        if answer.then == "hang":
            await self._closing.wait()
        if answer.then in ("hang", "reset"):
            return self._abort(asked)
        if answer.then in ("cut", "drip"):
            return await self._slowly(asked, answer)
        return web.Response(
            body=answer.body, status=answer.status, content_type=answer.content_type, headers=answer.headers
        )

    def _abort(self, asked: web.Request) -> web.StreamResponse:
        assert asked.transport is not None
        asked.transport.abort()
        return web.Response()

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), 0.05)

    async def _slowly(self, asked: web.Request, answer: Says) -> web.StreamResponse:
        """Headers and a first byte; then the connection is cut, or the rest comes a byte at a time."""
        response = web.StreamResponse(headers={"Content-Length": str(len(answer.body))})
        await response.prepare(asked)
        if answer.then == "cut":
            await response.write(answer.body[:1])
            return self._abort(asked)
        for at in range(len(answer.body)):
            await response.write(answer.body[at : at + 1])
            await self._pause()
        return response
