"""The HTTP server over a real socket, with a linking that does what a test says."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from prometheus_client import CollectorRegistry, Counter

from calguard_server.domain.link_state import CalendarLink
from calguard_server.http_api.page import CallbackPage
from calguard_server.http_api.server import HttpServer
from tests.unit.builders import make_link

STATE = "st4te-of_the-attempt"
CODE = "4/0AeanS0-secret-code"
SUPPORT = "https://support.example.com/chat?from=calguard&lang=en"
RELINK = "https://app.example.com/relink?link={calendar_link_id}&account={account_id}"


class ScriptedLinking:
    """Completes attempts as a test says."""

    def __init__(self) -> None:
        self.answer: CalendarLink | Exception = make_link()
        self.calls: list[tuple[str, str, str]] = []

    async def complete(self, state: str, code: str = "", error: str = "") -> CalendarLink:
        self.calls.append((state, code, error))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def server_of(linking: ScriptedLinking, healthy: Callable[[], bool] = lambda: True) -> HttpServer:
    registry = CollectorRegistry()
    Counter("checks", "Checks that ended.", registry=registry).inc(3)
    case: Any = linking
    return HttpServer(case, healthy, registry, CallbackPage(SUPPORT, RELINK))


@asynccontextmanager
async def browsing(
    linking: ScriptedLinking, healthy: Callable[[], bool] = lambda: True
) -> AsyncIterator[aiohttp.ClientSession]:
    server = server_of(linking, healthy)
    port = await server.start("127.0.0.1", 0)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        yield session
    await server.stop()
