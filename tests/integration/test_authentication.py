"""Callers with tokens and without, at the gRPC server over a real socket."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from typing import Any

import grpc
import grpc.aio
import pytest
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from structlog.contextvars import merge_contextvars

from calguard.v1 import (
    account_pb2,
    account_pb2_grpc,
    calendar_link_pb2,
    calendar_link_pb2_grpc,
    watch_pb2,
    watch_pb2_grpc,
)
from calguard_server.auth.authority import Authority
from calguard_server.auth.callers import Caller, Callers, Role
from calguard_server.auth.tokens import digest_of
from calguard_server.domain.diagnosis import Stage, Step, passed
from calguard_server.grpc_api.server import GrpcServer
from tests.fakes.world import START, ManualClock
from tests.integration.grpc_harness import Scripted, ScriptedFeed, info_of, refused, serving
from tests.patience import PATIENCE_SECONDS
from tests.unit.builders import make_account

READER, WRITER, STRANGER = "secret-of-a-reader", "secret-of-a-writer", "secret-of-a-stranger"
GET = "/calguard.v1.AccountService/GetAccount"
GARBAGE = b"\xff\xff\xff"


def callers(**roles: Role) -> Callers:
    """The callers of READER and WRITER; a role that is left out leaves its caller out."""
    tokens = {"reader": READER, "writer": WRITER}
    return {digest_of(tokens[name]): Caller(f"the-{name}", role) for name, role in roles.items()}


def bearer(token: str) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {token}")]


class Diagnosing(Scripted):
    """Has a diagnosis of two steps; the second comes when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = asyncio.Event()
        self.closed = asyncio.Event()

    async def diagnose(self, _link_id: str) -> AsyncIterator[Step]:
        try:
            yield passed(Stage.GRANT_STORED, "", ())
            await self.go_on.wait()
            yield passed(Stage.GRANT_ACCEPTED, "", ())
        finally:
            self.closed.set()


@pytest.fixture
async def script() -> Diagnosing:
    script = Diagnosing()
    script.answers["get"] = make_account()
    return script


@pytest.fixture
async def feed() -> ScriptedFeed:
    return ScriptedFeed()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def authority(clock: ManualClock) -> Authority:
    return Authority(callers(reader=Role.READER, writer=Role.WRITER), clock)


@pytest.fixture
async def server(script: Diagnosing, feed: ScriptedFeed, authority: Authority) -> AsyncIterator[GrpcServer]:
    async with serving(script, feed, authority) as server:
        yield server


@pytest.fixture
async def channel(server: GrpcServer) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel


async def outcome_of(channel: grpc.aio.Channel, metadata: Iterable[tuple[str, str]], raw: bytes = b"\x0a\x01a") -> str:
    """The reason that a call of GetAccount is refused for; empty where it is not."""
    call: Any = channel.unary_unary(GET)
    try:
        await call(raw, metadata=grpc.aio.Metadata(*metadata))
    except grpc.aio.AioRpcError as error:
        return info_of(error).reason
    return ""


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        (bearer(READER), ""),
        ([("authorization", f"bearer {READER}")], ""),
        ([("x-other", "x"), *bearer(READER), ("x-another", "y")], ""),
        ([], "TOKEN_MISSING"),
        ([("authorization", "")], "TOKEN_MISSING"),
        ([("authorization", READER)], "TOKEN_MISSING"),
        ([("authorization", f"Basic {READER}")], "TOKEN_MISSING"),
        ([("x-authorization", f"Bearer {READER}")], "TOKEN_MISSING"),
        (bearer(READER) * 2, "TOKEN_MISSING"),
        (bearer(WRITER) + bearer(READER), "TOKEN_MISSING"),
        (bearer(STRANGER), "TOKEN_UNKNOWN"),
        (bearer(READER[:-1]), "TOKEN_UNKNOWN"),
        (bearer(READER + "x"), "TOKEN_UNKNOWN"),
        (bearer(f"{READER} {WRITER}"), "TOKEN_UNKNOWN"),
        (bearer("x" * 4_000), "TOKEN_UNKNOWN"),
    ],
)
async def test_only_a_known_token_lets_in(
    channel: grpc.aio.Channel, metadata: list[tuple[str, str]], reason: str
) -> None:
    assert await outcome_of(channel, metadata) == reason
    assert await outcome_of(channel, metadata) == reason  # as it is remembered


@pytest.mark.parametrize("kind", [*itertools.product(("unary", "stream"), repeat=2)], ids="-".join)
async def test_a_refusal_is_told_alike_whatever_the_kind_of_call(
    channel: grpc.aio.Channel, kind: tuple[str, str]
) -> None:
    """With its status, its reason and what to do; also where the client takes the method for one of another kind."""
    call: Any = getattr(channel, "_".join(kind))(GET)
    request = iter([b""]) if kind[0] == "stream" else b""
    answer = call(request, metadata=bearer(STRANGER))
    error = await refused(answer.read() if kind[1] == "stream" else answer)
    assert (error.code(), info_of(error).reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_UNKNOWN")
    assert "ask its operator" in str(error.details())


async def test_nothing_of_a_call_is_read_before_its_caller_is_known(
    channel: grpc.aio.Channel, script: Diagnosing
) -> None:
    """A request that is garbage tells a stranger nothing; no use case hears of it."""
    assert await outcome_of(channel, bearer(STRANGER), GARBAGE) == "TOKEN_UNKNOWN"
    assert await outcome_of(channel, bearer(READER), GARBAGE) == "REQUEST_UNREADABLE"
    assert script.calls == []


async def test_a_role_that_is_too_small_is_told_which_is_needed(channel: grpc.aio.Channel, script: Diagnosing) -> None:
    stub: Any = account_pb2_grpc.AccountServiceStub(channel)
    error = await refused(stub.DeleteAccount(account_pb2.DeleteAccountRequest(id="a"), metadata=bearer(READER)))
    info = info_of(error)
    assert (error.code(), info.reason) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_TOO_SMALL")
    assert dict(info.metadata) == {"needed_role": "writer", "role": "reader"}
    assert error.details() == "this takes the role writer; the-reader is a reader"
    assert script.calls == []


async def test_a_token_that_expires_or_is_taken_away_is_refused_from_then_on(
    channel: grpc.aio.Channel, authority: Authority, clock: ManualClock
) -> None:
    authority.callers = {digest_of(READER): Caller("the-reader", Role.READER, START + timedelta(seconds=1))}
    assert await outcome_of(channel, bearer(READER)) == ""
    clock.advance(timedelta(seconds=1))
    assert await outcome_of(channel, bearer(READER)) == "TOKEN_EXPIRED"
    authority.callers = callers(reader=Role.ADMIN)
    assert await outcome_of(channel, bearer(READER)) == ""
    authority.callers = {}
    assert await outcome_of(channel, bearer(READER)) == "TOKEN_UNKNOWN"


async def test_health_is_open_and_reflection_is_not(channel: grpc.aio.Channel) -> None:
    """Load balancers have no token. Tools that read the contract take any that is good."""
    health: Any = health_pb2_grpc.HealthStub(channel)
    assert (await health.Check(health_pb2.HealthCheckRequest())).status == health_pb2.HealthCheckResponse.SERVING
    watch = health.Watch(health_pb2.HealthCheckRequest())
    assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
    watch.cancel()
    for version in ("v1", "v1alpha"):
        method: Any = channel.stream_stream(f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo")
        question = reflection_pb2.ServerReflectionRequest(list_services="").SerializeToString()
        assert [each async for each in method(iter([question]), metadata=bearer(READER))]
        error = await refused(method(iter([question])).read())
        assert info_of(error).reason == "TOKEN_MISSING"


async def test_a_method_that_is_not_here_is_no_matter_of_roles(channel: grpc.aio.Channel) -> None:
    nothing: Any = channel.unary_unary("/calguard.v1.AccountService/Nothing")
    assert (await refused(nothing(b"", metadata=bearer(READER)))).code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_watch_counts_for_its_callers_name(channel: grpc.aio.Channel, feed: ScriptedFeed) -> None:
    stub: Any = watch_pb2_grpc.WatchServiceStub(channel)
    for token in (READER, WRITER, READER):
        assert [each async for each in stub.Watch(watch_pb2.WatchRequest(), metadata=bearer(token))] == []
    assert feed.callers == ["the-reader", "the-writer", "the-reader"]


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (callers(writer=Role.ADMIN), ""),
        (callers(writer=Role.READER), "ROLE_TOO_SMALL"),
        (callers(reader=Role.ADMIN), "TOKEN_UNKNOWN"),
    ],
)
async def test_a_diagnosis_goes_on_only_while_it_is_permitted(
    channel: grpc.aio.Channel, script: Diagnosing, authority: Authority, after: Callers, reason: str
) -> None:
    """What was found out is told only if its caller still may hear it when it is."""
    stub: Any = calendar_link_pb2_grpc.CalendarLinkServiceStub(channel)
    request = calendar_link_pb2.DiagnoseCalendarLinkRequest(id="l")
    call = stub.DiagnoseCalendarLink(request, metadata=bearer(WRITER))
    assert (await call.read()).step.stage == calendar_link_pb2.DIAGNOSIS_STAGE_GRANT_STORED
    authority.callers = after
    script.go_on.set()
    if reason:
        assert info_of(await refused(call.read())).reason == reason
    else:
        assert (await call.read()).step.stage == calendar_link_pb2.DIAGNOSIS_STAGE_GRANT_ACCEPTED
        assert await call.read() is grpc.aio.EOF
    async with asyncio.timeout(PATIENCE_SECONDS):
        await script.closed.wait()


async def test_the_log_names_the_caller_and_never_the_token(
    channel: grpc.aio.Channel, script: Diagnosing, authority: Authority
) -> None:
    """One line a call, refused or not; who is not known has no name."""
    stub: Any = account_pb2_grpc.AccountServiceStub(channel)
    with structlog.testing.capture_logs(processors=[merge_contextvars]) as logs:
        for token in (READER, STRANGER):
            await outcome_of(channel, bearer(token))
        await outcome_of(channel, [("authorization", f"Basic {STRANGER}")])
        await refused(stub.DeleteAccount(account_pb2.DeleteAccountRequest(id="a"), metadata=bearer(READER)))
        script.answers["get"] = RuntimeError("unforeseen")
        await outcome_of(channel, bearer(WRITER))
        authority.callers = {digest_of(READER): Caller("the-late", Role.READER, START)}
        await outcome_of(channel, bearer(READER))
    told = [(line["code"], line.get("reason", ""), line.get("caller", "")) for line in logs]
    assert told == [
        ("OK", "", "the-reader"),
        ("UNAUTHENTICATED", "TOKEN_UNKNOWN", ""),
        ("UNAUTHENTICATED", "TOKEN_MISSING", ""),
        ("PERMISSION_DENIED", "ROLE_TOO_SMALL", "the-reader"),
        ("INTERNAL", "", "the-writer"),
        ("UNAUTHENTICATED", "TOKEN_EXPIRED", "the-late"),
    ]
    shown = str(logs)
    assert not [
        each for token in (READER, WRITER, STRANGER) for each in (token, digest_of(token).hex()) if each in shown
    ]


async def test_callers_at_once_are_not_taken_for_one_another(channel: grpc.aio.Channel, authority: Authority) -> None:
    """Each call is logged under the name of its own token."""
    tokens = [f"secret-{number}" for number in range(50)]
    authority.callers = {digest_of(token): Caller(f"caller-of-{token}", Role.READER) for token in tokens}
    with structlog.testing.capture_logs(processors=[merge_contextvars]) as logs:
        await asyncio.gather(*(outcome_of(channel, bearer(token)) for token in tokens))
    assert sorted(line["caller"] for line in logs) == sorted(f"caller-of-{token}" for token in tokens)


async def test_without_an_authority_all_are_let_in(script: Diagnosing, feed: ScriptedFeed) -> None:
    """With a token or without; watches count for the address."""
    async with (
        serving(script, feed) as server,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        assert await outcome_of(channel, []) == await outcome_of(channel, bearer(STRANGER)) == ""
        stub: Any = watch_pb2_grpc.WatchServiceStub(channel)
        assert [each async for each in stub.Watch(watch_pb2.WatchRequest(), metadata=bearer(STRANGER))] == []
    assert feed.callers == ["ipv4:127.0.0.1"]
