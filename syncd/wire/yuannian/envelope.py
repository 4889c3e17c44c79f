"""The envelope of every request: header and body, written once, signed and sent as the same characters.

Source: seed yuannian-wechat §2.1.1. Not said there: the zone of `timestamp` (Beijing is assumed), what is signed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from syncd.domain.clock import BEIJING
from syncd.wire.yuannian.sign import SignRule

VENDOR, FORMAT, VERSION = "WECHAT", "JSON", "v1.0"


def header(app_id: str, token: str, at: datetime) -> dict[str, str]:
    """The six fields that every call has, in the order of the document; `sign` is the seventh."""
    return {
        "appId": app_id,
        "token": token,
        "timestamp": at.astimezone(BEIJING).strftime("%Y-%m-%dT%H:%M:%S"),
        "vendor": VENDOR,
        "format": FORMAT,
        "version": VERSION,
    }


def enveloped(fields: Mapping[str, str], body: Mapping[str, object], rule: SignRule) -> bytes:
    """The request as it is sent; `fields` may hold `page` and `size`, which the search wants in its header."""
    written = rule.body(body)
    signed = {**fields, "sign": rule.sign(fields, written)}
    head = json.dumps(signed, ensure_ascii=False, separators=(",", ":"))
    return f'{{"header":{head},"body":{written}}}'.encode()
