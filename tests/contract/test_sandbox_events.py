"""The sandbox's events.list: recurring events, partial answers, and who may see what."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from calguard_sandbox.errors import BadFieldError
from calguard_sandbox.google.state import HOLIDAYS, TEAM, Busy
from tests.contract.google_client import ADD, CHECK, LIST, PREFIX, Answer, Browser, event, reason

ANN = "ann@example.com"
NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def token(browser: Browser) -> str:
    return str((await browser.grant())["access_token"])


async def listed(browser: Browser, token: str, calendar_id: str = ANN, **query: str) -> Answer:
    return await browser.api("GET", f"calendars/{quote(calendar_id)}/events?{urlencode(query)}", token)


def starts(answer: Answer) -> list[str]:
    return [item["start"]["dateTime"] for item in answer.body["items"]]


async def test_a_series_is_listed_once_or_as_its_single_events(browser: Browser, token: str) -> None:
    browser.sandbox.google.set_busy(ANN, [Busy(NINE, NINE + HOUR, recurrence="RRULE:FREQ=DAILY;INTERVAL=2;COUNT=3")])
    [series] = (await listed(browser, token)).body["items"]
    assert series["recurrence"] == ["RRULE:FREQ=DAILY;INTERVAL=2;COUNT=3"]
    expanded = await listed(browser, token, singleEvents="true")
    assert starts(expanded) == ["2026-01-05T09:00:00Z", "2026-01-07T09:00:00Z", "2026-01-09T09:00:00Z"]
    single = expanded.body["items"][1]
    assert (single["recurringEventId"], single["id"]) == (series["id"], f"{series['id']}_20260107T090000Z")
    assert "recurrence" not in single


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        ("RRULE:FREQ=DAILY", 14),
        ("RRULE:FREQ=WEEKLY", 2),
        ("RRULE:FREQ=WEEKLY;INTERVAL=3", 0),
        ("RRULE:FREQ=DAILY;COUNT=10", 3),
        ("RRULE:FREQ=DAILY;UNTIL=20260113T090000Z", 2),
        ("RRULE:FREQ=DAILY;UNTIL=20260113T085959Z", 1),
    ],
)
async def test_only_the_single_events_of_the_window_are_listed(
    browser: Browser, token: str, rule: str, count: int
) -> None:
    browser.sandbox.google.set_busy(ANN, [Busy(NINE, NINE + HOUR, recurrence=rule)])
    window = {"timeMin": "2026-01-12T00:00:00Z", "timeMax": "2026-01-26T00:00:00Z"}
    assert len(starts(await listed(browser, token, singleEvents="true", **window))) == count
    assert len((await listed(browser, token, **window)).body["items"]) == min(count, 1)


async def test_free_busy_sees_every_occurrence(browser: Browser, token: str) -> None:
    earlier = NINE - 7 * DAY
    spans = [Busy(earlier, earlier + HOUR, recurrence="RRULE:FREQ=WEEKLY")]
    browser.sandbox.google.set_busy(ANN, spans)
    assert (await browser.freebusy(token, ANN)).body["calendars"][ANN]["busy"] == [
        {"start": "2026-01-05T09:00:00Z", "end": "2026-01-05T10:00:00Z"}
    ]


async def test_free_busy_leaves_out_what_the_calendars_person_declined(browser: Browser, token: str) -> None:
    declined = event(attendees=[{"email": ANN, "responseStatus": "declined"}])
    assert (await browser.api("POST", f"calendars/{ANN}/events", token, json=declined)).status == 200
    assert (await browser.freebusy(token, ANN)).body["calendars"][ANN]["busy"] == []
    accepted = event(attendees=[{"email": "ben@example.com", "responseStatus": "declined"}])
    assert (await browser.api("POST", f"calendars/{ANN}/events", token, json=accepted)).status == 200
    assert len((await browser.freebusy(token, ANN)).body["calendars"][ANN]["busy"]) == 1
    bad = await browser.api("POST", f"calendars/{ANN}/events", token, json=event(attendees=["ben@example.com"]))
    assert (bad.status, reason(bad)) == (400, "invalid")


async def test_an_all_day_series_keeps_its_dates(browser: Browser, token: str) -> None:
    series = event(start={"date": "2026-01-05"}, end={"date": "2026-01-06"}, recurrence=["RRULE:FREQ=WEEKLY;COUNT=2"])
    assert (await browser.api("POST", f"calendars/{ANN}/events", token, json=series)).status == 200
    items = (await listed(browser, token, singleEvents="true")).body["items"]
    assert [(item["start"]["date"], item["end"]["date"]) for item in items] == [
        ("2026-01-05", "2026-01-06"),
        ("2026-01-12", "2026-01-13"),
    ]


async def test_a_deleted_series_is_gone_as_a_whole(browser: Browser, token: str) -> None:
    series = event("abcde", recurrence=["RRULE:FREQ=DAILY;COUNT=2"])
    await browser.api("POST", f"calendars/{ANN}/events", token, json=series)
    await browser.api("DELETE", f"calendars/{ANN}/events/abcde", token)
    assert (await listed(browser, token, singleEvents="true")).body["items"] == []
    shown = (await listed(browser, token, singleEvents="true", showDeleted="true")).body["items"]
    assert [item["status"] for item in shown] == ["cancelled", "cancelled"]


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY",
        "RRULE:FREQ=MONTHLY",
        "RRULE:FREQ=DAILY;COUNT=0",
        "RRULE:FREQ=DAILY;COUNT=x",
        "RRULE:FREQ=DAILY;INTERVAL=10000",
        "RRULE:FREQ=DAILY;UNTIL=tomorrow",
        "RRULE:FREQ=DAILY;COUNT=1;UNTIL=20260113T090000Z",
        "RRULE:FREQ=WEEKLY;BYDAY=MO",
    ],
)
async def test_a_rule_that_is_none_or_not_imitated_is_refused(browser: Browser, token: str, rule: str) -> None:
    answer = await browser.api("POST", f"calendars/{ANN}/events", token, json=event(recurrence=[rule]))
    assert (answer.status, reason(answer)) == (400, "invalid")
    with pytest.raises(BadFieldError):
        browser.sandbox.google.set_busy(ANN, [Busy(NINE, NINE + HOUR, recurrence=rule)])


async def test_transparency_is_told_where_an_event_is_marked_free(browser: Browser, token: str) -> None:
    browser.sandbox.google.set_busy(
        ANN, [Busy(NINE, NINE + HOUR), Busy(NINE + HOUR, NINE + 2 * HOUR, transparent=True)]
    )
    items = (await listed(browser, token)).body["items"]
    assert [item.get("transparency") for item in items] == [None, "transparent"]
    browser.sandbox.google.share(ANN, TEAM, "freeBusyReader")
    browser.sandbox.google.set_busy(TEAM, [Busy(NINE, NINE + HOUR, transparent=True)])
    of_team = await listed(browser, token, TEAM)
    assert of_team.body["accessRole"] == "freeBusyReader"
    assert "transparency" not in of_team.body["items"][0]


async def test_events_are_paged(browser: Browser, token: str) -> None:
    browser.sandbox.google.set_busy(ANN, [Busy(NINE, NINE + HOUR, recurrence="RRULE:FREQ=DAILY;COUNT=5")])
    found: list[str] = []
    page_token = "0"
    while page_token:
        page = await listed(browser, token, singleEvents="true", maxResults="2", pageToken=page_token)
        found += starts(page)
        page_token = page.body.get("nextPageToken", "")
    assert found == [f"2026-01-{day:02}T09:00:00Z" for day in range(5, 10)]


async def test_a_window_without_time_is_400(browser: Browser, token: str) -> None:
    moment = "2026-01-05T00:00:00Z"
    answer = await listed(browser, token, timeMin=moment, timeMax=moment)
    assert (answer.status, reason(answer)) == (400, "timeRangeEmpty")


@pytest.mark.parametrize(
    ("granted", "status"), [([LIST], 403), ([CHECK], 403), ([ADD], 200), ([f"{PREFIX}calendar.events.readonly"], 200)]
)
async def test_reading_events_needs_a_scope_that_permits_it(browser: Browser, granted: list[str], status: int) -> None:
    code = await browser.code(scopes="all", scope=" ".join(["openid", *granted]))
    token = (await browser.exchange(code)).body["access_token"]
    assert (await listed(browser, token)).status == status


async def test_a_fault_strikes_the_events_of_one_calendar(browser: Browser, token: str) -> None:
    browser.sandbox.fault("api/503_html", endpoint="events.list", calendar_id=TEAM)
    assert (await listed(browser, token, TEAM)).status == 503
    assert (await listed(browser, token, HOLIDAYS)).status == 200


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("kind", {"kind": "calendar#events"}),
        ("kind,items(status)", {"kind": "calendar#events", "items": [{"status": "confirmed"}]}),
        ("items/start/timeZone", {"items": [{"start": {"timeZone": "UTC"}}]}),
        ("items(start/timeZone,nothing)", {"items": [{"start": {"timeZone": "UTC"}}]}),
        ("accessRole,items(start(timeZone))", {"accessRole": "owner", "items": [{"start": {"timeZone": "UTC"}}]}),
        ("timeZone,*", None),
    ],
)
async def test_fields_cut_the_answer(
    browser: Browser, token: str, fields: str, expected: dict[str, Any] | None
) -> None:
    browser.sandbox.google.set_busy(ANN, [Busy(NINE, NINE + HOUR)])
    whole = await listed(browser, token)
    assert (await listed(browser, token, fields=fields)).body == (whole.body if expected is None else expected)


@pytest.mark.parametrize("fields", ["items(", "items)", ",kind", "items()", "items/", "a b", "kind,", "items(a))"])
async def test_fields_that_cannot_be_read_are_400(browser: Browser, token: str, fields: str) -> None:
    answer = await listed(browser, token, fields=fields)
    assert (answer.status, reason(answer)) == (400, "invalidParameter")


async def test_every_method_takes_fields(browser: Browser, token: str) -> None:
    path = "users/me/calendarList"
    assert (await browser.api("GET", f"{path}?fields=kind", token)).body == {"kind": "calendar#calendarList"}
    assert (await browser.api("GET", f"{path}/{ANN}?fields=accessRole", token)).body == {"accessRole": "owner"}
    body = {"timeMin": "2026-01-05T00:00:00Z", "timeMax": "2026-01-06T00:00:00Z", "items": [{"id": ANN}]}
    busy = await browser.api("POST", "freeBusy?fields=calendars", token, json=body)
    assert busy.body == {"calendars": {ANN: {"busy": []}}}
    inserted = await browser.api("POST", f"calendars/{ANN}/events?fields=id", token, json=event("abcde"))
    assert inserted.body == {"id": "abcde"}
    got = await browser.api("GET", f"calendars/{ANN}/events/abcde?fields=id,status", token)
    assert got.body == {"id": "abcde", "status": "confirmed"}
