"""The client library against a real server process that is stopped, killed and started again under it."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from calguard.v1 import account_pb2 as accounts_pb
from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import watch_pb2 as watch_pb
from calguard_client import (
    AsyncClient,
    AsyncWatch,
    Changes,
    Client,
    Mirror,
    MirrorChange,
    SnapshotEnded,
    SnapshotStarted,
    TokenFile,
    UnavailableError,
)
from calguard_client.mirroring.reading import MirrorReading
from tests.e2e.lasting_address import Service, lasting_address
from tests.patience import PATIENCE, PATIENCE_SECONDS

KILL, TERM = signal.SIGKILL, signal.SIGTERM


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with lasting_address(tmp_path) as running:
        yield running


async def read_on(watch: AsyncWatch, revisions: list[int], latest: int) -> None:
    """Note the revisions of the changes, up to the latest there is."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not revisions or revisions[-1] < latest:
            event = await anext(watch)
            if isinstance(event, Changes):
                revisions.extend(change.revision for change in event.changes)


async def exact(mirror: MirrorReading, client: AsyncClient) -> bool:
    listed = await client.booking_pages.ListBookingPages(pages_pb.ListBookingPagesRequest(page_size=1000))
    return sorted(mirror.pages(), key=lambda page: page.id) == list(listed.booking_pages)


async def test_nothing_is_missed_and_nothing_told_twice_whatever_becomes_of_the_server(service: Service) -> None:
    """A watch and a mirror, opened once, over five servers; each change comes once, and the copy is exact."""
    async with AsyncClient(service.address) as client:
        await service.add_account(client)
        seen: list[MirrorChange] = []
        revisions: list[int] = []
        async with client.watch() as watch, client.mirror() as mirror:
            mirror.on_change(seen.append)
            await mirror.wait_ready(PATIENCE)
            assert [type(await anext(watch)) for _ in range(2)] == [SnapshotStarted, SnapshotEnded]
            for turn, ending in enumerate([KILL, TERM, KILL, KILL]):
                await service.change_much(client, turn)
                if turn != 2:  # once, the watch has not read all that there is when the server is killed
                    await read_on(watch, revisions, service.latest)
                await service.end(ending)
                await service.start()
            await service.change_much(client, 4)
            await read_on(watch, revisions, service.latest)
            await mirror.wait_until(lambda m: m.get_page("shut-4") and not m.get_page("gone-4"), PATIENCE)
            assert revisions == list(range(1, service.latest + 1))
            assert await exact(mirror, client)
            assert mirror.accepting("open-0")
            assert not mirror.accepting("shut-0")
            assert [each for each in seen if each.before == each.after] == []


async def test_the_same_with_threads(service: Service) -> None:
    """The synchronous mirror is exact as well."""

    def holds(mirror: Mirror, turn: int) -> None:
        mirror.wait_until(lambda m: m.get_page(f"shut-{turn}") and not m.get_page(f"gone-{turn}"), PATIENCE)

    async with AsyncClient(service.address) as client:
        await service.add_account(client)
        with Client(service.address) as other, other.mirror() as mirror:
            await asyncio.to_thread(mirror.wait_ready, PATIENCE)
            for turn, ending in enumerate([KILL, TERM]):
                await service.change_much(client, turn)
                await service.end(ending)
                await service.start()
            await service.change_much(client, 2)
            await asyncio.to_thread(holds, mirror, 2)
            assert await exact(mirror, client)


async def test_a_subscriber_that_is_restarted_goes_on_from_its_token(service: Service, tmp_path: Path) -> None:
    """One after another, each with nothing but the file: together they are told each change once."""
    kept = TokenFile(tmp_path / "token")
    revisions: list[int] = []
    async with AsyncClient(service.address) as client:
        await service.add_account(client)
        async with client.watch() as watch:
            async for event in watch:
                kept.save(event.resume_token)
                if event.resume_token:
                    break
        for turn in range(3):
            await service.change_much(client, turn)
            async with client.watch(watch_pb.WatchRequest(resume_token=kept.load())) as watch:
                while not revisions or revisions[-1] < service.latest:
                    event = await anext(watch)
                    revisions.extend(change.revision for change in event.changes)
                    kept.save(event.resume_token)
    assert revisions == list(range(1, service.latest + 1))


async def test_calls_outlast_a_restart(service: Service) -> None:
    """Reads and repeatable mutations are made again by gRPC, and each mutation takes effect once."""
    async with AsyncClient(service.address) as client:
        await service.add_account(client)
        accounts = [accounts_pb.Account(display_name=f"Account {number}") for number in range(50)]
        requests = [accounts_pb.CreateAccountRequest(account=account) for account in accounts]
        calls = [asyncio.ensure_future(client.accounts.CreateAccount(request)) for request in requests]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        await service.end(KILL)
        await service.start()
        done = 0
        for call in calls:
            with suppress(UnavailableError):  # gRPC stops repeating where most calls fail: it says so, to some
                await call
                done += 1
        listed = await client.accounts.ListAccounts(accounts_pb.ListAccountsRequest(page_size=1000))
        names = [account.display_name for account in listed.accounts if account.id != "ann"]
        assert len(names) == len(set(names))
        assert len(names) >= done
