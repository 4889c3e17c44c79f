"""The last catch: a defect in one unit is logged with its stack and stops nobody else."""

from __future__ import annotations

from collections.abc import Awaitable

import structlog

log = structlog.get_logger("syncd.engine")


async def supervised(stage: str, key: str, work: Awaitable[object]) -> bool:
    """Run `work` to its end; False when it raised. Cancellation passes through."""
    try:
        await work
    except Exception:  # the only broad catch of the program: what arrives here is a defect, not an outcome
        log.exception("task.crashed", stage=stage, unit=key)
        return False
    return True
