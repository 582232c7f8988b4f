"""One try to hand a message to the mail server: how far it came, and what its end means (the rules are email.py's)."""

import ssl
from enum import StrEnum
from typing import assert_never

from aiosmtplib.errors import SMTPResponseException

from calguard_server.domain.delivery import Outcome
from calguard_server.notifiers.cleaning import one_line
from calguard_server.notifiers.smtp_connection import TROUBLES, SmtpConnection, StartTlsMissingError
from calguard_server.notifiers.smtp_connections import SmtpConnections

DETAIL_MAX = 200
_CLOSING_CODE = 421
_LOGIN_CODES = frozenset({530, 534, 535, 538})  # RFC 4954: log in, log in otherwise, wrong login, encrypt first
_REFUSAL_CODES = range(400, 600)
_PERMANENT_CODES = range(500, 600)


class _Phase(StrEnum):
    """How far an attempt came."""

    SETUP = "SETUP"
    ENVELOPE = "ENVELOPE"
    CONTENT = "CONTENT"


class SmtpAttempt:
    """One message to one recipient. What was answered stands, however the connection ends after it."""

    def __init__(self, connections: SmtpConnections, origin: str) -> None:
        self._connections = connections
        self._origin = origin
        self._phase = _Phase.SETUP
        self._connection: SmtpConnection | None = None
        self._in_order = False

    async def outcome_of(self, recipient: str, content: bytes) -> Outcome:
        """Make the attempt. Raises what of TROUBLES is no answer; `broken` tells what that means."""
        try:
            connection = await self._open_envelope(recipient)
            return await self._send_content(connection, content)
        except StartTlsMissingError:
            return Outcome(sent=False, detail="STARTTLS_NOT_OFFERED: the mail server offers no STARTTLS")
        except SMTPResponseException as refusal:
            return self._refused(refusal)

    async def end(self) -> None:
        """Give the connection back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await self._connections.done(connection, in_order=self._in_order)

    async def _open_envelope(self, recipient: str) -> SmtpConnection:
        """Say from whom to whom; where a connection that rested breaks off meanwhile, once more over a new one."""
        self._connection = connection = await self._connections.take()
        try:
            await self._say_envelope(connection, recipient)
        except TROUBLES as error:
            if not (connection.used_before and _breaks_off(error)):
                raise
            await self.end()
            self._phase = _Phase.SETUP
            self._connection = connection = await self._connections.open()
            await self._say_envelope(connection, recipient)
        return connection

    async def _say_envelope(self, connection: SmtpConnection, recipient: str) -> None:
        self._phase = _Phase.ENVELOPE
        await connection.client.mail(self._origin)
        await connection.client.rcpt(recipient)

    async def _send_content(self, connection: SmtpConnection, content: bytes) -> Outcome:
        self._phase = _Phase.CONTENT
        answer = await connection.client.data(content)
        self._in_order = True
        return Outcome(sent=True, detail=f"SMTP {answer.code}: {one_line(answer.message, DETAIL_MAX)}")

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
                of_session = refusal.code in _LOGIN_CODES or refusal.code == _CLOSING_CODE
                self._in_order = not of_session
                permanent = refusal.code in _PERMANENT_CODES and not of_session
                detail = f"SMTP {refusal.code}: {one_line(refusal.message, DETAIL_MAX)}"
                return Outcome(sent=False, permanent=permanent, detail=detail)
            case _:
                assert_never(self._phase)

    def broken(self, error: Exception) -> Outcome:
        """Tell what became of a message whose attempt broke off, or took too long."""
        doubtful = self._phase is _Phase.CONTENT
        return Outcome(sent=False, doubtful=doubtful, detail=f"{_trouble(error)}{self._doubt}")

    @property
    def _doubt(self) -> str:
        return "; the message may have been sent" if self._phase is _Phase.CONTENT else ""


def _breaks_off(error: Exception) -> bool:
    """Whether the server closes the connection, or has; silence is something else."""
    if isinstance(error, SMTPResponseException):
        return error.code == _CLOSING_CODE
    return isinstance(error, OSError) and not isinstance(error, TimeoutError)


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
