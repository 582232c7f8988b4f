"""`calguard-server migrate`: brings the database to this program's schema, as every start does."""

import sqlite3
from contextlib import closing

from calguard_server.commands.ending import EXIT_DIFFERS, say
from calguard_server.store import lock
from calguard_server.store.connection import prepare
from calguard_server.store.contents import read_contents
from calguard_server.store.existing import opened
from calguard_server.store.migrate import latest_schema, migrate, schema_of
from calguard_server.store_settings import DatabaseSettings, read_model


def migrate_database(*, check: bool) -> int:
    """Migrate, or only tell whether that is needed."""
    path = read_model(DatabaseSettings, {}).database_path
    if check:
        with opened(path, current=False) as connection:
            schema = read_contents(connection, path).schema
        due = schema != latest_schema()
        say(f"schema {schema}, of {latest_schema()}: " + ("to be migrated" if due else "up to date"))
        return EXIT_DIFFERS if due else 0
    with lock.take(path) as taken, closing(sqlite3.connect(taken.path, isolation_level=None)) as connection:
        before = schema_of(connection)
        prepare(connection, writer=True)
        migrate(connection)
    say(f"schema {latest_schema()}: " + ("up to date" if before == latest_schema() else f"migrated from {before}"))
    return 0
