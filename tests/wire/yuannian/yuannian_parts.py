"""What the Yuannian tests are made of: a clock in the hand, a shelf in memory, an account at the sandbox."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hands import HandClock

from syncd.domain.wallet import CardRef
from syncd.sandbox import Sandbox
from syncd.wire.http import Http
from syncd.wire.pace import Pacer
from syncd.wire.yuannian.client import YuannianWallet
from syncd.wire.yuannian.errors import ErrorRules
from syncd.wire.yuannian.sign import SignRule
from syncd.wire.yuannian.token import StaticToken, TokenSource

GOLDEN = Path(__file__).parents[2] / "golden" / "yuannian"
VECTORS = json.loads((Path(__file__).parents[2] / "data" / "vectors.json").read_text("utf-8"))["vectors"]
RULE = SignRule("preset:top_style", secret="demo_secret")


def golden(name: str) -> Any:
    """One of the document's own samples."""
    return json.loads((GOLDEN / f"{name}.json").read_bytes())


def made(
    url: str,
    http: Http,
    clock: HandClock,
    *,
    token: TokenSource | str = "demo_token",
    rule: SignRule = RULE,
    errors: ErrorRules | None = None,
    **more: Any,
) -> YuannianWallet:
    """A client of `url`."""
    source = StaticToken(token) if isinstance(token, str) else token
    pacer = Pacer(0, clock.monotonic, now=clock.now)
    return YuannianWallet(
        url=url, app_id="100002", token=source, rule=rule, http=http, pacer=pacer, clock=clock, errors=errors, **more
    )


def at_sandbox(sandbox: Sandbox, http: Http, clock: HandClock, **more: Any) -> YuannianWallet:
    return made(sandbox.yuannian_url, http, clock, token=more.pop("token", sandbox.yuannian.token), **more)


def ref(card: Any) -> CardRef:
    """What an import of a sandbox's card needs."""
    return CardRef(card.card_id, card.encrypt_code)


def said(body: bytes) -> Mapping[str, Any]:
    """A request as the other side reads it."""
    told: dict[str, Any] = json.loads(body)
    assert set(told) == {"header", "body"}
    return told
