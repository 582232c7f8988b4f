"""Where the keys of JWTs are read: a file, or an https address."""

import asyncio
from pathlib import Path

import aiohttp

from calguard_server.auth.jwks import JwksError
from calguard_server.auth.watched_file import WatchedFile
from calguard_server.domain.url_secrets import without_url_secrets

_TIMEOUT = aiohttp.ClientTimeout(total=5)
_BYTES_MAX = 512 * 1024
_CHUNK = 64 * 1024


class JwksFile:
    """A file, which is read where it has changed."""

    def __init__(self, path: Path) -> None:
        self._file = WatchedFile(path)

    async def read(self) -> bytes | None:
        """Read it, off the event loop, because it may be on a disk that hangs."""
        try:
            return await asyncio.to_thread(self._file.poll)
        except OSError as error:
            raise JwksError(f"{without_url_secrets(str(self._file.path))}: cannot be read: {error.strerror}") from None


class JwksUrl:
    """An address, which is asked each time. It redirects nowhere: who it names is who is trusted."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._shown = without_url_secrets(url)
        self._session = session

    async def read(self) -> bytes:
        """Fetch them."""
        try:
            async with self._session.get(self._url, timeout=_TIMEOUT, allow_redirects=False) as answer:
                if answer.status != 200:
                    raise JwksError(f"{self._shown}: expected the status 200, and not {answer.status}")
                return await self._body(answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise JwksError(f"{self._shown}: cannot be fetched: {type(error).__name__}") from None

    async def _body(self, answer: aiohttp.ClientResponse) -> bytes:
        raw = bytearray()
        async for chunk in answer.content.iter_chunked(_CHUNK):
            raw += chunk
            if len(raw) > _BYTES_MAX:
                raise JwksError(f"{self._shown}: expected at most {_BYTES_MAX} bytes")
        return bytes(raw)
