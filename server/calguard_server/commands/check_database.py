"""What `calguard-server check` looks at in the database; a server may be using it."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from calguard_server.commands.check_disk import look_at_disk
from calguard_server.commands.findings import Finding, failed, fine, skipped, warning
from calguard_server.store.contents import integrity_complaints, read_contents
from calguard_server.store.errors import StoreError, store_error
from calguard_server.store.existing import opened
from calguard_server.store.keys import missing_keys
from calguard_server.store.lock import refuse_lost
from calguard_server.store.migrate import latest_schema
from calguard_server.store.place import real
from calguard_server.store.rotation import Tally, count
from calguard_server.store.vault import Vault

_NAMED = 3


def look_at_database(path: Path, vault: Vault | None) -> Iterator[Finding]:
    """Look at the file, its disk, what is in it, and whether the keys open it; without a vault not at that."""
    try:
        yield from _look(real(path), vault)
    except StoreError as error:
        yield failed("database", str(error).removeprefix("CALGUARD_DATABASE_URL: "))
    except sqlite3.Error as error:
        yield failed("database", str(store_error(path, error)).removeprefix("CALGUARD_DATABASE_URL: "))


def _look(path: Path, vault: Vault | None) -> Iterator[Finding]:
    if path.parent.is_dir():
        yield look_at_disk(path)  # before what a full disk may be in the way of
    refuse_lost(path)
    if not path.exists() or not path.stat().st_size:
        yield warning("database", f"{path}: there is none yet: the first start makes it")
        return
    with opened(path, current=False) as connection:
        contents = read_contents(connection, path)
        yield fine("database", f"{path}: {contents.store_id or 'not named yet'}, revision {contents.revision}")
        yield _schema(contents.schema)
        yield _integrity(connection)
        yield from _keys(connection, vault, current=contents.schema == latest_schema())


def _schema(schema: int) -> Finding:
    if schema == latest_schema():
        return fine("schema", str(schema))
    return warning("schema", f"{schema}, of {latest_schema()}: the next start migrates it; make a backup before")


def _integrity(connection: sqlite3.Connection) -> Finding:
    complaints = integrity_complaints(connection)
    if complaints:
        return failed("integrity", f"it is damaged: restore a backup ({complaints[0]})")
    return fine("integrity", "every page and index is in order")


def _keys(connection: sqlite3.Connection, vault: Vault | None, *, current: bool) -> Iterator[Finding]:
    if vault is None or not current:
        yield skipped("keys", "they take good TOKEN_KEYS" if vault is None else "they take the latest schema")
        return
    if missing := missing_keys(connection, vault):
        yield failed("keys", f"secrets are stored under key {', '.join(missing)}, which is not in TOKEN_KEYS")
    yield _standing_of(vault, count(connection, vault))


def _standing_of(vault: Vault, tally: Tally) -> Finding:
    first, total = vault.fingerprints[0], tally.by_key.total()
    lost = [f"{each.noun} {each.id}" for each in tally.unreadable if each.id]
    if lost:
        more = f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
        return failed("keys", f"no key opens the secret of {', '.join(lost[:_NAMED])}{more}")
    left = total - tally.by_key[first]
    if left:
        return warning("keys", f"{left} of {total} secrets are under older keys than {first}: rotate-keys")
    return fine("keys", f"{total} secrets, all under {first}, the first of TOKEN_KEYS")
