"""One parent of daemons for the whole session, and a yard for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("crash_daemons", "crash_ledgers")

from crash_daemons import Nursery, Yard, yard  # noqa: E402  (its assertions are to be explained like a test's)


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


@pytest.fixture
async def here(nursery: Nursery, tmp_path: Path) -> AsyncIterator[Yard]:
    """Twelve orders, one to be held and one the issuer refuses, and no daemon yet."""
    async with yard(nursery, tmp_path) as made:
        yield made
