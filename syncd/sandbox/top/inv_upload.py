"""`alibaba.einvoice.core.inv.upload` (发票回传): an issued invoice, handed to the centre by apply_id."""

from syncd.sandbox.top.amounts import MONEY, REGISTER_NO, check_day, check_file, check_items, check_totals
from syncd.sandbox.top.ask import Ask, Json
from syncd.sandbox.top.record import recorded
from syncd.sandbox.top.refusal import invalid, unknown_application
from syncd.sandbox.top.switches import TopSwitches
from syncd.sandbox.top.uploads import Upload
from syncd.sandbox.top.world import TopWorld

SOURCES = ("apply", "async", "upload")
MOST_ITEMS = 100
NEEDED = (
    "invoice_no", "invoice_date", "invoice_type", "invoice_kind", "business_type", "invoice_amount", "sum_price",
    "sum_tax", "payer_name", "payee_register_no", "invoice_items",
)  # fmt: skip
BY_SOURCE = {
    "apply": ("apply_id",),
    "async": ("serial_no", "create_result"),
    "upload": ("platform_code", "platform_tid", "platform_user_id"),
}
OF_PAYEE = ("payee_name", "payee_address", "payee_phone", "payee_operator")
OF_SPECIAL = ("payer_register_no", "payer_address", "payer_phone", "payer_bank_name", "payer_bank_account_id")
PARAMETERS = (
    "source", "apply_id", *NEEDED, "invoice_code", *OF_PAYEE, *OF_SPECIAL, "payee_receiver", "payee_checker",
    "payee_bank_name", "payee_bank_account_id", "invoice_file_type", "invoice_file_content", "invoice_file_data",
    "normal_invoice_code", "normal_invoice_no", "red_notice_no", "anti_fake_code", "check_code", "qr_code",
    "device_no", "invoice_memo", "payer_email", "receive_mobile", "levy_type", "special_flag", "deduct_amount",
    "platform_code", "platform_tid", "platform_user_id", "create_result", "biz_error_code", "biz_error_msg",
    "serial_no",
)  # fmt: skip
SPECIAL_PAPER = "2"


def inv_upload(world: TopWorld, ask: Ask) -> Json:
    """Whether the centre took it; it shows in prod.apply.update some time later.

    Raises: Refused 40, 41; BusinessRefused for an unknown application or, by switch, for a repetition.
    Source: the fields of TOP's page and of its twin at Alipay. Not said there: idempotency, delay, size limit.
    """
    upload = Upload(ask.method, ask.get("apply_id"), ask.get("invoice_no"), ask.get("invoice_code"), world.now(),
                    ask.replayed, platform_tid=ask.get("platform_tid"))  # fmt: skip
    with recorded(world, ask, upload):
        upload.file_size = len(_check(ask, world.switches))
        upload.reaches = _reached(world, ask)
    return {"is_success": upload.accepted}


def _check(ask: Ask, switches: TopSwitches) -> bytes:
    """The file of a sound upload."""
    ask.needed("source")
    ask.needed(*BY_SOURCE[ask.choice("source", SOURCES)], *NEEDED)
    _check_kinds(ask)
    if switches.payee_needed:
        ask.needed(*OF_PAYEE)
    if switches.empty_code == "reject" and not ask.get("invoice_code"):
        raise invalid("invoice_code", "不能为空")
    check_day(ask, "invoice_date")
    check_totals(ask, check_items(ask, MOST_ITEMS))
    ask.fits("deduct_amount", MONEY, "应保留两位小数")
    return check_file(ask, needed=ask.get("invoice_kind") == "0", largest=switches.largest_file)


def _check_kinds(ask: Ask) -> None:
    """Colour, kind and buyer, and what each of them asks for besides."""
    colour = ask.choice("invoice_type", ("blue", "red"))
    kind = ask.choice("invoice_kind", ("0", "1", "2"))
    if colour == "red":
        ask.needed("normal_invoice_no", *(["red_notice_no"] if kind == SPECIAL_PAPER else []))
    if ask.choice("business_type", ("0", "1")) == "1":
        ask.needed("payer_register_no")
    if kind == SPECIAL_PAPER:
        ask.needed(*OF_SPECIAL)
    for name in ("payer_register_no", "payee_register_no"):
        ask.fits(name, REGISTER_NO, "应为15-20位大写字母或数字")


def _reached(world: TopWorld, ask: Ask) -> tuple[str, ...]:
    if ask.get("source") == "apply":
        application = world.applications.get(ask.get("apply_id"))
        if application is None or application.app_key != ask.account.app_key:
            raise unknown_application(ask.get("apply_id"))
        return (application.apply_id,)
    trade = ask.get("platform_tid")
    return tuple(one.apply_id for one in world.by_trade(trade, ask.account.app_key)) if trade else ()
