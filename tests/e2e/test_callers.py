"""Who may call what, on a whole server."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import grpc.aio
import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from calguard_client.refusal import Refusal
from tests.e2e.backend import Backend, running_backend
from tests.e2e.bearer import ADMIN, KNOWN, READER, STRANGER, WRITER, line, replace
from tests.e2e.methods import METHODS
from tests.e2e.stubs import refused, told
from tests.e2e.watching import Watcher

READ = {
    "GetAccount",
    "ListAccounts",
    "GetBookingPage",
    "ListBookingPages",
    "ExplainBookingPage",
    "GetCalendarLink",
    "ListCalendarLinks",
    "ListCalendars",
    "QueryAvailability",
    "GetAppointment",
    "ListAppointments",
    "GetNotification",
    "ListNotifications",
    "GetProviderStatus",
    "GetServerStatus",
    "GetSlackWorkspace",
    "ListSilences",
    "ListSlackWorkspaces",
    "Watch",
}
CHANGE = {
    "CreateAccount",
    "UpdateAccount",
    "DeleteAccount",
    "CreateBookingPage",
    "UpdateBookingPage",
    "DeleteBookingPage",
    "StopBookingPage",
    "ResumeBookingPage",
    "BeginCalendarLink",
    "CompleteCalendarLink",
    "SelectCalendars",
    "CheckCalendarLink",
    "DiagnoseCalendarLink",
    "ReportCalendarFailure",
    "DisconnectCalendarLink",
    "DeleteCalendarLink",
    "AssignAppointment",
    "CancelAppointment",
    "ReassignAppointment",
}
RUN = {
    "PutSlackWorkspace",
    "DeleteSlackWorkspace",
    "RetryNotification",
    "DiscardNotification",
    "CreateSilence",
    "DeleteSilence",
}


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    path = tmp_path / "tokens"
    replace(path, "# who may call", *KNOWN)
    return path


@pytest.fixture
async def backend(tmp_path: Path, tokens: Path) -> AsyncIterator[Backend]:
    async with running_backend(tmp_path, ADMIN, auth_tokens_file=str(tokens), drain_timeout="0s") as running:
        yield running


@pytest.fixture
async def dashboard(backend: Backend) -> AsyncIterator[grpc.aio.Channel]:
    """What a dashboard calls by, as a reader."""
    async with backend.open_channel(READER) as channel:
        yield channel


def test_every_method_is_in_the_matrix() -> None:
    assert set(METHODS) == READ | CHANGE | RUN
    assert len(METHODS) == len(READ) + len(CHANGE) + len(RUN)


@pytest.mark.parametrize(
    ("token", "allowed", "refusal"),
    [
        ("", set(), ("UNAUTHENTICATED", "TOKEN_MISSING")),
        (STRANGER, set(), ("UNAUTHENTICATED", "TOKEN_UNKNOWN")),
        (READER, READ, ("PERMISSION_DENIED", "ROLE_TOO_SMALL")),
        (WRITER, READ | CHANGE, ("PERMISSION_DENIED", "ROLE_TOO_SMALL")),
        (ADMIN, READ | CHANGE | RUN, None),
    ],
    ids=["nobody", "stranger", "reader", "writer", "admin"],
)
async def test_what_each_role_may_call(
    backend: Backend, token: str, allowed: set[str], refusal: tuple[str, str] | None
) -> None:
    """Every method by every role: who may not is told so, and who may is answered by the method itself."""
    found: dict[str, tuple[str, str] | None] = {}
    async with backend.open_channel(token) as channel:
        for method in METHODS.values():
            found[method.name] = None
            try:
                await method.call_raw(channel, b"")
            except grpc.aio.AioRpcError as error:
                answer = told(Refusal.of(error))
                assert answer[0] != "INTERNAL"
                found[method.name] = answer if answer[0] in ("UNAUTHENTICATED", "PERMISSION_DENIED") else None
    assert found == {name: None if name in allowed else refusal for name in METHODS}


async def test_watches_are_limited_by_name(tmp_path: Path, tokens: Path) -> None:
    """Two tokens of one caller share its limit; another caller at the same address has one of its own."""
    second = "the-dashboards-second-token"
    replace(tokens, *KNOWN, line("dashboard", "reader", second))
    limits = {"auth_tokens_file": str(tokens), "watch_streams_per_caller": "1", "drain_timeout": "0s"}
    async with running_backend(tmp_path, ADMIN, **limits) as backend, AsyncExitStack() as channels:
        for token, limited in ((READER, False), (second, True), (WRITER, False)):
            watcher = Watcher(await channels.enter_async_context(backend.open_channel(token)))
            if limited:
                assert told(await watcher.ended()) == ("RESOURCE_EXHAUSTED", "STREAM_LIMIT")
            else:
                await watcher.snapshot()


async def test_no_token_is_in_the_log(backend: Backend, tokens: Path, dashboard: grpc.aio.Channel) -> None:
    """Neither the tokens of those let in or refused, nor their hashes; the log names the callers."""
    with capture_logs(processors=[merge_contextvars]) as logs:
        watcher = Watcher(dashboard)
        await watcher.snapshot()
        async with backend.open_channel(STRANGER) as channel:
            await refused(METHODS["ListAccounts"].call_raw(channel, b""))
        await refused(METHODS["CreateAccount"].call_raw(dashboard, b""))
        replace(tokens, *KNOWN[:2])
        await backend.ticking(watcher.ended())
    lines = [each for each in logs if each.get("method", "").endswith("/Watch")]
    assert [(each["caller"], each["code"], each["reason"]) for each in lines] == [
        ("dashboard", "UNAUTHENTICATED", "TOKEN_UNKNOWN")
    ]
    shown = str(logs)
    for token in (ADMIN, READER, STRANGER):
        assert token not in shown
        assert hashlib.sha256(token.encode()).hexdigest() not in shown
