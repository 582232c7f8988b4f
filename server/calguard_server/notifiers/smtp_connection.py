"""One connection to the mail server: how it is opened, asked, and ended."""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from aiosmtplib import SMTP
from aiosmtplib.errors import SMTPException

from calguard_server.notifiers.smtp_options import SmtpOptions, Tls

TROUBLES = (SMTPException, OSError, TimeoutError)
"""What aiosmtplib raises for whatever a server does, or fails to do."""


class StartTlsMissingError(Exception):
    """STARTTLS is required and the server offers none; nothing was sent but EHLO."""


class SmtpConnection:
    """A connection over which messages can be sent; `reply` is how long RSET and QUIT may take."""

    def __init__(self, client: SMTP, reply: timedelta) -> None:
        self.client = client
        self._reply_seconds = reply.total_seconds()
        self.messages = 0
        self.resting_since = 0.0

    @property
    def used_before(self) -> bool:
        """Whether it carried a message, so that it may have gone stale since."""
        return self.messages > 0

    async def answers(self) -> bool:
        """Ask whether it can take a message; whatever was begun over it is dropped."""
        try:
            async with asyncio.timeout(self._reply_seconds):
                await self.client.rset()
        except TROUBLES:
            return False
        return self.client.is_connected

    async def end(self) -> None:
        """End it by QUIT, as far as the server still listens."""
        try:
            with suppress(*TROUBLES):  # what was sent is sent, however the goodbye ends
                async with asyncio.timeout(self._reply_seconds):
                    await self.client.quit()
        finally:
            self.client.close()


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """The mail server, and how it is spoken to. `timeout` is for each answer while connecting."""

    options: SmtpOptions
    local_hostname: str
    tls_context: ssl.SSLContext
    timeout: timedelta

    async def connect(self, reply: timedelta) -> SmtpConnection:
        """Connect, secure the connection as the options say, and log in.

        Raises StartTlsMissingError, and any of TROUBLES.
        """
        client = SMTP(
            hostname=self.options.host,
            port=self.options.port,
            use_tls=self.options.tls is Tls.IMPLICIT,
            start_tls=False,  # asked for below, where its absence can be told from other failures
            tls_context=self.tls_context,
            timeout=self.timeout.total_seconds(),
            local_hostname=self.local_hostname,  # this machine's own costs a DNS query, and is nobody's business
        )
        connection = SmtpConnection(client, reply)
        try:
            await client.connect()
            await client.ehlo()
            await self._secure_and_log_in(client)
        except StartTlsMissingError:
            await connection.end()
            raise
        except BaseException:
            client.close()
            raise
        return connection

    async def _secure_and_log_in(self, client: SMTP) -> None:
        if self.options.tls is Tls.STARTTLS:
            if not client.supports_extension("starttls"):
                raise StartTlsMissingError
            await client.starttls()
        if self.options.password is not None:
            await client.login(self.options.username, self.options.password.reveal())
