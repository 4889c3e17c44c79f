"""How WDT and Nuonuo are spoken to, as one writes it by hand, with the standard library alone.

Amounts are taken as the floats a JSON parser makes of them: nothing is checked, nothing is held.
"""

import argparse
import base64
import hashlib
import hmac
import json
import random
import sqlite3
import time
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode

Row = dict[str, Any]

BEIJING = timezone(timedelta(hours=8))
WDT_EPOCH = 1_325_347_200
SEARCH = "finance.invoice.InvoiceOrder.search"
UPDATE = "finance.invoice.InvoiceOrder.updateInvoice"
NUONUO = "/open/v1/services"
SUBMIT = "nuonuo.OpeMplatform.requestBillingNew"
ASK = "nuonuo.OpeMplatform.queryInvoiceResult"
JSON = {"Content-Type": "application/json"}
ASK_BATCH, UPDATE_BATCH = 50, 20

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
  no TEXT PRIMARY KEY, state TEXT NOT NULL, raw BLOB NOT NULL, key TEXT NOT NULL, serial TEXT, invoice_no TEXT
);
CREATE INDEX IF NOT EXISTS orders_state ON orders (state);
"""


def wish() -> argparse.Namespace:
    """The command line of every peer."""
    parser = argparse.ArgumentParser()
    for name in ("url", "store", "start", "end", "folder"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("page-size", "orders", "concurrency"):
        parser.add_argument(f"--{name}", type=int, required=True)
    return parser.parse_args()


def tell(stored: int, ended_at: float | None = None, **more: object) -> None:
    """The one line of a contestant."""
    print(json.dumps({"stored": stored, "ended_at": ended_at or time.monotonic(), **more}), flush=True)


def database(path: str) -> sqlite3.Connection:
    """A connection to the contestant's store, as durable as `syncd`'s; SCHEMA is there."""
    found = sqlite3.connect(path, isolation_level=None, timeout=60)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        found.execute(f"PRAGMA {pragma}")
    found.executescript(SCHEMA)
    return found


def wdt_path(method: str, body: bytes, **params: object) -> str:
    """Path and query of one call to WDT, signed over the very body."""
    query = {"sid": "demo_sid", "key": "demo_key", "salt": "demosalt", "v": "1.0", "method": method}
    query |= {"timestamp": str(int(time.time()) - WDT_EPOCH)} | {name: str(value) for name, value in params.items()}
    parts = {name.encode(): value.encode() for name, value in query.items()} | {b"body": body}
    plain = b"demosecret" + b"".join(name + parts[name] for name in sorted(parts)) + b"demosecret"
    return "/openapi?" + urlencode({**query, "sign": hashlib.md5(plain, usedforsecurity=False).hexdigest()})


def search_body(start: str, end: str, **more: object) -> bytes:
    """The body of a search from one Beijing text to another."""
    return json.dumps([{"start_time": start, "end_time": end, **more}]).encode()


def update_body(done: Iterable[tuple[str, str, str]]) -> bytes:
    """The body of updateInvoice for (number in WDT, invoice number, file) each."""
    same = {"invoice_code": "", "status": 60, "invoice_time": beijing()}
    documents = [{"invoice_order_no": no, "invoice_no": number, "file_url": url, **same} for no, number, url in done]
    return json.dumps([documents]).encode()


def nuonuo_call(method: str, body: bytes) -> tuple[str, dict[str, str]]:
    """Path with query, and headers, of one call to Nuonuo, signed over the very body."""
    senid, nonce, now = f"{random.getrandbits(128):032x}", str(random.randrange(10**7, 10**8)), str(int(time.time()))
    head = f"a=services&l=v1&p=open&k=demo_key&i={senid}&n={nonce}&t={now}&f=".encode()
    sign = base64.b64encode(hmac.new(b"demo_secret", head + body, hashlib.sha1).digest()).decode()
    query = urlencode({"senid": senid, "nonce": nonce, "timestamp": now, "appkey": "demo_key"})
    headers = {**JSON, "X-Nuonuo-Sign": sign, "accessToken": "demo_token", "userTax": "339902999999789113"}
    return f"{NUONUO}?{query}", {**headers, "method": method}


def order_of(row: Row, key: str) -> Row:
    """The order of requestBillingNew that a row of WDT asks for."""
    lines = row.pop("detail_list")
    return {
        "orderNo": key,
        "invoiceDate": beijing(),
        "invoiceType": "1",
        "invoiceLine": "bs" if row["invoice_type"] == 4 else "pc",
        "buyerName": row["payer_name"],
        "buyerTaxNum": row["payer_register_no"],
        "buyerTel": row["payer_phone"],
        "buyerAddress": row["payer_address"],
        "buyerAccount": f"{row['payer_bank']} {row['payer_account']}".strip(),
        "salerTaxNum": row["payee_register_no"],
        "salerTel": row["payee_telno"],
        "salerAddress": row["payee_address"],
        "salerAccount": f"{row['payee_bank_name']} {row['payee_bank_account']}",
        "clerk": row["payee_operator"],
        "payee": row["payee_receiver"],
        "checker": row["payee_checker"],
        "remark": row["invoice_remark"],
        "pushMode": "-1",
        "invoiceDetail": [_line(line) for line in lines],
    }


def submit_body(row: Row, key: str) -> bytes:
    """The body of requestBillingNew."""
    return json.dumps({"order": order_of(row, key)}, ensure_ascii=False).encode()


def ask_body(keys: Iterable[str]) -> bytes:
    """The body of queryInvoiceResult."""
    return json.dumps({"orderNos": list(keys), "isOfferInvoiceDetail": "0"}).encode()


def key_of(no: str) -> str:
    """A key at Nuonuo for an order of WDT."""
    return hashlib.sha256(no.encode()).hexdigest()[:20]


def beijing(in_seconds: float = 0) -> str:
    """The present, or a little later, as both parties write it."""
    return (datetime.now(BEIJING) + timedelta(seconds=in_seconds)).strftime("%Y-%m-%d %H:%M:%S")


def _line(line: Row) -> Row:
    detail = {
        "goodsName": line["item_name"],
        "goodsCode": line["tax_code"],
        "specType": line["item_no"],
        "withTaxFlag": "0",
        "taxRate": f"{line['tax_rate']:g}",
        "taxExcludedAmount": f"{line['sum_price']:.2f}",
        "tax": f"{line['tax']:.2f}",
        "taxIncludedAmount": f"{line['sum_amount']:.2f}",
        "invoiceLineProperty": line["row_type"],
        "favouredPolicyFlag": "0",
    }
    if line["row_type"] != "1":
        detail |= {"unit": line["unit_name"], "num": f"{line['num']:g}", "price": f"{line['price']:.8f}"}
    return detail
