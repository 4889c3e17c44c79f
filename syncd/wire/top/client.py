"""One merchant's account at Alibaba's invoice centre, behind the `InvoiceCentre` port."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

import structlog

from syncd.domain.centre import Application, ApplyId, ApplyStatus, InvoiceUk, Notice, ReturnedInvoice, Updated
from syncd.domain.clock import Clock
from syncd.domain.trouble import Care, InDoubt, Transient, Trouble, Verdict
from syncd.faultpoint import reached
from syncd.wire.http import Http, Reply
from syncd.wire.strict_json import Malformed
from syncd.wire.top import answers, errors
from syncd.wire.top.answers import Refusal, Said
from syncd.wire.top.budget import AppBudget
from syncd.wire.top.codec import FEWEST_NOTICES, MOST_IDS, MOST_NOTICES, code_rule, compact, update_params
from syncd.wire.top.errors import DUPLICATE, METHOD_BAN, NOT_FOUND, PLATFORM
from syncd.wire.top.sign import FORM, FilePart, SignMethod, beijing_text, form, multipart, sign, without_empty
from syncd.wire.top.upload import Upload, core_upload, detail_upload

log = structlog.get_logger(__name__)

UPDATE = "alibaba.einvoice.prod.apply.update"
GET = "alibaba.einvoice.prod.apply.get"
CORE_UPLOAD = "alibaba.einvoice.core.inv.upload"
DETAIL_UPLOAD = "alibaba.einvoice.detail.upload"
CONSUME = "taobao.tmc.messages.consume"
CONFIRM = "taobao.tmc.messages.confirm"
TIME = "taobao.time.get"

#: The calls that go with the seller's session, where there is one; the vendor's samples of the others have none.
_WITH_SESSION = frozenset({CORE_UPLOAD, DETAIL_UPLOAD})
#: Methods after which something may have changed there though nobody told us.
_WRITES = frozenset({UPDATE, CORE_UPLOAD, DETAIL_UPLOAD})
_POINTS: Mapping[str, str] = {
    UPDATE: "top.update",
    GET: "top.application",
    CORE_UPLOAD: "top.upload",
    DETAIL_UPLOAD: "top.upload",
    CONSUME: "top.notices",
    CONFIRM: "top.confirm",
    TIME: "top.time",
}
#: Seconds a wrong address, and a throttling gateway that does not say, are left alone.
_REST_FOR, _THROTTLED_FOR = 300.0, 60.0

T = TypeVar("T")


class ReturnApi(StrEnum):
    """Which interface returns an invoice that the centre misses; none of them where a person does it."""

    CORE_INV_UPLOAD = "core_inv_upload"
    DETAIL_UPLOAD = "detail_upload"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class TopOptions:
    """What an operator decides about one account, where the vendor's pages do not."""

    return_api: ReturnApi = ReturnApi.CORE_INV_UPLOAD
    sign_method: SignMethod = SignMethod.HMAC_SHA256
    digital_invoice_code: str = "omit"
    file_as_part: bool = False
    tmc_group: str = ""


class TopClient:
    """`domain.centre.InvoiceCentre` for one seller.

    Every attempt is stamped and signed anew, sent once, and logged with the platform's `request_id`. Neither `repr`
    nor any error shows the secret or the session. Raises ValueError for an option that is none.
    """

    def __init__(
        self,
        *,
        merchant: str,
        url: str,
        app_key: str,
        secret: str,
        session: str,
        http: Http,
        budget: AppBudget,
        clock: Clock,
        options: TopOptions,
    ) -> None:
        self.merchant = merchant
        self._url = url
        self._app_key = app_key
        self._secret = secret
        self._session = session
        self._http = http
        self._budget = budget
        self._clock = clock
        self._options = options
        self._code = code_rule(options.digital_invoice_code)

    def __repr__(self) -> str:
        return f"TopClient(merchant={self.merchant!r})"

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.close()

    async def update(
        self, apply_id: ApplyId, status: ApplyStatus, invoices: Sequence[InvoiceUk] = (), message: str = ""
    ) -> Updated:
        """Change an application's status. Safe to repeat with the same status and list."""
        params = update_params(apply_id, status, invoices, message, self._code)
        answer = await self._call(UPDATE, params, answers.updated)
        if answer.success and answer.missing:
            # It says that it is done, and is believed.
            log.warning("top.contradicted", merchant=self.merchant, apply_id=apply_id, request_id=answer.request_id)
        return answer

    async def upload(self, returned: ReturnedInvoice) -> bool:
        """Return one issued invoice by the configured interface; True where the centre has it already, too."""
        method, upload = self._upload(returned)
        return await self._call(method, upload.params, answers.taken, file=upload.file, instead={DUPLICATE: True})

    async def application(self, apply_id: ApplyId) -> Application | None:
        """What the centre shows under this id; None when it knows none."""
        query = {"invoice_apply_query_dto": compact({"apply_id": apply_id, "need_download_url": False})}
        return await self._call(GET, query, lambda said: answers.application(said, apply_id), instead={NOT_FOUND: None})

    async def notices(self, most: int = 100) -> Sequence[Notice]:
        """Up to `most` waiting messages, unconfirmed ones again."""
        quantity = min(max(most, FEWEST_NOTICES), MOST_NOTICES)
        params = {"quantity": str(quantity), "group_name": self._options.tmc_group}
        return await self._call(CONSUME, params, answers.notices)

    async def confirm(self, ids: Sequence[str]) -> None:
        """Take messages off the queue. Raises ValueError for more than 200 of them, and an id that is none."""
        if len(ids) > MOST_IDS or not all(one.isascii() and one.isdigit() for one in ids):
            raise ValueError(f"no {len(ids)} ids of messages")
        if ids:
            params = {"s_message_ids": ",".join(ids), "group_name": self._options.tmc_group}
            await self._call(CONFIRM, params, lambda _said: None)

    async def server_time(self) -> datetime:
        """The gateway's clock; shows that app key, secret and stamp are accepted. Not counted in the day's calls."""
        return await self._call(TIME, {}, answers.server_time)

    def _upload(self, returned: ReturnedInvoice) -> tuple[str, Upload]:
        match self._options.return_api:
            case ReturnApi.CORE_INV_UPLOAD:
                return CORE_UPLOAD, core_upload(returned, self._code, as_part=self._options.file_as_part)
            case ReturnApi.DETAIL_UPLOAD:
                return DETAIL_UPLOAD, detail_upload(returned, self._code)
            case ReturnApi.NONE:
                raise ValueError('return_api = "none": a person returns invoices by hand')

    async def _call(
        self,
        method: str,
        params: Mapping[str, str],
        parse: Callable[[Said], T],
        *,
        file: FilePart | None = None,
        instead: Mapping[str, T] | None = None,
    ) -> T:
        """One call, sent once, in its turn, and what it said. `instead`: what refusals of a catalogue class stand for.

        A rate answer slows the application key, or the interface where that alone is throttled.
        """
        await self._budget.turn(method, counted=method != TIME)
        began_at = self._clock.now()
        request_id = ""
        try:
            body = await self._exchange(method, params, file, began_at)
            said = answers.read(method, body, leniently=method == CONSUME)
            request_id = said.request_id
            found = parse(said)
        except Refusal as refusal:
            request_id = refusal.request_id
            known = errors.entry_of(refusal).vendor_class
            if instead is not None and known in instead:
                self._answered(method, request_id)
                return instead[known]
            trouble = self._judged(method, refusal, began_at)
            if trouble.verdict.care is Care.REST_LANE:
                await self._budget.slow(began_at, trouble.verdict.rest_for, method if known == METHOD_BAN else "")
        except Malformed as error:
            trouble = _no_answer(method, f"malformed.{error.why}", "unreadable answer")
        except (Transient, InDoubt) as unheard:
            trouble = await self._unheard(method, unheard, began_at)
        else:
            self._answered(method, request_id)
            return found
        self._note(method, trouble, request_id)
        # Raised out here so that the answer's own text is not its context.
        raise trouble

    async def _exchange(
        self, method: str, params: Mapping[str, str], file: FilePart | None, began_at: datetime
    ) -> bytes:
        """The bytes of a 200. Raises Transient and InDoubt, for anything else."""
        body, content_type = self._signed(method, params, file, began_at)
        point = _POINTS[method]
        reached(f"{point}.before")
        try:
            reply = await self._http.post(self._url, body=body, headers={"Content-Type": content_type})
        finally:
            reached(f"{point}.after")
        if reply.status == 429:  # a gateway in front: nothing was done
            raise Transient(Verdict(Care.REST_LANE, PLATFORM, "http_429", "too many requests", _retry_after(reply)))
        if reply.status != 200:
            raise _no_answer(method, f"http_{reply.status}", "no answer of TOP's own")
        return reply.body

    def _signed(self, method: str, params: Mapping[str, str], file: FilePart | None, at: datetime) -> tuple[bytes, str]:
        """The body, stamped and signed over the very texts in it, and its Content-Type."""
        texts = without_empty(
            {
                "method": method,
                "app_key": self._app_key,
                "session": self._session if method in _WITH_SESSION else "",
                "timestamp": beijing_text(at),
                "format": "json",
                "simplify": "true",
                "v": "2.0",
                "sign_method": str(self._options.sign_method),
                **params,
            }
        )
        texts["sign"] = sign(self._secret, texts, self._options.sign_method)
        return (form(texts), FORM) if file is None else multipart(texts, file)

    def _judged(self, method: str, refusal: Refusal, now: datetime) -> Trouble:
        judge = errors.of_write if method in _WRITES else errors.of_read
        trouble = judge(refusal, now)
        text = trouble.verdict.text
        for hidden in (self._secret, self._session):
            text = text.replace(hidden, "***") if hidden else text
        return type(trouble)(replace(trouble.verdict, text=text))

    async def _unheard(self, method: str, trouble: Transient | InDoubt, began_at: datetime) -> Trouble:
        if trouble.verdict.care is Care.REST_LANE:
            await self._budget.slow(began_at, trouble.verdict.rest_for)
        if isinstance(trouble, InDoubt) and method not in _WRITES:
            return _no_answer(method, trouble.verdict.code, trouble.verdict.text)
        return trouble

    def _answered(self, method: str, request_id: str) -> None:
        log.info("top.answered", merchant=self.merchant, method=method, request_id=request_id)

    def _note(self, method: str, trouble: Trouble, request_id: str) -> None:
        verdict = trouble.verdict
        log.warning(
            "top.troubled",
            merchant=self.merchant,
            method=method,
            care=str(verdict.care),
            code=verdict.code,
            text=verdict.text,
            request_id=request_id,
        )


def _no_answer(method: str, code: str, text: str) -> Transient | InDoubt:
    """Nobody told us: a write may have been done; a read changes nothing, so it is as if it had not been asked."""
    if method in _WRITES:
        return InDoubt(Verdict(Care.UNKNOWN, PLATFORM, code, text))
    if code.startswith("http_3"):
        text = "the address redirects, and redirects are not followed"
        return Transient(Verdict(Care.SETTINGS, PLATFORM, code, text, _REST_FOR))
    return Transient(Verdict(Care.RETRY_SOON, PLATFORM, code, text))


def _retry_after(reply: Reply) -> float:
    told = reply.headers.get("Retry-After", "")
    return float(told) if told.isascii() and told.isdigit() and 0 < len(told) < 5 else _THROTTLED_FOR
