"""Who calls, as a real server gets to know it: tokens, metadata, TLS."""

import asyncio
import ipaddress
from datetime import timedelta

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from calguard.v1 import account_pb2 as accounts_pb
from calguard_client import AsyncClient, Client, ClientOptions, UnavailableError
from tests.fakes.world import START
from tests.integration.client_kinds import KIND_NAMES, KINDS, Kind
from tests.integration.scripted_server import scripted_server

GET, GOT = accounts_pb.GetAccountRequest(id="ann"), accounts_pb.GetAccountResponse()


@pytest.fixture(params=KINDS, ids=KIND_NAMES)
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


def test_what_goes_along_with_a_call(kind: Kind) -> None:
    options = ClientOptions(metadata=[("x-team", "web")], user_agent="booking/2.1", token="t0ken")
    with scripted_server(GetAccount=[[GOT]]) as server:
        kind.call(server.address, "accounts", "GetAccount", GET, options)
        [call] = server.calls
    assert call.metadata["x-team"] == "web"
    assert call.metadata["authorization"] == "Bearer t0ken"
    assert str(call.metadata["user-agent"]).startswith("booking/2.1 calguard-client/")


def test_a_token_is_asked_for_before_each_call() -> None:
    tokens = iter(["first", "second", "third", "fourth"])

    async def renewed() -> str:
        return next(tokens)

    async def call_twice(address: str) -> None:
        async with AsyncClient(address, ClientOptions(token=renewed)) as client:
            await client.accounts.GetAccount(GET)
            await client.accounts.GetAccount(GET)

    with scripted_server(GetAccount=[[GOT]]) as server:
        asyncio.run(call_twice(server.address))
        with Client(server.address, ClientOptions(token=lambda: next(tokens))) as client:
            client.accounts.GetAccount(GET)
            client.accounts.GetAccount(GET)
        sent = [call.metadata["authorization"] for call in server.calls]
    assert sent == ["Bearer first", "Bearer second", "Bearer third", "Bearer fourth"]


def test_a_coroutine_is_no_token_without_asyncio() -> None:
    async def renewed() -> str:
        return "t0ken"

    with pytest.raises(ValueError, match="token: expected a text"):
        Client("127.0.0.1:1", ClientOptions(token=renewed))


def test_a_token_that_cannot_be_had_fails_the_call(kind: Kind) -> None:
    def fail() -> str:
        raise LookupError("s3cret")

    with scripted_server(GetAccount=[[GOT]]) as server:
        with pytest.raises(UnavailableError, match="no token could be had: LookupError") as caught:
            kind.call(server.address, "accounts", "GetAccount", GET, ClientOptions(token=fail))
        assert "s3cret" not in str(caught.value)
        assert isinstance(caught.value.__cause__, LookupError)
        assert not server.calls


def certificate() -> tuple[bytes, bytes]:
    """A key, and a certificate of 127.0.0.1 that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "calguard.test")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(START - timedelta(days=3650))
        .not_valid_after(START + timedelta(days=36500))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    return (
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain),
        made.public_bytes(serialization.Encoding.PEM),
    )


def test_tls(kind: Kind) -> None:
    key, cert = certificate()
    with scripted_server(credentials=grpc.ssl_server_credentials([(key, cert)]), GetAccount=[[GOT]]) as server:
        trusting = ClientOptions(credentials=grpc.ssl_channel_credentials(cert), token="t0ken")
        assert kind.call(server.address, "accounts", "GetAccount", GET, trusting) == GOT
        _, other = certificate()
        doubting = ClientOptions(credentials=grpc.ssl_channel_credentials(other), token="t0ken", retry=False)
        with pytest.raises(UnavailableError):
            kind.call(server.address, "accounts", "GetAccount", GET, doubting)
        assert len(server.calls) == 1
        assert server.calls[0].metadata["authorization"] == "Bearer t0ken"
