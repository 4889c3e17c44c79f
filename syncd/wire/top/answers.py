"""What TOP's answers say, in every shape they are known to come in.

The plain form has a root named after the method and wraps each list in an object with one key; the simplified form has
neither; an error has its own root in both. "No elements" may be an absent key, null, {}, [] or a wrapped empty list.
Names come in snake_case and, in one cell of the seed, in camelCase. Unreadable answers raise Malformed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from syncd.domain.centre import Application, ApplyId, ApplyStatus, InvoiceUk, Notice, Updated
from syncd.wire.strict_json import Malformed, exact, loads, loads_leniently
from syncd.wire.top.sign import from_beijing, root_key

_ERROR = "error_response"
_UPPER = re.compile(r"(?<!^)(?=[A-Z])")
#: The metadata of two interfaces spells it like this.
_MISSPELT = {"craeting_inv": ApplyStatus.CREATING}


@dataclass(frozen=True, slots=True)
class Said:
    """An answer that is no error. `body`: its members, the root taken off, names in snake_case."""

    body: Mapping[str, object]
    request_id: str


class Refusal(Exception):
    """An error answer, before anybody judged it. Texts that are absent are ""."""

    def __init__(self, code: str, sub_code: str = "", sub_msg: str = "", msg: str = "", request_id: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.sub_code = sub_code
        self.sub_msg = sub_msg
        self.msg = msg
        self.request_id = request_id


#: No trade number is as long, and no index of the store takes a text of any length.
LONGEST_TID = 100


def read(method: str, body: bytes, *, leniently: bool = False) -> Said:
    """The answer to a call of `method`. Raises Refusal, and Malformed for what is no answer of TOP's.

    `leniently`: it holds what many others wrote, and one of them must not make the rest unreadable.
    """
    told = loads_leniently(body) if leniently else loads(body)
    if not isinstance(told, dict):
        raise Malformed("shape")
    if _ERROR in told:
        raise _refusal(_members(told[_ERROR]))
    root = root_key(method)
    inner = _members(told.get(root, told))
    request_id = _text(inner, "request_id") or _text(_members(told), "request_id")
    result = inner.get("result")
    if isinstance(result, dict) and _flag(_members(result), "success") is False:
        failed = _members(result)
        why, text = _text(failed, "result_code", "code"), _text(failed, "result_msg", "msg", "message")
        raise Refusal("result", why, text, request_id=request_id)
    return Said(inner, request_id)


def updated(said: Said) -> Updated:
    """The answer to a change of status."""
    success = _flag(said.body, "update_success")
    if success is None:
        raise Malformed("shape")
    missing = tuple(_uk(one) for one in elements(said.body.get("missing_invoices")))
    return Updated(success, missing, said.request_id)


def taken(said: Said) -> bool:
    """Whether an upload says that it was taken."""
    success = _flag(said.body, "is_success")
    if success is None:
        raise Malformed("shape")
    return success


def application(said: Said, asked: ApplyId) -> Application | None:
    """The application that was asked for; None where the answer holds none."""
    result = said.body.get("result")
    holder = _members(result) if isinstance(result, dict) else said.body
    told = holder.get("invoice_apply_dtl")
    if not isinstance(told, dict) or not told:
        return None
    one = _members(told)
    if (_text(one, "apply_id") or asked) != asked:
        raise Malformed("shape")
    created = [_members(each) for each in elements(one.get("create_inv_results"))]
    return Application(
        apply_id=asked,
        status=status(_text(one, "apply_status")),
        final=_flag(one, "is_finally") or False,
        amount=_amount(one, "apply_amount"),
        business_type=_number(one, "business_type"),
        payer_name=_text(one, "payer_name"),
        payer_register_no=_text(one, "payer_register_no"),
        payee_register_no=_text(one, "payee_register_no"),
        platform_code=_text(one, "platform_code"),
        platform_tid=_text(one, "platform_tid")[:LONGEST_TID],
        invoices=tuple(
            InvoiceUk(_text(each, "invoice_no"), _text(each, "invoice_code"))
            for each in created
            if _text(each, "invoice_no")
        ),
        request_id=said.request_id,
    )


def notices(said: Said) -> tuple[Notice, ...]:
    """The messages of one read of the queue. One that cannot be read keeps its content, for a person."""
    return tuple(_notice(_members(one) if isinstance(one, dict) else {}) for one in elements(said.body.get("messages")))


def server_time(said: Said) -> datetime:
    """The gateway's clock."""
    try:
        return from_beijing(_text(said.body, "time"))
    except ValueError:
        raise Malformed("shape") from None


def status(text: str) -> str:
    """A status as it is spelled by us; one nobody knows stays as it came."""
    return _MISSPELT.get(text.strip(), text.strip())


# -- shapes ------------------------------------------------------------------------------------------------------------


def elements(value: object) -> Sequence[object]:
    """The elements of a list, bare or wrapped: the wrapper's name differs from platform to platform."""
    if value is None or value == {}:
        return ()
    if isinstance(value, dict) and len(value) == 1:
        (value,) = value.values()
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Malformed("shape")
    return value


def _members(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise Malformed("shape")
    return {_UPPER.sub("_", name).lower(): member for name, member in value.items()}


def _text(told: Mapping[str, object], *names: str) -> str:
    for name in names:
        value = told.get(name)
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def _flag(told: Mapping[str, object], name: str) -> bool | None:
    value = told.get(name)
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def _amount(told: Mapping[str, object], name: str) -> Decimal | None:
    text = _text(told, name)
    return exact(text) if text else None


def _number(told: Mapping[str, object], name: str) -> int | None:
    text = _text(told, name)
    return int(text) if text.isascii() and text.isdigit() else None


def _uk(told: object) -> InvoiceUk:
    one = _members(told)
    number = _text(one, "invoice_no")
    if not number:
        raise Malformed("shape")
    return InvoiceUk(number, _text(one, "invoice_code"))


def _refusal(told: Mapping[str, object]) -> Refusal:
    code = _text(told, "code")
    if not code:
        raise Malformed("shape")
    sub_code, sub_msg = _text(told, "sub_code"), _text(told, "sub_msg")
    return Refusal(code, sub_code, sub_msg, _text(told, "msg"), _text(told, "request_id"))


def _notice(told: Mapping[str, object]) -> Notice:
    content = told.get("content")
    text = content if isinstance(content, str) else ""
    inside = _content(text)
    return Notice(
        id=_id(told, text),
        topic=_text(told, "topic"),
        apply_id=_text(inside, "apply_id"),
        platform_code=_text(inside, "platform_code"),
        platform_tid=_text(inside, "platform_tid")[:LONGEST_TID],
        trigger_status=_text(inside, "trigger_status"),
        status=status(_text(inside, "apply_status")),
        published_at=_instant(_text(told, "pub_time")),
        content=text,
        seller_nick=_text(inside, "seller_nick") or _text(told, "user_nick"),
    )


def _id(told: Mapping[str, object], content: str) -> str:
    """The message's own id, if it is one; else one by which the same words are known when they come again."""
    named = _text(told, "id")
    if named.isascii() and named.isdigit() and len(named) <= LONGEST_TID:
        return named
    words = "\n".join((named, _text(told, "topic"), _text(told, "pub_time"), content))
    return f"odd-{hashlib.sha256(words.encode(errors='replace')).hexdigest()[:32]}"


def _content(text: str) -> Mapping[str, object]:
    try:
        return _members(loads_leniently(text.encode(errors="replace")))
    except Malformed:
        return {}


def _instant(text: str) -> datetime | None:
    try:
        return from_beijing(text)
    except (ValueError, OverflowError):  # the year 1 in Beijing has no instant in UTC
        return None
