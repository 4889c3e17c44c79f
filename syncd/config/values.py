"""The kinds of value a setting can have. Every refusal completes the sentence "KEY …" and never shows the value."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import Enum
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

from syncd.config import duration
from syncd.domain.clock import BEIJING

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


@dataclass(frozen=True, slots=True)
class Says:
    """What a key means, for docs/settings.md: one English and one Chinese line."""

    en: str
    zh: str


class Safe(Enum):
    """On which side of its default a span stays safe; the other side is warned about, not refused."""

    AT_LEAST = "at least"
    AT_MOST = "at most"


def _printable(text: str) -> str:
    """Control characters never reach a header, a URL or a log line (ASVS 4.2.4)."""
    if not all(character.isprintable() for character in text):
        raise ValueError("must not hold control characters")
    return text


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


def _ascii(text: str) -> str:
    if not text.isascii() or " " in text:
        raise ValueError("must be plain ASCII without blanks")
    return text


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("must be 1 to 32 of a-z 0-9 _ -, the first a letter or digit")
    return text


def _secret(value: SecretStr) -> SecretStr:
    _printable(value.get_secret_value())
    return value


def _secret_filled(value: SecretStr) -> SecretStr:
    _filled(value.get_secret_value())
    return value


def _split_url(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018  (reading it is what checks it)
    except ValueError:
        raise ValueError("must be a URL") from None
    return parts


def _http_url(text: str) -> str:
    if not text:
        return text
    parts = _split_url(text)
    if parts.scheme not in ("http", "https"):
        raise ValueError('must begin with "http://" or "https://"')
    if not parts.hostname or " " in text:
        raise ValueError("must name a host")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("must be scheme, host and path only: no user, no query, no fragment")
    return text


def _lines(value: object) -> object:
    """A list; from a file or the environment one address a line."""
    return [line for line in (part.strip() for part in value.splitlines()) if line] if isinstance(value, str) else value


def _address(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not re.match(r"[A-Za-z][A-Za-z0-9]*://", text):
        raise ValueError('must look like "dingtalk://…", "wecombot://…", "feishu://…" or "mailtos://…"')
    return value


def _store_url(value: SecretStr) -> SecretStr:
    scheme = value.get_secret_value().partition("://")[0]
    if scheme not in ("sqlite", "postgresql", "postgres"):
        raise ValueError('must begin with "sqlite:///" or "postgresql://"')
    return value


def _beijing(value: object) -> datetime:
    """Beijing local text, or a TOML date-time, as an aware UTC instant; a bare number is no instant."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            value = None
    if not isinstance(value, datetime):
        raise ValueError('must look like "2026-11-01 00:00:00" (Beijing time)')
    local = value if value.tzinfo else value.replace(tzinfo=BEIJING)
    return local.astimezone(UTC)


def _time_of_day(value: object) -> time:
    if isinstance(value, time) and value.tzinfo is None:
        return value
    if isinstance(value, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value, re.ASCII):
        return time.fromisoformat(value)
    raise ValueError('must look like "02:30" (Beijing time)')


def _above_zero(span: timedelta) -> timedelta:
    if span <= timedelta(0):
        raise ValueError("must be longer than nothing")
    return span


def host_and_port(listen: str) -> tuple[str, int]:
    """The two parts of "127.0.0.1:8650" or "[::1]:8650". Raises ValueError."""
    parts = _split_url("//" + listen)
    if not parts.hostname or parts.port is None or parts.netloc != listen or "@" in listen:
        raise ValueError('must look like "127.0.0.1:8650"')
    return parts.hostname, parts.port


def _listen(text: str) -> str:
    host_and_port(text)
    return text


def is_loopback(host: str) -> bool:
    """True for localhost and the loopback addresses, False for every other name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_exposed(url: str) -> bool:
    """True when calls to `url` cross a network unencrypted."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


Text = Annotated[str, AfterValidator(_printable)]
Word = Annotated[Text, AfterValidator(_filled), AfterValidator(_ascii)]
Name = Annotated[str, AfterValidator(_name)]
Span = Annotated[timedelta, BeforeValidator(duration.parse)]
Interval = Annotated[Span, AfterValidator(_above_zero)]
OptionalSecret = Annotated[SecretStr, AfterValidator(_secret)]
Secret = Annotated[OptionalSecret, AfterValidator(_secret_filled)]
Url = Annotated[Text, AfterValidator(_filled), AfterValidator(_http_url)]
OptionalUrl = Annotated[Text, AfterValidator(_http_url)]
Addresses = Annotated[tuple[Annotated[OptionalSecret, AfterValidator(_address)], ...], BeforeValidator(_lines)]
StoreUrl = Annotated[Secret, AfterValidator(_store_url)]
Instant = Annotated[datetime, BeforeValidator(_beijing)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
Listen = Annotated[str, AfterValidator(_listen)]
