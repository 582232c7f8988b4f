"""Webhooks: posts one message to an https URL, signed as the Standard Webhooks specification has it.

1. 2xx is sent. 408, 425, 429 and 5xx are tried again, after what `Retry-After` asks to wait; so is whatever keeps an
   answer away. Once there was a connection, the detail says that it may have been received.
2. Everything else is permanent: other 4xx, redirects, a URL that leads to no public address.
3. A try has the same `webhook-id` as the one before it, and a timestamp, and so a signature, of its own: the receiver
   refuses what is old, and does not take for new what it had.
"""

import asyncio
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import urlsplit

import aiohttp
from standardwebhooks import Webhook
from yarl import URL

from calguard_server.domain.delivery import Outcome
from calguard_server.domain.retry_after import parse_retry_after
from calguard_server.domain.secret import Secret
from calguard_server.engine.ports.clock import Clock
from calguard_server.notifiers.cleaning import id_token
from calguard_server.notifiers.message import Address, NoticeMessage
from calguard_server.notifiers.webhook_body import body_of
from calguard_server.notifiers.webhook_session import AddressRefusedError, Progress

_PASSES = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_SUCCESS, _SERVER_ERRORS = range(200, 300), range(500, 600)


class WebhookNotifier:
    """Posts webhooks over a session of `open_session`, which is closed by whoever made it.

    `timeout` is for one whole attempt.
    """

    def __init__(
        self, session: aiohttp.ClientSession, clock: Clock, *, timeout: timedelta = timedelta(seconds=15)
    ) -> None:
        self._session = session
        self._clock = clock
        self._seconds = timeout.total_seconds()

    async def send(self, message: NoticeMessage, address: Address) -> Outcome:
        """Try once to post the message."""
        shown, secret = _shown(address.webhook_url), address.webhook_secret
        if not shown:
            return Outcome(sent=False, permanent=True, detail="NO_ADDRESS: no URL of a webhook")
        if secret is None:
            detail = "SECRET_UNREADABLE: none of TOKEN_KEYS opens the signing secret"
            return Outcome(sent=False, detail=detail, address=shown)
        body, progress = body_of(message), Progress()
        headers = _headers(id_token(message.message_id), body, secret, self._clock.now())
        try:
            async with asyncio.timeout(self._seconds):
                return await self._post(address.webhook_url, body, headers, progress, shown)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return _broken(error, progress, shown)

    async def _post(self, url: str, body: str, headers: dict[str, str], progress: Progress, shown: str) -> Outcome:
        async with self._session.post(
            URL(url, encoded=True),
            data=body.encode(),
            headers=headers,
            allow_redirects=False,
            trace_request_ctx=progress,
        ) as response:
            response.close()  # before it is left, which would read on to the end of the body
            asked = parse_retry_after(response.headers.get("Retry-After", ""), self._clock.now())
            return _judged(response.status, asked, shown)


def _headers(message_id: str, body: str, secret: Secret, now: datetime) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": "Calguard",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret.reveal()).sign(message_id, now, body),
    }


def _judged(status: int, asked: timedelta | None, shown: str) -> Outcome:
    if status in _SUCCESS:
        return Outcome(sent=True, detail=f"HTTP {status}", address=shown)
    passes = status in _PASSES or status in _SERVER_ERRORS
    return Outcome(
        sent=False,
        permanent=not passes,
        detail=f"HTTP {status}",
        address=shown,
        retry_after=asked if passes else None,
    )


def _broken(error: Exception, progress: Progress, shown: str) -> Outcome:
    trouble, permanent = _trouble(error)
    doubt = "; the message may have been received" if progress.connected else ""
    return Outcome(
        sent=False,
        permanent=permanent,
        doubtful=progress.connected,
        detail=f"{trouble}{doubt}",
        address=shown,
    )


def _trouble(error: Exception) -> tuple[str, bool]:
    """Name what kept an answer away, and tell whether it always will."""
    match error:
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, AddressRefusedError):
            return "ADDRESS_REFUSED: the URL leads to a private, reserved or local address", True
        case aiohttp.InvalidURL() | UnicodeError():
            return "URL_UNUSABLE: no host has such a name or address", True
        case TimeoutError():
            return "TIMEOUT: no answer from the receiver", False
        case aiohttp.ClientSSLError():
            return "TLS_FAILED: no trusted connection with the receiver", False
        case aiohttp.ClientConnectorDNSError():
            return "NAME_UNKNOWN: the name of the receiver could not be resolved", False
        case aiohttp.ClientResponseError():
            return "UNREADABLE_ANSWER: what the receiver answered is not HTTP", False
        case _:
            return "CONNECTION_LOST: the receiver cannot be reached, or hung up", False


def _shown(url: str) -> str:
    """Answer a URL as the ledger shows it: without its query, which may hold a token."""
    return urlsplit(url)._replace(query="", fragment="").geturl()
