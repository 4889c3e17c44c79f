"""The common envelope: a header of seven texts and a body, both objects, and a genuine signature (seed §2.1.1)."""

import json
import re
from dataclasses import dataclass
from typing import Any

from syncd.sandbox.moment import parse_beijing
from syncd.sandbox.yuannian.account import App
from syncd.sandbox.yuannian.refusal import BAD_APP, BAD_REQUEST, BAD_SIGN, BAD_TOKEN, Refused, invalid, missing
from syncd.sandbox.yuannian.sign import body_text, is_signed
from syncd.sandbox.yuannian.world import YuannianWorld

Json = dict[str, Any]

HEADER = ("appId", "token", "sign", "timestamp", "vendor", "format", "version")
FIXED = {"vendor": "WECHAT", "format": "JSON", "version": "v1.0"}
TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Admitted:
    """A genuine call."""

    app: App
    header: Json
    body: Json

    def text(self, name: str) -> str:
        """A field of the body that must be a text; "" where it is absent. Raises: Refused."""
        value = self.body.get(name)
        if value is not None and not isinstance(value, str):
            raise invalid(name, "应为字符串")
        return value or ""

    def needed(self, name: str) -> str:
        """A text that must be there. Raises: Refused."""
        text = self.text(name)
        if not text:
            raise missing(name)
        return text


def admit(world: YuannianWorld, raw: bytes) -> Admitted:
    """Raises: Refused; which check comes first is not said."""
    header, body = _envelope(raw)
    for name in HEADER:
        if not header.get(name):
            raise missing(name)
        if not isinstance(header[name], str):
            raise invalid(name, "应为字符串")
    for name, value in FIXED.items():
        if header[name] != value:
            raise invalid(name, f"应为{value}")
    _check_time(world, header["timestamp"])
    status = 401 if world.switches.auth_errors == "http" else 200
    app = world.apps.get(header["appId"])
    if app is None:
        raise Refused(BAD_APP, "appId不存在", status)
    if not app.accepts(header["token"], world.now()):
        raise Refused(BAD_TOKEN, "token无效或已过期", status)
    signed = body_text(body, world.switches.sign_body)
    if not is_signed(world.switches.sign_template, app.secret, header, signed):
        raise Refused(BAD_SIGN, "签名验证失败", status)
    return Admitted(app, header, body)


def _envelope(raw: bytes) -> tuple[Json, Json]:
    try:
        said = json.loads(raw)
    except ValueError:
        raise Refused(BAD_REQUEST, "报文不是JSON") from None
    if not isinstance(said, dict):
        raise Refused(BAD_REQUEST, "报文应为对象")
    parts = []
    for name in ("header", "body"):
        if name not in said:
            raise missing(name)
        if not isinstance(said[name], dict):
            raise invalid(name, "应为对象")
        parts.append(said[name])
    return parts[0], parts[1]


def _check_time(world: YuannianWorld, text: str) -> None:
    at = parse_beijing(text.replace("T", " ")) if TIMESTAMP.fullmatch(text) else None
    if at is None:
        raise invalid("timestamp", "格式应为yyyy-MM-ddTHH:mm:ss")
    window = world.switches.timestamp_window
    if window and abs(at - world.now()) > window:
        raise invalid("timestamp", "已过期")
