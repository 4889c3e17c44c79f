"""What can be wrong with a store as such, by name."""

from __future__ import annotations

from pathlib import Path


class UnsupportedStore(Exception):
    """The store's URL names something this installation cannot open, or that no store can be kept in.

    `why` is one word, and `facts` go with it, for whoever says it to people in their own language.
    """

    def __init__(self, text: str, why: str, **facts: object) -> None:
        super().__init__(text)
        self.why = why
        self.facts = facts


class StoreUnavailable(Exception):
    """The database did not answer (locked, full, gone): nothing counts as written, nothing may be sent.

    A server that is lost in the middle of a commit may have made it: what was meant is looked at as after a crash.
    """


class HeldElsewhere(Exception):
    """Another process works on this store; `holder` says which."""

    def __init__(self, place: Path | str, holder: str) -> None:
        super().__init__(f"{place} is held by {holder}")
        self.path = place
        self.holder = holder
