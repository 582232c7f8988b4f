"""What a rotation of keys goes through: every column that the vault seals, and never over what changed meanwhile."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from calguard.v1 import account_pb2 as accounts_pb
from calguard_server.domain.secret import Secret
from calguard_server.store.errors import StoreError, StoreTrouble
from calguard_server.store.keys import sealing_keys
from calguard_server.store.migrate import migrate
from calguard_server.store.rotation import Unreadable, rotate
from calguard_server.store.sealed import SEALED
from calguard_server.store.vault import Vault
from tests.e2e.backend import running_backend
from tests.fakes.service import KEY, running_service

PLAIN_BLOBS = {("events", "encoded")}
"""What is bytes, and no secret: changes, as watchers are shown them."""

_TOKENS = (b"gAAAA", "gAAAA")
"""How everything begins that Fernet has sealed, until the year 2106."""

OTHER = Secret(Fernet.generate_key().decode())


def told(_noun: str, _seen: int, _total: int) -> None:
    """Progress, which nobody looks at."""


def cells(connection: sqlite3.Connection) -> Iterator[tuple[str, str, object]]:
    """Every value that a database holds, with its table and its column."""
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        cursor = connection.execute(f"SELECT * FROM {table}")
        columns = [column[0] for column in cursor.description]
        for row in cursor:
            yield from ((table, column, value) for column, value in zip(columns, row, strict=True))


def test_every_column_of_bytes_is_known_to_rotation_or_holds_no_secret() -> None:
    """Whoever adds one says which: in SEALED, or here."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection)
        found = connection.execute(
            "SELECT tables.name, columns.name FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns"
            " WHERE tables.type = 'table' AND columns.type = 'BLOB'"
        ).fetchall()
    assert set(found) == {(each.table, each.column) for each in SEALED} | PLAIN_BLOBS


async def test_what_a_whole_server_seals_is_all_renewed(tmp_path: Path) -> None:
    """Wherever it stores something sealed, the first key opens it afterwards, and the old one does not."""
    async with running_backend(tmp_path) as backend:
        backend.sandbox.slack_workspaces.add("T0OTHER", "xoxb-other")
        await backend.put_slack("other", "xoxb-other")
        hook = accounts_pb.Webhook(url="https://hooks.example.com/", secret="whsec_" + "A" * 32)
        wish = accounts_pb.Account(id="ann", display_name="Ann", email="ann@example.com", webhook=hook)
        request_id = "6a1b6d38-0f0c-4b3e-9a53-2a4f2d6a7c11"
        await backend.accounts.CreateAccount(accounts_pb.CreateAccountRequest(account=wish, request_id=request_id))
        await backend.link("ann")
        await backend.begin("ann")
        old = Secret(backend.overrides["token_keys"])
    with closing(sqlite3.connect(backend.database)) as connection:
        before = [each for each in cells(connection) if _is_sealed(each[2])]
    assert {each[:2] for each in before} == {(each.table, each.column) for each in SEALED}
    tally = rotate(backend.database, Vault([OTHER, old]), told, accept_lost=False)
    assert tally.by_key.total() == len(before)
    assert tally.unreadable == []
    with closing(sqlite3.connect(backend.database)) as connection:
        after = [each[2] for each in cells(connection) if _is_sealed(each[2])]
    assert {Vault([OTHER, old]).key_of(each) for each in after} == set(Vault([OTHER]).fingerprints)
    assert len(after) == len(before)


def _is_sealed(value: object) -> bool:
    return isinstance(value, bytes | str) and value[:5] in _TOKENS


async def test_what_the_server_replaces_meanwhile_stays(tmp_path: Path) -> None:
    """A value that was read, and then stored anew by the server, is not written over; the others are renewed."""
    async with running_service(tmp_path / "db") as service:
        for name in ("ann", "ben"):
            await service.add_account(name)
        ann, ben = await service.link("ann"), await service.link("ben")
        [grants] = [each for each in SEALED if each.table == "grants"]
        vault = Vault([OTHER, KEY])
        with closing(sqlite3.connect(tmp_path / "db", isolation_level=None)) as beside:
            [read] = list(grants.batches(beside))
            await service.link("ann", link_id=ann.id)
            replaced = dict(next(grants.batches(beside)))[ann.id]
            assert grants.replace(beside, [(vault.renew(sealed), key, sealed) for key, sealed in read]) == 1
            after = dict(next(grants.batches(beside)))
        assert after[ann.id] == replaced
        assert vault.key_of(after[ben.id]) == vault.fingerprints[0]


async def test_what_no_key_opens_is_named_and_left_and_the_rest_is_renewed(tmp_path: Path) -> None:
    """By the id of its link, which an operator can look for."""
    async with running_service(tmp_path / "db") as service:
        for name in ("ann", "ben"):
            await service.add_account(name)
        ann = await service.link("ann")
        await service.link("ben")
    with closing(sqlite3.connect(tmp_path / "db")) as connection, connection:
        connection.execute("UPDATE grants SET refresh_token = X'FF00' WHERE link_id = ?", (ann.id,))
    tally = rotate(tmp_path / "db", Vault([OTHER, KEY]), told, accept_lost=False)
    assert tally.unreadable == [Unreadable("calendar link", ann.id)]
    assert set(tally.by_key.elements()) == set(Vault([OTHER]).fingerprints)
    with closing(sqlite3.connect(tmp_path / "db")) as connection:
        assert (
            connection.execute("SELECT refresh_token FROM grants WHERE link_id = ?", (ann.id,)).fetchone()[0]
            == b"\xff\0"
        )
        assert sealing_keys(connection) == Vault([OTHER]).fingerprints


async def test_keys_that_open_nothing_of_an_older_database_are_refused(tmp_path: Path) -> None:
    """Where it was never noted which keys there were, what is stored is tried; one that opens any will do."""
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        await service.link("ann")
    with closing(sqlite3.connect(tmp_path / "db")) as connection, connection:
        connection.execute("DELETE FROM meta WHERE key = 'sealing_keys'")
    with pytest.raises(StoreError, match="TOKEN_KEYS: none of them opens what is stored") as refusal:
        rotate(tmp_path / "db", Vault([OTHER]), told, accept_lost=False)
    assert refusal.value.trouble is StoreTrouble.KEYS_MISSING
    assert rotate(tmp_path / "db", Vault([OTHER, KEY]), told, accept_lost=False).by_key.total() >= 1


def test_a_fingerprint_tells_keys_apart_and_is_no_part_of_them() -> None:
    names = Vault([OTHER, KEY]).fingerprints
    assert len(set(names)) == 2
    assert not [name for name in names for key in (OTHER, KEY) if name in key.reveal()]
