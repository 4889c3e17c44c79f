"""One merchant's WDT over HTTP: every attempt stamped and signed anew, reads tried again, writes never."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from structlog import get_logger

from syncd.domain.clock import Clock
from syncd.domain.order import InvoiceOrder, Page, Search, UpdateAnswer, WriteBack
from syncd.domain.retry import backoff
from syncd.domain.trouble import Care, InDoubt, Permanent, Transient, Trouble, Verdict
from syncd.faultpoint import reached
from syncd.wire.http import Http, Reply
from syncd.wire.pace import Pacer
from syncd.wire.strict_json import Malformed
from syncd.wire.wdt import codec, errors
from syncd.wire.wdt.errors import PLATFORM, REST_FOR, Refusal
from syncd.wire.wdt.order import decode_order
from syncd.wire.wdt.page import decode_page
from syncd.wire.wdt.same import ask_the_same
from syncd.wire.wdt.sign import Secret, refuse_control, sign, timestamp

SEARCH = "finance.invoice.InvoiceOrder.search"
UPDATE = "finance.invoice.InvoiceOrder.updateInvoice"
NOW = "system.Core.now"
_POINTS = {SEARCH: "wdt.search", UPDATE: "wdt.update", NOW: "wdt.now"}
TRIES = 3
MAX_TEXT = 200

T = TypeVar("T")
log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Answer:
    """A reply and the clock reading that stamped its request."""

    reply: Reply
    stamped_at: datetime


class WdtClient:
    """`domain.ports.Erp` for one (sid, key). Not shared, nor is its `http`: WDT ties a connection to a tenant.

    One call of its credential is under way at a time, spaced by `pacer`; patient reads let the others go first.
    `sleep` (seconds) and `rng` ([0, 1)) serve the retries of reads. Neither `repr` nor any error shows the appsecret.
    """

    def __init__(
        self,
        *,
        url: str,
        sid: str,
        key: str,
        secret: Secret,
        http: Http,
        pacer: Pacer,
        clock: Clock,
        client_version: str = "1.5.8.4",
        empty_code: str = "",
        failed_file_url: str = "",
        batch_cap: int = 20,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        rng: Callable[[], float] = random.random,
    ) -> None:
        refuse_control("sid", sid)
        refuse_control("key", key)
        self.sid = sid
        self._url = url
        self._identity = {"sid": sid, "key": key, "salt": secret.salt, "v": "1.0"}
        self._secret = secret
        self._http = http
        self._pacer = pacer
        self._clock = clock
        self._terms = codec.Terms(codec.version(client_version), empty_code, failed_file_url, batch_cap)
        self._sleep = sleep
        self._rng = rng
        self._unwell = False
        #: Seconds, server minus ours, as of the last answer; None before the first. Never applied to a stamp: a host
        #: whose clock is wrong must be put right, or every window we call settled is not.
        self.clock_offset: float | None = None

    def __repr__(self) -> str:
        return f"WdtClient(sid={self.sid!r})"

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.close()

    async def search(self, query: Search) -> Page:
        """One page of invoice orders, with the stamp's clock reading as `asked_at`.

        Raises: Transient (network, throttled, clock, an unreadable answer: nothing was learned), Permanent
        (settings, a window that is too wide), Paced (the credential rests; nothing was sent), ValueError (a question
        WDT cannot answer; nothing was sent).
        """
        body = codec.search_body(query)
        pager = {"page_size": query.page_size, "page_no": query.page_no, "calc_total": int(query.with_total)}
        params = {name: str(value) for name, value in pager.items()}
        return await self._read(SEARCH, body, params, _page, patient=query.patient)

    async def update(self, documents: Sequence[WriteBack]) -> UpdateAnswer:
        """Write results back in one call, sent at most once.

        Raises: Transient (nothing was applied), Permanent (refused as a whole, nothing was applied), InDoubt (read
        the documents back), TooLong, Unsendable and ValueError (our own batch is wrong; nothing was sent).
        """
        if not documents:
            return UpdateAnswer({})
        if self._terms.client_version < codec.UPDATES_SINCE:
            raise Transient(Verdict(Care.SETTINGS, PLATFORM, "client_version", "updateInvoice needs 1.5.8.0", REST_FOR))
        body = codec.update_body(documents, self._terms)
        async with self._slowing_down():
            answer = await self._post(UPDATE, body, {})
            self._refuse_throttled(answer.reply)
            if not _is_ok(answer.reply):
                raise InDoubt(_http_verdict(answer.reply, Care.UNKNOWN))
            try:
                return codec.parse_update(answer.reply.body, [document.order_no for document in documents])
            except Refusal as refusal:
                trouble = errors.of_write(self._redacted(refusal))
            except Malformed as error:
                trouble = InDoubt(Verdict(Care.UNKNOWN, PLATFORM, f"malformed.{error.why}", "unreadable answer"))
            raise trouble

    def decode(self, raw: bytes) -> InvoiceOrder:
        """The full order in a row's bytes. Raises ValueError naming the field that cannot be read."""
        return decode_order(raw)

    def ask_the_same(self, before: bytes, now: bytes) -> bool:
        """Whether two rows of one order certainly ask for the same invoice; what is not certain is False."""
        return ask_the_same(before, now)

    async def server_now(self) -> datetime | None:
        """WDT's clock, from its own method or else from the answer's Date; None where neither tells.

        Raises Transient and Permanent as `search` does, but not for a wrong clock: that is what one asks it for.
        """
        answers: list[_Answer] = []

        def told(answer: _Answer) -> datetime | None:
            answers.append(answer)
            return codec.parse_now(answer.reply.body) or answer.reply.server_date

        try:
            return await self._read(NOW, b"[]", {}, told)
        except Transient as trouble:
            if trouble.verdict.care is Care.CLOCK and answers:
                return answers[-1].reply.server_date
            raise

    async def _read(
        self, method: str, body: bytes, params: Mapping[str, str], parse: Callable[[_Answer], T], *,
        patient: bool = False,
    ) -> T:  # fmt: skip
        """Ask up to three times, waiting with jitter, while what failed may pass within seconds.

        Where the last question was given up like this, the next one is asked once only: WDT is down, not shaky.
        """
        for attempt in range(1, 1 if self._unwell else TRIES):
            try:
                return await self._read_once(method, body, params, parse, patient=patient)
            except Transient as trouble:
                if trouble.verdict.care is not Care.RETRY_SOON:
                    raise
                log.info("wdt.read_retried", sid=self.sid, method=method, code=trouble.verdict.code, attempt=attempt)
            await self._sleep(backoff(attempt, self._rng, base=0.5, cap=5.0).total_seconds())
        self._unwell = True
        return await self._read_once(method, body, params, parse, patient=patient)

    async def _read_once(
        self, method: str, body: bytes, params: Mapping[str, str], parse: Callable[[_Answer], T], *, patient: bool
    ) -> T:
        async with self._slowing_down():
            found = await self._asked(method, body, params, parse, patient=patient)
        self._unwell = False
        return found

    @asynccontextmanager
    async def _slowing_down(self) -> AsyncIterator[None]:
        """A rate answer inside slows this credential, whoever uses it."""
        try:
            yield
        except Trouble as trouble:
            if trouble.verdict.care is Care.REST_LANE:
                await self._pacer.slow(self._clock.now(), trouble.verdict.rest_for)
            raise

    async def _asked(
        self, method: str, body: bytes, params: Mapping[str, str], parse: Callable[[_Answer], T], *, patient: bool
    ) -> T:
        try:
            answer = await self._post(method, body, params, patient=patient)
            self._refuse_throttled(answer.reply)
            if not _is_ok(answer.reply):
                raise Transient(_http_verdict(answer.reply, Care.RETRY_SOON))
            return parse(answer)
        except InDoubt as doubt:
            if doubt.verdict.code == "too_large":  # asking the same again would only be too large again
                raise Permanent(replace(doubt.verdict, care=Care.SPLIT)) from None
            # A read changes nothing, so not knowing whether it was read is the same as its not having been.
            trouble: Trouble = Transient(_retry_soon(doubt.verdict.code, doubt.verdict.text))
        except Refusal as refusal:
            trouble = errors.of_read(self._redacted(refusal))
        except Malformed as error:
            trouble = Transient(_retry_soon(f"malformed.{error.why}", "unreadable answer"))
        raise trouble

    async def _post(self, method: str, body: bytes, params: Mapping[str, str], *, patient: bool = False) -> _Answer:
        """Wait for our turn, and only then read the clock, stamp and sign: a stamp lives for 120 seconds."""
        async with self._pacer.alone(patient=patient):
            stamped_at = self._clock.now()
            query = {**self._identity, **params, "method": method, "timestamp": str(timestamp(stamped_at))}
            query["sign"] = sign(self._secret, query, body)
            point = _POINTS[method]
            reached(f"{point}.before")
            reply = await self._http.post(self._url, body=body, headers=_HEADERS, params=query)
            reached(f"{point}.after")
            self._learn_offset(stamped_at, reply)
            return _Answer(reply, stamped_at)

    def _learn_offset(self, stamped_at: datetime, reply: Reply) -> None:
        """From the Date header, which is cut to the second: half a second is its middle."""
        if reply.server_date is not None:
            middle = stamped_at + (self._clock.now() - stamped_at) / 2
            self.clock_offset = (reply.server_date + timedelta(seconds=0.5) - middle).total_seconds()

    def _refuse_throttled(self, reply: Reply) -> None:
        """HTTP 429 comes from a gateway in front: nothing was read or applied."""
        if reply.status == 429:
            told = reply.headers.get("Retry-After", "")
            rest_for = float(told) if told.isascii() and told.isdigit() and len(told) < 6 else REST_FOR
            raise Transient(Verdict(Care.REST_LANE, PLATFORM, "http_429", "too many requests", rest_for))

    def _redacted(self, refusal: Refusal) -> Refusal:
        """The refusal with a text fit for logs: one short line, and nothing of the credential quoted back at us."""
        text = refusal.text
        for hidden in (self._secret.secret, self._secret.salt):
            text = text.replace(hidden, "***")
        text = _SIGNED.sub(r"\1***", text)
        return Refusal(refusal.code, "".join(one for one in text if one.isprintable())[:MAX_TEXT])


_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
#: What a gateway's error page or a proxy may quote of our own query string.
_SIGNED = re.compile(r"\b((?:salt|sign)=)[^&\s]+")


def _page(answer: _Answer) -> Page:
    return decode_page(answer.reply.body, answer.stamped_at)


def _is_ok(reply: Reply) -> bool:
    return 200 <= reply.status < 300


def _http_verdict(reply: Reply, care: Care) -> Verdict:
    """A status that is no answer of WDT's own. A redirect in answer to a read is a wrong address."""
    code = f"http_{reply.status}"
    if care is Care.RETRY_SOON and 300 <= reply.status < 400:
        return Verdict(Care.SETTINGS, PLATFORM, code, "the address redirects, and redirects are not followed", REST_FOR)
    return Verdict(care, PLATFORM, code, "no answer of WDT's own")


def _retry_soon(code: str, text: str) -> Verdict:
    return Verdict(Care.RETRY_SOON, PLATFORM, code, text)
