"""Gauges that are counted from the store when somebody looks."""

from __future__ import annotations

from syncd.store.store import Tx
from syncd.watch.metrics import Metrics


async def refresh(metrics: Metrics, tx: Tx) -> None:
    """Set every gauge that describes the store to what it holds now."""
    board, now = tx.board, tx.now
    orders = {(merchant, str(state)): float(n) for (merchant, state), n in (await board.by_state()).items()}
    metrics.replace(metrics.orders, orders)
    metrics.replace(metrics.held, {key: float(n) for key, n in (await board.by_hold()).items()})
    oldest = {
        (merchant, str(state)): (now - at).total_seconds() for (merchant, state), at in (await board.oldest()).items()
    }
    metrics.replace(metrics.oldest_seconds, oldest)
    unknown = {(merchant,): (now - at).total_seconds() for merchant, at in (await board.oldest_unknown()).items()}
    metrics.replace(metrics.unknown_age_seconds, unknown)
    metrics.replace(metrics.debts_open, {(target,): float(n) for target, n in (await board.debts()).items()})
    lanes = {(lane.name,): float(lane.state != "open") for lane in await tx.lanes.all()}
    metrics.replace(metrics.lane_resting, lanes)
    lag = {(at.sid, at.feed): (now - at.position).total_seconds() for at in await tx.windows.cursors()}
    metrics.replace(metrics.cursor_lag_seconds, lag)
