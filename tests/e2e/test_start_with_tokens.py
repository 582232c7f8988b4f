"""The command `calguard-server` and its tokens: how they are made, and what it does not start with."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path

import grpc.aio
import pytest
from cryptography.fernet import Fernet

from calguard_client.refusal import Refusal
from calguard_server.auth.tokens_file import parse
from calguard_server.domain.scope import Scope
from tests.e2e.bearer import KNOWN, READER, carrying, line, overwrite
from tests.e2e.server_process import ServerProcess
from tests.e2e.stubs import Stubs, refused, told
from tests.fakes.certificates import SERVER_NAMES, authority, put
from tests.fakes.issuer import ec_key, key_set
from tests.patience import PATIENCE_SECONDS

EXIT_STOPPED = 0


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    return tmp_path / "tokens"


@pytest.fixture
def environment(tmp_path: Path, tokens: Path) -> dict[str, str]:
    return {
        "CALGUARD_AUTH_TOKENS_FILE": str(tokens),
        "CALGUARD_LISTEN": "127.0.0.1:0",
        "CALGUARD_HTTP_LISTEN": "",
        "CALGUARD_DATABASE_URL": f"sqlite:///{tmp_path}/calguard.db",
        "CALGUARD_TOKEN_KEYS": Fernet.generate_key().decode(),
    }


@asynccontextmanager
async def running(environment: dict[str, str], *arguments: str) -> AsyncIterator[ServerProcess]:
    server = await ServerProcess.start(environment, *arguments)
    try:
        yield server
    finally:
        await server.end()


async def made(*arguments: str) -> tuple[int, str, str]:
    """Make a token: the exit code, and what was printed to standard output and to standard error."""
    async with running({}, "new-token", *arguments) as process:
        return await process.ended(), process.printed, process.complaints


@asynccontextmanager
async def calling(server: ServerProcess, token: str) -> AsyncIterator[Stubs]:
    interceptors = carrying(token) if token else ()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{await server.port()}", interceptors=interceptors) as channel:
        yield Stubs(channel)


async def reason_of(call: Awaitable[object]) -> str:
    """Why a call is refused; empty where it is not."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return Refusal.of(error).reason
    return ""


async def test_a_new_token_calls_once_its_line_is_in_the_file(environment: dict[str, str], tokens: Path) -> None:
    """Standard output is the token, standard error is what goes into the file; it is taken up while it serves."""
    overwrite(tokens, *KNOWN)
    async with running(environment) as server, calling(server, READER) as reader:
        await reader.all_pages()
        code, printed, said = await made("booking-v2", "writer")
        assert code == EXIT_STOPPED
        token = printed.removesuffix("\n")
        assert token
        assert token not in said
        overwrite(tokens, *KNOWN, said)
        async with calling(server, token) as booking, asyncio.timeout(PATIENCE_SECONDS):
            while (reason := await reason_of(booking.add_account("ann"))) == "TOKEN_UNKNOWN":
                pass
        assert reason == ""
        async with calling(server, "") as nobody:
            assert told(await refused(nobody.all_pages())) == ("UNAUTHENTICATED", "TOKEN_MISSING")
        server.send(signal.SIGTERM)
        assert await server.ended() == EXIT_STOPPED
    assert token not in server.printed + server.complaints
    assert [event["authentication"] for event in server.events if "authentication" in event] == ["tokens"]


async def test_a_new_token_may_be_limited_to_some_accounts() -> None:
    """Its line is one that the file takes."""
    _, token, said = await made("acme", "writer", "--accounts", "ben,ann")
    assert said.endswith(" accounts=ann,ben\n")
    [caller] = parse(said.encode(), Path("callers")).values()
    assert caller.scope == Scope(frozenset({"ann", "ben"}))
    assert token.startswith("calguard_")


@pytest.mark.parametrize(
    ("setting", "content", "expected"),
    [
        ("TLS_KEY", "nothing", "CALGUARD_TLS_KEY: {path}: expected a private key in PEM"),
        ("TLS_CERT", "nothing", "CALGUARD_TLS_CERT: {path}: expected certificates in PEM"),
        ("TLS_CLIENT_CA", "nothing", "CALGUARD_TLS_CLIENT_CA: {path}: expected certificates in PEM"),
        ("AUTH_JWT_JWKS", "{}", "CALGUARD_AUTH_JWT_JWKS: expected a JSON Web Key Set with public keys"),
    ],
)
async def test_a_server_does_not_start_with_a_bad_file(
    environment: dict[str, str], tokens: Path, tmp_path: Path, setting: str, content: str, expected: str
) -> None:
    """It says which setting names it, and what was expected."""
    overwrite(tokens, *KNOWN)
    ca = authority()
    cert, key = ca.issue(*SERVER_NAMES).write(tmp_path, "server")
    put(tmp_path / "ca.pem", ca.cert)
    put(tmp_path / "keys.json", key_set(ec_key("e").public()))
    good = {
        "CALGUARD_TLS_CERT": str(cert),
        "CALGUARD_TLS_KEY": str(key),
        "CALGUARD_TLS_CLIENT_CA": str(tmp_path / "ca.pem"),
        "CALGUARD_AUTH_JWT_ISSUER": "https://issuer.example",
        "CALGUARD_AUTH_JWT_AUDIENCE": "calguard",
        "CALGUARD_AUTH_JWT_JWKS": str(tmp_path / "keys.json"),
    }
    path = Path(good[f"CALGUARD_{setting}"])
    overwrite(path, content)
    async with running(environment | good) as server:
        assert await server.ended() == os.EX_CONFIG
        assert expected.format(path=path) in server.complaints


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("new-token",), "NAME"),
        (("new-token", "a b", "reader"), "NAME: expected a name of up to 63 letters"),
        (("new-token", "a", "owner"), "reader"),
        (
            ("new-token", "a", "reader", "--accounts", "a,,b"),
            "--accounts: expected ids of accounts, one at least",
        ),
        (("serve",), "new-token"),
        (("--port=1",), "--port"),
    ],
)
async def test_wrong_usage_makes_nothing(arguments: tuple[str, ...], expected: str) -> None:
    async with running({}, *arguments) as process:
        assert await process.ended() == os.EX_USAGE
        assert process.printed == ""
        assert expected in process.complaints


async def test_the_command_tells_what_it_takes() -> None:
    async with running({}, "--help") as process:
        assert await process.ended() == EXIT_STOPPED
        assert "new-token" in process.printed
        assert "docs/settings.md" in process.printed


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], "{path}: cannot be read: No such file or directory"),
        ([*KNOWN, f"dashboard reader {READER}"], "{path}, line 4: expected sha256: and 64 hexadecimal digits"),
        ([line("dashboard", READER, "x")], "{path}, line 1: expected the role reader, writer or admin"),
    ],
)
async def test_it_does_not_start_with_a_file_that_is_of_no_use(
    environment: dict[str, str], tokens: Path, lines: list[str], expected: str
) -> None:
    """It names the setting, the file, the line and what was expected, and nothing of what stands there."""
    if lines:
        overwrite(tokens, *lines)
    async with running(environment) as server:
        assert await server.ended() == os.EX_CONFIG
    told_so = f"CALGUARD_AUTH_TOKENS_FILE: {expected.format(path=tokens)}"
    assert told_so in server.complaints
    assert READER not in server.printed + server.complaints
    assert "Traceback" not in server.printed + server.complaints


@pytest.mark.parametrize(
    ("settled", "starts"),
    [({}, False), ({"CALGUARD_AUTH_ALLOW_ANONYMOUS": "true"}, True), ({"CALGUARD_AUTH_TOKENS_FILE": ""}, False)],
)
async def test_other_machines_are_let_in_on_purpose_only(
    environment: dict[str, str], settled: dict[str, str], *, starts: bool
) -> None:
    """An address beyond loopback takes tokens, or the word that somebody else sees to it."""
    del environment["CALGUARD_AUTH_TOKENS_FILE"]
    async with running(environment | {"CALGUARD_LISTEN": "0.0.0.0:0"} | settled) as server:
        if starts:
            async with calling(server, "") as anybody:
                assert await anybody.all_pages() == []
            return
        assert await server.ended() == os.EX_CONFIG
    assert "CALGUARD_LISTEN: expected a loopback address" in server.complaints
    assert "set CALGUARD_AUTH_TOKENS_FILE, or CALGUARD_AUTH_JWT_ISSUER, or CALGUARD_AUTH_ALLOW" in server.complaints
