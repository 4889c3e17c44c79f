"""Alibaba's invoice centre of each merchant: its client, and what the application keys may call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from syncd.config import Alibaba, Settings
from syncd.domain.application import CentreRules
from syncd.domain.clock import Clock
from syncd.pacers import paced
from syncd.store.allowances import Allowances
from syncd.store.store import Store
from syncd.wire.allowance import Allowance
from syncd.wire.http import Http
from syncd.wire.pace import Pacer
from syncd.wire.top.budget import AppBudget
from syncd.wire.top.client import ReturnApi, TopClient, TopOptions
from syncd.wire.top.sign import SignMethod

PLATFORM = "top"


def credential(found: Alibaba) -> tuple[str, str]:
    """Whose calls TOP counts: the application's, whichever seller it calls for."""
    return PLATFORM, found.app_key


def budgets(
    settings: Settings, store: Store | None, clock: Clock, sleep: Callable[[float], Awaitable[object]]
) -> dict[str, AppBudget]:
    """One for each application key; a ban of one interface is kept under "KEY METHOD"."""

    def pacer(account: str, per_minute: float) -> Pacer:
        return paced(per_minute, clock, sleep, store, (PLATFORM, account))

    found: dict[str, list[Alibaba]] = {}
    for one in settings.merchants:
        if one.alibaba is not None:
            found.setdefault(one.alibaba.app_key, []).append(one.alibaba)
    return {
        key: AppBudget(
            pacer(key, 60.0 * min(one.calls_per_second for one in named)),
            Allowance(
                min(one.calls_per_day for one in named),
                clock.now,
                None if store is None else Allowances(store, PLATFORM, key),
            ),
            partial(_pacer_of_method, pacer, key),
        )
        for key, named in found.items()
    }


def _pacer_of_method(pacer: Callable[[str, float], Pacer], key: str, method: str) -> Pacer:
    """Spaces nothing; it only knows until when this interface rests."""
    return pacer(f"{key} {method}", 0.0)


def sharers(settings: Settings, found: Alibaba) -> tuple[str, ...]:
    """The merchants that call TOP with this application key."""
    return tuple(
        one.name for one in settings.merchants if one.alibaba is not None and one.alibaba.app_key == found.app_key
    )


def rules(found: Alibaba) -> CentreRules:
    """How a merchant works with the invoice centre."""
    return CentreRules(
        tmc=found.tmc,
        seller_nick=found.seller_nick.strip(),
        uploads=found.return_api != "none",
        grace=found.grace,
        part_success=found.partial,
        read_first=found.read_first,
        link_field=found.link_field,
        link_pattern=found.link_pattern,
        link_by_trade=found.link_by_trade,
    )


def client(
    merchant: str,
    found: Alibaba,
    clock: Clock,
    http: Http,
    budget: AppBudget,
) -> TopClient:
    return TopClient(
        merchant=merchant,
        url=found.url,
        app_key=found.app_key,
        secret=found.secret.get_secret_value(),
        session=found.session.get_secret_value(),
        http=http,
        budget=budget,
        clock=clock,
        options=TopOptions(
            return_api=ReturnApi(found.return_api),
            sign_method=SignMethod(found.sign_method),
            digital_invoice_code=found.digital_invoice_code,
            file_as_part=found.upload_file_mode == "multipart",
            tmc_group=found.tmc_group,
        ),
    )
