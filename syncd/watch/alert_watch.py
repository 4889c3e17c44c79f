"""The watch that tells people: looks at the store, decides, speaks, and remembers what it said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import DBAPIError

from syncd.store.store import Store, StoreUnavailable
from syncd.store.told import Told
from syncd.watch.alert_channels import Channel, Note, Urgency
from syncd.watch.alert_facts import Limits, store_parts, wrong_now
from syncd.watch.alert_post import Post
from syncd.watch.alert_texts import Language, body, title
from syncd.watch.alerts import Edge, Kind, Message, Rules, Wrong, plan
from syncd.watch.gauges import Served

log = structlog.get_logger("syncd.alerts")

#: A database that is busy for a moment is no outage.
_UNREADABLE_AFTER = timedelta(seconds=60)


class AlertWatch:
    """Tells people of outages, once each.

    What was told lives in the store, so that a restart tells nobody again; while the store takes nothing it is kept
    here. A message is remembered after a channel took it: a crash in between says it twice, never not at all.
    `place` names this installation in the messages.
    """

    def __init__(
        self,
        store: Store,
        merchants: Sequence[Served],
        channels: Sequence[Channel],
        *,
        language: Language = "zh",
        rules: Rules | None = None,
        limits: Limits | None = None,
        place: str = "",
    ) -> None:
        self._store = store
        self._merchants = tuple(merchants)
        self._post = Post(channels, store.clock.monotonic)
        self._language = language
        self._rules = rules or Rules()
        self._limits = limits or Limits()
        self._place = place
        self._began_at = store.clock.now()
        self._told: dict[str, Told] = {}
        self._unwritten: dict[str, Told] = {}
        self._wrongs: list[Wrong] = []
        self._silent_since: datetime | None = None
        self._store_since: datetime | None = None

    async def look(self) -> None:
        """One round. Lets no trouble of the store or of a channel out."""
        await self._write()
        await self._read()
        now = self._store.clock.now()
        steps = plan([*self._wrongs, *self._of_store(now)], self._told, now, self._rules)
        self._post.withdraw({step.message.key for step in steps if step.message})
        for step in steps:
            if step.message is None or await self._say(step.message, now):
                self._told[step.told.name] = self._unwritten[step.told.name] = step.told
        await self._write()
        await self._post.flush()

    async def _read(self) -> None:
        """What is wrong and what was told; where the store does not answer, both stay as they were."""
        try:
            async with self._store.read() as tx:
                self._told = {**await tx.told.all(), **self._unwritten}
                self._wrongs = await wrong_now(tx, self._merchants, self._limits, self._began_at)
            self._silent_since = None
        except (StoreUnavailable, DBAPIError):  # the latter where the file is no database any more
            self._silent_since = self._silent_since or self._store.clock.now()

    async def _write(self) -> None:
        """Remember in the store what it has not taken yet."""
        if not self._unwritten:
            return
        try:
            async with self._store.begin(fact="alerts.told", scope="alerts") as tx:
                for told in self._unwritten.values():
                    await tx.told.put(told)
        except (StoreUnavailable, DBAPIError):
            return  # kept here, and tried again at the next look
        self._unwritten.clear()

    def _of_store(self, now: datetime) -> list[Wrong]:
        silent = self._silent_since is not None and now - self._silent_since >= _UNREADABLE_AFTER
        parts = store_parts(self._store.path, answers=not silent)
        if not parts:
            self._store_since = None
            return []
        self._store_since = self._store_since or now
        return [Wrong(Kind.STORE, self._store_since, len(parts), parts)]

    async def _say(self, message: Message, now: datetime) -> bool:
        note = Note(title(message, self._language, self._place), body(message, self._language, now), _urgency(message))
        taken = await self._post.deliver(message.key, note)
        if taken:
            log.info("alerts.told", edge=str(message.edge), alert=message.name, count=message.count)
        return taken


def _urgency(message: Message) -> Urgency:
    if message.edge is Edge.OVER:
        return "success"
    return "warning" if message.kind in (Kind.HELD, Kind.LANE_RESTING) else "failure"
