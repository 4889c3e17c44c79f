"""Draws docs/settings.md from the models, so that the page cannot say something else than the daemon does."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from syncd.config.duration import spell
from syncd.config.fields import is_secret, table_in
from syncd.config.schema import Settings
from syncd.config.values import Safe, Says

_TITLES = {"merchants": "[[merchants]]", "issuers": "[issuers.NAME]"}
_INTRODUCTION = """# Settings · 设置

This page is generated: `python -m syncd.config.reference > docs/settings.md`. 本页由程序生成。

The file is the one given with `-c`, else `$SYNCD_CONFIG`, else `./syncd.toml`, else `/etc/syncd/syncd.toml`.
Unknown keys are refused. `syncd check` says what is wrong, one line for each problem.

* **Spans** are written `"90s"`, `"5m"`, `"2h"`, `"1d"`, `"1h30m"`; a bare number means seconds. A span beyond its
  safe side (≥ or ≤ in the table) is warned about, not refused.
* **Secrets** (🔒) can stand in the file, in a file of their own (`NAME_file = "path"`, relative to the settings
  file), in a secrets directory, or in the environment.
* **Precedence**: environment, then secrets directory, then `NAME_file`, then the value in the file.
* **Environment**: `SYNCD_` and the path joined by `__`, in any case; merchants and issuers by name:
  `SYNCD_STORE__URL`, `SYNCD_MERCHANTS__M001__WDT__SECRET`, `SYNCD_ISSUERS__MAIN__SECRET`. A hyphen in a name may be
  written `_`. The file must name the merchant or issuer.
* **Secrets directory**: `/run/secrets`, `$CREDENTIALS_DIRECTORY` (systemd) and `$SYNCD_SECRETS_DIR`, the last one
  first; file names like `merchants__m001__wdt__secret`. Other files there are left alone.
"""


def render() -> str:
    """The whole page, ending in one line break."""
    return "\n".join([_INTRODUCTION, *_sections(Settings, "")])


def _sections(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for key, info in model.model_fields.items():
        table = table_in(info)
        if table is None:
            continue
        title = _TITLES.get(key) or f"[{prefix}{key}]"
        yield f"## `{title}`\n\n{_meaning(table)}\n\n| key | kind | default | meaning | 含义 |\n|---|---|---|---|---|"
        yield "".join(f"{_row(name, field)}\n" for name, field in table.model_fields.items() if not table_in(field))
        yield from _sections(table, f"{key}.")


def _meaning(table: type[BaseModel]) -> str:
    english, _, chinese = (table.__doc__ or "").strip().rstrip(".").partition("; ")
    return f"{english}. {chinese}。"


def _row(name: str, info: FieldInfo) -> str:
    says = next((mark for mark in info.metadata if isinstance(mark, Says)), None)
    lock = " 🔒" if is_secret(info) else ""
    english, chinese = (says.en, says.zh) if says else ("", "")
    return f"| `{name}`{lock} | {_kind(info)} | {_default(info)} | {english} | {chinese} |"


def _kind(info: FieldInfo) -> str:
    safe = next((mark for mark in info.metadata if isinstance(mark, Safe)), None)
    sign = {Safe.AT_LEAST: ", ≥ default", Safe.AT_MOST: ", ≤ default", None: ""}[safe]
    return _kind_of(info.annotation) + sign + _range(info)


def _kind_of(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(annotation))
    if get_origin(annotation) is dict:
        return f"table of {_kind_of(get_args(annotation)[1])}"
    names = {timedelta: "span", datetime: "Beijing time", time: "time of day", str: "text", SecretStr: "secret"}
    names |= {int: "whole number", bool: "true, false"}
    if get_origin(annotation) is tuple:
        return f"list of {_kind_of(get_args(annotation)[0])}s"
    for part in get_args(annotation) or (annotation,):
        if isinstance(part, type) and issubclass(part, Enum):
            return ", ".join(f"`{member.value}`" for member in part)
        if part in names:
            return names[part]
        if get_args(part):
            return _kind_of(part)
    return "number"


def _range(info: FieldInfo) -> str:
    low = next((mark.ge for mark in info.metadata if hasattr(mark, "ge")), None)
    high = next((mark.le for mark in info.metadata if hasattr(mark, "le")), None)
    return f", {low} to {high}" if low is not None and high is not None else ""


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "**required**"
    value = info.get_default(call_default_factory=True, validated_data={})
    return f"`{_written(value)}`" if value not in (None, {}, ()) else "none"


def _written(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case timedelta():
            return f'"{spell(value)}"'
        case time():
            return f'"{value:%H:%M}"'
        case SecretStr():
            return f'"{value.get_secret_value()}"'
        case int():
            return str(value)
        case _:
            return f'"{value}"'


if __name__ == "__main__":
    sys.stdout.write(render())
