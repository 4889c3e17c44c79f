"""The WDT endpoint: one path, parameters in the query, a JSON array in the body."""

import asyncio
import json
import weakref
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec
from aiohttp import web

from syncd.sandbox.calls import Call
from syncd.sandbox.delivery import Answer, Delivery
from syncd.sandbox.moment import Sleep
from syncd.sandbox.wdt.gate import admit
from syncd.sandbox.wdt.refusal import Refused, rate_text
from syncd.sandbox.wdt.search import search
from syncd.sandbox.wdt.tenant import NOW, SEARCH, Tenant
from syncd.sandbox.wdt.update import update_invoice
from syncd.sandbox.wdt.world import WdtWorld

PATH = "/openapi"
LARGEST_BODY = 8 * 2**20
SPOKEN = {
    "status_4": (4, "数据库错误"),
    "status_5": (5, "未知错误1"),
    "status_99": (99, "其他错误"),
    "status_1064": (1064, "Unknown Database Error"),
    "status_100": (100, "未知错误"),
    "status_100_after": (100, "未知错误"),
}


@dataclass(frozen=True, slots=True)
class Arrival:
    """What was noticed when a request came in: where from, an objection, and whether others were in the way."""

    remote: str
    stranger: Refused | None
    crowded: bool


class WdtServer:
    """Serves one `WdtWorld` over HTTP. Errors are HTTP 200 with a status in the JSON."""

    def __init__(self, world: WdtWorld, sleep: Sleep = asyncio.sleep) -> None:
        self.world = world
        self.sleep = sleep
        self.delivery = Delivery(world.faults, world.now, sleep)
        self.in_flight: Counter[tuple[str, str]] = Counter()
        self._sid_of: weakref.WeakKeyDictionary[asyncio.BaseTransport, str] = weakref.WeakKeyDictionary()

    def app(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_post(PATH, self.receive)
        return app

    async def receive(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        query = dict(request.query)
        method = query.get("method", "")
        kind = self.world.faults.strike(method, body)
        call = Call(method, query, body.decode(errors="replace"), self.world.now(), fault=kind)
        self.world.calls.arrived(call)
        arrival = Arrival(request.remote or "", self._stranger(request, query), self._enter(query))
        try:
            if self.world.switches.latency:
                await self.sleep(self.world.switches.latency)
            act = partial(self.act, call, query, body, arrival)
            return await self.delivery.carry(request, method, kind, act, self._spoken)
        finally:
            self._leave(query)

    def act(self, call: Call, query: Mapping[str, str], body: bytes, arrival: Arrival) -> Answer:
        """Admit and execute one request; also how a proxy repeats it later."""
        try:
            if arrival.stranger is not None:
                raise arrival.stranger
            tenant = admit(self.world, query, body, arrival.remote, crowded=arrival.crowded)
            answer = self._execute(tenant, query, body)
        except Refused as refused:
            self.world.calls.answered(call, str(refused.status), refused.message)
            return _say(refused)
        self.world.calls.answered(call, "ok")
        self.world.called(call)
        return answer

    def _enter(self, query: Mapping[str, str]) -> bool:
        """Count a call in flight; True when there were too many already."""
        account = (query.get("sid", ""), query.get("key", ""))
        most = self.world.switches.max_concurrent
        crowded = bool(most) and self.in_flight[account] >= most
        self.in_flight[account] += 1
        return crowded

    def _leave(self, query: Mapping[str, str]) -> None:
        self.in_flight[query.get("sid", ""), query.get("key", "")] -= 1

    def _execute(self, tenant: Tenant, query: Mapping[str, str], body: bytes) -> Answer:
        args = arguments(body)
        if query["method"] == SEARCH:
            return search(self.world, tenant, query, args)
        if query["method"] == NOW:
            if args:
                raise Refused(1, "invalid argument count")
            return Answer(b'{"status":0,"data":{"now":%d}}' % self.world.timestamp())
        return update_invoice(self.world, tenant, args)

    def _stranger(self, request: web.Request, query: Mapping[str, str]) -> Refused | None:
        """A form, or a second sid on one connection in strict-tenant mode."""
        if request.content_type == "application/x-www-form-urlencoded":
            return Refused(1, "参数错误")
        sid, transport = query.get("sid", ""), request.transport
        if not self.world.switches.one_sid_per_connection or transport is None:
            return None
        if self._sid_of.setdefault(transport, sid) != sid:
            return Refused(1, "sid is not found")
        return None

    def _spoken(self, kind: str) -> Answer | None:
        if kind in SPOKEN:
            return _say(Refused(*SPOKEN[kind]))
        if kind in ("rate", "rate_concurrency"):
            text = rate_text(self.world.switches.rate_comma, concurrent=kind == "rate_concurrency")
            return _say(Refused(100, text))
        return None


def arguments(body: bytes) -> list[Any]:
    """The positional arguments. Raises: Refused when the body is not a JSON array."""
    try:
        args = json.loads(body, parse_float=Decimal)
    except ValueError:
        raise Refused(1, "参数错误") from None
    if not isinstance(args, list):
        raise Refused(1, "invalid argument count")
    return args


def _say(refused: Refused) -> Answer:
    return Answer(msgspec.json.encode(refused.as_json()))
