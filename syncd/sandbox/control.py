"""The control server: look at the ledgers and play the users, the weather and the clock, in JSON.

`GET /` lists what there is. Wrong names and values are answered 400 or 404 with `{"error": …}`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from syncd.sandbox.mix import ARRIVING, DEMO, HEALTHY
from syncd.sandbox.nuonuo.control import RedControl
from syncd.sandbox.top.control import TopControl
from syncd.sandbox.wdt.document import read_row
from syncd.sandbox.wdt.world import DEFAULT_SID
from syncd.sandbox.yuannian.control import WalletControl

if TYPE_CHECKING:
    from syncd.sandbox.sandbox import Sandbox

Handler = Callable[[web.Request], Awaitable[Any]]
MIXES = {"demo": DEMO, "healthy": HEALTHY, "arriving": ARRIVING}
PARTIES = ("wdt", "nuonuo", "top", "yuannian")
ACTIONS = ("edit", "cancel", "reopen", "touch", "status")


def control_app(sandbox: "Sandbox") -> web.Application:
    """The application of one sandbox."""
    control = Control(sandbox)
    app = web.Application(middlewares=[_as_json])
    for verb, path, _, handler in control.all_routes():
        app.router.add_route(verb, path, handler)
    return app


class Control:
    """One method per address; each gives what is to be answered as JSON."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self.sandbox = sandbox

    def all_routes(self) -> list[tuple[str, str, str, Any]]:
        """Its own and those of the parties."""
        parties = (RedControl(self.sandbox), TopControl(self.sandbox), WalletControl(self.sandbox))
        return [*self.routes(), *(route for party in parties for route in party.routes())]

    def routes(self) -> list[tuple[str, str, str, Any]]:
        """(verb, path, one line of help, handler)"""
        return [
            ("GET", "/", "this list", self.help),
            ("GET", "/describe", "addresses and credentials", self.describe),
            ("GET", "/counts", "read, issued, written_back, wrong, refused, held, doubles, lost", self.counts),
            ("GET", "/ledger", "the legal invoices; ?order_no= for one order", self.ledger),
            ("GET", "/orders", "WDT documents; ?status=, ?no=, ?sid=, ?limit=100", self.orders),
            ("POST", "/orders", "create a document: its fields, and _expect, _modified, _sid", self.put),
            ("POST", "/orders/{no}/edit", "change fields of a document", self.act_on),
            ("POST", "/orders/{no}/cancel", "a user cancels it (5)", self.act_on),
            ("POST", "/orders/{no}/reopen", "a user puts it back to 45", self.act_on),
            ("POST", "/orders/{no}/touch", "bump its modified time", self.act_on),
            ("POST", "/orders/{no}/status", '{"status": 20}', self.act_on),
            ("POST", "/populate", '{"rows": 100, "mix": "arriving"}; demo, healthy: dated back', self.populate),
            ("GET", "/faults", "profiles, forced faults and what really happened", self.faults),
            ("POST", "/faults", '{"party": "wdt", "method": "*", "kind": …, "times": 1} or {"profile": "rough"}',
             self.force),
            ("POST", "/replay", "execute the requests a proxy still holds", self.replay),
            ("POST", "/plan", '{"method": "search", "page_no": 1, "do": [{"action": "touch", "no": …}]}', self.plan),
            ("POST", "/clock", '{"skew": 300} moves WDT\'s clock, {"party": "nuonuo", …} the issuer\'s', self.clock),
            ("POST", "/login", '{"state": "ok" | "logged_out" | "identity_needed"}', self.login),
            ("POST", "/shops", '{"shop_no": …, "granted": false}', self.shops),
            ("GET", "/switches", "all switches of all parties", self.switches),
            ("POST", "/switches", '{"party": "wdt", "sort": "random", …}', self.switch),
            ("GET", "/calls", "?party=wdt: received calls, and counters", self.calls),
        ]  # fmt: skip

    async def help(self, request: web.Request) -> Any:
        return {"endpoints": [f"{verb} {path} — {text}" for verb, path, text, _ in self.all_routes()]}

    async def describe(self, request: web.Request) -> Any:
        return self.sandbox.describe()

    async def counts(self, request: web.Request) -> Any:
        return self.sandbox.counts()

    async def ledger(self, request: web.Request) -> Any:
        wanted = request.query.get("order_no")
        invoices = self.sandbox.nuonuo.ledger
        return [asdict(invoice) for invoice in invoices if wanted in (None, invoice.order_no)]

    async def orders(self, request: web.Request) -> Any:
        query = request.query
        limit = int(query.get("limit", "100"))
        found: list[dict[str, Any]] = []
        for document in self.sandbox.wdt.documents.values():
            fits = all(query.get(name) in (None, str(getattr(document, name))) for name in ("sid", "no", "status"))
            if fits and len(found) < limit:
                found.append({"expect": document.expect, "modified": document.modified, **read_row(document.row)})
        return found

    async def put(self, request: web.Request) -> Any:
        row = await _body(request)
        own = {name: row.pop(f"_{name}") for name in ("expect", "modified", "sid") if f"_{name}" in row}
        return {"no": self.sandbox.wdt.put_order(row, **own)}

    async def act_on(self, request: web.Request) -> Any:
        action = request.path.rsplit("/", 1)[1]
        self._act(action, request.match_info["no"], await _body(request))
        return {"ok": True}

    async def populate(self, request: web.Request) -> Any:
        body = await _body(request)
        mix = _one_of(MIXES, body.get("mix", "demo"))
        return {"numbers": self.sandbox.populate(int(body["rows"]), mix, sid=body.get("sid", DEFAULT_SID))}

    async def faults(self, request: web.Request) -> Any:
        return {party: self._faults_of(party) for party in PARTIES}

    async def force(self, request: web.Request) -> Any:
        body = await _body(request)
        parties = [body["party"]] if "party" in body else PARTIES
        for party in parties:
            faults = self._world(party).faults
            if "profile" in body:
                faults.use(body["profile"])
            else:
                faults.force(body.get("method", "*"), body["kind"], int(body.get("times", 1)))
        return {"ok": True}

    async def replay(self, request: web.Request) -> Any:
        return {"replayed": sum(server.delivery.replay() for server in self.sandbox.servers())}

    async def plan(self, request: web.Request) -> Any:
        body = await _body(request)
        steps = body["do"]
        for step in steps:
            _one_of(dict.fromkeys(ACTIONS), step["action"])

        def then() -> None:
            for step in steps:
                self._act(step["action"], step["no"], step.get("fields", {}))

        self.sandbox.wdt.after(body["method"], then, page_no=body.get("page_no"), times=int(body.get("times", 1)))
        return {"ok": True}

    async def clock(self, request: web.Request) -> Any:
        body = await _body(request)
        self._world(body.get("party", "wdt")).skew = float(body["skew"])
        return {"ok": True}

    async def login(self, request: web.Request) -> Any:
        self.sandbox.nuonuo.login = (await _body(request))["state"]
        return {"ok": True}

    async def shops(self, request: web.Request) -> Any:
        body = await _body(request)
        wdt, sid = self.sandbox.wdt, body.get("sid", DEFAULT_SID)
        (wdt.grant_shop if body["granted"] else wdt.revoke_shop)(body["shop_no"], sid=sid)
        return {"ok": True}

    async def switches(self, request: web.Request) -> Any:
        return {party: asdict(self._world(party).switches) for party in PARTIES}

    async def switch(self, request: web.Request) -> Any:
        body = await _body(request)
        switches = self._world(body.pop("party", "wdt")).switches
        known = {field.name for field in fields(switches)}
        for name, value in body.items():
            if name not in known:
                raise ValueError(f"unknown switch {name!r}; known: {', '.join(sorted(known))}")
            setattr(switches, name, frozenset(value) if isinstance(value, list) else value)
        return asdict(switches)

    async def calls(self, request: web.Request) -> Any:
        log = self._world(request.query.get("party", "wdt")).calls
        by_answer = {f"{method} {answer}": count for (method, answer), count in log.by_answer.items()}
        recent = [call.as_json() for call in log]
        return {"by_method": dict(log.by_method), "by_answer": by_answer, "calls": recent}

    def _act(self, action: str, no: str, body: dict[str, Any]) -> None:
        wdt, sid = self.sandbox.wdt, body.pop("_sid", DEFAULT_SID)
        match action:
            case "edit":
                wdt.edit(no, sid=sid, **body)
            case "cancel":
                wdt.cancel(no, sid=sid)
            case "reopen":
                wdt.reopen(no, sid=sid)
            case "touch":
                wdt.touch(no, sid=sid, modified=body.get("modified"))
            case "status":
                wdt.set_status(no, int(body["status"]), sid=sid)

    def _world(self, party: str) -> Any:
        return _one_of({name: getattr(self.sandbox, name) for name in PARTIES}, party)

    def _faults_of(self, party: str) -> dict[str, Any]:
        faults = self._world(party).faults
        return {
            "profile": faults.profile,
            "kinds": faults.kinds,
            "forced": [asdict(plan) for plan in faults.forced],
            "happened": dict(faults.happened),
        }


def _one_of(known: dict[str, Any], name: str) -> Any:
    if name not in known:
        raise ValueError(f"unknown {name!r}; known: {', '.join(known)}")
    return known[name]


async def _body(request: web.Request) -> dict[str, Any]:
    raw = await request.read()
    parsed = msgspec.json.decode(raw or b"{}")
    if not isinstance(parsed, dict):
        raise ValueError("the body must be a JSON object")
    return parsed


@web.middleware
async def _as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers and mistakes as JSON."""
    try:
        told, status = await handler(request), 200
    except web.HTTPException as missing:
        told, status = {"error": f"{missing.reason}: {request.method} {request.path}"}, missing.status
    except KeyError as missing:
        known_order = "no" in request.match_info
        told, status = {"error": f"not found or not given: {missing}"}, 404 if known_order else 400
    except (ValueError, TypeError) as mistake:
        told, status = {"error": str(mistake)}, 400
    return web.Response(body=msgspec.json.encode(told), status=status, content_type="application/json")
