"""Health, readiness and metrics over HTTP: small, bounded in time, and silent about details."""

from __future__ import annotations

import asyncio
import errno
import hmac
from collections.abc import Awaitable, Callable
from typing import Protocol
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from syncd.watch.metrics import CONTENT_TYPE
from syncd.watch.redaction import masked

log = structlog.get_logger()

_ANSWER_WITHIN = 5.0  # seconds; a probe that hangs says less than one that fails
_LARGEST_BODY = 1_024
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Server": "syncd",
    "X-Content-Type-Options": "nosniff",
}
_ERRORS = {401: "unauthorized", 404: "not found", 405: "method not allowed", 413: "too large"}


class HealthFacts(Protocol):
    """What the daemon knows of its own state. Reasons are short constants: they are shown without a login."""

    async def alive(self) -> list[str]:
        """Which parts stand still; empty while everything turns."""
        ...

    async def ready(self) -> list[str]:
        """Why work cannot be done now (starting, the store does not answer); empty when it can."""
        ...


class CannotListen(Exception):
    """The address cannot be listened on; the text says which and why."""


class AddressInUse(CannotListen):
    """Another process listens there already."""


def app(
    facts: HealthFacts,
    metrics_render: Callable[[], Awaitable[bytes]],
    token: str = "",
    *,
    answer_within: float = _ANSWER_WITHIN,
) -> web.Application:
    """/healthz (open), /readyz and /metrics (behind `token`, if any), each answered in `answer_within` seconds."""

    async def healthz(_: web.Request) -> web.Response:
        return _verdict("ok", "stale", await facts.alive())

    async def readyz(_: web.Request) -> web.Response:
        return _verdict("ready", "not ready", await facts.ready())

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=await metrics_render(), headers={"Content-Type": CONTENT_TYPE})

    application = web.Application(
        middlewares=[_plain_errors, _bearer(token), _in_time(answer_within)], client_max_size=_LARGEST_BODY
    )
    application.on_response_prepare.append(_put_headers)
    application.router.add_get("/healthz", healthz)
    application.router.add_get("/readyz", readyz)
    application.router.add_get("/metrics", metrics)
    return application


def _verdict(good: str, bad: str, reasons: list[str]) -> web.Response:
    if not reasons:
        return web.json_response({"status": good})
    return web.json_response({"status": bad, "reasons": [masked(reason) for reason in reasons]}, status=503)


def _error(status: int, **headers: str) -> web.Response:
    return web.json_response({"error": _ERRORS.get(status, "failed")}, status=status, headers=headers)


@web.middleware
async def _plain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as refusal:
        allowed = {"Allow": refusal.headers["Allow"]} if "Allow" in refusal.headers else {}
        return _error(refusal.status, **allowed)


def _in_time(seconds: float) -> Middleware:
    """Runs each handler as a task: whatever it raises is logged and told as a bare 500, a hang as a 503."""

    @web.middleware
    async def bounded(request: web.Request, handler: Handler) -> web.StreamResponse:
        work = asyncio.ensure_future(handler(request))
        try:
            await asyncio.wait({work}, timeout=seconds)
            if not work.done():
                return _verdict("", "no answer", [f"no answer within {seconds:g} s"])
            trouble = work.exception()
            if trouble is None or isinstance(trouble, web.HTTPException):
                return work.result()
            log.error("web.failed", path=request.path, exc_info=trouble)
            return _error(500)
        finally:
            work.cancel()

    return bounded


def _bearer(token: str) -> Middleware:
    expected = f"Bearer {token}".encode()

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not token or request.path == "/healthz" or hmac.compare_digest(given, expected):
            return await handler(request)
        return _error(401, **{"WWW-Authenticate": "Bearer"})

    return guard


async def _put_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)


class Served:
    """A running listener."""

    def __init__(self, runner: web.AppRunner, url: str) -> None:
        self._runner = runner
        self.url = url

    async def stop(self) -> None:
        """Close the port and let running answers finish, for a few seconds."""
        await self._runner.cleanup()


async def serve(application: web.Application, listen: str) -> Served:
    """Listen on `listen` ("127.0.0.1:8650"; port 0: any free one) and on nothing else.

    Raises: AddressInUse, CannotListen.
    """
    parts = urlsplit(f"//{listen}")
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, parts.hostname, parts.port or 0).start()
    except OSError as error:
        await runner.cleanup()
        if error.errno == errno.EADDRINUSE:
            raise AddressInUse(f"{listen} is in use by another process") from None
        raise CannotListen(f"cannot listen on {listen}: {error.strerror or error}") from None
    host, port = runner.addresses[0][:2]
    return Served(runner, f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
