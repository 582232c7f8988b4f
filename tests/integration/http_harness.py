"""The HTTP server over a real socket, with a linking that does what a test says."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from cryptography.fernet import Fernet
from prometheus_client import CollectorRegistry, Counter

from calguard_server.auth.unsubscribe_tokens import UnsubscribeTokens
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.secret import Secret
from calguard_server.http_api.page import CallbackPage
from calguard_server.http_api.server import HttpServer
from calguard_server.http_api.unsubscribe import Unsubscribing
from tests.unit.builders import make_link

STATE = "st4te-of_the-attempt"
CODE = "4/0AeanS0-secret-code"
SUPPORT = "https://support.example.com/chat?from=calguard&lang=en"
RELINK = "https://app.example.com/relink?link={calendar_link_id}&account={account_id}"


TOKENS = UnsubscribeTokens([Secret(Fernet.generate_key().decode())])


class ScriptedAccounts:
    """Changes accounts, or does not, as a test says."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.calls: list[tuple[str, object]] = []

    async def update(self, account_id: str, changes: object) -> None:
        self.calls.append((account_id, changes))
        if self.error is not None:
            raise self.error


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


def server_of(
    linking: ScriptedLinking,
    healthy: Callable[[], bool] = lambda: True,
    accounts: ScriptedAccounts | None = None,
    head_seconds: float = 10,
) -> HttpServer:
    registry = CollectorRegistry()
    Counter("checks", "Checks that ended.", registry=registry).inc(3)
    case: Any = linking
    other_case: Any = accounts or ScriptedAccounts()
    unsubscribing = Unsubscribing(other_case, TOKENS, SUPPORT, lambda: "error-1")
    page = CallbackPage(SUPPORT, RELINK)
    return HttpServer(case, healthy, registry, page, unsubscribing, head_seconds=head_seconds)


@asynccontextmanager
async def browsing(
    linking: ScriptedLinking, healthy: Callable[[], bool] = lambda: True, accounts: ScriptedAccounts | None = None
) -> AsyncIterator[aiohttp.ClientSession]:
    server = server_of(linking, healthy, accounts)
    port = await server.start("127.0.0.1", 0)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        yield session
    await server.stop()
