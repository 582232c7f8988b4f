"""The sandbox as a runtime and as a command."""

import asyncio
import re
import signal
import sys
from asyncio.subprocess import PIPE

import aiohttp
import pytest

from calguard_sandbox import Sandbox, SandboxOptions
from calguard_sandbox.command import parse_options
from calguard_sandbox.errors import ListenerError

NAMES = {
    "CALGUARD_GOOGLE_CLIENT_ID",
    "CALGUARD_GOOGLE_CLIENT_SECRET",
    "CALGUARD_GOOGLE_AUTH_URI",
    "CALGUARD_GOOGLE_TOKEN_URI",
    "CALGUARD_GOOGLE_REVOKE_URI",
    "CALGUARD_GOOGLE_CERTS_URI",
    "CALGUARD_GOOGLE_API_ENDPOINT",
    "CALGUARD_SLACK_BASE_URL",
    "CALGUARD_SLACK_BOT_TOKEN",
    "CALGUARD_SMTP_URL",
}


async def test_the_environment_points_at_the_listeners(sandbox: Sandbox) -> None:
    env = sandbox.server_environment()
    assert set(env) == NAMES
    assert env["CALGUARD_GOOGLE_API_ENDPOINT"] == f"{sandbox.google_url}/calendar/v3/"
    assert env["CALGUARD_SLACK_BASE_URL"].endswith("/api/")
    assert env["CALGUARD_SMTP_URL"] == f"smtp://127.0.0.1:{sandbox.smtp_port}?starttls=off"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])
def test_other_hosts_than_loopback_are_refused(host: str) -> None:
    with pytest.raises(ValueError, match="loopback only"):
        SandboxOptions(host=host)


def test_a_user_needs_a_password() -> None:
    with pytest.raises(ValueError, match="go together"):
        SandboxOptions(smtp_user="calguard")


def test_the_command_has_fixed_ports_by_default() -> None:
    options = parse_options([])
    ports = (options.google_port, options.slack_port, options.smtp_port, options.control_port)
    assert ports == (9001, 9002, 9025, 9000)


def test_an_address_is_not_known_before_the_start() -> None:
    with pytest.raises(ListenerError, match="google has not been started"):
        _ = Sandbox().google_url


async def test_a_port_in_use_leaves_nothing_listening(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    taken = int(sandbox.control_url.rpartition(":")[2])
    second = Sandbox(SandboxOptions(control_port=taken))
    with pytest.raises(OSError, match="in use"):
        await second.start()
    with pytest.raises(aiohttp.ClientConnectorError):
        await http.get(second.google_url)


async def test_stopping_breaks_what_hangs(http: aiohttp.ClientSession) -> None:
    async with Sandbox() as sandbox:
        sandbox.fault("network/hang", surface="google")
        call = asyncio.create_task(http.get(f"{sandbox.google_url}/oauth2/v1/certs"))
        await sandbox.google_requests.wait(seconds=5)
    with pytest.raises(aiohttp.ClientError):
        await call


async def test_two_sandboxes_with_one_seed_give_the_same_tokens_and_others_do_not() -> None:
    def tokens(seed: str | None) -> str:
        return Sandbox(SandboxOptions(seed=seed)).google.ids.token("refresh")

    assert tokens("a") == tokens("a")
    assert len({tokens("a"), tokens("b"), tokens(None), tokens(None)}) == 4


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_command_says_where_it_listens_and_stops_cleanly(
    http: aiohttp.ClientSession, number: signal.Signals
) -> None:
    ports = [f"--{name}-port=0" for name in ("google", "slack", "smtp", "control")]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "calguard_sandbox", *ports, stdout=PIPE, stderr=PIPE
    )
    assert process.stdout is not None
    lines = [(await process.stdout.readline()).decode().strip() for _ in range(4 + len(NAMES))]
    assert [line.split(" listening on ")[0] for line in lines[:4]] == ["google", "slack", "smtp", "control"]
    assert {re.fullmatch(r"export (\w+)=\S+", line)[1] for line in lines[4:]} == NAMES  # type: ignore[index]
    async with http.get(lines[3].rpartition(" ")[2] + "/state") as answer:
        assert answer.status == 200
    process.send_signal(number)
    _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")


async def test_the_command_refuses_another_host() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "calguard_sandbox", "--host=0.0.0.0", stdout=PIPE, stderr=PIPE
    )
    _, errors = await process.communicate()
    assert (process.returncode, b"loopback only" in errors) == (2, True)
