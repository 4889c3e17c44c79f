"""What three sides say after a crash: WDT's documents, the issuer's ledger, and the store."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncd.sandbox import Sandbox
from syncd.sandbox.calls import Call


@dataclass(frozen=True, slots=True)
class Books:
    """Compares the sandbox's ledgers with the store, from outside of every daemon."""

    sandbox: Sandbox
    store: Path

    # -- the store -----------------------------------------------------------------------------------------------------

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What the store holds right now; nothing when there is no store yet."""
        if not self.store.exists():
            return []
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=10)) as db:
            try:
                return db.execute(sql, parameters).fetchall()
            except sqlite3.OperationalError as error:
                if "no such table" in str(error):
                    return []
                raise

    def committed_keys(self) -> set[str]:
        """The keys of every durable intent."""
        return {key for (key,) in self.rows("SELECT key FROM submission")}

    def unanswered(self) -> int:
        """How many intents were handed to the network with no answer recorded."""
        return len(self.rows("SELECT 1 FROM invoice_order WHERE state = 'INTENT' AND phase = 'sent'"))

    def open_orders(self) -> int:
        """How many orders the store will go on with by itself."""
        return len(self.rows("SELECT 1 FROM invoice_order WHERE state IN ('PENDING', 'INTENT', 'ISSUED', 'FAILED')"))

    def unproven(self) -> int:
        """How many write-backs were said and not yet seen."""
        return len(self.rows("SELECT 1 FROM debt WHERE state = 'sent'"))

    def facts(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything but who is at work: what a late writer must not be able to change."""
        tables = ("invoice_order", "submission", "request", "invoice", "debt", "journal")
        return {table: self.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables}

    # -- the issuer ----------------------------------------------------------------------------------------------------

    def submissions(self) -> list[Call]:
        """Every request to issue that arrived at the issuer, oldest first."""
        return self.sandbox.nuonuo.calls.of("requestBillingNew")

    def submitted_keys(self) -> list[str]:
        return [key for call in self.submissions() for key in _keys(call)]

    def repeated_without_a_question(self) -> list[str]:
        """Keys that were submitted again although nobody had asked about them since the last time."""
        open_keys: set[str] = set()
        blind: list[str] = []
        for call in self.sandbox.nuonuo.calls:
            keys = _keys(call)
            if call.method.endswith(".requestBillingNew"):
                blind += [key for key in keys if key in open_keys]
                open_keys.update(keys)
            elif call.method.endswith(".queryInvoiceResult"):
                open_keys.difference_update(keys)
        return blind

    def calls_about(self, key: str, *, since: int = 0) -> list[str]:
        """The methods of the calls that named this key, oldest first, leaving out the first `since` calls."""
        calls = list(self.sandbox.nuonuo.calls)[since:]
        return [call.method.rsplit(".", 1)[1] for call in calls if key in _keys(call)]

    def bodies_by_key(self) -> dict[str, set[str]]:
        """The distinct bytes that arrived under each key; more than one means a request was rendered again."""
        found: dict[str, set[str]] = {}
        for call in self.submissions():
            for key in _keys(call):
                found.setdefault(key, set()).add(call.body)
        return found

    # -- WDT -----------------------------------------------------------------------------------------------------------

    def told(self) -> Counter[str]:
        """How often each document was named in an updateInvoice, applied or not."""
        documents = (one for call in self.sandbox.wdt.calls.of("updateInvoice") for one in json.loads(call.body)[0])
        return Counter(document["invoice_order_no"] for document in documents)

    def told_two_things(self) -> list[str]:
        """Documents for which WDT accepted two different results. The same one twice is once in effect."""
        return [document.no for document in self.sandbox.wdt.documents.values() if len(set(document.written)) > 1]

    # -- the verdict ---------------------------------------------------------------------------------------------------

    def sent_before_committed(self) -> set[str]:
        """Keys the issuer has seen and the store does not know: must be empty at every instant."""
        return set(self.submitted_keys()) - self.committed_keys()

    def counts(self) -> dict[str, int]:
        return self.sandbox.counts()

    def broken(self) -> dict[str, int]:
        """The three figures that must be 0."""
        return {name: self.counts()[name] for name in ("doubles", "lost", "wrong")}

    def numbers_in_store(self) -> set[tuple[str, str]]:
        """(order number, invoice number) of every order the store calls done."""
        found = self.rows(
            "SELECT o.no, i.number FROM invoice_order o JOIN invoice i ON i.order_id = o.id WHERE o.state = 'DONE60'"
        )
        return set(found)

    def numbers_in_ledger(self) -> set[tuple[str, str]]:
        """The same of the issuer's ledger, named by the document WDT shows the number on."""
        by_number = {invoice.shown_number(): invoice for invoice in self.sandbox.nuonuo.ledger}
        return set(self._shown(by_number))

    def _shown(self, by_number: dict[str, Any]) -> Iterator[tuple[str, str]]:
        for document in self.sandbox.wdt.documents.values():
            if document.result is not None and document.result.invoice_no in by_number:
                yield document.no, document.result.invoice_no


def _keys(call: Call) -> list[str]:
    body = json.loads(call.body)
    if call.method.endswith(".requestBillingNew"):
        return [body["order"]["orderNo"]]
    return list(body.get("orderNos", ()))


def all_is_well(books: Books, *, blind_repeats: bool = False) -> None:
    """The crown invariant and everything that follows from it, after the last daemon has ended."""
    assert books.broken() == {"doubles": 0, "lost": 0, "wrong": 0}
    assert books.numbers_in_store() == books.numbers_in_ledger()
    assert books.told_two_things() == []
    assert books.sent_before_committed() == set()
    assert all(len(bodies) == 1 for bodies in books.bodies_by_key().values())
    if not blind_repeats:
        assert books.repeated_without_a_question() == []
