"""Notifiers for a mail server that a test runs, and one that says just what a test tells it to."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

from calguard_sandbox import Sandbox
from calguard_server.domain.delivery import Outcome
from calguard_server.engine.ports.clock import Clock
from calguard_server.notifiers.email import EmailNotifier
from calguard_server.notifiers.message import Address, NoticeMessage
from calguard_server.notifiers.smtp_connections import ConnectionLimits
from calguard_server.notifiers.smtp_options import SmtpOptions
from tests.unit.notice_messages import NOW, make_message

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


@asynccontextmanager
async def notifying(
    url: str | SmtpOptions,
    *,
    clock: Clock | None = None,
    patience: timedelta = PATIENCE,
    wait: timedelta = PATIENCE,
    limits: ConnectionLimits | None = None,
    email_from: str = "Bookings <noreply@booking.example>",
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[EmailNotifier]:
    """A notifier that hangs up at the end."""
    options = SmtpOptions.parse(url) if isinstance(url, str) else url
    made = EmailNotifier(
        options, email_from, clock or StillClock(), timeout=patience, wait=wait, limits=limits, tls_context=tls
    )
    try:
        yield made
    finally:
        await made.close()


async def send_once(
    url: str | SmtpOptions,
    message: NoticeMessage | None = None,
    address: Address = ANN,
    *,
    patience: timedelta = PATIENCE,
    tls: ssl.SSLContext | None = None,
) -> Outcome:
    """What becomes of one message by a notifier of its own."""
    async with notifying(url, patience=patience, tls=tls) as sender:
        return await sender.send(message or make_message(), address)


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
