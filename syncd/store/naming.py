"""Whose orders stand under another name than their merchant has now. Looked for at every start, so without a scan."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.lifecycle import State
from syncd.store.dialect import is_postgresql, placed

#: The first and the last row of each of many tenants.
_ENDS = """
SELECT s.value,
  (SELECT t.merchant FROM {table} t WHERE t.sid = s.value ORDER BY t.{number} LIMIT 1),
  (SELECT t.merchant FROM {table} t WHERE t.sid = s.value ORDER BY t.{number} DESC LIMIT 1)
FROM {tenants} s
"""
#: By whether it is PostgreSQL.
_EACH = {False: "json_each(?)", True: "(SELECT unnest(CAST(? AS TEXT[])) AS value)"}
#: What bears a merchant's name, and the column that with the sid makes it unique.
_NAMED = (("invoice_order", "no"), ("application", "apply_id"), ("card", "card_id"))
#: Every name of one state, each found by one step into the index.
_NAMES = """
WITH RECURSIVE name (value) AS (
  SELECT MIN(merchant) FROM invoice_order WHERE state = ?
  UNION ALL
  SELECT (SELECT MIN(o.merchant) FROM invoice_order o WHERE o.state = ? AND o.merchant > name.value)
  FROM name WHERE name.value IS NOT NULL
)
SELECT value FROM name WHERE value IS NOT NULL
"""
_TENANTS = "SELECT DISTINCT sid FROM invoice_order WHERE state = ? AND merchant = ?"


async def astray(connection: AsyncConnection, names: Mapping[str, str]) -> set[str]:
    """The tenants (sid → name, as configured) that have orders, applications or cards under another name.

    Names are changed for all orders of a tenant at once, so that its first and last one tell for all of them; only
    workers of a shared store that were started with different settings can have mixed them, and then a name is there
    that nobody has now.
    """
    shared = is_postgresql(connection)
    sids = list(names) if shared else orjson.dumps(list(names)).decode()
    found: set[str] = set()
    for table, number in _NAMED:
        ends = _ENDS.format(table=table, number=number, tenants=_EACH[shared])
        rows = await connection.exec_driver_sql(placed(connection, ends), (sids,))
        found |= {sid for sid, *ours in map(tuple, rows) if not {*ours} <= {None, names[sid]}}
    for state in State:
        present = await connection.exec_driver_sql(placed(connection, _NAMES), (str(state), str(state)))
        for foreign in {name for (name,) in present} - set(names.values()):
            tenants = await connection.exec_driver_sql(placed(connection, _TENANTS), (str(state), foreign))
            found |= {sid for (sid,) in tenants if sid in names}
    return found
