"""Days on which blue invoices lie in buyers' wallets, and twins that believe what they should look at."""

from __future__ import annotations

import pytest

from syncd.scenarios.run import Order, play

TWINS = "tests/scenarios/twins_wallet.py"


def test_a_locked_card_is_waited_for_and_a_booked_one_asks_a_person() -> None:
    result = play(Order("wallet-locked", 12, 1, 1))

    assert result.broken == (), result.figures


def test_yuannian_being_down_delays_no_blue_and_no_red_that_may_go() -> None:
    result = play(Order("wallet-down", 12, 1, 1))

    assert result.broken == (), result.figures


def test_a_mirror_that_is_believed_reverses_what_is_being_reimbursed() -> None:
    result = play(Order("wallet-locked", 12, 1, 1, f"{TWINS}:mirror_believed"))

    assert result.figures["red_while_locked"] > 0


def test_waiting_for_the_platform_is_noticed() -> None:
    result = play(Order("wallet-down", 8, 1, 1, f"{TWINS}:waits_for_the_platform"))

    assert result.figures["reds_held_up"] > 0


def test_a_card_that_was_told_and_did_not_take_it_is_noticed() -> None:
    result = play(Order("wallet-told", 12, 1, 1, f"{TWINS}:said_is_paid"))

    assert result.figures["cards_not_told"] > 0


@pytest.mark.storm
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["wallet-locked", "wallet-down", "wallet-told"])
@pytest.mark.parametrize("seed", range(1, 4))
def test_larger_days_with_other_dice(name: str, seed: int) -> None:
    result = play(Order(name, 120, seed, 2))

    assert result.broken == (), result.figures
