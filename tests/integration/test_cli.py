"""Every group of commands of `calguard`, on the real server with a local Google."""

import json
import signal
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from calguard_client.cli import main
from tests.integration.cli_harness import BINARIES, Calguard, run, running, running_calguard

ANN, BEN = "ann@example.com", "ben@example.com"


@pytest.fixture(scope="module")
def calguard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calguard]:
    with running_calguard(tmp_path_factory.mktemp("calguard")) as calguard:
        yield calguard


@pytest.fixture
def account(calguard: Calguard) -> str:
    """A new account."""
    created = calguard.json("accounts", "create", "--name", "Ann", "--email", ANN)
    return str(created["id"])


@pytest.fixture
def link(calguard: Calguard, account: str) -> str:
    """A new account's link, with its primary calendar selected."""
    return linked(calguard, account)


def linked(calguard: Calguard, account: str, *options: str, email: str = ANN) -> str:
    begun = calguard.json("links", "begin", account, "--select-primary", *options)
    sent_back = parse_qs(urlsplit(calguard.consent(begun["authorization_url"], email)).query)
    completed = calguard.json("links", "complete", begun["state"], "--code", sent_back["code"][0])
    return str(completed["id"])


def page_of(calguard: Calguard, account: str) -> str:
    options = ("--owner", account, "--title", "Intro", "--scheduling-mode", "any_member", "--member", f"{account}:7")
    return str(calguard.json("pages", "create", *options)["id"])


def test_an_account_is_created_shown_changed_and_deleted(calguard: Calguard) -> None:
    account = f"acc-{uuid.uuid4().hex}"  # noqa: TID251 - the tests share one server
    created = calguard.run("accounts", "create", "--id", account, "--name", "Ann", "--slack-user", "U1")
    assert created.exit_code == 0
    assert ["slack", "user U1"] in [row.split(maxsplit=1) for row in created.stdout.splitlines()]

    etag = calguard.json("accounts", "get", account)["etag"]
    changed = calguard.json(
        "accounts", "update", account, "--email", BEN, "--locale", "ja", "--slack-channel", "C1", "--etag", etag
    )
    assert (changed["display_name"], changed["email"], changed["locale"]) == ("Ann", BEN, "ja")
    assert changed["slack"] == {"workspace_id": "", "user_id": "", "channel_id": "C1"}

    chosen = calguard.json("accounts", "update", account, "--channels", "slack,EMAIL", "--link-alerts", "always")
    assert chosen["channels"] == ["NOTIFICATION_CHANNEL_EMAIL", "NOTIFICATION_CHANNEL_SLACK"]
    assert chosen["link_alerts"] == "LINK_ALERTS_ALWAYS"
    assert calguard.json("accounts", "update", account, "--channels", "")["channels"] == []
    assert calguard.run("accounts", "update", account, "--channels", "pigeon").exit_code == 2

    stale = calguard.run("accounts", "update", account, "--name", "Bob", "--etag", etag)
    assert stale.exit_code == 4
    assert stale.stderr.startswith("calguard: ABORTED ETAG_MISMATCH: ")
    assert calguard.run("accounts", "delete", account).stdout == f"deleted account {account}\n"
    assert calguard.run("accounts", "get", account).exit_code == 3


def test_lists_are_read_page_after_page_up_to_the_limit(calguard: Calguard) -> None:
    for number in range(103):
        calguard.json("accounts", "create", "--id", f"a-many-{number:03}", "--name", "One of many")

    short = calguard.run("accounts", "list", "--limit", "2")
    assert [row.split()[0] for row in short.stdout.splitlines()] == ["ID", "a-many-000", "a-many-001"]
    assert short.stderr == "there are more than these 2: see them with --limit\n"
    listed = calguard.json("accounts", "list", "--limit", "102")
    assert [each["id"] for each in listed["accounts"]] == [f"a-many-{number:03}" for number in range(102)]
    assert listed["next_page_token"]
    everybody = calguard.json("accounts", "list", "--limit", "5000")
    assert len(everybody["accounts"]) >= 103
    assert everybody["next_page_token"] == ""


def test_a_link_is_begun_completed_and_listed(calguard: Calguard, account: str) -> None:
    begun = calguard.run("links", "begin", account)
    assert begun.stdout.startswith("http://127.0.0.1:")
    assert begun.stdout.count("\n") == 1

    link = linked(calguard, account)
    shown = calguard.run("links", "get", link).stdout
    assert ["state", "LINKED"] in [row.split() for row in shown.splitlines()]
    assert "check calendars  ann@example.com\n" in shown
    listed = calguard.run("links", "list", "--account", account, "--state", "linked", "--state", "FAILED")
    assert [row.split()[:3] for row in listed.stdout.splitlines()[1:]] == [[link, account, "LINKED"]]
    nothing = calguard.run("links", "list", "--account", account, "--state", "STOPPED")
    assert (nothing.exit_code, nothing.stdout, nothing.stderr) == (0, "", "nothing found\n")


def test_linking_again_goes_by_the_link(calguard: Calguard, account: str, link: str) -> None:
    assert linked(calguard, account, "--link", link, "--login-hint", ANN) == link


def test_who_declines_is_told_so(calguard: Calguard, account: str) -> None:
    begun = calguard.json("links", "begin", account)
    declined = calguard.run("links", "complete", begun["state"], "--error", "access_denied")
    assert declined.exit_code == 4
    assert "FAILED_PRECONDITION ACCESS_DENIED" in declined.stderr


def test_calendars_tell_what_they_can_be_used_for(calguard: Calguard, link: str) -> None:
    rows = calguard.run("links", "calendars", link).stdout.splitlines()
    holidays = next(row for row in rows if row.startswith("en.usa#holiday@"))
    assert holidays.split()[2:4] == ["yes", "no"]
    assert "may not add events" in holidays
    assert len(calguard.json("links", "calendars", link)["calendars"]) == len(rows) - 1


def test_a_selection_keeps_the_half_that_is_not_given(calguard: Calguard, link: str) -> None:
    team = "team@group.calendar.google.com"
    checked = calguard.json("links", "select", link, "--check", team, "--check", ANN)
    assert (checked["check_calendar_ids"], checked["add_calendar_id"]) == ([team, ANN], ANN)
    added = calguard.json("links", "select", link, "--add", team)
    assert (added["check_calendar_ids"], added["add_calendar_id"]) == ([team, ANN], team)
    neither = calguard.json("links", "select", link, "--no-check", "--no-add")
    assert neither["cause"]["reason"] == "CAUSE_REASON_SELECTION_MISSING"


def test_a_revoked_link_is_shown_with_cause_and_remedy_in_full(calguard: Calguard, account: str, link: str) -> None:
    page = page_of(calguard, account)
    calguard.revoke(ANN)

    checked = calguard.run("links", "check", link).stdout
    cause = calguard.json("links", "get", link)["cause"]
    assert "AUTHORIZATION_REVOKED since 20" in checked
    assert cause["message"] in checked
    assert cause["remedy"] in checked
    stopped = calguard.run("pages", "get", page).stdout
    assert f"{account}, calendar link {link}" in stopped
    assert cause["remedy"] in stopped
    assert [row.split()[:3] for row in calguard.run("pages", "list", "--account", account).stdout.splitlines()[1:]] == [
        [page, "STOPPED", "CALENDAR_FAILURE"]
    ]

    notices = calguard.json("notifications", "list", "--page", page, "--account", account)["notifications"]
    assert {each["kind"] for each in notices} == {"NOTIFICATION_KIND_PAGE_STOPPED"}
    told = calguard.run("notifications", "get", notices[0]["id"]).stdout
    assert f"booking pages     {page}\n" in told
    assert calguard.run("notifications", "list", "--state", "dead", "--page", page).exit_code == 0


def sent_notice(calguard: Calguard, account: str, link: str) -> str:
    """The id of the notice by e-mail that a page of an account's stopped, once it was sent."""
    page_of(calguard, account)
    calguard.revoke(ANN)
    calguard.run("links", "check", link)
    options = ("--account", account, "--follow", "--interval", "20ms")
    with running("calguard", "--server", calguard.address, "--json", "notifications", "list", *options) as followed:
        line = followed.read_until('"NOTIFICATION_CHANNEL_EMAIL", .*"NOTIFICATION_STATE_SENT"')[-1]
    return str(json.loads(line)["id"])


def test_a_notice_that_was_sent_shows_its_attempts_and_is_neither_retried_nor_discarded(
    calguard: Calguard, account: str, link: str
) -> None:
    notice = sent_notice(calguard, account, link)
    rows = [row.split() for row in calguard.run("notifications", "get", notice).stdout.splitlines()]
    assert [row[2:6] for row in rows if row[0] == "attempt"] == [["SENT", ANN, "SMTP", "250:"]]
    assert ["message", notice] in rows
    for command in ("retry", "discard"):
        refused = calguard.run("notifications", command, notice)
        assert refused.exit_code == 4
        assert refused.stderr.startswith(
            "calguard: FAILED_PRECONDITION ILLEGAL_TRANSITION: a notification that is SENT"
        )


def test_following_the_ledger_shows_what_there_is_and_then_each_change(
    calguard: Calguard, account: str, link: str
) -> None:
    """What is there comes first, oldest first; then the end of the incident, when it is decided and when it is sent."""
    sent_notice(calguard, account, link)
    options = ("notifications", "list", "--account", account, "--follow", "--interval", "20ms")
    with running("calguard", "--server", calguard.address, *options) as followed:
        first = followed.read_until("PAGE_STOPPED .* EMAIL|PAGE_STOPPED .* SLACK")
        linked(calguard, account)
        sent = followed.read_until(f"PAGE_RESTARTED +SENT +{account} by EMAIL")
        assert first[0].split()[2:4] == ["PAGE_STOPPED", "SENT"]
        assert sent
        followed.signal(signal.SIGINT)
        assert followed.wait() == (130, "")


def test_following_the_ledger_goes_on_after_a_restart(calguard: Calguard, account: str, link: str) -> None:
    """It says once that the server is away, and misses nothing."""
    sent_notice(calguard, account, link)
    options = ("notifications", "list", "--account", account, "--follow", "--interval", "20ms")
    with running("calguard", "--server", calguard.address, *options) as followed:
        followed.read_until("PAGE_STOPPED .* EMAIL|PAGE_STOPPED .* SLACK")
        calguard.stop_server()
        calguard.start_server()
        linked(calguard, account)
        assert followed.read_until(f"PAGE_RESTARTED +SENT +{account} by EMAIL")
        followed.signal(signal.SIGINT)
        code, errors = followed.wait()
        assert code == 130
        assert errors == "" or errors.count("asking again until the server is back") == 1


def google_account(calguard: Calguard) -> str:
    """A Google account that no other test's link is of."""
    email = f"{uuid.uuid4().hex}@example.com"  # noqa: TID251 - the tests share one server
    calguard.control("POST", "/google/users", email=email)
    return email


def test_a_link_is_disconnected_then_deleted(calguard: Calguard, account: str) -> None:
    link = linked(calguard, account, email=google_account(calguard))
    disconnected = calguard.run("links", "disconnect", link).stdout
    assert disconnected.startswith(f"disconnected calendar link {link}; the grant is revoked at Google: see https://")
    assert calguard.run("links", "check", link).exit_code == 4
    assert calguard.json("links", "delete", link) == {
        "revoked_at_provider": True,
        "revocation": "GRANT_REVOCATION_CONFIRMED",
        "third_party_access_url": "https://myaccount.google.com/connections",
    }


@pytest.mark.parametrize("command", [("links", "disconnect"), ("links", "delete"), ("accounts", "delete")])
def test_what_google_does_not_confirm_is_said_with_where_to_end_it(
    calguard: Calguard, account: str, command: tuple[str, str]
) -> None:
    link = linked(calguard, account, email=google_account(calguard))
    calguard.control("POST", "/faults", match={"endpoint": "revoke"}, respond="api/503_html", times=1)
    ended = calguard.run(*command, account if command[0] == "accounts" else link)
    assert ended.exit_code == 0
    assert "the grant is NOT known to be revoked at Google" in ended.stdout
    assert ended.stdout.endswith("remove the access at https://myaccount.google.com/connections\n")


def test_a_grant_that_another_link_rests_on_is_said_to_stay(calguard: Calguard, account: str) -> None:
    email = google_account(calguard)
    link = linked(calguard, account, email=email)
    other = str(calguard.json("accounts", "create", "--name", "Ben")["id"])
    linked(calguard, other, email=email)
    assert "the grant stays at Google: another" in calguard.run("links", "disconnect", link).stdout


def test_a_page_is_created_changed_stopped_resumed_and_deleted(calguard: Calguard, account: str) -> None:
    page = page_of(calguard, account)
    changed = calguard.json(
        *("pages", "update", page, "--title", "Talk", "--scheduling-mode", "AUTO_ASSIGN", "--no-members"),
        *("--faulty-members", "skip", "--assignment-method", "priority", "--slack-channel", "C1"),
    )
    assert (changed["title"], changed["members"]) == ("Talk", [])
    assert changed["faulty_members"] == "FAULTY_MEMBERS_SKIP"
    assert "stop cause      OWNER\n" in calguard.run("pages", "stop", page).stdout
    assert calguard.run("pages", "stop", page).exit_code == 4
    assert calguard.json("pages", "get", page)["accepting"] is False
    assert "accepting       yes\n" in calguard.run("pages", "resume", page).stdout
    assert calguard.run("pages", "delete", page).stdout == f"deleted booking page {page}\n"
    assert calguard.run("pages", "list", "--account", account, "--state", "LINKED").stdout == ""


def test_a_page_explains_itself(calguard: Calguard, account: str, link: str) -> None:
    page = page_of(calguard, account)
    explained = calguard.run("pages", "explain", page).stdout.splitlines()
    assert "stands         LINKED" in explained
    assert "rule           ALL_HEALTHY: every member is healthy" in explained
    assert "would be told  nobody; UNCHANGED: nothing changes" in explained
    assert [account, "HEALTHY", "LINKS_FINE", "yes", "-", "-"] in [row.split() for row in explained]
    assert not any(row.startswith(("would stand", "NOTICE")) for row in explained)

    assumed = calguard.run("pages", "explain", page, "--assume-faulty", account).stdout.splitlines()
    assert "stands         LINKED" in assumed
    assert "would stand    STOPPED  CALENDAR_FAILURE" in assumed
    assert "would be told  those below; STOPPED_BY_RULE: the page stops" in assumed
    assert [account, "FAULTY", "ASSUMED_FAULTY", "no", "-", "-"] in [row.split() for row in assumed]
    assert ["PAGE_STOPPED", account, "EMAIL,", "SLACK", account] in [row.split() for row in assumed]

    whole = calguard.json("pages", "explain", page, "--assume-healthy", account)
    assert whole["booking_page"] == calguard.json("pages", "get", page)
    [member] = whole["members"]
    assert (member["account_id"], member["assumed"]) == (account, True)
    calguard.revoke(ANN)
    calguard.run("links", "check", link)
    failed = calguard.run("pages", "explain", page).stdout.splitlines()
    assert [account, "FAULTY", "LINK_FAILED", "no", link, "AUTHORIZATION_REVOKED"] in [row.split() for row in failed]


def test_what_cannot_be_explained_is_refused(calguard: Calguard, account: str) -> None:
    page = page_of(calguard, account)
    stranger = calguard.run("pages", "explain", page, "--assume-faulty", account, "--assume-faulty", "stranger")
    expected = f"assume_faulty_account_ids[1]: expected a member of booking page {page}"
    assert (stranger.exit_code, stranger.stderr) == (1, f"calguard: INVALID_ARGUMENT NOT_A_MEMBER: {expected}\n")
    both = calguard.run("pages", "explain", page, "--assume-faulty", account, "--assume-healthy", account)
    assert both.stderr.startswith("calguard: INVALID_ARGUMENT INVALID_FIELD: assume_faulty_account_ids[0]: ")
    assert calguard.run("pages", "explain", "none").exit_code == 3


def test_every_bad_field_is_named_on_one_line(calguard: Calguard) -> None:
    refused = calguard.run("accounts", "create", "--name", "Ann", "--email", "nowhere", "--locale", "xx")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("calguard: INVALID_ARGUMENT INVALID_FIELD: account.email: expected one e-mail")
    assert "; account.locale: expected " in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_errors_are_json_where_json_is_asked_for(calguard: Calguard) -> None:
    refused = calguard.run("--json", "accounts", "create", "--name", "Ann", "--email", "nowhere")
    error = json.loads(refused.stderr)["error"]
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert (error["code"], error["reason"]) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    assert [each["field"] for each in error["fields"]] == ["account.email"]
    missing = json.loads(calguard.run("--json", "pages", "get", "none").stderr)["error"]
    assert missing["metadata"] == {"id": "none"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("accounts", "update", "ann"),
        ("accounts", "list", "--limit", "0"),
        ("links", "select", "one"),
        ("links", "select", "one", "--check", "a", "--no-check"),
        ("links", "complete", "state"),
        ("links", "complete", "state", "--code", "a", "--error", "b"),
        ("pages", "create", "--member", "ann:high"),
        ("pages", "update", "one", "--member", "ann", "--no-members"),
        ("pages", "list", "--state", "FAILED"),
        ("--timeout", "0s", "accounts", "list"),
        ("--server", "nowhere", "accounts", "list"),
        ("--server", "http://127.0.0.1:50051", "accounts", "list"),
        ("fly",),
        ("accounts", "get", "\udcff"),
    ],
)
def test_wrong_usage_asks_no_server(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


def test_wrong_usage_is_json_where_json_is_asked_for() -> None:
    wrong = run("--json", "accounts", "update", "ann")
    assert wrong.exit_code == 2
    assert json.loads(wrong.stderr)["error"]["code"] == "USAGE"


def test_help_tells_the_exit_codes_and_every_command_has_help() -> None:
    assert "130  interrupted" in run("--help").stdout
    for name, group in main.commands.items():
        for command in getattr(group, "commands", {}):
            assert run(name, command, "--help").exit_code == 0


def test_help_of_watch_says_how_appointments_are_watched() -> None:
    assert "and appointments with --kind appointment." in " ".join(run("watch", "--help").stdout.split())


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_output_that_cannot_be_written_is_said_in_one_line(
    calguard: Calguard, account: str, options: tuple[str, ...]
) -> None:
    """A full disk is neither a success nor a traceback; /dev/full answers every write as one does."""
    with Path("/dev/full").open("w") as full:
        command = [str(BINARIES / "calguard"), "--server", calguard.address, *options, "accounts", "get", account]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 74
    told = json.loads(ended.stderr)["error"] if options else {"code": "OUTPUT", "message": ended.stderr}
    assert told["code"] == "OUTPUT"
    assert "No space left on device" in told["message"]
    assert len(ended.stderr.splitlines()) == 1


def test_a_silence_is_made_shown_and_ended(calguard: Calguard, account: str) -> None:
    made = calguard.json("silences", "create", "--account", account, "--for", "2h", "--reason", "moving house")
    assert (made["account_id"], made["booking_page_id"], made["reason"]) == (account, "", "moving house")
    rows = [row.split() for row in calguard.run("silences", "list").stdout.splitlines()[1:]]
    [row] = [row for row in rows if row[0] == made["id"]]
    assert row[1:4] == ["-", account, "-"]
    assert row[-2:] == ["moving", "house"]
    ended = calguard.run("silences", "delete", made["id"])
    assert ended.stdout == f"ended silence {made['id']}\n"
    assert calguard.run("silences", "delete", made["id"]).exit_code == 3


def test_a_silence_of_nothing_or_for_too_long_is_refused(calguard: Calguard, account: str) -> None:
    options = ("silences", "create", "--reason", "moving house")
    assert "at least one of" in calguard.run(*options, "--for", "2h").stderr
    assert "at most 30 days" in calguard.run(*options, "--for", "31d", "--account", account).stderr
