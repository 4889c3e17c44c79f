"""Messages of parties found in files: plain lines, JSON lines, and syncd's own log."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from syncd.catalogue.entry import LONGEST_TEXT
from syncd.domain.texts import without_identifiers

#: Which platforms an account named in the settings may belong to, where a log line tells its name only.
ISSUERS = ("nuonuo",)

#: Platforms whose lanes are named after them.
_LANES = ("wdt", "top", "yuannian")

_PLATFORM = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,30}")
_LONGEST_CODE = 60
_WORD = re.compile(r"[0-9A-Za-z_-]+")
_DIGITS_OF_A_NUMBER = 5


@dataclass(frozen=True, slots=True)
class Message:
    """What a party said; `platform` is "?" where the line does not tell."""

    platform: str
    code: str
    text: str

    @property
    def kind(self) -> tuple[str, str, str]:
        """Equal for two messages that differ in the numbers of orders or people only."""
        return self.platform, self.code, without_numbers(self.text)

    def __str__(self) -> str:
        return f"{self.platform} {self.code}: {self.text}"


def read_line(line: str) -> Message | None:
    """The message in a line; None for a blank line, a comment, and a log line that is about no party's message.

    Anything else is somebody's word, though we cannot read whose: it is a message of the platform "?".
    """
    line = line.strip()
    if not line or line.startswith("#"):
        return None
    if line.startswith("{"):
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):
            return Message("?", "?", line[:LONGEST_TEXT])
        return read_value(told)
    return plain(line) or Message("?", "?", line[:LONGEST_TEXT])


def plain(line: str) -> Message | None:
    """`platform code: text`, as a verdict is written out."""
    head, _, text = line[:LONGEST_TEXT].partition(":")
    platform, _, code = head.strip().partition(" ")
    if not _PLATFORM.fullmatch(platform) or not 0 < len(code.strip()) <= _LONGEST_CODE:
        return None
    return Message(platform.lower(), code.strip(), text.strip())


def top_text(sub_code: str, sub_msg: str, msg: str) -> str:
    """TOP's answer as the text its entries are about: what stands behind the code."""
    return f"{sub_code} {sub_msg}".strip() or msg


def read_value(told: object) -> Message | None:
    """The message in a JSON value, as `read_line` reads it in a line."""
    if isinstance(told, str):
        return read_line(told)
    if not isinstance(told, dict):
        return Message("?", "?", str(told)[:LONGEST_TEXT])
    return _of_log(told) if "event" in told else _of_fields(told)


def _of_fields(told: Mapping[str, object]) -> Message:
    """A JSON object with platform, code and text, or a party's own answer as it came."""
    inner = told.get("error_response")
    if isinstance(inner, dict):
        told = {"platform": "top", **inner}
    code = _first(told, "code", "status")
    text = _first(told, "text", "message", "describe") or top_text(
        _first(told, "sub_code"), _first(told, "sub_msg"), _first(told, "msg")
    )
    return Message(_first(told, "platform").lower() or _platform_of(told), code or "?", text[:LONGEST_TEXT])


def _platform_of(told: Mapping[str, object]) -> str:
    """Whose answer this is, by the fields only that party uses."""
    if "sub_code" in told or "sub_msg" in told:
        return "top"
    if "describe" in told:
        return "nuonuo"
    return "wdt" if "status" in told and "code" not in told else "?"


def _of_log(told: Mapping[str, object]) -> Message | None:
    """A line of our own log, of those events that repeat what a party said."""
    event, code, why = _first(told, "event"), _first(told, "code"), _first(told, "why")
    match event:
        case "lane.rested":
            return Message(_of_lane(_first(told, "lane")), code, why)
        case "wdt.read_retried":
            return Message("wdt", code, "")
        case "write_back.unknown":
            return Message("wdt", _first(told, "cause"), "")
        case "top.troubled":
            return Message("top", code, _first(told, "text"))
        case "issue.unclassified" | "collect.failed":
            return Message(ISSUERS[0], code, _first(told, "text"))
        case "unit.troubled" | "write_back.postponed":
            return plain(why) if ": " in why else None
        case _:
            return None


def _of_lane(lane: str) -> str:
    """A lane is named after the merchant and the platform, or the merchant and the operator's name for the issuer."""
    party = lane.rpartition("/")[2]
    return party if party in _LANES else ISSUERS[0]


def _first(told: Mapping[str, object], *names: str) -> str:
    for name in names:
        value = told.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()
    return ""


def without_numbers(text: str) -> str:
    """`text` with every word that holds five digits or more as "#": order, tax, phone and serial numbers."""
    return _WORD.sub(_hidden, without_identifiers(text))


def _hidden(word: re.Match[str]) -> str:
    return "#" if sum(one.isdigit() for one in word[0]) >= _DIGITS_OF_A_NUMBER else word[0]
