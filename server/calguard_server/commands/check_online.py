"""What `calguard-server check --online` asks Google, Slack and the mail server; nothing is sent to anybody by it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp

from calguard_server.commands.findings import Finding, failed, fine, skipped
from calguard_server.domain.causes import CauseReason
from calguard_server.domain.secret import Secret
from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.ports.provider_errors import CodeRefusedError, ProviderFailureError
from calguard_server.engine.ports.slack import SlackTokenRefusedError, SlackUnreachableError
from calguard_server.google.identity import CertificateStore, IdentityVerifier
from calguard_server.google.oauth import OAuth
from calguard_server.google.transport import Transport, unobserved
from calguard_server.notifiers.cleaning import one_line
from calguard_server.notifiers.envelope import sender
from calguard_server.notifiers.slack_verifier import SlackTokenVerifier
from calguard_server.notifiers.smtp_connection import TROUBLES, SmtpServer, StartTlsMissingError
from calguard_server.notifiers.smtp_options import SmtpOptions
from calguard_server.settings.server import Settings
from calguard_server.wiring.options import google_options
from calguard_server.wiring.world import SystemClock

_SECONDS = timedelta(seconds=15)
_NO_GRANT = Grant(Secret("calguard-check-of-the-client"), ())
"""Google refuses it, and looks at whose client it is first."""

_DETAIL_MAX = 200


async def look_online(settings: Settings) -> AsyncIterator[Finding]:
    """Ask each whether it knows us; those that the settings leave out are skipped."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield await _google(settings, session)
        yield await _slack(settings, session)
    yield await _mail(settings)


async def _google(settings: Settings, session: aiohttp.ClientSession) -> Finding:
    if not settings.google_client_id:
        return skipped("google", "GOOGLE_CLIENT_ID is not set: no calendar can be linked")
    options = google_options(settings)
    clock = SystemClock()
    transport = Transport(session, options, clock, unobserved)
    identity = IdentityVerifier(CertificateStore(transport, options, clock), options, clock)
    try:
        await OAuth(transport, identity, options, clock).refresh(_NO_GRANT)
    except ProviderFailureError as error:
        return _google_finding(error.reason)
    except CodeRefusedError:
        return fine("google", "the OAuth client is known")
    return fine("google", "the OAuth client is known")


def _google_finding(reason: CauseReason) -> Finding:
    """Google refuses the grant only after it has accepted the client."""
    if reason is CauseReason.AUTHORIZATION_REVOKED:
        return fine("google", "the OAuth client is known")
    if reason is CauseReason.APP_MISCONFIGURED:
        return failed("google", "it does not accept GOOGLE_CLIENT_ID with this GOOGLE_CLIENT_SECRET")
    return failed("google", f"GOOGLE_TOKEN_URI answers otherwise than expected: {reason.value}")


async def _slack(settings: Settings, session: aiohttp.ClientSession) -> Finding:
    token = settings.slack_bot_token.get_secret_value()
    if not token:
        return skipped("slack", "SLACK_BOT_TOKEN is not set: there is no default workspace")
    try:
        team = await SlackTokenVerifier(settings.slack_base_url, session, _SECONDS).verify(Secret(token))
    except SlackTokenRefusedError as error:
        return failed("slack", f"it does not accept SLACK_BOT_TOKEN: {error.code}")
    except SlackUnreachableError:
        return failed("slack", "SLACK_BASE_URL cannot be reached, or does not answer as Slack does")
    if team.missing_scopes:
        return failed("slack", f"SLACK_BOT_TOKEN lacks {', '.join(team.missing_scopes)}")
    return fine("slack", f"workspace {team.name or team.id}")


async def _mail(settings: Settings) -> Finding:
    url = settings.smtp_url.get_secret_value()
    if not url:
        return skipped("mail", "SMTP_URL is not set: nobody is told by e-mail")
    options = SmtpOptions.parse(url)
    server = SmtpServer(options, sender(settings.email_from).domain, ssl.create_default_context(), _SECONDS)
    try:
        async with asyncio.timeout(2 * _SECONDS.total_seconds()):
            connection = await server.connect(_SECONDS)
            await connection.end()
    except StartTlsMissingError:
        return failed("mail", "it offers no STARTTLS, which SMTP_URL asks for")
    except TROUBLES as error:
        told = one_line(str(error) or type(error).__name__, _DETAIL_MAX)
        return failed("mail", f"{options.host}:{options.port}: {told}")
    return fine("mail", f"{options.host}:{options.port}" + (", logged in" if options.password else ""))
