"""What three sides say after a death: WDT's documents, the issuer's ledger, and the store."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncd.sandbox import Sandbox
from syncd.sandbox.calls import Call
from syncd.scenarios.look import Look, NothingThere
from syncd.store.engine import sqlite_path
from syncd.store.postgres import is_postgresql

_SUBMIT = "nuonuo.OpeMplatform.requestBillingNew"
_FACTS = ("submission", "request", "invoice", "debt", "journal")


@dataclass(slots=True)
class Books:
    """Compares the sandbox's ledgers with the store of that URL, from outside of every daemon."""

    sandbox: Sandbox
    url: str
    _looked_at: int = 0
    _look: Look | None = None

    @property
    def store(self) -> Path:
        """The file of a store on SQLite."""
        return sqlite_path(self.url)

    # -- the store -----------------------------------------------------------------------------------------------------

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What the store holds right now; nothing when there is no store yet."""
        try:
            if is_postgresql(self.url):
                return self._asked(sql, parameters)
            if not self.store.exists():
                return []
            with closing(Look(self.url)) as look:  # opened anew: the file may be another one by now
                return look.rows(sql, *parameters)
        except NothingThere:
            return []

    def _asked(self, sql: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """By a session that is kept: to open one takes longer than to ask."""
        try:
            self._look = self._look or Look(self.url)
            return self._look.rows(sql, *parameters)
        except NothingThere:
            self.close()
            raise

    def close(self) -> None:
        """Ask no more."""
        if self._look is not None:
            self._look.close()
            self._look = None

    def count(self, sql: str, *parameters: Any) -> int:
        """How many rows that finds."""
        found = self.rows(f"SELECT count(*) FROM {sql}", *parameters)
        return int(found[0][0]) if found else 0

    def committed_keys(self) -> set[str]:
        """The keys of every durable intent."""
        return {key for (key,) in self.rows("SELECT key FROM submission")}

    def unanswered(self) -> int:
        """How many intents were handed to the network with no answer recorded."""
        return self.count("invoice_order WHERE state = 'INTENT' AND phase = 'sent'")

    def open_orders(self) -> int:
        """How many orders the store will go on with by itself."""
        return self.count("invoice_order WHERE state IN ('PENDING', 'INTENT', 'ISSUED', 'FAILED')")

    def unfinished(self) -> list[tuple[Any, ...]]:
        """The first orders that are neither at rest nor only mirrored, for whoever looks into a failure."""
        return self.rows(
            "SELECT no, state, phase, hold, tries, next_at, hold_facts FROM invoice_order "
            "WHERE state NOT IN ('DONE60', 'DONE85', 'MIRRORED', 'CANCELLED') LIMIT 5"
        )

    def unproven(self) -> int:
        """How many write-backs were said and not yet seen."""
        return self.count("debt WHERE state = 'sent'")

    def held_by(self, pid: int) -> int:
        """How many units that process was the last to be granted."""
        return self.count("unit WHERE owner LIKE ?", f"%:{pid}")

    def facts(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything but who is at work and what was last seen where: what a late writer must not change."""
        found = {name: self.rows(f"SELECT * FROM {name} ORDER BY 1, 2") for name in _FACTS}
        found["invoice_order"] = self.rows("SELECT id, state, phase, generation, hold, sent_at FROM invoice_order")
        return found

    # -- the issuer ----------------------------------------------------------------------------------------------------

    def submissions(self) -> list[Call]:
        """Every remembered request to issue that arrived at the issuer, oldest first."""
        return self.sandbox.nuonuo.calls.of("requestBillingNew")

    def submitted_keys(self) -> list[str]:
        return [key for call in self.submissions() for key in _keys(call)]

    def newly_submitted(self) -> set[str]:
        """The keys that reached the issuer since this was last asked: a storm cannot go through all of them each time.

        The issuer remembers 2,000 calls; a caller that asks less often misses some.
        """
        calls = self.sandbox.nuonuo.calls
        arrived = calls.by_method.total()
        fresh = list(calls)[-(arrived - self._looked_at) :] if arrived > self._looked_at else []
        self._looked_at = arrived
        return {key for call in fresh if call.method.endswith(".requestBillingNew") for key in _keys(call)}

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

    def invoiced_keys(self) -> set[str]:
        """The keys under which the issuer has made an invoice."""
        return {invoice.order_no for invoice in self.sandbox.nuonuo.ledger}

    def duplicates_refused(self) -> int:
        """How often the issuer was sent a key that it knew already."""
        return self.sandbox.nuonuo.calls.by_answer[_SUBMIT, "E9106"]

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
        counted = self.counts()
        return {name: counted[name] for name in ("doubles", "lost", "wrong")}

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
