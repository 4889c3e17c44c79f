"""Two callers written only from the vendors' papers, and a clock that tests move."""

import base64
import hashlib
import hmac
import json
from typing import Any

import aiohttp

from syncd.sandbox import Sandbox

NOON = 1_795_140_000.0
"""2026-11-20 10:00:00 in Beijing."""

SEARCH = "finance.invoice.InvoiceOrder.search"
UPDATE = "finance.invoice.InvoiceOrder.updateInvoice"
SELLER = "339902999999789113"


class Clock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


class Wdt:
    """A WDT caller: signs by docs/wire/wdt.md and shows raw answers."""

    def __init__(self, http: aiohttp.ClientSession, sandbox: Sandbox, clock: Clock) -> None:
        self.http, self.sandbox, self.clock = http, sandbox, clock
        self.secret, self.salt = "demosecret", "demosalt"
        self.sid, self.key = "demo_sid", "demo_sid-syncd"

    def query(self, method: str, body: bytes, **more: str) -> dict[str, str]:
        query = {
            "sid": self.sid,
            "key": self.key,
            "salt": self.salt,
            "method": method,
            "v": "1.0",
            "timestamp": str(int(self.clock()) - 1_325_347_200),
            **more,
        }
        signed = {**query, "body": body.decode()}
        plain = self.secret + "".join(name + signed[name] for name in sorted(signed)) + self.secret
        return query | {"sign": hashlib.md5(plain.encode()).hexdigest()}

    async def post(self, query: dict[str, str], body: bytes, **more: Any) -> aiohttp.ClientResponse:
        headers = {"Content-Type": "application/json"} | more.pop("headers", {})
        answer = await self.http.post(self.sandbox.wdt_url, params=query, data=body, headers=headers, **more)
        await answer.read()
        return answer

    async def call(self, method: str, args: Any, **more: str) -> dict[str, Any]:
        body = json.dumps(args, ensure_ascii=False).encode()
        answer = await self.post(self.query(method, body, **more), body)
        said: dict[str, Any] = json.loads(await answer.read())
        return said

    async def search(
        self, start: str = "2026-11-19 00:00:00", end: str = "2026-11-20 12:00:00", *,
        page: int = 0, size: int = 100, total: bool = True, **params: Any,
    ) -> dict[str, Any]:  # fmt: skip
        asked = {"start_time": start, "end_time": end, **params}
        asked = {name: value for name, value in asked.items() if value is not None}
        return await self.call(
            SEARCH, [asked], page_no=str(page), page_size=str(size), calc_total="1" if total else "0"
        )

    async def numbers(self, **params: Any) -> list[str]:
        return [row["invoice_order_no"] for row in (await self.search(**params))["data"]["order"]]

    async def update(self, *updates: dict[str, Any]) -> dict[str, Any]:
        return await self.call(UPDATE, [list(updates)])

    async def refusals(self, *updates: dict[str, Any]) -> Any:
        return (await self.update(*updates))["data"]["error_info"]


class Nuonuo:
    """A Nuonuo caller: signs by docs/wire/nuonuo.md and shows raw answers."""

    def __init__(self, http: aiohttp.ClientSession, sandbox: Sandbox, clock: Clock) -> None:
        self.http, self.sandbox, self.clock = http, sandbox, clock
        self.key, self.secret, self.token = "demo_key", "demo_secret", "demo_token"
        self.senid, self.nonce = "a" * 32, "12345678"

    def request(self, method: str, body: bytes, **change: str) -> dict[str, Any]:
        query = {
            "senid": self.senid,
            "nonce": self.nonce,
            "timestamp": str(int(self.clock())),
            "appkey": self.key,
        }
        query |= {name: value for name, value in change.items() if name in query}
        text = (
            f"a=services&l=v1&p=open&k={query['appkey']}&i={query['senid']}"
            f"&n={query['nonce']}&t={query['timestamp']}&f=" + body.decode()
        )
        sign = base64.b64encode(hmac.new(self.secret.encode(), text.encode(), hashlib.sha1).digest()).decode()
        headers = {
            "Content-Type": "application/json",
            "X-Nuonuo-Sign": sign,
            "accessToken": self.token,
            "userTax": SELLER,
            "method": f"nuonuo.OpeMplatform.{method}",
        }
        headers |= {name: value for name, value in change.items() if name in headers}
        return {"params": query, "headers": {name: value for name, value in headers.items() if value}}

    async def post(self, method: str, said: Any, **change: str) -> aiohttp.ClientResponse:
        body = json.dumps(said, ensure_ascii=False).encode()
        request = self.request(method, body, **change)
        answer = await self.http.post(self.sandbox.nuonuo_url, data=body, **request)
        await answer.read()
        return answer

    async def call(self, method: str, said: Any, **change: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(await (await self.post(method, said, **change)).read())
        return told

    async def submit(self, order_no: str = "K1", **fields: Any) -> dict[str, Any]:
        return await self.call("requestBillingNew", {"order": order(order_no, **fields)})

    async def query(self, *order_nos: str) -> dict[str, Any]:
        return await self.call("queryInvoiceResult", {"orderNos": list(order_nos), "isOfferInvoiceDetail": "0"})

    async def status(self, order_no: str = "K1") -> str:
        told = await self.query(order_no)
        return str(told["result"][0]["status"]) if told["code"] == "E0000" else str(told["code"])


def line(net: str = "100.00", tax: str = "13.00", gross: str = "113.00", **more: str) -> dict[str, str]:
    return {
        "goodsName": "演示商品",
        "goodsCode": "1010101010000000000",
        "withTaxFlag": "0",
        "taxRate": "0.13",
        "taxExcludedAmount": net,
        "tax": tax,
        "taxIncludedAmount": gross,
        "invoiceLineProperty": "0",
        **more,
    }


def order(order_no: str = "K1", **fields: Any) -> dict[str, Any]:
    full: dict[str, Any] = {
        "orderNo": order_no,
        "invoiceDate": "2026-11-20 09:00:00",
        "invoiceType": "1",
        "invoiceLine": "pc",
        "buyerName": "个人",
        "salerTaxNum": SELLER,
        "clerk": "开票员",
        "pushMode": "-1",
        "invoiceDetail": [line()],
        **fields,
    }
    return {name: value for name, value in full.items() if value is not None}


def issued(no: str, number: str = "26332000000000000001", **more: Any) -> dict[str, Any]:
    return {
        "invoice_order_no": no,
        "invoice_no": number,
        "invoice_code": "",
        "status": 60,
        "file_url": "https://fp.example.com/1.pdf",
        "invoice_time": "2026-11-20 09:58:07",
        "invoice_outer_amount": 113.0,
        **more,
    }


def failed(no: str, text: str = "购方税号不正确", **more: Any) -> dict[str, Any]:
    return {"invoice_order_no": no, "invoice_no": "", "invoice_code": "", "status": 85, "error_info": text, **more}
