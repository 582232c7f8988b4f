"""The whole sandbox: Google, Slack, SMTP and the control API, started and stopped together."""

import secrets
from collections.abc import Iterable
from types import TracebackType
from typing import Literal, Protocol, Self
from urllib.parse import quote

from aiohttp import web

from calguard_sandbox.browser import answer_consent
from calguard_sandbox.control.app import control_app
from calguard_sandbox.errors import NotKnownError
from calguard_sandbox.faults.placing import place
from calguard_sandbox.faults.rules import FaultBook, Rule
from calguard_sandbox.google.app import google_app
from calguard_sandbox.google.state import GoogleState
from calguard_sandbox.journal import Journal
from calguard_sandbox.listener import HttpListener
from calguard_sandbox.options import CLIENT_ID, CLIENT_SECRET, SLACK_TOKEN, SandboxOptions
from calguard_sandbox.slack.app import slack_app
from calguard_sandbox.slack.state import SlackState
from calguard_sandbox.slack.workspaces import SlackWorkspaces
from calguard_sandbox.smtp.certificate import certificate_and_key, server_context
from calguard_sandbox.smtp.server import MailHandler, SmtpListener
from calguard_sandbox.smtp.state import MailState
from calguard_sandbox.sources import Ids, Now, real_now
from calguard_sandbox.traffic import ReceivedRequest


class Listener(Protocol):
    """What all four surfaces have in common."""

    async def start(self) -> None:
        """Listen."""

    async def refuse(self) -> None:
        """Refuse connections until started again."""

    async def stop(self) -> None:
        """Stop for good."""


class Sandbox:
    """A local Google, Slack and SMTP.

    `google`, `slack` (the seeded workspace; `slack_workspaces` has them all) and `mail` are their states, `faults` the
    rules in force: change them directly, or over the
    control API, which calls the same methods. Use it with `async with`, or with start() and stop().
    """

    def __init__(self, options: SandboxOptions | None = None, *, now: Now = real_now) -> None:
        self.options = options or SandboxOptions()
        self.now = now
        ids = Ids(self.options.seed or secrets.token_hex(16))
        self.google = GoogleState(now, ids)
        self.slack = SlackState(now, ids)
        self.slack_workspaces = SlackWorkspaces(self.slack)
        self.mail = MailState()
        self.faults = FaultBook()
        self.google_requests: Journal[ReceivedRequest] = Journal()
        self.slack_requests: Journal[ReceivedRequest] = Journal()
        self._google = self._http(
            "google", google_app(self.google, self.faults, self.google_requests), self.options.google_port
        )
        self._slack = self._http(
            "slack", slack_app(self.slack_workspaces, self.faults, self.slack_requests), self.options.slack_port
        )
        self._control = self._http("control", control_app(self), self.options.control_port)
        tls = server_context(self.options.host) if self.options.smtp_starttls else None
        self._smtp = SmtpListener(self.options, MailHandler(self.mail, self.faults, now), tls)
        self._surfaces: dict[str, Listener] = {
            "google": self._google,
            "slack": self._slack,
            "smtp": self._smtp,
        }

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen on all four ports; none is left listening when one of them cannot."""
        try:
            for listener in (*self._surfaces.values(), self._control):
                await listener.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop listening, and break what hangs. The states can still be read."""
        self.faults.clear()
        for listener in (self._control, *self._surfaces.values()):
            await listener.stop()

    def reset(self) -> None:
        """Back to the seeded state, with no fault and nothing received."""
        self.faults.clear()
        self.google.reset()
        self.slack_workspaces.reset()
        self.mail.reset()
        self.google_requests.clear()
        self.slack_requests.clear()

    async def set_listening(self, surface: str, *, up: bool) -> None:
        """Let `google`, `slack` or `smtp` refuse connections, or listen again on the same port."""
        listener = self._surfaces.get(surface)
        if listener is None:
            raise NotKnownError("listener", surface)
        await listener.refuse()
        if up:
            await listener.start()

    def fault(
        self,
        respond: str | dict[str, object],
        *,
        surface: str | None = None,
        endpoint: str | None = None,
        user: str | None = None,
        calendar_id: str | None = None,
        channel: str | None = None,
        times: int | None = None,
        after: int = 0,
    ) -> Rule:
        """Put a fault in force, as POST /faults does: a name of the catalogue, or a raw answer.

        It strikes `times` calls (None: all) after skipping `after`; for SMTP `user` is the recipient.
        """
        match = {
            "surface": surface,
            "endpoint": endpoint,
            "user": user,
            "calendar_id": calendar_id,
            "channel": channel,
        }
        return place(self.faults, {"respond": respond, "match": match, "times": times, "after": after})

    async def consent(
        self,
        authorization_url: str,
        email: str,
        scopes: Iterable[str] | Literal["all"] = "all",
        *,
        deny: bool = False,
    ) -> str:
        """Do what a browser does on the consent page; the address of the callback that it would be sent to.

        `scopes` are the boxes to tick. Raises BadFieldError where Google shows an error page instead.
        """
        return await answer_consent(self.google_url, authorization_url, email, scopes, deny=deny)

    @property
    def google_url(self) -> str:
        """Google's address, without a trailing slash."""
        return self._url(self._google)

    @property
    def slack_url(self) -> str:
        """The Slack Web API's base, with its trailing slash, as slack_sdk wants it."""
        return f"{self._url(self._slack)}/api/"

    @property
    def control_url(self) -> str:
        """The control API's address, without a trailing slash."""
        return self._url(self._control)

    @property
    def smtp_port(self) -> int:
        """The SMTP server's port."""
        return self._smtp.port

    @property
    def smtp_url(self) -> str:
        """The SMTP server, as the server's setting writes it."""
        login = ""
        if self.options.smtp_user is not None and self.options.smtp_password is not None:
            login = f"{quote(self.options.smtp_user, safe='')}:{quote(self.options.smtp_password, safe='')}@"
        suffix = "" if self.options.smtp_starttls else "?starttls=off"
        return f"smtp://{login}{self.options.url_host}:{self.smtp_port}{suffix}"

    @property
    def smtp_certificate(self) -> str:
        """The PEM certificate that a client must trust, where STARTTLS is on."""
        return certificate_and_key(self.options.host)[0]

    def server_environment(self) -> dict[str, str]:
        """The variables that point a server at this sandbox, by their full names."""
        return {
            "CALGUARD_GOOGLE_CLIENT_ID": CLIENT_ID,
            "CALGUARD_GOOGLE_CLIENT_SECRET": CLIENT_SECRET,
            "CALGUARD_GOOGLE_AUTH_URI": f"{self.google_url}/o/oauth2/v2/auth",
            "CALGUARD_GOOGLE_TOKEN_URI": f"{self.google_url}/token",
            "CALGUARD_GOOGLE_REVOKE_URI": f"{self.google_url}/revoke",
            "CALGUARD_GOOGLE_CERTS_URI": f"{self.google_url}/oauth2/v1/certs",
            "CALGUARD_GOOGLE_API_ENDPOINT": f"{self.google_url}/calendar/v3/",
            "CALGUARD_SLACK_BASE_URL": self.slack_url,
            "CALGUARD_SLACK_BOT_TOKEN": SLACK_TOKEN,
            "CALGUARD_SMTP_URL": self.smtp_url,
        }

    def _http(self, name: str, app: web.Application, port: int) -> HttpListener:
        return HttpListener(name, app, self.options.host, port)

    def _url(self, listener: HttpListener) -> str:
        return f"http://{self.options.url_host}:{listener.port}"
