"""`calguard-server rotate-keys` beside a server that runs: the order that an operator follows, and what breaks it."""

import asyncio
import os
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from calguard.v1 import calendar_link_pb2 as links_pb
from calguard_server.domain.secret import Secret
from calguard_server.store.sealed import SEALED
from calguard_server.store.vault import Vault, fingerprint
from tests.e2e.operating import Operation, new_key, operating

LINKED = links_pb.CALENDAR_LINK_STATE_LINKED
MANY = 20_000


@pytest.fixture
async def operation(tmp_path: Path) -> AsyncIterator[Operation]:
    async with operating(tmp_path) as running:
        yield running


def under(database: Path, *keys: str) -> Counter[str]:
    """How many sealed values there are under each key."""
    vault = Vault([Secret(key) for key in keys])
    names = {fingerprint(Secret(key)): key for key in keys}
    with closing(sqlite3.connect(database)) as connection:
        found = [row[0] for each in SEALED for row in connection.execute(f"SELECT {each.column} FROM {each.table}")]
    return Counter(names.get(vault.key_of(each) or "", "") for each in found)


def fill(database: Path, key: str) -> None:
    """Store many grants more, each with a text of its own; no calendar link that the server makes has such an id."""
    vault = Vault([Secret(key)])
    rows = [(f"filled-{number:06}", vault.seal(Secret(f"refresh-{number}")), "[]", "") for number in range(MANY)]
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executemany(
            "INSERT INTO grants (link_id, refresh_token, granted_scopes, subject) VALUES (?,?,?,?)", rows
        )


def opened(database: Path, key: str) -> list[str]:
    """What the grants of `fill` hold, as the key opens them."""
    vault = Vault([Secret(key)])
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT refresh_token FROM grants WHERE link_id GLOB 'filled-*' ORDER BY link_id")
        return [vault.open(row[0]).reveal() for row in rows]


async def test_the_order_that_an_operator_follows(operation: Operation) -> None:
    """New key in front, restart, rotate while it serves, old key away, restart: no calendar link notices anything."""
    old, new = operation.environment["CALGUARD_TOKEN_KEYS"], new_key()
    serving = await operation.serve()
    await serving.stubs.add_account("ann")
    link = await operation.link(serving.stubs, "ann")
    await serving.stop()

    operation.set(token_keys=f"{new},{old}")
    serving = await operation.serve()
    await serving.stubs.add_account("ben")
    other = await operation.link(serving.stubs, "ben")
    rotated = await operation.run("rotate-keys")
    assert rotated.code == 0, rotated.said
    assert f"{fingerprint(Secret(old))}  0        may be removed from TOKEN_KEYS" in rotated.printed
    assert (await serving.stubs.check(link.id)).state == LINKED
    await serving.stop()
    assert set(under(operation.database, new, old)) == {new}

    operation.set(token_keys=new)
    serving = await operation.serve()
    for each in (link, other):
        assert (await serving.stubs.check(each.id)).state == LINKED


async def test_a_server_that_encrypts_with_another_key_is_to_be_restarted_first(operation: Operation) -> None:
    """It could not open what was rotated. Nothing is changed, and the message says what to do."""
    old, new = operation.environment["CALGUARD_TOKEN_KEYS"], new_key()
    serving = await operation.serve()
    await serving.stubs.add_account("ann")
    link = await operation.link(serving.stubs, "ann")
    refused = await operation.run("rotate-keys", token_keys=f"{new},{old}")
    assert refused.code == os.EX_TEMPFAIL
    assert "CALGUARD_TOKEN_KEYS: restart it with the same ones, then rotate" in refused.said
    assert (await serving.stubs.check(link.id)).state == LINKED
    assert set(under(operation.database, new, old)) == {old}


async def test_without_a_server_it_rotates_at_once(operation: Operation) -> None:
    """Then no server with the old key alone starts any more: it could not open what is stored."""
    old, new = operation.environment["CALGUARD_TOKEN_KEYS"], new_key()
    serving = await operation.serve()
    await serving.stubs.add_account("ann")
    await operation.link(serving.stubs, "ann")
    await serving.stop()
    rotated = await operation.run("rotate-keys", token_keys=f"{new},{old}")
    assert rotated.code == 0, rotated.said
    refused = await operation.run()
    assert refused.code == os.EX_CONFIG
    assert f"CALGUARD_TOKEN_KEYS: secrets are stored under key {fingerprint(Secret(new))}" in refused.said
    operation.set(token_keys=new)
    assert await (await operation.serve()).stop() == 0


async def test_a_key_that_is_dropped_before_its_rotation_stops_the_start(operation: Operation) -> None:
    """No link fails by a slip of the pen; who has lost the key says so, once, and links again."""
    serving = await operation.serve()
    await serving.stubs.add_account("ann")
    link = await operation.link(serving.stubs, "ann")
    await serving.stop()
    operation.set(token_keys=new_key())
    for command in ((), ("rotate-keys",)):
        refused = await operation.run(*command)
        assert refused.code == os.EX_CONFIG
        assert "add the key that was there before at the end" in refused.said
        assert "CALGUARD_ACCEPT_LOST_KEYS=true" in refused.said
    rotated = await operation.run("rotate-keys", accept_lost_keys="true")
    assert rotated.code == 0
    assert f"no key opens the secret of calendar link {link.id}\n" in rotated.said
    serving = await operation.serve()
    assert (await serving.stubs.check(link.id)).state == links_pb.CALENDAR_LINK_STATE_FAILED
    assert (await operation.link(serving.stubs, "ann", link.id)).state == LINKED


async def test_killed_in_the_middle_it_goes_on_where_it_was(operation: Operation) -> None:
    """Nothing is lost by the kill; the server with both keys serves, and a second run renews what is left."""
    old, new = operation.environment["CALGUARD_TOKEN_KEYS"], new_key()
    await (await operation.serve()).stop()
    fill(operation.database, old)
    operation.set(token_keys=f"{new},{old}")
    serving = await operation.serve()
    rotation = await operation.launch("rotate-keys")
    await rotation.until("calendar link: ")
    with closing(sqlite3.connect(operation.database, isolation_level=None, timeout=30)) as writer:
        writer.execute("BEGIN IMMEDIATE")  # it cannot go on now
        halfway = under(operation.database, new, old)
        rotation.kill()
        await rotation.ended()
        writer.execute("ROLLBACK")
    assert 0 < halfway[new] < MANY
    assert halfway[new] + halfway[old] == MANY
    await serving.stubs.add_account("ann")
    link = await operation.link(serving.stubs, "ann")

    checked = await operation.run("rotate-keys", "--check")
    assert checked.code == 1
    assert "to be rotated" in checked.printed
    rotated = await operation.run("rotate-keys")
    assert rotated.code == 0, rotated.said
    assert opened(operation.database, new) == [f"refresh-{number}" for number in range(MANY)]
    assert (await serving.stubs.check(link.id)).state == LINKED
    assert (await operation.run("rotate-keys", "--check")).code == 0
    for key in (old, new):
        assert key not in rotated.printed + rotated.said + serving.process.printed


async def test_the_server_commits_all_the_while(operation: Operation) -> None:
    """Calls that change something are answered, and none is refused, from the beginning of a rotation to its end."""
    old, new = operation.environment["CALGUARD_TOKEN_KEYS"], new_key()
    await (await operation.serve()).stop()
    fill(operation.database, old)
    operation.set(token_keys=f"{new},{old}")
    serving = await operation.serve()
    rotating = asyncio.ensure_future(operation.run("rotate-keys"))
    made = 0
    while not rotating.done():
        await serving.stubs.add_account(f"account-{made}")
        made += 1
    assert (await rotating).code == 0
    assert made > 0
    assert serving.process.complaints == ""
