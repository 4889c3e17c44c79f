"""Which day shows that a rule of the program is kept, and which wrong version of it that day catches.

A row is played twice, as the program is and as its twin, with rows, seed and workers that take seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent

#: The program's rules, as the table says them. (zh, en)
RULES: dict[int, tuple[str, str]] = {
    1: ("先落库再发送，编号算出而非抽取", "the intent is durable before the call, and its key is computed"),
    2: ("“不知道”是一种结果，不是失败", "unknown is an outcome, and never failure"),
    3: ("租约与栅栏：被接手者的迟写一律拒绝", "leases and fences: whoever was overtaken writes no more"),
    4: ("一个事实一个事务", "one fact, one transaction"),
    5: ("游标是账本，不是时钟", "the cursor is a ledger, not a clock"),
    6: ("两路读取：待办与全量", "two feeds: the work list and the mirror"),
    7: ("错误各有含义与归属", "errors have a meaning and an owner"),
    8: ("金额用十进制，并受核对", "money is decimal and guarded"),
    9: ("一行坏数据不拖累别的行", "one bad row never stops its neighbours"),
    10: ("副本永远不能开火", "a copy can never fire"),
    11: ("时间只有一种，不看主机时区", "times are aware and nobody's zone"),
    12: ("历史只增不改", "history is append-only"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One row of the table. `twin` is FILE:NAME within this folder; `figures` are what the table prints."""

    rule: int
    scenario: str
    twin: str
    rows: int
    figures: tuple[str, ...]
    seed: int = 1
    workers: int = 1

    @property
    def path(self) -> str:
        """The twin as `syncd sim run --twin` takes it."""
        return f"{HERE / self.twin}"


SHOWN: tuple[Shown, ...] = (
    Shown(1, "lost-answer", "twins_issuing.py:fresh_key_after_a_timeout", 20, ("doubles", "max_issued_per_order")),
    Shown(1, "struck-workers", "twins_issuing.py:call_then_save", 15, ("doubles", "max_issued_per_order"), workers=2),
    Shown(1, "store-deleted", "twins_processes.py:random_key", 18, ("doubles", "max_issued_per_order")),
    Shown(1, "red-chain", "twins_reds.py:fresh_form_after_a_timeout", 30, ("red_over_blue", "max_forms_open_per_blue")),
    Shown(2, "lost-answer", "twins_issuing.py:timeout_read_as_failure", 20, ("lost", "written_85")),
    Shown(2, "lagging-answer", "twins_issuing.py:duplicate_read_as_failure", 30, ("written_85", "told_failed_unasked")),
    Shown(2, "late-issue", "twins_issuing.py:first_refusal_believed", 12, ("told_failed_unasked",)),
    Shown(2, "late-issue", "twins_issuing.py:no_late_sweep", 12, ("lost",)),
    Shown(2, "writeback-mixed", "twins_writing.py:believed_when_sent", 40, ("lost",)),
    Shown(2, "alibaba-missing", "twins_alibaba.py:returned_again_at_once", 25, ("uploads_double", "uploads_hasty")),
    Shown(2, "alibaba-missing", "twins_alibaba.py:everything_is_missing", 25, ("uploads_needless",)),
    Shown(2, "red-chain", "twins_reds.py:no_gate", 30, ("forms_without_blue", "red_over_blue")),
    Shown(2, "wallet-locked", "twins_wallet.py:mirror_believed", 12, ("red_while_locked", "red_after_closure")),
    Shown(2, "wallet-told", "twins_wallet.py:said_is_paid", 12, ("cards_not_told",)),
    Shown(3, "stalled-workers", "twins_issuing.py:no_fence", 30, ("late_writes",), workers=3),
    Shown(3, "frozen-worker", "twins_processes.py:no_fence", 9, ("not_fenced", "late_writes"), workers=2),
    Shown(3, "workers-storm", "twins_processes.py:no_fence", 60, ("not_fenced",), seed=2, workers=4),
    Shown(4, "struck-workers", "twins_issuing.py:cursor_before_rows", 15, ("missed", "lost"), workers=2),
    Shown(5, "moving-rows", "twins_reading.py:naive_cursor", 60, ("missed", "lost")),
    Shown(6, "cancel-race", "twins_issuing.py:no_mirror_feed", 30, ("missed",)),
    Shown(6, "alibaba-cancelled-while-issuing", "twins_alibaba.py:withdrawals_unheard", 16, ("told_after_withdrawal",)),
    Shown(7, "login-expired", "twins_issuing.py:login_read_as_failure", 12, ("written_85", "issued")),
    Shown(7, "writeback-mixed", "twins_writing.py:cut_to_fit", 40, ("cut_addresses",)),
    Shown(7, "alibaba-ban", "twins_alibaba.py:ban_read_as_refusal", 6, ("rows_harmed", "alibaba_open")),
    Shown(7, "alibaba-foreign", "twins_alibaba.py:strangers_overlooked", 12, ("strangers_not_named",)),
    Shown(8, "hostile-fields", "twins_hostile.py:sums_are_believed", 40, ("wrong_amounts", "poison_sent")),
    Shown(8, "red-chain", "twins_reds.py:earlier_reds_forgotten", 30, ("red_over_blue", "max_forms_open_per_blue")),
    Shown(9, "hostile-fields", "twins_hostile.py:one_bad_row_stops_all", 40, ("issued", "lost")),
    Shown(9, "wallet-down", "twins_wallet.py:waits_for_the_platform", 8, ("reds_held_up",)),
    Shown(10, "restore-old-backup", "twins_processes.py:never_disarmed", 18, ("sent_by_the_copy",)),
    Shown(10, "store-moved", "twins_processes.py:nothing_ended", 18, ("armable_at_once", "sent_by_the_old")),
    Shown(11, "clock-skew", "twins_reading.py:trusted_offset", 26, ("missed", "cursors_moved")),
    Shown(11, "midnight", "twins_reading.py:zone_of_the_host", 24, ("wrong_times", "missed")),
    Shown(12, "amount-changed", "twins_issuing.py:history_rewritten", 3, ("crashes", "written_back")),
)
