"""Faults: which calls a rule strikes, and the exact answer of every entry of the catalogue."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from calguard_sandbox import Sandbox
from calguard_sandbox.errors import BadFieldError
from calguard_sandbox.faults.answers import HttpReply
from calguard_sandbox.faults.catalogue import CATALOGUE
from tests.contract.google_client import Answer, Browser, event

ANN, BEN, TEAM = "ann@example.com", "ben@example.com", "team@group.calendar.google.com"

# What the client must see: status, then `error` of the token endpoint, or `reason` of the API, or None for no JSON
# object. Written out, so that a change of the catalogue shows.
SEEN: dict[str, tuple[int, str | None]] = {
    "token/invalid_grant": (400, "invalid_grant"),
    "token/invalid_rapt": (400, "invalid_grant"),
    "token/rapt_required": (400, "invalid_grant"),
    "token/account_deleted": (400, "invalid_grant"),
    "token/admin_policy_enforced": (400, "admin_policy_enforced"),
    "token/org_internal": (400, "org_internal"),
    "token/invalid_client": (401, "invalid_client"),
    "token/deleted_client": (401, "deleted_client"),
    "token/disabled_client": (401, "disabled_client"),
    "token/unauthorized_client": (401, "unauthorized_client"),
    "token/invalid_scope": (400, "invalid_scope"),
    "token/invalid_request": (400, "invalid_request"),
    "token/rate_limited": (429, "rate_limit_exceeded"),
    "token/internal_failure": (500, "internal_failure"),
    "token/temporarily_unavailable": (503, "temporarily_unavailable"),
    "token/502_html": (502, None),
    "token/503_html": (503, None),
    "token/200_html": (200, None),
    "token/200_list": (200, None),
    "token/200_no_access_token": (200, None),
    "consent/org_internal": (403, None),
    "consent/admin_policy_enforced": (400, None),
    "revoke/invalid_token": (400, "invalid_token"),
    "api/authError": (401, "authError"),
    "api/insufficientPermissions": (403, "insufficientPermissions"),
    "api/insufficientPermissions_bare": (403, "insufficientPermissions"),
    "api/ACCESS_TOKEN_SCOPE_INSUFFICIENT": (403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
    "api/notFound": (404, "notFound"),
    "api/requiredAccessLevel": (403, "requiredAccessLevel"),
    "api/forbidden": (403, "forbidden"),
    "api/403_unknown": (403, "unheardOf"),
    "api/403_html": (403, None),
    "api/notACalendarUser": (403, "notACalendarUser"),
    "api/429_rateLimitExceeded": (429, "rateLimitExceeded"),
    "api/rateLimitExceeded": (403, "rateLimitExceeded"),
    "api/userRateLimitExceeded": (403, "userRateLimitExceeded"),
    "api/quotaExceeded": (403, "quotaExceeded"),
    "api/dailyLimitExceeded": (403, "dailyLimitExceeded"),
    "api/accessNotConfigured": (403, "accessNotConfigured"),
    "api/SERVICE_DISABLED": (403, "SERVICE_DISABLED"),
    "api/duplicate": (409, "duplicate"),
    "api/deleted": (410, "deleted"),
    "api/fullSyncRequired": (410, "fullSyncRequired"),
    "api/updatedMinTooLongAgo": (410, "updatedMinTooLongAgo"),
    "api/backendError": (503, "backendError"),
    "api/internalError": (500, "internalError"),
    "api/500_html": (500, None),
    "api/502_html": (502, None),
    "api/503_html": (503, None),
    "api/503_retry_after": (503, "backendError"),
    "api/504_empty": (504, None),
    "api/200_html": (200, None),
    "api/200_list": (200, None),
    "api/200_string": (200, None),
    "api/200_empty": (200, None),
    "api/200_truncated": (200, None),
    "slack/invalid_auth": (200, "invalid_auth"),
    "slack/not_authed": (200, "not_authed"),
    "slack/token_revoked": (200, "token_revoked"),
    "slack/token_expired": (200, "token_expired"),
    "slack/account_inactive": (200, "account_inactive"),
    "slack/missing_scope": (200, "missing_scope"),
    "slack/channel_not_found": (200, "channel_not_found"),
    "slack/not_in_channel": (200, "not_in_channel"),
    "slack/is_archived": (200, "is_archived"),
    "slack/restricted_action": (200, "restricted_action"),
    "slack/users_not_found": (200, "users_not_found"),
    "slack/user_not_found": (200, "user_not_found"),
    "slack/messages_tab_disabled": (200, "messages_tab_disabled"),
    "slack/ratelimited": (429, "ratelimited"),
    "slack/internal_error": (200, "internal_error"),
    "slack/fatal_error": (200, "fatal_error"),
    "slack/500": (500, "internal_error"),
    "slack/503_html": (503, None),
    "slack/200_html": (200, None),
    "slack/unheard_of": (200, "some_error_of_tomorrow"),
}
# Those that the tests below and test_sandbox_smtp.py look at one by one.
ELSEWHERE = {name for name, entry in CATALOGUE.items() if not isinstance(entry.answer, HttpReply)}

Send = Callable[[], Awaitable[Answer]]


async def raw(browser: Browser, method: str, url: str, **more: object) -> Answer:
    """The answer with its body as text, whatever it says that it is."""
    async with browser.http.request(method, url, **more) as answer:
        return Answer(answer.status, dict(answer.headers), await answer.text())


def sender(browser: Browser, name: str) -> Send:
    """A call that the fault's defaults match."""
    env, family = browser.env, name.partition("/")[0]
    calls: dict[str, tuple[str, str]] = {
        "token": ("POST", env["CALGUARD_GOOGLE_TOKEN_URI"]),
        "revoke": ("POST", env["CALGUARD_GOOGLE_REVOKE_URI"]),
        "consent": ("POST", browser.url()),
        "api": ("POST", f"{env['CALGUARD_GOOGLE_API_ENDPOINT']}calendars/primary/events"),
        "slack": ("POST", f"{env['CALGUARD_SLACK_BASE_URL']}chat.postMessage"),
    }
    method, url = calls[family]
    return lambda: raw(browser, method, url)


def said(answer: Answer) -> str | None:
    """The `error` or the reason in a body of JSON, if it has one; where both lists name one, that of `errors`."""
    try:
        body = json.loads(answer.body)
    except ValueError:
        return None
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return error
    return next(item["reason"] for item in error.get("errors") or error["details"])


def test_every_fault_is_tested() -> None:
    assert set(SEEN) | ELSEWHERE == set(CATALOGUE)


@pytest.mark.parametrize("name", SEEN)
async def test_a_fault_answers_what_its_name_says(browser: Browser, sandbox: Sandbox, name: str) -> None:
    sandbox.fault(name)
    answer = await sender(browser, name)()
    assert (answer.status, said(answer)) == SEEN[name]
    html = answer.headers["Content-Type"].startswith("text/html")
    assert html == (name.endswith("_html") or name.startswith("consent/") or name == "api/504_empty")


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("token/invalid_grant", "error_description", "Token has been expired or revoked."),
        ("token/invalid_rapt", "error_subtype", "invalid_rapt"),
        ("token/rapt_required", "error_subtype", "rapt_required"),
        ("token/account_deleted", "error_description", "Account has been deleted"),
        ("slack/missing_scope", "needed", "chat:write"),
    ],
)
async def test_what_tells_one_fault_from_its_like(
    browser: Browser, sandbox: Sandbox, name: str, field: str, value: str
) -> None:
    sandbox.fault(name)
    assert json.loads((await sender(browser, name)()).body)[field] == value


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("api/accessNotConfigured", "SERVICE_DISABLED"),
        ("api/rateLimitExceeded", "RATE_LIMIT_EXCEEDED"),
        ("api/insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
    ],
)
async def test_the_front_ends_errors_carry_details(browser: Browser, sandbox: Sandbox, name: str, detail: str) -> None:
    sandbox.fault(name)
    details = json.loads((await sender(browser, name)()).body)["error"]["details"]
    assert detail in {item.get("reason") for item in details}


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("api/429_rateLimitExceeded", "7"), ("api/503_retry_after", "20"), ("slack/ratelimited", "30")],
)
async def test_some_say_when_to_try_again(browser: Browser, sandbox: Sandbox, name: str, seconds: str) -> None:
    sandbox.fault(name)
    assert (await sender(browser, name)()).headers["Retry-After"] == seconds


@pytest.mark.parametrize(
    "kind", ["notFound", "forbidden", "internalError", "groupTooBig", "tooManyCalendarsRequested", "unknown"]
)
async def test_freebusy_faults_are_inside_a_200_and_for_the_calendar_named(
    browser: Browser, sandbox: Sandbox, kind: str
) -> None:
    token = (await browser.grant())["access_token"]
    rule = sandbox.fault(f"freebusy/{kind}", calendar_id=TEAM)
    answer = await browser.freebusy(token, ANN, TEAM)
    expected = "unheardOf" if kind == "unknown" else kind
    assert answer.status == 200
    assert answer.body["calendars"] == {
        ANN: {"busy": []},
        TEAM: {"busy": [], "errors": [{"domain": "global", "reason": expected}]},
    }
    sandbox.faults.remove(rule.id)
    sandbox.fault(f"freebusy/{kind}")
    entries = (await browser.freebusy(token, ANN, TEAM)).body["calendars"].values()
    assert all(entry["errors"] for entry in entries)


async def test_a_token_answer_may_lack_the_refresh_token(browser: Browser, sandbox: Sandbox) -> None:
    sandbox.fault("token/no_refresh_token")
    assert "refresh_token" not in await browser.grant()


async def test_an_edited_answer_that_is_an_error_stays_as_it_is(browser: Browser, sandbox: Sandbox) -> None:
    sandbox.fault("freebusy/notFound")
    assert (await browser.freebusy("ya29.dead", ANN)).status == 401


@pytest.mark.parametrize("surface", ["google", "slack"])
async def test_a_dropped_connection_has_no_answer(browser: Browser, sandbox: Sandbox, surface: str) -> None:
    sandbox.fault("network/drop", surface=surface, times=1)
    call = sender(browser, "api" if surface == "google" else "slack")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await call()
    assert (await call()).status in {200, 401}


async def test_a_connection_may_drop_after_the_act(browser: Browser, sandbox: Sandbox) -> None:
    token = (await browser.grant())["access_token"]
    sandbox.fault("network/drop_after", surface="google", endpoint="events.insert", times=1)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await browser.api("POST", "calendars/primary/events", token, json=event("abcde"))
    again = await browser.api("POST", "calendars/primary/events", token, json=event("abcde"))
    assert again.status == 409


async def test_garbage_is_no_http(browser: Browser, sandbox: Sandbox) -> None:
    sandbox.fault("network/garbage", surface="google")
    with pytest.raises(aiohttp.ClientError):
        await browser.freebusy(None)


async def test_an_answer_that_breaks_off_promises_more_than_it_brings(browser: Browser, sandbox: Sandbox) -> None:
    sandbox.fault("network/cut_short", surface="google", times=1)
    with pytest.raises(aiohttp.ClientPayloadError):
        await browser.freebusy(None)
    assert (await browser.freebusy(None)).status == 401


@pytest.mark.parametrize(("name", "acted"), [("network/hang", False), ("network/hang_after", True)])
async def test_a_hang_lasts_until_the_faults_are_cleared(
    browser: Browser, sandbox: Sandbox, name: str, *, acted: bool
) -> None:
    sandbox.fault(name, surface="slack")
    url = f"{sandbox.slack_url}chat.postMessage"
    headers = {"Authorization": f"Bearer {browser.env['CALGUARD_SLACK_BOT_TOKEN']}"}
    form = {"channel": "#ops", "text": "hello"}
    call = asyncio.create_task(raw(browser, "POST", url, data=form, headers=headers))
    await sandbox.slack_requests.wait(seconds=5)
    assert not call.done()
    sandbox.faults.clear()
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await call
    assert len(sandbox.slack.messages.records) == acted


async def test_a_client_that_gives_up_frees_a_hang(browser: Browser, sandbox: Sandbox) -> None:
    sandbox.fault("network/hang", surface="google", times=1)
    with pytest.raises(TimeoutError):
        await browser.api("GET", "users/me/calendarList", timeout=aiohttp.ClientTimeout(total=0.05))
    assert (await browser.freebusy(None)).status == 401


async def test_a_rule_skips_strikes_and_is_used_up(browser: Browser, sandbox: Sandbox) -> None:
    rule = sandbox.fault("token/503_html", times=2, after=1)
    token = (await browser.grant())["refresh_token"]
    statuses = [(await browser.refresh(token)).status for _ in range(3)]
    assert statuses == [503, 503, 200]
    assert (rule.struck, rule.used_up) == (2, True)


async def test_rules_answer_in_the_order_given(browser: Browser, sandbox: Sandbox) -> None:
    sandbox.fault("api/503_html", times=1)
    sandbox.fault("api/rateLimitExceeded", times=1)
    assert [(await browser.freebusy(None)).status for _ in range(3)] == [503, 403, 401]


async def test_a_rule_strikes_one_user_only(browser: Browser, sandbox: Sandbox) -> None:
    ann, ben = await browser.grant(ANN), await browser.grant(BEN)
    sandbox.fault("token/invalid_grant", user="Ann@example.com")
    sandbox.fault("api/forbidden", user=BEN)
    assert (await browser.refresh(ann["refresh_token"])).status == 400
    assert (await browser.refresh(ben["refresh_token"])).status == 200
    assert (await browser.freebusy(ann["access_token"])).status == 200
    assert (await browser.freebusy(ben["access_token"])).status == 403
    sandbox.fault("revoke/invalid_token", user=ANN)
    url = browser.env["CALGUARD_GOOGLE_REVOKE_URI"]
    assert (await browser.send("POST", url, data={"token": ann["refresh_token"]})).status == 400
    assert (await browser.send("POST", url, data={"token": ben["refresh_token"]})).status == 200


async def test_a_rule_strikes_one_endpoint_and_what_is_under_it(browser: Browser, sandbox: Sandbox) -> None:
    token = await browser.grant()
    sandbox.fault("api/503_html", endpoint="calendarlist")
    sandbox.fault("api/403_html", endpoint="events.list")
    sandbox.fault("token/502_html", endpoint="token.refresh_token")
    assert (await browser.api("GET", "users/me/calendarList", token["access_token"])).status == 503
    assert (await browser.api("GET", "calendars/primary/events", token["access_token"])).status == 403
    assert (await browser.api("POST", "calendars/primary/events", token["access_token"], json=event())).status == 200
    assert (await browser.refresh(token["refresh_token"])).status == 502
    assert (await browser.grant())["access_token"]


async def test_primary_and_the_address_are_the_same_calendar_to_a_rule(browser: Browser, sandbox: Sandbox) -> None:
    token = (await browser.grant())["access_token"]
    sandbox.fault("api/notFound", endpoint="events", calendar_id=ANN)
    assert (await browser.api("GET", "calendars/primary/events", token)).status == 404
    assert (await browser.api("GET", f"calendars/{TEAM}/events", token)).status == 200


async def test_a_raw_answer_is_given_as_it_is(browser: Browser, sandbox: Sandbox) -> None:
    body = {"error": "of my own"}
    sandbox.fault({"status": 418, "headers": {"Retry-After": "1"}, "body": body}, surface="google", endpoint="token")
    answer = await browser.refresh("x")
    assert (answer.status, answer.headers["Retry-After"], answer.body) == (418, "1", body)


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"respond": "token/nothing"}, "respond"),
        ({"respond": None}, "respond"),
        ({"respond": {"status": 99}, "surface": "google"}, "respond.status"),
        ({"respond": {"status": 200, "headers": {"A": "b\r\nc: d"}}, "surface": "google"}, "respond.headers"),
        ({"respond": {"status": 200, "more": 1}, "surface": "google"}, "respond.more"),
        ({"respond": {"status": 200}}, "match.surface"),
        ({"respond": {"status": 200}, "surface": "smtp"}, "match.surface"),
        ({"respond": {"code": 250}}, "respond.code"),
        ({"respond": {"code": 450, "text": "two\nlines"}}, "respond.text"),
        ({"respond": "slack/500", "surface": "google"}, "match.surface"),
        ({"respond": "network/drop"}, "match.surface"),
        ({"respond": "slack/500", "times": 0}, "times"),
        ({"respond": "slack/500", "after": -1}, "after"),
    ],
)
async def test_a_rule_that_makes_no_sense_names_its_field(sandbox: Sandbox, rule: dict[str, Any], field: str) -> None:
    with pytest.raises(BadFieldError) as refused:
        sandbox.fault(**rule)
    assert refused.value.field == field
    assert sandbox.faults.rules == []


async def test_a_stopped_listener_refuses_and_comes_back_on_its_port(browser: Browser, sandbox: Sandbox) -> None:
    await browser.freebusy(None)
    await sandbox.set_listening("google", up=False)
    with pytest.raises(aiohttp.ClientConnectionError):
        await browser.freebusy(None)
    await sandbox.set_listening("google", up=True)
    assert (await browser.freebusy(None)).status == 401
