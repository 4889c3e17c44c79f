"""From an answer to bytes: XML by default, rooted JSON, or flat JSON, and every spelling of an empty list."""

from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

import msgspec

from syncd.sandbox.top.envelope import Envelope
from syncd.sandbox.top.refusal import MSG, Refused
from syncd.sandbox.top.switches import TopSwitches

Json = dict[str, Any]
JSON_TYPE = "text/javascript"
XML_TYPE = "text/xml"
XML_HEAD = '<?xml version="1.0" encoding="utf-8" ?>'


@dataclass(frozen=True, slots=True)
class Listed:
    """A list in an answer, and the name TOP gives its elements."""

    element: str
    items: list[Any]


def root_key(method: str) -> str:
    """`taobao.` falls away, other prefixes stay, dots become underscores."""
    return method.removeprefix("taobao.").replace(".", "_") + "_response"


def good(envelope: Envelope, fields: Json, request_id: str, switches: TopSwitches) -> tuple[bytes, str]:
    """The bytes and the content type of a good answer."""
    root, whole = root_key(envelope.method), {**fields, "request_id": request_id}
    if not envelope.as_json:
        return _xml(root, whole), XML_TYPE
    if envelope.simplified:
        return msgspec.json.encode(_plain(whole, switches, wrap=False)), JSON_TYPE
    return msgspec.json.encode({root: _plain(whole, switches, wrap=True)}), JSON_TYPE


def error(envelope: Envelope, refused: Refused, request_id: str, switches: TopSwitches) -> tuple[bytes, str]:
    """The bytes and the content type of an error: under the same root in every dialect."""
    fields: Json = {"code": str(refused.code) if switches.code_as_text else refused.code, "msg": MSG[refused.code]}
    optional = {"sub_code": refused.sub_code, "sub_msg": refused.sub_msg}
    if switches.request_id_in_errors:
        optional["request_id"] = request_id
    fields |= {name: text for name, text in optional.items() if text}
    if envelope.as_json:
        return msgspec.json.encode({"error_response": fields}), JSON_TYPE
    return _xml("error_response", fields), XML_TYPE


def _plain(value: Any, switches: TopSwitches, *, wrap: bool) -> Any:
    """Plain JSON: lists wrapped by their element name, or bare when simplified."""
    if isinstance(value, Listed):
        items = [_plain(item, switches, wrap=wrap) for item in value.items]
        return {value.element: items} if wrap else items
    if isinstance(value, dict):
        told: Json = {}
        for name, inner in value.items():
            if isinstance(inner, Listed) and not inner.items:
                told |= _empty(name, inner, switches)
            else:
                told[name] = _plain(inner, switches, wrap=wrap)
        return told
    return value


def _empty(name: str, value: Listed, switches: TopSwitches) -> Json:
    match switches.empty_lists:
        case "absent":
            return {}
        case "null":
            return {name: None}
        case "object":
            return {name: {}}
        case "wrapped":
            return {name: {value.element: []}}
    return {name: []}


def _xml(root: str, fields: Json) -> bytes:
    return (XML_HEAD + _element(root, fields)).encode()


def _element(name: str, value: Any) -> str:
    if isinstance(value, Listed):
        inner = "".join(_element(value.element, item) for item in value.items)
        return f"<{name}>{inner}</{name}>" if inner else ""
    if isinstance(value, dict):
        inner = "".join(_element(field, one) for field, one in value.items())
    elif isinstance(value, bool):
        inner = str(value).lower()
    else:
        inner = escape(str(value))
    return f"<{name}>{inner}</{name}>"
