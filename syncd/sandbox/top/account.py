"""Who may call: application keys with their secrets and sellers' sessions, and the bans that rest upon them."""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from syncd.sandbox.moment import beijing_day, beijing_text, parse_beijing
from syncd.sandbox.top.refusal import Refused

BanKind = Literal["app", "api", "app_api"]
SUB_CODE: dict[BanKind, str] = {
    "app": "accesscontrol.limited-by-app-access-count",
    "api": "accesscontrol.limited-by-api-access-count",
    "app_api": "accesscontrol.limited-by-app-api-access-count",
}
DAY = 86_400


@dataclass(slots=True)
class Session:
    """A seller's access token; `until` is unix seconds."""

    token: str
    seller_nick: str
    until: float = math.inf


@dataclass(slots=True)
class Account:
    """One application: its key, its secret, the sessions made for it, and what it may not call ("*" = nothing).

    `allowed_ips` None lets every address in.
    """

    app_key: str
    secret: str
    sessions: dict[str, Session] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    allowed_ips: set[str] | None = None
    in_day: Counter[str] = field(default_factory=Counter)
    in_second: Counter[tuple[str, int]] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Ban:
    """Code 7 until an instant: for one application, for one method, or for that application on that method."""

    kind: BanKind
    until: float
    app_key: str
    method: str

    def concerns(self, app_key: str, method: str) -> bool:
        by_app = self.kind == "api" or self.app_key in ("*", app_key)
        return by_app and (self.kind == "app" or self.method in ("*", method))

    def refusal(self, now: float, text: str) -> Refused:
        """Whole seconds that still remain, rounded up."""
        seconds = max(1, math.ceil(self.until - now))
        told = f"This ban will last for {seconds} more seconds" if text == "seconds" else "App Call Limited"
        return Refused(7, SUB_CODE[self.kind], told)


def over_limit(account: Account, method: str, now: float, per_second: int, per_day: int) -> Ban | None:
    """Count a call and say which ban it earns, if any."""
    day, second = beijing_day(now), (method, int(now))
    account.in_day[day] += 1
    account.in_second[second] += 1
    if per_day and account.in_day[day] > per_day:
        midnight = (parse_beijing(beijing_text(now)[:10]) or 0) + DAY
        return Ban("app", float(midnight), account.app_key, "*")
    if per_second and account.in_second[second] > per_second:
        return Ban("app_api", now + 1, account.app_key, method)
    return None
