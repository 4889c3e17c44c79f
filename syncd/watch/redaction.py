"""Keeps personal data and secrets out of every log line, by the name of a field and by the look of its value.

It is the last line of defence: call sites should not pass such things at all. What it cannot know is a bare name
in free text; so objects are never printed by their own `repr`, only named by type.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, MutableMapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from pathlib import PurePath
from typing import Any
from uuid import UUID

MASK = "***"
_LONGEST = 4_096
_LONGEST_TRACE = 16_384
_SEAM = 256  # dropped where a text is cut, so that half a secret cannot stay behind
_DEEPEST = 6
_WIDEST = 100
_SHORTEST_SECRET = 6
_MOST_NAMES = 1_024
_SHORTEST_NUMBER = 11  # a mobile, or a landline with its area code

#: Their values are numbers of ours or of documents: long runs of digits in them are not personal data.
_NUMBERS = frozenset(
    {
        "at",
        "level",
        "event",
        "key",
        "keys",
        "order_no",
        "invoice_order_no",
        "invoice_no",
        "serial",
        "apply_id",
        "request_id",
        "unit",
        "lane",
        "merchant",
        "issuer",
        "stage",
        "took_ms",
        "cursor",
        "window",
        "generation",
        "epoch",
    }
)
_SECRET_WORDS = (
    "secret",
    "token",
    "passw",
    "salt",
    "signature",
    "authoriz",
    "cookie",
    "session",
    "encryptcode",
    "credential",
)
_SECRET_NAMES = frozenset({"sign", "appkey", "xnuonuosign", "wdtsign", "body", "payload", "raw"})
_TAIL_WORDS = ("taxno", "taxnum", "taxid", "registerno", "phone", "mobile", "bank", "idcard", "telno")
_PERSON_WORDS = ("email", "address", "openid")
_PERSON_NAMES = frozenset(
    {"tel", "mail", "account", "drawer", "checker", "clerk", "cashier", "remark", "title", "tid", "oid"}
)
_PERSON_STARTS = ("payer", "buyer", "payee", "seller", "purchaser", "saler")

_PLAIN = re.compile(r"[\w.-]*")  # no sign in it that any pattern below needs, but for digits
_BEARER = re.compile(r"\b(bearer|basic)\s+[^\s\"',;]+", re.IGNORECASE)
_URL = re.compile(r"://[^\s\"'<>]+")
_QUERY = re.compile(r"\?[\w.%-]{1,64}=[^\s\"'<>]*")
_KEY = re.compile(r"(?<![\w-])([\w-]+)[\"']?\s*[=:]\s*")
_STRUCTURE = r"[{\[(<].*"  # where it ends is not worth guessing
_WORD_VALUE = re.compile(rf"""\"[^\"]*\"?|'[^']*'?|{_STRUCTURE}|[^\s&,;)}}\]]+""", re.DOTALL)
_TEXT_VALUE = re.compile(rf"""\"[^\"]*\"?|'[^']*'?|{_STRUCTURE}|[^\r\n&,;)}}\]]+""", re.DOTALL)
_LABEL = re.compile(
    r"((?:购买?方|销售?方|付款方|开票人|收款人|复核人|抬头|名称|税号|识别号|电话|手机号?码?|地址|开户行|账号|帐号|邮箱)"
    r"[^\s:：=\[【「,，;；。]{0,8}[:：=\[【「]\s*)[^\r\n,，;；\]】」。]+"
)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-][\w.-]*")
_DIGITS = re.compile(
    r"(?<![0-9A-Za-z])(?:"
    r"1[3-9]\d[- ]?\d{4}[- ]?\d{4}"  # a mobile
    r"|0\d{2,3}[- ]\d{7,8}"  # a landline
    r"|\d{12,}"  # a bank account, a tax number of digits alone
    r"|(?=[0-9A-Za-z]*?[0-9]{6})[0-9A-Za-z]{15,20}"  # a tax number
    r")(?![0-9A-Za-z])"
)


class _Care(Enum):
    """How a field of a certain name is shown."""

    SECRET = "nothing of it"
    TAIL = "its last four"
    PERSON = "nothing"


@lru_cache(maxsize=1_024)
def _care(name: str) -> _Care | None:
    """What the name of a field, or of a key in a text, says about its value; None where it may be shown."""
    word = name.lower().replace("_", "").replace("-", "")
    if word in _SECRET_NAMES or any(part in word for part in _SECRET_WORDS):
        return _Care.SECRET
    if any(part in word for part in _TAIL_WORDS):
        return _Care.TAIL
    if word in _PERSON_NAMES or word.startswith(_PERSON_STARTS) or any(part in word for part in _PERSON_WORDS):
        return _Care.PERSON
    return None


def _without_pairs(text: str) -> str:
    """`text` with the value of every `key=value` and `"key": "value"` masked whose key asks for it."""
    shown: list[str] = []
    at = 0
    for found in _KEY.finditer(text):
        care = _care(found[1]) if found.start() >= at else None
        value = care and (_WORD_VALUE if care is _Care.SECRET else _TEXT_VALUE).match(text, found.end())
        if value:
            shown += text[at : found.end()], MASK
            at = value.end()
    return "".join([*shown, text[at:]])


def _host_only(found: re.Match[str]) -> str:
    rest = found[0][3:]
    place = re.split(r"[/?#]", rest, maxsplit=1)[0]
    host = place.rpartition("@")[2]
    return f"://{host}" if rest.rstrip("/") == place else f"://{host}/{MASK}"


def _tail(text: str) -> str:
    return MASK + text[-4:] if len(text) >= 8 else MASK


def masked(text: str, numbers: bool = False) -> str:
    """`text` without queries, credentials, mails, phones and tax numbers; `numbers` lets long numbers stand."""
    if _PLAIN.fullmatch(text) and (numbers or len(text) < _SHORTEST_NUMBER):
        return text
    text = _BEARER.sub(rf"\1 {MASK}", text)
    text = _URL.sub(_host_only, text)
    text = _QUERY.sub(f"?{MASK}", text)
    text = _without_pairs(text)
    text = _LABEL.sub(rf"\1{MASK}", text)
    text = _EMAIL.sub(MASK, text)
    return text if numbers else _DIGITS.sub(lambda found: _tail(found[0]), text)


def _bounded(text: str, longest: int, numbers: bool) -> str:
    if len(text) <= longest:
        return masked(text, numbers)
    return masked(text[:longest], numbers)[:-_SEAM] + "..."


class Redaction:
    """A structlog processor: what goes through it may be written down.

    `secrets` are the values this process knows; they are taken out wherever they stand. Never raises.
    """

    def __init__(self, secrets: Collection[str] = ()) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None
        self._names: dict[str, str] = {}  # of fields, as they are shown: the same few on every line

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
        return dict(self._fields(event, 0))

    def text(self, text: str, numbers: bool = False, longest: int = _LONGEST) -> str:
        """`text` as it may be shown: known secrets out, the rest `masked`, valid Unicode, of bounded length."""
        if self._known:
            text = self._known.sub(MASK, text)
        if not text.isascii():
            text = text.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair is no text
        return _bounded(text, longest, numbers)

    def _fields(self, fields: Mapping[Any, Any], depth: int) -> Iterator[tuple[str, Any]]:
        for count, (key, value) in enumerate(fields.items()):
            if depth and count >= _WIDEST:
                yield "...", len(fields) - count
                return
            name = key if isinstance(key, str) else str(key) if isinstance(key, int) else type(key).__name__
            yield self._shown(name), self._field(name, value, depth)

    def _shown(self, name: str) -> str:
        found = self._names.get(name)
        if found is None:
            found = self.text(name)
            if len(self._names) < _MOST_NAMES:
                self._names[name] = found
        return found

    def _field(self, name: str, value: object, depth: int) -> object:
        if value is None or isinstance(value, bool):
            return value
        care = _care(name)
        if care is _Care.TAIL and isinstance(value, str):
            return _tail(self.text(value, numbers=True))
        if care is not None:
            return MASK
        if name == "exception" and isinstance(value, str):
            return self.text(value, longest=_LONGEST_TRACE)
        return self._value(value, name in _NUMBERS, depth)

    def _value(self, value: object, numbers: bool, depth: int) -> object:
        match value:
            case None | bool() | float():
                return value
            case Enum():
                return self._value(value.value, numbers, depth)
            case str():
                return self.text(value, numbers)
            case int():
                return self._integer(value, numbers)
            case Decimal() | UUID() | PurePath():
                return self.text(str(value), numbers)
            case datetime() | date():
                return value.isoformat()
            case BaseException():
                return f"{type(value).__name__}: {self.text(str(value))}"
            case _:
                return self._structure(value, numbers, depth)

    def _structure(self, value: object, numbers: bool, depth: int) -> object:
        if depth < _DEEPEST and isinstance(value, Mapping):
            return dict(self._fields(value, depth + 1))
        if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
            return [self._value(item, numbers, depth + 1) for item in list(value)[:_WIDEST]]
        if isinstance(value, bytes | bytearray | memoryview):
            return f"<{len(value)} bytes>"
        return f"<{type(value).__name__}>"

    def _integer(self, value: int, numbers: bool) -> int | str:
        """A whole number, unless it looks like a phone or does not fit into 64 bits."""
        if -(2**31) < value < 2**31:
            return value
        if not -(2**63) <= value < 2**63:
            return MASK
        return value if numbers or self.text(str(value)) == str(value) else MASK
