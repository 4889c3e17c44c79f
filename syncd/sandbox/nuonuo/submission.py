"""One accepted order on its way through the bureau."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from syncd.sandbox.nuonuo.ledger import LegalInvoice
from syncd.sandbox.nuonuo.order import Order
from syncd.sandbox.nuonuo.script import Script

if TYPE_CHECKING:
    from syncd.sandbox.nuonuo.form import RedForm

Step = Literal["issue", "finish", "fail", "unseal", "void", "seal", "revive"]

ISSUING, SEALING, DONE, FAILED, UNSEALED, VOID = "20", "21", "2", "22", "24", "3"
EXISTING = frozenset({SEALING, DONE, UNSEALED})
STATUS_TEXT = {
    ISSUING: "开票中",
    SEALING: "开票成功签章中",
    DONE: "开票完成",
    FAILED: "开票失败",
    UNSEALED: "开票成功签章失败",
    VOID: "发票已作废",
}


@dataclass(slots=True)
class Submission:
    """An accepted order. Instants are unix seconds.

    `steps` are still ahead, each with the instant it is due. `retries` counts reInvoice calls by Beijing day.
    `done_at` is when status 2 was reached, `hidden_for` how many more queries answer E9500. `form` is the red
    confirmation form a red invoice comes from.
    """

    serial: str
    order: Order
    script: Script
    accepted_at: float
    delay: float
    status: str = ISSUING
    fail_cause: str = ""
    invoices: list[LegalInvoice] = field(default_factory=list)
    steps: list[tuple[float, Step]] = field(default_factory=list)
    retries: dict[str, int] = field(default_factory=dict)
    hidden_for: int = 0
    done_at: float | None = None
    called_back: str = ""
    form: "RedForm | None" = None

    def plan(self, start: float) -> None:
        """The steps of one run: 21 after two thirds of the delay, the end after all of it."""
        sealing_at, end = start + self.delay * 2 / 3, start + self.delay
        exists: tuple[float, Step] = (sealing_at, "issue")
        match self.script.outcome:
            case "stuck":
                self.steps = []
            case "fail" | "fail_then_issue":
                self.steps = [(end, "fail")]
            case "seal_fail" | "seal_stuck":
                self.steps = [exists, (end, "unseal")]
            case "void":
                self.steps = [exists, (end, "void")]
            case _:
                self.steps = [exists, (end, "finish")]

    def postpone(self, now: float) -> None:
        """Something is in the way: what was due becomes due now, and the rest follows at its distance."""
        late = now - self.steps[0][0]
        self.steps = [(at + late, step) for at, step in self.steps]
