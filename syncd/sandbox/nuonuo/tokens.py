"""Access tokens: who has one, how long it lives, and the cap of 50 token calls in 30 days."""

import random
from collections import deque
from dataclasses import dataclass, field

TOKEN_LIFE = 86_400
CALLS_KEPT_FOR = 30 * 86_400
MOST_CALLS = 50


class TokenRefused(Exception):
    """No token: a gateway code and its text."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text


@dataclass(slots=True)
class App:
    """An application at the open platform.

    `tokens` map a token to its last second of life (infinity for a permanent one). `calls` are the instants of
    the token calls that still count. `kind` is "self" or "isv"; `user_id` and `refresh_token` belong to "isv".
    """

    key: str
    secret: str
    kind: str = "self"
    tokens: dict[str, float] = field(default_factory=dict)
    calls: deque[float] = field(default_factory=deque)
    token_calls: int = 0
    user_id: str = ""
    refresh_token: str = ""

    def accepts(self, token: str, now: float) -> bool:
        return now < self.tokens.get(token, 0.0)

    def grant(self, form: dict[str, str], now: float, rng: random.Random) -> dict[str, str]:
        """Answer one token call (docs/wire/nuonuo.md). Raises: TokenRefused 070101, 070306 or 070307."""
        self._count(now)
        wanted = form.get("grant_type", "")
        allowed = ("client_credentials",) if self.kind == "self" else ("authorization_code", "refresh_token")
        if wanted not in allowed:
            raise TokenRefused("070307", "应用类型错误")
        if wanted == "refresh_token" and form.get("refresh_token") != self.refresh_token:
            raise TokenRefused("070305", "refresh_token无效")
        token = f"{rng.getrandbits(128):032x}"
        self.tokens[token] = now + TOKEN_LIFE
        answer = {"access_token": token, "expires_in": str(TOKEN_LIFE)}
        if self.kind == "isv":
            self.refresh_token = f"{rng.getrandbits(128):032x}"
            answer |= {"refresh_token": self.refresh_token, "userId": self.user_id}
        return answer

    def _count(self, now: float) -> None:
        self.token_calls += 1
        while self.calls and self.calls[0] <= now - CALLS_KEPT_FOR:
            self.calls.popleft()
        if len(self.calls) >= MOST_CALLS:
            raise TokenRefused("070306", "获取token次数超过限制")
        self.calls.append(now)
