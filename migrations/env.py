"""Runs the migrations of a store. Called by `syncd db upgrade`, not by the alembic command line."""

from __future__ import annotations

from alembic import context
from sqlalchemy import NullPool, create_engine, event

from syncd.store import postgres
from syncd.store.dialect import lock_key
from syncd.store.schema import metadata

url = context.config.attributes["url"]
# No pool: a connection that is closed holds no lock, however the migration ended.
engine = create_engine(postgres.parsed(url) if postgres.is_postgresql(url) else url, poolclass=NullPool)

if engine.dialect.name == "sqlite":
    # Without these two SQLite runs DDL outside the transaction, and a migration that fails half-way stays half-done.
    @event.listens_for(engine, "connect")
    def on_connect(connection, _record):  # type: ignore[no-untyped-def]
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def on_begin(connection):  # type: ignore[no-untyped-def]
        connection.exec_driver_sql("BEGIN IMMEDIATE")


with engine.connect() as connection:
    if engine.dialect.name == "postgresql":  # of several workers that start at once, one brings the store up
        connection.exec_driver_sql("SELECT pg_advisory_lock(%s)", (lock_key("migration"),))
        connection.commit()
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        transaction_per_migration=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()
