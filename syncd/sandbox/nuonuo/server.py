"""The Nuonuo endpoints: one path for all methods, the token service, and the files of issued invoices."""

import asyncio
import hmac
import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from aiohttp import web

from syncd.sandbox.calls import Call
from syncd.sandbox.delivery import Answer, Delivery
from syncd.sandbox.moment import Sleep
from syncd.sandbox.nuonuo.callback import Callbacks
from syncd.sandbox.nuonuo.issue import re_invoice, request_billing, seller_of
from syncd.sandbox.nuonuo.order import Json
from syncd.sandbox.nuonuo.query import query_result
from syncd.sandbox.nuonuo.red import answer_form, fast_red, query_forms, refresh_forms, save_form, withdraw_form
from syncd.sandbox.nuonuo.refusal import Refused
from syncd.sandbox.nuonuo.session import certification_status, credit_line, qr_code, verify_complete
from syncd.sandbox.nuonuo.sign import Signed, is_signed
from syncd.sandbox.nuonuo.tokens import App, TokenRefused
from syncd.sandbox.nuonuo.world import NuonuoWorld, Seller

PATH = "/open/v1/services"
TOKEN_PATH = "/accessToken"
NAMESPACE = "nuonuo.OpeMplatform."
LARGEST_BODY = 8 * 2**20
SPOKEN = {
    "E9999": ("E9999", "系统异常"),
    "E9999_after": ("E9999", "系统异常"),
    "E9601": ("E9601", "系统繁忙，请稍后重试"),
}
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n% invoice "

Method = Callable[[NuonuoWorld, Seller, Json], Any]
METHODS: dict[str, Method] = {
    "queryInvoiceResult": query_result,
    "reInvoice": re_invoice,
    "getCertificationStatus": certification_status,
    "getQrCode": qr_code,
    "verifyComplete": verify_complete,
    "getCreditLine": credit_line,
    "saveInvoiceRedConfirm": save_form,
    "queryInvoiceRedConfirm": query_forms,
    "refreshInvoiceRedConfirm": refresh_forms,
    "fastInvoiceRed": fast_red,
    "confirm": answer_form,
    "confirmInfoCancel": withdraw_form,
}
PUSHES = frozenset({"requestBillingNew", "reInvoice"})
GOOD = {"requestBillingNew": "开票提交成功"}


class NuonuoServer:
    """Serves one `NuonuoWorld` over HTTP. Errors are HTTP 200 with a code in the JSON."""

    def __init__(self, world: NuonuoWorld, sleep: Sleep = asyncio.sleep) -> None:
        self.world = world
        self.delivery = Delivery(world.faults, world.now, sleep)
        self.callbacks = Callbacks(world, sleep)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_post(PATH, self.receive)
        app.router.add_post(TOKEN_PATH, self.give_token)
        app.router.add_get("/files/{number}.pdf", self.give_file)
        return app

    async def receive(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        method = request.headers.get("method", "")
        kind = self.world.faults.strike(method, body)
        params = dict(request.query) | {"userTax": request.headers.get("userTax", "")}
        call = Call(method, params, body.decode(errors="replace"), self.world.now(), fault=kind)
        self.world.calls.arrived(call)
        signed = Signed(
            request.path, params.get("appkey", ""), params.get("senid", ""), params.get("nonce", ""),
            params.get("timestamp", ""), body,
        )  # fmt: skip
        sign, token = request.headers.get("X-Nuonuo-Sign", ""), request.headers.get("accessToken", "")
        act = partial(self.act, call, signed, sign, token)
        return await self.delivery.carry(request, method, kind, act, _spoken)

    def act(self, call: Call, signed: Signed, sign: str, token: str) -> Answer:
        """Admit and execute one request; also how a proxy repeats it later."""
        try:
            app = self._admit(signed, sign, token)
            result = self._execute(app, call.method, call.params["userTax"], _json(signed.body))
        except Refused as refused:
            self.world.calls.answered(call, refused.code, refused.text)
            return _say(refused.code, refused.text)
        self.world.calls.answered(call, "ok")
        return _say("E0000", GOOD.get(call.method.removeprefix(NAMESPACE), "请求成功"), result)

    def _admit(self, signed: Signed, sign: str, token: str) -> App:
        """The application of a genuine call. Raises: Refused 070101 or 070304 (docs/wire/nuonuo.md)."""
        world = self.world
        if not re.fullmatch(r"[0-9A-Za-z]{32}", signed.senid) or not re.fullmatch(r"[1-9][0-9]{7}", signed.nonce):
            raise Refused("070101", "公共参数senid或nonce不正确")
        if not re.fullmatch(r"[0-9]{10}", signed.timestamp):
            raise Refused("070101", "公共参数timestamp不正确")
        if abs(int(signed.timestamp) - world.now()) > world.switches.timestamp_window:
            raise Refused("070101", "公共参数timestamp已过期")
        app = world.apps.get(signed.appkey)
        if app is None or not is_signed(app.secret, signed, sign):
            raise Refused("070101", "获取app密钥失败或签名错误")
        if not app.accepts(token, world.now()):
            raise Refused("070304", "accessToken无效或已过期")
        return app

    def _execute(self, app: App, method: str, user_tax: str, body: Json) -> Any:
        name = method.removeprefix(NAMESPACE) if method.startswith(NAMESPACE) else ""
        if app.kind == "isv" and not user_tax:
            raise Refused("E4000", "第三方应用须填写userTax")
        if name == "requestBillingNew":
            result = request_billing(self.world, app.key, user_tax, body)
        elif name in METHODS:
            result = METHODS[name](self.world, seller_of(self.world, app.key, user_tax), body)
        else:
            raise Refused("E9338", "企业无该接口权限")
        if name in PUSHES:
            self.callbacks.watch(self.world.by_serial[result["invoiceSerialNum"]])
        return result

    async def give_token(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        method = "accessToken"
        kind = self.world.faults.strike(method)
        call = Call(method, {"grant_type": form.get("grant_type", "")}, "", self.world.now(), fault=kind)
        self.world.calls.arrived(call)
        return await self.delivery.carry(request, method, kind, partial(self._token, call, form), _spoken)

    def _token(self, call: Call, form: dict[str, str]) -> Answer:
        try:
            granted = self._token_app(form).grant(form, self.world.now(), self.world.rng)
        except TokenRefused as refused:
            self.world.calls.answered(call, refused.code, refused.text)
            said = {"error": refused.code, "error_description": refused.text}
            return Answer(msgspec.json.encode(said))
        self.world.calls.answered(call, "ok")
        return Answer(msgspec.json.encode(granted))

    def _token_app(self, form: dict[str, str]) -> App:
        """The application that asks; a refresh names the authorised user instead of the key."""
        client = form.get("client_id", "")
        if form.get("grant_type") == "refresh_token":
            app = next((app for app in self.world.apps.values() if client and app.user_id == client), None)
        else:
            app = self.world.apps.get(client)
        secret = form.get("client_secret", "").encode()
        if app is None or not hmac.compare_digest(app.secret.encode(), secret):
            raise TokenRefused("070101", "获取app密钥失败或appkey无效")
        return app

    async def give_file(self, request: web.Request) -> web.StreamResponse:
        number = request.match_info["number"]
        if not any(invoice.number == number for invoice in self.world.ledger):
            raise web.HTTPNotFound(text="no such file")
        return web.Response(body=PDF + number.encode() + b"\n%%EOF\n", content_type="application/pdf")


def _json(body: bytes) -> Json:
    try:
        parsed = json.loads(body)
    except ValueError:
        raise Refused("E4000", "请求报文不是JSON") from None
    if not isinstance(parsed, dict):
        raise Refused("E4000", "请求报文应为对象")
    return parsed


def _say(code: str, text: str, result: Any = None) -> Answer:
    said = {"code": code, "describe": text}
    return Answer(msgspec.json.encode(said if result is None else {**said, "result": result}))


def _spoken(kind: str) -> Answer | None:
    return _say(*SPOKEN[kind]) if kind in SPOKEN else None
