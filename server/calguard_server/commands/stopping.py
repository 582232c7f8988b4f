"""When a server ends: asked by a signal, at once by a second one, and in any case some time after the first.

What was answered is committed already: to end at once loses nothing of it, and breaks off the calls under way.
"""

import asyncio
import os
import signal
import sys
import threading
from datetime import timedelta

import structlog

from calguard_server.commands.ending import tell

_log = structlog.get_logger()

BEYOND_DRAIN = timedelta(seconds=15)
"""How long after DRAIN_TIMEOUT a server has ended at the latest, whatever it waits for."""


class Stopping:
    """`asked` is set by SIGTERM or SIGINT; another of them ends the process at once, with 128 and its number."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.asked = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._take, number)

    def _take(self, number: signal.Signals) -> None:
        if self.asked.is_set():
            _log.warning("ending at once: calls under way are broken off", signal=number.name)
            _end(128 + number)
        self.asked.set()


class Deadline:
    """Ends the process when the time is up, also while its event loop stands still."""

    def __init__(self, duration: timedelta) -> None:
        self._duration = duration
        self._timer = threading.Timer(duration.total_seconds(), self._pass)
        self._timer.daemon = True

    def begin(self) -> None:
        """Let the time begin; from now on only the end of the process is in its way."""
        self._timer.start()

    def _pass(self) -> None:
        tell(f"not stopped within {self._duration.total_seconds():g} s: ending at once; what was answered is saved")
        _end(os.EX_SOFTWARE)


def _end(code: int) -> None:
    sys.stdout.flush()
    os._exit(code)
