"""What every party's errors mean and who owns them: data files, read once.

The first entry that matches a message is its meaning. What no entry matches is `UNLISTED`: unclassified, never re-sent,
shown to people until it is added here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from syncd.catalogue.entry import BadEntry, Entry, Owner, read
from syncd.domain.trouble import Verdict

__all__ = ["PLATFORMS", "WIRE", "BadEntry", "Entry", "Owner", "entries", "find", "unlisted", "verdict"]

#: The parties that have a catalogue of their own.
PLATFORMS = ("wdt", "nuonuo", "top", "yuannian")
#: What our own wire says in place of a party that did not speak for itself.
WIRE = "wire"


def entries(platform: str) -> Sequence[Entry]:
    """The entries of one platform (or WIRE), in the order in which they are tried; none for an unknown one."""
    if platform not in (*PLATFORMS, WIRE):
        return ()
    return _entries(platform)


def find(platform: str, code: str, text: str) -> Entry | None:
    """The entry for a message of `platform`, or of our wire about it; None where nobody has classified it."""
    for entry in (*entries(platform), *entries(WIRE)):
        if entry.matches(code, text):
            return entry
    return None


@cache
def unlisted() -> Entry:
    """What is said of a message that no entry matches."""
    return read("", _mapping(_told(WIRE)["unlisted"]))


def verdict(platform: str, code: str, text: str) -> Verdict:
    """The message in the words of the domain; `Care.UNCLASSIFIED` where it is not listed."""
    entry = find(platform, code, text) or unlisted()
    return Verdict(entry.care, platform, code, text, entry.rest(text))


@cache
def _entries(platform: str) -> tuple[Entry, ...]:
    told = _told(platform)
    if told["platform"] != platform:
        raise BadEntry(f"{platform}.toml is about {told['platform']}")
    listed = told["entry"]
    assert isinstance(listed, list)
    return tuple(read(platform, entry) for entry in listed)


@cache
def _told(platform: str) -> Mapping[str, object]:
    return tomllib.loads(files(__name__).joinpath(f"{platform}.toml").read_text(encoding="utf-8"))


def _mapping(value: object) -> Mapping[str, object]:
    assert isinstance(value, dict)
    return value
