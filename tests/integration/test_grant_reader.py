"""Grants that are asked for at the same moment are read together, each time anew."""

import asyncio
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Any

import pytest

from calguard_server.domain.secret import Secret
from calguard_server.engine.grant_reader import GrantReader
from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.working_set import Unit, WorkingSet
from tests.fakes.service import Service, running_service


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with running_service(tmp_path / "db") as running:
        for account_id in ("ann", "ben"):
            await running.add_account(account_id)
        yield running


class Counted:
    """A store that notes which grants are read together."""

    def __init__(self, service: Service) -> None:
        self._store = service.store
        self.reads: list[set[str]] = []
        self.begun = asyncio.Event()

    async def usable_grants(self, link_ids: Collection[str]) -> dict[str, Grant]:
        self.reads.append(set(link_ids))
        self.begun.set()
        return await self._store.usable_grants(link_ids)


@pytest.fixture
def store(service: Service) -> Any:  # noqa: ANN401 - as much of a store as is used
    return Counted(service)


def put(link_id: str, token: str) -> Unit[None]:
    def change(rows: WorkingSet) -> None:
        rows.put_grant(link_id, Grant(Secret(token), ("scope",)))

    return Unit(Seeds(links=(link_id,)), change)


async def test_those_who_ask_at_once_share_a_read(service: Service, store: Any) -> None:  # noqa: ANN401 - see there
    ann, ben = await service.link("ann"), await service.link("ben")
    reader = GrantReader(store)
    grants = await asyncio.gather(*(reader.usable_grant(each) for each in (ann.id, ben.id, ann.id, "nobody")))
    texts = ["" if each is None else each.refresh_token.reveal() for each in grants]
    assert texts == ["refresh-sub-ann", "refresh-sub-ben", "refresh-sub-ann", ""]
    assert store.reads == [{ann.id, ben.id, "nobody"}]


async def test_who_asks_later_is_answered_as_it_is_then(service: Service, store: Any) -> None:  # noqa: ANN401 - see there
    """Nothing is kept, and nobody joins a read that has begun."""
    ann = await service.link("ann")
    reader = GrantReader(store)
    first = asyncio.create_task(reader.usable_grant(ann.id))
    await store.begun.wait()
    await service.store.transact(put(ann.id, "another"))
    assert await reader.usable_grant(ann.id) == Grant(Secret("another"), ("scope",))
    assert await first is not None
    assert len(store.reads) == 2


async def test_one_who_gives_up_takes_nothing_from_the_others(service: Service, store: Any) -> None:  # noqa: ANN401 - see there
    ann, ben = await service.link("ann"), await service.link("ben")
    reader = GrantReader(store)
    leaving, staying = (asyncio.create_task(reader.usable_grant(each.id)) for each in (ann, ben))
    await store.begun.wait()
    leaving.cancel()
    grant = await staying
    assert grant is not None
    assert grant.refresh_token == Secret("refresh-sub-ben")
    assert leaving.cancelled()
