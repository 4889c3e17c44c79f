"""TOP at the control server: the buyers, the platform and the weather, in JSON."""

from decimal import InvalidOperation
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from syncd.sandbox.top.world import DEFAULT_APP_KEY, DEFAULT_SESSION

if TYPE_CHECKING:
    from syncd.sandbox.sandbox import Sandbox


class TopControl:
    """One method per address; each gives what is to be answered as JSON."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self.sandbox = sandbox

    def routes(self) -> list[tuple[str, str, str, Any]]:
        """(verb, path, one line of help, handler)"""
        return [
            ("GET", "/top/applications", "applications; ?apply_id=, ?tid=, ?status=", self.applications),
            ("POST", "/top/applications", "a buyer applies: fields of put_application", self.put),
            ("POST", "/top/applications/{no}/cancel", "the buyer withdraws", self.cancel),
            ("POST", "/top/applications/{no}/status", '{"status": "inv_success"} by another channel', self.status),
            ("POST", "/top/applications/{no}/collect", '{"number": …, "code": ""} by another way', self.collect),
            ("POST", "/top/applications/{no}/demand", '{"number": …} is missed though nobody issued it', self.demand),
            ("GET", "/top/uploads", "the uploads; ?apply_id=, and figures in /top/figures", self.uploads),
            ("GET", "/top/figures", "double, hasty, refused, complaints …; ?issued=no,no: foreign", self.figures),
            ("GET", "/top/messages", "the message queue", self.messages),
            ("POST", "/top/ban", '{"kind": "app" | "api" | "app_api", "seconds": 31062, "method": "*"}', self.ban),
            ("POST", "/top/sessions", '{"token": …, "state": "ok" | "expired"}', self.sessions),
            ("POST", "/top/rights", '{"method": "*", "granted": false}', self.rights),
        ]  # fmt: skip

    async def applications(self, request: web.Request) -> Any:
        query, names = request.query, {"apply_id": "apply_id", "tid": "platform_tid", "status": "status"}
        found = self.sandbox.top.applications.values()
        wanted = {name: query[key] for key, name in names.items() if key in query}
        return [one.as_json() for one in found if all(getattr(one, name) == text for name, text in wanted.items())]

    async def put(self, request: web.Request) -> Any:
        body = await _body(request)
        try:
            return self.sandbox.top.put_application(**body).as_json()
        except InvalidOperation:
            raise ValueError(f"amount is no number: {body['amount']!r}") from None

    async def cancel(self, request: web.Request) -> Any:
        self.sandbox.top.cancel(request.match_info["no"], named=bool((await _body(request)).get("named")))
        return {"ok": True}

    async def status(self, request: web.Request) -> Any:
        body = await _body(request)
        self.sandbox.top.set_status(request.match_info["no"], body["status"], body.get("message", ""))
        return {"ok": True}

    async def collect(self, request: web.Request) -> Any:
        body = await _body(request)
        self.sandbox.top.collect(request.match_info["no"], body["number"], body.get("code", ""))
        return {"ok": True}

    async def demand(self, request: web.Request) -> Any:
        body = await _body(request)
        self.sandbox.top.demand(request.match_info["no"], body["number"], body.get("code", ""))
        return {"ok": True}

    async def uploads(self, request: web.Request) -> Any:
        wanted = request.query.get("apply_id")
        return [one.as_json() for one in self.sandbox.top.uploads if wanted in (None, one.apply_id)]

    async def figures(self, request: web.Request) -> Any:
        top, issued = self.sandbox.top, request.query.get("issued")
        told = {
            "uploads": len(top.uploads),
            "double": top.uploads_double(),
            "hasty": top.uploads_hasty(),
            "rate_refused": top.rate_refused,
            "reused_stamps": top.reused_stamps,
            "complaints": top.complaints,
        }
        return told if issued is None else told | {"foreign": top.uploads_foreign(set(issued.split(",")))}

    async def messages(self, request: web.Request) -> Any:
        names = ("id", "topic", "content", "at", "delivered", "confirmed")
        return [{name: getattr(message, name) for name in names} for message in self.sandbox.top.messages]

    async def ban(self, request: web.Request) -> Any:
        body = await _body(request)
        if body["kind"] not in ("app", "api", "app_api"):
            raise ValueError(f"unknown ban {body['kind']!r}; known: app, api, app_api")
        kind, seconds, method = body["kind"], float(body["seconds"]), body.get("method", "*")
        return {"until": self.sandbox.top.ban(kind, seconds, app_key=body.get("app_key", "*"), method=method).until}

    async def sessions(self, request: web.Request) -> Any:
        body = await _body(request)
        token, app_key = body.get("token", DEFAULT_SESSION), body.get("app_key", DEFAULT_APP_KEY)
        if body["state"] == "expired":
            self.sandbox.top.expire_session(token, app_key=app_key)
        elif body["state"] == "ok":
            self.sandbox.top.add_session(token, app_key=app_key)
        else:
            raise ValueError(f"unknown state {body['state']!r}; known: ok, expired")
        return {"ok": True}

    async def rights(self, request: web.Request) -> Any:
        body = await _body(request)
        (self.sandbox.top.allow if body["granted"] else self.sandbox.top.deny)(body.get("method", "*"))
        return {"ok": True}


async def _body(request: web.Request) -> dict[str, Any]:
    parsed = msgspec.json.decode(await request.read() or b"{}")
    if not isinstance(parsed, dict):
        raise ValueError("the body must be a JSON object")
    return parsed
