"""Everything the WDT papers leave open, as a switch; the defaults are the likeliest reading."""

from dataclasses import dataclass, field
from typing import Literal

HIDDEN_PLATFORMS = frozenset({1, 2, 39, 82, 94, 125, 128, 137, 172})
"""Taobao family, Pinduoduo and system distribution: never returned by search (docs/wire/wdt.md)."""


@dataclass(slots=True)
class WdtSwitches:
    """How this WDT behaves where the vendor's papers are silent.

    Search
        sort              order of a page: "modified_asc" | "modified_desc" | "id_asc" | "random"
        closed_interval   end_time belongs to the window (True) or not (False)
        total_count       "asked" = only with calc_total=1, "zero" = 0 when not asked, "always"
        max_page_size     refuse larger pages; 0 = no maximum
        visibility_lag    seconds until a modification shows in search (a read replica)
        hidden_platforms  platform ids whose documents search never returns
        unknown_params    "ignore", or "refuse" with status 2 and the name
    Rows
        fields            "all", or "sample" = only those of the vendor's printed sample reply
        decimals          "number" or "string" (four places)
        created           "number" or "string"
        empty_as_null     explicit nulls where texts are empty
        extra_fields      add fields no paper mentions
        discount_sign     "negative" or "positive" amounts in row_type 1 lines
    updateInvoice
        reply             "wrapped" in data, or "flat" as printed
        error_info        "map" or "list" of {order_no, message}
        no_errors         what stands for "no refusals": "map" ({}) or "list" ([])
        strict            required fields are required; lenient takes the vendor's own sample
        client_version    the ERP client, which decides the rule for file_url
        batch_cap         most documents in one call; 0 = no cap
        duplicates        the same number twice in one call: "last_wins" or "refuse"
        emoji             "refuse" (the database fails the whole call) or "allow"
        empty_code        accept `invoice_code: ""`
        empty_number      accept `invoice_no: ""` with status 85
        update_hidden     documents search hides can still be written by number
        wrong_state_text  refusal of a document that is neither 45 nor 85
    Gate
        rate_comma        "full" (，) or "half" (,) in the pacing texts
        rate_block_for    seconds a credential stays blocked after the limit was hit
        max_concurrent    calls in flight per (sid, key); 0 = no limit
        latency           seconds every answer takes
        allowed_ips       None = any address
        dynamic_password  every call is answered with status 3
        one_sid_per_connection  a second sid on a connection is "sid is not found"
    """

    sort: Literal["modified_asc", "modified_desc", "id_asc", "random"] = "modified_asc"
    closed_interval: bool = True
    total_count: Literal["asked", "zero", "always"] = "asked"
    max_page_size: int = 0
    visibility_lag: float = 0.0
    hidden_platforms: frozenset[int] = HIDDEN_PLATFORMS
    unknown_params: Literal["ignore", "refuse"] = "ignore"

    fields: Literal["all", "sample"] = "all"
    decimals: Literal["number", "string"] = "number"
    created: Literal["number", "string"] = "number"
    empty_as_null: bool = False
    extra_fields: bool = False
    discount_sign: Literal["negative", "positive"] = "negative"

    reply: Literal["wrapped", "flat"] = "wrapped"
    error_info: Literal["map", "list"] = "map"
    no_errors: Literal["map", "list"] = "map"
    strict: bool = True
    client_version: str = "1.5.8.4"
    batch_cap: int = 0
    duplicates: Literal["last_wins", "refuse"] = "last_wins"
    emoji: Literal["refuse", "allow"] = "refuse"
    empty_code: bool = True
    empty_number: bool = True
    update_hidden: bool = False
    wrong_state_text: str = "单据状态不允许回传!"

    rate_comma: Literal["full", "half"] = "full"
    rate_block_for: float = 60.0
    max_concurrent: int = 0
    latency: float = 0.0
    allowed_ips: frozenset[str] | None = field(default=None)
    dynamic_password: bool = False
    one_sid_per_connection: bool = False

    def version(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.client_version.split("."))

    def plain_rows(self) -> bool:
        """Rows can be served exactly as they are stored."""
        return (
            self.fields == "all"
            and self.decimals == "number"
            and self.created == "number"
            and not self.empty_as_null
            and not self.extra_fields
            and self.discount_sign == "negative"
        )
