"""The TOP gateway: one path for all methods, parameters in the query or the body."""

import asyncio
import gzip
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from syncd.sandbox.calls import Call
from syncd.sandbox.delivery import Answer, Delivery
from syncd.sandbox.moment import Sleep
from syncd.sandbox.top import dialect
from syncd.sandbox.top.account import SUB_CODE, BanKind
from syncd.sandbox.top.ask import Ask
from syncd.sandbox.top.envelope import Envelope, note_unknown, read_envelope
from syncd.sandbox.top.gate import admit, known_method
from syncd.sandbox.top.methods import METHODS
from syncd.sandbox.top.refusal import BusinessRefused, Refused
from syncd.sandbox.top.world import TopWorld

PATH = "/router/rest"
LARGEST_BODY = 32 * 2**20
BROKEN_PAGE = "<html><head><title>500 Internal Server Error</title></head><body>tengine</body></html>"
REMOTE = {
    "isv": ("isv.invoice-upload-service-rejection", "业务校验未通过"),
    "unknown": ("biz.system-strange-error", "未知业务错误"),
    "bare": ("", ""),
}
BAN_FAULTS: dict[str, BanKind] = {f"ban_{kind}": kind for kind in SUB_CODE}


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request and where it came from."""

    call: Call
    envelope: Envelope
    remote: str


class TopServer:
    """Serves one `TopWorld` over HTTP. Errors are HTTP 200 with an `error_response`."""

    def __init__(self, world: TopWorld, sleep: Sleep = asyncio.sleep) -> None:
        self.world = world
        self.delivery = Delivery(world.faults, world.now, sleep)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_route("*", PATH, self.receive)
        return app

    async def receive(self, request: web.Request) -> web.StreamResponse:
        envelope, world = await read_envelope(request), self.world
        if envelope.method in METHODS:
            note_unknown(envelope, METHODS[envelope.method].parameters)
        world.complaints += envelope.complaints
        world.note_stamp(envelope.get("timestamp"), envelope.get("sign"))
        kind = world.faults.strike(envelope.method, envelope.asked())
        call = Call(envelope.method, envelope.journal(), "", world.now(), fault=kind)
        world.calls.arrived(call)
        arrival = Arrival(call, envelope, request.remote or "")
        act = partial(self.act, arrival)
        return await self.delivery.carry(request, envelope.method, kind, act, partial(self._spoken, arrival))

    def act(self, arrival: Arrival) -> Answer:
        """Admit and execute one request; also how a proxy repeats it later."""
        envelope, switches = arrival.envelope, self.world.switches
        if envelope.complaints and switches.loud:
            text = "; ".join(envelope.complaints)
            self.world.calls.answered(arrival.call, "400", text)
            return Answer(f"sandbox: {text}".encode(), "text/plain", 400)
        try:
            fields = self._execute(arrival)
        except BusinessRefused as refused:
            return self._refuse(arrival, Refused(switches.business_code, refused.sub_code, refused.sub_msg))
        except Refused as refused:
            return self._refuse(arrival, refused)
        self.world.calls.answered(arrival.call, "ok")
        return self._say(arrival, *dialect.good(envelope, fields, self.world.next_request_id(), switches))

    def _execute(self, arrival: Arrival) -> dialect.Json:
        envelope = arrival.envelope
        method = known_method(envelope, METHODS)
        account = admit(self.world, envelope, method, arrival.remote)
        again = bool(arrival.call.answer) or arrival.call.fault == "delayed"
        return method.run(self.world, Ask(envelope.method, account, envelope.business(), envelope.files, again))

    def _refuse(self, arrival: Arrival, refused: Refused) -> Answer:
        self.world.calls.answered(arrival.call, str(refused.code), refused.text)
        return self._error(arrival, refused)

    def _error(self, arrival: Arrival, refused: Refused) -> Answer:
        request_id = self.world.next_request_id()
        return self._say(arrival, *dialect.error(arrival.envelope, refused, request_id, self.world.switches))

    def _say(self, arrival: Arrival, body: bytes, content_type: str) -> Answer:
        if self.world.switches.gzip and arrival.envelope.packed and not arrival.call.fault:
            packed = gzip.compress(body, mtime=0)
            return Answer(packed, content_type, headers={"Content-Encoding": "gzip"})
        return Answer(body, content_type)

    def _spoken(self, arrival: Arrival, kind: str) -> Answer | None:
        """The answer of a fault that TOP voices itself."""
        if kind in ("http_500_before", "http_500_after"):
            return Answer(BROKEN_PAGE.encode(), "text/html", 500)
        if kind in BAN_FAULTS:
            return self._error(arrival, self._begin_ban(arrival.envelope, BAN_FAULTS[kind]))
        if kind == "code_10":
            return self._error(arrival, Refused(10, "isp.service-error", "服务暂不可用"))
        code, _, rest = kind.partition("_")
        if code not in ("15", "50"):
            return None
        sub_code, sub_msg = self._remote(rest.rpartition("_")[0])
        return self._error(arrival, Refused(int(code), sub_code, sub_msg))

    def _remote(self, whose: str) -> tuple[str, str]:
        if whose == "isp":
            return self.world.switches.isp_sub_code, "远程服务调用超时"
        if whose == "refused":
            return "isp.http-connection-refuse", "远程连接被拒绝"
        return REMOTE[whose]

    def _begin_ban(self, envelope: Envelope, kind: BanKind) -> Refused:
        switches, world = self.world.switches, self.world
        lasting = {"app": switches.ban_app_for, "api": switches.ban_api_for, "app_api": switches.ban_app_api_for}
        ban = world.ban(kind, lasting[kind], app_key=envelope.get("app_key"), method=envelope.method)
        world.rate_refused += 1
        return ban.refusal(world.now(), switches.ban_text)
