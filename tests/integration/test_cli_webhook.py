"""The webhook of `calguard accounts` on the real server: its secret comes from a file, and is shown nowhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cli_harness import Calguard, running_calguard

URL = "https://hooks.example/calguard"
SECRET = "whsec_Y2FuYXJ5LXNpZ25pbmctc2VjcmV0LW9mLWFubg=="


@pytest.fixture(scope="module")
def calguard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calguard]:
    with running_calguard(tmp_path_factory.mktemp("calguard")) as calguard:
        yield calguard


def test_a_webhook_is_set_changed_and_ended(calguard: Calguard, tmp_path: Path) -> None:
    """By standard input or a file; the same URL needs no secret, another one does, and none ends it."""
    given = ("--id", "ann", "--name", "Ann", "--webhook-url", URL, "--webhook-secret-file", "-")
    created = calguard.run("accounts", "create", *given, stdin=f"{SECRET}\n")
    assert created.exit_code == 0
    assert ["webhook", URL] in [row.split() for row in created.stdout.splitlines()]
    read = calguard.json("accounts", "get", "ann")
    assert read["webhook"] == {"url": URL, "secret": "", "secret_set": True}

    assert calguard.json("accounts", "update", "ann", "--webhook-url", URL)["etag"] == read["etag"]
    refused = calguard.run("accounts", "update", "ann", "--webhook-url", f"{URL}/2")
    assert (refused.exit_code, "account.webhook.secret" in refused.stderr) == (1, True)
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\nmore\n")
    moved = ("accounts", "update", "ann", "--webhook-url", f"{URL}/2", "--webhook-secret-file", str(file))
    assert calguard.json(*moved)["webhook"]["url"] == f"{URL}/2"
    assert calguard.json("accounts", "update", "ann", "--webhook-url", "").get("webhook") is None


def test_a_secret_that_is_refused_is_not_repeated(calguard: Calguard) -> None:
    """Whether its form is wrong, it has no URL, or there is none."""
    new = ("accounts", "create", "--name", "Ben")
    wrong = calguard.run(*new, "--webhook-url", URL, "--webhook-secret-file", "-", stdin="my-password\n")
    alone = calguard.run(*new, "--webhook-secret-file", "-", stdin=f"{SECRET}\n")
    empty = calguard.run(*new, "--webhook-url", URL, "--webhook-secret-file", "-")
    assert [each.exit_code for each in (wrong, alone, empty)] == [1, 1, 2]
    assert "account.webhook.secret" in wrong.stderr
    assert "account.webhook.url" in alone.stderr
    assert "expected the secret in the first line" in empty.stderr
    assert [each for each in ("my-password", SECRET) if each in wrong.stderr + alone.stderr] == []


def test_a_secret_is_no_argument(calguard: Calguard) -> None:
    """Where other users of the machine, and the shell's history, would see it; as a file's name there is none."""
    refused = calguard.run("accounts", "create", "--name", "Ben", "--webhook-url", URL, "--webhook-secret", SECRET)
    assert (refused.exit_code, SECRET in refused.stderr) == (2, False)
