"""`calguard availability` on the real server, in days that are yet to come."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.integration.cli_harness import Calguard, run, running_calguard
from tests.integration.terminal import on_terminal

ANN, BEN = "ann@example.com", "ben@example.com"
WEEK = ("--from", "2030-03-08", "--zone", "America/New_York")


@pytest.fixture(scope="module")
def calguard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calguard]:
    """Ann is busy all day until ten and from noon on, at New York; either she or Ben will do for `intro`."""
    with running_calguard(tmp_path_factory.mktemp("calguard"), CALGUARD_AVAILABILITY_CACHE="0s") as calguard:
        for account, email in (("ann", ANN), ("ben", BEN)):
            calguard.json("accounts", "create", "--id", account, "--name", account)
            link(calguard, account, email)
            day = {"start": "2030-03-01T17:00:00Z", "end": "2030-03-02T15:00:00Z", "recurrence": "RRULE:FREQ=DAILY"}
            calguard.control("PUT", f"/google/calendars/{email}/busy", busy=[day])
        for page, mode in (("panel", "all_members"), ("intro", "any_member")):
            members = ("--member", "ann", "--member", "ben")
            calguard.json(
                *("pages", "create", "--id", page, "--owner", "ann", "--title", page, "--scheduling-mode", mode),
                *members,
            )
        yield calguard


def link(calguard: Calguard, account: str, email: str, *options: str) -> None:
    begun = calguard.json("links", "begin", account, "--select-primary", *options)
    sent_back = parse_qs(urlsplit(calguard.consent(begun["authorization_url"], email)).query)
    calguard.json("links", "complete", begun["state"], "--code", sent_back["code"][0])


def test_a_week_across_the_change_of_clocks(calguard: Calguard) -> None:
    """Busy hours are of UTC: from the day on which the clock is put forward they are an hour later there."""
    done = calguard.run("availability", "intro", *WEEK, "--duration", "90m")
    assert (done.exit_code, done.stderr) == (0, "")
    *rows, blank, about, begin, uneven, legend = done.stdout.splitlines()
    assert [row.split() for row in rows] == [
        ["FRI", "08", "SAT", "09", "SUN", "10", "MON", "11", "TUE", "12", "WED", "13", "THU", "14"],
        ["00:00-02:00", *["...."] * 7],
        ["02:00", *["...."] * 6],
        ["03:00-10:00", *["...."] * 7],
        ["10:00", "2222", "2222", *["...."] * 5],
        ["11:00", *["2222"] * 7],
        ["12:00", "....", "....", *["2222"] * 5],
        ["13:00-24:00", *["...."] * 7],
    ]
    assert rows[2] == "02:00        ....    ....            ....    ....    ....    ...."
    assert blank == ""
    assert (about, begin) == (
        "booking page intro, appointments of 90 min",
        "days of America/New_York from 2030-03-08",
    )
    assert uneven == "Sun 2030-03-10 has 23 hours: the clock is put forward or back"
    assert legend.startswith("1-9 could take it")


def test_more_than_a_week_is_shown_week_under_week(calguard: Calguard) -> None:
    done = calguard.run("availability", "panel", "--from", "2030-01-01", "--days", "10", "--zone", "UTC")
    headings = [row.split() for row in done.stdout.splitlines() if "TUE" in row]
    assert [len(row) // 2 for row in headings] == [7, 3]


def test_json_is_what_the_server_answers(calguard: Calguard) -> None:
    arguments = ("availability", "intro", "--from", "2030-03-08", "--days", "1", "--zone", "UTC")
    answer = calguard.json(*arguments)
    [stretch] = answer["free"]
    assert stretch == {
        "start_time": "2030-03-08T15:00:00Z",
        "end_time": "2030-03-08T17:00:00Z",
        "account_ids": ["ann", "ben"],
    }
    assert answer["unknown_account_ids"] == []
    assert calguard.run(*arguments, "--json").stdout == calguard.run("--json", *arguments).stdout


@pytest.mark.parametrize(("columns", "rows", "quarter"), [(80, 24, "1"), (120, 40, "22")])
def test_a_week_fits_the_terminal(calguard: Calguard, columns: int, rows: int, quarter: str) -> None:
    """Of a wide one, a quarter is two characters."""
    arguments = ("calguard", "--server", calguard.address, "availability", "intro", *WEEK, "--duration", "2h")
    with on_terminal(*arguments, columns=columns, rows=rows) as terminal:
        assert terminal.wait() == 0
        drawn = terminal.read_until("skipped").replace("\r", "").splitlines()
    assert len(drawn) < rows
    assert max(map(len, drawn)) <= columns
    assert any(("2" * 4 * len(quarter)) in row.split() for row in drawn)


def test_nothing_long_enough_is_said(calguard: Calguard) -> None:
    done = calguard.run("availability", "panel", *WEEK, "--duration", "3h")
    assert done.stdout.splitlines()[-1] == "nothing can be booked"


def test_a_page_without_members_says_so(calguard: Calguard) -> None:
    """Also of what is past."""
    page = ("pages", "create", "--id", "empty", "--owner", "ann", "--title", "Empty", "--scheduling-mode", "any_member")
    calguard.json(*page)
    for days in (WEEK, ("--from", "2020-01-01")):
        done = calguard.run("availability", "empty", *days)
        assert done.stdout.splitlines()[-1] == "nothing can be booked: the page has no members"


def test_who_is_faulty_is_named_and_a_stopped_page_is_refused(calguard: Calguard) -> None:
    calguard.revoke(BEN)
    told = calguard.run("availability", "intro", *WEEK).stdout.splitlines()
    assert told[-1] == "time not known, and so never free: ben"
    assert any("1111" in row for row in told)
    [ben] = calguard.json("links", "list", "--account", "ben")["calendar_links"]
    calguard.run("links", "check", ben["id"])
    stopped = calguard.run("availability", "panel", *WEEK)
    assert stopped.exit_code == 4
    assert stopped.stderr.startswith("calguard: FAILED_PRECONDITION PAGE_STOPPED: booking page panel is stopped by its")
    assert "(ben)" in stopped.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("--zone", "Nowhere"),
        ("--zone", "../etc/passwd"),
        ("--from", "tomorrow"),
        ("--days", "0"),
        ("--days", "62"),
        ("--duration", "0m"),
    ],
)
def test_wrong_usage_asks_no_server(options: tuple[str, ...]) -> None:
    assert run("availability", "intro", *options).exit_code == 2


def test_a_duration_that_no_appointment_has_is_refused_by_the_server(calguard: Calguard) -> None:
    refused = calguard.run("availability", "intro", *WEEK, "--duration", "30s")
    assert (refused.exit_code, refused.stderr) == (
        1,
        "calguard: INVALID_ARGUMENT INVALID_FIELD: duration: expected 60 to 86400 s\n",
    )
