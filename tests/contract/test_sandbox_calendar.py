"""The sandbox's Calendar API: what it answers, and what it enforces."""

import json
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import pytest
from googleapiclient.discovery import Resource, build
from googleapiclient.errors import HttpError
from googleapiclient.http import HttpRequest
from httplib2 import Response

from calguard_sandbox.google.scopes import METHODS
from calguard_sandbox.google.state import HOLIDAYS, TEAM, Busy
from tests.contract.google_client import ADD, CHECK, LIST, PREFIX, Browser, MovingClock, event, reason

ANN = "ann@example.com"
LIST_PATH = "users/me/calendarList"
EVENTS = f"calendars/{ANN}/events"


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 1, 5, hour, minute, tzinfo=UTC)


@pytest.fixture
async def token(browser: Browser) -> str:
    return str((await browser.grant())["access_token"])


def resource(browser: Browser) -> Resource:
    options = {"api_endpoint": browser.env["CALGUARD_GOOGLE_API_ENDPOINT"]}
    return build(
        "calendar", "v3", static_discovery=True, developerKey="unused", client_options=options, cache_discovery=False
    )


async def execute(browser: Browser, request: HttpRequest, token: str) -> dict[str, Any]:
    """Send what googleapiclient built and let it read the answer, as the server does."""
    headers = {**request.headers, "Authorization": f"Bearer {token}"}
    async with browser.http.request(request.method, request.uri, data=request.body, headers=headers) as answer:
        content = await answer.read()
        return request.postproc(Response({"status": answer.status, "reason": answer.reason or ""}), content)


async def test_googleapiclient_lists_checks_inserts_and_deletes(browser: Browser, token: str) -> None:
    api = resource(browser)
    listed = await execute(browser, api.calendarList().list(), token)
    roles = {item["id"]: item["accessRole"] for item in listed["items"]}
    assert roles == {ANN: "owner", TEAM: "writer", HOLIDAYS: "reader"}
    assert (await execute(browser, api.calendarList().get(calendarId=HOLIDAYS), token))["summary"] == "Holidays"

    insert = api.events().insert(calendarId="primary", body=event("abcde12345"))
    assert (await execute(browser, insert, token))["id"] == "abcde12345"
    with pytest.raises(HttpError) as duplicate:
        await execute(browser, insert, token)
    assert (duplicate.value.status_code, duplicate.value.reason) == (
        409,
        "The requested identifier already exists.",
    )
    body = {"timeMin": "2026-01-05T00:00:00Z", "timeMax": "2026-01-06T00:00:00Z", "items": [{"id": "primary"}]}
    busy = await execute(browser, api.freebusy().query(body=body), token)
    assert busy["calendars"] == {
        "primary": {"busy": [{"start": "2026-01-05T10:00:00Z", "end": "2026-01-05T10:30:00Z"}]}
    }
    listed = await execute(browser, api.events().list(calendarId="primary"), token)
    assert [item["summary"] for item in listed["items"]] == ["A booking"]
    await execute(browser, api.events().delete(calendarId="primary", eventId="abcde12345"), token)
    gone = await execute(browser, api.events().get(calendarId="primary", eventId="abcde12345"), token)
    assert gone["status"] == "cancelled"


def test_the_scope_table_is_the_discovery_document() -> None:
    documents = files("googleapiclient.discovery_cache.documents")
    document = json.loads(documents.joinpath("calendar.v3.json").read_text(encoding="utf-8"))
    not_modelled = {"calendar.app.created", "calendar.events.public.readonly"}
    for method, permitted in METHODS.values():
        _, _, collection, name = method.split(".")
        collection = collection[0].lower() + collection[1:]
        published = document["resources"][collection]["methods"][name.lower()]["scopes"]
        assert {scope.removeprefix(PREFIX) for scope in published} - not_modelled == set(permitted)


async def test_a_missing_a_dead_and_an_expired_access_token_are_401(
    browser: Browser, token: str, clock: MovingClock
) -> None:
    missing = await browser.freebusy(None)
    assert (missing.status, reason(missing)) == (401, "required")
    unknown = await browser.freebusy("ya29.unknown")
    assert (unknown.status, reason(unknown), unknown.body["error"]["status"]) == (401, "authError", "UNAUTHENTICATED")
    assert 'error="invalid_token"' in unknown.headers["WWW-Authenticate"]
    clock.advance(seconds=3599)
    assert (await browser.freebusy(token)).status == 200
    clock.advance(seconds=1)
    assert (await browser.freebusy(token)).status == 401


async def test_access_tokens_can_be_made_to_expire(browser: Browser, token: str) -> None:
    assert browser.sandbox.google.expire_access_tokens("ben@example.com") == 0
    assert (await browser.freebusy(token)).status == 200
    assert browser.sandbox.google.expire_access_tokens() == 1
    assert (await browser.freebusy(token)).status == 401


@pytest.mark.parametrize(
    ("granted", "permitted"),
    [
        ([], set()),
        ([LIST], {"list"}),
        ([CHECK], {"check"}),
        ([ADD], {"add"}),
        ([LIST, CHECK, ADD], {"list", "check", "add"}),
    ],
)
async def test_a_method_needs_a_scope_that_permits_it(
    browser: Browser, granted: list[str], permitted: set[str]
) -> None:
    token = (await browser.grant(scopes=granted))["access_token"]
    answers = {
        "list": await browser.api("GET", LIST_PATH, token),
        "check": await browser.freebusy(token, ANN),
        "add": await browser.api("POST", EVENTS, token, json=event()),
    }
    for name, answer in answers.items():
        assert answer.status == (200 if name in permitted else 403), name
    for answer in (answer for answer in answers.values() if answer.status == 403):
        error = answer.body["error"]
        assert (reason(answer), error["status"]) == ("insufficientPermissions", "PERMISSION_DENIED")
        assert error["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
        assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


async def test_dropped_scopes_are_missing_from_old_tokens_and_from_refreshed_ones(browser: Browser) -> None:
    tokens = await browser.grant()
    browser.sandbox.google.drop_scopes(ANN, [CHECK])
    assert (await browser.freebusy(tokens["access_token"], ANN)).status == 403
    refreshed = (await browser.refresh(tokens["refresh_token"])).body
    assert CHECK not in refreshed["scope"].split()
    assert (await browser.freebusy(refreshed["access_token"], ANN)).status == 403


async def test_events_owned_reaches_no_shared_calendar(browser: Browser) -> None:
    code = await browser.code(scope=f"openid {PREFIX}calendar.events.owned")
    token = (await browser.exchange(code)).body["access_token"]
    assert (await browser.api("POST", EVENTS, token, json=event())).status == 200
    shared = await browser.api("POST", f"calendars/{TEAM}/events", token, json=event())
    assert reason(shared) == "insufficientPermissions"


async def test_writing_needs_a_writer_role(browser: Browser, token: str) -> None:
    path = f"calendars/{quote(HOLIDAYS)}/events"
    answer = await browser.api("POST", path, token, json=event())
    assert (answer.status, reason(answer)) == (403, "requiredAccessLevel")
    assert answer.body["error"]["errors"][0]["domain"] == "calendar"
    for role in ("writerWithoutPrivateAccess", "writer", "owner"):
        browser.sandbox.google.share(ANN, HOLIDAYS, role)
        assert (await browser.api("POST", path, token, json=event())).status == 200
    browser.sandbox.google.share(ANN, HOLIDAYS, "freeBusyReader")
    assert reason(await browser.api("POST", path, token, json=event())) == "requiredAccessLevel"
    item = (await browser.api("GET", path, token)).body["items"][0]
    assert (item["visibility"], "summary" in item) == ("private", False)


async def test_an_unshared_calendar_is_404_and_not_found_inside_a_200(browser: Browser, token: str) -> None:
    browser.sandbox.google.unshare(ANN, TEAM)
    for method, path in (("GET", f"{LIST_PATH}/{TEAM}"), ("GET", f"calendars/{TEAM}/events")):
        answer = await browser.api(method, path, token)
        assert (answer.status, reason(answer)) == (404, "notFound")
    answer = await browser.freebusy(token, ANN, TEAM)
    assert answer.status == 200
    assert answer.body["calendars"] == {
        ANN: {"busy": []},
        TEAM: {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []},
    }
    browser.sandbox.google.share(ANN, TEAM, "reader")
    assert "errors" not in (await browser.freebusy(token, TEAM)).body["calendars"][TEAM]


async def test_a_removed_calendar_is_gone_for_everybody(browser: Browser, token: str) -> None:
    browser.sandbox.google.remove_calendar(TEAM)
    assert TEAM not in browser.sandbox.google.user("ben@example.com").access
    assert (await browser.api("GET", f"{LIST_PATH}/{TEAM}", token)).status == 404


async def test_a_user_without_calendar_is_told_so(browser: Browser, token: str) -> None:
    browser.sandbox.google.set_calendar_service(ANN, enabled=False)
    answer = await browser.freebusy(token, ANN)
    assert (answer.status, reason(answer)) == (403, "notACalendarUser")


async def test_the_list_is_paged(browser: Browser, token: str) -> None:
    found: list[str] = []
    query = "?maxResults=2"
    while query:
        page = (await browser.api("GET", LIST_PATH + query, token)).body
        assert len(page["items"]) <= 2
        found += [item["id"] for item in page["items"]]
        query = f"?maxResults=2&pageToken={page['nextPageToken']}" if "nextPageToken" in page else ""
    assert found == [ANN, HOLIDAYS, TEAM]
    for wrong in ("maxResults=x", "maxResults=0", "pageToken=99", "pageToken=x"):
        assert (await browser.api("GET", f"{LIST_PATH}?{wrong}", token)).status == 400


async def test_busy_times_are_merged_and_events_marked_free_do_not_block(browser: Browser, token: str) -> None:
    spans = [Busy(at(9), at(10)), Busy(at(9, 30), at(11)), Busy(at(12), at(13), transparent=True)]
    browser.sandbox.google.set_busy(ANN, spans)
    busy = (await browser.freebusy(token, ANN)).body["calendars"][ANN]["busy"]
    assert busy == [{"start": "2026-01-05T09:00:00Z", "end": "2026-01-05T11:00:00Z"}]
    window = "timeMin=2026-01-05T11:30:00Z&timeMax=2026-01-05T14:00:00Z"
    items = (await browser.api("GET", f"{EVENTS}?{window}", token)).body["items"]
    assert [item["transparency"] for item in items] == ["transparent"]


async def test_all_day_and_zoned_events_block_their_own_time(browser: Browser, token: str) -> None:
    tokyo = {"dateTime": "2026-01-05T18:00:00", "timeZone": "Asia/Tokyo"}
    zoned = event(start=tokyo, end={**tokyo, "dateTime": "2026-01-05T19:00:00"})
    all_day = event(start={"date": "2026-01-05"}, end={"date": "2026-01-06"})
    assert (await browser.api("POST", EVENTS, token, json=zoned)).status == 200
    assert (await browser.api("POST", f"calendars/{TEAM}/events", token, json=all_day)).status == 200
    calendars = (await browser.freebusy(token, ANN, TEAM)).body["calendars"]
    assert calendars[ANN]["busy"] == [{"start": "2026-01-05T09:00:00Z", "end": "2026-01-05T10:00:00Z"}]
    assert calendars[TEAM]["busy"] == [{"start": "2026-01-05T00:00:00Z", "end": "2026-01-06T00:00:00Z"}]


async def test_more_than_fifty_calendars_are_too_many(browser: Browser, token: str) -> None:
    fifty = [f"c{number}@example.com" for number in range(50)]
    reasons = {
        error["reason"]
        for entry in (await browser.freebusy(token, *fifty)).body["calendars"].values()
        for error in entry["errors"]
    }
    assert reasons == {"notFound"}
    answer = await browser.freebusy(token, *fifty, ANN)
    assert answer.body["calendars"][ANN]["errors"][0]["reason"] == "tooManyCalendarsRequested"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"timeMin": None}, "required"),
        ({"timeMax": "2026-01-05T00:00:00Z"}, "timeRangeEmpty"),
        ({"timeMax": "2026-04-05T00:00:01Z"}, "timeRangeTooLong"),
        ({"timeMax": "tomorrow"}, "badRequest"),
        ({"timeMax": "2026-01-06T00:00:00"}, "badRequest"),
        ({"calendarExpansionMax": 51}, "invalid"),
    ],
)
async def test_a_query_that_makes_no_sense_is_400(
    browser: Browser, token: str, change: dict[str, Any], expected: str
) -> None:
    body = {"timeMin": "2026-01-05T00:00:00Z", "timeMax": "2026-01-06T00:00:00Z", "items": [{"id": ANN}], **change}
    answer = await browser.api("POST", "freeBusy", token, json=body)
    assert (answer.status, reason(answer)) == (400, expected)
    for nonsense in (b"{", b"[]"):
        assert reason(await browser.api("POST", "freeBusy", token, data=nonsense)) == "parseError"


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (event("abcd"), "invalid"),
        (event("UPPERCASE"), "invalid"),
        (event("wxyz0"), "invalid"),
        (event(end=None), "required"),
        (event(end={"dateTime": "2026-01-05T09:00:00Z"}), "timeRangeEmpty"),
        (event(end={"dateTime": "never"}), "badRequest"),
        (event(end={"dateTime": "2026-01-05T19:00:00", "timeZone": "Mars/Olympus"}), "invalid"),
    ],
)
async def test_an_event_that_makes_no_sense_is_400(
    browser: Browser, token: str, wrong: dict[str, Any], expected: str
) -> None:
    answer = await browser.api("POST", EVENTS, token, json=wrong)
    assert (answer.status, reason(answer)) == (400, expected)


async def test_deleting_twice_is_410_and_the_id_stays_taken(browser: Browser, token: str) -> None:
    assert (await browser.api("POST", EVENTS, token, json=event("abcde"))).status == 200
    assert (await browser.api("DELETE", f"{EVENTS}/abcde", token)).status == 204
    again = await browser.api("DELETE", f"{EVENTS}/abcde", token)
    assert (again.status, reason(again)) == (410, "deleted")
    assert reason(await browser.api("POST", EVENTS, token, json=event("abcde"))) == "duplicate"
    assert reason(await browser.api("DELETE", f"{EVENTS}/never0", token)) == "notFound"
    assert (await browser.api("GET", EVENTS, token)).body["items"] == []
    shown = (await browser.api("GET", f"{EVENTS}?showDeleted=true", token)).body["items"]
    assert [item["status"] for item in shown] == ["cancelled"]


async def test_a_sync_token_has_always_expired(browser: Browser, token: str) -> None:
    answer = await browser.api("GET", f"{EVENTS}?syncToken=old", token)
    assert (answer.status, reason(answer)) == (410, "fullSyncRequired")
