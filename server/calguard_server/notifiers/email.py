"""E-mail: hands one message for one recipient to the mail server, over a connection of its own.

1. A 4xx is tried again; a 5xx to the sender, the recipient or the content is permanent.
2. What goes wrong before that (connecting, TLS, login), and a demand to log in whenever it comes, is the operator's
   to mend and says nothing of the recipient: it is tried again, whatever its code.
3. Silence, or a lost connection, once the content was begun is an unknown outcome: it is tried again under the same
   Message-ID, and the detail says that it may have been sent.
4. Where STARTTLS is required and not offered, neither login nor message is sent.
"""

import asyncio
import ssl
from datetime import timedelta
from email.headerregistry import Address as Mailbox
from enum import StrEnum
from typing import assert_never

from aiosmtplib import SMTP
from aiosmtplib.errors import SMTPException, SMTPResponseException
from msgspec.structs import replace

from calguard_server.domain.delivery import Outcome
from calguard_server.engine.ports import Clock
from calguard_server.notifiers.cleaning import one_line
from calguard_server.notifiers.envelope import mail_of, mailbox, sender
from calguard_server.notifiers.message import Address, NoticeMessage
from calguard_server.notifiers.smtp_options import SmtpOptions, Tls

DETAIL_MAX = 200
_LOGIN_CODES = frozenset({530, 534, 535, 538})  # RFC 4954: log in, log in otherwise, wrong login, encrypt first
_REFUSAL_CODES = range(400, 600)
_PERMANENT_CODES = range(500, 600)


class EmailNotifier:
    """Sends e-mail. `timeout` is for one whole attempt; `tls_context` replaces the system's trusted authorities.

    Raises ValueError for a bad `email_from`.
    """

    def __init__(
        self,
        options: SmtpOptions,
        email_from: str,
        clock: Clock,
        *,
        timeout: timedelta = timedelta(seconds=30),
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self._options = options
        self._sender = sender(email_from)
        self._clock = clock
        self._timeout = timeout
        self._tls_context = tls_context or ssl.create_default_context()

    async def send(self, message: NoticeMessage, address: Address) -> Outcome:
        """Try once to hand the message to the mail server."""
        try:
            recipient = mailbox(address.email, message.recipient_name)
        except ValueError:
            return Outcome(sent=False, permanent=True, detail="BAD_ADDRESS: not an e-mail address")
        content = mail_of(message, self._sender, recipient, self._clock.now())
        attempt = _Attempt(self._options, self._sender, self._tls_context, self._timeout)
        return await attempt.outcome_of(recipient.addr_spec, content)


class _Phase(StrEnum):
    """How far an attempt came."""

    SETUP = "SETUP"
    ENVELOPE = "ENVELOPE"
    CONTENT = "CONTENT"


class _Attempt:
    """One connection, one message. What was answered stands, however the connection ends after it."""

    def __init__(self, options: SmtpOptions, origin: Mailbox, tls_context: ssl.SSLContext, timeout: timedelta) -> None:
        self._options = options
        self._origin = origin.addr_spec
        self._seconds = timeout.total_seconds()
        self._phase = _Phase.SETUP
        self._outcome: Outcome | None = None
        self._client = SMTP(
            hostname=options.host,
            port=options.port,
            use_tls=options.tls is Tls.IMPLICIT,
            start_tls=False,  # asked for below, where its absence can be told from other failures
            tls_context=tls_context,
            timeout=self._seconds,
            local_hostname=origin.domain,  # this machine's own name costs a DNS query, and is nobody's business
        )

    async def outcome_of(self, recipient: str, content: bytes) -> Outcome:
        """Make the attempt."""
        try:
            async with asyncio.timeout(self._seconds):
                self._outcome = await self._answer(recipient, content)
                await self._client.quit()
        except (SMTPException, OSError, TimeoutError) as error:
            self._outcome = self._outcome or self._broken(error)
        finally:
            self._client.close()
        return replace(self._outcome, address=recipient)

    async def _answer(self, recipient: str, content: bytes) -> Outcome:
        try:
            await self._client.connect()
            await self._client.ehlo()
            if self._options.tls is Tls.STARTTLS and not self._client.supports_extension("starttls"):
                return Outcome(sent=False, detail="STARTTLS_NOT_OFFERED: the mail server offers no STARTTLS")
            await self._secure_and_log_in()
            self._phase = _Phase.ENVELOPE
            await self._client.mail(self._origin)
            await self._client.rcpt(recipient)
            self._phase = _Phase.CONTENT
            await self._client.data(content)
        except SMTPResponseException as refusal:
            return self._refused(refusal)
        return Outcome(sent=True)

    async def _secure_and_log_in(self) -> None:
        if self._options.tls is Tls.STARTTLS:
            await self._client.starttls()
        if self._options.password is not None:
            await self._client.login(self._options.username, self._options.password.reveal())

    def _refused(self, refusal: SMTPResponseException) -> Outcome:
        match self._phase:
            case _Phase.SETUP:
                # The server's words are left out: it may repeat what it was given to log in with.
                detail = f"SMTP {refusal.code}: refused before the message, at connect or login"
                return Outcome(sent=False, detail=detail)
            case _Phase.ENVELOPE | _Phase.CONTENT if refusal.code not in _REFUSAL_CODES:
                return Outcome(
                    sent=False,
                    doubtful=self._phase is _Phase.CONTENT,
                    detail=f"UNREADABLE_ANSWER: the mail server does not speak SMTP{self._doubt}",
                )
            case _Phase.ENVELOPE | _Phase.CONTENT:
                permanent = refusal.code in _PERMANENT_CODES and refusal.code not in _LOGIN_CODES
                detail = f"SMTP {refusal.code}: {one_line(refusal.message, DETAIL_MAX)}"
                return Outcome(sent=False, permanent=permanent, detail=detail)
            case _:
                assert_never(self._phase)

    def _broken(self, error: Exception) -> Outcome:
        doubtful = self._phase is _Phase.CONTENT
        return Outcome(sent=False, doubtful=doubtful, detail=f"{_trouble(error)}{self._doubt}")

    @property
    def _doubt(self) -> str:
        return "; the message may have been sent" if self._phase is _Phase.CONTENT else ""


def _trouble(error: Exception) -> str:
    """Name what went wrong; aiosmtplib wraps what fails while connecting, TLS too."""
    match error:
        case TimeoutError():
            return "TIMEOUT: no answer from the mail server"
        case _ if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
            return "TLS_FAILED: no trusted connection with the mail server"
        case OSError():
            return "CONNECTION_LOST: the mail server cannot be reached, or hung up"
        case _:
            return "SMTP_UNSUPPORTED: the mail server lacks what is needed, such as a way to log in"
