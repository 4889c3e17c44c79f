"""`syncd wallet jssdk-sign`, `sign --check`: signatures, computed here."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from syncd.cli import files, output
from syncd.cli.frame import FAILED, FINE, Frame
from syncd.cli.wallet_account import account, section

if TYPE_CHECKING:
    from syncd.wire.yuannian.sign import SignRule


@dataclass(frozen=True, slots=True)
class Page:
    """What the JS-SDK of one page signs."""

    url: str
    ticket: str
    noncestr: str
    timestamp: int
    made_here: bool = False  # the nonce, or the time


def page_of(url: str, ticket: str, noncestr: str, timestamp: int | None) -> Page:
    """The page, with a nonce and a time of our own where none are given."""
    at = int(time.time()) if timestamp is None else timestamp
    return Page(url, ticket, noncestr or secrets.token_hex(8), at, made_here=not noncestr or timestamp is None)


def require_web_address(frame: Frame, url: str) -> None:
    """That a page in a browser can have this address. Raises Unusable."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise frame.unusable("wallet.no_page", url=url) from None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise frame.unusable("wallet.no_page", url=url)


async def jssdk(frame: Frame, merchant: str | None, page: Page, remote: bool, as_json: bool) -> None:
    """The signature of the page; it needs neither settings nor the network unless it is asked for from afar."""
    from syncd.domain.jssdk import signature

    if remote:
        async with account(frame, merchant) as here:
            made = await here.wallet.jssdk_sign(page.noncestr, page.ticket, page.timestamp, page.url)
    else:
        made = signature(page.ticket, page.noncestr, page.timestamp, page.url)
    if as_json:
        facts = {"noncestr": page.noncestr, "timestamp": page.timestamp, "url": page.url.partition("#")[0]}
        output.show_json({**facts, "signature": made})
    elif page.made_here:  # without them the signature is of no use
        print(f"noncestr   {page.noncestr}\ntimestamp  {page.timestamp}\nsignature  {made}")
    else:
        print(made)


def check(frame: Frame, merchant: str | None, file: Path, template: str, as_json: bool) -> int:
    """Whether the settings' template, or `template`, gives the signature of a captured request."""
    from syncd.wallets import sign_rule
    from syncd.wire.yuannian.sign import PRESETS, BadTemplate

    header, body = _captured(frame, file)
    _, found = section(frame, frame.settings(), merchant)
    rule = replace(sign_rule(found), template=template or found.sign_template)
    if not rule.template:
        raise frame.unusable("wallet.no_template")
    named = {rule.template: rule} | {f"preset:{one}": replace(rule, template=f"preset:{one}") for one in PRESETS}
    try:
        made = {name: one.sign(header, one.body(body)) for name, one in named.items()}
    except BadTemplate as bad:
        raise frame.unusable("wallet.bad_template", why=str(bad)) from None
    agrees = made[rule.template] == header.get("sign", "")
    if as_json:
        output.show_json(
            {"captured": header.get("sign", ""), "template": rule.template, "agrees": agrees, "made": made}
        )
    else:
        _print(frame, rule, header, body, made)
    return FINE if agrees else FAILED


def _print(frame: Frame, rule: SignRule, header: dict[str, str], body: dict[str, Any], made: dict[str, str]) -> None:
    shown = replace(rule, secret="***").text({**header, "token": "***"}, rule.body(body))
    print(output.inert(frame.say("wallet.signed_text", text=shown)))
    print(output.inert(frame.say("wallet.captured", sign=header.get("sign", "-"))))
    for name, sign in made.items():
        said = "wallet.agrees" if sign == header.get("sign") else "wallet.differs"
        print(output.inert(frame.say(said, name=name, sign=sign)))


def _captured(frame: Frame, file: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """Header and body of the request in `file`. Raises Unusable."""
    from syncd.wire.strict_json import Malformed, loads

    try:
        told = loads(files.read(frame, file))
    except Malformed as bad:
        raise frame.unusable("wallet.capture", file=file, why=bad.why) from None
    header, body = (told.get("header"), told.get("body")) if isinstance(told, dict) else (None, None)
    if not isinstance(header, dict) or not isinstance(body, dict):
        raise frame.unusable("wallet.capture", file=file, why="shape")
    return {name: str(value) for name, value in header.items()}, body
