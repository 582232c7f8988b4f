"""What a webhook says: the facts of a message in JSON, and what is wrong in the recipient's language.

Fields are added as time goes by, and none changes its meaning: that would be another `version`. Texts are plain and on
one line; longer lists are cut, and say by how much.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from calguard_server.notifiers.cleaning import EMAIL_MAX, NAME_MAX, TITLE_MAX, one_line
from calguard_server.notifiers.letter import compose, is_own, problem_of, remedy_of
from calguard_server.notifiers.message import AppointmentFact, FaultFact, NoticeMessage, OperatorAlert, PageFact
from calguard_server.notifiers.wording import WORDINGS

VERSION = 1
CALENDAR_ID_MAX = 320
PAGES_MAX = 100
FAULTS_MAX = 100
CONFLICTS_MAX = 10
T = TypeVar("T")
_Json = dict[str, Any]


def body_of(message: NoticeMessage) -> str:
    """Write a message; at each try with the same id and time, and with what is true by then."""
    body = {
        "type": f"notice.{message.kind.value.lower()}",
        "version": VERSION,
        "timestamp": _time(message.decided_time),
        "data": _data(message),
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _data(message: NoticeMessage) -> _Json:
    letter = compose(message, lines_max=PAGES_MAX, cards_max=FAULTS_MAX)
    data: _Json = {
        "message_id": message.message_id,
        "incident_ids": list(message.incident_ids[:PAGES_MAX]),
        "recipient_account_id": message.recipient_id,
        "is_owner": message.is_owner,
        "is_at_fault": message.is_at_fault,
        "locale": message.locale.value,
        "subject": letter.subject,
        "text": letter.opening,
        "support_url": message.support_url,
        **_listed("booking_pages", message.pages, PAGES_MAX, _page),
        **_listed("faults", message.faults, FAULTS_MAX, lambda fault: _fault(fault, message)),
        **_listed("appointments", message.appointments, PAGES_MAX, _appointment),
    }
    return data if message.alert is None else {**data, "alert": _alert(message.alert)}


def _listed(name: str, facts: Sequence[T], at_most: int, shown: Callable[[T], _Json]) -> _Json:
    """Write a list, and how many of it are left out."""
    return {name: [shown(each) for each in facts[:at_most]], f"{name}_left_out": max(len(facts) - at_most, 0)}


def _page(page: PageFact) -> _Json:
    return {
        "id": page.id,
        "title": one_line(page.title, TITLE_MAX),
        "scheduling_mode": page.scheduling_mode.value,
        "stopped": page.stopped,
        "stopped_since": _time(page.stopped_since) if page.stopped_since else None,
    }


def _fault(fault: FaultFact, message: NoticeMessage) -> _Json:
    words = WORDINGS[message.locale]
    return {
        "account_id": fault.account_id,
        "account_name": one_line(fault.account_name, NAME_MAX),
        "is_own": is_own(fault, message),
        "google_account": one_line(fault.provider_email, EMAIL_MAX),
        "calendar_id": one_line(fault.calendar_id, CALENDAR_ID_MAX),
        "reason": fault.reason.value,
        "capability": fault.capability.value if fault.capability else None,
        "problem": problem_of(fault, words),
        "remedy": remedy_of(fault, message, words),
        "operator_side": fault.operator_side,
        "relink_url": fault.relink_url,
    }


def _appointment(appointment: AppointmentFact) -> _Json:
    return {
        "id": appointment.id,
        "title": one_line(appointment.title, TITLE_MAX),
        "start_time": _time(appointment.start_time),
        "end_time": _time(appointment.end_time),
        "account_id": appointment.account_id,
        "reassign_url": appointment.url,
        **_listed("conflicts", appointment.conflicts, CONFLICTS_MAX, _stretch),
    }


def _stretch(times: tuple[datetime, datetime]) -> _Json:
    start, end = times
    return {"start_time": _time(start), "end_time": _time(end)}


def _alert(alert: OperatorAlert) -> _Json:
    return {
        "topic": alert.topic.value,
        "reason": one_line(alert.reason, TITLE_MAX),
        "since": _time(alert.since),
        "count": alert.count,
        "detail": one_line(alert.detail, EMAIL_MAX),
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
