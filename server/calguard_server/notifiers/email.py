"""E-mail: hands one message for one recipient to the mail server, over a connection that is kept for the next.

1. A 4xx is tried again; a 5xx to the sender, the recipient or the content is permanent.
2. What goes wrong before that (connecting, TLS, login), and a demand to log in whenever it comes, is the operator's
   to mend and says nothing of the recipient: it is tried again, whatever its code.
3. Silence, or a lost connection, once the content was begun is an unknown outcome: it is tried again under the same
   Message-ID, and the detail says that it may have been sent.
4. Where STARTTLS is required and not offered, neither login nor message is sent.
5. A connection that rested and turns out to be closed (421, or lost) before the content is begun costs no attempt: the
   message goes on, once, over a new one.
6. Who finds every connection in use for long is given back, untried: messages never wait here for a slow mail server.
"""

import asyncio
import ssl
from datetime import timedelta

from msgspec.structs import replace

from calguard_server.domain.delivery import Outcome
from calguard_server.engine.ports.clock import Clock
from calguard_server.notifiers.envelope import mail_of, mailbox, sender
from calguard_server.notifiers.message import Address, NoticeMessage
from calguard_server.notifiers.smtp_attempt import SmtpAttempt
from calguard_server.notifiers.smtp_connection import TROUBLES, SmtpServer
from calguard_server.notifiers.smtp_connections import ConnectionLimits, NoPlaceError, SmtpConnections
from calguard_server.notifiers.smtp_options import SmtpOptions

_BUSY = Outcome(
    sent=False,
    tried=False,
    detail="SMTP_BUSY: every connection to the mail server is in use",
    retry_after=timedelta(seconds=5),
)


class EmailNotifier:
    """Sends e-mail. `timeout` is for one whole attempt, `wait` for a free connection before it.

    `tls_context` replaces the system's trusted authorities. Raises ValueError for a bad `email_from`.
    """

    def __init__(
        self,
        options: SmtpOptions,
        email_from: str,
        clock: Clock,
        *,
        timeout: timedelta = timedelta(seconds=30),
        wait: timedelta = timedelta(seconds=10),
        limits: ConnectionLimits | None = None,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self._sender = sender(email_from)
        self._clock = clock
        self._timeout = timeout
        self._wait = wait
        server = SmtpServer(options, self._sender.domain, tls_context or ssl.create_default_context(), timeout)
        self._connections = SmtpConnections(server, clock, limits or ConnectionLimits())

    async def send(self, message: NoticeMessage, address: Address) -> Outcome:
        """Try once to hand the message to the mail server."""
        try:
            recipient = mailbox(address.email, message.recipient_name)
        except ValueError:
            return Outcome(sent=False, permanent=True, detail="BAD_ADDRESS: not an e-mail address")
        content = mail_of(message, self._sender, recipient, self._clock.now())
        try:
            async with self._connections.place(self._wait):
                return replace(await self._attempt(recipient.addr_spec, content), address=recipient.addr_spec)
        except NoPlaceError:
            return _BUSY

    async def _attempt(self, recipient: str, content: bytes) -> Outcome:
        attempt = SmtpAttempt(self._connections, self._sender.addr_spec)
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                return await attempt.outcome_of(recipient, content)
        except TROUBLES as error:
            return attempt.broken(error)
        finally:
            await attempt.end()

    async def run(self) -> None:
        """End connections that nobody has needed for a while, until cancelled."""
        await self._connections.run()

    async def close(self) -> None:
        """End every connection that rests; those in use end with their message."""
        await self._connections.close()
