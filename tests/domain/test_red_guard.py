"""What a buyer's wallet says to a red invoice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from syncd.domain.red_guard import Go, Guarded, GuardRule, Look, Mode, Person, Wait, guard
from syncd.domain.wallet import Reimburse

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
SINCE = NOW - timedelta(hours=1)
BLOCK = GuardRule(mode=Mode.BLOCK)
WARN = GuardRule(mode=Mode.WARN)


@dataclass(frozen=True)
class Seen:
    status: Reimburse | None = None
    looked_at: datetime | None = None
    wanted_at: datetime | None = None
    missed_at: datetime | None = None


def fresh(status: Reimburse | None) -> Seen:
    return Seen(status, looked_at=NOW - timedelta(seconds=1))


LATER = NOW + BLOCK.look_again


@pytest.mark.parametrize(
    ("status", "blocked", "warned"),
    [
        (Reimburse.INIT, Go(), Go()),
        (Reimburse.LOCK, Wait(LATER, "lock"), Go("lock")),
        (Reimburse.CLOSURE, Person("closure"), Go("closure")),
        (Reimburse.CANCEL, Person("cancel"), Go("cancel")),
        (None, Go("unknown"), Go("unknown")),
    ],
    ids=str,
)
def test_a_fresh_state_decides(status: Reimburse | None, blocked: Guarded, warned: Guarded) -> None:
    """A status in a word nobody knows is as good as none."""
    assert guard(fresh(status), BLOCK, SINCE, NOW) == blocked
    assert guard(fresh(status), WARN, SINCE, NOW) == warned
    assert guard(fresh(status), GuardRule(mode=Mode.OFF), SINCE, NOW) == Go()


def test_an_invoice_without_a_card_is_nobodys_business() -> None:
    assert guard(None, BLOCK, SINCE, NOW) == Go()


def test_a_state_that_was_read_long_ago_is_read_again_first() -> None:
    seen = Seen(Reimburse.INIT, looked_at=NOW - BLOCK.fresh_for)

    assert guard(seen, BLOCK, SINCE, NOW) == Look(NOW + BLOCK.look_every)


def test_a_look_from_before_the_red_was_known_is_had_again() -> None:
    """The buyer may have locked the card a second later."""
    seen = Seen(Reimburse.INIT, looked_at=NOW - timedelta(seconds=2))

    assert guard(seen, BLOCK, NOW - timedelta(seconds=1), NOW) == Look(NOW + BLOCK.look_every)


@pytest.mark.parametrize("status", [Reimburse.CLOSURE, Reimburse.CANCEL])
def test_a_consumed_card_counts_though_only_the_feed_has_shown_it(status: Reimburse) -> None:
    """The platform is down, so nobody looked at it afresh: it cannot have come back."""
    seen = Seen(status, missed_at=NOW)

    assert guard(seen, BLOCK, SINCE, NOW) == Person(status.name.lower())


def test_from_a_card_that_was_consumed_there_is_no_way_back_however_long_ago_it_was_read() -> None:
    seen = Seen(Reimburse.CLOSURE, looked_at=NOW - timedelta(days=90))

    assert guard(seen, BLOCK, SINCE, NOW) == Person("closure")


def test_a_look_that_is_wanted_is_waited_for_but_not_long() -> None:
    asked = Seen(Reimburse.INIT, wanted_at=NOW)

    assert guard(asked, BLOCK, SINCE, NOW + timedelta(seconds=29)) == Look(NOW + BLOCK.patience)
    assert guard(asked, BLOCK, SINCE, NOW + BLOCK.patience) == Go("unknown")


def test_what_could_not_be_looked_at_holds_nobody_up_unless_the_settings_say_so() -> None:
    """The platform being down never delays issuing."""
    missed = Seen(Reimburse.LOCK, looked_at=NOW - timedelta(days=1), missed_at=NOW)

    assert guard(missed, BLOCK, SINCE, NOW) == Go("unknown")
    assert guard(missed, replace(BLOCK, waits_when_unknown=True), SINCE, NOW) == Wait(LATER, "unknown")
    long_ago = NOW - BLOCK.lock_limit
    assert guard(missed, replace(BLOCK, waits_when_unknown=True), long_ago, NOW) == Person("unknown")
    assert guard(missed, replace(WARN, waits_when_unknown=True), SINCE, NOW) == Go("unknown")


def test_a_lock_is_waited_out_for_days_and_then_a_person_decides() -> None:
    long_ago = NOW - BLOCK.lock_limit

    assert guard(fresh(Reimburse.LOCK), BLOCK, long_ago + timedelta(seconds=1), NOW) == Wait(LATER, "lock")
    assert guard(fresh(Reimburse.LOCK), BLOCK, long_ago, NOW) == Person("lock")
