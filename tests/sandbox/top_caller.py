"""A TOP caller written only from the vendor's papers: signs, sends in any layout, shows raw answers."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from sandbox_callers import Clock

from syncd.sandbox import Sandbox

UPDATE = "alibaba.einvoice.prod.apply.update"
GET = "alibaba.einvoice.prod.apply.get"
OLD_GET = "alibaba.einvoice.apply.get"
UPLOAD = "alibaba.einvoice.core.inv.upload"
DETAIL = "alibaba.einvoice.detail.upload"
TIME = "taobao.time.get"
CONSUME = "taobao.tmc.messages.consume"
CONFIRM = "taobao.tmc.messages.confirm"

PDF = b"%PDF-1.4\n\xfb\xef\xbe~?\n%%EOF\n"
NUMBER = "26952000000000000001"
SELLER = "91310000MA1K00000X"
APP_KEY, SECRET, SESSION = "12345678", "demo_top_secret", "demo_top_session"


def sign(secret: str, sign_method: str, params: dict[str, str]) -> str:
    """Names in byte order with their values, in upper-case hex."""
    plain = "".join(f"{name}{params[name]}" for name in sorted(params) if name != "sign").encode()
    key = secret.encode()
    if sign_method == "md5":
        return hashlib.md5(key + plain + key).hexdigest().upper()
    digest = {"hmac": hashlib.md5, "hmac-sha256": hashlib.sha256}[sign_method]
    return hmac.new(key, plain, digest).hexdigest().upper()


def beijing(unix: float) -> str:
    return (datetime.fromtimestamp(unix, UTC) + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S")


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def line(**change: Any) -> dict[str, Any]:
    """One line of 113.00; a None takes a field away."""
    full = {
        "row_type": 0,
        "item_name": "*日用杂品*鲜虾片 80g",
        "item_no": "1030299000000000000",
        "specification": "袋",
        "unit": "袋",
        "quantity": "2",
        "price": "50.00",
        "sum_price": "100.00",
        "tax": "13.00",
        "tax_rate": "0.13",
        "amount": "113.00",
    }
    return {name: value for name, value in (full | change).items() if value is not None}


def invoice(apply_id: str = "A1", number: str = NUMBER, **change: Any) -> dict[str, str]:
    """The business parameters of a sound core.inv.upload; a None takes a field away, lists become JSON."""
    full = {
        "source": "apply",
        "apply_id": apply_id,
        "invoice_no": number,
        "invoice_date": "2026-11-20",
        "invoice_type": "blue",
        "invoice_kind": "0",
        "business_type": "0",
        "invoice_amount": "113.00",
        "sum_price": "100.00",
        "sum_tax": "13.00",
        "payer_name": "个人",
        "payee_register_no": SELLER,
        "invoice_items": [line()],
        "invoice_file_type": "PDF",
        "invoice_file_content": base64.b64encode(PDF).decode(),
        **change,
    }
    return {name: text if isinstance(text, str) else compact(text) for name, text in full.items() if text is not None}


def detail(tid: str = "TA1", number: str = NUMBER, **change: Any) -> dict[str, str]:
    """The business parameters of a sound detail.upload."""
    own = {"platform_tid": tid, "platform_code": "TM", "invoice_items": [line(row_type="0")], "invoice_kind": "4"}
    gone = dict.fromkeys(("source", "invoice_file_type", "invoice_file_content"))
    full = invoice("", number, **(own | gone | change))
    return {name: text for name, text in full.items() if name != "apply_id"}


def red(**change: Any) -> dict[str, str]:
    """A sound red invoice over the same amounts."""
    item = line(quantity="-2", sum_price="-100.00", tax="-13.00", amount="-113.00")
    own = {
        "invoice_type": "red",
        "invoice_amount": "-113.00",
        "sum_price": "-100.00",
        "sum_tax": "-13.00",
        "normal_invoice_no": "26952000000000000009",
        "invoice_items": [item],
    }
    return invoice(**(own | change))


def uks(*numbers: str, **more: str) -> str:
    return compact([{"invoice_no": number, **more} for number in numbers])


class Top:
    """Calls the gateway. `change` replaces any parameter before it is signed; "" takes it away."""

    def __init__(self, http: aiohttp.ClientSession, sandbox: Sandbox, clock: Clock) -> None:
        self.http, self.sandbox, self.clock = http, sandbox, clock
        self.secret, self.sign_method = SECRET, "hmac-sha256"

    def params(self, method: str, /, **change: str) -> dict[str, str]:
        """Signed parameters of one call."""
        full = {
            "method": method,
            "app_key": APP_KEY,
            "timestamp": beijing(self.clock()),
            "format": "json",
            "v": "2.0",
            "sign_method": self.sign_method,
            "simplify": "true",
            **change,
        }
        full = {name: text for name, text in full.items() if text != ""}
        if "sign" not in change:
            full["sign"] = sign(self.secret, self.sign_method, full)
        return full

    async def send(self, body: Any = None, /, **more: Any) -> aiohttp.ClientResponse:
        answer = await self.http.post(self.sandbox.top_url, data=body, **more)
        await answer.read()
        return answer

    async def raw(self, method: str, /, **change: str) -> aiohttp.ClientResponse:
        return await self.send(self.params(method, **change))

    async def call(self, method: str, /, **change: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(await (await self.raw(method, **change)).read())
        return told

    async def refusal(self, method: str, /, **change: str) -> tuple[int, str]:
        """(code, sub_code) of a call that must be refused."""
        error = (await self.call(method, **change))["error_response"]
        return error["code"], error.get("sub_code", "")

    async def update(self, *numbers: str, apply_id: str = "A1", status: str = "inv_success") -> dict[str, Any]:
        return await self.call(UPDATE, apply_id=apply_id, apply_status=status, invoice_uks=uks(*numbers))

    async def missing(self, *numbers: str, apply_id: str = "A1") -> list[str]:
        """The numbers the centre says it does not have; () means that the application is finished."""
        told = await self.update(*numbers, apply_id=apply_id)
        assert told["update_success"] == (not told.get("missing_invoices"))
        return [one["invoice_no"] for one in told.get("missing_invoices", [])]

    async def upload(self, **change: Any) -> bool:
        return bool((await self.call(UPLOAD, **invoice(**change)))["is_success"])

    async def application(self, apply_id: str = "A1") -> dict[str, Any]:
        told = await self.call(GET, invoice_apply_query_dto=compact({"apply_id": apply_id}))
        shown: dict[str, Any] = told["result"]["invoice_apply_dtl"]
        return shown

    async def messages(self, **change: str) -> list[dict[str, Any]]:
        told = await self.call(CONSUME, **change)
        return list(told.get("messages", []))
