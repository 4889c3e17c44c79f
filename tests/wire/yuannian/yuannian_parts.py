"""What the Yuannian tests are made of: a clock in the hand, a shelf in memory, an account at the sandbox."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from syncd.domain.ports import Token
from syncd.domain.wallet import CardRef
from syncd.sandbox import Sandbox
from syncd.wire.http import Http
from syncd.wire.pace import Pacer
from syncd.wire.yuannian.client import YuannianWallet
from syncd.wire.yuannian.errors import ErrorRules
from syncd.wire.yuannian.sign import SignRule
from syncd.wire.yuannian.token import StaticToken, TokenSource

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
GOLDEN = Path(__file__).parents[2] / "golden" / "yuannian"
VECTORS = json.loads((Path(__file__).parents[2] / "data" / "vectors.json").read_text("utf-8"))["vectors"]
RULE = SignRule("preset:top_style", secret="demo_secret")


def golden(name: str) -> Any:
    """One of the document's own samples."""
    return json.loads((GOLDEN / f"{name}.json").read_bytes())


class HandClock:
    """A clock that only moves when told to."""

    def __init__(self, instant: datetime = NOON) -> None:
        self.instant = instant

    def now(self) -> datetime:
        return self.instant

    def monotonic(self) -> float:
        return self.instant.timestamp()

    def unix(self) -> float:
        return self.instant.timestamp()

    def move(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)


@dataclass
class Shelf:
    """The port's promise, kept in memory: one may fetch, and the attempt is noted before it is made."""

    tokens: dict[str, Token] = field(default_factory=dict)
    attempts: list[datetime] = field(default_factory=list)

    async def get(self, issuer: str) -> Token | None:
        return self.tokens.get(issuer)

    async def put(self, issuer: str, token: Token) -> None:
        self.tokens[issuer] = token

    async def may_fetch(self, issuer: str, at: datetime, rest_for: float, per_30_days: int) -> bool:
        if any(at - attempt < timedelta(seconds=rest_for) for attempt in self.attempts):
            return False
        self.attempts.append(at)
        return True


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
