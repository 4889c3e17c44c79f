"""What a rehearsal ended with: the sandbox's ledgers and the store, compared from outside of every worker."""

from __future__ import annotations

from collections import Counter
from contextlib import closing

from syncd.sandbox import Sandbox
from syncd.scenarios.look import Look

_ROWS = "SELECT sid, no, raw FROM invoice_order JOIN order_row ON order_id = id"
#: What the daemon would still do by itself.
_OPEN = "state IN ('PENDING', 'INTENT', 'ISSUED', 'FAILED')"


def figures(sandbox: Sandbox, store: str) -> dict[str, float]:
    """The figures every scenario has.

    doubles, lost, wrong, read, issued, written_back, refused: the sandbox's own verdict over its two ledgers
    max_issued_per_order: the most legal blue invoices any one document has got
    unresolved: orders the daemon would still go on with; held: orders that wait for a person
    missed: documents WDT shows whose newest version, byte for byte, is neither an order nor set aside in the store
    quarantined: rows set aside, because they cannot even be named
    wrong_amounts: submissions whose legal invoices are not of the amount that WDT asked for, in any version
    calls_wdt, calls_issuer: requests that arrived; rate_refused: those the sandbox refused for their number
    """
    counted: dict[str, float] = dict(sandbox.counts())
    counted["max_issued_per_order"] = sandbox.most_invoices_per_document()
    counted["calls_wdt"] = sandbox.wdt.calls.by_method.total()
    counted["calls_issuer"] = sandbox.nuonuo.calls.by_method.total()
    counted["rate_refused"] = sandbox.rate_refused()
    with closing(Look(store)) as look:
        counted["unresolved"] = look.one(f"SELECT count(*) FROM invoice_order WHERE {_OPEN}")
        counted["held"] = look.one("SELECT count(*) FROM invoice_order WHERE state = 'HOLD'")
        stored = {(sid, no): raw for sid, no, raw in look.rows(_ROWS)}
        aside = {(sid, raw) for sid, raw in look.rows("SELECT sid, raw FROM quarantine")}
    shown = sandbox.shown_rows()
    counted["missed"] = sum(1 for key, row in shown.items() if stored.get(key) != row and (key[0], row) not in aside)
    counted["quarantined"] = len(aside)
    counted["wrong_amounts"] = sandbox.wrong_amounts()
    return counted


def struck(sandbox: Sandbox) -> Counter[str]:
    """How often each fault of the sandbox really struck, as `issuer.lost_after`, `wdt.rate`."""
    found: Counter[str] = Counter()
    for party, faults in (
        ("wdt", sandbox.wdt.faults),
        ("issuer", sandbox.nuonuo.faults),
        ("top", sandbox.top.faults),
        ("yuannian", sandbox.yuannian.faults),
    ):
        for (method, kind), times in faults.happened_to.items():
            found[f"{party}.{kind}"] += times
            found[f"{party}.{method.rsplit('.', 1)[-1]}.{kind}"] += times
    return found


def story(store: str) -> list[str]:
    """Every order's end and the events that led to it, by merchant and number; what a replay is compared with."""
    with closing(Look(store)) as look:
        told = look.joined("event", "id")
        events = dict(look.rows(f"SELECT order_id, {told} FROM (SELECT * FROM journal ORDER BY id) j GROUP BY 1"))
        orders = look.rows("SELECT id, merchant, no, state, coalesce(hold, ''), generation FROM invoice_order")
        return sorted(
            f"{merchant} {no} {state} {hold or '-'} {generation}: {events.get(order_id, '')}"
            for order_id, merchant, no, state, hold, generation in orders
        )
