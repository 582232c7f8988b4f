"""Opening the database."""

import secrets
import sqlite3
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from calguard_server.engine.ports.chance import NewId
from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.tracing import UNTRACED, Tracer
from calguard_server.store import lock
from calguard_server.store.connection import LOCK_PATIENCE, Connect, connect, wait_for_locks
from calguard_server.store.errors import store_error
from calguard_server.store.flush import EncodeChange
from calguard_server.store.holding import Holding
from calguard_server.store.keys import admit_keys
from calguard_server.store.migrate import migrate
from calguard_server.store.queries import QUERIES
from calguard_server.store.readers import Readers
from calguard_server.store.sqlite.store import Identity, SqliteStore
from calguard_server.store.vault import Vault
from calguard_server.store.writer import CommitObserver, Writer, uncounted

_READERS = 3
_SNAPSHOTS = 4


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """Where the database is, what encrypts its secrets, how changes are encoded for subscribers, who connects.

    `observe` is told of each commit, `tracer` collects a span of it. `accept_lost_keys`: whether to go on where a key
    is missing under which secrets are stored. `lock_patience`, in whole milliseconds of real time, is how long SQLite
    waits for another program's lock: opening fails then, and a commit is begun anew.
    """

    path: Path
    vault: Vault
    encode: EncodeChange
    clock: Clock
    new_id: NewId
    connect: Connect = connect
    observe: CommitObserver = uncounted
    tracer: Tracer = UNTRACED
    accept_lost_keys: bool = False
    lock_patience: timedelta = LOCK_PATIENCE


async def open_store(options: StoreOptions) -> SqliteStore:
    """Open the database, bringing its schema up to date.

    Raises StoreError, whose text says what to do, where it is newer than this program, not writable, or in use.
    """
    taken = lock.take(options.path)
    try:
        return await _open(options, taken)
    except sqlite3.Error as error:
        taken.close()
        raise store_error(options.path, error) from error
    except BaseException:
        taken.close()
        raise


async def _open(options: StoreOptions, taken: lock.Taken) -> SqliteStore:
    connection = await options.connect(taken.path, writer=True)
    try:
        identity = await connection.run(lambda raw: _prepare(raw, options))
    except BaseException:
        await connection.close()
        raise
    holding = Holding(options.path, taken, identity.epoch)
    writer = Writer(
        connection,
        holding,
        options.vault,
        options.encode,
        options.clock,
        identity.revision,
        options.observe,
        options.tracer,
    )
    readers = await Readers.open(taken.path, _READERS, options.connect)
    snapshots = await Readers.open(taken.path, _SNAPSHOTS, options.connect)
    return SqliteStore(identity, holding, writer, readers, snapshots, options.vault)


def _prepare(connection: sqlite3.Connection, options: StoreOptions) -> Identity:
    """Migrate, see that the file can be written, and read which store it is and where its log ends."""
    wait_for_locks(connection, options.lock_patience)
    migrate(connection)
    connection.execute("BEGIN IMMEDIATE")
    admit_keys(connection, options.vault, accept_lost=options.accept_lost_keys)
    row = connection.execute(QUERIES["read_meta"], ("store_id",)).fetchone()
    store_id = row[0] if row else options.new_id("store")
    connection.execute(QUERIES["write_meta"], ("store_id", store_id))
    revision, epoch = int(connection.execute(QUERIES["latest_revision"]).fetchone()[0]), secrets.token_hex(8)
    connection.execute(QUERIES["begin_epoch"], (epoch, revision))
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()  # without its log the file is still known for ours
    return Identity(store_id, epoch, revision)
