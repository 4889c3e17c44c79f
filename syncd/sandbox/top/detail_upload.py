"""`alibaba.einvoice.detail.upload`: an issued invoice by order number, as ERPs of the first generation do it."""

from syncd.sandbox.top.amounts import REGISTER_NO, check_day, check_file, check_items, check_totals
from syncd.sandbox.top.ask import Ask, Json
from syncd.sandbox.top.record import recorded
from syncd.sandbox.top.refusal import invalid
from syncd.sandbox.top.uploads import Upload
from syncd.sandbox.top.world import TopWorld

MOST_ITEMS = 200
LONGEST_CODE = 12
KINDS = ("0", "1", "2", "3", "4", "5")
NEEDED = (
    "invoice_type", "invoice_items", "invoice_no", "payee_register_no", "invoice_amount", "invoice_date",
    "platform_tid", "payer_name", "invoice_kind", "business_type", "sum_price", "sum_tax", "platform_code",
)  # fmt: skip
PARAMETERS = (
    *NEEDED, "invoice_code", "normal_invoice_no", "normal_invoice_code", "checksum", "invoice_file_data",
    "payer_register_no", "payer_phone", "payer_address", "payer_bankaccount", "receiver", "receiver_email",
    "receiver_phone", "logistic_code", "logistic_name", "need_logistic",
)  # fmt: skip


def detail_upload(world: TopWorld, ask: Ask) -> Json:
    """Whether it was taken; it counts for every application of that trade.

    Raises: Refused 40, 41; BusinessRefused for a repetition, by switch. A trade without application is fine.
    """
    reached = tuple(one.apply_id for one in world.by_trade(ask.get("platform_tid"), ask.account.app_key))
    upload = Upload(ask.method, next(iter(reached), ""), ask.get("invoice_no"), ask.get("invoice_code"), world.now(),
                    ask.replayed, platform_tid=ask.get("platform_tid"))  # fmt: skip
    with recorded(world, ask, upload):
        _check(ask)
        upload.file_size = len(_file(ask))
        upload.reaches = reached
    return {"is_success": upload.accepted}


def _check(ask: Ask) -> None:
    ask.needed(*NEEDED)
    ask.choice("invoice_kind", KINDS)
    ask.choice("business_type", ("0", "1"))
    if ask.choice("invoice_type", ("blue", "red")) == "red":
        ask.needed("normal_invoice_no")
    if len(ask.get("invoice_code")) > LONGEST_CODE:
        raise invalid("invoice_code", f"最多{LONGEST_CODE}位")
    ask.fits("payee_register_no", REGISTER_NO, "应为15-20位大写字母或数字")
    check_day(ask, "invoice_date")
    items = check_items(ask, MOST_ITEMS, textual_row_type=True)
    for item in items:
        if len(str(item.get("item_no") or "")) != 19:
            raise invalid("invoice_items", "item_no 应为19位税收分类编码")
    check_totals(ask, items)


def _file(ask: Ask) -> bytes:
    """The optional file has no type of its own here: it is a PDF."""
    typed = Ask(ask.method, ask.account, {**ask.texts, "invoice_file_type": "PDF"}, ask.files)
    return check_file(typed, needed=False)
