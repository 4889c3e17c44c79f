"""What a party said, as the catalogue understands it: in the reader's language, the party's own words behind it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from syncd.cli.words import Lang

if TYPE_CHECKING:
    from syncd.catalogue import Entry
    from syncd.store.lanes import Lane

#: As `Verdict` spells itself: whose words, which code, which words.
_VERDICT = re.compile(r"([a-z]+) (\S+): (.*)", re.DOTALL)


def understood(lane: Lane) -> Entry | None:
    """What the party said when the lane came to rest; None for one that a person paused."""
    from syncd.catalogue import find

    platform, _, code = lane.code.partition(".")
    return find(platform, code, lane.reason.partition(": ")[2]) if lane.state == "resting" else None


def reason(lane: Lane, lang: Lang) -> str:
    """Why a lane stands still; a person's own words as they are."""
    return _with_raw(understood(lane), lane.reason, lang)


def trouble(text: str, lang: Lang) -> str:
    """What keeps a unit from going on; what no entry knows stays as it is."""
    from syncd.catalogue import find

    said = _VERDICT.fullmatch(text)
    return _with_raw(find(*said.groups()) if said else None, text, lang)


def _with_raw(entry: Entry | None, raw: str, lang: Lang) -> str:
    if entry is None:
        return raw
    meaning = entry.texts[0 if lang == "zh" else 1].rstrip("。.")
    return f"{meaning}（{raw}）" if lang == "zh" else f"{meaning} ({raw})"
