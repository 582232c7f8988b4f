"""Every call of the contract as the client library makes it: repeated or not, and what goes along with it."""

import json
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor

from calguard.v1 import account_pb2
from calguard_client import AsyncClient, Client, ClientOptions
from calguard_client.call_kinds import CALL_KINDS, PACKAGE, CallKind, service_config
from calguard_client.connection import open_async_channel, open_channel
from calguard_client.outgoing import Outgoing
from tests.fakes.contract import CONTRACT


def contract() -> Iterator[MethodDescriptor]:
    for file in CONTRACT:
        for service in file.services_by_name.values():
            yield from service.methods


METHODS = {(method.containing_service.name, method.name): method for method in contract()}


def takes_request_id(method: MethodDescriptor) -> bool:
    return "request_id" in method.input_type.fields_by_name


def test_every_method_has_a_decision() -> None:
    """A new method of the contract fails here until somebody has decided whether it may be repeated."""
    assert {(service, name) for service, methods in CALL_KINDS.items() for name in methods} == set(METHODS)


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.name)
def test_the_decision_fits_the_method(method: MethodDescriptor) -> None:
    """What is repeated reads or carries a request_id; a stream is never repeated; no request_id is left unused."""
    kind = CALL_KINDS[method.containing_service.name][method.name]
    assert (kind is CallKind.STREAM) == method.server_streaming
    assert (kind is CallKind.REPEATABLE) == takes_request_id(method)
    if kind is CallKind.READ:
        assert method.name.startswith(("Get", "List", "Explain", "Query"))


def test_what_is_safe_is_repeated_and_nothing_else() -> None:
    config = json.loads(service_config(retry=True))
    [repeated] = config["methodConfig"]
    assert repeated["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE"]
    assert {(each["service"], each["method"]) for each in repeated["name"]} == {
        (f"{PACKAGE}.{service}", name)
        for (service, name), method in METHODS.items()
        if takes_request_id(method) or CALL_KINDS[service][name] is CallKind.READ
    }
    assert "methodConfig" not in json.loads(service_config(retry=False))


async def test_every_service_has_a_stub() -> None:
    with Client("127.0.0.1:1") as client:
        async with AsyncClient("127.0.0.1:1") as other:
            for each in (client, other):
                stubs = [vars(stub) for stub in vars(each).values() if type(stub).__name__.endswith("Stub")]
                assert {name for stub in stubs for name in stub} == {name for _, name in METHODS}


def test_a_mutation_gets_a_request_id_and_the_callers_own_is_not_touched() -> None:
    outgoing = Outgoing(ClientOptions(new_request_id=lambda: "made"))
    request = account_pb2.DeleteAccountRequest(id="ann")
    assert outgoing.repeatable(request) == account_pb2.DeleteAccountRequest(id="ann", request_id="made")
    assert not request.request_id
    given = account_pb2.DeleteAccountRequest(id="ann", request_id="given")
    assert outgoing.repeatable(given) is given
    read = account_pb2.GetAccountRequest(id="ann")
    assert outgoing.repeatable(read) is read


def test_request_ids_are_uuids_that_differ() -> None:
    outgoing = Outgoing(ClientOptions())
    made = {outgoing.repeatable(account_pb2.DeleteAccountRequest()).request_id for _ in range(10)}
    assert len(made) == 10
    assert all(len(each) == 36 and each[14] == "4" for each in made)


def test_a_call_that_names_no_deadline_gets_one() -> None:
    outgoing = Outgoing(ClientOptions())
    assert outgoing.deadline(None) == 30
    assert outgoing.deadline(120.0) == 120


def test_metadata_and_token_go_along() -> None:
    outgoing = Outgoing(ClientOptions(metadata=[("x-team", "web")]))
    assert outgoing.metadata(None, "") == [("x-team", "web")]
    assert outgoing.metadata([("x-a", "b")], "t") == [("x-team", "web"), ("x-a", "b"), ("authorization", "Bearer t")]
    assert outgoing.metadata([("Authorization", "Basic x")], "t")[1:] == [("Authorization", "Basic x")]


@pytest.mark.parametrize("address", ["calguard:50051", "10.0.0.1:50051", "dns:///calguard:50051", "127evil.example:1"])
async def test_a_token_is_not_sent_in_plain_text_to_another_machine(address: str) -> None:
    options = ClientOptions(token="secret")
    for opener in (open_channel, open_async_channel):
        with pytest.raises(ValueError, match="plain text") as refused:
            opener(address, options)
        assert "secret" not in str(refused.value)
    open_channel(address, ClientOptions(token="secret", credentials=grpc.ssl_channel_credentials())).close()
    open_channel(address, ClientOptions(token="secret", plaintext_token=True)).close()
    open_channel("127.0.0.1:1", options).close()


@pytest.mark.parametrize("token", ["a token", "two\nlines", "ünknown"])
def test_a_token_that_cannot_be_sent_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="visible ASCII"):
        ClientOptions(token=token)


def test_a_token_as_files_have_it() -> None:
    """With the end of its line; and none at all."""
    nothing: Any = None
    assert ClientOptions(token="secret\n").token == "secret"
    assert ClientOptions(token=nothing).token == ""
