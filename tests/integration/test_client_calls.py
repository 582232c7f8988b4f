"""Calls of either client against a real server that fails as a test says: retries, request ids, tokens, errors."""

import asyncio
import pickle
import uuid
from datetime import timedelta

import grpc
import pytest
from google.protobuf.message import Message

from calguard.v1 import account_pb2 as accounts_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard_client import AsyncClient, CalguardError, Client, ClientOptions, NotFoundError, UnavailableError
from calguard_client.errors import _ERRORS, error_of
from tests.integration.client_kinds import KIND_NAMES, KINDS, Kind
from tests.integration.scripted_server import SILENCE, scripted_server

Code = grpc.StatusCode
PLAIN = ClientOptions()
GET, CREATE = accounts_pb.GetAccountRequest(id="ann"), accounts_pb.CreateAccountRequest()
GOT, CREATED = accounts_pb.GetAccountResponse(), accounts_pb.CreateAccountResponse()
A_DAY = 86_400
TWICE = [[Code.UNAVAILABLE], [Code.UNAVAILABLE]]


@pytest.fixture(params=KINDS, ids=KIND_NAMES)
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


def test_a_read_is_repeated(kind: Kind) -> None:
    with scripted_server(GetAccount=[*TWICE, [GOT]]) as server:
        assert kind.call(server.address, "accounts", "GetAccount", GET, PLAIN) == GOT
        assert len(server.calls) == 3


def test_a_mutation_is_repeated_with_one_request_id(kind: Kind) -> None:
    with scripted_server(CreateAccount=[*TWICE, [CREATED]]) as server:
        assert kind.call(server.address, "accounts", "CreateAccount", CREATE, PLAIN) == CREATED
        ids = [accounts_pb.CreateAccountRequest.FromString(call.request).request_id for call in server.calls]
    assert len(ids) == 3
    assert len(set(ids)) == 1
    assert uuid.UUID(ids[0]).version == 4
    assert not CREATE.request_id


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("CompleteCalendarLink", links_pb.CompleteCalendarLinkRequest(state="s")),
        ("CheckCalendarLink", links_pb.CheckCalendarLinkRequest(id="l")),
        ("ReportCalendarFailure", links_pb.ReportCalendarFailureRequest(calendar_link_id="l")),
        ("DiagnoseCalendarLink", links_pb.DiagnoseCalendarLinkRequest(id="l")),
    ],
)
def test_what_is_not_safe_is_not_repeated(kind: Kind, name: str, request_: Message) -> None:
    with scripted_server(**{name: [[Code.UNAVAILABLE]]}) as server:
        with pytest.raises(UnavailableError):
            kind.call(server.address, "calendar_links", name, request_, PLAIN)
        assert len(server.calls) == 1


def test_a_refusal_is_not_repeated(kind: Kind) -> None:
    with scripted_server(GetAccount=[[Code.INTERNAL]]) as server:
        with pytest.raises(CalguardError, match="INTERNAL"):
            kind.call(server.address, "accounts", "GetAccount", GET, PLAIN)
        assert len(server.calls) == 1


def test_retries_can_be_left_out(kind: Kind) -> None:
    with scripted_server(GetAccount=TWICE) as server:
        with pytest.raises(UnavailableError):
            kind.call(server.address, "accounts", "GetAccount", GET, ClientOptions(retry=False))
        assert len(server.calls) == 1


@pytest.mark.parametrize("code", sorted(_ERRORS, key=lambda code: code.name), ids=lambda code: code.name)
def test_each_status_has_an_error_of_its_own(kind: Kind, code: grpc.StatusCode) -> None:
    with scripted_server(GetAccount=[[(code, "SOME_REASON")]]) as server, pytest.raises(_ERRORS[code]) as caught:
        kind.call(server.address, "accounts", "GetAccount", GET, ClientOptions(retry=False))
    error = caught.value
    assert (error.code(), error.reason, dict(error.metadata)) == (code, "SOME_REASON", {"told": "yes"})
    assert (error.message, error.details()) == ("told: SOME_REASON", "told: SOME_REASON")
    assert str(error) == f"{code.name} SOME_REASON: told: SOME_REASON"
    assert isinstance(error, grpc.RpcError)


def test_every_status_but_three_has_an_error() -> None:
    """Those of a cancelled call, a lost connection's word and data loss are CalguardError itself."""
    assert set(grpc.StatusCode) - set(_ERRORS) == {Code.OK, Code.CANCELLED, Code.UNKNOWN, Code.DATA_LOSS}


def test_an_error_can_be_sent_to_another_process(kind: Kind) -> None:
    refusal = [[(Code.NOT_FOUND, "ACCOUNT_NOT_FOUND")]]
    with scripted_server(GetAccount=refusal) as server, pytest.raises(NotFoundError) as caught:
        kind.call(server.address, "accounts", "GetAccount", GET, PLAIN)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (type(copy), copy.refusal) == (NotFoundError, caught.value.refusal)
    assert error_of(copy) is copy


def test_a_stream_fails_with_the_librarys_errors(kind: Kind) -> None:
    steps = [[links_pb.DiagnoseCalendarLinkResponse(), (Code.NOT_FOUND, "CALENDAR_LINK_NOT_FOUND")]]
    request = links_pb.DiagnoseCalendarLinkRequest(id="l")
    with scripted_server(DiagnoseCalendarLink=steps) as server, pytest.raises(NotFoundError, match="LINK_NOT_FOUND"):
        kind.call(server.address, "calendar_links", "DiagnoseCalendarLink", request, PLAIN)


def test_a_call_has_a_deadline_and_a_stream_has_none(kind: Kind) -> None:
    with scripted_server(GetAccount=[[GOT]], DiagnoseCalendarLink=[[]]) as server:
        kind.call(server.address, "accounts", "GetAccount", GET, ClientOptions(timeout=timedelta(hours=1)))
        request = links_pb.DiagnoseCalendarLinkRequest(id="l")
        kind.call(server.address, "calendar_links", "DiagnoseCalendarLink", request, PLAIN)
        bounded, unbounded = (call.seconds_left for call in server.calls)
    assert bounded is not None
    assert 0 < bounded < A_DAY
    assert unbounded is None or unbounded > 36_500 * A_DAY  # gRPC's word for no deadline


def test_futures_and_their_calls_have_the_librarys_errors() -> None:
    """What else gRPC offers to make a synchronous call with works as well."""
    with (
        scripted_server(GetAccount=[[(Code.NOT_FOUND, "ACCOUNT_NOT_FOUND")]]) as server,
        Client(server.address) as client,
    ):
        future = client.accounts.GetAccount.future(GET)
        with pytest.raises(NotFoundError):
            future.result()
        assert isinstance(future.exception(), NotFoundError)
        assert future.code() is Code.NOT_FOUND
        with pytest.raises(NotFoundError):
            client.accounts.GetAccount.with_call(GET)


async def test_a_call_can_be_cancelled() -> None:
    with scripted_server(GetAccount=[[SILENCE]]) as server:
        async with AsyncClient(server.address) as client:
            task = asyncio.ensure_future(client.accounts.GetAccount(GET))
            while not server.calls:
                await asyncio.to_thread(lambda: None)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


def test_a_server_that_is_not_there(kind: Kind) -> None:
    with scripted_server() as server:
        address = server.address
    with pytest.raises(UnavailableError) as caught:
        kind.call(address, "accounts", "GetAccount", GET, ClientOptions(retry=False))
    assert (caught.value.reason, caught.value.field_violations) == ("", ())
