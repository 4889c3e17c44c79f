"""Settings: TOML, environment, secret files. The only place that knows pydantic."""

from __future__ import annotations

from syncd.config.parties import Alibaba, Issuer, Merchant, Wdt
from syncd.config.problems import SettingsError
from syncd.config.reading import from_mapping, load
from syncd.config.schema import Settings
from syncd.config.yuannian import Yuannian

__all__ = ["Alibaba", "Issuer", "Merchant", "Settings", "SettingsError", "Wdt", "Yuannian", "from_mapping", "load"]
