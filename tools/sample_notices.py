"""Notices as they may come to be: of people, pages and calendars that are made up, in one language."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from calguard_server.domain.account import Locale
from calguard_server.domain.causes import Capability, CauseReason
from calguard_server.domain.notices import NoticeKind
from calguard_server.domain.page import SchedulingMode
from calguard_server.notifiers.message import (
    AlertTopic,
    AppointmentFact,
    FaultFact,
    NoticeMessage,
    OperatorAlert,
    PageFact,
)

_SINCE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Names:
    """What people of a language call themselves and their things."""

    olga: str
    ann: str
    ben: str
    titles: tuple[str, ...]
    calendar: str
    appointment: str


_NAMES = {
    Locale.ENGLISH: _Names(
        "Olga Petrova",
        "Ann Lee",
        "Ben Okafor",
        ("Intro call", "Panel interview, second round (Berlin office)", "Support office hours"),
        "Sales team",
        "First meeting with Acme",
    ),
    Locale.JAPANESE: _Names(
        "佐藤 花子",
        "鈴木 一郎",
        "田中 健太",
        ("初回のご相談", "二次面接（東京本社・オンライン）", "サポート窓口のご予約"),
        "営業チーム",
        "アクメ商事様 初回打ち合わせ",
    ),
}


def samples(locale: Locale) -> dict[str, NoticeMessage]:
    """Answer a notice of each kind and variant, by name."""
    names = _NAMES[locale]
    ann, ben = _faults(names)
    one, several = _pages(names, 1), _pages(names, 3)
    going = tuple(replace(page, stopped=False, stopped_since=None) for page in several)
    owner = _notice(NoticeKind.PAGE_STOPPED, "olga", names.olga, is_owner=True, pages=one, faults=(ann,))
    at_fault = _notice(NoticeKind.PAGE_STOPPED, "ann", names.ann, is_at_fault=True, pages=one, faults=(ann,))
    appointment = AppointmentFact(
        id="a", title=names.appointment, start_time=_SINCE, end_time=_SINCE + timedelta(minutes=45),
        account_id="ann", account_name=names.ann, url="https://booking.example/appointments/a",
    )  # fmt: skip
    taken = replace(appointment, conflicts=((_SINCE, _SINCE + timedelta(minutes=15)),))
    linked = replace(at_fault, pages=(), unsubscribe_url="https://calguard.example.com/unsubscribe/YW5u.c2lnbmF0dXJl")
    return {
        "page_stopped_owner": owner,
        "page_stopped_at_fault": at_fault,
        "page_stopped_both": replace(at_fault, is_owner=True, faults=(ann, ben)),
        "page_stopped_several": replace(owner, pages=several, faults=(ann, ben)),
        "member_faulty": replace(owner, kind=NoticeKind.MEMBER_FAULTY, faults=(ben,)),
        "page_restarted": replace(owner, kind=NoticeKind.PAGE_RESTARTED, pages=going[:1], faults=()),
        "page_restarted_several": replace(
            owner, kind=NoticeKind.PAGE_RESTARTED, pages=(*going[:2], several[2]), faults=(ben,)
        ),
        "reminder": replace(at_fault, kind=NoticeKind.REMINDER, pages=several),
        "assigned_to_faulty": replace(
            owner, kind=NoticeKind.ASSIGNED_TO_FAULTY, pages=going[:1], appointments=(appointment,)
        ),
        "appointment_conflict": replace(
            owner, kind=NoticeKind.APPOINTMENT_CONFLICT, pages=going[:1], faults=(), appointments=(taken,)
        ),
        "link_failed": replace(linked, kind=NoticeKind.LINK_FAILED),
        "link_recovered": replace(linked, kind=NoticeKind.LINK_RECOVERED),
        **{f"operator_{topic.value.lower()}": _alert(topic) for topic in AlertTopic},
    }


def _notice(kind: NoticeKind, account_id: str, name: str, **facts: Any) -> NoticeMessage:  # noqa: ANN401 - its fields
    return NoticeMessage(
        kind=kind,
        message_id="sample",
        decided_time=_SINCE,
        locale=Locale.ENGLISH,
        support_url="https://booking.example/support",
        recipient_id=account_id,
        recipient_name=name,
        **facts,
    )


def _pages(names: _Names, count: int) -> tuple[PageFact, ...]:
    modes = (SchedulingMode.ANY_MEMBER, SchedulingMode.ALL_MEMBERS, SchedulingMode.AUTO_ASSIGN)
    return tuple(
        PageFact(id=title, title=title, scheduling_mode=mode, stopped=True, stopped_since=_SINCE)
        for title, mode in list(zip(names.titles, modes, strict=True))[:count]
    )


def _faults(names: _Names) -> tuple[FaultFact, FaultFact]:
    ann = FaultFact(
        account_id="ann",
        account_name=names.ann,
        provider_email="ann.lee@gmail.example",
        reason=CauseReason.AUTHORIZATION_REVOKED,
        relink_url="https://booking.example/calendar-links/link-1fc0cb40bef44d989fbf/reconnect",
    )
    missing = CauseReason.SCOPE_MISSING
    ben = replace(
        ann, account_id="ben", account_name=names.ben, provider_email="ben@workspace.example", reason=missing,
        calendar_name=names.calendar, capability=Capability.CHECK,
        relink_url="https://booking.example/calendar-links/link-37461feaa5f74ea4875d/reconnect",
    )  # fmt: skip
    return ann, ben


def _alert(topic: AlertTopic) -> NoticeMessage:
    reasons = {
        AlertTopic.SLACK_BROKEN: ("SLACK_WORKSPACE_BROKEN", "default: token_revoked"),
        AlertTopic.DELIVERY_DEAD: ("DELIVERY_DEAD_EMAIL", ""),
        AlertTopic.PROVIDER_SIDE: (CauseReason.APP_MISCONFIGURED.value, ""),
    }
    reason, detail = reasons.get(topic, (CauseReason.PROVIDER_UNAVAILABLE.value, "412 of 9120 calendars checked"))
    alert = OperatorAlert(
        topic=topic, reason=reason, since=_SINCE, count=412 if "calendars" in detail else 1, detail=detail
    )
    return _notice(NoticeKind.OPERATOR_ALERT, "", "", alert=alert)
