"""Opening a database beside the server that may be using it, as commands do."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from calguard_server.store.errors import StoreError, StoreTrouble
from calguard_server.store.migrate import latest_schema, schema_of
from calguard_server.store.place import real

_WAIT_SECONDS = 60
"""How long a transaction that writes waits for those of the server."""


@contextmanager
def opened(path: Path, *, current: bool) -> Iterator[sqlite3.Connection]:
    """Open a database that there is; `current`: of this program's schema. Raises StoreError."""
    if not path.exists():
        raise StoreError(f"CALGUARD_DATABASE_URL: {path}: there is none: check the setting", StoreTrouble.UNUSABLE)
    uri = f"{real(path).as_uri()}?mode=rw"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_WAIT_SECONDS)) as connection:
        if current:
            _refuse_other_schema(path, schema_of(connection))
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")  # only the server's writer moves the log into the file
        yield connection


def _refuse_other_schema(path: Path, found: int) -> None:
    known = latest_schema()
    if found != known:
        raise StoreError(
            f"CALGUARD_DATABASE_URL: {path}: has schema {found}, and this program's is {known}: use the program that "
            "serves it, or run `calguard-server migrate`",
            StoreTrouble.UNUSABLE,
        )
