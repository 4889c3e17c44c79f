"""What one writes in a day: requests and sqlite3, one call after the other, each order's fate committed at once.

It uses the vendors' batches where they have them: fifty outcomes and twenty write-backs to a call.
"""

import json

import requests
from parties import (
    ASK,
    ASK_BATCH,
    JSON,
    SEARCH,
    SUBMIT,
    UPDATE,
    UPDATE_BATCH,
    ask_body,
    database,
    key_of,
    nuonuo_call,
    search_body,
    submit_body,
    tell,
    update_body,
    wdt_path,
    wish,
)  # fmt: skip


class Script:
    """One connection to each party, and one to the store."""

    def __init__(self, asked):
        self.asked = asked
        self.session = requests.Session()
        self.store = database(asked.store)

    def run(self):
        """Page after page, the last one first, for what is written back leaves the list."""
        body = search_body(self.asked.start, self.asked.end)
        for page_no in reversed(range(-(-self.asked.orders // self.asked.page_size))):
            path = wdt_path(SEARCH, body, page_no=page_no, page_size=self.asked.page_size)
            self.page(self.post(path, body, JSON)["data"]["order"])

    def page(self, rows):
        """Every order of one page, from its row to its write-back."""
        orders = {row["invoice_order_no"]: key_of(row["invoice_order_no"]) for row in rows}
        self.store.execute("BEGIN")
        self.store.executemany(
            "INSERT INTO orders VALUES (?, 'READ', ?, ?, NULL, NULL)",
            [(row["invoice_order_no"], json.dumps(row), orders[row["invoice_order_no"]]) for row in rows],
        )
        self.store.execute("COMMIT")
        for row in rows:
            self.submit(row, orders[row["invoice_order_no"]])
        issued = [one for batch in batches(list(orders.items()), ASK_BATCH) for one in self.ask(batch)]
        for batch in batches(issued, UPDATE_BATCH):
            self.write_back(batch)

    def submit(self, row, key):
        """One order to the issuer."""
        no, body = row["invoice_order_no"], submit_body(row, key)
        serial = self.post(*nuonuo(SUBMIT, body))["result"]["invoiceSerialNum"]
        self.store.execute("UPDATE orders SET state = 'SUBMITTED', serial = ? WHERE no = ?", (serial, no))

    def ask(self, orders):
        """What became of some."""
        numbers = {key: no for no, key in orders}
        for one in self.post(*nuonuo(ASK, ask_body(numbers)))["result"]:
            no, number = numbers[one["orderNo"]], one["allElectronicInvoiceNumber"]
            self.store.execute("UPDATE orders SET state = 'ISSUED', invoice_no = ? WHERE no = ?", (number, no))
            yield no, number, one["pdfUrl"]

    def write_back(self, issued):
        """Tell WDT about some."""
        body = update_body(issued)
        self.post(wdt_path(UPDATE, body), body, JSON)
        self.store.execute("BEGIN")
        self.store.executemany("UPDATE orders SET state = 'DONE' WHERE no = ?", [(no,) for no, _, _ in issued])
        self.store.execute("COMMIT")

    def post(self, path, body, headers):
        """One call."""
        return self.session.post(self.asked.url + path, data=body, headers=headers).json()


def nuonuo(method, body):
    """Path, body and headers of one call to the issuer."""
    path, headers = nuonuo_call(method, body)
    return path, body, headers


def batches(things, size):
    """`size` of them at a time."""
    return [things[at : at + size] for at in range(0, len(things), size)]


def main():
    """Everything, once."""
    script = Script(wish())
    script.run()
    tell(script.store.execute("SELECT count(*) FROM orders WHERE state = 'DONE'").fetchone()[0])


if __name__ == "__main__":
    main()
