"""A Yuannian caller written only from the paper: envelope, signature by a template of its own, raw answers."""

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import aiohttp
from sandbox_callers import Clock

from syncd.sandbox import Sandbox

INVOICE = "/openapi/invoice/wechat"
IMPORT, STATUS = f"{INVOICE}/import", f"{INVOICE}/status/update"
IMPORT_H5, STATUS_H5 = f"{IMPORT}/jsapi", f"{STATUS}/jsapi"
QRCODE, SEARCH, SIGN = f"{INVOICE}/qrcode", f"{INVOICE}/search", "/openapi/wechat/jsapi/sign"
BEIJING = timezone(timedelta(hours=8))


def top_style(header: dict[str, str], body: str, secret: str) -> str:
    pairs = "".join(name + header[name] for name in sorted(header))
    return secret + pairs + body + secret


def qs_key(header: dict[str, str], body: str, secret: str) -> str:
    return "&".join(f"{name}={header[name]}" for name in sorted(header)) + f"&key={secret}"


def house_style(header: dict[str, str], body: str, secret: str) -> str:
    return f"{header['appId']}#{header['token']}#{header['timestamp']}#{secret}"


class Yuannian:
    """`text` gives what is signed; `header` holds what every header carries unless a call says otherwise."""

    def __init__(self, http: aiohttp.ClientSession, sandbox: Sandbox, clock: Clock) -> None:
        self.http, self.sandbox, self.clock = http, sandbox, clock
        self.text, self.secret = top_style, "demo_secret"
        self.header = {
            "appId": "100002",
            "token": sandbox.yuannian.token,
            "vendor": "WECHAT",
            "format": "JSON",
            "version": "v1.0",
        }

    def envelope(self, body: Any, **header: Any) -> dict[str, Any]:
        """A header given as None is left out; `sign` may be given to spoil it."""
        now = datetime.fromtimestamp(self.clock(), UTC).astimezone(BEIJING)
        full = {**self.header, "timestamp": now.strftime("%Y-%m-%dT%H:%M:%S"), **header}
        kept = {name: value for name, value in full.items() if value is not None}
        if "sign" not in header:
            written = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
            signed = {name: str(value) for name, value in kept.items()}
            kept["sign"] = hashlib.md5(self.text(signed, written, self.secret).encode()).hexdigest().upper()
        return {"header": kept, "body": body}

    async def post(self, path: str, said: Any) -> aiohttp.ClientResponse:
        raw = said if isinstance(said, bytes) else json.dumps(said, ensure_ascii=False).encode()
        answer = await self.http.post(self.sandbox.yuannian_url + path, data=raw)
        await answer.read()
        return answer

    async def call(self, path: str, body: Any, **header: Any) -> dict[str, Any]:
        answer = await self.post(path, self.envelope(body, **header))
        told: dict[str, Any] = json.loads(await answer.read())
        return told

    async def import_(self, *cards: Any, path: str = IMPORT, **body: Any) -> Any:
        told = await self.call(path, {"invoiceList": names(*cards), **body})
        return told["data"] if told["code"] == 1000 else told

    async def update(self, openid: str, status: str, *cards: Any, path: str = STATUS, **body: Any) -> dict[str, Any]:
        said = {"openid": openid, "reimburseStatus": f"INVOICE_REIMBURSE_{status}", "invoiceList": names(*cards)}
        return await self.call(path, {**said, **body})

    async def search(self, page: str = "1", size: str = "10", **body: Any) -> Any:
        told = await self.call(SEARCH, body, page=page, size=size)
        return told["data"] if told["code"] == 1000 else told


def names(*cards: Any) -> list[dict[str, str]]:
    return [{"cardId": card.card_id, "encryptCode": card.encrypt_code} for card in cards]
