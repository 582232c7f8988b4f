"""Judging an answer of 2xx: it is believed only when it has the type expected, calendar by calendar."""

from calguard_server.domain.causes import Capability, CauseReason, Finding
from calguard_server.domain.intervals import Interval
from calguard_server.google.answers import DONE, Answer, Call, Endpoint, Outcome, Verdict
from calguard_server.google.bodies import is_html, list_in, object_in, reasons_in, text_in
from calguard_server.google.busy_answers import busy_in
from calguard_server.google.classify_api import SPLIT_REASONS, not_visible, reason_of_403

WRITER_ROLES = frozenset({"writer", "writerWithoutPrivateAccess", "owner"})
"""The access roles that permit adding events."""

UNEXPECTED = Verdict(Outcome.FAULT, (Finding(CauseReason.PROVIDER_UNAVAILABLE),))


def classify_success(call: Call, answer: Answer, content: object) -> Verdict:
    """Judge an answer of 2xx; `content` is its JSON, where it is JSON."""
    match call.endpoint:
        case Endpoint.FREE_BUSY:
            return _judge_free_busy(call, content)
        case Endpoint.GET_CALENDAR:
            return _judge_calendar(call, content)
        case Endpoint.REVOKE | Endpoint.DELETE_EVENT:  # neither has anything to say
            return UNEXPECTED if is_html(answer, content) else DONE
        case _:
            return DONE if _has_expected_type(call.endpoint, content) else UNEXPECTED


def _has_expected_type(endpoint: Endpoint, content: object) -> bool:
    match endpoint:
        case Endpoint.EXCHANGE | Endpoint.REFRESH:
            return _fits_a_header(text_in(content, "access_token"))
        case Endpoint.CERTIFICATES:
            return isinstance(content, dict) and bool(content) and all(text_in(content, name) for name in content)
        case Endpoint.LIST_CALENDARS:
            items = list_in(content, "items")
            return items is not None and all(text_in(item, "id") for item in items)
        case Endpoint.LIST_EVENTS:
            items_or_none = content.get("items", []) if isinstance(content, dict) else None
            return text_in(content, "kind") == "calendar#events" and isinstance(items_or_none, list)
        case _:
            return text_in(content, "kind").startswith("calendar#event")


def _fits_a_header(token: str) -> bool:
    return bool(token) and token.isascii() and token.isprintable() and " " not in token


def _judge_calendar(call: Call, content: object) -> Verdict:
    role = text_in(content, "accessRole")
    if not role:
        return UNEXPECTED
    if call.purpose is Capability.ADD and role not in WRITER_ROLES:
        return Verdict(Outcome.FAULT, (Finding(CauseReason.CALENDAR_READ_ONLY, "".join(call.calendar_ids)),))
    return DONE


def _judge_free_busy(call: Call, content: object) -> Verdict:
    calendars = object_in(content, "calendars")
    if calendars is None:
        return UNEXPECTED
    if any(reasons_in(entry, "errors") & SPLIT_REASONS for entry in calendars.values()):
        return Verdict(Outcome.SPLIT)
    busy, findings = {}, []
    for calendar_id in call.calendar_ids:
        entry = calendars.get(calendar_id)
        times = _busy_of(entry)
        if times is None:
            findings.append(_finding(call, calendar_id, entry))
        else:
            busy[calendar_id] = times
    return Verdict(Outcome.PARTIAL if findings else Outcome.DONE, tuple(findings), busy)


def _busy_of(entry: object) -> tuple[Interval, ...] | None:
    """Read one calendar's busy time; with errors beside it, an empty `busy` means unknown, not free."""
    return busy_in(entry) if isinstance(entry, dict) and not entry.get("errors") else None


def _finding(call: Call, calendar_id: str, entry: object) -> Finding:
    reasons = reasons_in(entry, "errors")
    if "notFound" in reasons:
        return Finding(not_visible(call), calendar_id)
    if "forbidden" in reasons:
        return Finding(reason_of_403(call, reasons), calendar_id)
    return Finding(CauseReason.PROVIDER_UNAVAILABLE, calendar_id)
