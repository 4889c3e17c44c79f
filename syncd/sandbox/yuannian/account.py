"""Applications of the platform and their tokens, which look like the sample: a signed bearer with a salted payload."""

import base64
import hashlib
import hmac
import json
import random
from dataclasses import dataclass, field


@dataclass(slots=True)
class App:
    """An application. `tokens` map a token to its last second of life (infinity for one without `exp`)."""

    app_id: str
    secret: str
    tokens: dict[str, float] = field(default_factory=dict)
    token_calls: int = 0

    def accepts(self, token: str, now: float) -> bool:
        return now < self.tokens.get(token, 0.0)

    def grant(self, rng: random.Random, until: float | None = None) -> str:
        """A new token that lives until `until` (unix seconds; None = for ever)."""
        payload: dict[str, object] = {"sub": self._subject(), "salt": f"{rng.getrandbits(128):032x}"}
        if until is not None:
            payload["exp"] = int(until)
        signed = f"{_part({'alg': 'HS512'})}.{_part(payload)}"
        seal = hmac.new(self.secret.encode(), signed.encode(), hashlib.sha512).digest()
        token = f"{signed}.{_base64(seal)}"
        self.tokens[token] = float("inf") if until is None else until
        return token

    def _subject(self) -> str:
        """The sample's subject (100003) is not its appId (100002)."""
        return str(int(self.app_id) + 1) if self.app_id.isdigit() else f"sub-{self.app_id}"


def _part(content: dict[str, object]) -> str:
    return _base64(json.dumps(content, separators=(",", ":")).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
