"""Linking over a real store: grants that are refused, by a provider that answers what a test says."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from calguard_server.domain.errors import CalguardError, FailedPreconditionError
from calguard_server.domain.link_state import LinkState
from calguard_server.domain.secret import Secret
from calguard_server.engine.linking import Wish
from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.ports.provider import Consent
from calguard_server.engine.ports.provider_errors import IdentityUnverifiedError
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.working_set import Unit
from calguard_server.store.migrate import migrations
from tests.fakes.provider import FakeProvider
from tests.fakes.service import Service, running_service

GIVEN = Grant(Secret("given"), (), "sub-ann")


async def unverified(service: Service, error: IdentityUnverifiedError) -> CalguardError:
    """Complete an attempt of ann's, whose exchange does not prove whose account it is."""

    async def exchange(_code: str, _verifier: Secret, _redirect_uri: str) -> Consent:
        raise error

    service.provider.exchange = exchange  # type: ignore[method-assign]
    begun = await service.linking.begin(Wish("ann"))
    with pytest.raises(FailedPreconditionError) as refusal:
        await service.linking.complete(begun.state, code="code")
    assert refusal.value.reason == "IDENTITY_UNVERIFIED"
    return refusal.value


async def test_an_unverified_consent_is_withdrawn_where_it_is_known_whose_it_is(tmp_path: Path) -> None:
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        refusal = await unverified(service, IdentityUnverifiedError("no", subject="sub-ann", grant=GIVEN))
        assert service.provider.revoked == ["given"]
        assert refusal.metadata == {"grant": "CONFIRMED", "account_id": "ann"}


async def test_an_unverified_consent_is_left_alone_where_a_link_may_rest_on_it(tmp_path: Path) -> None:
    """With a link of that Google account, or where nobody knows whose it is, nothing is revoked."""
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        await service.add_account("ben")
        await service.link("ben", "sub-ann")
        kept = await unverified(service, IdentityUnverifiedError("no", subject="sub-ann", grant=GIVEN))
        assert kept.metadata["grant"] == "KEPT"
        nobodys = IdentityUnverifiedError("no", grant=Grant(Secret("given"), ()))
        assert "grant" not in (await unverified(service, nobodys)).metadata
        assert service.provider.revoked == []


async def test_a_google_account_is_not_linked_while_its_grant_is_revoked(tmp_path: Path) -> None:
    """What another account was given is checked after the revocation, and so is not stored where that ended it."""
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        await service.add_account("ben")
        anns = await service.link("ann", "sub-shared")
        revoking, google_answers = asyncio.Event(), asyncio.Event()

        async def slow_revoke(_grant: Grant) -> bool:
            revoking.set()
            await google_answers.wait()
            return True

        service.provider.revoke = slow_revoke  # type: ignore[method-assign]
        service.provider.probes.clear()
        ending = asyncio.create_task(service.ending.disconnect(anns.id))
        await revoking.wait()
        linking = asyncio.create_task(service.link("ben", "sub-shared"))
        for _ in range(20):
            await service.store.transact(Unit(Seeds(), lambda _: None))  # so that the other gets its turn
        assert service.provider.probes == []
        google_answers.set()
        assert (await ending).link.state is LinkState.STOPPED
        assert (await linking).state is LinkState.LINKED


async def test_nothing_is_held_when_attempts_and_ends_are_over(tmp_path: Path) -> None:
    """Every lock is given back, after refusals too."""
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        link = await service.link("ann")
        with pytest.raises(FailedPreconditionError):
            await service.link("ann", "sub-other", link_id=link.id)
        await service.ending.disconnect(link.id)
        await service.accounts.delete("ann")
        locks = service.linking._completion._locks
        assert [len(each) for each in (locks.accounts, locks.subjects, locks.links)] == [0, 0, 0]


async def test_a_database_of_the_first_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    """Its grants are known by their Google accounts, and its attempts are as good as they were."""
    path = tmp_path / "db"
    async with running_service(path) as service:
        for name in ("ann", "ben"):
            await service.add_account(name)
            await service.link(name, "sub-shared")
        begun = await service.linking.begin(Wish("ann"))
    take_back_to_the_first_schema(path)
    async with running_service(path) as service:
        provider: FakeProvider = service.provider
        links = await service.store.links_of_account("ann")
        assert len(await service.store.links_with_grant_of("sub-shared")) == 2
        await service.ending.disconnect(links[0].id)
        assert provider.revoked == []
        provider.consents["code"] = Consent("sub-new", "new@example.com", (), Secret("new"))
        assert (await service.linking.complete(begun.state, code="code")).provider_email == "new@example.com"


def take_back_to_the_first_schema(path: Path) -> None:
    """Make the database what the first schema would have made it."""
    first = migrations()[0]
    assert first[0] == 1
    with closing(sqlite3.connect(path)) as new, closing(sqlite3.connect(path.with_name("old"))) as old:
        old.executescript(first[1])
        for (table,) in old.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"):
            columns = ", ".join(row[1] for row in old.execute(f"PRAGMA table_info({table})"))
            rows = new.execute(f"SELECT {columns} FROM {table}").fetchall()
            marks = ", ".join("?" * len(columns.split(",")))
            old.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)
        old.execute("PRAGMA user_version = 1")
        old.commit()
    path.with_name("old").replace(path)
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)
