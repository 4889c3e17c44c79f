"""One account at Nuonuo, behind the `Issuer` port."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from random import Random
from urllib.parse import urlsplit

import structlog

from syncd.domain.clock import Clock
from syncd.domain.invoice import InvoiceRequest, IssuerKey
from syncd.domain.money_guard import PrintedLine
from syncd.domain.outcome import Blocked, Outcome, Unknown
from syncd.domain.ports import Class, IssuerProfile, Unfit
from syncd.domain.trouble import LANE_WIDE, Care, InDoubt, Paced, Transient, Verdict
from syncd.faultpoint import reached
from syncd.wire.http import Http, Reply
from syncd.wire.issuers.nuonuo import red
from syncd.wire.issuers.nuonuo.codec import NuonuoOptions, ask_body, cut, printed, render, revive_body
from syncd.wire.issuers.nuonuo.errors import (
    PLATFORM,
    TOKEN_REFUSED,
    Meaning,
    Said,
    after_revive,
    after_submit,
    is_unclassified,
    meaning,
    no_answer,
    verdict,
)
from syncd.wire.issuers.nuonuo.limits import KEY_LENGTH
from syncd.wire.issuers.nuonuo.results import leaves_out, missing_for_issuing, read_answer, stray_numbers
from syncd.wire.issuers.nuonuo.sign import sign, stamp
from syncd.wire.issuers.nuonuo.token import NoToken, TokenSource
from syncd.wire.pace import Pacer
from syncd.wire.strict_json import Malformed, loads

log = structlog.get_logger(__name__)

SUBMIT = "nuonuo.OpeMplatform.requestBillingNew"
ASK = "nuonuo.OpeMplatform.queryInvoiceResult"
REVIVE = "nuonuo.OpeMplatform.reInvoice"
_STATUS = "nuonuo.OpeMplatform.getCertificationStatus"
_CREDIT = "nuonuo.OpeMplatform.getCreditLine"
#: Login, identity, and the stored figures of the credit line; none of them makes the bureau be asked.
SESSION = ((_STATUS, b'{"queryType":"2"}'), (_STATUS, b'{"queryType":"1"}'), (_CREDIT, b'{"queryType":"1"}'))
_POINTS = {
    SUBMIT: "nuonuo.submit",
    ASK: "nuonuo.ask",
    REVIVE: "nuonuo.revive",
    red.SUBMIT: "nuonuo.red_submit",
    red.ASK: "nuonuo.red_ask",
    red.REFRESH: "nuonuo.red_refresh",
    red.MAKE: "nuonuo.red_make",
}
_OTHER_POINT = "nuonuo.probe"
ASK_BATCH = 50
#: The code of our own refusal: the account rests after a rate answer, and nothing is sent.
AT_REST = "at_rest"

#: No key of ours: they have no underscore.
_NOBODYS_KEY = IssuerKey("SYNCD_PROBE")
_HEADER_SAFE = re.compile(r"[!-~]+")
_MOST_TEXT = 200
_LONGEST_REST = 3600


class NuonuoIssuer:
    """Class A: a repeated order number is refused with E9106 and can be asked for.

    `random` makes the ids of single attempts. Raises: ValueError for a url,
    app key or tax number that cannot go into a request.
    """

    def __init__(
        self,
        *,
        name: str,
        url: str,
        app_key: str,
        app_secret: str,
        tax_no: str,
        token: TokenSource,
        http: Http,
        pacer: Pacer,
        clock: Clock,
        random: Random,
        options: NuonuoOptions,
    ) -> None:
        if not all(_HEADER_SAFE.fullmatch(text) for text in (app_key, tax_no)):
            raise ValueError("app key and tax number must be plain ASCII without spaces")
        self._name = name
        self._url = url
        self._path = urlsplit(url).path
        self._app_key = app_key
        self._app_secret = app_secret
        self._tax_no = tax_no
        self._token = token
        self._http = http
        self._pacer = pacer
        self._clock = clock
        self._random = random
        self._options = options
        self._red = red.NuonuoRed(
            name=name, tax_no=tax_no, call=self._call, results=ASK, reseal=self.revive, clock=clock, options=options
        )
        self._profile = IssuerProfile(
            kind="nuonuo",
            trust=Class.A,
            key_length=KEY_LENGTH,
            ask_batch=ASK_BATCH,
            settle_for=options.settle_for,
            most_revives=20,
        )
        self._leaves_out = False  # a list with some of the keys that were asked for, and not all, has been seen
        sign(app_secret, self._path, stamp(app_key, clock.now(), random), b"")  # a wrong address fails here

    @property
    def name(self) -> str:
        return self._name

    @property
    def profile(self) -> IssuerProfile:
        return self._profile

    @property
    def tax_no(self) -> str:
        return self._tax_no

    @property
    def red(self) -> red.NuonuoRed:
        """How this account cancels blue invoices."""
        return self._red

    def render(self, request: InvoiceRequest, key: IssuerKey) -> bytes:
        """The body of requestBillingNew, the same for ever. Raises: Unfit."""
        if request.seller.tax_no != self._tax_no:  # Nuonuo: E9302, and the whole seller would rest
            raise Unfit("seller_differs", given=request.seller.tax_no, ours=self._tax_no)
        body = render(request, key, self._options)
        if cut(request, self._options) is not request:
            log.warning("issue.text_cut", issuer=self._name, order_no=request.order_no)
        return body

    def printed(self, body: bytes) -> Sequence[PrintedLine]:
        """The lines a submission's bytes ask for. Raises ValueError."""
        return printed(body)

    async def submit(self, key: IssuerKey, body: bytes) -> Outcome:
        """Send frozen bytes once. E9106 is the safety net: it answers `Duplicate`."""
        said = await self._call(SUBMIT, body)
        if isinstance(said, Blocked) and said.verdict.code == AT_REST:
            return Unknown(AT_REST, sent=False)
        return after_submit(said) if isinstance(said, Said) else said

    async def ask(self, keys: Sequence[IssuerKey]) -> Mapping[IssuerKey, Outcome]:
        """What became of each key, fifty to a call."""
        found: dict[IssuerKey, Outcome] = {}
        for start in range(0, len(keys), ASK_BATCH):
            found |= await self._ask_some(keys[start : start + ASK_BATCH])
        return found

    async def revive(self, key: IssuerKey, serial: str) -> Outcome:
        """reInvoice: the same order number is pushed again. What became of it, only asking tells."""
        said = await self._call(REVIVE, revive_body(key, serial))
        return after_revive(said) if isinstance(said, Said) else said

    async def probe(self, *, issuing: bool = False) -> Verdict | None:
        """Asks for an order number nobody has, which must be answered with "none" or an empty list.

        `issuing`: and for the drawer's login and identity, and the credit line. What cannot be read there holds no
        invoice back.
        """
        said = await self._call(ASK, ask_body([_NOBODYS_KEY]))
        match said:
            case Said(code=code) if meaning(code) in (Meaning.ACCEPTED, Meaning.NOT_FOUND):
                return await self._session() if issuing else None
            case Said():
                return verdict(said)
            case Blocked(verdict=blocked):
                return blocked
            case Unknown(cause=cause, sent=sent):
                return Verdict(Care.UNKNOWN if sent else Care.RETRY_SOON, PLATFORM, cause, "no readable answer")

    async def _session(self) -> Verdict | None:
        """What a person must do before anything can be issued; None where nothing is known to be missing."""
        for method, query in SESSION:
            said = await self._call(method, query)
            told = said.result if isinstance(said, Said) and meaning(said.code) is Meaning.ACCEPTED else None
            missing = missing_for_issuing(told)
            if missing is not None:
                return missing
        return None

    async def _ask_some(self, keys: Sequence[IssuerKey]) -> dict[IssuerKey, Outcome]:
        """One call; halves of it where "no such invoice" was said of several keys at once.

        Not said there: whether E9500 means that none of them exists, or that one does not. It is taken for "none" only
        from a gateway that has left a missing one out of its list before.
        """
        said = await self._call(ASK, ask_body(keys))
        if not isinstance(said, Said):
            return dict.fromkeys(keys, said)
        if meaning(said.code) is Meaning.NOT_FOUND and len(keys) > 1 and not self._leaves_out:
            middle = len(keys) // 2
            return await self._ask_some(keys[:middle]) | await self._ask_some(keys[middle:])
        self._leaves_out = self._leaves_out or leaves_out(said, keys)
        if strays := stray_numbers(said, keys):
            log.warning("issue.key_mismatch", issuer=self._name, asked=len(keys), strays=strays)
        return read_answer(said, keys)

    async def _call(self, method: str, body: bytes) -> Said | Blocked | Unknown:
        """One call, sent once. The exception is a refused token: the gateway turned the call away at its door, so
        nothing was created, and the same bytes go once more under the renewed token.
        """
        try:
            token = await self._token.current()
            said = await self._send(method, body, token)
            if isinstance(said, Said) and said.code in TOKEN_REFUSED:
                said = await self._send(method, body, await self._token.renewed(token))
        except NoToken as trouble:
            return Blocked(trouble.verdict)
        self._log_unclassified(method, said)
        return said

    async def _send(self, method: str, body: bytes, token: str) -> Said | Blocked | Unknown:
        """One request in its turn, signed for this very moment; a rate answer slows the account."""
        try:
            await self._pacer.turn()
        except Paced as paced:
            rest_for = (paced.until - self._clock.now()).total_seconds()
            return Blocked(Verdict(Care.REST_LANE, PLATFORM, AT_REST, "too many calls a little earlier", rest_for))
        began_at = self._clock.now()
        said = await self._exchange(method, body, token, began_at)
        if isinstance(said, Said) and meaning(said.code) is Meaning.ACCEPTED:
            return said
        blocked = no_answer(said) if isinstance(said, Said) else said
        if isinstance(blocked, Blocked) and blocked.verdict.care is Care.REST_LANE:
            await self._pacer.slow(began_at, blocked.verdict.rest_for)
        return said

    async def _exchange(self, method: str, body: bytes, token: str, began_at: datetime) -> Said | Blocked | Unknown:
        stamped = stamp(self._app_key, began_at, self._random)
        headers = {
            "Content-Type": "application/json",
            "X-Nuonuo-Sign": sign(self._app_secret, self._path, stamped, body),
            "accessToken": token,
            "userTax": self._tax_no,
            "method": method,
        }
        point = _POINTS.get(method, _OTHER_POINT)
        reached(f"{point}.before")
        try:
            reply = await self._http.post(self._url, body=body, headers=headers, params=stamped.query())
        except Transient as trouble:
            if trouble.verdict.care in LANE_WIDE:
                return Blocked(trouble.verdict)
            return Unknown(trouble.verdict.code, sent=False)
        except InDoubt as trouble:
            return Unknown(trouble.verdict.code)
        finally:
            reached(f"{point}.after")
        return read_reply(reply)

    def _log_unclassified(self, method: str, said: Said | Blocked | Unknown) -> None:
        if isinstance(said, Said) and is_unclassified(said):
            log.warning("issue.unclassified", issuer=self._name, method=method, code=said.code, text=said.text)


def read_reply(reply: Reply) -> Said | Blocked | Unknown:
    """The gateway's words in the answer. Anything but a 200 with a code in it is nobody's word on the invoice."""
    if reply.status == 429:
        rest_for = _retry_after(reply) or 60.0
        return Blocked(Verdict(Care.REST_LANE, PLATFORM, "http_429", "too many requests", rest_for))
    if reply.status in (401, 403):
        text = "the gateway turned the call away"
        return Blocked(Verdict(Care.SETTINGS, PLATFORM, f"http_{reply.status}", text, 300.0))
    if reply.status != 200:
        return Unknown(f"http_{reply.status}")
    try:
        answer = loads(reply.body)
    except Malformed as error:
        return Unknown(f"malformed {error.why}")
    code = answer.get("code") if isinstance(answer, dict) else None
    if not isinstance(answer, dict) or not isinstance(code, str):
        return Unknown("malformed shape")
    describe = answer.get("describe")
    return Said(code, describe[:_MOST_TEXT] if isinstance(describe, str) else "", answer.get("result"))


def _retry_after(reply: Reply) -> float | None:
    stated = reply.headers.get("Retry-After", "")
    if not (stated.isascii() and stated.isdigit() and len(stated) < 9):
        return None
    return float(min(int(stated), _LONGEST_REST))
