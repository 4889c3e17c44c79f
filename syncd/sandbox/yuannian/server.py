"""The seven interfaces of Yuannian, one address each, and a token service of the usual kind."""

import asyncio
import hmac
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from aiohttp import web

from syncd.sandbox.calls import Call
from syncd.sandbox.delivery import Answer, Delivery
from syncd.sandbox.moment import Sleep
from syncd.sandbox.yuannian.cards import import_cards, update_status
from syncd.sandbox.yuannian.gate import Admitted, admit
from syncd.sandbox.yuannian.qr import qr_code
from syncd.sandbox.yuannian.refusal import BUSY, ByWechat, Refused
from syncd.sandbox.yuannian.search import search
from syncd.sandbox.yuannian.sign import jsapi_signature
from syncd.sandbox.yuannian.world import YuannianWorld

INVOICE = "/openapi/invoice/wechat/"
TOKEN_PATH = "/oauth/token"
TOKEN_LIFE = 7200
SUCCESS = 1000
LARGEST_BODY = 2**20

Method = Callable[[YuannianWorld, Admitted], Any]
METHODS: dict[str, tuple[str, Method]] = {
    INVOICE + "import": ("import", partial(import_cards, h5=False)),
    INVOICE + "status/update": ("status.update", partial(update_status, h5=False)),
    INVOICE + "qrcode": ("qrcode", qr_code),
    INVOICE + "grcode": ("qrcode", qr_code),
    INVOICE + "search": ("search", search),
    "/openapi/wechat/jsapi/sign": ("jsapi.sign", lambda world, call: jsapi_sign(call)),
    INVOICE + "import/jsapi": ("import.jsapi", partial(import_cards, h5=True)),
    INVOICE + "status/update/jsapi": ("status.update.jsapi", partial(update_status, h5=True)),
}
"""Address → (name in calls and faults, what is done). `grcode` is the printed spelling, served by option."""

DOWN = {"cut": "lost_before", "502": "http_502_before", "hang": "hung_before"}
MISSING = object()
EMPTY: dict[str, Any] = {"missing": MISSING, "null": None, "object": {}, "string": ""}


def jsapi_sign(call: Admitted) -> str:
    """2.5: WeChat's signature for a page."""
    return jsapi_signature(
        call.needed("jsapiTicket"), call.needed("noncestr"), call.needed("timestamp"), call.needed("url")
    )


class YuannianServer:
    """Serves one `YuannianWorld` over HTTP. Errors are HTTP 200 with a code in the JSON, unless switched."""

    def __init__(self, world: YuannianWorld, sleep: Sleep = asyncio.sleep) -> None:
        self.world = world
        self.delivery = Delivery(world.faults, world.now, sleep)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY)
        for path in METHODS:
            app.router.add_post(path, self.receive)
        app.router.add_post(TOKEN_PATH, self.give_token)
        return app

    async def receive(self, request: web.Request) -> web.StreamResponse:
        name, method = METHODS[request.path]
        if not self._serves(request.path):
            raise web.HTTPNotFound
        body = await request.read()
        act = partial(self.act, method)
        return await self._carry(request, name, body, act)

    async def give_token(self, request: web.Request) -> web.StreamResponse:
        """A client-credentials request, as other platforms have it: the paper names no way to a token."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        return await self._carry(request, "token", b"", lambda call, body: self._token(call, form))

    async def _carry(
        self, request: web.Request, name: str, body: bytes, act: Callable[[Call, bytes], Answer]
    ) -> web.StreamResponse:
        down = DOWN.get(self.world.switches.down, "")
        kind = down or self.world.faults.strike(name, body)
        call = Call(name, {"path": request.path}, body.decode(errors="replace"), self.world.now(), fault=kind)
        self.world.calls.arrived(call)
        return await self.delivery.carry(request, name, kind, partial(act, call, body), self._spoken)

    def act(self, method: Method, call: Call, body: bytes) -> Answer:
        """Admit and execute one request; also how a proxy repeats it later."""
        try:
            admitted = admit(self.world, body)
            done = method(self.world, admitted)
        except Refused as refused:
            self.world.calls.answered(call, str(refused.code), refused.message)
            return self._refuse(refused)
        self.world.calls.answered(call, "ok")
        return self._say(SUCCESS, "success", self._nothing() if done is None else done)

    def _serves(self, path: str) -> bool:
        spelled = path.removeprefix(INVOICE)
        return spelled not in ("qrcode", "grcode") or self.world.switches.qr_path in (spelled, "both")

    def _nothing(self) -> Any:
        """What stands for no data: the paper shows neither table nor sample for it."""
        how = self.world.switches.empty_data
        return EMPTY[self.world.rng.choice(("missing", "null", "object")) if how == "random" else how]

    def _token(self, call: Call, form: dict[str, str]) -> Answer:
        app = self.world.apps.get(form.get("client_id", ""))
        secret = form.get("client_secret", "").encode()
        if app is None or not hmac.compare_digest(app.secret.encode(), secret):
            self.world.calls.answered(call, "invalid_client")
            return Answer(msgspec.json.encode({"error": "invalid_client"}), status=401)
        app.token_calls += 1
        token = app.grant(self.world.rng, self.world.now() + TOKEN_LIFE)
        self.world.calls.answered(call, "ok")
        return Answer(msgspec.json.encode({"access_token": token, "expires_in": TOKEN_LIFE}))

    def _refuse(self, refused: Refused) -> Answer:
        code = refused.code
        if isinstance(refused, ByWechat) and self.world.switches.wechat_code == "code":
            code = refused.errcode
        answer = self._say(code, refused.message, MISSING)
        answer.status = refused.status
        return answer

    def _say(self, code: int, message: str, data: Any) -> Answer:
        said: dict[str, Any] = {"code": str(code) if self.world.switches.code_as == "string" else code}
        said["message"] = message
        return Answer(msgspec.json.encode(said if data is MISSING else {**said, "data": data}))

    def _spoken(self, kind: str) -> Answer | None:
        if kind in ("code_9999", "code_9999_after"):
            return self._say(BUSY, "系统繁忙，请稍后再试", MISSING)
        return self._refuse(ByWechat(72036)) if kind == "busy_72036" else None
