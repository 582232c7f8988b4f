"""`calguard watch` on the real server."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cli_harness import BINARIES, Calguard, run, running, running_calguard
from tests.patience import PATIENCE_SECONDS

TOKEN = '"resume_token": "[^"]'


@pytest.fixture(scope="module")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calguard]:
    with running_calguard(tmp_path_factory.mktemp("calguard")) as calguard:
        calguard.json("accounts", "create", "--id", "ann", "--name", "Ann")
        yield calguard


@pytest.fixture
def calguard(running_server: Calguard) -> Iterator[Calguard]:
    """A server with two new pages."""
    for page in ("board", "intro"):
        running_server.json(
            "pages", "create", "--id", page, "--owner", "ann", "--title", page, "--scheduling-mode", "ALL_MEMBERS"
        )
    yield running_server
    for page in ("board", "intro"):
        running_server.run("pages", "delete", page)


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


def test_it_goes_on_when_the_server_is_restarted(calguard: Calguard) -> None:
    """Nothing is missed and nothing told twice; what happened to the stream is said on stderr, each trouble once."""
    with running("calguard", "--server", calguard.address, "watch", "--page", "intro") as watch:
        watch.read_until("changes follow")
        calguard.stop_server()
        calguard.start_server()
        calguard.run("pages", "stop", "intro")
        [changed] = watch.read_until("intro")
        assert changed.split()[1:] == ["changed", "page", "intro", "LINKED", "->", "STOPPED", "OWNER"]
        watch.signal(signal.SIGINT)
        code, told = watch.wait()
    assert code == 130
    first, *_, last = told.splitlines()
    assert first.startswith("calguard: UNAVAILABLE")
    assert first.endswith("; the watch goes on by itself")
    assert last.startswith("calguard: the watch goes on, after ")
    assert len(told.splitlines()) <= 3


def test_troubles_are_json_where_answers_are(calguard: Calguard) -> None:
    with running("calguard", "--server", calguard.address, "watch", "--json") as watch:
        watch.read_until("SNAPSHOT_ENDED")
        calguard.stop_server()
        calguard.start_server()
        calguard.run("pages", "stop", "intro")
        watch.read_until("CHANGES")
        watch.signal(signal.SIGINT)
        _, told = watch.wait()
    documents = [json.loads(line) for line in told.splitlines()]
    assert documents[0]["interrupted"]["code"] == "UNAVAILABLE"
    assert documents[-1]["resumed"]["seconds"] > 0


def test_every_line_of_json_has_the_same_fields(calguard: Calguard) -> None:
    with running("calguard", "--server", calguard.address, "watch", "--json", "--kind", "page") as watch:
        lines = [json.loads(line) for line in watch.read_until("SNAPSHOT_ENDED")]
    assert [line["event"] for line in lines] == ["SNAPSHOT_STARTED", "SNAPSHOT", "SNAPSHOT_ENDED"]
    assert {tuple(sorted(line)) for line in lines} == {
        ("changes", "event", "progress", "resume_token", "snapshot_complete")
    }
    assert [each["booking_page"]["id"] for each in lines[1]["changes"]] == ["board", "intro"]
    assert lines[2]["snapshot_complete"]


def test_kinds_narrow(calguard: Calguard) -> None:
    with running("calguard", "--server", calguard.address, "watch", "--kind", "link", "--kind", "provider") as watch:
        assert watch.read_until("changes follow") == ["-- so it stands; changes follow --\n"]


def test_a_token_file_takes_the_next_run_on_from_the_last(calguard: Calguard, tmp_path: Path) -> None:
    """The first run begins with a snapshot; the second with what happened in between, though the server restarted."""
    file = tmp_path / "token"
    arguments = ("calguard", "--server", calguard.address, "watch", "--token-file", str(file))
    with running(*arguments) as watch:
        watch.read_until("changes follow")
        calguard.run("pages", "stop", "board")
        watch.read_until("board")
        watch.signal(signal.SIGINT)
        assert watch.wait() == (130, "")
    calguard.run("pages", "stop", "intro")
    calguard.stop_server()
    calguard.start_server()
    with running(*arguments) as watch:
        told = watch.read_until("intro")
        assert [line.split()[1:4] for line in told][-1] == ["changed", "page", "intro"]
        assert all("snapshot" not in line for line in told)


def test_a_token_that_leads_nowhere_begins_anew_and_says_so(calguard: Calguard, tmp_path: Path) -> None:
    with running("calguard", "--server", calguard.address, "--json", "watch") as watch:
        token = json.loads(watch.read_until(TOKEN)[-1])["resume_token"]
    (tmp_path / "other").mkdir()
    file = tmp_path / "token"
    file.write_text(token)
    arguments = ("watch", "--token-file", str(file))
    with (
        running_calguard(tmp_path / "other") as other,
        running("calguard", "--server", other.address, *arguments) as watch,
    ):
        watch.read_until("changes follow")
        watch.signal(signal.SIGINT)
        code, told = watch.wait()
    assert code == 130
    assert told.startswith("calguard: TOKEN_STORE_MISMATCH: ")
    assert told.count("\n") == 1


def test_a_token_file_of_other_filters_says_what_can_be_done(calguard: Calguard, tmp_path: Path) -> None:
    file = tmp_path / "token"
    with running("calguard", "--server", calguard.address, "watch", "--json", "--token-file", str(file)) as watch:
        watch.read_until("SNAPSHOT_ENDED")
        calguard.run("pages", "stop", "board")
        watch.read_until("CHANGES")
        watch.signal(signal.SIGINT)
        watch.wait()
    refused = calguard.run("watch", "--page", "board", "--token-file", str(file))
    assert refused.exit_code == 1
    assert refused.stderr.startswith("calguard: INVALID_ARGUMENT TOKEN_FILTER_MISMATCH: ")
    assert refused.stderr.endswith(
        f"{file} is kept for a watch with other filters: give them, or another file, or remove it\n"
    )


def test_token_files_that_cannot_be_kept_are_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no token at all")
    (tmp_path / "bytes").write_bytes(b"\xff")
    for name, told in (
        ("nowhere/token", "cannot be written"),
        ("text", "holds no token"),
        ("bytes", "holds no token"),
    ):
        refused = run("watch", "--token-file", str(tmp_path / name), server="127.0.0.1:1")
        assert refused.exit_code == 2
        assert told in refused.stderr
    both = run("watch", "--token-file", "x", "--resume-token", "y", server="127.0.0.1:1")
    assert both.exit_code == 2
    assert "exclude each other" in both.stderr


def test_a_reader_that_leaves_ends_it_quietly_and_at_once(calguard: Calguard) -> None:
    """`| head -1` takes the first line and goes; nothing more happens, and the command does not wait for it."""
    pipeline = f"{BINARIES / 'calguard'} watch | head -1; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(
        ["bash", "-c", pipeline],
        env={"PATH": os.environ["PATH"], "CALGUARD_SERVER": calguard.address},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    assert ended.stderr == ""
    [page, code] = ended.stdout.splitlines()
    assert "board" in page
    assert code == "141"
