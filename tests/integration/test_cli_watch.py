"""`calguard watch` on the real server."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cli_harness import Calguard, running, running_calguard

TOKEN = '"resume_token": "[^"]'


@pytest.fixture
def calguard(tmp_path: Path) -> Iterator[Calguard]:
    """A server with an account, and two pages of it."""
    with running_calguard(tmp_path) as calguard:
        calguard.json("accounts", "create", "--id", "ann", "--name", "Ann")
        for page in ("board", "intro"):
            calguard.json(
                "pages", "create", "--id", page, "--owner", "ann", "--title", page, "--scheduling-mode", "ALL_MEMBERS"
            )
        yield calguard


def test_the_snapshot_comes_first_then_each_change_until_interrupted(calguard: Calguard) -> None:
    with running("calguard", "--server", calguard.address, "watch", TZ="Asia/Tokyo") as watch:
        snapshot = watch.read_until("changes follow")
        assert [row.split()[1:] for row in snapshot[:-1]] == [
            ["snapshot", "page", "board", "LINKED"],
            ["snapshot", "page", "intro", "LINKED"],
        ]
        calguard.run("pages", "stop", "board")
        changed = watch.read_until("board")[-1]
        assert changed.split()[0].endswith("+09:00")
        assert changed.split()[1:] == ["changed", "page", "board", "LINKED", "->", "STOPPED", "OWNER"]
        watch.signal(signal.SIGINT)
        assert watch.wait() == (130, "")


def test_a_token_resumes_after_the_last_message(calguard: Calguard) -> None:
    arguments = ("calguard", "--server", calguard.address, "--json", "watch", "--page", "intro")
    with running(*arguments) as watch:
        token = json.loads(watch.read_until(TOKEN)[-1])["resume_token"]
    calguard.run("pages", "stop", "board")
    calguard.run("pages", "stop", "intro")
    with running(*arguments, "--resume-token", token) as watch:
        message = json.loads(watch.read_until("changes")[-1])
        assert [each["booking_page"]["id"] for each in message["changes"]] == ["intro"]
        assert message["changes"][0]["previous_page_state"] == "BOOKING_PAGE_STATE_LINKED"


def test_a_token_goes_with_its_filters(calguard: Calguard) -> None:
    with running("calguard", "--server", calguard.address, "--json", "watch", "--account", "ann") as watch:
        token = json.loads(watch.read_until(TOKEN)[-1])["resume_token"]
    refused = calguard.run("watch", "--link", "other", "--resume-token", token)
    assert refused.exit_code == 1
    assert refused.stderr.startswith("calguard: INVALID_ARGUMENT TOKEN_FILTER_MISMATCH: ")


def test_without_a_snapshot_only_changes_are_told(calguard: Calguard) -> None:
    with running("calguard", "--server", calguard.address, "--json", "watch", "--no-snapshot") as watch:
        watch.read_until(TOKEN)
        calguard.run("pages", "delete", "intro")
        message = json.loads(watch.read_until("DELETED")[-1])
        assert [each["type"] for each in message["changes"]] == ["STATE_CHANGE_TYPE_DELETED"]


def test_a_server_that_stops_ends_the_watch_with_what_to_do(calguard: Calguard) -> None:
    with running("calguard", "--server", calguard.address, "watch") as watch:
        watch.read_until("changes follow")
        calguard.server.signal(signal.SIGTERM)
        code, told = watch.wait()
        assert code == 5
        assert told.startswith("calguard: UNAVAILABLE SERVER_DRAINING: ")
        assert "--resume-token " in told
