"""Which keys secrets are stored under, by their fingerprints, so that a server never runs without one of them.

1. `sealing_keys` in `meta` are the keys of what may be stored; the first is that of the server, or of the rotation,
   that began last, and all that is sealed from then on is sealed with it.
2. A start without one of them is refused, as is a rotation: an old key that is dropped before its secrets were renewed
   would fail one link after the other. An operator who has lost it for good says so.
3. Where nothing lasting is stored, any keys do.
"""

import json
import sqlite3

from calguard_server.store.errors import StoreError, StoreTrouble
from calguard_server.store.queries import QUERIES
from calguard_server.store.sealed import SEALED
from calguard_server.store.vault import Vault

_NAME = "sealing_keys"
_LOOKED_AT = 200
"""How many values of each column a start looks at where it is not known what they are sealed with."""


def sealing_keys(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Answer the fingerprints of the keys that secrets are stored under; empty where that was never noted."""
    row = connection.execute(QUERIES["read_meta"], (_NAME,)).fetchone()
    return tuple(json.loads(row[0])) if row else ()


def note_keys(connection: sqlite3.Connection, fingerprints: tuple[str, ...]) -> None:
    """Note which keys secrets are stored under from now on, the sealing one first."""
    connection.execute(QUERIES["write_meta"], (_NAME, json.dumps(fingerprints)))


def admit_keys(connection: sqlite3.Connection, vault: Vault, *, accept_lost: bool) -> None:
    """Note that the vault's first key seals from now on. Raises StoreError where keys are missing.

    To be called in a transaction that writes.
    """
    noted = sealing_keys(connection)
    if not accept_lost:
        if missing := missing_keys(connection, vault):
            raise _refusal(f"secrets are stored under key {', '.join(missing)}, which is not among them")
        if not noted and _keeps_secrets(connection) and not _opens_any(connection, vault):
            raise _refusal("none of them opens what is stored")
    first = vault.fingerprints[0]
    kept = [each for each in noted if each in vault.fingerprints and each != first]
    note_keys(connection, (first, *kept))


def missing_keys(connection: sqlite3.Connection, vault: Vault) -> list[str]:
    """Name the keys that a vault lacks; none where nothing lasting is stored."""
    missing = [each for each in sealing_keys(connection) if each not in vault.fingerprints]
    return missing if _keeps_secrets(connection) else []


def _keeps_secrets(connection: sqlite3.Connection) -> bool:
    return not all(each.is_empty(connection) for each in SEALED if each.lasting)


def _refusal(what: str) -> StoreError:
    return StoreError(
        f"CALGUARD_TOKEN_KEYS: {what}: add the key that was there before at the end; where it is lost for good, set "
        "CALGUARD_ACCEPT_LOST_KEYS=true once, and people have to link again",
        StoreTrouble.KEYS_MISSING,
    )


def _opens_any(connection: sqlite3.Connection, vault: Vault) -> bool:
    return any(
        vault.key_of(sealed) is not None
        for column in SEALED
        if column.lasting
        for _, sealed in next(column.batches(connection), [])[:_LOOKED_AT]
    )
