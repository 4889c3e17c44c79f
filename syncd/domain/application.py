"""A buyer's application as we stand towards it: what the centre is to be told, and why a person must decide.

The WDT leg of an order and its Alibaba leg never block one another: what is held here is the application, and its
orders go on as they would without it. Nothing in here leads to issuing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

#: The centre takes so many invoices in one change of status (seed alibaba-apply-update).
MOST_INVOICES = 100
#: What an application that a person settled at the centre was told by us: nothing, and it stays so.
OUTSIDE = "settled_outside"
#: What an id of an application may look like: one word of a spreadsheet, and nothing a spreadsheet has rounded.
_APPLY_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.:-]{0,63}", re.ASCII)
_ROUNDED = re.compile(r"[0-9]+([.][0-9]+)?[eE][+]?[0-9]+", re.ASCII)
#: The fields of a WDT row that may hold an application's id (docs/decisions/0012).
LINK_FIELDS = ("remark", "serial_no", "trade_no", "tax_control_no", "relation_invoice_no", "line_remark")


class Standing(StrEnum):
    """Where an application stands with us."""

    WAITING = "waiting"  # no order linked to it yet, or one of them has not ended
    OWED = "owed"  # the centre is to be told how it ended
    DONE = "done"  # the centre said that it has it
    WITHDRAWN = "withdrawn"  # the buyer took it back before anything was issued
    HELD = "held"  # a person must decide


class Stuck(StrEnum):
    """Why a person must decide about an application. A closed list; `application_texts` has a sentence for each."""

    MISSING_LOOP = "top_missing_loop"  # returned, and still not collected
    FOREIGN_INVOICE = "top_foreign_invoice"  # it wants an invoice that is none of ours
    CANCELLED = "top_cancelled"  # withdrawn after we issued
    TOO_MANY_INVOICES = "too_many_invoices"
    BY_HAND = "return_by_hand"  # the settings say that a person returns invoices
    NO_FILE = "file"  # an electronic invoice without its file cannot be returned
    CONTRADICTION = "contradiction"  # "not done", and nothing is said to be missing
    ENDED_OTHERWISE = "ended_otherwise"  # it was ended by somebody else, and not with our invoices
    UNKNOWN = "unknown_application"  # the centre knows no such application
    AMOUNT_DIFFERS = "other_amount"
    PAYER_DIFFERS = "other_payer"
    PARTLY_FAILED = "partly_failed"
    ORDER_CANCELLED = "order_cancelled"  # a linked order was cancelled in WDT
    REFUSED = "refused"
    UNCLASSIFIED = "unclassified"
    TROUBLE = "trouble"  # the centre fails at this one application, again and again
    REVERSED = "reversed"  # a linked invoice was cancelled by a red one before the centre was told of it
    ROW_CHANGED = "row_changed"  # WDT's row no longer says what was issued


@dataclass(frozen=True, slots=True)
class CentreRules:
    """How one merchant works with the invoice centre: its settings, as the stages need them.

    `uploads`: missing invoices are returned by us; without it a person does. `grace` is the first wait after a
    return. `part_success`: "some of them issued" may be said. `read_first`: an application is read and compared before
    it is ended. `link_field` (one of LINK_FIELDS) and `link_pattern` find an id in a WDT row; `link_by_trade` links an
    application to the one order that carries its trade number. `seller_nick` is the shop, as messages name it.
    """

    tmc: bool = False
    seller_nick: str = ""
    uploads: bool = True
    grace: timedelta = timedelta(seconds=120)
    part_success: bool = False
    read_first: bool = True
    link_field: str = ""
    link_pattern: str = ""
    link_by_trade: bool = False

    @property
    def reads_rows(self) -> bool:
        """Whether rows of WDT are looked at for what links them."""
        return bool(self.link_field) or self.link_by_trade


def usable_apply_id(text: str) -> bool:
    """Whether this can be an application's id: no blanks, at most 64 characters, not rounded by a spreadsheet."""
    return _APPLY_ID.fullmatch(text) is not None and _ROUNDED.fullmatch(text) is None
