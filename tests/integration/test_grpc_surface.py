"""The gRPC server over a real socket, with use cases that do what a test says."""

from collections.abc import AsyncIterator
from typing import Never

import grpc
import grpc.aio
import pytest
import structlog
from google.protobuf import descriptor_pb2, descriptor_pool
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from grpc_status import rpc_status

from calguard.v1 import (
    account_pb2,
    account_pb2_grpc,
    calendar_link_pb2,
    calendar_link_pb2_grpc,
    notification_pb2,
    notification_pb2_grpc,
)
from calguard.v1 import booking_page_pb2 as page_pb2
from calguard.v1 import booking_page_pb2_grpc as page_pb2_grpc
from calguard_server.auth.authority import Authority, Permit
from calguard_server.auth.callers import Role
from calguard_server.domain.errors import NotFoundError
from calguard_server.engine.requests import ReplayedError, Request
from calguard_server.engine.revoking import Revocation
from calguard_server.grpc_api.interceptors import ErrorInterceptor
from calguard_server.grpc_api.overload import OverloadOptions
from calguard_server.grpc_api.server import SERVICES, GrpcServer, build_server
from calguard_server.grpc_api.shedding import SheddingInterceptor
from tests.fakes.world import ManualClock
from tests.integration.grpc_harness import Scripted, ScriptedFeed, info_of, refused, serving, use_cases_of
from tests.unit.builders import make_account, make_link, make_page

SECRET = "1//a-refresh-token"
REQUEST_ID = "5f2b8f0e-3d0c-4a4e-9d6b-0c6a3f0f7a11"


@pytest.fixture
def script() -> Scripted:
    return Scripted()


@pytest.fixture
async def server(script: Scripted) -> AsyncIterator[GrpcServer]:
    async with serving(script, ScriptedFeed()) as server:
        yield server


@pytest.fixture
async def channel(server: GrpcServer) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel


async def reflect(channel: grpc.aio.Channel, version: str, **asked: object) -> reflection_pb2.ServerReflectionResponse:
    method = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    [answer] = [each async for each in method(iter([reflection_pb2.ServerReflectionRequest(**asked)]))]
    return answer


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_lists_every_service_and_describes_it(channel: grpc.aio.Channel, version: str) -> None:
    listed = {each.name for each in (await reflect(channel, version, list_services="")).list_services_response.service}
    assert listed == {
        *SERVICES,
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    for name in listed:
        described = await reflect(channel, version, file_containing_symbol=name)
        files = [
            descriptor_pb2.FileDescriptorProto.FromString(each)
            for each in described.file_descriptor_response.file_descriptor_proto
        ]
        services = {f"{each.package}.{service.name}" for each in files for service in each.service}
        assert name in services


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_finds_every_method_with_its_comment(channel: grpc.aio.Channel, version: str) -> None:
    """`grpcurl describe` of a method reads like the .proto file."""
    for name in SERVICES:
        for method in descriptor_pool.Default().FindServiceByName(name).methods:
            described = await reflect(channel, version, file_containing_symbol=method.full_name)
            file = descriptor_pb2.FileDescriptorProto.FromString(
                described.file_descriptor_response.file_descriptor_proto[0]
            )
            place = [6, method.containing_service.index, 2, method.index]  # service, then method, by field numbers
            comments = [each.leading_comments for each in file.source_code_info.location if each.path == place]
            assert comments
            assert comments[0].strip(), method.full_name


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_says_what_it_does_not_know(channel: grpc.aio.Channel, version: str) -> None:
    answer = await reflect(channel, version, file_containing_symbol="no.such.Thing")
    assert answer.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


@pytest.mark.parametrize("service", ["", *SERVICES])
async def test_health_is_told_a_service_and_watched(
    channel: grpc.aio.Channel, server: GrpcServer, service: str
) -> None:
    stub = health_pb2_grpc.HealthStub(channel)
    request = health_pb2.HealthCheckRequest(service=service)
    assert (await stub.Check(request)).status == health_pb2.HealthCheckResponse.SERVING
    watch = stub.Watch(request)
    assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
    await server.drain(1.0)
    assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
    watch.cancel()


async def test_health_of_every_service_is_listed(channel: grpc.aio.Channel, server: GrpcServer) -> None:
    stub = health_pb2_grpc.HealthStub(channel)
    for status in (health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING):
        listed = (await stub.List(health_pb2.HealthListRequest())).statuses
        assert {service: each.status for service, each in listed.items()} == dict.fromkeys(("", *SERVICES), status)
        await server._statuses.enter_graceful_shutdown()


async def test_health_of_a_service_that_is_not_here(channel: grpc.aio.Channel) -> None:
    stub = health_pb2_grpc.HealthStub(channel)
    error = await refused(stub.Check(health_pb2.HealthCheckRequest(service="no.such.Service")))
    assert error.code() is grpc.StatusCode.NOT_FOUND


async def test_a_method_that_is_not_here(channel: grpc.aio.Channel) -> None:
    error = await refused(channel.unary_unary("/calguard.v1.AccountService/Nothing")(b""))
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_what_the_domain_refuses_comes_with_its_details(channel: grpc.aio.Channel, script: Scripted) -> None:
    script.answers["get"] = NotFoundError("ACCOUNT_NOT_FOUND", "there is no account ann", metadata={"id": "ann"})
    stub = account_pb2_grpc.AccountServiceStub(channel)
    error = await refused(stub.GetAccount(account_pb2.GetAccountRequest(id="ann")))
    info = info_of(error)
    assert (error.code(), error.details()) == (grpc.StatusCode.NOT_FOUND, "there is no account ann")
    assert (info.reason, info.domain, dict(info.metadata)) == ("ACCOUNT_NOT_FOUND", "calguard.v1", {"id": "ann"})


async def test_nothing_of_an_unexpected_error_reaches_the_caller(channel: grpc.aio.Channel, script: Scripted) -> None:
    script.answers["get"] = RuntimeError(f"database is gone at /var/lib: {SECRET}")
    stub = account_pb2_grpc.AccountServiceStub(channel)
    with structlog.testing.capture_logs() as logs:
        error = await refused(stub.GetAccount(account_pb2.GetAccountRequest(id="ann")))
    info = info_of(error)
    assert error.code() is grpc.StatusCode.INTERNAL
    assert info.reason == "INTERNAL"
    told = f"{error.details()} {error.trailing_metadata()} {info}"
    assert not any(word in told for word in (SECRET, "RuntimeError", "database", "Traceback"))
    [line] = logs
    assert line["log_level"] == "error"
    assert line["error_id"] == info.metadata["error_id"]
    assert isinstance(line["exc_info"], RuntimeError)


class Failing(Authority):
    """Meets what nobody foresaw, of which the text would give something away."""

    async def identify(self, _authorization: str, _role: Role) -> Permit:
        raise TypeError(f"'int' object is not iterable: {SECRET}")


class FailingInterceptor(grpc.aio.ServerInterceptor):
    async def intercept_service(self, _continuation: object, _details: object) -> Never:
        raise TypeError(f"'int' object is not iterable: {SECRET}")


async def test_nothing_of_an_error_before_the_door_reaches_the_caller(script: Scripted) -> None:
    """While it is found out who calls, or anywhere else before the method: INTERNAL with an id, as by the door."""
    door = ErrorInterceptor()
    first = SheddingInterceptor(FailingInterceptor(), door.refusing, OverloadOptions(), lambda: 0.0, lambda: None)
    bare = grpc.aio.server(interceptors=(first,))
    port = bare.add_insecure_port("127.0.0.1:0")
    await bare.start()
    try:
        async with serving(script, ScriptedFeed(), Failing({}, ManualClock())) as server:
            for each in (server.port, port):
                async with grpc.aio.insecure_channel(f"127.0.0.1:{each}") as channel:
                    stub = account_pb2_grpc.AccountServiceStub(channel)
                    with structlog.testing.capture_logs() as logs:
                        error = await refused(stub.GetAccount(account_pb2.GetAccountRequest(id="ann")))
                assert (error.code().name, info_of(error).reason) == ("INTERNAL", "INTERNAL")
                assert SECRET not in f"{error.details()} {error.trailing_metadata()}"
                assert [line["error_id"] for line in logs] == [info_of(error).metadata["error_id"]]
    finally:
        await bare.stop(None)


async def test_a_call_is_one_line_of_the_log_without_what_was_asked(
    channel: grpc.aio.Channel, script: Scripted
) -> None:
    script.answers["complete"] = make_link()
    stub = calendar_link_pb2_grpc.CalendarLinkServiceStub(channel)
    with structlog.testing.capture_logs() as logs:
        await stub.CompleteCalendarLink(calendar_link_pb2.CompleteCalendarLinkRequest(state="st", code=SECRET))
        await refused(stub.CompleteCalendarLink(calendar_link_pb2.CompleteCalendarLinkRequest(state="st")))
    methods = {line["method"] for line in logs}
    assert methods == {"/calguard.v1.CalendarLinkService/CompleteCalendarLink"}
    assert [line["code"] for line in logs] == ["OK", "INVALID_ARGUMENT"]
    assert all(line["duration_ms"] >= 0 for line in logs)
    assert SECRET not in str(logs)


@pytest.mark.parametrize(
    "raw",
    [b"\xff\xff\xff", b"\x0a\x02\xff\xfe", b"\x0a\x05ab", b"\x0b" * 500],
    ids=["garbage", "not UTF-8", "cut short", "endless groups"],
)
@pytest.mark.parametrize(
    "method",
    ["AccountService/GetAccount", "BookingPageService/CreateBookingPage", "CalendarLinkService/CompleteCalendarLink"],
)
async def test_what_cannot_be_decoded_is_the_callers_fault(channel: grpc.aio.Channel, method: str, raw: bytes) -> None:
    error = await refused(channel.unary_unary(f"/calguard.v1.{method}")(raw))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert info_of(error).reason == "REQUEST_UNREADABLE"


async def test_what_cannot_be_decoded_on_a_stream_is_the_callers_fault(channel: grpc.aio.Channel) -> None:
    call = channel.unary_stream("/calguard.v1.WatchService/Watch")(b"\xff\xff\xff")
    error = await refused(call.read())
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    reflection = channel.stream_stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
    error = await refused(reflection(iter([b"\xff\xff\xff"])).read())
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_replayed_request_answers_what_was_kept(channel: grpc.aio.Channel, script: Scripted) -> None:
    script.answers["stop"] = make_page()
    stub = page_pb2_grpc.BookingPageServiceStub(channel)
    request = page_pb2.StopBookingPageRequest(id="page", request_id=REQUEST_ID.upper())
    first = await stub.StopBookingPage(request)
    [(_, (page_id, kept))] = script.calls
    assert isinstance(kept, Request)
    assert (page_id, kept.id) == ("page", REQUEST_ID)
    script.answers["stop"] = ReplayedError(kept.encode(make_page()))
    assert await stub.StopBookingPage(request) == first


async def test_the_fingerprint_tells_calls_apart_but_not_repetitions(
    channel: grpc.aio.Channel, script: Scripted
) -> None:
    script.answers |= {"stop": make_page(), "resume": make_page()}
    stub = page_pb2_grpc.BookingPageServiceStub(channel)
    other_id = REQUEST_ID.replace("5f2b", "6f2b")
    await stub.StopBookingPage(page_pb2.StopBookingPageRequest(id="page", request_id=REQUEST_ID))
    await stub.StopBookingPage(page_pb2.StopBookingPageRequest(id="page", request_id=other_id))
    await stub.StopBookingPage(page_pb2.StopBookingPageRequest(id="other", request_id=REQUEST_ID))
    await stub.ResumeBookingPage(page_pb2.ResumeBookingPageRequest(id="page", request_id=REQUEST_ID))
    first, repeated, other_page, other_method = (args[-1].fingerprint for _, args in script.calls)
    assert first == repeated
    assert len({first, other_page, other_method}) == 3


async def test_a_request_without_an_id_is_not_kept(channel: grpc.aio.Channel, script: Scripted) -> None:
    script.answers["delete"] = Revocation.CONFIRMED
    stub = account_pb2_grpc.AccountServiceStub(channel)
    await stub.DeleteAccount(account_pb2.DeleteAccountRequest(id="ann", etag="e"))
    assert script.calls == [("delete", ("ann", "e", None))]


async def test_lists_are_read_page_by_page(channel: grpc.aio.Channel, script: Scripted) -> None:
    stub = account_pb2_grpc.AccountServiceStub(channel)
    script.answers["list"] = [make_account(name) for name in ("ann", "bob", "cy")]
    first = await stub.ListAccounts(account_pb2.ListAccountsRequest(page_size=2))
    script.answers["list"] = [make_account("cy")]
    rest = await stub.ListAccounts(account_pb2.ListAccountsRequest(page_size=2, page_token=first.next_page_token))
    assert [account.id for account in first.accounts] == ["ann", "bob"]
    assert ([account.id for account in rest.accounts], rest.next_page_token) == (["cy"], "")
    assert script.calls == [("list", ("", 3, frozenset())), ("list", ("bob", 3, frozenset()))]


async def test_a_notification_that_is_not_there(channel: grpc.aio.Channel, script: Scripted) -> None:
    script.answers["get"] = NotFoundError("NOTIFICATION_NOT_FOUND", "there is no notification gone")
    stub = notification_pb2_grpc.NotificationServiceStub(channel)
    error = await refused(stub.GetNotification(notification_pb2.GetNotificationRequest(id="gone")))
    assert (error.code(), info_of(error).reason) == (grpc.StatusCode.NOT_FOUND, "NOTIFICATION_NOT_FOUND")


async def test_a_bad_request_does_nothing(channel: grpc.aio.Channel, script: Scripted) -> None:
    stub = page_pb2_grpc.BookingPageServiceStub(channel)
    members = [page_pb2.BookingPageMember(account_id="ann"), page_pb2.BookingPageMember(account_id="ann", priority=-1)]
    page = page_pb2.BookingPage(owner_account_id="no/slash", title="\n", members=members)
    error = await refused(stub.CreateBookingPage(page_pb2.CreateBookingPageRequest(booking_page=page)))
    bad = error_details_pb2.BadRequest()
    assert rpc_status.from_call(error).details[1].Unpack(bad)
    assert {each.field for each in bad.field_violations} == {
        "booking_page.owner_account_id",
        "booking_page.title",
        "booking_page.scheduling_mode",
        "booking_page.members[1].account_id",
        "booking_page.members[1].priority",
    }
    assert script.calls == []


async def test_a_port_that_is_taken_is_named(server: GrpcServer, script: Scripted) -> None:
    use_cases = use_cases_of(script, ScriptedFeed())
    with pytest.raises(OSError, match=rf"cannot listen on 127\.0\.0\.1:{server.port}"):
        build_server(use_cases, "127.0.0.1", server.port)
