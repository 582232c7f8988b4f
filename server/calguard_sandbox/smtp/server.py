"""The SMTP listener, in the sandbox's own event loop."""

import asyncio
import hmac
import ssl
import warnings

from aiosmtpd.smtp import SMTP, AuthenticatorType, AuthResult, Envelope, LoginPassword, Session

from calguard_sandbox.errors import ListenerError
from calguard_sandbox.faults.answers import Breakage, NetworkFault, SmtpReply
from calguard_sandbox.faults.rules import Call, FaultBook
from calguard_sandbox.options import SandboxOptions
from calguard_sandbox.smtp.state import MailState, parse
from calguard_sandbox.sources import Now

CLOSING = 421


class MailHandler:
    """Answers MAIL, RCPT and DATA: as the faults say, or by taking what comes."""

    def __init__(self, state: MailState, faults: FaultBook, now: Now) -> None:
        self._state = state
        self._faults = faults
        self._now = now

    async def handle_MAIL(  # noqa: N802 - aiosmtpd finds its hooks by name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, mail_options: list[str]
    ) -> str:
        """MAIL FROM."""
        refusal = await self._fault(server, "mail", [])
        if refusal is not None:
            return refusal
        envelope.mail_from = address
        envelope.mail_options.extend(mail_options)
        return "250 2.1.0 Sender ok"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd finds its hooks by name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        """RCPT TO: one answer a recipient."""
        refusal = await self._fault(server, "rcpt", [address])
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 2.1.5 Recipient ok"

    async def handle_DATA(  # noqa: N802 - aiosmtpd finds its hooks by name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """The message itself."""
        rule = self._faults.take(_call("data", envelope.rcpt_tos))
        if rule is None or (isinstance(rule.answer, NetworkFault) and rule.answer.acted):
            self._keep(session, envelope)
        if rule is None:
            return f"250 2.0.0 Ok: queued as {self._state.received.last}"
        return await self._answer(server, rule.answer)

    async def _fault(self, server: SMTP, phase: str, recipients: list[str]) -> str | None:
        rule = self._faults.take(_call(phase, recipients))
        return None if rule is None else await self._answer(server, rule.answer)

    async def _answer(self, server: SMTP, answer: object) -> str:
        match answer:
            case SmtpReply(code, text):
                return f"{code} {text}"
            case NetworkFault(breakage):
                if breakage is Breakage.HANG:
                    await self._faults.hang()
                if breakage is Breakage.GARBAGE:
                    await server.push("this is not SMTP")
                if breakage is Breakage.CUT_SHORT:
                    await server.push("250-and so on")
                break_off(server.transport)
                return f"{CLOSING} closing"
            case other:
                raise TypeError(f"not an answer to an SMTP command: {other}")

    def _keep(self, session: Session, envelope: Envelope) -> None:
        login = str(session.auth_data) if session.authenticated else None
        mail = parse(
            envelope.original_content or b"",
            time=self._now(),
            sender=envelope.mail_from or "",
            recipients=envelope.rcpt_tos,
            tls=session.ssl is not None,
            login=login,
        )
        self._state.received.append(mail)


class SmtpListener:
    """Listens, and knows its open connections, so that stopping leaves none behind."""

    def __init__(self, options: SandboxOptions, handler: MailHandler, tls: ssl.SSLContext | None) -> None:
        self._options = options
        self._handler = handler
        self._tls = tls
        self._open: set[_Connection] = set()
        self._server: asyncio.Server | None = None
        self._port = options.smtp_port

    @property
    def port(self) -> int:
        """The port, known once it has listened."""
        if self._port == 0:
            raise ListenerError("smtp has not been started")
        return self._port

    async def start(self) -> None:
        """Listen; after a stop on the same port again."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, self._options.host, self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Refuse connections, and break what is open, until start() is called again."""
        await self.stop()

    async def stop(self) -> None:
        """Close the listener and break what is open."""
        if self._server is None:
            return
        self._server.close()
        await self._server.wait_closed()
        self._server = None
        for protocol in list(self._open):
            protocol.abort()
        await asyncio.gather(*(protocol.ended for protocol in list(self._open)))

    def _protocol(self) -> "_Connection":
        with warnings.catch_warnings():
            # It warns of passwords in the clear; everything here stays on loopback.
            warnings.simplefilter("ignore", UserWarning)
            return _Connection(self._handler, self._options, self._tls, self._open)


class _Connection(SMTP):
    """One client's connection, held in a set while it is open."""

    def __init__(
        self,
        handler: MailHandler,
        options: SandboxOptions,
        tls: ssl.SSLContext | None,
        connections: set["_Connection"],
    ) -> None:
        super().__init__(
            handler,
            hostname="sandbox.localhost",
            tls_context=tls,
            require_starttls=tls is not None,
            auth_required=options.smtp_user is not None,
            auth_require_tls=False,
            authenticator=_authenticator(options),
            loop=asyncio.get_running_loop(),
        )
        self._connections = connections
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        if not self.ended.done():
            self.ended.set_result(None)
        super().connection_lost(error)

    def abort(self) -> None:
        break_off(self.transport)


def break_off(transport: asyncio.BaseTransport | None) -> None:
    """Break a connection without a word, if it is still there."""
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()


def _authenticator(options: SandboxOptions) -> AuthenticatorType | None:
    user, password = options.smtp_user, options.smtp_password
    if user is None or password is None:
        return None

    def check(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: object) -> AuthResult:
        right = (
            isinstance(given, LoginPassword)
            and hmac.compare_digest(given.login, user.encode())
            and hmac.compare_digest(given.password, password.encode())
        )
        return AuthResult(success=right, handled=False, auth_data=user if right else None)

    return check


def _call(phase: str, recipients: list[str]) -> Call:
    return Call("smtp", phase, frozenset(recipient.lower() for recipient in recipients))
