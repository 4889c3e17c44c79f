"""Red confirmation forms at the control server: what the buyer, the bureau and other issuers do, in JSON."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

if TYPE_CHECKING:
    from syncd.sandbox.sandbox import Sandbox


class RedControl:
    """One method per address; each gives what is to be answered as JSON."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self.sandbox = sandbox

    def routes(self) -> list[tuple[str, str, str, Any]]:
        """(verb, path, one line of help, handler)"""
        return [
            ("GET", "/red/forms", "red confirmation forms, and figures in /red/figures", self.forms),
            ("POST", "/red/forms/{no}/move", '{"path": "04"} the way a form goes from now on', self.move),
            ("POST", "/red/script", '{"match": …, "path": "02-04", "times": 1} for forms to come', self.script),
            ("POST", "/red/blues", '{"number": …, "net": …, "tax": …} issued elsewhere', self.declare),
            ("POST", "/red/orders", '{"no": …} a red document of a WDT document: fields of put_red_of', self.order),
            ("GET", "/red/figures", "red_before_blue, red_over_blue", self.figures),
        ]

    async def forms(self, request: web.Request) -> Any:
        self.sandbox.nuonuo.settle()
        return [
            {
                "bill_id": form.bill_id, "blue": form.blue.number, "status": form.status, "shown": form.shown,
                "total": form.net + form.tax, "path": form.path,
                "red": form.red.invoices[0].number if form.red and form.red.invoices else None,
            }
            for form in self.sandbox.nuonuo.bureau.forms.values()
        ]  # fmt: skip

    async def move(self, request: web.Request) -> Any:
        self.sandbox.nuonuo.bureau.move(request.match_info["no"], (await _body(request))["path"])
        return {"ok": True}

    async def script(self, request: web.Request) -> Any:
        body = await _body(request)
        self.sandbox.nuonuo.script_red(
            body["match"], body["path"], times=body.get("times"), message=body.get("message")
        )
        return {"ok": True}

    async def declare(self, request: web.Request) -> Any:
        body = await _body(request)
        amounts = Decimal(str(body.pop("net"))), Decimal(str(body.pop("tax")))
        self.sandbox.nuonuo.declare_blue(body.pop("number"), *amounts, **body)
        return {"ok": True}

    async def order(self, request: web.Request) -> Any:
        body = await _body(request)
        if "gross" in body:
            body["gross"] = Decimal(str(body["gross"]))
        return {"no": self.sandbox.wdt.put_red_of(body.pop("no"), **body)}

    async def figures(self, request: web.Request) -> Any:
        return {name: getattr(self.sandbox, name)() for name in ("red_before_blue", "red_over_blue")}


async def _body(request: web.Request) -> dict[str, Any]:
    parsed = msgspec.json.decode(await request.read() or b"{}")
    if not isinstance(parsed, dict):
        raise ValueError("the body must be a JSON object")
    return parsed
