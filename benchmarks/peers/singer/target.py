"""A target as the Singer SDK's samples make one: an SQL sink over SQLite."""

import json
from decimal import Decimal

import sqlalchemy
from singer_sdk import SQLConnector, SQLTarget
from singer_sdk import typing as th
from singer_sdk.sinks import SQLSink


class Connector(SQLConnector):
    """SQLite by its path."""

    allow_temp_tables = False
    allow_column_alter = False
    allow_merge_upsert = True

    def get_sqlalchemy_url(self, config):
        """The address of the file."""
        return f"sqlite:///{config['path']}"

    def create_engine(self):
        """An engine that is as durable as the others."""
        engine = super().create_engine()

        @sqlalchemy.event.listens_for(engine, "connect")
        def durable(connection, _record):
            for pragma in ("journal_mode=WAL", "synchronous=FULL"):
                connection.execute(f"PRAGMA {pragma}")

        return engine


class Sink(SQLSink):
    """Batches of the SDK's own size."""

    connector_class = Connector
    max_size = 10_000

    def preprocess_record(self, record, context):
        """SQLite has neither arrays nor decimals."""
        for name, value in record.items():
            if isinstance(value, Decimal):
                record[name] = float(value)
            elif isinstance(value, list):
                record[name] = json.dumps(value, ensure_ascii=False, default=float)
        return record


class TargetSqlite(SQLTarget):
    """The target."""

    name = "target-sqlite"
    config_jsonschema = th.PropertiesList(th.Property("path", th.StringType, required=True)).to_dict()
    default_sink_class = Sink


if __name__ == "__main__":
    TargetSqlite.cli()
