"""One merchant's account at Yuannian, behind the `Wallet` port: seven interfaces, one envelope."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlsplit

import structlog

from syncd.domain.clock import Clock
from syncd.domain.trouble import Care, InDoubt, Permanent, Transient, Verdict
from syncd.domain.wallet import AlreadyImported, Card, CardPage, CardRef, CardSearch, QrImage, Reimburse
from syncd.faultpoint import reached
from syncd.wire.http import Http, Reply
from syncd.wire.pace import Pacer
from syncd.wire.strict_json import Malformed, loads
from syncd.wire.yuannian import codec
from syncd.wire.yuannian.envelope import enveloped, header
from syncd.wire.yuannian.errors import (
    PLATFORM,
    SUCCESS,
    ErrorRules,
    Said,
    meant,
    no_answer,
    refused,
    token_is_meant,
)
from syncd.wire.yuannian.image import NoImage
from syncd.wire.yuannian.sign import SignRule
from syncd.wire.yuannian.token import TokenSource

log = structlog.get_logger(__name__)

T = TypeVar("T")

IMPORT = "/openapi/invoice/wechat/import"
STATUS = "/openapi/invoice/wechat/status/update"
#: Printed `grcode` in the document, a misread q; the settings can say which of the two the platform serves.
QRCODE = "/openapi/invoice/wechat/qrcode"
SEARCH = "/openapi/invoice/wechat/search"
SIGN = "/openapi/wechat/jsapi/sign"
#: Through the caller's own official account (H5).
IMPORT_H5 = f"{IMPORT}/jsapi"
STATUS_H5 = f"{STATUS}/jsapi"
#: Cards to a call. Not said there.
MOST_CARDS = 100

_POINTS = {
    IMPORT: "yuannian.import",
    IMPORT_H5: "yuannian.import",
    STATUS: "yuannian.status",
    STATUS_H5: "yuannian.status",
    SEARCH: "yuannian.search",
    SIGN: "yuannian.sign",
}
_QRCODE_POINT = "yuannian.qrcode"
_LONGEST_REST = 3600


@dataclass(frozen=True, slots=True)
class Call:
    """One request in the making. `changes`: it would change a customer's card, so that silence leaves doubt."""

    path: str
    body: Mapping[str, object]
    changes: bool = False
    paging: Mapping[str, str] | None = None


class YuannianWallet:
    """The `Wallet` of one merchant. Raises ValueError for an address that names no host."""

    def __init__(
        self,
        *,
        url: str,
        app_id: str,
        token: TokenSource,
        rule: SignRule,
        http: Http,
        pacer: Pacer,
        clock: Clock,
        errors: ErrorRules | None = None,
        qrcode_path: str = QRCODE,
    ) -> None:
        if not urlsplit(url).hostname:
            raise ValueError("the address of Yuannian names no host")
        self._url = url.rstrip("/")
        self._app_id = app_id
        self._token = token
        self._rule = rule
        self._http = http
        self._pacer = pacer
        self._clock = clock
        self._errors = errors or ErrorRules()
        self._qrcode_path = qrcode_path

    # -- the seven interfaces --------------------------------------------------------------------------------------

    async def import_cards(
        self, cards: Sequence[CardRef], biz_code: str = "", *, access_token: str = ""
    ) -> Sequence[Card]:
        """§2.1, or §2.6 with an access token. Only cards that were asked for; who is missing was not imported.

        "Imported before" is looked up by `biz_code`, where there is one. Raises ValueError for no or too many cards.
        """
        _refuse_size(cards)
        path = IMPORT_H5 if access_token else IMPORT
        wanted = {card.card_id for card in cards}
        try:
            data = await self._call(Call(path, codec.import_body(cards, biz_code, access_token)))
        except AlreadyImported:
            if not biz_code:
                raise
            page = await self.search(CardSearch(biz_code=biz_code, size=MOST_CARDS))
            return tuple({card.card_id: card for card in page.cards if card.card_id in wanted}.values())
        found = _read(lambda: codec.cards_in(data))
        if strays := [card for card in found if card.card_id not in wanted]:
            log.warning("wallet.strangers", cards=len(strays), asked=len(wanted))
        return tuple({card.card_id: card for card in found if card.card_id in wanted}.values())

    async def set_status(
        self, openid: str, status: Reimburse, cards: Sequence[CardRef], *, access_token: str = ""
    ) -> None:
        """§2.2, or §2.7 with an access token: all of the cards or none, and no word about them in the answer."""
        _refuse_size(cards)
        path = STATUS_H5 if access_token else STATUS
        await self._call(Call(path, codec.status_body(openid, status, cards, access_token), changes=True))

    async def qrcode(self, width: int, height: int, content: str = "") -> QrImage:
        """§2.3. Raises Permanent where what comes is no picture."""
        data = await self._call(Call(self._qrcode_path, codec.qrcode_body(width, height, content)))
        try:
            return _read(lambda: codec.image_in(data))
        except NoImage as error:
            raise Permanent(Verdict(Care.REFUSED, PLATFORM, f"image.{error.why}", str(error))) from None

    async def search(self, query: CardSearch) -> CardPage:
        """§2.4: `page` and `size` are texts and stand in the header."""
        paging = {"page": str(query.page), "size": str(query.size)}
        data = await self._call(Call(SEARCH, codec.search_body(query), paging=paging))
        return _read(lambda: codec.page_in(data))

    async def jssdk_sign(self, noncestr: str, ticket: str, timestamp: int, url: str) -> str:
        """§2.5: gives the ticket away. `syncd.domain.jssdk.signature` gives the same and tells nobody."""
        data = await self._call(Call(SIGN, codec.sign_body(noncestr, ticket, timestamp, url)))
        return _read(lambda: codec.signature_in(data))

    async def probe(self) -> Verdict | None:
        """None when one row of the search is answered as it should be, else what is wrong. Changes nothing."""
        try:
            await self.search(CardSearch(size=1))
        except (Transient, InDoubt, Permanent) as trouble:
            return trouble.verdict
        return None

    # -- one call --------------------------------------------------------------------------------------------------

    async def _call(self, call: Call) -> object:
        """What the answer carries. A refused token is renewed once: the call had not been let in."""
        token = await self._token.current()
        said = await self._send(call, token)
        if said.code == SUCCESS:
            return said.data
        vendor_class, verdict = meant(said, self._errors)
        if token_is_meant(vendor_class) and not call.body.get("accessToken"):
            said = await self._send(call, await self._token.renewed(token))
            if said.code == SUCCESS:
                return said.data
            vendor_class, verdict = meant(said, self._errors)
        if verdict.care is Care.UNCLASSIFIED:
            log.warning("wallet.unclassified", code=said.code, text=verdict.text)
        raise refused(vendor_class, verdict, changes=call.changes)

    async def _send(self, call: Call, token: str) -> Said:
        """One request in its turn, stamped and signed for this moment; a rate answer slows the account."""
        await self._pacer.turn()
        began_at = self._clock.now()
        try:
            said = read_reply(await self._post(call, token, began_at), changes=call.changes)
        except Transient as trouble:
            await self._slow(trouble.verdict, began_at)
            raise
        if said.code != SUCCESS:
            await self._slow(meant(said, self._errors)[1], began_at)
        return said

    async def _slow(self, verdict: Verdict, began_at: datetime) -> None:
        if verdict.care is Care.REST_LANE:
            await self._pacer.slow(began_at, verdict.rest_for)

    async def _post(self, call: Call, token: str, at: datetime) -> Reply:
        fields = {**header(self._app_id, token, at), **(call.paging or {})}
        body = enveloped(fields, call.body, self._rule)
        headers = {"Content-Type": "application/json; charset=utf-8"}
        point = _POINTS.get(call.path, _QRCODE_POINT)
        reached(f"{point}.before")
        try:
            return await self._http.post(self._url + call.path, body=body, headers=headers)
        except InDoubt as trouble:
            cause = trouble.verdict.code
        finally:
            reached(f"{point}.after")
        raise no_answer(cause, changes=call.changes)


def read_reply(reply: Reply, *, changes: bool) -> Said:
    """The platform's words. Raises Transient, Permanent or InDoubt where a gateway spoke in its place, or nobody."""
    if reply.status == 429:
        raise Transient(Verdict(Care.REST_LANE, PLATFORM, "http_429", "too many requests", _retry_after(reply)))
    if reply.status in (401, 403):
        text = "the gateway turned the call away"
        raise Permanent(Verdict(Care.SETTINGS, PLATFORM, f"http_{reply.status}", text, 300.0))
    if reply.status == 404:
        text = "no such address: url or qrcode_path is wrong"
        raise Permanent(Verdict(Care.SETTINGS, PLATFORM, "http_404", text, 300.0))
    if reply.status != 200:
        raise no_answer(f"http_{reply.status}", changes=changes)
    try:
        answer = loads(reply.body)
    except Malformed as error:
        raise no_answer(f"malformed {error.why}", changes=changes) from None
    code = answer.get("code") if isinstance(answer, dict) else None
    if not isinstance(answer, dict) or isinstance(code, bool) or not isinstance(code, str | int):
        raise no_answer("malformed shape", changes=changes)
    message = answer.get("message")
    return Said(str(code).strip(), message if isinstance(message, str) else "", answer.get("data"))


def _read(reader: Callable[[], T]) -> T:
    """What a readable answer carries. Nothing was changed by an answer that cannot be read: these are reads."""
    try:
        return reader()
    except codec.Unreadable as error:
        cause = f"malformed {error.what}"
    raise no_answer(cause, changes=False)


def _refuse_size(cards: Sequence[CardRef]) -> None:
    if not 1 <= len(cards) <= MOST_CARDS:
        raise ValueError(f"between 1 and {MOST_CARDS} cards to a call")


def _retry_after(reply: Reply) -> float:
    stated = reply.headers.get("Retry-After", "")
    if not (stated.isascii() and stated.isdigit() and len(stated) < 9):
        return 60.0
    return float(min(int(stated), _LONGEST_REST))
