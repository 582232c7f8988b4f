"""The control API: each act over HTTP does what the state's method does, and bad input names its field."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import aiohttp
import pytest

from calguard_sandbox import Sandbox
from calguard_sandbox.control import app as control_module
from calguard_sandbox.faults.catalogue import CATALOGUE
from calguard_sandbox.google.state import HOLIDAYS, TEAM
from tests.contract.google_client import CHECK, LIST, Answer, Browser

Control = Callable[..., Awaitable[Answer]]
ANN = "ann@example.com"
USER = f"/google/users/{ANN}"


@pytest.fixture
def control(browser: Browser, sandbox: Sandbox) -> Control:
    async def call(method: str, path: str, body: object = None, **more: object) -> Answer:
        json = {} if body is None else {"json": body}
        return await browser.send(method, sandbox.control_url + path, **json, **more)

    return call


@pytest.fixture
def page() -> str:
    return Path(__file__, "../../../docs/sandbox.md").resolve().read_text(encoding="utf-8")


async def test_consent_does_what_a_browser_does(browser: Browser, control: Control) -> None:
    body = {"authorization_url": browser.url(), "email": ANN, "scopes": [LIST]}
    answer = parse_qs(urlsplit((await control("POST", "/google/consent", body)).body["redirect_url"]).query)
    assert LIST in answer["scope"][0]
    assert CHECK not in answer["scope"][0]
    assert (await browser.exchange(answer["code"][0])).status == 200
    denied = await control("POST", "/google/consent", {**body, "deny": True})
    assert "error=access_denied" in denied.body["redirect_url"]
    everything = await control("POST", "/google/consent", {**body, "scopes": "all"})
    assert quote(CHECK, safe="") in everything.body["redirect_url"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"authorization_url": None}, "authorization_url"),
        ({"authorization_url": "https://accounts.google.com/o/oauth2/v2/auth?x"}, "authorization_url"),
        ({"email": "nobody@example.com"}, "email"),
        ({"email": 1}, "email"),
        ({"scopes": ["https://www.googleapis.com/auth/calendar"]}, "scopes"),
        ({"scopes": "some"}, "scopes"),
        ({"deny": "yes"}, "deny"),
        ({"extra": 1}, "extra"),
    ],
)
async def test_a_consent_that_cannot_be_names_its_field(
    browser: Browser, control: Control, changes: dict[str, Any], field: str
) -> None:
    answer = await control("POST", "/google/consent", {"authorization_url": browser.url(), "email": ANN, **changes})
    assert (answer.status, answer.body["error"]["field"]) == (400, field)


async def test_consent_passes_on_what_googles_error_page_says(
    browser: Browser, control: Control, sandbox: Sandbox
) -> None:
    body = {"authorization_url": browser.url(client_id="nobody"), "email": ANN}
    answer = await control("POST", "/google/consent", body)
    assert answer.status == 400
    assert "Error 401: invalid_client" in answer.body["error"]["message"]
    body["authorization_url"] = browser.url()
    sandbox.fault("consent/org_internal", times=1)
    assert "org_internal" in (await control("POST", "/google/consent", body)).body["error"]["message"]
    sandbox.fault("network/drop", surface="google")
    assert "did not answer" in (await control("POST", "/google/consent", body)).body["error"]["message"]


async def test_acts_on_a_google_account(browser: Browser, control: Control, sandbox: Sandbox) -> None:
    tokens = await browser.grant()
    state = sandbox.google
    assert (await control("POST", f"{USER}/drop-scopes", {"scopes": [CHECK]})).status == 200
    assert (await browser.freebusy(tokens["access_token"])).status == 403
    assert (await control("POST", f"{USER}/expire-access-tokens")).body["expired"] == 1
    assert (await browser.freebusy(tokens["access_token"])).status == 401
    await control("PUT", f"{USER}/calendar-service", {"enabled": False})
    assert state.user(ANN).calendar_enabled is False
    await control("DELETE", USER)
    assert state.user(ANN).deleted
    await control("POST", f"{USER}/restore")
    assert not state.user(ANN).deleted
    assert (await control("POST", f"{USER}/revoke")).body["revoked"] is True
    assert (await control("POST", f"{USER}/revoke")).body["revoked"] is False
    assert (await browser.refresh(tokens["refresh_token"])).body["error"] == "invalid_grant"
    await control("PUT", "/google/client", {"deleted": True})
    assert (await browser.refresh(tokens["refresh_token"])).body["error"] == "deleted_client"
    await control("POST", "/google/users", {"email": "Cy@example.com", "name": "Cy"})
    assert state.user("cy@example.com").access == {"cy@example.com": "owner"}


async def test_acts_on_calendars(control: Control, sandbox: Sandbox) -> None:
    access = sandbox.google.user(ANN).access
    await control("POST", f"{USER}/calendars", {"id": "new", "summary": "New", "role": "reader"})
    assert access["new"] == "reader"
    await control("PUT", f"{USER}/calendars/{quote(HOLIDAYS)}", {"role": "writer"})
    assert access[HOLIDAYS] == "writer"
    await control("DELETE", f"{USER}/calendars/{TEAM}")
    assert TEAM not in access
    busy = [{"start": "2026-01-05T09:00:00Z", "end": "2026-01-05T10:00:00+00:00", "transparent": True}]
    await control("PUT", "/google/calendars/new/busy", {"busy": busy})
    (event,) = sandbox.google.calendar("new").events.values()
    assert event.blocks is False
    await control("DELETE", "/google/calendars/new")
    assert "new" not in access


async def test_events_of_all_day_and_declined_ones_are_made_and_listed(
    browser: Browser, control: Control, sandbox: Sandbox
) -> None:
    """A day is the calendar's own; what the person has declined takes no time of it. What is deleted is shown so."""
    token = (await browser.grant())["access_token"]
    busy = [
        {"start": "2026-01-07T09:00:00Z", "end": "2026-01-07T10:00:00Z", "declined": True},
        {"start": "2026-01-05", "end": "2026-01-06"},
    ]
    sandbox.google.calendar(ANN).time_zone = "Asia/Tokyo"
    await control("PUT", f"/google/calendars/{ANN}/busy", {"busy": busy})
    all_day, declined = (await control("GET", f"/google/calendars/{ANN}/events")).body["events"]
    assert (all_day["start"], all_day["end"]) == ({"date": "2026-01-05"}, {"date": "2026-01-06"})
    assert declined["attendees"] == [{"email": ANN, "responseStatus": "declined"}]
    assert declined["start"]["dateTime"] == "2026-01-07T09:00:00Z"
    body = {"timeMin": "2026-01-01T00:00:00Z", "timeMax": "2026-01-31T00:00:00Z", "items": [{"id": ANN}]}
    answer = await browser.api("POST", "freeBusy", token, json=body)
    assert answer.body["calendars"][ANN]["busy"] == [{"start": "2026-01-04T15:00:00Z", "end": "2026-01-05T15:00:00Z"}]
    assert (await browser.api("DELETE", f"calendars/{ANN}/events/{all_day['id']}", token)).status == 204
    listed = (await control("GET", f"/google/calendars/{ANN}/events")).body["events"]
    assert [each["status"] for each in listed] == ["cancelled", "confirmed"]


async def test_acts_on_slack(control: Control, sandbox: Sandbox) -> None:
    state = sandbox.slack
    added = await control("POST", "/slack/users", {"email": "cy@example.com"})
    assert state.user("cy@example.com").id == added.body["id"]
    await control("PUT", "/slack/users/cy@example.com", {"deactivated": True, "messages_tab": False})
    assert (state.user("cy@example.com").deactivated, state.user("cy@example.com").messages_tab) == (True, False)
    await control("POST", "/slack/channels", {"name": "#new"})
    await control("PUT", "/slack/channels/new", {"archived": True, "member": False, "restricted": True})
    channel = state.channel("new")
    assert (channel.archived, channel.member, channel.restricted) == (True, False, True)
    await control("PUT", "/slack/token", {"error": "token_revoked"})
    assert state.token("xoxb-sandbox-bot-token").error == "token_revoked"
    await control("PUT", "/slack/token", {"token": "xoxb-second", "scopes": ["chat:write"]})
    assert state.token("xoxb-second").scopes == ("chat:write",)


async def test_acts_on_another_slack_workspace(control: Control, sandbox: Sandbox) -> None:
    added = await control("POST", "/slack/workspaces", {"team": "T0OTHER", "token": "xoxb-other", "name": "Other"})
    assert added.body["team"] == "T0OTHER"
    other = sandbox.slack_workspaces.get("T0OTHER")
    await control("POST", "/slack/channels?team=T0OTHER", {"name": "new"})
    assert (other.channel("new").name, sandbox.slack.find_channel("new")) == ("new", None)
    await control("PUT", "/slack/pace?team=T0OTHER", {"paced": True})
    assert (other.paced, sandbox.slack.paced) == (True, False)
    assert [each["name"] for each in (await control("GET", "/state")).body["slack_workspaces"]] == ["Sandbox", "Other"]
    assert (await control("PUT", "/slack/pace?team=T0NONE", {"paced": True})).status == 404
    assert (await control("DELETE", "/slack/messages/C1/1.1?team=T0OTHER")).status == 404


async def test_faults_are_added_shown_and_lifted(browser: Browser, control: Control, sandbox: Sandbox) -> None:
    rule = {"match": {"surface": "google", "endpoint": "token", "user": ANN}, "respond": "token/503_html", "times": 1}
    added = await control("POST", "/faults", rule)
    assert (added.status, added.body["respond"], added.body["struck"]) == (201, "token/503_html", 0)
    assert (await browser.exchange("x")).status == 400
    code = await browser.code()
    assert (await browser.exchange(code)).status == 503
    assert (await control("GET", "/faults")).body["faults"][0]["struck"] == 1
    await control("POST", "/faults", {"respond": "slack/fatal_error"})
    assert (await control("DELETE", f"/faults/{added.body['id']}")).status == 200
    assert [held.name for held in sandbox.faults.rules] == ["slack/fatal_error"]
    await control("DELETE", "/faults")
    assert sandbox.faults.rules == []
    names = {entry["name"] for entry in (await control("GET", "/faults/catalogue")).body["faults"]}
    assert names == set(CATALOGUE)


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/faults", {"respond": "nothing"}, "respond"),
        ("POST", "/faults", {"respond": "slack/500", "match": []}, "match"),
        ("POST", "/faults", {"respond": "slack/500", "match": {"who": "x"}}, "match.who"),
        ("POST", "/faults", {"respond": "slack/500", "times": True}, "times"),
        ("POST", "/faults", [], "body"),
        ("POST", "/google/users", {}, "email"),
        ("POST", "/google/users", {"email": "no-address"}, "email"),
        ("POST", "/google/users", {"email": ANN}, "email"),
        ("POST", f"{USER}/calendars", {"id": "x"}, "summary"),
        ("POST", f"{USER}/calendars", {"id": "x", "summary": "x", "role": "king"}, "role"),
        ("POST", f"{USER}/calendars", {"id": TEAM, "summary": "x"}, "id"),
        ("PUT", f"{USER}/calendars/{TEAM}", {"role": "king"}, "role"),
        ("POST", f"{USER}/drop-scopes", {"scopes": CHECK}, "scopes"),
        ("PUT", f"{USER}/calendar-service", {}, "enabled"),
        ("PUT", f"/google/calendars/{TEAM}/busy", {"busy": {}}, "busy"),
        ("PUT", f"/google/calendars/{TEAM}/busy", {"busy": [{"start": "soon"}]}, "busy[0].start"),
        ("PUT", f"/google/calendars/{TEAM}/busy", {"busy": [{"start": "2026-01-05T09:00:00"}]}, "busy[0].start"),
        (
            "PUT",
            f"/google/calendars/{TEAM}/busy",
            {"busy": [{"start": "2026-01-05T09:00:00Z", "end": "2026-01-05T09:00:00Z"}]},
            "busy[0].end",
        ),
        (
            "PUT",
            f"/google/calendars/{TEAM}/busy",
            {"busy": [{"start": "2026-01-05", "end": "2026-01-05T10:00:00Z"}]},
            "busy[0].end",
        ),
        (
            "PUT",
            f"/google/calendars/{TEAM}/busy",
            {"busy": [{"start": "2026-01-05", "end": "2026-01-05"}]},
            "busy[0].end",
        ),
        ("PUT", "/google/client", {}, "deleted"),
        ("PUT", "/slack/token", {"error": "tired"}, "error"),
        ("POST", "/slack/channels", {"name": "ops"}, "name"),
        ("POST", "/slack/users", {"email": ANN}, "email"),
        ("PUT", "/listeners/google", {"up": "no"}, "up"),
        ("GET", "/mail?after=x", None, "after"),
        ("GET", "/slack/messages?wait_seconds=-1", None, "wait_seconds"),
        ("GET", "/google/requests?count=1.5", None, "count"),
    ],
)
async def test_bad_input_is_400_and_changes_nothing(
    control: Control, method: str, path: str, body: object, field: str
) -> None:
    before = (await control("GET", "/state")).body
    answer = await control(method, path, body)
    assert (answer.status, answer.body["error"]["field"]) == (400, field)
    assert (await control("GET", "/state")).body == before


async def test_a_body_that_is_no_json_is_400(control: Control) -> None:
    answer = await control("POST", "/faults", data=b"{")
    assert (answer.status, answer.body["error"]["field"]) == (400, "body")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/google/users/nobody@example.com/revoke", None),
        ("DELETE", f"{USER}/calendars/none", None),
        ("PUT", f"{USER}/calendars/none", {"role": "reader"}),
        ("PUT", "/google/calendars/none/busy", {"busy": []}),
        ("GET", "/google/calendars/none/events", None),
        ("POST", f"{USER}/drop-scopes", {"scopes": []}),
        ("PUT", "/slack/channels/none", {"archived": True}),
        ("PUT", "/slack/users/nobody@example.com", {"deactivated": True}),
        ("PUT", "/slack/token", {"token": "xoxb-none", "error": "token_revoked"}),
        ("PUT", "/listeners/control", {"up": False}),
        ("DELETE", "/faults/7", None),
        ("DELETE", "/faults/x", None),
        ("GET", "/nowhere", None),
    ],
)
async def test_what_is_not_known_is_404(control: Control, method: str, path: str, body: object) -> None:
    answer = await control(method, path, body)
    assert (answer.status, set(answer.body["error"])) == (404, {"field", "message"})


async def test_what_was_received_can_be_waited_for(
    control: Control, sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    async def post(text: str) -> None:
        form = {"channel": "#ops", "text": text, "token": "xoxb-sandbox-bot-token"}
        async with http.post(f"{sandbox.slack_url}chat.postMessage", data=form) as answer:
            assert answer.status == 200

    assert (await control("GET", "/slack/messages")).body == {"messages": [], "last": 0}
    await post("first")
    waiting = asyncio.create_task(control("GET", "/slack/messages?after=1&count=2&wait_seconds=30"))
    await post("second")
    assert not waiting.done()
    await post("third")
    body = (await waiting).body
    assert [(item["number"], item["text"]) for item in body["messages"]] == [(2, "second"), (3, "third")]
    await control("DELETE", "/slack/messages")
    assert (await control("GET", "/slack/messages")).body == {"messages": [], "last": 3}


async def test_the_request_log_holds_no_secret(browser: Browser, control: Control) -> None:
    tokens = await browser.grant()
    await browser.api("GET", f"users/me/calendarList?access_token={tokens['access_token']}")
    log = (await control("GET", "/google/requests")).body["requests"]
    assert [(item["endpoint"], item["status"]) for item in log] == [
        ("auth", 200),
        ("consent", 302),
        ("token.authorization_code", 200),
        ("calendarlist.list", 200),
    ]
    assert log[-1]["users"] == [ANN]
    shown = str(log) + str((await control("GET", "/state")).body)
    for secret in (*tokens.values(), browser.env["CALGUARD_GOOGLE_CLIENT_SECRET"], "xoxb-"):
        assert str(secret) not in shown or secret in {"Bearer", 3599, tokens["scope"]}


async def test_reset_goes_back_to_the_seeds(browser: Browser, control: Control, sandbox: Sandbox) -> None:
    tokens = await browser.grant()
    await control("POST", "/google/users", {"email": "cy@example.com"})
    await control("POST", "/faults", {"respond": "slack/500"})
    assert (await control("POST", "/reset")).status == 200
    state = (await control("GET", "/state")).body
    assert [user["email"] for user in state["google"]["users"]] == [ANN, "ben@example.com"]
    assert (state["google"]["grants"], state["faults"]) == ([], [])
    assert (await browser.refresh(tokens["refresh_token"])).status == 400
    assert (await browser.grant())["access_token"] != tokens["access_token"]
    assert sandbox.mail.received.records == []


async def test_the_routes_are_those_documented(control: Control, sandbox: Sandbox, page: str) -> None:
    application = control_module.control_app(sandbox)
    served = {
        f"{route.method} {route.resource.canonical}"
        for route in application.router.routes()
        if route.method != "HEAD" and route.resource is not None
    }
    pattern = re.compile(r"\b(GET|POST|PUT|DELETE) +(/[^\s`]*)")
    index = (await control("GET", "/")).body
    assert {" ".join(found) for found in pattern.findall(index)} == served
    assert {" ".join(found) for found in pattern.findall(page)} == served
    assert {name for name in CATALOGUE if f"`{name}`" not in page} == set()
