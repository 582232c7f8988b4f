"""Notifiers for a mail server that a test runs, and one that says just what a test tells it to."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

from calguard_sandbox import Sandbox
from calguard_server.notifiers.email import EmailNotifier
from calguard_server.notifiers.message import Address
from calguard_server.notifiers.smtp_options import SmtpOptions
from tests.unit.notice_messages import NOW

ANN = Address(email="ann@example.com")
PATIENCE = timedelta(seconds=20)
SHORT = timedelta(milliseconds=800)


class StillClock:
    def now(self) -> datetime:
        return NOW

    def timer(self) -> float:
        return NOW.timestamp()

    async def sleep(self, _duration: timedelta) -> None:
        raise AssertionError("a notifier never sleeps")


def notifier(
    url: str,
    *,
    timeout: timedelta = PATIENCE,
    email_from: str = "Bookings <noreply@booking.example>",
    tls: ssl.SSLContext | None = None,
) -> EmailNotifier:
    return EmailNotifier(SmtpOptions.parse(url), email_from, StillClock(), timeout=timeout, tls_context=tls)


def trusting(sandbox: Sandbox) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=sandbox.smtp_certificate)


@asynccontextmanager
async def scripted(answers: Sequence[bytes]) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that greets and answers line by line as it is told, and keeps the lines it got."""
    lines: list[bytes] = []
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            for answer in answers:
                writer.write(answer)
                if line := await reader.readline():
                    lines.append(line)
            writer.close()
            await writer.wait_closed()
        ended.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], lines
        await ended.wait()
