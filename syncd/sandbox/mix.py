"""What a generated population consists of: shares between 0 and 1, of the rows at status 45."""

from dataclasses import dataclass
from typing import Literal

HoldKind = Literal["header_sum", "no_tax_number", "unknown_type", "line_tax", "null_amount"]
HOLD_KINDS: tuple[HoldKind, ...] = (
    "header_sum", "no_tax_number", "unknown_type", "line_tax", "null_amount",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mix:
    """The make-up of `populate`.

    hold        rows a client must hold (each `HoldKind` in turn): wrong header sum, company without tax number,
                unknown invoice_type, a line tax off by more than 0.06, a null amount
    refuse      rows the issuer ends with 22, so that the client writes 85
    fresh       rows modified within the last 60 s; all others are older than `settled_for` seconds
    company     rows for a company; the rest is for 个人
    discount    rows with a discounted line and its discount line
    large       rows with a large quantity, whose four-decimal price does not reproduce the amount
    remainder   rows whose tax carries a cent more, like the vendor's sample (3.53 + 0.47 = 4)
    background  rows at other statuses (20, 60, 5), in addition to the rows asked for
    days        how far back rows are spread
    plant_one   at least one held and one refused row, however few rows there are
    """

    hold: float = 0.03
    refuse: float = 0.02
    fresh: float = 0.03
    company: float = 0.4
    discount: float = 0.1
    large: float = 0.05
    remainder: float = 0.05
    long_remark: float = 0.05
    special: float = 0.25
    background: float = 0.04
    days: float = 2.0
    settled_for: float = 400.0
    plant_one: bool = True
    hold_kinds: tuple[HoldKind, ...] = HOLD_KINDS


DEMO = Mix()
"""The make-up of the demo: mostly healthy, a few for a person, a few the issuer refuses."""

ARRIVING = Mix(hold=0.0, refuse=0.0, fresh=0.0, background=0.0, plant_one=False, settled_for=0.0, days=0.0)
"""Only rows that end at 60, of this very second: what a running client meets without a backfill."""

HEALTHY = Mix(hold=0.0, refuse=0.0, fresh=0.0, background=0.0, plant_one=False)
"""Only rows that end at 60."""
