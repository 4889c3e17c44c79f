"""Which of several workers takes a job: none takes more than its share while another one has less to do.

Each says with its heartbeat for how many units of which groups it may be waited for. The statement that fetches a job
asks no group in which this worker is at work on its share already, while another that lives has fewer units of it and
a place free. It decides nothing that must be right, and keeps nothing waiting for long: now and then each takes what
there is.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import LiteralString

import orjson
from procrastinate.jobs import Job

#: Stands beside what Procrastinate keeps of a worker.
SCHEMA: LiteralString = "ALTER TABLE procrastinate_workers ADD COLUMN places jsonb NOT NULL DEFAULT '{}'"
BEAT: LiteralString = """
UPDATE procrastinate_workers SET last_heartbeat = now(), places = %(places)s::jsonb WHERE id = %(worker_id)s
"""
#: As Procrastinate's own, of those groups alone that may be asked now: nobody who may be waited for has fewer units and
#: a place; or our share, rounded up, is not reached, so that nobody waits for another to begin.
FETCH: LiteralString = """
WITH busy AS (
    SELECT worker_id AS id, queue_name AS queue, count(*) AS units FROM procrastinate_jobs
    WHERE status = 'doing' GROUP BY worker_id, queue_name
), others AS (
    SELECT queue, count(*) AS workers, min(coalesce(units, 0)) FILTER (WHERE coalesce(units, 0) < most::int) AS fewest
    FROM procrastinate_workers CROSS JOIN jsonb_each_text(places) AS place (queue, most)
    LEFT JOIN busy USING (id, queue)
    WHERE id <> %(worker_id)s AND last_heartbeat > now() - make_interval(secs => %(heard_within)s)
    GROUP BY queue
), open AS (
    SELECT coalesce(array_agg(queue), '{}') AS queues
    FROM unnest(%(queues)s::varchar[], %(taken)s::int[]) AS mine (queue, taken) LEFT JOIN others USING (queue)
    WHERE taken <= coalesce(fewest, taken)
    OR taken * (workers + 1) < (SELECT count(DISTINCT lock) FROM procrastinate_jobs WHERE queue_name = queue)
)
SELECT job.id, job.status, task_name, priority, lock, queueing_lock, args, scheduled_at, queue_name, attempts, worker_id
FROM open, procrastinate_fetch_job_v2(open.queues, %(worker_id)s) AS job
"""
#: As Procrastinate's own. Of what waited for this turn to end everybody is told, as if it were new.
FINISH: LiteralString = """
SELECT procrastinate_finish_job_v1(%(job_id)s, %(status)s, %(delete_job)s), (
    SELECT pg_notify('procrastinate_queue_v1#' || queue_name, '{"type": "job_inserted", "job_id": ' || id || '}')
    FROM procrastinate_jobs WHERE queueing_lock = %(lock)s AND status = 'todo'
)
"""
#: Seconds after which a process asks for a job whatever the others have.
ANYWAY_EVERY = 5.0
#: A turn that ends within so many seconds is no work that could be shared out; it is held against us for so many.
IN_NO_TIME, HELD_FOR = 0.5, 30.0


class Share:
    """What one process has at work: how many units of each group, since when, and where it may be waited for."""

    def __init__(self, places: Mapping[str, int]) -> None:
        self._places = dict(places)
        self._taken: Counter[str] = Counter()
        self._begun: dict[int, tuple[str, float]] = {}
        #: Groups whose turns are over in no time here, and until when that is held against us.
        self._hasty: dict[str, float] = {}

    @property
    def free(self) -> dict[str, int]:
        """The groups that have a place free, with the units of each that are at work."""
        return {group: self._taken[group] for group, most in self._places.items() if self._taken[group] < most}

    def take(self, job: Job) -> None:
        """It is at work from now on."""
        self._taken[job.queue] += 1
        if job.id is not None:
            self._begun[job.id] = (job.queue, time.monotonic())

    def give_back(self, job: Job) -> None:
        """It is at work no more."""
        self._taken[job.queue] -= 1
        now = time.monotonic()
        group, begun = self._begun.pop(job.id or 0, (job.queue, now))
        if now - begun < IN_NO_TIME:
            self._hasty[group] = now + HELD_FOR

    def said(self) -> str:
        """The groups in which others may wait for this process, and its places, as JSON; asked once a beat.

        Whose turns end as soon as they begin, because its clock is wrong, a merchant unknown, or a party out of its
        reach, always has the fewest units: for such a one nobody waits, until it has been at work for a while.
        """
        now = time.monotonic()
        working = {group for group, begun in self._begun.values() if now - begun >= IN_NO_TIME}
        self._hasty = {group: until for group, until in self._hasty.items() if until > now and group not in working}
        return orjson.dumps({group: most for group, most in self._places.items() if group not in self._hasty}).decode()

    def forget(self) -> None:
        """Nothing is at work any more: a new beginning."""
        self._taken.clear()
        self._begun.clear()
        self._hasty.clear()
