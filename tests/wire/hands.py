"""What every party's client needs of the world, held in the hand: a clock, and a shelf for tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from syncd.domain.ports import Token

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


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
        counted = [attempt for attempt in self.attempts if at - attempt < timedelta(days=30)]
        resting = any(at - attempt < timedelta(seconds=rest_for) for attempt in counted)
        if resting or len(counted) >= per_30_days:
            return False
        self.attempts.append(at)
        return True
