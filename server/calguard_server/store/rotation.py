"""Rotation of keys: everything that is sealed is sealed anew with the first key, while a server may run.

1. Values are renewed in batches: opened and sealed outside of any transaction, then put where the old ones still are.
   What the server replaced meanwhile stays: it seals with the first key already, which is seen to before.
2. Nothing is remembered of how far it got: what the first key opens is done. So it may be killed at any time, and be
   begun again.
3. What no key opens is left as it is, and told.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from calguard_server.store import lock
from calguard_server.store.errors import StoreError, StoreTrouble
from calguard_server.store.existing import opened
from calguard_server.store.keys import admit_keys, note_keys, sealing_keys
from calguard_server.store.sealed import SEALED, SealedColumn
from calguard_server.store.vault import Vault

Progress = Callable[[str, int, int], None]
"""Told after each batch: the noun of what is gone through, how many of these were, and how many there are."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A value that no key opens; `noun` and `id` tell whose it is."""

    noun: str
    id: str


@dataclass(slots=True)
class Tally:
    """How many values there are under each key, by its fingerprint; and those that no key opens."""

    by_key: Counter[str] = field(default_factory=Counter)
    unreadable: list[Unreadable] = field(default_factory=list)


def count(connection: sqlite3.Connection, vault: Vault) -> Tally:
    """Count what is sealed with which key."""
    tally = Tally(Counter(dict.fromkeys(vault.fingerprints, 0)))
    for column in SEALED:
        for rows in column.batches(connection):
            for key, sealed in rows:
                _note(tally, column, key, vault.key_of(sealed))
    return tally


def rotate(path: Path, vault: Vault, told: Progress, *, accept_lost: bool) -> Tally:
    """Seal everything with the first key; answer how it stands then.

    Raises StoreError where a key is missing, or a server runs that seals with another key.
    """
    with opened(path, current=True) as connection:
        taken = _alone_or_agreed(connection, path, vault)
        try:
            connection.execute("BEGIN IMMEDIATE")
            admit_keys(connection, vault, accept_lost=accept_lost)
            connection.execute("COMMIT")
            for column in SEALED:
                _renew(connection, vault, column, told)
            tally = count(connection, vault)
            _note_done(connection, vault, tally)
            return tally
        finally:
            if taken is not None:
                taken.close()


def _alone_or_agreed(connection: sqlite3.Connection, path: Path, vault: Vault) -> lock.Taken | None:
    """See to it that no server seals with another key: one that would is refused, and none can start."""
    if sealing_keys(connection)[:1] == vault.fingerprints[:1]:
        return None
    try:
        return lock.take(path)
    except StoreError as error:
        if error.trouble is not StoreTrouble.IN_USE:
            raise
        raise StoreError(
            f"CALGUARD_DATABASE_URL: {path}: the server that uses it does not encrypt with the first of these "
            "CALGUARD_TOKEN_KEYS: restart it with the same ones, then rotate",
            StoreTrouble.IN_USE,
        ) from error


def _renew(connection: sqlite3.Connection, vault: Vault, column: SealedColumn, told: Progress) -> None:
    seen, total = 0, column.count(connection)
    for rows in column.batches(connection):
        old = [(key, sealed) for key, sealed in rows if vault.key_of(sealed) in vault.fingerprints[1:]]
        if old:
            column.replace(connection, [(vault.renew(sealed), key, sealed) for key, sealed in old])
        seen += len(rows)
        told(column.noun, seen, total)


def _note(tally: Tally, column: SealedColumn, key: str, fingerprint: str | None) -> None:
    if fingerprint is not None:
        tally.by_key[fingerprint] += 1
    else:
        # The key of a begun linking is a digest, that of an answer the caller's own: they are of no use to anybody.
        tally.unreadable.append(Unreadable(column.noun, key if column.lasting else ""))


def _note_done(connection: sqlite3.Connection, vault: Vault, tally: Tally) -> None:
    """Let servers start without the old keys, where nothing is left under them and none has begun to seal with one."""
    first = vault.fingerprints[0]
    if tally.by_key[first] != tally.by_key.total():
        return
    connection.execute("BEGIN IMMEDIATE")
    if sealing_keys(connection)[:1] == (first,):
        note_keys(connection, (first,))
    connection.execute("COMMIT")
