"""`calguard slack` on the real server: the token comes from standard input, and is shown nowhere."""

import json
from collections.abc import Iterator

import pytest

from tests.integration.cli_harness import Calguard, running_calguard

TOKEN = "xoxb-acme-secret"


@pytest.fixture(scope="module")
def calguard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calguard]:
    with running_calguard(tmp_path_factory.mktemp("calguard")) as calguard:
        calguard.control("POST", "/slack/workspaces", team="T0ACME", token=TOKEN, name="Acme Inc.")
        yield calguard


def test_a_workspace_is_put_shown_listed_and_deleted(calguard: Calguard) -> None:
    put = calguard.run("slack", "put", "acme", "--name", "Acme", stdin=f"{TOKEN}\n")
    assert put.exit_code == 0
    rows = [row.split(maxsplit=1) for row in put.stdout.splitlines()]
    assert rows[:4] == [["workspace", "acme"], ["name", "Acme"], ["team", "Acme Inc. (T0ACME)"], ["state", "CONNECTED"]]
    assert calguard.json("slack", "get", "acme")["state"] == "SLACK_WORKSPACE_STATE_CONNECTED"

    listed = calguard.run("slack", "list").stdout.splitlines()
    heading, acme, default = [row.split() for row in listed]
    assert heading == ["ID", "NAME", "TEAM", "STATE", "CAUSE", "SINCE"]
    assert acme == ["acme", "Acme", "T0ACME", "CONNECTED", "-", "-"]
    assert [*default[:2], *default[3:]] == ["default", "default", "CONNECTED", "-", "-"]
    assert default[2] in ("-", "T0SANDBOX")  # Slack is asked for it right after the start

    account = calguard.json("accounts", "create", "--name", "Ann", "--slack-workspace", "acme")["id"]
    refused = calguard.run("slack", "delete", "acme")
    assert (refused.exit_code, "SLACK_WORKSPACE_IN_USE" in refused.stderr) == (4, True)
    calguard.run("accounts", "delete", account)
    assert calguard.run("slack", "delete", "acme").stdout == "deleted Slack workspace acme\n"
    assert calguard.run("slack", "get", "acme").exit_code == 3


def test_a_token_that_is_refused_is_not_repeated(calguard: Calguard) -> None:
    """Whether its form is wrong, Slack does not know it, or there is none."""
    unknown = calguard.run("slack", "put", "other", stdin="xoxb-nobody-has-it\n")
    assert unknown.exit_code == 4
    assert unknown.stderr == (
        "calguard: FAILED_PRECONDITION SLACK_TOKEN_REFUSED: Slack does not accept the bot token: invalid_auth\n"
    )
    wrong = calguard.run("--json", "slack", "put", "other", stdin="my-password\n")
    assert wrong.exit_code == 1
    [field] = json.loads(wrong.stderr)["error"]["fields"]
    assert field["field"] == "bot_token"
    assert "my-password" not in wrong.stderr
    missing = calguard.run("slack", "put", "other")
    assert missing.exit_code == 2
    assert "expected the bot token as the first line of standard input" in missing.stderr


def test_a_token_is_no_argument(calguard: Calguard) -> None:
    """Where other users of the machine, and the shell's history, would see it."""
    refused = calguard.run("slack", "put", "acme", TOKEN)
    assert refused.exit_code == 2
    assert "the bot token is read from standard input" in refused.stderr
    assert TOKEN not in refused.output
    assert calguard.run("slack", "put", "acme", "--token", TOKEN).exit_code == 2
    assert "--token" not in calguard.run("slack", "put", "--help").stdout
