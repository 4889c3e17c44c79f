"""From settings to parties: which client speaks for which merchant and account."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

from syncd import centres as centre
from syncd import wallets as purse
from syncd.config import Alibaba as CentreSettings
from syncd.config import Issuer as IssuerSettings
from syncd.config import Merchant as MerchantSettings
from syncd.config import Settings
from syncd.config import Yuannian as WalletSettings
from syncd.domain.clock import Clock
from syncd.domain.invoice import Kind
from syncd.domain.mapping import MappingOptions
from syncd.domain.order import MerchantName
from syncd.domain.ports import Issuer
from syncd.pacers import paced
from syncd.stages.turn import Merchant
from syncd.store.store import Store
from syncd.store.tokens import Shelf
from syncd.wire.files import Files
from syncd.wire.http import Http
from syncd.wire.issuers.nuonuo.client import NuonuoIssuer
from syncd.wire.issuers.nuonuo.codec import NuonuoOptions
from syncd.wire.issuers.nuonuo.token import FetchedToken, StaticToken, TokenSource
from syncd.wire.pace import Pacer
from syncd.wire.top.budget import AppBudget
from syncd.wire.top.client import TopClient
from syncd.wire.wdt.client import WdtClient
from syncd.wire.wdt.sign import Secret
from syncd.wire.yuannian.client import YuannianWallet


@dataclass(frozen=True, slots=True)
class Parties:
    """Every outside party of this installation, and the connections to close at the end."""

    merchants: tuple[Merchant, ...]
    wdt: Mapping[str, WdtClient]
    issuers: Mapping[str, Issuer]
    connections: Sequence[Http]
    centres: Mapping[str, TopClient] = field(default_factory=dict)
    wallets: Mapping[str, YuannianWallet] = field(default_factory=dict)
    wallets_off: Mapping[str, str] = field(default_factory=dict)  # configured, but they cannot work, and why

    async def close(self) -> None:
        """Close every connection."""
        for connection in self.connections:
            await connection.close()


#: Told of each call: the platform ("wdt", "nuonuo", "top", "yuannian"), who of it (a merchant or an issuer account),
#: how it ended, and the seconds it took.
OnCall = Callable[[str, str, str, float], None]


def _unheard(_platform: str, _party: str, _outcome: str, _seconds: float) -> None:
    """Nobody counts calls."""


def join(
    settings: Settings, store: Store, clock: Clock, on_call: OnCall = _unheard, *, store_is_ready: bool = True
) -> Parties:
    """Build the clients that `settings` names. Nothing is called yet.

    Where the store is not ready (it is not made, or an older program's) their pace is kept in memory alone.
    """
    connections: list[Http] = []
    wallets = Wallets(settings, store if store_is_ready else None, clock)
    issuers = {
        name: _issuer(name, found, store, clock, connections, partial(on_call, "nuonuo", name), wallets.of_issuer(name))
        for name, found in settings.issuers.items()
    }
    wdt = {
        found.name: _wdt(found, clock, connections, partial(on_call, "wdt", found.name), wallets.of_wdt(found))
        for found in settings.merchants
    }
    centres = {
        one.name: _centre(one.name, one.alibaba, clock, connections, partial(on_call, "top", one.name), wallets)
        for one in settings.merchants
        if one.alibaba is not None
    }
    sharers = {
        issuer: tuple(one.name for one in settings.merchants if one.issuer == issuer) for issuer in settings.issuers
    }
    cards, off = _wallets(settings, store, clock, connections, on_call, wallets)
    merchants = tuple(
        Merchant(
            name=MerchantName(found.name),
            sid=found.wdt.sid,
            erp=wdt[found.name],
            issuer=issuers[found.issuer],
            mapping=mapping_options(settings.issuers[found.issuer]),
            sharers=sharers[found.issuer],
            erp_pace=wallets.of_wdt(found),
            issuer_pace=wallets.of_issuer(found.issuer),
            centre=centres.get(found.name),
            centre_pace=wallets.of_centre(found.alibaba) if found.alibaba else None,
            centre_sharers=centre.sharers(settings, found.alibaba) if found.alibaba else (),
            centre_rules=centre.rules(found.alibaba) if found.alibaba else None,
            files=_files(settings.issuers[found.issuer], on_call) if found.alibaba else None,
            wallet=cards.get(found.name),
            wallet_pace=wallets.of_wallet(found.yuannian) if found.yuannian else None,
            wallet_rules=purse.rules(settings, found) if found.name in cards else None,
        )
        for found in settings.merchants
    )
    return Parties(merchants, wdt, issuers, connections, centres, cards, off)


Credential = tuple[str, str]


def credential_of_wdt(merchant: MerchantSettings) -> Credential:
    """Whose calls WDT counts: (platform, account)."""
    return "wdt", f"{merchant.wdt.sid}/{merchant.wdt.key}"


def credential_of_issuer(found: IssuerSettings) -> Credential:
    """Whose calls the issuer counts; two accounts of one application and seller are one."""
    return found.kind, f"{found.app_key}/{found.tax_no}"


class Wallets:
    """One pacer for each credential, however many merchants or accounts of the settings use it.

    Where they name different limits, the lowest counts.
    """

    def __init__(self, settings: Settings, store: Store | None, clock: Clock) -> None:
        self._issuers = {name: credential_of_issuer(found) for name, found in settings.issuers.items()}
        limits: dict[Credential, float] = {}
        named = [
            *((credential_of_wdt(one), one.wdt.calls_per_minute) for one in settings.merchants),
            *((self._issuers[name], found.calls_per_minute) for name, found in settings.issuers.items()),
            *(
                (purse.credential(one.yuannian), one.yuannian.calls_per_minute)
                for one in settings.merchants
                if one.yuannian
            ),
        ]
        for credential, limit in named:
            limits[credential] = min(limit, limits.get(credential, limit))
        sleep = getattr(clock, "sleep", asyncio.sleep)  # a clock that is moved by hand also waits by hand
        self._centres = centre.budgets(settings, store, clock, sleep)
        self._pacers = {
            credential: paced(limit, clock, sleep, store, credential) for credential, limit in limits.items()
        }

    def of_wdt(self, merchant: MerchantSettings) -> Pacer:
        """The pacer of a merchant's WDT account."""
        return self._pacers[credential_of_wdt(merchant)]

    def of_issuer(self, name: str) -> Pacer:
        """The pacer of `[issuers.NAME]`."""
        return self._pacers[self._issuers[name]]

    def of_wallet(self, found: WalletSettings) -> Pacer:
        """The pacer of an account at Yuannian."""
        return self._pacers[purse.credential(found)]

    def of_centre(self, found: CentreSettings) -> AppBudget:
        """The budget of an application at TOP."""
        return self._centres[found.app_key]


def _wdt(
    merchant: MerchantSettings,
    clock: Clock,
    connections: list[Http],
    on_call: Callable[[str, float], None],
    pacer: Pacer,
) -> WdtClient:
    found = merchant.wdt
    http = Http("wdt", timeout=found.timeout.total_seconds(), limit=2, on_call=on_call)
    connections.append(http)
    return WdtClient(
        url=found.url,
        sid=found.sid,
        key=found.key,
        secret=Secret(*found.secret_and_salt()),
        http=http,
        pacer=pacer,
        clock=clock,
        client_version=found.client_version,
        empty_code=found.empty_invoice_code,
        failed_file_url=found.failed_file_url,
        batch_cap=50,
    )


def _issuer(
    name: str,
    found: IssuerSettings,
    store: Store,
    clock: Clock,
    connections: list[Http],
    on_call: Callable[[str, float], None],
    pacer: Pacer,
) -> Issuer:
    http = Http("nuonuo", timeout=found.timeout.total_seconds(), limit=found.concurrency + 2, on_call=on_call)
    connections.append(http)
    return NuonuoIssuer(
        name=name,
        url=found.url,
        app_key=found.app_key,
        app_secret=found.secret.get_secret_value(),
        tax_no=found.tax_no,
        token=_token(name, found, store, clock, http),
        http=http,
        pacer=pacer,
        clock=clock,
        random=random.Random(),
        options=NuonuoOptions(
            settle_for=found.settle.total_seconds(),
            cut_remark=found.cut_remark,
            red_reason=str(found.red_reason),
            red_by_itself=found.red_by_itself,
        ),
    )


def _files(found: IssuerSettings, on_call: OnCall) -> Files:
    """Files may lie on this machine only where the issuer itself does, as in a rehearsal."""
    here = urlsplit(found.url).hostname in ("127.0.0.1", "localhost", "::1")
    return Files(allow_loopback=here, on_call=partial(on_call, "files", ""))


def _token(name: str, found: IssuerSettings, store: Store, clock: Clock, http: Http) -> TokenSource:
    given = found.token.get_secret_value()
    if given:
        return StaticToken(given)
    return FetchedToken(
        issuer=name,
        token_url=found.token_url,
        app_key=found.app_key,
        app_secret=found.secret.get_secret_value(),
        shelf=Shelf(store),
        http=http,
        clock=clock,
        random_bytes=os.urandom,
    )


def mapping_options(found: IssuerSettings) -> MappingOptions:
    """How orders become requests for this account."""
    return MappingOptions(
        tax_no=found.tax_no,
        amount_limit=found.amount_limit,
        default_kind=Kind(found.default_kind) if found.default_kind else None,
        legacy_as_digital=found.legacy_as_digital,
        natural_person=found.natural_person,
        allocate_header_discount=found.allocate_header_discount,
        zero_rate_rules=found.zero_rate,
        strict_tax_no=found.strict_tax_no,
        cut_remark=found.cut_remark,
        drawer=found.drawer,
        seller_phone=found.seller_phone,
        seller_address=found.seller_address,
        seller_bank_name=found.seller_bank_name,
        seller_bank_account=found.seller_bank_account,
    )


def _centre(
    merchant: str,
    found: CentreSettings,
    clock: Clock,
    connections: list[Http],
    on_call: Callable[[str, float], None],
    wallets: Wallets,
) -> TopClient:
    http = Http(centre.PLATFORM, timeout=found.timeout.total_seconds(), limit=2, on_call=on_call)
    connections.append(http)
    return centre.client(merchant, found, clock, http, wallets.of_centre(found))


def _wallets(
    settings: Settings,
    store: Store,
    clock: Clock,
    connections: list[Http],
    on_call: OnCall,
    wallets: Wallets,
) -> tuple[dict[str, YuannianWallet], dict[str, str]]:
    """Each merchant's wallet; and why there is none where one is configured. Issuing goes on without it."""
    found: dict[str, YuannianWallet] = {}
    off: dict[str, str] = {}
    for merchant in settings.merchants:
        if merchant.yuannian is None:
            continue
        try:
            connection = purse.http(merchant.yuannian, partial(on_call, purse.PLATFORM, merchant.name))
            pacer = wallets.of_wallet(merchant.yuannian)
            found[merchant.name] = purse.client(merchant.name, merchant.yuannian, store, clock, connection, pacer)
            connections.append(connection)
        except ValueError as error:
            off[merchant.name] = str(error)
    return found, off
