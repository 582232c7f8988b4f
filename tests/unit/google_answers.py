"""What Google can answer, as short to write as a table wants it, and the verdicts on it."""

import json
from datetime import UTC, datetime, timedelta

from calguard_server.domain.causes import Capability, CauseReason, Finding
from calguard_server.google.answers import Answer, Call, Endpoint, Outcome, TransportFailure, Verdict

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TEAM = "team@group.calendar.google.com"
OTHER = "other@group.calendar.google.com"

EXCHANGE = Call(Endpoint.EXCHANGE)
REFRESH = Call(Endpoint.REFRESH)
REVOKE = Call(Endpoint.REVOKE)
CERTIFICATES = Call(Endpoint.CERTIFICATES)
LIST = Call(Endpoint.LIST_CALENDARS)
LIST_EVENTS = Call(Endpoint.LIST_EVENTS)
CHECK = Call(Endpoint.FREE_BUSY, (TEAM,), Capability.CHECK)
CHECK_TWO = Call(Endpoint.FREE_BUSY, (TEAM, OTHER), Capability.CHECK)
CHECK_EVENTS = Call(Endpoint.LIST_EVENTS, (TEAM,), Capability.CHECK)
ADD = Call(Endpoint.GET_CALENDAR, (TEAM,), Capability.ADD)
INSERT = Call(Endpoint.INSERT_EVENT, (TEAM,), Capability.ADD)
DELETE = Call(Endpoint.DELETE_EVENT, (TEAM,), Capability.ADD)

HTML = b"<!DOCTYPE html><html><title>Error 502 (Server Error)!!1</title></html>"
JSON_TYPE = {"Content-Type": "application/json; charset=UTF-8"}
HTML_TYPE = {"Content-Type": "text/html; charset=UTF-8"}


def answer(status: int, content: object = None, **headers: str) -> Answer:
    """An answer in JSON; a keyword is a header, `retry_after` for Retry-After."""
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return Answer(status, {**JSON_TYPE, **named}, b"" if content is None else json.dumps(content).encode())


def page(status: int) -> Answer:
    return Answer(status, HTML_TYPE, HTML)


def token_error(status: int, error: str, description: str = "Bad Request", **more: str) -> Answer:
    return answer(status, {"error": error, "error_description": description, **more})


def api_error(status: int, *reasons: str, details: tuple[str, ...] = (), **headers: str) -> Answer:
    """An error of the Calendar API, with its reasons in `errors`, in `details`, or in both."""
    error: dict[str, object] = {"code": status, "message": "Words that are never looked at."}
    if reasons:
        error["errors"] = [{"domain": "global", "reason": reason, "message": "No."} for reason in reasons]
    if details:
        kind = "type.googleapis.com/google.rpc.ErrorInfo"
        error["details"] = [{"@type": kind, "reason": reason, "domain": "googleapis.com"} for reason in details]
    return answer(status, {"error": error}, **headers)


def free_busy(**calendars: object) -> Answer:
    """A free/busy answer; `team` and `other` are the calendars' names."""
    ids = {"team": TEAM, "other": OTHER}
    entries = {ids[name]: entry for name, entry in calendars.items()}
    return answer(200, {"kind": "calendar#freeBusy", "calendars": entries})


def entry_error(reason: str) -> dict[str, object]:
    return {"errors": [{"domain": "global", "reason": reason}], "busy": []}


READABLE: dict[str, object] = {"busy": [{"start": "2026-03-02T10:00:00Z", "end": "2026-03-02T11:00:00Z"}]}


def fault(
    reason: CauseReason,
    calendar_id: str = "",
    capability: Capability | None = None,
    retry_after: timedelta | None = None,
) -> Verdict:
    return Verdict(Outcome.FAULT, (Finding(reason, calendar_id, capability, retry_after),))


def partial(*findings: Finding) -> Verdict:
    return Verdict(Outcome.PARTIAL, findings)


REVOKED = fault(CauseReason.AUTHORIZATION_REVOKED)
MISCONFIGURED = fault(CauseReason.APP_MISCONFIGURED)
UNAVAILABLE = fault(CauseReason.PROVIDER_UNAVAILABLE)
NO_NETWORK = fault(CauseReason.NETWORK_ERROR)
LIMITED = fault(CauseReason.RATE_LIMITED)
EXHAUSTED = fault(CauseReason.QUOTA_EXHAUSTED)
FORBIDDEN = fault(CauseReason.ACCESS_FORBIDDEN, TEAM)
DONE = Verdict(Outcome.DONE)
CODE_REFUSED = Verdict(Outcome.CODE_REFUSED)
RENEW = Verdict(Outcome.RENEW_TOKEN)
SPLIT = Verdict(Outcome.SPLIT)
RESYNC = Verdict(Outcome.RESYNC)
MINUTE = timedelta(minutes=1)

Row = tuple[Call, Answer | TransportFailure, Verdict]
