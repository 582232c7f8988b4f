"""The watch at its limits: tokens that are no good, history that is gone, readers that do not read, a server's end."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from google.protobuf.duration_pb2 import Duration
from grpc_health.v1 import health_pb2, health_pb2_grpc

from calguard.v1 import watch_pb2 as watch_pb
from calguard_client.refusal import Refusal
from tests.e2e.backend import Backend, running_backend
from tests.e2e.stubs import ALL, refused, told
from tests.e2e.watching import Watcher
from tests.patience import PATIENCE_SECONDS

HISTORY_KEPT = 1000
"""How many revisions are kept, however old."""


@pytest.fixture(autouse=True)
async def ann(backend: Backend) -> None:
    await backend.add_account("ann")


async def token_of(backend: Backend, **filters: object) -> str:
    watcher = backend.watch(**filters)
    await watcher.snapshot()
    watcher.cancel()
    return watcher.token


async def refusal_of(backend: Backend, **fields: object) -> Refusal:
    return await refused(backend.watch(**fields).read())


@pytest.mark.parametrize("spoil", [lambda token: token[:-6], lambda token: token[::-1], lambda _: "a", lambda _: "é"])
async def test_token_that_is_none(backend: Backend, spoil: Any) -> None:  # noqa: ANN401 - a function of a token
    """What is not a token as it was received is TOKEN_INVALID."""
    refusal = await refusal_of(backend, resume_token=spoil(await token_of(backend)))
    assert told(refusal) == ("INVALID_ARGUMENT", "TOKEN_INVALID")


async def test_token_of_another_store(backend: Backend, tmp_path: Path) -> None:
    """A token of another installation is TOKEN_STORE_MISMATCH."""
    (tmp_path / "other").mkdir()
    async with running_backend(tmp_path / "other") as other:
        foreign = await token_of(other)
    refusal = await refusal_of(backend, resume_token=foreign)
    assert told(refusal) == ("INVALID_ARGUMENT", "TOKEN_STORE_MISMATCH")


async def test_token_of_another_filter(backend: Backend) -> None:
    """A token is good for the filters it came with, in whatever order they are named, and for no others."""
    token = await token_of(backend, account_ids=["ann", "ben"])
    for fields in ({}, {"account_ids": ["ann"]}, {"booking_page_ids": ["ann", "ben"]}):
        refusal = await refusal_of(backend, resume_token=token, **fields)
        assert told(refusal) == ("INVALID_ARGUMENT", "TOKEN_FILTER_MISMATCH")
    await backend.add_page("page", ALL, "ann")
    resumed = backend.watch(resume_token=token, account_ids=["ben", "ann", "ann"])
    assert await resumed.up_to(1) == [1]
    resumed.cancel()


async def test_token_from_the_future(backend: Backend, tmp_path: Path) -> None:
    """After a backup was restored, a token of what is no longer there is TOKEN_FROM_FUTURE, and not a silent hole."""
    await backend.add_page("kept", ALL, "ann")
    await backend.stop()
    shutil.copy(backend.database, tmp_path / "backup.db")
    await backend.restart()
    await backend.add_page("lost", ALL, "ann")
    token = await token_of(backend)
    await backend.stop()
    shutil.copy(tmp_path / "backup.db", backend.database)
    await backend.restart()
    refusal = await refusal_of(backend, resume_token=token)
    assert told(refusal) == ("OUT_OF_RANGE", "TOKEN_FROM_FUTURE")
    assert refusal.metadata["latest_revision"] == "1"


async def test_token_of_what_was_undone(backend: Backend, tmp_path: Path) -> None:
    """After a backup was restored, a token of what was undone stays refused when as much was made again.

    The revisions would fit, and tell of something else. A token of the time before the backup is good.
    """
    await backend.add_page("kept", ALL, "ann")
    shared = await token_of(backend)
    await backend.stop()
    shutil.copy(backend.database, tmp_path / "backup.db")
    await backend.restart()
    same = await token_of(backend)
    await backend.add_page("lost", ALL, "ann")
    undone = await token_of(backend)
    await backend.stop()
    shutil.copy(tmp_path / "backup.db", backend.database)
    await backend.restart()
    await add_pages(backend, "new", 3)
    for token in (undone, same):  # of a run that the restored store knows nothing of
        assert told(await refusal_of(backend, resume_token=token)) == ("OUT_OF_RANGE", "TOKEN_FROM_FUTURE")
    resumed = backend.watch(resume_token=shared)
    assert await resumed.up_to(4) == [2, 3, 4]
    resumed.cancel()


async def test_token_of_what_was_undone_in_the_same_run(backend: Backend, tmp_path: Path) -> None:
    """So is a token of the run in which the backup was made, if it is of later than that."""
    await backend.add_page("kept", ALL, "ann")
    before = await token_of(backend)
    with closing(sqlite3.connect(backend.database)) as live, closing(sqlite3.connect(tmp_path / "backup.db")) as copy:
        live.backup(copy)
    await backend.add_page("lost", ALL, "ann")
    undone = await token_of(backend)
    await backend.stop()
    shutil.copy(tmp_path / "backup.db", backend.database)
    await backend.restart()
    await add_pages(backend, "new", 3)
    assert told(await refusal_of(backend, resume_token=undone)) == ("OUT_OF_RANGE", "TOKEN_FROM_FUTURE")
    resumed = backend.watch(resume_token=before)
    assert await resumed.up_to(4) == [2, 3, 4]
    resumed.cancel()


async def test_history_that_is_gone(backend: Backend) -> None:
    """After a day, all but the last 1,000 revisions are gone: RESUME_TOKEN_EXPIRED; from those one can go on."""
    oldest = await token_of(backend)
    await add_pages(backend, "early", 100)
    still_good = await token_of(backend)
    await add_pages(backend, "late", HISTORY_KEPT)
    await backend.pass_time(hours=25)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (refusal := await refusal_if_any(backend, oldest)) is None:
            await backend.pass_time(minutes=10)
    assert told(refusal) == ("OUT_OF_RANGE", "RESUME_TOKEN_EXPIRED")
    assert refusal.metadata["oldest_revision"] == "101"
    resumed = backend.watch(resume_token=still_good)
    assert await resumed.up_to(100 + HISTORY_KEPT) == list(range(101, 101 + HISTORY_KEPT))
    resumed.cancel()
    await backend.restart()
    assert told(await refusal_of(backend, resume_token=oldest)) == ("OUT_OF_RANGE", "RESUME_TOKEN_EXPIRED")


async def refusal_if_any(backend: Backend, token: str) -> Refusal | None:
    watcher = backend.watch(resume_token=token)
    try:
        await watcher.read()
    except grpc.aio.AioRpcError as error:
        return Refusal.of(error)
    watcher.cancel()
    return None


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"account_ids": ["a b"]}, "account_ids[0]"),
        ({"calendar_link_ids": ["ok", ""]}, "calendar_link_ids[1]"),
        ({"booking_page_ids": ["x"] * 1001}, "booking_page_ids"),
        ({"kinds": [watch_pb.RESOURCE_KIND_UNSPECIFIED]}, "kinds[0]"),
        ({"kinds": [77]}, "kinds[0]"),
        ({"progress_interval": Duration(nanos=1)}, "progress_interval"),
        ({"progress_interval": Duration(seconds=61)}, "progress_interval"),
        ({"progress_interval": Duration(seconds=-(2**62), nanos=-1)}, "progress_interval"),
    ],
)
async def test_bad_watch(backend: Backend, fields: dict[str, object], named: str) -> None:
    """A watch with a bad field is refused and names it."""
    refusal = await refusal_of(backend, **fields)
    assert refusal.code.name == "INVALID_ARGUMENT"
    assert [bad.field for bad in refusal.fields] == [named]


async def test_token_and_skip_snapshot(backend: Backend) -> None:
    """A token and skip_snapshot contradict one another."""
    refusal = await refusal_of(backend, resume_token=await token_of(backend), skip_snapshot=True)
    assert (refusal.code.name, [bad.field for bad in refusal.fields]) == ("INVALID_ARGUMENT", ["skip_snapshot"])


async def test_reader_that_does_not_read(backend: Backend) -> None:
    """A stream that was not read while thousands of changes were made gets all of them afterwards, from the log."""
    long_ids = await add_accounts_with_long_ids(backend, 100)
    link = await backend.link("ann")
    await add_pages(backend, "page", 300, "ann", *long_ids)
    ring: Any = backend.app._feed._backlog._ring
    ring._capacity = 100_000  # so that what was not sent must come from the log
    patient = grpc.aio.insecure_channel(
        f"127.0.0.1:{backend.app.port}", options=[("grpc.max_receive_message_length", -1)]
    )
    lazy = Watcher(patient)
    await lazy.snapshot()
    began = max(change.revision for change in lazy.known)
    for _ in range(4):  # some 16 MiB, which is more than lies in buffers
        await backend.break_link(link)
        link = await backend.relink(link)
    ended = max(page.revision for page in await backend.all_pages())
    assert ring.floor > began
    assert await lazy.up_to(ended) == list(range(began + 1, ended + 1))
    assert len(lazy.changes) == 8 * 301
    await patient.close()


async def test_snapshot_of_large_pages(backend: Backend) -> None:
    """A snapshot can be read by a client with grpc's default limit of 4 MiB a message, however large the pages are."""
    long_ids = await add_accounts_with_long_ids(backend, 500)
    await add_pages(backend, "page", 130, *long_ids)
    watcher = backend.watch()
    assert len(await watcher.snapshot()) == 130
    watcher.cancel()


async def test_backlog_of_large_pages(backend: Backend) -> None:
    """What a resumed watch has missed can be read by such a client too."""
    token = await token_of(backend)
    long_ids = await add_accounts_with_long_ids(backend, 500)
    await add_pages(backend, "page", 130, *long_ids)
    watcher = backend.watch(resume_token=token)
    assert await watcher.up_to(130) == list(range(1, 131))
    watcher.cancel()


async def test_draining(backend: Backend) -> None:
    """A server that stops sends what is committed, says that it closes, and ends the stream as UNAVAILABLE."""
    watcher = backend.watch()
    await watcher.snapshot()
    health: Any = health_pb2_grpc.HealthStub(backend.channel)
    statuses = health.Watch(health_pb2.HealthCheckRequest(service="calguard.v1.WatchService"))
    assert (await statuses.read()).status == health_pb2.HealthCheckResponse.SERVING
    await backend.add_page("page", ALL, "ann")
    stopping = asyncio.ensure_future(backend.app.stop())
    assert (await statuses.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
    assert told(await watcher.ended()) == ("UNAVAILABLE", "SERVER_DRAINING")
    assert watcher.revisions == [1]
    assert watcher.messages[-1].closing.reason == "SERVER_DRAINING"
    assert watcher.messages[-1].resume_token
    statuses.cancel()
    await stopping
    await backend.restart()
    resumed = backend.watch(resume_token=watcher.token)
    await backend.add_page("after", ALL, "ann")
    assert await resumed.up_to(2) == [2]
    resumed.cancel()


async def add_pages(backend: Backend, prefix: str, count: int, *members: str) -> None:
    await asyncio.gather(*(backend.add_page(f"{prefix}-{number}", ALL, "ann", *members) for number in range(count)))


async def add_accounts_with_long_ids(backend: Backend, count: int) -> list[str]:
    ids = [f"{number:063}" for number in range(count)]
    await asyncio.gather(*(backend.add_account(each, email="", display_name="Long") for each in ids))
    return ids
