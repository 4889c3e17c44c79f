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
    from syncd.config.parties import Alibaba, Merchant, Wdt
    from syncd.config.schema import Settings
    from syncd.config.section import Section
    from syncd.config.yuannian import Yuannian

Path = tuple[str | int, ...]
Finding = tuple[Path, str]

_SHORT_TOKEN = 16
#: The lanes every merchant may have beside the one to its issuer.
_PARTIES = {"wdt", "top", "yuannian"}


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
        *_shared_queues(settings),
        *_names_of_lanes(settings),
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
            yield (
                ("merchants", index, "name"),
                f'"{merchant.name}" is used by an earlier merchant; give this one another',
            )
            continue
        first = sids.setdefault(merchant.wdt.sid.casefold(), merchant.name)
        if first != merchant.name:
            yield ("merchants", index, "wdt", "sid"), f'is also the sid of merchant "{first}"'


def _unknown_issuers(settings: Settings) -> Iterator[Finding]:
    for index, merchant in enumerate(settings.merchants):
        if merchant.issuer not in settings.issuers:
            guess = nearest(merchant.issuer, settings.issuers)
            there = ", ".join(sorted(settings.issuers)) or "none"
            known = "" if guess else f"; there are: {there}"
            yield ("merchants", index, "issuer"), f"names no [issuers.{merchant.issuer}]{known}{guess}"


def _shared_queues(settings: Settings) -> Iterator[Finding]:
    """A queue of messages belongs to an application key: of several shops in it each message must find its own."""
    keyed = [(index, one.name, one.alibaba) for index, one in enumerate(settings.merchants) if one.alibaba is not None]
    for index, name, reader in keyed:
        path = ("merchants", index, "alibaba", "seller_nick")
        beside = [(other, found) for _, other, found in keyed if other != name and _one_queue(reader, found)]
        if not beside:
            continue
        named = ", ".join(f'"{other}"' for other, _ in beside)
        if not reader.seller_nick.strip():
            yield path, f"is missing: with tmc = true, messages of merchant {named} come through the same queue"
        twins = [other for other, found in beside if found.seller_nick.strip() == reader.seller_nick.strip() != ""]
        if twins:
            yield path, f'is also the seller_nick of merchant "{twins[0]}", which shares its queue'


def _one_queue(reader: Alibaba, other: Alibaba) -> bool:
    """Whether what `reader` takes off its queue may be about the shop of `other`."""
    if not reader.tmc or reader.app_key != other.app_key:
        return False
    return not other.tmc or other.tmc_group == reader.tmc_group


def _names_of_lanes(settings: Settings) -> Iterator[Finding]:
    """A lane is a merchant and a party: an issuer that has the name of another party would share its rest and pause."""
    for name in _PARTIES & settings.issuers.keys():
        yield ("issuers", name), f'"{name}" is the name of another party\'s lane; choose another'


def _engine(settings: Settings) -> Iterator[Finding]:
    """Many processes need a database that many can share, and what brings them together."""
    if settings.engine.kind != "distributed":
        return
    if not settings.store.url.get_secret_value().startswith(("postgresql", "postgres:")):
        yield ("engine", "kind"), '"distributed" needs a store on PostgreSQL: set store.url to postgresql://…'
    elif find_spec("procrastinate") is None:
        yield ("engine", "kind"), "\"distributed\" needs procrastinate: pip install -c constraints.txt '.[distributed]'"


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
        if merchant.yuannian and merchant.yuannian.token_url:
            path = ("merchants", index, "yuannian", "token_url")
            allowed = merchant.yuannian.allow_plain_http
            yield path, f"merchants.{merchant.name}.yuannian.token_url", merchant.yuannian.token_url, allowed
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
        *_unsigned(settings),
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
    for merchant in settings.merchants:
        if merchant.alibaba:
            yield from _spans(f"merchants.{merchant.name}.alibaba", merchant.alibaba)


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


def _unsigned(settings: Settings) -> Iterator[str]:
    """Yuannian's signature is not published: without a template that part cannot work, and nothing else minds."""
    for merchant in settings.merchants:
        if merchant.yuannian is not None and not merchant.yuannian.sign_template:
            yield (
                f"merchants.{merchant.name}.yuannian.sign_template is empty: the wallet part stays off,"
                " issuing goes on without it"
            )
