"""`calguard appointments` on the real server, with its calendars at a sandbox's Google."""

import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.integration.cli_harness import Calguard, running, running_calguard

START = "2030-03-08T10:00"
ASSIGN = ("appointments", "assign", "intro", "--zone", "Asia/Tokyo", "--title", "First visit")


@pytest.fixture(scope="module")
def calguard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calguard]:
    """Ann, who is linked and adds to her calendar, and Ben, who is not linked; either will do for `intro`."""
    with running_calguard(tmp_path_factory.mktemp("calguard")) as calguard:
        for account in ("ann", "ben"):
            calguard.json("accounts", "create", "--id", account, "--name", account)
        begun = calguard.json("links", "begin", "ann", "--select-primary")
        sent_back = parse_qs(urlsplit(calguard.consent(begun["authorization_url"], "ann@example.com")).query)
        calguard.json("links", "complete", begun["state"], "--code", sent_back["code"][0])
        members = ("--member", "ann", "--member", "ben")
        calguard.json(
            *("pages", "create", "--id", "intro", "--owner", "ann", "--title", "intro"),
            *("--scheduling-mode", "any_member", *members),
        )
        yield calguard


def test_an_appointment_is_assigned_shown_given_away_and_cancelled(calguard: Calguard) -> None:
    made = calguard.json(*ASSIGN, "--start", START, "--duration", "1h", "--attendee", "guest@example.com")
    assert (made["start_time"], made["end_time"]) == ("2030-03-08T01:00:00Z", "2030-03-08T02:00:00Z")
    assert [each["account_id"] for each in made["assignees"]] == ["ann"]
    shown = dict(line.split(maxsplit=1) for line in calguard.run("appointments", "get", made["id"]).stdout.splitlines())
    assert (shown["title"], shown["zone"], shown["attendees"]) == ("First visit", "Asia/Tokyo", "guest@example.com")
    assert shown["who"].startswith("ann, ")
    rows = [row.split() for row in calguard.run("appointments", "list", "--page", "intro").stdout.splitlines()]
    assert rows[0] == ["ID", "PAGE", "BEGINS", "TITLE", "WHO", "STATE", "CALENDAR", "IN", "THE", "WAY"]
    assert rows[1][0] == made["id"]
    moved = calguard.run("appointments", "reassign", made["id"], "--account", "ben")
    assert "ben, NOT_ADDED, The account has no calendar to add appointments to." in moved.stdout
    cancelled = calguard.json("appointments", "cancel", made["id"])
    assert cancelled["state"] == "APPOINTMENT_STATE_CANCELLED"
    listed = calguard.json("appointments", "list", "--state", "cancelled", "--from", "2030-03-08T01:30+00:00")
    assert [each["id"] for each in listed["appointments"]] == [made["id"]]
    assert calguard.run("appointments", "list", "--conflicts").stderr == "nothing found\n"
    assert calguard.run("appointments", "list", "--until", "2030-03-08T01:00+00:00").stderr == "nothing found\n"


def test_a_time_without_an_offset_needs_a_zone(calguard: Calguard) -> None:
    """A day read off `calguard availability` is by this machine's clock, and would be booked by another."""
    plain = ("appointments", "assign", "intro", "--title", "Third visit")
    refused = calguard.run(*plain, "--start", START)
    assert (refused.exit_code, "--zone: expected whose clock" in refused.stderr) == (2, True)
    made = calguard.json(*plain, "--start", "2030-03-18T10:00+09:00")
    assert (made["start_time"], made["time_zone"]) == ("2030-03-18T01:00:00Z", "UTC")


def test_a_call_is_repeated_by_its_request_id(calguard: Calguard) -> None:
    """As after an answer that was lost: nothing is booked twice."""
    again = (*ASSIGN, "--start", "2030-03-19T10:00", "--request-id", "5e0c4a34-58c1-4d7e-8e5d-0f3b3c9a4f61")
    assert calguard.json(*again)["id"] == calguard.json(*again)["id"]


def test_a_watch_shows_what_becomes_of_appointments_and_no_titles(calguard: Calguard) -> None:
    """On lines neither title nor attendees; as JSON all of it. A stale etag changes nothing."""
    arguments = ("calguard", "--server", calguard.address, "watch", "--kind", "appointment", "--page", "intro")
    with running(*arguments) as lines, running(*arguments, "--json") as documents:
        lines.read_until("changes follow")
        documents.read_until("SNAPSHOT_ENDED")
        made = calguard.json(*ASSIGN, "--start", "2030-03-08T15:00", "--attendee", "guest@example.com")
        document = json.loads(documents.read_until(made["id"])[-1])
        assert document["changes"][0]["appointment"]["title"] == "First visit"
        lines.read_until(f"{made['id']}.*ann ADDED")
        calguard.json("appointments", "reassign", made["id"], "--account", "ben", "--etag", made["etag"])
        stale = calguard.run("appointments", "cancel", made["id"], "--etag", made["etag"])
        assert stale.stderr.startswith("calguard: ABORTED ETAG_MISMATCH: ")
        told = lines.read_until(f"{made['id']}.*ben NOT_ADDED")[-1]
        assert told.split()[1:5] == ["updated", "appt", made["id"], "ASSIGNED"]
        calguard.json("appointments", "cancel", made["id"])
        told += lines.read_until(f"{made['id']}.*CANCELLED")[-1]
    assert "First visit" not in told
    assert "guest@example.com" not in told


def test_what_cannot_be_assigned_is_refused(calguard: Calguard) -> None:
    whole = (*ASSIGN, "--start", "2031-01-01T00:00")
    assert {calguard.run(*whole).exit_code for _ in range(2)} == {0}
    taken = calguard.run(*whole)
    assert (taken.exit_code, "not free" in taken.stderr) == (4, True)
    assert calguard.run("appointments", "get", "none").exit_code == 3
    assert calguard.run("appointments", "reassign", "none").exit_code == 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--start", "tomorrow"), "expected a time such as 2030-03-09T10:00"),
        (("--start", START, "--zone", "Mars/Olympus"), "expected the IANA name of a time zone"),
        (("--start", "2030-03-10T02:30", "--zone", "America/New_York"), "does not exist in America/New_York"),
        (("--start", START, "--duration", "0s"), "expected a duration"),
        ((), "Missing option '--start'"),
    ],
)
def test_times_that_are_none_are_refused_before_anything_is_asked(
    calguard: Calguard, options: tuple[str, ...], said: str
) -> None:
    done = calguard.run(*ASSIGN, *options)
    assert done.exit_code == 2
    assert said in " ".join(done.stderr.split())
