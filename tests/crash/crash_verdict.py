"""The crown invariant and everything that follows from it, after the last daemon has ended."""

from __future__ import annotations

from syncd.scenarios.books import Books


def all_is_well(books: Books, *, blind_repeats: bool = False) -> None:
    assert books.broken() == {"doubles": 0, "lost": 0, "wrong": 0}
    assert books.numbers_in_store() == books.numbers_in_ledger()
    assert books.told_two_things() == []
    assert books.sent_before_committed() == set()
    assert all(len(bodies) == 1 for bodies in books.bodies_by_key().values())
    if not blind_repeats:
        assert books.repeated_without_a_question() == []
