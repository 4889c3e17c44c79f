"""Whether a store could go on in a database: all that can be asked there without changing anything.

A move begins with an outage. What would make it fail is found out by its dry run, while the daemon is still at work.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from syncd.store import postgres
from syncd.store.engine import sqlite_path
from syncd.store.lock import refuse_network
from syncd.store.troubles import UnsupportedStore

#: Where the tables would go, and what this user may do there.
_HERE = """
    SELECT current_user, pg_is_in_recovery(), n.nspname,
           n.oid IS NOT NULL AND has_schema_privilege(n.oid, 'CREATE'),
           has_database_privilege(current_database(), 'CREATE')
    FROM (SELECT current_schema() AS name) here LEFT JOIN pg_namespace n ON n.nspname = here.name
"""
#: What lies there and was not put there by an extension. A schema that was taken away leaves its empty mark.
_OTHERS = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
      AND c.relname <> 'alembic_version'
      AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('e', 'a')
      )
    ORDER BY 1
"""
#: What an unfinished copy is made of can be dropped by its owner alone.
_NOT_OURS = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind = 'r' AND NOT pg_has_role(c.relowner, 'USAGE') ORDER BY 1
"""
_IN_FILE = "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND tbl_name <> 'alembic_version' ORDER BY 1"
_NAMED = 5


class Occupied(UnsupportedStore):
    """Somebody else's tables are where the store should go, and could be taken for ours, or ours for theirs."""

    def __init__(self, tables: Sequence[str]) -> None:
        more = ", …" if len(tables) > _NAMED else ""
        named = ", ".join(tables[:_NAMED]) + more
        super().__init__(f"it is not empty: {named}", "occupied", tables=named)


def require_suitable(url: str) -> None:
    """Raises UnsupportedStore unless a store could ever be in this database.

    Raises StoreUnavailable, NetworkStore, sqlite3.Error where that cannot be told.
    """
    if postgres.is_postgresql(url):
        postgres.require_suitable(url)
        return
    path = sqlite_path(url)
    refuse_network(path)
    folder = next((one for one in path.absolute().parents if one.exists()), Path("/"))
    for place, wanted in ((folder, os.W_OK | os.X_OK), (path, os.R_OK | os.W_OK)):
        if place.exists() and not (os.access(place, wanted) and place.is_dir() is (place == folder)):
            raise UnsupportedStore(f"{place} cannot be written to", "no_write", place=place)
    try:
        _tables(path)
    except sqlite3.OperationalError:  # busy
        raise
    except sqlite3.DatabaseError:
        raise UnsupportedStore(f"{path} is no SQLite database", "no_database", place=path) from None


def _tables(path: Path) -> list[str]:
    if not path.exists() or path.stat().st_size == 0:
        return []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as db:
        return [str(name) for (name,) in db.execute(_IN_FILE)]


def require_room(url: str, *, empty: bool) -> bool:
    """Raises UnsupportedStore unless this user may make the store's tables here, and nothing is in their way.

    `empty`: no schema of ours is there; else it is that of an unfinished copy, which is dropped first. Returns whether
    an engine of many workers could make its queue here. Raises Occupied, StoreUnavailable, sqlite3.Error.
    """
    if not postgres.is_postgresql(url):
        if empty and (found := _tables(sqlite_path(url))):
            raise Occupied(found)
        return True
    with postgres.looking(url) as db:
        user, standby, schema, may_create, may_queue = db.execute(_HERE).fetchone() or ("", False, None, False, False)
        others = [str(name) for (name,) in db.execute(_OTHERS if empty else _NOT_OURS.encode())]
    if standby:
        raise UnsupportedStore("the server is a standby", "standby")
    if schema is None:
        raise UnsupportedStore("no schema of the search path exists", "no_schema")
    if not may_create:
        raise UnsupportedStore(f"{user} may not make tables in schema {schema}", "no_right", user=user, schema=schema)
    if others and empty:
        raise Occupied(others)
    if others:
        raise UnsupportedStore(f"{others[0]} is not {user}'s", "not_owner", user=user, table=others[0])
    return bool(may_queue)
