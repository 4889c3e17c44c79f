"""What no single key can know: settings that contradict each other, and settings that are unwise."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING

from syncd.config.duration import spell
from syncd.config.fields import nearest
from syncd.config.values import Safe, is_exposed, is_loopback

if TYPE_CHECKING:
    from syncd.config.parties import Alibaba, Merchant, Section, Wdt, Yuannian
    from syncd.config.schema import Settings

Path = tuple[str | int, ...]
Finding = tuple[Path, str]

_SHORT_TOKEN = 16


class Contradictions(ValueError):
    """Settings that are each fine and together are not."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(f"{len(findings)} contradictions")
        self.findings = findings


def contradictions(settings: Settings) -> list[Finding]:
    """Every pair of settings that cannot both be meant, as (path, rest of the sentence)."""
    return [
        *_twice(settings),
        *_unknown_issuers(settings),
        *_engine(settings),
        *_console(settings),
        *_refused_http(settings),
        *_alerts(settings),
    ]


def _twice(settings: Settings) -> Iterator[Finding]:
    """Two merchants over one WDT account would issue every order of it twice."""
    names: dict[str, int] = {}
    sids: dict[str, str] = {}
    for index, merchant in enumerate(settings.merchants):
        if names.setdefault(merchant.name, index) != index:
            yield ("merchants", index, "name"), f'"{merchant.name}" is used by an earlier merchant'
            continue
        first = sids.setdefault(merchant.wdt.sid.casefold(), merchant.name)
        if first != merchant.name:
            yield ("merchants", index, "wdt", "sid"), f'is also the sid of merchant "{first}"'


def _unknown_issuers(settings: Settings) -> Iterator[Finding]:
    for index, merchant in enumerate(settings.merchants):
        if merchant.issuer not in settings.issuers:
            guess = nearest(merchant.issuer, settings.issuers)
            yield ("merchants", index, "issuer"), f"names no [issuers.{merchant.issuer}]{guess}"


def _engine(settings: Settings) -> Iterator[Finding]:
    """What the contract names and this version cannot do yet is said here, not met at the first order."""
    if settings.engine.kind != "embedded":
        yield ("engine", "kind"), f'"{settings.engine.kind}" is not in this version; use "embedded"'


def _console(settings: Settings) -> Iterator[Finding]:
    if not is_loopback(settings.console.host) and not settings.console.token.get_secret_value():
        yield ("console", "listen"), "is reachable from other machines: set console.token, or listen on 127.0.0.1"


def _addresses(settings: Settings) -> Iterator[tuple[Path, str, str, bool]]:
    """Every outside address: path, label, URL, and whether plain http is allowed."""
    for index, merchant in enumerate(settings.merchants):
        for party, section in _parties(merchant):
            yield (
                ("merchants", index, party, "url"),
                f"merchants.{merchant.name}.{party}.url",
                section.url,
                (section.allow_plain_http),
            )
    for name, issuer in settings.issuers.items():
        for key, url in (("url", issuer.url), ("token_url", issuer.token_url)):
            yield ("issuers", name, key), f"issuers.{name}.{key}", url, issuer.allow_plain_http


def _parties(merchant: Merchant) -> Iterator[tuple[str, Wdt | Alibaba | Yuannian]]:
    yield "wdt", merchant.wdt
    if merchant.alibaba:
        yield "alibaba", merchant.alibaba
    if merchant.yuannian:
        yield "yuannian", merchant.yuannian


def _refused_http(settings: Settings) -> Iterator[Finding]:
    for path, _, url, allowed in _addresses(settings):
        if is_exposed(url) and not allowed:
            yield path, "is plain http beyond this machine: use https, or set allow_plain_http = true"


def _alerts(settings: Settings) -> Iterator[Finding]:
    if settings.alerts.urls and find_spec("apprise") is None:
        yield ("alerts", "urls"), "needs the package apprise: pip install -c constraints.txt '.[alerts]'"


def warnings(settings: Settings) -> list[str]:
    """What is allowed but unwise, one line each."""
    return [
        *_nothing_to_do(settings),
        *_unsafe_spans(settings),
        *_exposed(settings),
        *_short_token(settings),
        *_unused(settings),
    ]


def _nothing_to_do(settings: Settings) -> Iterator[str]:
    if not settings.merchants:
        yield "there is no [[merchants]]: nothing will be polled"


def _unsafe_spans(settings: Settings) -> Iterator[str]:
    yield from _spans("schedule", settings.schedule)
    yield from _spans("poll", settings.poll)
    yield from _spans("push", settings.push)
    for name, issuer in settings.issuers.items():
        yield from _spans(f"issuers.{name}", issuer)


def _spans(prefix: str, section: Section) -> Iterator[str]:
    for key, info in type(section).model_fields.items():
        side = next((mark for mark in info.metadata if isinstance(mark, Safe)), None)
        span = getattr(section, key)
        if side is None or not isinstance(span, timedelta):
            continue
        if span < info.default and side is Safe.AT_LEAST:
            yield f"{prefix}.{key} = {spell(span)} is below its safe default {spell(info.default)}"
        if span > info.default and side is Safe.AT_MOST:
            yield f"{prefix}.{key} = {spell(span)} is above its safe default {spell(info.default)}"


def _exposed(settings: Settings) -> Iterator[str]:
    for _, label, url, allowed in _addresses(settings):
        if allowed and is_exposed(url):
            yield f"{label} is plain http: buyers' data cross the network readable; prefer https or a private tunnel"


def _short_token(settings: Settings) -> Iterator[str]:
    token = settings.console.token.get_secret_value()
    if token and len(token) < _SHORT_TOKEN:
        yield f"console.token is shorter than {_SHORT_TOKEN} characters"


def _unused(settings: Settings) -> Iterator[str]:
    for merchant in settings.merchants:
        for party, _ in _parties(merchant):
            if party != "wdt":
                yield f"merchants.{merchant.name}.{party} is checked, but nothing in this version acts on it"
