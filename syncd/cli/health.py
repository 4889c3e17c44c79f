"""`syncd health`: asks a running daemon whether it is alive; made for container and cron checks."""

from __future__ import annotations

import http.client
from urllib.parse import SplitResult, urlsplit

import typer

from syncd.cli.frame import FAILED, FINE, Frame, here, leave
from syncd.cli.output import inert
from syncd.cli.words import Lang, helper

ANSWER_WITHIN = 6.0  # seconds; the daemon itself gives up after five
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
_LARGEST = 4096


def register(app: typer.Typer, lang: Lang) -> None:
    """Add `syncd health`."""
    text = helper(lang)

    @app.command("health", help=text("health"))
    def health(
        ctx: typer.Context,
        url: str | None = typer.Option(None, "--url", metavar="URL", help=text("opt.url")),
    ) -> None:
        leave(_health(here(ctx), url))


def _health(frame: Frame, url: str | None) -> int:
    target = _target(frame, url)
    try:
        status, body = _ask(target)
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        print(inert(frame.say("health.silent", url=target.geturl(), why=why)))
        return FAILED
    print(inert(frame.say("health.answered", url=target.geturl(), status=status, body=body)))
    return FINE if status == 200 else FAILED


def _target(frame: Frame, url: str | None) -> SplitResult:
    """The address to ask: what was given, or the console's own over loopback. Raises Unusable."""
    if url is None:
        console = frame.settings().console
        if console.port == 0:
            raise frame.unusable("health.any_port")
        host = _ANY.get(console.host, console.host)
        return urlsplit(
            f"http://[{host}]:{console.port}/healthz" if ":" in host else f"http://{host}:{console.port}/healthz"
        )
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise frame.unusable("health.bad_url")
    return parts if parts.path.strip("/") else parts._replace(path="/healthz")


def _ask(target: SplitResult) -> tuple[int, str]:
    """The status and the body's first characters; no proxy, no redirect."""
    kind = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
    connection = kind(target.hostname or "", target.port, timeout=ANSWER_WITHIN)
    try:
        connection.request("GET", target.path)
        answer = connection.getresponse()
        return answer.status, answer.read(_LARGEST).decode("utf-8", "replace").strip()
    finally:
        connection.close()
