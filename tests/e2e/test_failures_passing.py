"""The rows of docs/failures.md that may pass by themselves: they degrade a link, and fail it when they last."""

from dataclasses import dataclass

import pytest

from tests.e2e.failure_scene import (
    AGAIN,
    ANN,
    BEARING_IT,
    STOP,
    TEAM,
    Scene,
    Trouble,
    degraded,
    failed,
    next_check,
    stopped,
    struck,
    told,
    with_one_calendar,
)

JSON = {"Content-Type": "application/json"}
LARGE = "x" * (4 * 1024 * 1024 + 1)


@dataclass(frozen=True)
class Row:
    """A trouble and the cause that it is given."""

    trouble: Trouble
    reason: str
    calendar: str = ""


def unavailable(trouble: Trouble, calendar: str = "") -> Row:
    return Row(trouble, "PROVIDER_UNAVAILABLE", calendar)


def cut_off(trouble: Trouble) -> Row:
    return Row(trouble, "NETWORK_ERROR")


def answers(status: int, body: object = "", **headers: str) -> dict[str, object]:
    return {"status": status, "body": body, "headers": headers}


def error(status: int, reason: str) -> dict[str, object]:
    return answers(status, {"error": {"code": status, "errors": [{"reason": reason}]}})


def free_busy(**calendars: object) -> dict[str, object]:
    return answers(200, {"kind": "calendar#freeBusy", "calendars": calendars})


def silent(endpoint: str) -> Trouble:
    """Google does not answer, and is not waited for as long as usual: a test has no 15 seconds to spare."""
    usual = struck("network/hang", endpoint)

    async def begin(scene: Scene) -> None:
        await scene.backend.restart(google_timeout="250ms")
        await usual.begin(scene)

    async def end(scene: Scene) -> None:
        await usual.end(scene)
        await scene.backend.restart(google_timeout="15s")

    return Trouble(begin, end, usual.fault)


def nobody_listens() -> Trouble:
    async def begin(scene: Scene) -> None:
        await scene.backend.sandbox.set_listening("google", up=False)

    async def end(scene: Scene) -> None:
        await scene.backend.sandbox.set_listening("google", up=True)

    return Trouble(begin, end)


def elsewhere(url: str, *settings: str) -> Trouble:
    """Google is where it cannot be reached; `{port}` is the sandbox's, which speaks no TLS."""

    async def begin(scene: Scene) -> None:
        port = scene.backend.sandbox.google_url.rpartition(":")[2]
        await scene.backend.restart(**dict.fromkeys(settings, url.format(port=port)))

    async def end(scene: Scene) -> None:
        environment = scene.backend.sandbox.server_environment()
        await scene.backend.restart(**{name: environment[f"CALGUARD_{name.upper()}"] for name in settings})

    return Trouble(begin, end)


NO_SUCH_NAME = f"http://{'.'.join(['a' * 60] * 5)}/"
"""Longer than a name can be, so that no name server is asked."""

ROWS: dict[str, Row] = {
    # 403 that says nothing, or nothing known
    "forbidden": Row(struck("api/forbidden"), "ACCESS_FORBIDDEN"),
    "forbidden, of one calendar": Row(with_one_calendar(struck("api/forbidden")), "ACCESS_FORBIDDEN", TEAM),
    "forbidden inside a 200": Row(struck("freebusy/forbidden", calendar=TEAM), "ACCESS_FORBIDDEN", TEAM),
    "a 403 that is not known": Row(struck("api/403_unknown"), "ACCESS_FORBIDDEN"),
    "a 403 without a word": Row(struck(answers(403, **JSON), "freebusy"), "ACCESS_FORBIDDEN"),
    "requiredAccessLevel to read": Row(struck("api/requiredAccessLevel", "freebusy"), "ACCESS_FORBIDDEN"),
    "token: a 403 that is not known": Row(struck(answers(403, {"error": "unheard_of"}), "token"), "ACCESS_FORBIDDEN"),
    # the API's own errors
    "500 internalError": unavailable(struck("api/internalError")),
    "503 backendError": unavailable(struck("api/backendError")),
    "503 that asks to wait": unavailable(struck("api/503_retry_after")),
    "504 without a word": unavailable(struck("api/504_empty")),
    "internalError inside a 200": unavailable(struck("freebusy/internalError", calendar=TEAM), TEAM),
    "an unknown error inside a 200": unavailable(struck("freebusy/unknown", calendar=TEAM), TEAM),
    "an error that is not known": unavailable(struck(error(400, "unheardOf"), "freebusy")),
    "a redirect": unavailable(struck(answers(302, Location="http://127.0.0.1:1/"), "freebusy")),
    "401 that no renewal mends": unavailable(struck("api/authError")),
    "404 of no calendar": unavailable(struck("api/notFound")),
    # HTML
    "500 HTML": unavailable(struck("api/500_html")),
    "502 HTML": unavailable(struck("api/502_html")),
    "503 HTML": unavailable(struck("api/503_html")),
    "403 HTML": unavailable(struck("api/403_html")),
    "200 HTML": unavailable(struck("api/200_html")),
    # a 200 that is not what was asked for
    "200 with a list": unavailable(struck("api/200_list")),
    "200 with a text": unavailable(struck("api/200_string")),
    "200 without a word": unavailable(struck("api/200_empty")),
    "200 that breaks off": unavailable(struck("api/200_truncated")),
    "200 without calendars": unavailable(struck(answers(200, {"kind": "calendar#freeBusy"}), "freebusy")),
    "200 that leaves a calendar out": unavailable(struck(free_busy(**{ANN: {"busy": []}}), "freebusy"), TEAM),
    "200 without busy times": unavailable(struck(free_busy(**{ANN: {}, TEAM: {"busy": []}}), "freebusy"), ANN),
    "200 of more than 4 MiB": unavailable(struck(answers(200, LARGE), "freebusy")),
    # the token endpoint's
    "token: 500": unavailable(struck("token/internal_failure")),
    "token: 503": unavailable(struck("token/temporarily_unavailable")),
    "token: 502 HTML": unavailable(struck("token/502_html")),
    "token: 503 HTML": unavailable(struck("token/503_html")),
    "token: 503 that names invalid_grant": unavailable(struck(answers(503, {"error": "invalid_grant"}), "token")),
    "token: 400 HTML": unavailable(struck(answers(400, "<html>"), "token")),
    "token: an error that is not known": unavailable(struck(answers(400, {"error": "unheard_of"}), "token")),
    "token: 200 HTML": unavailable(struck("token/200_html")),
    "token: 200 with a list": unavailable(struck("token/200_list")),
    "token: 200 without a token": unavailable(struck("token/200_no_access_token")),
    # the way there
    "silence": cut_off(silent("freebusy")),
    "token: silence": cut_off(silent("token")),
    "connection dropped": cut_off(struck("network/drop", "freebusy")),
    "connection dropped, too late": cut_off(struck("network/drop_after", "freebusy")),
    "connection dropped within the answer": cut_off(struck("network/cut_short", "freebusy")),
    "not HTTP": cut_off(struck("network/garbage", "freebusy")),
    "token: connection dropped": cut_off(struck("network/drop", "token")),
    "token: not HTTP": cut_off(struck("network/garbage", "token")),
    "connection refused": cut_off(nobody_listens()),
    "no TLS": cut_off(elsewhere("https://127.0.0.1:{port}/calendar/v3/", "google_api_endpoint")),
    "token: no TLS": cut_off(elsewhere("https://127.0.0.1:{port}/token", "google_token_uri")),
    "no such name": cut_off(elsewhere(NO_SUCH_NAME, "google_api_endpoint")),
    "token: no such name": cut_off(elsewhere(NO_SUCH_NAME, "google_token_uri")),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
async def test_degrades_and_then_fails(scene: Scene, row: Row) -> None:
    """Three checks in a row only degrade it; ten minutes after the first it is FAILED; when it is over, all is well.

    While it is DEGRADED the page goes on and nobody is told; the operator is not told of any of it.
    """
    await row.trouble.begin(scene)
    for _ in range(3):
        assert await scene.check() == degraded(row.reason, row.calendar)
    assert await scene.page() == BEARING_IT
    assert await scene.heard() == []
    await scene.pass_time(minutes=10)
    assert await scene.check() == failed(row.reason, row.calendar)
    assert await scene.page() == stopped(row.reason)
    assert await scene.heard() == told(STOP, "olga", "ann")
    await row.trouble.end(scene)
    await scene.recover(next_check)
    assert await scene.heard() == told(AGAIN, "olga", "ann")
