"""Numbered migrations: `NNNN_name.sql` files, each applied once, in order, in a transaction of its own."""

import sqlite3
from importlib.resources import files

from calguard_server.store.errors import StoreError, StoreTrouble


def migrations() -> list[tuple[int, str]]:
    """Answer the numbers and the SQL of all migrations, in order."""
    folder = files("calguard_server.store") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(int(name[:4]), (folder / name).read_text()) for name in names]


def latest_schema() -> int:
    """Answer the number of the last migration that this program knows."""
    return migrations()[-1][0]


def schema_of(connection: sqlite3.Connection) -> int:
    """Answer the number of the last migration that a database has had."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def refuse_others(connection: sqlite3.Connection) -> None:
    """Raise StoreError for a database that is another program's, or newer than this one. Changes nothing."""
    current, latest = schema_of(connection), latest_schema()
    if current > latest:
        raise StoreError(
            f"CALGUARD_DATABASE_URL: the database has schema {current}, and this program knows only {latest}: it was "
            "written by a newer version of Calguard. Start that version, or restore a backup made before the upgrade",
            StoreTrouble.UNUSABLE,
        )
    if current == 0 and connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise StoreError(
            "CALGUARD_DATABASE_URL: the database is another program's: name a file of its own", StoreTrouble.UNUSABLE
        )


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a database to the latest schema. Raises StoreError as `refuse_others` does."""
    refuse_others(connection)
    current = schema_of(connection)
    for number, script in migrations():
        if number > current:
            connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")
