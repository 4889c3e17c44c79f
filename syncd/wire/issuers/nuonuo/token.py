"""The access token: configured for good, or fetched seldom, kept sealed and shared by all workers.

Nuonuo gives 50 token calls in 30 days; one more locks the merchant out. So every attempt is noted on the shelf
before it is made, and a crash loop makes one call, not sixty.
Source: Nuonuo token notes. Not said there: the shape of a refusal; both known shapes are read.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlencode

import structlog

from syncd.domain.clock import Clock
from syncd.domain.ports import Token, TokenShelf
from syncd.domain.trouble import Care, Permanent, Trouble, Verdict
from syncd.faultpoint import reached
from syncd.wire.http import Http, Reply
from syncd.wire.issuers.nuonuo.errors import PLATFORM, Meaning, meaning
from syncd.wire.strict_json import Malformed, loads

log = structlog.get_logger(__name__)

#: Seconds between two attempts, whoever makes them: 30 days hold 45 of them only in a bad month.
REST_FOR = 600.0
#: The vendor's 50 less a reserve of 5 for people who fetch one by hand.
PER_30_DAYS = 45
#: A token this near its end is no longer used if another can be had.
MARGIN = timedelta(seconds=60)
#: How soon a worker that may not fetch looks at the shelf again: another one may just have filled it.
LOOK_AGAIN = 60.0

_NONCE_LENGTH = 12
_TOKEN = re.compile(r"[!-~]{1,512}")


class NoToken(Permanent):
    """There is no token to call with, and why; no call was made with one."""


class TokenSource(Protocol):
    """Where the adapter gets its token from."""

    async def current(self) -> str:
        """The token to use now. Raises: NoToken."""
        ...

    async def renewed(self, refused: str) -> str:
        """Another token than `refused`, which the gateway did not take. Raises: NoToken."""
        ...


class StaticToken:
    """The permanent token of the settings: the best one, for it costs no call."""

    def __init__(self, token: str) -> None:
        if not _TOKEN.fullmatch(token):
            raise ValueError("the Nuonuo token is empty, too long, or not plain ASCII")
        self._token = token

    async def current(self) -> str:
        return self._token

    async def renewed(self, refused: str) -> str:
        text = "the configured token was refused; renew it at the open platform"
        raise NoToken(Verdict(Care.SETTINGS, PLATFORM, "token_refused", text, 300.0))


@dataclass(frozen=True, slots=True)
class _Grant:
    text: str = field(repr=False)
    expires_at: datetime | None

    def good_at(self, instant: datetime) -> bool:
        return self.expires_at is None or instant < self.expires_at


class FetchedToken:
    """A token of `token_url` (client credentials), sealed on the shelf with a key made from the app's secret.

    `issuer` is the operator's name for the account, under which all its workers share the shelf. `random_bytes`
    is `os.urandom` outside tests.
    """

    def __init__(
        self,
        *,
        issuer: str,
        token_url: str,
        app_key: str,
        app_secret: str,
        shelf: TokenShelf,
        http: Http,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._issuer = issuer
        self._url = token_url
        self._app_key = app_key
        self._app_secret = app_secret
        self._shelf = shelf
        self._http = http
        self._clock = clock
        self._seal = _Seal(app_key, app_secret, random_bytes)
        self._grant: _Grant | None = None
        self._single_flight = asyncio.Lock()

    async def current(self) -> str:
        """The shared token; a fetched one only where the shelf has none that is still good for a minute."""
        if self._grant is not None and self._grant.good_at(self._clock.now() + MARGIN):
            return self._grant.text
        async with self._single_flight:
            shelved = await self._shelved()
            if shelved is not None and shelved.good_at(self._clock.now() + MARGIN):
                return shelved.text
            return await self._fetch_or(shelved)

    async def renewed(self, refused: str) -> str:
        """The one that another worker has fetched meanwhile, else one guarded fetch."""
        async with self._single_flight:
            shelved = await self._shelved()
            if shelved is not None and shelved.text != refused and shelved.good_at(self._clock.now()):
                return shelved.text
            return await self._fetch_or(None)

    async def _shelved(self) -> _Grant | None:
        token = await self._shelf.get(self._issuer)
        self._grant = self._seal.opened(token) if token is not None else None
        return self._grant

    async def _fetch_or(self, ending: _Grant | None) -> str:
        """A new token; the ending one serves its last minute when no new one can be had."""
        try:
            return await self._fetch()
        except NoToken:
            if ending is not None and ending.good_at(self._clock.now()):
                return ending.text
            raise

    async def _fetch(self) -> str:
        if not await self._shelf.may_fetch(self._issuer, self._clock.now(), REST_FOR, PER_30_DAYS):
            text = "a token was fetched or tried minutes ago, or the 30-day allowance is used up"
            raise NoToken(Verdict(Care.REST_LANE, PLATFORM, "token_rest", text, LOOK_AGAIN))
        grant = self._granted(await self._call())
        await self._shelf.put(self._issuer, self._seal.closed(grant))
        self._grant = grant
        log.info("creds.refreshed", issuer=self._issuer)
        return grant.text

    async def _call(self) -> Reply:
        form = {
            "client_id": self._app_key,
            "client_secret": self._app_secret,
            "grant_type": "client_credentials",
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        reached("nuonuo.token.before")
        try:
            reply = await self._http.post(self._url, body=urlencode(form).encode(), headers=headers)
            reached("nuonuo.token.after")
            return reply
        except Trouble as trouble:
            care = Care.SETTINGS if trouble.verdict.care is Care.SETTINGS else Care.REST_LANE
            code, text = trouble.verdict.code, trouble.verdict.text
        raise NoToken(Verdict(care, PLATFORM, code, f"token call: {text}", REST_FOR))

    def _granted(self, reply: Reply) -> _Grant:
        answer = _answer_in(reply)
        text = answer.get("access_token")
        if isinstance(text, str) and _TOKEN.fullmatch(text):
            life = _life(answer.get("expires_in"))
            return _Grant(text, self._clock.now() + life if life else None)
        raise NoToken(_refusal(answer, reply.status))


def _answer_in(reply: Reply) -> Mapping[str, object]:
    """The answer's fields; none where it cannot be read."""
    if reply.status >= 500:
        return {}
    try:
        answer = loads(reply.body)
    except Malformed:
        return {}
    return answer if isinstance(answer, dict) else {}


def _refusal(answer: Mapping[str, object], status: int) -> Verdict:
    """Why there is no token. An unreadable answer rests; one that names a reason is for people."""
    code = _first_text(answer, "code", "error")
    text = _first_text(answer, "describe", "error_description")
    if not code:
        return Verdict(Care.REST_LANE, PLATFORM, f"token_http_{status}", "unreadable token answer", REST_FOR)
    match meaning(code):
        case Meaning.BUSY:
            return Verdict(Care.REST_LANE, PLATFORM, code, text, REST_FOR)
        case Meaning.QUOTA:
            return Verdict(Care.PERSON, PLATFORM, code, text, 3600.0)
        case _:
            return Verdict(Care.SETTINGS, PLATFORM, code, text, REST_FOR)


def _first_text(answer: Mapping[str, object], *names: str) -> str:
    values = (answer.get(name) for name in names)
    return next((value[:200] for value in values if isinstance(value, str) and value), "")


def _life(stated: object) -> timedelta | None:
    """Of the token; None (until it is refused) where the answer states none that can be read."""
    text = str(stated)
    if not (text.isascii() and text.isdigit() and len(text) <= 9) or int(text) == 0:
        return None
    return timedelta(seconds=int(text))


class _Seal:
    """AES-GCM under a key of the app's secret: a stolen store has no token, another app's is no token of ours."""

    def __init__(self, app_key: str, app_secret: str, random_bytes: Callable[[int], bytes]) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"syncd/nuonuo/token")
        self._cipher = AESGCM(derived.derive(app_secret.encode()))
        self._owner = app_key.encode()
        self._random_bytes = random_bytes

    def closed(self, grant: _Grant) -> Token:
        nonce = self._random_bytes(_NONCE_LENGTH)
        sealed = self._cipher.encrypt(nonce, grant.text.encode(), self._owner)
        return Token(nonce + sealed, grant.expires_at)

    def opened(self, token: Token) -> _Grant | None:
        """None for one that was sealed under another key: the secret was changed, and the token with it."""
        nonce, sealed = token.sealed[:_NONCE_LENGTH], token.sealed[_NONCE_LENGTH:]
        from cryptography.exceptions import InvalidTag

        try:
            text = self._cipher.decrypt(nonce, sealed, self._owner).decode()
        except (InvalidTag, ValueError):
            return None
        return _Grant(text, token.expires_at)
