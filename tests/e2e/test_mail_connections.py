"""A whole server's connections to its mail server: shared, ended when they rest for long, ended as the server stops."""

import asyncio
from datetime import timedelta
from pathlib import Path

from calguard.v1 import calendar_link_pb2 as links_pb
from tests.e2e.backend import Backend, running_backend
from tests.e2e.stubs import ALL
from tests.integration.mail_server import HANG_UP, Session, mail_server


async def break_and_mend(backend: Backend) -> links_pb.CalendarLink:
    """Two messages to Ann, one after the other."""
    await backend.add_account("ann")
    link = await backend.link("ann")
    await backend.add_page("page", ALL, "ann", "ann")
    await backend.break_link(link)
    await backend.settled()
    mended = await backend.relink(link)
    await backend.settled()
    return mended


async def test_messages_share_a_connection_that_ends_with_the_server(tmp_path: Path) -> None:
    """By QUIT."""
    async with mail_server() as server:
        async with running_backend(tmp_path, smtp_url=server.url) as backend:
            await break_and_mend(backend)
            [session] = server.sessions
            assert len(session.contents) == 2
        await session.over.wait()
        assert session.commands[-1] == "QUIT"


async def test_a_connection_that_rests_is_ended_while_the_server_runs(tmp_path: Path) -> None:
    """After half a minute without a message."""
    async with mail_server() as server, running_backend(tmp_path, smtp_url=server.url) as backend:
        await break_and_mend(backend)
        over = asyncio.ensure_future(server.sessions[0].over.wait())
        while not over.done():
            backend.clock.advance(timedelta(seconds=1))
            await asyncio.wait([over], timeout=0.01)
        assert server.sessions[0].commands[-1] == "QUIT"


async def test_each_try_is_the_same_message(tmp_path: Path) -> None:
    """Whatever became of the one before: a mail program can drop the second copy. Each has one recipient."""

    def say(_session: Session, command: str) -> bytes | None:
        tries = sum(len(session.all_contents) for session in server.sessions)
        return HANG_UP if command == "." and tries <= 3 else None

    async with mail_server(say) as server, running_backend(tmp_path, smtp_url=server.url) as backend:
        await backend.add_account("ann")
        link = await backend.link("ann")
        await backend.add_page("page", ALL, "ann", "ann")
        await backend.break_link(link)
        [notice] = [each for each in await backend.settled() if "ann@" in each.address and each.attempts > 1]
        assert notice.attempts == 4
        received = [content for session in server.sessions for content in session.all_contents]
        ids = {line for content in received for line in content.splitlines() if line.startswith(b"Message-ID:")}
        assert len(received) == 4
        assert ids == {f"Message-ID: <{notice.id}@localhost>".encode()}
        assert [session.count("RCPT") for session in server.sessions] == [1] * 4
