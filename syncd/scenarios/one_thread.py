"""Statements without a thread of their own: what a rehearsal's databases in memory take microseconds for.

A driver that hands each statement to a thread and waits for it spends nine tenths of its time on the way, and lets the
machine decide who comes first. Here a transaction is one step, and a seed's day comes out the same again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiosqlite import Connection


@contextmanager
def at_once() -> Iterator[None]:
    """Inside, every statement is executed where it is awaited. Connections are opened and closed as ever."""

    async def execute(self: Connection, statement: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not self._running or self._connection is None:
            raise ValueError("Connection closed")
        return statement(*args, **kwargs)

    usual = Connection._execute
    Connection._execute = execute  # type: ignore[assignment]
    try:
        yield
    finally:
        Connection._execute = usual  # type: ignore[method-assign]
