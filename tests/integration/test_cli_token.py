"""`calguard` and the token that it calls with, on the real server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from calguard_client.cli import main
from tests.e2e.bearer import KNOWN, READER, WRITER, overwrite
from tests.integration.cli_harness import Calguard, running, running_calguard

CREATE = ("accounts", "create", "--id", "ann", "--name", "Ann")


@pytest.fixture(scope="module")
def calguard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calguard]:
    folder = tmp_path_factory.mktemp("calguard")
    overwrite(folder / "tokens", *KNOWN)
    with running_calguard(folder, CALGUARD_AUTH_TOKENS_FILE=str(folder / "tokens")) as calguard:
        yield calguard


def run(calguard: Calguard, *arguments: str, token: str = "", typed: str = "") -> Result:
    environment = {"CALGUARD_SERVER": calguard.address, "CALGUARD_TOKEN": token or None}
    return CliRunner().invoke(main, arguments, input=typed, env=environment, prog_name="calguard")


def test_the_token_is_read_from_the_environment_or_from_a_file(calguard: Calguard, tmp_path: Path) -> None:
    """A file comes before the environment; `-` is standard input."""
    file = tmp_path / "token"
    file.write_text(f"{WRITER}\n")
    created = run(calguard, "--auth-token-file", str(file), *CREATE, token=READER)
    assert (created.exit_code, created.stderr) == (0, "")
    assert run(calguard, "accounts", "get", "ann", token=READER).exit_code == 0
    assert run(calguard, "--auth-token-file", "-", "accounts", "get", "ann", typed=f"{READER}\n").exit_code == 0


def test_a_stream_carries_the_token_too(calguard: Calguard) -> None:
    arguments = ("calguard", "--server", calguard.address, "watch")
    with running(*arguments, CALGUARD_TOKEN=READER) as watch:
        assert watch.read_until("changes follow")
    with running(*arguments, CALGUARD_TOKEN="unknown") as watch:
        code, told = watch.wait()
    assert (code, told.startswith("calguard: UNAUTHENTICATED TOKEN_UNKNOWN: ")) == (1, True)


@pytest.mark.parametrize(
    ("token", "told"),
    [
        ("", "UNAUTHENTICATED TOKEN_MISSING: {server} lets in nobody without a token: set CALGUARD_TOKEN, or name an "),
        ("unknown", "UNAUTHENTICATED TOKEN_UNKNOWN: this server does not know the token"),
        (READER, "PERMISSION_DENIED ROLE_TOO_SMALL: this takes the role writer; dashboard is a reader"),
    ],
)
def test_a_refusal_says_what_to_do(calguard: Calguard, token: str, told: str) -> None:
    refused = run(calguard, *CREATE, token=token)
    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"calguard: {told.format(server=calguard.address)}")
    document = json.loads(run(calguard, "--json", *CREATE, token=token).stderr)
    assert document["error"]["reason"] in told


@pytest.mark.parametrize("token", ["two words", "hünter2", "a\nb", " "])
def test_what_can_be_no_token_is_wrong_usage_and_not_shown(calguard: Calguard, tmp_path: Path, token: str) -> None:
    file = tmp_path / "token"
    file.write_text(token)
    for refused in (
        run(calguard, "accounts", "list", token=token),
        run(calguard, "--auth-token-file", str(file), "accounts", "list"),
    ):
        assert refused.exit_code == 2
        assert "expected one token: visible ASCII characters, without spaces" in refused.stderr
        assert token.strip() == "" or token.strip() not in refused.stderr


def test_a_token_file_that_is_not_there_is_wrong_usage(calguard: Calguard, tmp_path: Path) -> None:
    refused = run(calguard, "--auth-token-file", str(tmp_path / "none"), "accounts", "list", token=READER)
    assert refused.exit_code == 2
    assert "--auth-token-file" in refused.stderr
