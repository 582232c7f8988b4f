"""The diagnosis of a link: at which stage it fails, and who mends that.

1. The stages run in their order. Each passes, fails, is skipped, or, the last one only, advises.
2. A stage is skipped where something keeps it from being tried: an `Obstacle`, which has a name and words. A failed
   stage is an obstacle to those that rest on it, and to no other.
3. A failed stage names the gravest of what it met, in the words of causes.py; where nobody mends it, the remedy is to
   wait.
4. Events marked Free are advice. Where they cannot be counted, that stage is skipped: it never fails.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from msgspec import Struct

from calguard_server.domain.causes import (
    RULES,
    Capability,
    Cause,
    CauseReason,
    Finding,
    NextAction,
    Severity,
    severity_of,
)
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.link_verdict import cause_of
from calguard_server.domain.scopes import missing_capabilities, permit_reading_events

FREE_EVENTS_WINDOW = timedelta(days=14)
"""How far ahead events that are marked Free are counted."""

WAIT = "Wait: it may pass by itself, and the link goes on being checked."
CONNECT = "Connect the calendar and tick every checkbox on Google's page."
MARK_BUSY = "Mark those that should keep appointments away as Busy in Google Calendar."


class Stage(StrEnum):
    """The names are part of the contract; the order is that of the diagnosis."""

    GRANT_STORED = "GRANT_STORED"
    GRANT_ACCEPTED = "GRANT_ACCEPTED"
    SCOPES_GRANTED = "SCOPES_GRANTED"
    CALENDARS_LISTED = "CALENDARS_LISTED"
    CHECK_CALENDARS_READ = "CHECK_CALENDARS_READ"
    ADD_CALENDAR_WRITABLE = "ADD_CALENDAR_WRITABLE"
    BUSY_TIME_VISIBLE = "BUSY_TIME_VISIBLE"


class StageOutcome(StrEnum):
    """The names are part of the contract."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    ADVICE = "ADVICE"


class Obstacle(StrEnum):
    """What keeps a stage from being tried."""

    GRANT_MISSING = "GRANT_MISSING"
    GRANT_NOT_ACCEPTED = "GRANT_NOT_ACCEPTED"
    LISTING_NOT_GRANTED = "LISTING_NOT_GRANTED"
    CHECKING_NOT_GRANTED = "CHECKING_NOT_GRANTED"
    ADDING_NOT_GRANTED = "ADDING_NOT_GRANTED"
    EVENTS_NOT_GRANTED = "EVENTS_NOT_GRANTED"
    NO_CHECK_CALENDARS = "NO_CHECK_CALENDARS"
    NO_ADD_CALENDAR = "NO_ADD_CALENDAR"
    NO_READABLE_CALENDARS = "NO_READABLE_CALENDARS"


OBSTACLE_WORDS: dict[Obstacle, str] = {
    Obstacle.GRANT_MISSING: "There is no permission from Google to try it with.",
    Obstacle.GRANT_NOT_ACCEPTED: "Google has not accepted the permission, so it cannot be asked.",
    Obstacle.LISTING_NOT_GRANTED: "The permission to see the list of calendars was not given.",
    Obstacle.CHECKING_NOT_GRANTED: "The permission to see busy time was not given.",
    Obstacle.ADDING_NOT_GRANTED: "The permission to add events was not given.",
    Obstacle.EVENTS_NOT_GRANTED: "The permission to see events was not given, so none can be counted.",
    Obstacle.NO_CHECK_CALENDARS: "No calendar to check is selected.",
    Obstacle.NO_ADD_CALENDAR: "No calendar to add appointments to is selected.",
    Obstacle.NO_READABLE_CALENDARS: "None of the calendars to check can be read.",
}

CAPABILITY_WORDS: dict[Capability, str] = {
    Capability.LIST: "see the list of calendars",
    Capability.CHECK: "see busy time",
    Capability.ADD: "add events",
}

CONCERNS_ONE_CALENDAR = frozenset(
    {CauseReason.CALENDAR_NOT_VISIBLE, CauseReason.ACCESS_FORBIDDEN, CauseReason.PROVIDER_UNAVAILABLE}
)
"""What may keep the events of one calendar from being listed and not those of the next."""

_TIMES_ONLY = "freeBusyReader"

_NEEDS: dict[Stage, tuple[tuple[Capability, Obstacle], ...]] = {
    Stage.CALENDARS_LISTED: ((Capability.LIST, Obstacle.LISTING_NOT_GRANTED),),
    Stage.CHECK_CALENDARS_READ: ((Capability.CHECK, Obstacle.CHECKING_NOT_GRANTED),),
    Stage.ADD_CALENDAR_WRITABLE: (
        (Capability.LIST, Obstacle.LISTING_NOT_GRANTED),
        (Capability.ADD, Obstacle.ADDING_NOT_GRANTED),
    ),
}
"""The capabilities that a stage is tried with. A role on a calendar is told by the calendar list."""


class CalendarResult(Struct, frozen=True):
    """What a stage showed of one calendar; `cause` where it cannot serve, `note` where it was not looked at.

    `more`: there may be more events marked Free than the `free_events` that were counted.
    """

    calendar_id: str
    cause: Cause | None = None
    free_events: int = 0
    more: bool = False
    note: str = ""

    @property
    def looked_at(self) -> bool:
        """Whether its events were counted."""
        return self.cause is None and not self.note


class Step(Struct, frozen=True):
    """How one stage ended. `detail` is for a person; `cause` is set where the stage failed, or Google kept it off."""

    stage: Stage
    outcome: StageOutcome
    detail: str
    cause: Cause | None = None
    remedy: str = ""
    next_action: NextAction = NextAction.NONE
    support_url: str = ""
    calendars: tuple[CalendarResult, ...] = ()


class Known(Struct, frozen=True):
    """What is known of a link when a stage begins: the stages that failed, what was granted, what cannot be read."""

    link: CalendarLink
    failed: frozenset[Stage] = frozenset()
    granted_scopes: tuple[str, ...] = ()
    unreadable: frozenset[str] = frozenset()


def obstacle_to(stage: Stage, known: Known) -> Obstacle | None:
    """Name what keeps a stage from being tried; None where nothing does."""
    if stage is Stage.GRANT_STORED:
        return None
    if Stage.GRANT_STORED in known.failed:
        return Obstacle.GRANT_MISSING
    if stage is not Stage.GRANT_ACCEPTED and Stage.GRANT_ACCEPTED in known.failed:
        return Obstacle.GRANT_NOT_ACCEPTED
    if unselected := _obstacle_of_selection(stage, known.link):
        return unselected
    if stage is Stage.BUSY_TIME_VISIBLE:
        return _obstacle_to_counting(known)
    if stage is Stage.CHECK_CALENDARS_READ and not known.link.in_use:
        return None  # that nothing is selected is the fault to name
    lacking = missing_capabilities(known.granted_scopes)
    return next((obstacle for needed, obstacle in _NEEDS.get(stage, ()) if needed in lacking), None)


def _obstacle_of_selection(stage: Stage, link: CalendarLink) -> Obstacle | None:
    match stage:
        case Stage.GRANT_STORED | Stage.GRANT_ACCEPTED | Stage.SCOPES_GRANTED | Stage.CALENDARS_LISTED:
            return None
        case Stage.CHECK_CALENDARS_READ:
            return None if link.check_calendar_ids or not link.in_use else Obstacle.NO_CHECK_CALENDARS
        case Stage.ADD_CALENDAR_WRITABLE:
            return None if link.add_calendar_id else Obstacle.NO_ADD_CALENDAR
        case Stage.BUSY_TIME_VISIBLE:
            return None if link.check_calendar_ids else Obstacle.NO_CHECK_CALENDARS
        case _:
            assert_never(stage)


def _obstacle_to_counting(known: Known) -> Obstacle | None:
    if not permit_reading_events(known.granted_scopes):
        return Obstacle.EVENTS_NOT_GRANTED
    return Obstacle.NO_READABLE_CALENDARS if known.unreadable >= set(known.link.check_calendar_ids) else None


def skipped(stage: Stage, obstacle: Obstacle) -> Step:
    """Tell of a stage that was not tried."""
    return Step(stage, StageOutcome.SKIPPED, OBSTACLE_WORDS[obstacle])


def passed(stage: Stage, detail: str, calendar_ids: Sequence[str] = ()) -> Step:
    """Tell of a stage that found all well with the calendars named."""
    return Step(stage, StageOutcome.PASSED, detail, calendars=tuple(map(CalendarResult, calendar_ids)))


def failed(
    stage: Stage,
    findings: tuple[Finding, ...],
    link: CalendarLink,
    now: datetime,
    *,
    detail: str = "",
    calendar_ids: Sequence[str] = (),
) -> Step:
    """Tell of a stage that met the findings, at least one; `calendar_ids` are those that it looked at."""
    cause = cause_of(gravest(findings), link.cause, now)
    stopped = link.state is LinkState.STOPPED
    by_calendar = {finding.calendar_id: cause_of(finding, link.cause, now) for finding in reversed(findings)}
    of_all = by_calendar.get("")
    return Step(
        stage,
        StageOutcome.FAILED,
        detail or " ".join(filter(None, (cause.message, _named(findings)))),
        cause,
        CONNECT if stopped else cause.remedy or WAIT,
        NextAction.CONNECT if stopped else RULES[cause.reason].next_action,
        calendars=tuple(CalendarResult(each, by_calendar.get(each, of_all)) for each in calendar_ids),
    )


def gravest(findings: Sequence[Finding]) -> Finding:
    """Choose the finding to name: the gravest, of equally grave ones the first, but RATE_LIMITED last."""
    order = list(Severity)
    return min(findings, key=lambda each: (order.index(severity_of(each)), each.reason is CauseReason.RATE_LIMITED))


def lacking_scopes(granted_scopes: Sequence[str]) -> tuple[tuple[Finding, ...], str]:
    """Find the permissions that were not given, and tell of them; nothing and nothing where all were."""
    lacking = missing_capabilities(granted_scopes)
    findings = tuple(Finding(CauseReason.SCOPE_MISSING, capability=each) for each in lacking)
    boxes = "; ".join(CAPABILITY_WORDS[each] for each in lacking)
    return findings, f"Permissions that were not given: {boxes}." if lacking else ""


def free_events_in(calendar_id: str, count: int, access_role: str, *, more: bool) -> CalendarResult:
    """Tell what the events of a calendar show; to the role "freeBusyReader", they show nothing of this."""
    if access_role == _TIMES_ONLY:
        return CalendarResult(calendar_id, note=f'the role "{_TIMES_ONLY}" does not show how events are marked')
    return CalendarResult(calendar_id, free_events=count, more=more)


def free_events_told(results: tuple[CalendarResult, ...]) -> Step:
    """Tell of the events that are marked Free: advice where there are any, skipped where none could be looked for."""
    stage, days = Stage.BUSY_TIME_VISIBLE, FREE_EVENTS_WINDOW.days
    blind = "; ".join(f"{each.calendar_id} ({_why_not(each)})" for each in results if not each.looked_at)
    if not any(each.looked_at for each in results):
        cause = next((each.cause for each in results if each.cause), None)
        return Step(stage, StageOutcome.SKIPPED, f"Events cannot be counted: {blind}.", cause, calendars=results)
    beside = f" Not looked at: {blind}." if blind else ""
    counted = [each for each in results if each.free_events]
    if not counted:
        nothing = f"No event of the coming {days} days is marked Free.{beside}"
        return Step(stage, StageOutcome.PASSED, nothing, calendars=results)
    total = sum(each.free_events for each in counted)
    least = "At least " if any(each.more for each in counted) else ""
    where = ", ".join(f"{each.free_events} in {each.calendar_id}" for each in counted)
    detail = f"{least}{total} of the coming {days} days' events are marked Free and block nothing: {where}.{beside}"
    return Step(stage, StageOutcome.ADVICE, detail, remedy=MARK_BUSY, calendars=results)


def _why_not(result: CalendarResult) -> str:
    return result.note or (result.cause.message.rstrip(".") if result.cause else "")


def _named(findings: tuple[Finding, ...]) -> str:
    """Name the calendars that findings are about."""
    names = ", ".join(dict.fromkeys(finding.calendar_id for finding in findings if finding.calendar_id))
    return f"Concerned: {names}." if names else ""
