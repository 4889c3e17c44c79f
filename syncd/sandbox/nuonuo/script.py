"""How an order ends at the bureau: scripted by a test, or by words in the buyer's name.

buyer name contains   outcome         what happens
开票失败              fail            22 with failCause; reInvoice fails again
签章失败              seal_fail       24 (the invoice exists); the first reInvoice seals it
签章卡住              seal_stuck      24; every reInvoice answers E9613
拆分                  split           two invoices for one order
超限                  refuse          refused at once with E9154
作废                  void            issued, then void (3)
差一分                cent_off        issued with a total that is 0.01 larger
先拒后开              fail_then_issue 22 first, issued after all `revive_after` seconds later
同步拒绝              refuse          refused at once with E9101
先忙后收              busy            the first submit answers E9601 and creates nothing
开票卡住              stuck           stays 20 for ever
未出版式              no_file         issued, but never a pdfUrl
(anything else)       issue           20, 21, 2
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from syncd.sandbox.nuonuo.order import Order

Outcome = Literal[
    "issue", "fail", "seal_fail", "seal_stuck", "split", "void", "cent_off", "fail_then_issue", "refuse",
    "busy", "stuck", "no_file",
]  # fmt: skip
OUTCOMES: tuple[Outcome, ...] = (
    "issue", "fail", "seal_fail", "seal_stuck", "split", "void", "cent_off", "fail_then_issue", "refuse",
    "busy", "stuck", "no_file",
)  # fmt: skip
EXISTS = frozenset(
    {"issue", "seal_fail", "seal_stuck", "split", "void", "cent_off", "no_file"}
)  # these create an invoice in their first run

Match = Callable[[Order], bool]


@dataclass(slots=True)
class Script:
    """One scripted ending. `times` counts the runs it still governs (None = all); afterwards orders are issued.

    `cause` is the failCause of a 22 or the text of a refusal, `code` the code of a refusal.
    """

    outcome: Outcome
    times: int | None = None
    cause: str = "购方税号不存在或已注销"
    code: str = "E9101"

    def used_up(self) -> bool:
        return self.times is not None and self.times <= 0

    def spend(self) -> None:
        if self.times is not None:
            self.times -= 1


BY_BUYER_NAME: tuple[tuple[str, Callable[[], Script]], ...] = (
    ("开票失败", lambda: Script("fail")),
    ("签章失败", lambda: Script("seal_fail", times=1)),
    ("签章卡住", lambda: Script("seal_stuck")),
    ("拆分", lambda: Script("split")),
    ("超限", lambda: Script("refuse", code="E9154", cause="订单被拆分成的发票数量超过限制")),
    ("作废", lambda: Script("void")),
    ("差一分", lambda: Script("cent_off")),
    ("先拒后开", lambda: Script("fail_then_issue", times=1)),
    ("同步拒绝", lambda: Script("refuse", cause="购方信息不正确")),
    ("先忙后收", lambda: Script("busy", times=1)),
    ("开票卡住", lambda: Script("stuck")),
    ("未出版式", lambda: Script("no_file")),
)


def by_buyer_name(order: Order) -> Script:
    """The ending the buyer's name asks for."""
    for words, make in BY_BUYER_NAME:
        if words in order.buyer_name:
            return make()
    return Script("issue")


def matcher(match: Match | str) -> Match:
    """A predicate; a text matches an orderNo, the end of one, or the end of a buyer name."""
    if not isinstance(match, str):
        return match
    return lambda order: order.order_no.endswith(match) or order.buyer_name.endswith(match)
