"""Everything the Nuonuo papers leave open, as a switch; the defaults are the likeliest reading."""

from dataclasses import dataclass
from typing import Literal


@dataclass(slots=True)
class NuonuoSwitches:
    """How this Nuonuo behaves where the vendor's papers are silent.

    order_no_limit      longest orderNo; None = no limit
    burn_on_refusal     an orderNo refused synchronously counts as used
    visibility_lag      seconds until a submitted order can be queried (E9500 before)
    hide_first_queries  how many queries of an order answer E9500 before it shows
    not_found           a query answers E9500 when "all" of the orders asked for are unknown, or "any" of them
    progress            "clock" = by time, "calls" = each query moves the order one step on
    logged_out          a submit without login: "wait" (stays 20), "refuse" (E9999) or "fail" (22)
    quota               a submit over the credit line: "wait" (stays 20) or "fail" (22)
    file_delay          seconds from status 2 until pdfUrl is given
    files               "served", or "absent" = never a pdfUrl
    strange_every       each nth query is answered in another order, with strangers in it; 0 = never
    timestamp_window    seconds a request may be off the gateway's clock
    seals_per_day       reInvoice calls per serial and Beijing day before E9613
    revive_after        seconds from a first 22 until it is issued after all (先拒后开)
    callback_every      seconds between repetitions of a callback that was not answered "0000"
    callback_tries      how often it is repeated
    red_path            the way a red confirmation form goes unless scripted: "01", "15-01", "02-04", … (form.py)
    red_step            seconds between two states of such a way
    red_delay           seconds from 01 or 04 until the bureau begins to issue the red invoice by itself
    red_auto            it does so at all; else fastInvoiceRed must be called (paper kinds always need it)
    red_copy            Nuonuo's copy of a form that waits for a person: "refreshed" = moves only when refreshed, "live"
    red_repeat          a repeated billId: "E9106", "E9999", or "same" = E0000 with the same billId
    red_not_found       no form found: "empty" = E0000 with an empty list, or "E9500"
    red_partial         a form with lines: "refuse" (E9119) or "allow"
    red_unfit           a form that does not fit its blue: "refuse" at once, "fail" = 15 then 16, "accept" = issue it
    """

    order_no_limit: int | None = 20
    burn_on_refusal: bool = False
    visibility_lag: float = 0.0
    hide_first_queries: int = 0
    not_found: Literal["all", "any"] = "all"
    progress: Literal["clock", "calls"] = "clock"
    logged_out: Literal["wait", "refuse", "fail"] = "wait"
    quota: Literal["wait", "fail"] = "wait"
    file_delay: float = 0.0
    files: Literal["served", "absent"] = "served"
    strange_every: int = 0
    timestamp_window: int = 300
    seals_per_day: int = 20
    revive_after: float = 1.0
    callback_every: float = 0.2
    callback_tries: int = 10
    red_path: str = "01"
    red_step: float = 0.2
    red_delay: float = 0.2
    red_auto: bool = True
    red_copy: Literal["refreshed", "live"] = "refreshed"
    red_repeat: Literal["E9106", "E9999", "same"] = "E9106"
    red_not_found: Literal["empty", "E9500"] = "empty"
    red_partial: Literal["refuse", "allow"] = "refuse"
    red_unfit: Literal["refuse", "fail", "accept"] = "refuse"
