"""A process that dies at a chosen instant: at any statement, any commit and any call, as kill -9 would have it."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import event

from syncd.store.store import Store


class Killed(asyncio.CancelledError):
    """The end of a process. Nothing in the program may catch it and go on."""


class Mortal:
    """Counts what a process does to its store and its parties; at the appointed count it dies."""

    def __init__(self) -> None:
        self.left: int | None = None

    def watch(self, store: Store) -> None:
        for engine in (store._writer, store._reader):
            event.listen(engine.sync_engine, "before_cursor_execute", self._statement)
            event.listen(engine.sync_engine, "commit", self._commit)

    def after(self, steps: int) -> None:
        """Die at the step after that many."""
        self.left = steps

    def lives(self) -> None:
        self.left = None

    def step(self) -> None:
        """Something that may be the last thing this process does."""
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                raise Killed

    def _statement(self, *_arguments: Any) -> None:
        self.step()

    def _commit(self, _connection: Any) -> None:
        self.step()
