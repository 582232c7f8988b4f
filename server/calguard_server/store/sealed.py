"""Which columns hold what the vault sealed: all that a rotation of keys has to renew."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

_BATCH = 200
"""How many rows are read, or renewed in one transaction, at a time."""


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed values. `lasting`: what no key opens is lost, and not only made anew; `noun`: whose it is."""

    table: str
    key: str
    column: str
    noun: str
    lasting: bool

    def batches(self, connection: sqlite3.Connection) -> Iterator[list[tuple[str, bytes]]]:
        """Read every value with its key, in batches; no transaction is open between them."""
        query = (
            f"SELECT {self.key}, {self.column} FROM {self.table} "  # noqa: S608 - names of our own
            f"WHERE {self.key} > ? ORDER BY {self.key} LIMIT {_BATCH}"
        )
        after = ""
        while rows := connection.execute(query, (after,)).fetchall():
            yield rows
            after = rows[-1][0]

    def replace(self, connection: sqlite3.Connection, renewed: list[tuple[bytes, str, bytes]]) -> int:
        """Put new values where the old ones still are: (new, key, old). Answer how many were."""
        statement = f"UPDATE {self.table} SET {self.column} = ? WHERE {self.key} = ? AND {self.column} = ?"  # noqa: S608
        connection.execute("BEGIN IMMEDIATE")
        try:
            replaced = connection.executemany(statement, renewed).rowcount
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        return replaced

    def count(self, connection: sqlite3.Connection) -> int:
        """Count the values."""
        return int(connection.execute(f"SELECT COUNT(*) FROM {self.table}").fetchone()[0])  # noqa: S608

    def is_empty(self, connection: sqlite3.Connection) -> bool:
        """Whether there is no value at all."""
        return connection.execute(f"SELECT 1 FROM {self.table} LIMIT 1").fetchone() is None  # noqa: S608


SEALED = (
    SealedColumn("grants", "link_id", "refresh_token", "calendar link", lasting=True),
    SealedColumn("slack_tokens", "workspace_id", "bot_token", "Slack workspace", lasting=True),
    SealedColumn("webhook_secrets", "account_id", "secret", "webhook of account", lasting=True),
    SealedColumn("attempts", "digest", "code_verifier", "begun linking", lasting=False),
    SealedColumn("answers", "request_id", "encoded", "kept answer", lasting=False),
)
"""Every one there is; the tests of rotation fail where the schema has another."""
