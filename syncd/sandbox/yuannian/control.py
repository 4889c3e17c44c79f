"""The wallets at the control server: holders, employers and what became of their cards, in JSON."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

if TYPE_CHECKING:
    from syncd.sandbox.sandbox import Sandbox


class WalletControl:
    """One method per address; each gives what is to be answered as JSON."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self.sandbox = sandbox

    def routes(self) -> list[tuple[str, str, str, Any]]:
        """(verb, path, one line of help, handler)"""
        return [
            ("GET", "/yuannian/cards", "cards; ?number=, ?status=, ?card_id=", self.cards),
            ("POST", "/yuannian/cards", "an invoice gets into a wallet: fields of put_card", self.put),
            ("POST", "/yuannian/cards/{no}/status", '{"status": "LOCK", "by": "employer"}', self.status),
            ("POST", "/yuannian/scan", '{"content": …, "card_ids": […]}: cards are imported by QR code', self.scan),
            ("GET", "/yuannian/changes", "every change of a card's status; ?card_id=", self.changes),
            ("POST", "/yuannian/access_tokens", '{"token": …, "account": …} of an official account', self.access),
        ]

    async def cards(self, request: web.Request) -> Any:
        wanted = {name: request.query[name] for name in ("number", "status", "card_id") if name in request.query}
        cards = self.sandbox.yuannian.cards.values()
        return [asdict(card) for card in cards if all(getattr(card, name) == text for name, text in wanted.items())]

    async def put(self, request: web.Request) -> Any:
        return asdict(self.sandbox.yuannian.put_card(**await _body(request)))

    async def status(self, request: web.Request) -> Any:
        body = await _body(request)
        self.sandbox.yuannian.set_status(request.match_info["no"], body["status"], by=body.get("by", "employer"))
        return {"ok": True}

    async def scan(self, request: web.Request) -> Any:
        body = await _body(request)
        self.sandbox.yuannian.scan(body["content"], *body["card_ids"])
        return {"ok": True}

    async def changes(self, request: web.Request) -> Any:
        wanted = request.query.get("card_id")
        changes = self.sandbox.yuannian.changes
        return [change._asdict() for change in changes if wanted in (None, change.card_id)]

    async def access(self, request: web.Request) -> Any:
        body = await _body(request)
        self.sandbox.yuannian.add_access_token(body["token"], body["account"])
        return {"ok": True}


async def _body(request: web.Request) -> dict[str, Any]:
    parsed = msgspec.json.decode(await request.read() or b"{}")
    if not isinstance(parsed, dict):
        raise ValueError("the body must be a JSON object")
    return parsed
