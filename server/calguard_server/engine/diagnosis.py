"""Diagnosing a link: the stages one after another, each told as it ends.

A diagnosis writes nothing. Where what it met differs from how the link stands, it asks for an ordinary check at its
end, so that a link is judged on that one path only, and whoever reads it afterwards sees the truth.
"""

from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import timedelta

from msgspec.structs import replace

from calguard_server.domain.causes import Capability, CauseReason, Finding
from calguard_server.domain.diagnosis import (
    Obstacle,
    Stage,
    StageOutcome,
    Step,
    failed,
    free_events_told,
    obstacle_to,
    passed,
    skipped,
)
from calguard_server.domain.errors import FailedPreconditionError, NotFoundError
from calguard_server.domain.link import Checked, decide_link
from calguard_server.domain.link_state import LinkState
from calguard_server.engine.checks import Checks
from calguard_server.engine.context import Context
from calguard_server.engine.found import found_link
from calguard_server.engine.free_events import FreeEventCount
from calguard_server.engine.operator_alerts import OperatorAlerts
from calguard_server.engine.ports.provider import CalendarProvider
from calguard_server.engine.stages import Course, JudgedStage, Tried, try_stage
from calguard_server.engine.waiting import within


class Diagnosis:
    """Diagnoses links. `stage_limit` bounds each stage; `support_url` goes with each stage that fails."""

    def __init__(
        self,
        context: Context,
        provider: CalendarProvider,
        checks: Checks,
        alerts: OperatorAlerts,
        support_url: str = "",
        stage_limit: timedelta = timedelta(seconds=20),
    ) -> None:
        self._context = context
        self._provider = provider
        self._checks = checks
        self._alerts = alerts
        self._support_url = support_url
        self._stage_limit = stage_limit

    async def diagnose(self, link_id: str) -> AsyncGenerator[Step, None]:
        """Try the stages in their order; yield a step as each ends.

        Ends when the link stands as was met. Raises NotFoundError.
        """
        link = found_link(await self._context.store.link(link_id), link_id)
        course = await Course.begin(self._context.store, link)
        for stage in Stage:
            step = await self._step(stage, course)
            support = self._support_url if step.outcome is StageOutcome.FAILED else ""
            yield replace(step, support_url=support)
        await self._settle(course)

    async def _step(self, stage: Stage, course: Course) -> Step:
        obstacle = obstacle_to(stage, course.known)
        if obstacle is not None:
            return skipped(stage, obstacle)
        if stage is Stage.BUSY_TIME_VISIBLE:
            return await self._count_free_events(course)
        tried = await self._try(stage, course)
        course.note(stage, tried)
        if not tried.findings:
            return passed(stage, tried.detail, tried.calendar_ids)
        await self._alerts.alert_of(tried.findings)
        now = self._context.clock.now()
        return failed(stage, tried.findings, course.link, now, detail=tried.detail, calendar_ids=tried.calendar_ids)

    async def _try(self, stage: JudgedStage, course: Course) -> Tried:
        try:
            return await within(self._context.clock, self._stage_limit, try_stage(self._provider, stage, course))
        except TimeoutError:
            detail = f"Google has not answered within {self._stage_limit.total_seconds():g} s."
            capability = Capability.ADD if stage is Stage.ADD_CALENDAR_WRITABLE else None
            return Tried((Finding(CauseReason.NETWORK_ERROR, capability=capability),), detail)

    async def _count_free_events(self, course: Course) -> Step:
        if course.grant is None:
            return skipped(Stage.BUSY_TIME_VISIBLE, Obstacle.GRANT_MISSING)
        count = FreeEventCount(self._provider, self._context.clock, course.link, course.grant)
        return free_events_told(await count.count(course.known.unreadable, self._stage_limit))

    async def _settle(self, course: Course) -> None:
        """Have the link checked where what was met would change it."""
        link = await self._context.store.link(course.link.id)
        if link is None or link.state is LinkState.STOPPED:
            return
        signal = Checked(course.findings, link.evidence, course.confirmed, course.told_scopes)
        foreseen = decide_link(link, signal, self._context.clock.now(), self._context.policies.link)
        if foreseen.notability.makes_event:
            with suppress(NotFoundError, FailedPreconditionError):  # deleted, or disconnected, meanwhile
                await self._checks.check_now(link.id)
