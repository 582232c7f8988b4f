"""`calguard top` on the real server, as scripts run it."""

import json
import signal
from collections.abc import Iterator

import pytest

from tests.integration.cli_harness import Calguard, run, running, running_calguard


@pytest.fixture(scope="module")
def calguard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calguard]:
    with running_calguard(tmp_path_factory.mktemp("calguard")) as calguard:
        calguard.json("accounts", "create", "--id", "ann", "--name", "Ann")
        calguard.json(
            "pages", "create", "--id", "intro", "--owner", "ann", "--title", "Intro", "--scheduling-mode", "ANY_MEMBER"
        )
        yield calguard


def test_once_prints_one_reading_and_ends(calguard: Calguard) -> None:
    done = calguard.run("top", "--once")
    assert (done.exit_code, done.stderr) == (0, "")
    rows = dict(row.split(maxsplit=1) for row in done.stdout.replace("g p", "g-p").replace("r l", "r-l").splitlines())
    assert rows["booking-pages"].split() == ["1", "1", "LINKED", "0", "DEGRADED", "0", "STOPPED"]
    assert rows["google"] == "OPERATIONAL"
    assert rows["changes"].startswith("revision ")


def test_json_is_a_line_a_reading_with_the_names_of_the_contract(calguard: Calguard) -> None:
    """Before the command or behind it, once or again and again."""
    for arguments in (("--json", "top", "--once"), ("top", "--once", "--json")):
        reading = json.loads(calguard.run(*arguments).stdout)
        assert reading["server_status"]["booking_page_counts"][0] == {
            "state": "BOOKING_PAGE_STATE_LINKED",
            "count": "1",
        }
        assert reading["provider_status"]["state"] == "PROVIDER_STATE_OPERATIONAL"
        assert reading["changes_per_second"] is None


def test_without_a_terminal_it_prints_again_and_again_and_waits_for_a_server_that_went_away(
    calguard: Calguard,
) -> None:
    arguments = ("--server", calguard.address, "top", "--json", "--interval", "250ms")
    with running("calguard", *arguments) as top:
        top.read_until('"changes_per_second": null')
        calguard.run("pages", "stop", "intro")
        top.read_until('"BOOKING_PAGE_STATE_STOPPED", "count": "1"')
        before = json.loads(top.read_until('"changes_per_second": [0-9]')[-1])["server_status"]["start_time"]
        calguard.stop_server()
        calguard.start_server()
        while json.loads(top.read_until("start_time")[-1])["server_status"]["start_time"] == before:
            pass
        top.signal(signal.SIGINT)
        code, told = top.wait()
    assert code == 130
    assert told.count("; trying again") >= 1


@pytest.mark.parametrize("interval", ["0s", "soon", "-1s"])
def test_an_interval_that_is_none(interval: str) -> None:
    refused = run("top", "--interval", interval)
    assert refused.exit_code == 2
    assert "expected a duration such as 250ms, 10s or 2m" in refused.stderr
