"""What is told to the supervisor, as systemd's sd_notify(3) says: one datagram to the socket in NOTIFY_SOCKET each.

Without that variable nothing is told. A state is told by the event loop: one that stands still is not alive.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import structlog

_log = structlog.get_logger()

Sleep = Callable[[timedelta], Awaitable[None]]


class Supervisor:
    """The supervisor that started this process, if one did."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._alive_every = _watchdog(environment)

    def ready(self) -> None:
        """Tell that this server serves."""
        self._tell("READY=1")

    def stopping(self) -> None:
        """Tell that it is about to end."""
        self._tell("STOPPING=1")

    async def run(self, sleep: Sleep) -> None:
        """Tell again and again that it is alive, where the supervisor asks for that, until cancelled."""
        if self._alive_every is None:
            await asyncio.Event().wait()
            return
        while True:
            self._tell("WATCHDOG=1")
            await sleep(self._alive_every)

    def _tell(self, state: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            try:
                sender.sendto(state.encode(), address)
            except OSError as error:
                _log.warning("the supervisor cannot be told", state=state, error=str(error))


def _watchdog(environment: Mapping[str, str]) -> timedelta | None:
    """Answer half of the time within which the supervisor wants to hear of this process; None where it does not."""
    asked = environment.get("WATCHDOG_USEC", "")
    if not asked.isdecimal() or environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return timedelta(microseconds=int(asked)) / 2 or None
