"""The gate that calls pass: it counts those under way, and turns new ones away while the server drains.

grpc's own stop breaks off what has arrived and has not begun, with a bare CANCELLED; so the gate is closed first, and
the server stopped when nothing stirs any more.
"""

import asyncio
from contextlib import AbstractContextManager, nullcontext

from calguard_server.domain.errors import UnavailableError

_GUARDED = "/calguard.v1."


class Gate(AbstractContextManager[None]):
    """Open until it is closed, for good. Entered for each call, as a context manager, it counts the call."""

    def __init__(self) -> None:
        self._closed = False
        self._under_way = 0
        self._stirred = asyncio.Event()

    def passage(self, method: str) -> AbstractContextManager[None]:
        """Answer what each call of a method enters: the gate, or nothing where the service is not one of ours."""
        return self if method.startswith(_GUARDED) else nullcontext()

    def __enter__(self) -> None:
        """Let a call pass. Raises UnavailableError `SERVER_DRAINING` once the gate is closed."""
        self._stirred.set()
        if self._closed:
            raise UnavailableError("SERVER_DRAINING", "this server is stopping: repeat the call at another, or later")
        self._under_way += 1

    def __exit__(self, *_raised: object) -> None:
        self._under_way -= 1
        self._stirred.set()

    async def close(self, quiet_seconds: float, at_most_seconds: float) -> None:
        """Close; return when no call is under way and none has come for a while, or when the time is up."""
        self._closed = True
        try:
            async with asyncio.timeout(at_most_seconds):
                while await self._stirs_within(quiet_seconds) or self._under_way:
                    pass
        except TimeoutError:
            return

    async def _stirs_within(self, seconds: float) -> bool:
        self._stirred.clear()
        try:
            async with asyncio.timeout(seconds):
                return await self._stirred.wait()
        except TimeoutError:
            return False
