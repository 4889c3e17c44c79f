"""How wide each feed's next window is opened: by how dense the last one was."""

from __future__ import annotations

from datetime import datetime, timedelta

from syncd.domain.window import LONGEST, Window, next_step
from syncd.stages.poll.plan import PollRules
from syncd.store.store import Store


class Steps:
    """The step of every feed; `[poll] step` where nothing is known. What a restart forgets, the ledger tells."""

    def __init__(self, store: Store, rules: PollRules) -> None:
        self._store = store
        self._rules = rules
        self._steps: dict[tuple[str, str], timedelta] = {}

    async def first(self, sid: str, feed: str, start: datetime, limit: datetime) -> Window | None:
        """The window from `start` to begin a turn with; None where there is none before `limit`."""
        if (sid, feed) not in self._steps:
            async with self._store.read() as tx:
                last = await tx.windows.last_done(sid, feed)
            self._steps[sid, feed] = self._rules.step if last is None else self._step(*last)
        return self._window(sid, feed, start, limit)

    def after(self, sid: str, feed: str, done: Window, rows: int, limit: datetime) -> Window | None:
        """The window after `done`, which held `rows`; None at the end."""
        self._steps[sid, feed] = self._step(done.span, rows)
        return self._window(sid, feed, done.end, limit)

    def _step(self, span: timedelta, rows: int) -> timedelta:
        """Where there was less than a page, nothing speaks against the step that was set."""
        step = next_step(span, rows, self._rules.page_size)
        return step if rows >= self._rules.page_size else max(step, self._rules.step)

    def _window(self, sid: str, feed: str, start: datetime, limit: datetime) -> Window | None:
        end = min(start + min(self._steps[sid, feed], LONGEST), limit)
        return Window(start, end) if end > start else None
