"""What a PostgreSQL server knows of how our rows are spread, by which it chooses its plans; and telling it to look.

Usually it looks by itself, within a minute or so. It does not where autovacuum is off, nor after an upgrade that left
what it knew behind: nothing has changed since, and the largest tables stay unknown for months.
"""

from __future__ import annotations

import structlog
from sqlalchemy import text

from syncd.store.dialect import is_postgresql
from syncd.store.schema import metadata
from syncd.store.store import Store, Tx

log = structlog.get_logger("syncd.store")

#: Bytes: a smaller table is quick to read whatever the plan.
_LARGE = 2**20
#: Those of which nothing is known, and those in which half as much has changed since as they hold: that is five times
#: what the server itself would wait for. One that is somebody else's is theirs to look after: the server would pass it
#: over, and say so to nobody.
_UNKNOWN = text("""
SELECT here.relname FROM pg_stat_user_tables here
JOIN pg_class it ON it.oid = here.relid AND pg_has_role(it.relowner, 'USAGE')
WHERE here.schemaname = current_schema() AND here.relname = ANY(:names) AND pg_relation_size(here.relid) >= :large
  AND (here.n_mod_since_analyze > here.n_live_tup / 2 + 10000 OR NOT EXISTS (
    SELECT 1 FROM pg_stats known WHERE known.schemaname = here.schemaname AND known.tablename = here.relname))
ORDER BY here.relname
""")


async def refreshed(store: Store) -> list[str]:
    """The tables that the server knew too little of and has looked at now. None on SQLite. Raises StoreUnavailable."""
    async with store.read() as tx:
        names = await _unknown(tx)
    for name in names:  # one by one: nothing is held longer than a table takes
        async with store.begin(fact="store.analysed", lone=True) as tx:
            await tx.connection.execute(text(f'ANALYZE "{name}"'))
        log.info("store.analysed", table=name)
    return names


async def _unknown(tx: Tx) -> list[str]:
    if not is_postgresql(tx.connection):
        return []
    found = await tx.connection.scalars(_UNKNOWN, {"names": list(metadata.tables), "large": _LARGE})
    return list(found)
