"""The token that goes into every header: configured, read from a file that somebody else renews, or fetched.

The document has no interface for it (seed yuannian-wechat): its sample looks like a signed bearer token. The fetching
is therefore a plain request made of settings: fields, a path into the answer, a life. No command is ever run.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import urlencode

import structlog

from syncd.domain.clock import Clock
from syncd.domain.ports import Token, TokenShelf
from syncd.domain.trouble import Care, Permanent, Trouble, Verdict
from syncd.faultpoint import reached
from syncd.wire.http import Http, Reply
from syncd.wire.strict_json import Malformed, loads
from syncd.wire.yuannian.errors import PLATFORM
from syncd.wire.yuannian.seal import Seal

log = structlog.get_logger(__name__)

#: Seconds between two attempts to fetch, and how many in 30 days: a loop that fetches is a defect somewhere.
REST_FOR, PER_30_DAYS = 60.0, 5_000
#: A token this near its end is renewed first.
MARGIN = timedelta(seconds=60)
_TOKEN = re.compile(r"[!-~]{1,4096}")
_LARGEST_FILE = 65_536
_REFERENCE = {"$app_id", "$secret"}


class NoToken(Permanent):
    """There is no token to call with, and why; no call was made with one."""


class TokenSource(Protocol):
    """Where the client gets its token from."""

    async def current(self) -> str:
        """The token to use now. Raises: NoToken."""
        ...

    async def renewed(self, refused: str) -> str:
        """Another token than `refused`, which the platform did not take. Raises: NoToken."""
        ...


class StaticToken:
    """The token of the settings."""

    def __init__(self, token: str) -> None:
        self._token = _checked(token)

    async def current(self) -> str:
        return self._token

    async def renewed(self, refused: str) -> str:
        raise _none("token_refused", "the configured token was refused; renew it")


class FileToken:
    """The token in a file that somebody else renews; what it holds counts, and never when it was written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._token = ""

    async def current(self) -> str:
        """What the file holds now; what it held last while it cannot be read (it is being replaced)."""
        try:
            self._read()
        except ValueError:
            if not self._token:
                raise _none("token_file", "the token file holds no token") from None
        return self._token

    async def renewed(self, refused: str) -> str:
        found = await self.current()
        if found == refused:
            raise _none("token_refused", "the token in the file was refused; renew the file")
        return found

    def _read(self) -> None:
        try:
            with self._path.open("rb") as file:
                raw = file.read(_LARGEST_FILE)
            token = _checked(raw.decode("utf-8-sig").strip())
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"the token file cannot be read ({type(error).__name__})") from None
        self._token = token


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """How a token is fetched: a POST of `fields` ("$app_id" and "$secret" stand for the account's own).

    `path` leads to the token in the answer, names joined by points; `life` counts where the answer states no
    `expires_in` beside it.
    """

    url: str
    fields: Mapping[str, str] = field(repr=False)
    form: Literal["form", "json"] = "form"
    path: str = "access_token"
    life: timedelta = timedelta(hours=2)


class FetchedToken:
    """A token of `request`, sealed on the shelf and shared by all workers; one attempt a minute, whoever makes it."""

    def __init__(
        self,
        *,
        name: str,
        request: TokenRequest,
        app_id: str,
        secret: str,
        shelf: TokenShelf,
        seal: Seal,
        http: Http,
        clock: Clock,
    ) -> None:
        self._name = name
        self._request = request
        self._known = {"$app_id": app_id, "$secret": secret}
        self._shelf = shelf
        self._seal = seal
        self._http = http
        self._clock = clock
        self._single_flight = asyncio.Lock()
        self._held: tuple[str, datetime | None] | None = None

    async def current(self) -> str:
        if self._held is not None and self._good(self._held[1]):
            return self._held[0]
        async with self._single_flight:
            await self._look()
            if self._held is not None and self._good(self._held[1]):
                return self._held[0]
            return await self._fetch()

    async def renewed(self, refused: str) -> str:
        async with self._single_flight:
            await self._look()
            if self._held is not None and self._held[0] != refused and self._good(self._held[1]):
                return self._held[0]
            return await self._fetch()

    def _good(self, until: datetime | None) -> bool:
        return until is None or self._clock.now() + MARGIN < until

    async def _look(self) -> None:
        kept = await self._shelf.get(self._name)
        text = self._seal.opened(kept.sealed, self._name) if kept is not None else None
        self._held = None if kept is None or text is None else (text, kept.expires_at)

    async def _fetch(self) -> str:
        if not await self._shelf.may_fetch(self._name, self._clock.now(), REST_FOR, PER_30_DAYS):
            raise _none("token_rest", "a token was fetched or tried a moment ago", Care.REST_LANE, REST_FOR)
        token, until = self._granted(await self._call())
        await self._shelf.put(self._name, Token(self._seal.closed(token, self._name), until))
        self._held = (token, until)
        log.info("creds.refreshed", issuer=self._name)
        return token

    async def _call(self) -> Reply:
        fields = {name: self._known.get(value, value) for name, value in self._request.fields.items()}
        form = self._request.form == "form"
        body = urlencode(fields).encode() if form else json.dumps(fields, ensure_ascii=False).encode()
        kind = "application/x-www-form-urlencoded" if form else "application/json"
        reached("yuannian.token.before")
        try:
            reply = await self._http.post(self._request.url, body=body, headers={"Content-Type": kind})
            reached("yuannian.token.after")
            return reply
        except Trouble as trouble:
            care = Care.SETTINGS if trouble.verdict.care is Care.SETTINGS else Care.REST_LANE
            code, text = trouble.verdict.code, trouble.verdict.text
        raise _none(code, f"token call: {text}", care, REST_FOR)

    def _granted(self, reply: Reply) -> tuple[str, datetime | None]:
        try:
            answer = loads(reply.body) if reply.status == 200 else None
        except Malformed:
            answer = None
        *outer, last = self._request.path.split(".")
        for step in outer:
            answer = answer.get(step) if isinstance(answer, dict) else None
        found = answer.get(last) if isinstance(answer, dict) else None
        if not isinstance(answer, dict) or not isinstance(found, str) or not _TOKEN.fullmatch(found):
            raise _none(f"token_http_{reply.status}", "no token in the answer to the token call")
        return found, self._clock.now() + _life(answer.get("expires_in"), self._request.life)


def references_of(fields: Mapping[str, str]) -> list[str]:
    """The values that look like a reference and are none."""
    return [value for value in fields.values() if value.startswith("$") and value not in _REFERENCE]


def expires_at(token: str) -> datetime | None:
    """When a token that is a JWT says it ends; None for any other. Its signature is nobody's business here."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        payload = loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (Malformed, binascii.Error, ValueError):
        return None
    stated = payload.get("exp") if isinstance(payload, dict) else None
    if isinstance(stated, bool) or not isinstance(stated, int) or not 0 < stated < 2**33:
        return None
    return datetime.fromtimestamp(stated, UTC)


def _checked(token: str) -> str:
    if not _TOKEN.fullmatch(token):
        raise ValueError("the Yuannian token is empty, too long, or not plain ASCII")
    return token


def _none(code: str, text: str, care: Care = Care.SETTINGS, rest_for: float = 300.0) -> NoToken:
    return NoToken(Verdict(care, PLATFORM, code, text, rest_for))


def _life(stated: object, otherwise: timedelta) -> timedelta:
    text = str(stated)
    if not (text.isascii() and text.isdigit() and len(text) <= 9) or int(text) == 0:
        return otherwise
    return timedelta(seconds=int(text))
