"""What is in a file that is to be a database of this program's: looked at before it is relied upon."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from calguard_server.store.errors import StoreError, StoreTrouble
from calguard_server.store.keys import sealing_keys
from calguard_server.store.migrate import latest_schema, schema_of
from calguard_server.store.queries import QUERIES


@dataclass(frozen=True, slots=True)
class Contents:
    """Which store it is, by which schema, up to which revision, and under which keys its secrets are.

    Before the first server has begun to write, `store_id` is empty.
    """

    store_id: str
    schema: int
    revision: int
    keys: tuple[str, ...]


def verified(path: Path) -> Contents:
    """Read a file as a whole, which takes a while where it is large.

    Raises StoreError where it is damaged, no database of this program's, or of a newer version.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            contents = read_contents(connection, path)
            if complaints := integrity_complaints(connection):
                raise _unusable(path, f"is damaged: {complaints[0]}")
            return contents
    except sqlite3.DatabaseError as error:
        raise _unusable(path, f"cannot be read as a database: {error}") from error


def integrity_complaints(connection: sqlite3.Connection) -> list[str]:
    """Have SQLite look at every page; empty where all is well."""
    try:
        found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(10)")]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [] if found == ["ok"] else found


def read_contents(connection: sqlite3.Connection, path: Path) -> Contents:
    """Read what there is. Raises StoreError where that is no database of this program's, or of a newer version."""
    schema = schema_of(connection)
    if schema > latest_schema():
        raise _unusable(path, f"has schema {schema}, and this program knows only {latest_schema()}")
    meta = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone()
    if schema < 1 or not meta:
        raise _unusable(path, "is not a database of calguard-server's")
    store_id = connection.execute(QUERIES["read_meta"], ("store_id",)).fetchone()
    revision = int(connection.execute(QUERIES["latest_revision"]).fetchone()[0])
    return Contents(store_id[0] if store_id else "", schema, revision, sealing_keys(connection))


def _unusable(path: Path, what: str) -> StoreError:
    return StoreError(f"{path}: {what}", StoreTrouble.UNUSABLE)
