"""Reading an answer of Google's that another service got: what it was asked is not known, and nothing is trusted."""

from collections.abc import Collection
from datetime import UTC, datetime

from calguard_server.domain.causes import Capability, CauseReason
from calguard_server.google.answers import Answer, Call, Endpoint, Outcome
from calguard_server.google.bodies import error_reasons, is_html, object_in, parse_json
from calguard_server.google.classify import classify

_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""What a Retry-After with a date would be counted from: a report has no headers."""


def read_reported(http_status: int, body: str) -> CauseReason | None:
    """Name what an answer amounts to; None where it names no fault. `http_status` is 0 where it is not known."""
    raw = body.encode(errors="replace")
    content = parse_json(raw)
    answer = Answer(http_status or _status_in(content), {}, raw)
    if not answer.status:
        return CauseReason.PROVIDER_UNAVAILABLE if is_html(answer, content) else None
    call = _call_of(content)
    if 200 <= answer.status < 300 and call.endpoint is not Endpoint.FREE_BUSY:
        return CauseReason.PROVIDER_UNAVAILABLE if is_html(answer, content) else None
    verdict = classify(call, answer, _NO_TIME)
    if verdict.outcome is Outcome.RENEW_TOKEN:
        return CauseReason.AUTHORIZATION_REVOKED  # as far as who got it could tell; the check renews the token
    return verdict.findings[0].reason if verdict.findings else None


def _status_in(content: object) -> int:
    """Answer the status that a body implies; 0 where it implies none."""
    if object_in(content, "calendars") is not None:
        return 200
    error = object_in(content, "error")
    if error is None:
        return 400 if error_reasons(content) else 0
    code = error.get("code")
    return code if isinstance(code, int) and not isinstance(code, bool) and 100 <= code <= 599 else 0


def _call_of(content: object) -> Call:
    """Answer a call that such an answer can be of: the shapes of the token endpoint and of free/busy are their own."""
    calendars = object_in(content, "calendars")
    if calendars is not None:
        return Call(Endpoint.FREE_BUSY, tuple(calendars), Capability.CHECK)
    if object_in(content, "error") is None and error_reasons(content):
        return Call(Endpoint.REFRESH)
    return Call(Endpoint.LIST_EVENTS, ("",), _purpose_of(error_reasons(content)))


def _purpose_of(reasons: Collection[str]) -> Capability:
    """Answer what was to be done: only who writes can be told that writing takes another role."""
    return Capability.ADD if "requiredAccessLevel" in reasons else Capability.CHECK
