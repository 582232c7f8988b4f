"""`calguard doctor` and `calguard links report`, on the real server with a local Google."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tests.integration.cli_harness import Calguard, run, running, running_calguard

ANN, TEAM = "ann@example.com", "team@group.calendar.google.com"
STAGES = [
    "GRANT_STORED",
    "GRANT_ACCEPTED",
    "SCOPES_GRANTED",
    "CALENDARS_LISTED",
    "CHECK_CALENDARS_READ",
    "ADD_CALENDAR_WRITABLE",
    "BUSY_TIME_VISIBLE",
]
EXIT_STAGE_FAILED = 6


@pytest.fixture(scope="module")
def calguard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calguard]:
    with running_calguard(tmp_path_factory.mktemp("calguard")) as calguard:
        yield calguard


@pytest.fixture
def link(calguard: Calguard) -> Iterator[str]:
    """A link whose primary calendar and team are checked; Google is as at the start again when the test is over."""
    account = calguard.json("accounts", "create", "--name", "Ann", "--email", ANN)["id"]
    begun = calguard.json("links", "begin", account, "--select-primary")
    sent_back = parse_qs(urlsplit(calguard.consent(begun["authorization_url"], ANN)).query)
    made = calguard.json("links", "complete", begun["state"], "--code", sent_back["code"][0])
    calguard.json("links", "select", made["id"], "--check", ANN, "--check", TEAM)
    yield str(made["id"])
    calguard.control("DELETE", "/faults")
    calguard.control("POST", "/reset")


def marks(printed: str) -> list[list[str]]:
    """The mark, outcome and stage of each line that has them."""
    return [row.split()[:3] for row in printed.splitlines() if row[:1].strip()]


def test_a_link_in_order_passes_every_stage(calguard: Calguard, link: str) -> None:
    result = calguard.run("doctor", link)
    assert (result.exit_code, result.stderr) == (0, "")
    assert marks(result.stdout) == [["✓", "passed", stage] for stage in STAGES]
    assert result.stdout.splitlines()[3].endswith("  Calendars listed: 3.")


def test_a_stage_that_fails_is_told_with_cause_remedy_and_help(calguard: Calguard, link: str) -> None:
    calguard.control("DELETE", f"/google/users/{ANN}/calendars/{quote(TEAM)}")
    result = calguard.run("doctor", link)
    assert result.exit_code == EXIT_STAGE_FAILED
    rows = result.stdout.splitlines()
    assert marks(result.stdout)[4] == ["✗", "FAILED", "CHECK_CALENDARS_READ"]
    assert "CALENDAR_NOT_VISIBLE: " in rows[4]
    assert TEAM in rows[4]
    assert rows[5].strip().startswith("Share that calendar")
    assert rows[6].strip() == "Help: http://localhost:3000/support"
    assert "state            FAILED\n" in calguard.run("links", "get", link).stdout


def test_advice_is_no_failure(calguard: Calguard, link: str) -> None:
    long = {"start": "2026-01-01T00:00:00Z", "end": "2126-01-01T00:00:00Z", "transparent": True}
    calguard.control("PUT", f"/google/calendars/{ANN}/busy", busy=[long])
    result = calguard.run("doctor", link)
    assert (result.exit_code, marks(result.stdout)[-1]) == (0, ["!", "advice", "BUSY_TIME_VISIBLE"])
    assert f"1 in {ANN}" in result.stdout


def test_json_is_a_step_a_line(calguard: Calguard, link: str) -> None:
    calguard.revoke(ANN)
    result = calguard.run("--json", "doctor", link)
    steps = [json.loads(row) for row in result.stdout.splitlines()]
    assert result.exit_code == EXIT_STAGE_FAILED
    assert [step["stage"].removeprefix("DIAGNOSIS_STAGE_") for step in steps] == STAGES
    assert [step["outcome"].removeprefix("DIAGNOSIS_OUTCOME_") for step in steps] == [
        "PASSED",
        "FAILED",
        *["SKIPPED"] * 5,
    ]
    assert steps[1]["cause"]["reason"] == "CAUSE_REASON_AUTHORIZATION_REVOKED"
    assert steps[1]["support_url"] == "http://localhost:3000/support"


def test_steps_are_shown_as_they_end_and_ctrl_c_ends_it(calguard: Calguard, link: str) -> None:
    match = {"surface": "google", "endpoint": "calendarlist.list"}
    calguard.control("POST", "/faults", match=match, respond="network/hang")
    with running("calguard", "--server", calguard.address, "doctor", link, PYTHONIOENCODING="utf-8") as doctor:
        shown = doctor.read_until("SCOPES_GRANTED")
        assert len(shown) == 3
        doctor.signal(signal.SIGINT)
        assert doctor.wait() == (130, "")


def test_a_link_that_is_not_there(calguard: Calguard) -> None:
    result = calguard.run("doctor", "nothing")
    assert result.exit_code == 3
    assert result.stderr.startswith("calguard: NOT_FOUND CALENDAR_LINK_NOT_FOUND: ")


def test_a_report_has_the_link_checked(calguard: Calguard, link: str, tmp_path: Path) -> None:
    """Whatever is reported, the link is shown as its check found it."""
    body = tmp_path / "body"
    body.write_bytes(b'\xff{"error": {"code": 403, "errors": [{"reason": "notACalendarUser"}]}}')
    lying = calguard.run("links", "report", link, "--body-file", str(body))
    assert (lying.exit_code, lying.stderr) == (0, "read as CALENDAR_SERVICE_OFF; the link was checked\n")
    assert "state            LINKED\n" in lying.stdout
    calguard.revoke(ANN)
    told = calguard.json("links", "report", link, "--status", "401", "--reason", "authorization_revoked")
    assert told["read_as"] == "CAUSE_REASON_AUTHORIZATION_REVOKED"
    assert told["calendar_link"]["state"] == "CALENDAR_LINK_STATE_FAILED"


def test_a_body_that_is_too_long_is_refused(calguard: Calguard, link: str, tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_bytes(b"x" * 5_000_000)
    refused = calguard.run("links", "report", link, "--body-file", str(body))
    assert refused.exit_code == 1
    assert refused.stderr == "calguard: INVALID_ARGUMENT INVALID_FIELD: body: expected at most 65536 bytes\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("links", "report", "one"),
        ("links", "report", "one", "--status", "99"),
        ("links", "report", "one", "--reason", "bad_luck"),
        ("links", "report", "one", "--reason", "rate_limited", "--body-file", "-"),
        ("links", "report", "one", "--body-file", "/does/not/exist"),
        ("doctor",),
    ],
)
def test_wrong_usage_asks_no_server(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


def test_help_tells_of_the_exit_code() -> None:
    assert "6    doctor: the link fails at a stage" in run("--help").stdout
    assert "6: a stage failed" in run("doctor", "--help").stdout
