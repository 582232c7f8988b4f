"""The programs in examples/, as somebody runs them, against a real server."""

import asyncio
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from calguard.v1 import booking_page_pb2 as pages_pb
from calguard_client import AsyncClient
from tests.e2e.lasting_address import Service, lasting_address
from tests.patience import PATIENCE_SECONDS

EXAMPLES = Path(__file__).parents[2] / "examples"


class Example:
    """An example that is running."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def line(self) -> str:
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            return (await self.process.stdout.readline()).decode().rstrip("\n")

    async def ask(self, line: str) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        return await self.line()

    async def until(self, part: str) -> list[str]:
        lines = [await self.line()]
        while part not in lines[-1]:
            lines.append(await self.line())
        return lines

    async def asked_until(self, question: str, answer: str) -> None:
        """Ask again and again: the example answers from a copy, which is told of a change a moment later."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self.ask(question) != answer:
                await asyncio.to_thread(lambda: None)


@asynccontextmanager
async def running(name: str, *arguments: str) -> AsyncIterator[Example]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLES / name),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Example(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with lasting_address(tmp_path) as service:
        yield service


@pytest.mark.parametrize(
    ("name", "closed", "unknown"),
    [
        ("accepting.py", "this page takes no bookings at the moment", "there is no such page"),
        (
            "accepting_sync.py",
            "no bookings: the page accepts no bookings",
            "no bookings: there is no such page, or the mirror's filter leaves it out",
        ),
    ],
    ids=["asyncio", "threads"],
)
async def test_accepting(service: Service, name: str, closed: str, unknown: str) -> None:
    """It answers from memory, also while no server runs, and goes on with the next."""
    async with AsyncClient(service.address) as client:
        await service.add_account(client)
        await service.change_much(client, 0)
        async with running(name, service.address) as example:
            assert await example.line() == "2 pages are known"
            assert await example.ask("open-0") == "open-0: choose a time"
            assert await example.ask("shut-0") == f"shut-0: {closed}"
            assert await example.ask("gone-0") == f"gone-0: {unknown}"
            await service.end(signal.SIGKILL)
            assert await example.ask("open-0") == "open-0: choose a time"
            await service.start()
            await client.booking_pages.StopBookingPage(pages_pb.StopBookingPageRequest(id="open-0"))
            await example.asked_until("open-0", f"open-0: {closed}")
            assert example.process.stdin is not None
            example.process.stdin.close()
            assert await example.process.wait() == 0


def copy_of(path: Path) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT id, accepting FROM pages ORDER BY id").fetchall()


async def test_follow(service: Service, tmp_path: Path) -> None:
    """Killed and started again it goes on from where its copy stands; the copy is exact, and nothing comes twice."""
    copy = tmp_path / "pages.db"
    async with AsyncClient(service.address) as client:
        await service.add_account(client)
        await service.change_much(client, 0)
        async with running("follow.py", service.address, str(copy)) as example:
            await example.until("shut-0")
            await service.change_much(client, 1)
            await example.until(f"revision {service.latest}: gone-1 is gone")
        await service.change_much(client, 2)
        async with running("follow.py", service.address, str(copy)) as example:
            lines = await example.until(f"revision {service.latest}: ")
            assert [line.partition(":")[0] for line in lines] == [
                f"revision {revision}" for revision in range(service.latest - 4, service.latest + 1)
            ]
            await service.end(signal.SIGTERM)
            assert "interrupted" in await example.line()
            await service.start()
            await service.change_much(client, 3)
            await example.until(f"revision {service.latest}: ")
    assert copy_of(copy) == [(f"open-{turn}", 1) for turn in range(4)] + [(f"shut-{turn}", 0) for turn in range(4)]
