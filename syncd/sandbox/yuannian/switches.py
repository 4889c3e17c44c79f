"""Everything the Yuannian paper leaves open, as a switch; the defaults are the likeliest reading."""

from dataclasses import dataclass
from typing import Literal


@dataclass(slots=True)
class YuannianSwitches:
    """How this Yuannian behaves where the paper is silent, and where its samples show defects.

    Gate
        sign_template     the text that is signed: parts in braces (sign.py), or "preset:top_style", "preset:qs_key"
        sign_body         how {body_json} is written: "compact", "sorted", or "none" (empty)
        timestamp_window  seconds a request may be off the platform's clock; 0 = any time will do
        auth_errors       a refused token, sign or appId: "code" (HTTP 200) or "http" (401)
        down              "" = serving; "cut", "502", "hang" = every call ends like that and nothing is done
    Interfaces
        qr_path           the QR interface is at "qrcode", "grcode" (as printed) or "both"
        code_as           `code` of answers as a "number" or as a "string"
        wechat_code       WeChat's own codes: "message" = inside the text, "code" = as the code itself
        most_cards        largest batch
        unknown_card      an import of a card nobody knows: "item" = an error item, "missing" = left out, "refuse"
        import_at_most    cards taken of one import, the rest left out; 0 = all
        reimport          importing a card again: "again" = counted once more, "refuse" = 已导入
        import_locks      an import locks the card for the importing account
        empty_data        `data` after a status update: "random", "missing", "null", "object" or "string" ("")
        allow_cancel      INVOICE_REIMBURSE_CANCEL is accepted
        relock            locking a card one has locked: "ok" or "refuse" (72024)
        busy_first        the first status update of each card is answered 72036
    Rows
        search_status     reimburseStatus in search: "stale" = as Yuannian last saw it, "live" = WeChat's
        billing_dates     billingDate in search: "mixed" = seconds read as milliseconds in two of three rows,
                          "wrong" in all, "right" in all
        line_name         "commodityName" (samples) or "CommodityName" (tables)
        give_encrypt_code import rows carry encryptCode, as the tables say and the samples do not
        first_page        number of the first page, 1 or 0
        beyond            a page beyond the last: "empty", or "repeat" = the last page again
        max_page_size     largest page
    QR code
        qr_image          "png", "jpeg", "html" = no image at all, "broken" = no base64, "null"
        qr_plus           a + in the base64: "encoded" (%2B), or "literal"
    """

    sign_template: str = "preset:top_style"
    sign_body: Literal["compact", "sorted", "none"] = "compact"
    timestamp_window: float = 900.0
    auth_errors: Literal["code", "http"] = "code"
    down: Literal["", "cut", "502", "hang"] = ""

    qr_path: Literal["qrcode", "grcode", "both"] = "qrcode"
    code_as: Literal["number", "string"] = "number"
    wechat_code: Literal["message", "code"] = "message"
    most_cards: int = 100
    unknown_card: Literal["item", "missing", "refuse"] = "item"
    import_at_most: int = 0
    reimport: Literal["again", "refuse"] = "again"
    import_locks: bool = False
    empty_data: Literal["random", "missing", "null", "object", "string"] = "random"
    allow_cancel: bool = False
    relock: Literal["ok", "refuse"] = "ok"
    busy_first: bool = False

    search_status: Literal["stale", "live"] = "stale"
    billing_dates: Literal["mixed", "wrong", "right"] = "mixed"
    line_name: Literal["commodityName", "CommodityName"] = "commodityName"
    give_encrypt_code: bool = False
    first_page: Literal[1, 0] = 1
    beyond: Literal["empty", "repeat"] = "empty"
    max_page_size: int = 100

    qr_image: Literal["png", "jpeg", "html", "broken", "null"] = "png"
    qr_plus: Literal["encoded", "literal"] = "encoded"
