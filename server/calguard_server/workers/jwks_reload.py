"""Reads the keys of JWTs again and again."""

from collections.abc import Callable
from datetime import timedelta

import structlog

from calguard_server.auth.jwks import Jwks, JwksError
from calguard_server.engine.ports.clock import Clock

_log = structlog.get_logger()


class JwksReload:
    """Runs until it is cancelled: reads each `interval`, and after a failure as soon as `retry`.

    What cannot be read leaves the keys as they are; `observe_stale` is told whether that is so, whenever it changes.
    """

    def __init__(
        self,
        jwks: Jwks,
        clock: Clock,
        observe_stale: Callable[[bool], object],
        interval: timedelta,
        retry: timedelta,
    ) -> None:
        self._jwks = jwks
        self._clock = clock
        self._observe_stale = observe_stale
        self._interval = interval
        self._retry = retry
        self._complaint = ""

    async def run(self) -> None:
        """Look, again and again; the first time was at the start."""
        while True:
            await self._clock.sleep(self._retry if self._complaint else self._interval)
            await self.look()

    async def look(self) -> None:
        """Look once."""
        try:
            changed = await self._jwks.refresh()
        except JwksError as error:
            self.complain(str(error))
            return
        if changed:
            _log.info("the keys of JWTs were read anew, and are in force")
        if self._complaint:
            self._complaint = ""
            self._observe_stale(False)  # noqa: FBT003 - a gauge is set

    def complain(self, complaint: str) -> None:
        """Tell that the keys could not be read, once for each reason."""
        if complaint != self._complaint:
            self._complaint = complaint
            self._observe_stale(True)  # noqa: FBT003 - a gauge is set
            _log.error("the keys of JWTs cannot be read: those read last stay in force", problem=complaint)
