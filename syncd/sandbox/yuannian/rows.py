"""How a card is written into an answer, with the defects of the printed samples (seed yuannian-wechat §2.1.5, §2.4.5).

No encryptCode, though the tables list it; `payee` is the seller's name; `unitPrice` is the net amount of the line,
quantity and unit are null; "no date" is epoch 0 in Beijing; search reads the seconds of billingDate as milliseconds.
"""

from typing import Any

from syncd.sandbox.moment import beijing_text
from syncd.sandbox.yuannian.card import Card, Import
from syncd.sandbox.yuannian.switches import YuannianSwitches

EPOCH = beijing_text(0)
PDF_URL = "https://mp.weixin.qq.com/intp/invoice/getpdf?action=media_pdf&media_key="
DETAIL = "可在公司企业号内报销使用"


def imported_row(taken: Import, switches: YuannianSwitches) -> dict[str, Any]:
    """A row of 2.1 and 2.6: fresh from WeChat."""
    card = taken.card
    row = {"cardId": card.card_id, "beginTime": EPOCH, "endTime": EPOCH}
    row |= _invoice(card, taken.account, card.status, beijing_text(card.billed_at)[:10], switches)
    if switches.give_encrypt_code:
        row |= {"bizCode": taken.biz_code, "encryptCode": card.encrypt_code}
    return row


def found_row(taken: Import, at: int, switches: YuannianSwitches) -> dict[str, Any]:
    """A row of 2.4; `at` is its place among all that were found."""
    card = taken.card
    wrong = switches.billing_dates == "wrong" or (switches.billing_dates == "mixed" and at % 3 != 2)
    billed = beijing_text(card.billed_at / 1000 if wrong else card.billed_at)[:10]
    status = card.status if switches.search_status == "live" else taken.status
    row = {"bizCode": taken.biz_code, "cardId": card.card_id, "beginTime": EPOCH[:10], "endTime": EPOCH[:10]}
    return row | _invoice(card, taken.account, status, billed, switches)


def _invoice(card: Card, account: str, status: str, billed: str, switches: YuannianSwitches) -> dict[str, Any]:
    return {
        "openid": card.openid(account),
        "type": card.kind,
        "amountTax": f"{card.gross:.2f}",
        "title": card.title,
        "billingDate": billed,
        "invoiceCode": card.code,
        "invoiceNumber": card.number,
        "totalAmount": f"{card.net:.2f}",
        "totalTax": f"{card.tax:.2f}",
        "pdfUrl": PDF_URL + card.card_id,
        "tripPdfUrl": None,
        "reimburseStatus": status,
        "checkCode": card.check_code,
        "purchaserTaxNo": card.buyer_tax_no,
        "purchaserAddressPhone": "",
        "purchaserBank": "",
        "salesTaxNo": card.seller_tax_no,
        "salesAddressPhone": "浙江省杭州市示例路1号 0571-80000000",
        "salesBank": "示例银行杭州分行 3300000000000000001",
        "remarks": None,
        "payee": card.seller_name,
        "checker": None,
        "drawer": None,
        "detail": DETAIL,
        "invoiceLineList": [
            {switches.line_name: line.name, "quantity": None, "unit": None, "unitPrice": f"{line.amount:.2f}"}
            for line in card.lines
        ],
    }
