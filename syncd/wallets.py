"""Yuannian of each merchant: its client, what seals its cards, and the rules of the wallet stage."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from syncd.config import Merchant, Settings, Yuannian
from syncd.domain.clock import Clock
from syncd.domain.red_guard import GuardRule, Mode
from syncd.stages.turn import WalletRules
from syncd.store.store import Store
from syncd.store.tokens import Shelf
from syncd.wire.http import Http
from syncd.wire.pace import Pacer
from syncd.wire.yuannian.client import YuannianWallet
from syncd.wire.yuannian.errors import PLATFORM, ErrorRules
from syncd.wire.yuannian.seal import HolderSeal, Seal
from syncd.wire.yuannian.sign import SignRule
from syncd.wire.yuannian.token import FetchedToken, FileToken, StaticToken, TokenRequest, TokenSource, expires_at

__all__ = ["PLATFORM", "client", "credential", "http", "rules", "sign_rule", "token_ends"]


def credential(found: Yuannian) -> tuple[str, str]:
    """Whose calls Yuannian counts, as far as anybody knows."""
    return PLATFORM, found.app_id


def sign_rule(found: Yuannian) -> SignRule:
    """How this account's requests are signed."""
    return SignRule(
        template=found.sign_template,
        secret=found.secret.get_secret_value(),
        digest=found.sign_digest,
        case=found.sign_case,
        exclude=found.sign_exclude,
        canonical=found.sign_body,
    )


def http(found: Yuannian, on_call: Callable[[str, float], None]) -> Http:
    """Its connections. Raises ValueError for a ca_file that cannot be used."""
    return Http(PLATFORM, timeout=found.timeout.total_seconds(), limit=2, tls=_tls(found), on_call=on_call)


def client(
    merchant: str, found: Yuannian, store: Store, clock: Clock, connection: Http, pacer: Pacer
) -> YuannianWallet:
    """The client. Raises ValueError where the account cannot be used as it is configured."""
    if not found.sign_template:
        raise ValueError("sign_template is empty: the signature is not published, and nothing is sent without one")
    return YuannianWallet(
        url=found.url,
        app_id=found.app_id,
        token=_token(merchant, found, store, clock, connection),
        rule=sign_rule(found),
        http=connection,
        pacer=pacer,
        clock=clock,
        errors=ErrorRules(frozenset(found.retry_codes), frozenset(found.account_codes), frozenset(found.refused_codes)),
        qrcode_path=found.qrcode_path,
    )


def rules(settings: Settings, merchant: Merchant) -> WalletRules:
    """How the wallet stage works for this merchant, which has a section for it."""
    found = merchant.yuannian
    assert found is not None
    tax_no = settings.issuers[merchant.issuer].tax_no
    return WalletRules(
        seal=HolderSeal(_secret(merchant, found), found.app_id, os.urandom),
        guard=GuardRule(
            mode=Mode(found.red_guard),
            waits_when_unknown=found.red_guard_unknown == "wait",
            lock_limit=found.red_guard_lock,
        ),
        cancels=found.allow_cancel,
        every=found.search_every,
        settle=found.search_settle,
        since=found.search_start,
        tax_nos=(tax_no,) if found.search_own_tax_no else (),
        token=_access_token(found),
    )


def token_ends(found: Yuannian) -> datetime | None:
    """When a configured token that is a JWT says it ends; only ever a reason to warn."""
    given = found.token.get_secret_value()
    if found.token_file:
        try:
            given = Path(found.token_file).read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError):
            return None
    return expires_at(given)


def _secret(merchant: Merchant, found: Yuannian) -> str:
    """What cards are sealed under: the account's secret, or WDT's where this one needs none."""
    return found.secret.get_secret_value() or merchant.wdt.secret.get_secret_value()


def _tls(found: Yuannian) -> ssl.SSLContext | None:
    if not found.ca_file:
        return None
    try:
        context = ssl.create_default_context()
        context.load_verify_locations(found.ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise ValueError(f"ca_file of Yuannian cannot be used ({type(error).__name__})") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _token(merchant: str, found: Yuannian, store: Store, clock: Clock, connection: Http) -> TokenSource:
    if found.token_file:
        return FileToken(Path(found.token_file))
    if not found.token_url:
        return StaticToken(found.token.get_secret_value())
    secret = found.secret.get_secret_value()
    return FetchedToken(
        name=f"{PLATFORM}/{merchant}",
        request=TokenRequest(
            url=found.token_url,
            fields=found.token_fields,
            form=found.token_format,
            path=found.token_path,
            life=found.token_life,
        ),
        app_id=found.app_id,
        secret=secret,
        shelf=Shelf(store),
        seal=Seal(secret or found.app_id, "token", os.urandom),
        http=connection,
        clock=clock,
    )


def _access_token(found: Yuannian) -> Callable[[], str]:
    """The official account's token as its file holds it now; "" where there is none."""

    def read() -> str:
        if not found.access_token_file:
            return ""
        try:
            return Path(found.access_token_file).read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError):
            return ""

    return read
