"""The three steps of one order, as a task queue's tasks call them: one call and one committed UPDATE each.

Every thread has its own connection to the parties and to the store. Needs requests.
"""

import json
import os
import threading

import requests
from parties import (
    ASK,
    JSON,
    SEARCH,
    SUBMIT,
    UPDATE,
    ask_body,
    database,
    key_of,
    nuonuo_call,
    search_body,
    submit_body,
    update_body,
    wdt_path,
)  # fmt: skip

_mine = threading.local()


def submit(no):
    """The order goes to the issuer."""
    raw, key = _store().execute("SELECT raw, key FROM orders WHERE no = ?", (no,)).fetchone()
    serial = _nuonuo(SUBMIT, submit_body(json.loads(raw), key))["invoiceSerialNum"]
    _store().execute("UPDATE orders SET state = 'SUBMITTED', serial = ? WHERE no = ?", (serial, no))


def ask(no):
    """What became of it; False where nothing is known yet."""
    result = _nuonuo(ASK, ask_body([key_of(no)]))
    if not result:
        return False
    number = result[0]["allElectronicInvoiceNumber"]
    _store().execute("UPDATE orders SET state = 'ISSUED', invoice_no = ? WHERE no = ?", (number, no))
    return True


def write_back(no):
    """WDT is told."""
    (number,) = _store().execute("SELECT invoice_no FROM orders WHERE no = ?", (no,)).fetchone()
    body = update_body([(no, number, "https://fp.example.com/1.pdf")])
    _post(wdt_path(UPDATE, body), body, JSON)
    _store().execute("UPDATE orders SET state = 'DONE' WHERE no = ?", (no,))


def read(asked, send):
    """Store every page and `send` each of its orders on its way; the last page first."""
    store, body = _store(), search_body(asked.start, asked.end)
    for page_no in reversed(range(-(-asked.orders // asked.page_size))):
        path = wdt_path(SEARCH, body, page_no=page_no, page_size=asked.page_size)
        rows = _post(path, body, JSON)["data"]["order"]
        numbers = [row["invoice_order_no"] for row in rows]
        store.execute("BEGIN IMMEDIATE")
        store.executemany(
            "INSERT INTO orders VALUES (?, 'READ', ?, ?, NULL, NULL)",
            [(no, json.dumps(row), key_of(no)) for no, row in zip(numbers, rows, strict=True)],
        )
        store.execute("COMMIT")
        for no in numbers:
            send(no)


def done():
    """How many have been written back."""
    return _store().execute("SELECT count(*) FROM orders WHERE state = 'DONE'").fetchone()[0]


def _store():
    if not hasattr(_mine, "store"):
        _mine.store = database(os.environ["BENCH_STORE"])
    return _mine.store


def _nuonuo(method, body):
    path, headers = nuonuo_call(method, body)
    return _post(path, body, headers).get("result")


def _post(path, body, headers):
    if not hasattr(_mine, "session"):
        _mine.session = requests.Session()
    return _mine.session.post(os.environ["BENCH_URL"] + path, data=body, headers=headers).json()
