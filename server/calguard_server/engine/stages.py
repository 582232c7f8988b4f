"""Trying the stages of a diagnosis at the provider, one at a time.

Reading and writing are tried as a check tries them, by a probe, so that a diagnosis meets what a check meets. What a
check asks twice before it fails a link, a stage asks twice, too.
"""

from collections.abc import Awaitable, Callable
from typing import Literal, assert_never

from msgspec import Struct
from msgspec.structs import replace

from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.diagnosis import Known, Stage, lacking_scopes
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.link_verdict import confirms, needs_confirmation
from calguard_server.engine.ports.grants import Grant, GrantUnreadableError
from calguard_server.engine.ports.provider import CalendarProvider, ProbeRequest
from calguard_server.engine.ports.provider_errors import ProviderFailureError
from calguard_server.engine.ports.store import Store

_DISCONNECTED = "The link was disconnected on purpose: no permission from Google is kept."
_KEY_LOST = (
    "A permission from Google is stored, and none of the server's keys opens it. If many links fail so, the operator "
    "restores the lost key."
)

JudgedStage = Literal[
    Stage.GRANT_STORED,
    Stage.GRANT_ACCEPTED,
    Stage.SCOPES_GRANTED,
    Stage.CALENDARS_LISTED,
    Stage.CHECK_CALENDARS_READ,
    Stage.ADD_CALENDAR_WRITABLE,
]
"""The stages that a link is judged by; the one besides, about events marked Free, only advises."""


class Tried(Struct, frozen=True):
    """What a stage met: nothing where all is well. `detail` tells more than the findings do."""

    findings: tuple[Finding, ...] = ()
    detail: str = ""
    calendar_ids: tuple[str, ...] = ()
    confirmed: bool = False


class Course:
    """A diagnosis under way: what is known of the link, and what was met that it is judged by."""

    def __init__(self, link: CalendarLink, grant: Grant | None, without_grant: str) -> None:
        self.grant = grant
        self.without_grant = without_grant
        self.known = Known(link, granted_scopes=() if grant is None else grant.granted_scopes)
        self.told_scopes: tuple[str, ...] | None = None
        self.findings: tuple[Finding, ...] = ()
        self.confirmed = False

    @classmethod
    async def begin(cls, store: Store, link: CalendarLink) -> "Course":
        """Read the grant of a link."""
        try:
            grant = await store.grant(link.id)
        except GrantUnreadableError:
            return cls(link, None, _KEY_LOST)
        return cls(link, grant, _DISCONNECTED if link.state is LinkState.STOPPED else "")

    @property
    def link(self) -> CalendarLink:
        """The link as it was when the diagnosis began."""
        return self.known.link

    def told(self, scopes: tuple[str, ...] | None) -> None:
        """Take note of the scopes that the provider told."""
        if scopes is not None:
            self.told_scopes = scopes
            self.known = replace(self.known, granted_scopes=scopes)

    def note(self, stage: Stage, tried: Tried) -> None:
        """Take note of what a stage met."""
        if not tried.findings:
            return
        self.findings += tried.findings
        self.confirmed |= tried.confirmed
        self.known = replace(
            self.known,
            failed=self.known.failed | {stage},
            unreadable=self.known.unreadable | {each.calendar_id for each in tried.findings},
        )


async def try_stage(provider: CalendarProvider, stage: JudgedStage, course: Course) -> Tried:
    """Try a stage; no obstacle to it may be left."""
    if course.grant is None:
        return Tried((Finding(CauseReason.AUTHORIZATION_INCOMPLETE),), course.without_grant)
    trial = _Trial(provider, course, course.grant)
    match stage:
        case Stage.GRANT_STORED:
            return Tried(detail="A permission from Google is stored.")
        case Stage.GRANT_ACCEPTED:
            return await trial.twice(trial.refresh)
        case Stage.SCOPES_GRANTED:
            findings, detail = lacking_scopes(course.known.granted_scopes)
            return Tried(findings, detail or "Every permission that is needed was given.")
        case Stage.CALENDARS_LISTED:
            return await trial.twice(trial.list_calendars)
        case Stage.CHECK_CALENDARS_READ:
            return await trial.twice(trial.read_check_calendars)
        case Stage.ADD_CALENDAR_WRITABLE:
            return await trial.twice(trial.look_at_add_calendar)
        case _:
            assert_never(stage)


class _Trial:
    """The trials of one diagnosis that ask the provider."""

    def __init__(self, provider: CalendarProvider, course: Course, grant: Grant) -> None:
        self._provider = provider
        self._course = course
        self._link = course.link
        self._grant = grant

    async def twice(self, ask: Callable[[], Awaitable[Tried]]) -> Tried:
        """Ask, and ask again where once is not enough to fail a link."""
        first = await _met(ask)
        if not needs_confirmation(self._link, first.findings):
            return first
        second = await _met(ask)
        return replace(second, confirmed=confirms(first.findings, second.findings))

    async def refresh(self) -> Tried:
        self._course.told(await self._provider.refresh(self._link.id, self._grant))
        return Tried(detail="Google accepts the permission.")

    async def list_calendars(self) -> Tried:
        listed = await self._provider.list_calendars(self._link.id, self._grant)
        return Tried(detail=f"Calendars listed: {len(listed)}.")

    async def read_check_calendars(self) -> Tried:
        ids = self._link.check_calendar_ids
        if not self._link.in_use:
            return Tried((Finding(CauseReason.SELECTION_MISSING),))
        probe = await self._provider.probe(ProbeRequest(self._link.id, self._grant, ids, ""))
        return Tried(probe.findings, "" if probe.findings else f"Calendars read for busy time: {len(ids)}.", ids)

    async def look_at_add_calendar(self) -> Tried:
        calendar_id = self._link.add_calendar_id
        probe = await self._provider.probe(ProbeRequest(self._link.id, self._grant, (), calendar_id))
        return Tried(probe.findings, "" if probe.findings else f"{calendar_id} can be written.", (calendar_id,))


async def _met(ask: Callable[[], Awaitable[Tried]]) -> Tried:
    try:
        return await ask()
    except ProviderFailureError as failure:
        return Tried((failure.finding,))
