"""The settings of a rehearsal, as a tree: one merchant at a sandbox, and whatever a day changes about it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from syncd.domain.clock import BEIJING


def _optional(described: dict[str, Any], sections: dict[str, Any]) -> dict[str, Any]:
    """The merchant's accounts that only some days are about, each where a section of its name asks for it."""
    accounts: dict[str, Any] = {}
    if "alibaba" in sections:
        top = {name: described["top"][name] for name in ("url", "app_key", "secret", "session")}
        own = {"allow_plain_http": True, "timeout": "3s", "calls_per_second": 100, "calls_per_day": 1_000_000}
        accounts["alibaba"] = {**top, **own, **sections.pop("alibaba")}
    if "yuannian" in sections:
        accounts["yuannian"] = {**described["yuannian"], "timeout": "3s", **sections.pop("yuannian")}
    return accounts


def settings_for(
    described: dict[str, Any], folder: Path, now: datetime, url: str = "", **sections: dict[str, Any]
) -> dict[str, Any]:
    """The settings of one merchant at a sandbox that describes itself so; each section is merged over the defaults.

    The store is in the database of `url`, or in a file in `folder`.
    """
    wdt = {
        **{name: described["wdt"][name] for name in ("url", "sid", "key", "secret")},
        "calls_per_minute": 6000,
        "timeout": "3s",
        **sections.pop("wdt", {}),
    }
    issuer = {
        **{name: described["nuonuo"][name] for name in ("kind", "url", "app_key", "token", "tax_no")},
        "secret": described["nuonuo"]["app_secret"],
        "allow_plain_http": True,
        "calls_per_minute": 60_000,
        "timeout": "3s",
        **sections.pop("issuer", {}),
    }
    start = (now.astimezone(BEIJING) - timedelta(days=3)).strftime("%Y-%m-%d %H:%M:%S")
    whole: dict[str, Any] = {
        "store": {"url": url or f"sqlite:///{folder}/syncd.db", "witness": f"{folder}/witness"},
        "console": {"listen": "127.0.0.1:0"},
        "schedule": {"poll": "30s", "mirror": "2m", "push": "5s", "collect": "5s", "write_back": "5s"},
        "poll": {"start": start},
        "merchants": [{"name": "m001", "issuer": "main", "wdt": wdt, **_optional(described, sections)}],
        "issuers": {"main": issuer},
    }
    for name, section in sections.items():
        whole[name] = {**whole.get(name, {}), **section} if isinstance(section, dict) else section
    return whole
