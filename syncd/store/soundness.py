"""Whether a store can be worked on: the file whole, and its rows in agreement with each other.

Read directly and read-only, so that a damaged file or a daemon at work is no obstacle.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from syncd.store import postgres
from syncd.store.engine import sqlite_path

log = structlog.get_logger("syncd.store")

#: Bytes. What takes more than half a second to look through, a start looks through only after an unclean stop.
_LOOKED_THROUGH = 1 << 26


class Corrupt(Exception):
    """The file is damaged: nothing is issued from it."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Rows that cannot stand beside each other. `rule` names it, `example` is one order's number."""

    rule: str
    count: int
    example: str


#: What must find nothing: each selects the numbers of the orders that break the rule.
RULES: dict[str, str] = {
    "order_without_row": """
        SELECT no FROM invoice_order o WHERE NOT EXISTS (SELECT 1 FROM order_row r WHERE r.order_id = o.id)
    """,
    "intent_without_submission": """
        SELECT no FROM invoice_order o WHERE state = 'INTENT'
        AND NOT EXISTS (SELECT 1 FROM submission s WHERE s.order_id = o.id)
    """,
    "two_live_submissions": """
        SELECT no FROM invoice_order o WHERE state <> 'HOLD'
        AND EXISTS (SELECT 1 FROM submission s WHERE s.order_id = o.id AND s.generation > o.generation)
    """,
    "submission_without_request": """
        SELECT o.no FROM submission s JOIN invoice_order o ON o.id = s.order_id
        WHERE NOT EXISTS (SELECT 1 FROM request r WHERE r.submission_id = s.id)
    """,
    "issued_without_invoice": """
        SELECT no FROM invoice_order o WHERE state IN ('ISSUED', 'DONE60')
        AND NOT EXISTS (SELECT 1 FROM invoice i WHERE i.order_id = o.id)
    """,
    "two_invoices": """
        SELECT no FROM invoice_order o WHERE state IN ('ISSUED', 'DONE60')
        AND (SELECT COUNT(*) FROM invoice i WHERE i.order_id = o.id) > 1
    """,
    "nothing_owed": """
        SELECT no FROM invoice_order o WHERE state IN ('ISSUED', 'FAILED')
        AND NOT EXISTS (SELECT 1 FROM debt d WHERE d.order_id = o.id AND d.state IN ('owed', 'sent'))
    """,
    "hold_from_nowhere": "SELECT no FROM invoice_order WHERE state = 'HOLD' AND held_from IS NULL",
    "cursor_before_origin": "SELECT sid || '/' || feed FROM cursor WHERE position < origin",
}


def require_whole(url: str) -> None:
    """Look the file through before anything is done on its word. Raises Corrupt."""
    if postgres.is_postgresql(url):  # its server looks after its files
        return
    path = sqlite_path(url)
    if not path.exists() or path.stat().st_size == 0:
        return
    ahead = path.with_name(path.name + "-wal")
    unclean = ahead.exists() and ahead.stat().st_size > 0
    if path.stat().st_size > _LOOKED_THROUGH and not unclean:
        return
    with closing(_opened(url)) as db:
        try:
            found = [str(row[0]) for row in db.execute("PRAGMA integrity_check(3)")]
        except sqlite3.DatabaseError as error:
            if _is_busy(error):
                raise
            found = [str(error)]
    if found != ["ok"]:
        log.error("db.corrupt", why="; ".join(found))
        raise Corrupt("; ".join(found))


def contradictions(url: str) -> list[Contradiction]:
    """Every rule that the rows break; the schema must be current."""
    with _looking(url) as ask:
        found = {rule: [str(row[0]) for row in ask(sql)] for rule, sql in RULES.items()}
    return [Contradiction(rule, len(numbers), numbers[0]) for rule, numbers in found.items() if numbers]


def column(url: str, sql: str) -> list[str]:
    """One column of text, asked of the store as it stands. Raises sqlite3.Error, StoreUnavailable, UnsupportedStore."""
    with _looking(url) as ask:
        return [str(row[0]) for row in ask(sql)]


def standing(url: str) -> tuple[str, int, bool, str, str] | None:
    """The store's id, epoch, whether it is armed, why not and about what; None before its first start or its schema."""
    with _looking(url) as ask:
        try:
            rows = ask("SELECT id, epoch, armed, why, about FROM instance")
        except (sqlite3.OperationalError, postgres.Missing):  # older than its schema, which is told elsewhere
            return None
    return next(((str(r[0]), int(r[1]), bool(r[2]), str(r[3]), str(r[4])) for r in rows), None)


@contextmanager
def _looking(url: str) -> Iterator[Callable[[str], list[Sequence[Any]]]]:
    """Asks for rows; one moment of a store that may be written to meanwhile."""
    if postgres.is_postgresql(url):
        with postgres.looking(url) as server:
            yield lambda sql: postgres.asked(server, sql)
    else:
        with closing(_opened(url)) as file:
            file.execute("BEGIN")
            yield lambda sql: list(file.execute(sql))


def _is_busy(error: sqlite3.DatabaseError) -> bool:
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode in (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    )


def _opened(url: str) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{sqlite_path(url)}?mode=ro", uri=True, timeout=30, isolation_level=None)
