"""Looks into a store from outside of every worker, past the program: what is due when, and how much is left to do."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.scenarios.look import Look

#: What the daemon would still do by itself.
OPEN = "state IN ('PENDING', 'INTENT', 'ISSUED', 'FAILED')"
#: Without an order or a debt that is due these do nothing; so seldom a turn of theirs is had all the same (ms).
_IDLE_FOR = 600_000
#: A unit that ran this far in the future has seen the clock go back and is due (ms).
_CLOCK_WENT_BACK = 5_000

_UNITS = "SELECT stage, key, next_at, lease_until, ran_at FROM unit"
_WORK = {
    "push": f"SELECT min(next_at) FROM invoice_order WHERE {OPEN} AND state IN ('PENDING', 'INTENT')",
    "collect": f"""
SELECT min(at) FROM (
  SELECT min(next_at) AS at FROM invoice_order WHERE {OPEN} AND (state = 'INTENT' OR phase <> '')
  UNION ALL SELECT min(sweep_at) FROM invoice_order WHERE sweep_at IS NOT NULL
  UNION ALL SELECT min(doubted_at) FROM invoice_order WHERE doubted_at IS NOT NULL
) AS either""",
    "write_back": "SELECT min(next_at) FROM debt WHERE target = 'wdt' AND state IN ('owed', 'sent')",
    "alibaba": f"SELECT min(next_at) FROM application WHERE state <> 'held' AND next_at < {2**62}",
    "wallet": """
SELECT min(at) FROM (
  SELECT min(next_at) AS at FROM debt WHERE target = 'wallet' AND state IN ('owed', 'sent')
  UNION ALL SELECT min(wanted_at) FROM card WHERE wanted_at IS NOT NULL
) AS either""",
    "files": "SELECT min(next_at) FROM invoice_file WHERE state = 'wanted'",
}


@dataclass(frozen=True, slots=True)
class Due:
    """A unit and when a turn at it may do something, in milliseconds: of the wall clock, or of a lease's clock."""

    stage: str
    key: str
    at: int
    by_lease: bool


class Onlooker(Look):
    """Who also knows what the program would do next."""

    def units(self, now: int) -> list[Due]:
        """Every unit. One that could only find nothing to do is due when there is something, or after ten minutes."""
        work = {stage: self.one(sql) for stage, sql in _WORK.items()}
        found: list[Due] = []
        for stage, key, next_at, lease_until, ran_at in self.rows(_UNITS):
            if lease_until > 0:
                found.append(Due(stage, key, lease_until, True))
                continue
            idle_until = work.get(stage, next_at) or next_at + _IDLE_FOR
            at = min(max(next_at, idle_until), next_at + _IDLE_FOR)
            went_back = ran_at is not None and ran_at > now + _CLOCK_WENT_BACK
            found.append(Due(stage, key, now if went_back else at, False))
        return found

    def must_go_on(self) -> bool:
        """Whether orders are open and no lane rests, so that nobody need be asked if all is done."""
        return bool(
            self.one(f"SELECT 1 FROM invoice_order WHERE {OPEN} LIMIT 1")
            and not self.one("SELECT 1 FROM lane WHERE state <> 'open' LIMIT 1")
        )
