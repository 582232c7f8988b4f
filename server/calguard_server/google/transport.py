"""Sending requests to Google: bounded in time and size, never redirected, never repeated here.

aiohttp sends a GET, and no POST, a second time where a connection that was kept open turns out to be closed.
"""

import ssl
from collections.abc import Callable, Mapping

import aiohttp
from yarl import URL

from calguard_server.engine.ports.clock import Clock
from calguard_server.google.answers import Answer, TransportFailure
from calguard_server.google.options import GoogleOptions

TRANSPORT_ERRORS = (aiohttp.ClientError, TimeoutError, OSError)

KINDS: tuple[tuple[type[Exception], TransportFailure], ...] = (
    (TimeoutError, TransportFailure.TIMED_OUT),
    (aiohttp.ClientConnectorDNSError, TransportFailure.NAME_NOT_RESOLVED),
    (aiohttp.ClientSSLError, TransportFailure.TLS_FAILED),
    (ssl.SSLError, TransportFailure.TLS_FAILED),
    (aiohttp.ClientConnectorError, TransportFailure.NOT_CONNECTED),
    (aiohttp.ClientResponseError, TransportFailure.NOT_HTTP),
)
"""The first row that fits tells the kind; whatever fits none was CUT_SHORT."""


RequestObserver = Callable[[str, float], None]
"""Told what each request was answered with, a status or the name of a failure, and after how many seconds."""


def unobserved(_outcome: str, _seconds: float) -> None:
    """Tell nobody of a request."""


class Transport:
    """Sends requests over a session that its owner closes; the session's connection limit is its owner's too."""

    def __init__(
        self, session: aiohttp.ClientSession, options: GoogleOptions, clock: Clock, observe: RequestObserver
    ) -> None:
        self._session = session
        self._clock = clock
        self._observe = observe
        self._limit = options.answer_limit
        self._timeout = aiohttp.ClientTimeout(
            total=options.total_timeout.total_seconds(),
            # Not `connect`: that would count the wait for a free connection as trouble with the network.
            sock_connect=options.connect_timeout.total_seconds(),
        )

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: str | bytes | Mapping[str, str] | None = None,
    ) -> Answer | TransportFailure:
        """Send one request and read its answer; a mapping as the body is sent as a form.

        `url` is taken as encoded already. A redirect is an answer: what is sent here is not for anybody else.
        """
        began = self._clock.timer()
        answer = await self._send(method, url, headers, body)
        outcome = str(answer.status) if isinstance(answer, Answer) else answer.name
        self._observe(outcome, self._clock.timer() - began)
        return answer

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str] | None, body: str | bytes | Mapping[str, str] | None
    ) -> Answer | TransportFailure:
        try:
            response = await self._session.request(
                method,
                URL(url, encoded=True),
                headers=headers,
                data=body,
                timeout=self._timeout,
                allow_redirects=False,
            )
            read = await self._read(response)
        except TRANSPORT_ERRORS as error:
            return next((kind for cause, kind in KINDS if isinstance(error, cause)), TransportFailure.CUT_SHORT)
        return TransportFailure.TOO_LARGE if read is None else Answer(response.status, response.headers, read)

    async def _read(self, response: aiohttp.ClientResponse) -> bytes | None:
        """Read a body; None where it is larger than is allowed.

        At its end the connection is given back; one on which something is left unread is closed.
        """
        content, pieces, size = response.content, list[bytes](), 0
        try:
            while not content.at_eof() and size <= self._limit:
                pieces.append(await content.readany())
                size += len(pieces[-1])
        finally:
            if not content.at_eof():
                response.close()
        return b"".join(pieces) if size <= self._limit else None
