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
