"""Looks again and again whether the file of tokens has changed, and has its callers known."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog

from calguard_server.auth.authority import Authority
from calguard_server.auth.tokens_file import TokensFile, TokensFileError
from calguard_server.engine.ports import Clock

_log = structlog.get_logger()

_INTERVAL = timedelta(seconds=1)


class TokenReload:
    """Runs until it is cancelled. A file that is bad, or gone, leaves the callers as they are.

    `observe_stale` is told whether that is so, whenever it changes.
    """

    def __init__(
        self, file: TokensFile, authority: Authority, clock: Clock, observe_stale: Callable[[bool], object]
    ) -> None:
        self._file = file
        self._authority = authority
        self._clock = clock
        self._observe_stale = observe_stale
        self._complaint = ""

    async def run(self) -> None:
        """Look, every second."""
        while True:
            await self._clock.sleep(_INTERVAL)
            await self.look()

    async def look(self) -> None:
        """Look once; off the event loop, because the file may be on a disk that hangs."""
        try:
            callers = await asyncio.to_thread(self._file.poll)
        except TokensFileError as error:
            self._complain(str(error))
            return
        if callers is not None:
            self._authority.callers = callers
            self._complaint = ""
            self._observe_stale(False)  # noqa: FBT003 - a gauge is set
            _log.info("the tokens file was read anew, and is in force", tokens=len(callers))

    def _complain(self, complaint: str) -> None:
        if complaint != self._complaint:
            self._complaint = complaint
            self._observe_stale(True)  # noqa: FBT003 - a gauge is set
            _log.error("the tokens file is of no use: the tokens read last stay in force", problem=complaint)
