"""The gate that calls pass: it knows those under way, and breaks off those that take too long.

It turns new ones away where too many are inside, and while the server drains.

grpc's own stop breaks off what has arrived and has not begun, with a bare CANCELLED, and what is under way with a bare
UNAVAILABLE; so the gate is closed first, what is under way for too long is broken off here, and the server is stopped
when nothing stirs any more.
"""

import asyncio
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta

from calguard_server.domain.errors import DeadlineExceededError, UnavailableError
from calguard_server.grpc_api.under_way import UnderWay, draining

GUARDED = "/calguard.v1."
"""How the paths of our services' methods begin."""
_LONGEST = timedelta(minutes=2)


class Gate(AbstractContextManager[None]):
    """Open until it is closed, for good. Entered for each call, as a context manager, by the call's task.

    At most `calls_max` are let in at a time, each for `longest` at most.
    """

    def __init__(self, calls_max: int = 4_000, longest: timedelta = _LONGEST) -> None:
        self._closed = False
        self._calls_max = calls_max
        self._longest = longest.total_seconds()
        self._under_way = UnderWay()
        self._alarm: asyncio.TimerHandle | None = None
        self._stirred = asyncio.Event()

    def passage(self, method: str) -> AbstractContextManager[None]:
        """Answer what each call of a method enters: the gate, or nothing where the service is not one of ours."""
        return self if method.startswith(GUARDED) else nullcontext()

    def __enter__(self) -> None:
        """Let a call pass.

        Raises UnavailableError `SERVER_DRAINING` once the gate is closed, and `OVERLOADED` where too many are inside.
        """
        self._stirred.set()
        if self._closed:
            raise draining()
        if len(self._under_way) >= self._calls_max:
            raise UnavailableError(
                "OVERLOADED", f"this server has {self._calls_max} calls under way already: repeat the call later"
            )
        loop = asyncio.get_running_loop()
        self._under_way.enter(loop.time() + self._longest)
        if self._alarm is None:
            self._alarm = loop.call_later(self._longest, self._break_off)

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        """Let a call out.

        Raises DeadlineExceededError `CALL_TIMEOUT`, UnavailableError `SERVER_DRAINING` where it was broken off here.
        """
        self._stirred.set()
        self._under_way.leave(error)

    def _break_off(self) -> None:
        """Break off the calls whose time is over, and look again when the next one's will be. The oldest come first."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for task, ends in self._under_way:
            if ends > now:
                self._alarm = loop.call_at(ends, self._break_off)
                return
            self._under_way.break_off(task, self._too_long())
        self._alarm = None

    def _too_long(self) -> DeadlineExceededError:
        text = f"the call took longer than {self._longest:g} s and was broken off: whether it was done is not known"
        return DeadlineExceededError("CALL_TIMEOUT", text)

    async def close(self, quiet_seconds: float, at_most_seconds: float) -> None:
        """Close; return when no call is under way and none has come for a while.

        When the time is up, calls that are under way are broken off with `SERVER_DRAINING`.
        """
        self._closed = True
        try:
            async with asyncio.timeout(at_most_seconds):
                while await self._stirs_within(quiet_seconds) or self._under_way:
                    pass
        except TimeoutError:
            self._under_way.break_all_off()

    async def _stirs_within(self, seconds: float) -> bool:
        self._stirred.clear()
        try:
            async with asyncio.timeout(seconds):
                return await self._stirred.wait()
        except TimeoutError:
            return False
