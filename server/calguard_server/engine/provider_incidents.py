"""Noticing provider incidents: what checks meet is counted here; incidents are opened and ended in the store.

An incident, the change of the provider's status and the operator's alert are one transaction, so that each is once.
The counts are in memory: after a restart an open incident stays open until a whole window has been calm.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog
from msgspec.structs import replace

from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.events import Change, ChangeType
from calguard_server.domain.failure_window import FailureWindow
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.provider_incident import (
    IncidentReason,
    Leniency,
    ProviderIncident,
    ProviderStatus,
    end_incident,
    judge_incident,
    leniency_of,
    never_troubled,
    open_incident,
)
from calguard_server.engine.context import Context
from calguard_server.engine.operator_alerts import INCIDENT_OPENED, INCIDENT_OVER, OperatorAlerts
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.working_set import Unit, WorkingSet

_log = structlog.get_logger()


class ProviderIncidents:
    """The provider's status, kept by what the checks of all links meet."""

    def __init__(self, context: Context, alerts: OperatorAlerts) -> None:
        self._context = context
        self._alerts = alerts
        self._policy = context.policies.incident
        self._window = FailureWindow(self._policy.window)
        self._calm_since: dict[CauseReason, datetime] = {}
        self._worst: dict[CauseReason, tuple[int, int]] = {}
        self._turn = asyncio.Lock()
        self.status = never_troubled(context.clock.now())

    async def load(self) -> None:
        """Take up the status that was saved."""
        self.status = await self._context.store.provider_status() or self.status

    @property
    def troubled(self) -> bool:
        """Whether an incident is open."""
        return any(self.status.open_incidents)

    def leniency(self, now: datetime) -> Leniency:
        """Tell what the incidents excuse now."""
        return leniency_of(self.status, now, self._policy)

    async def observe(self, link: CalendarLink, findings: tuple[Finding, ...]) -> None:
        """Count a check of a link as it stood before; returns when an incident that it shows is open."""
        kind = self._window.add(link, findings, self._context.clock.now())
        if kind is None or self.status.open_incident(kind) is not None:
            return
        if self._judge(kind) is IncidentReason.OPENS:
            await self._open(kind)

    async def review(self) -> None:
        """Judge the open incidents afresh, and end those that are over."""
        for incident in self.status.open_incidents:
            match self._judge(incident.reason):
                case IncidentReason.CALMS_DOWN:
                    self._calm_since.setdefault(incident.reason, self._context.clock.now())
                case IncidentReason.OVER:
                    await self._end(incident)
                case _:
                    self._calm_since.pop(incident.reason, None)
                    self._remember_worst(incident)

    def _judge(self, kind: CauseReason) -> IncidentReason:
        now = self._context.clock.now()
        failing, checked = self._window.failing(kind, now), self._window.checked(now)
        known, calm_since = self.status.open_incident(kind), self._calm_since.get(kind)
        return judge_incident(failing, checked, known, calm_since, now, self._policy)

    async def _open(self, kind: CauseReason) -> None:
        async with self._turn:
            now = self._context.clock.now()
            if self.status.open_incident(kind) is not None:
                return
            incident = ProviderIncident(
                id=self._context.new_id("provider-incident"),
                reason=kind,
                open_time=now,
                accounts_affected=self._window.failing(kind, now),
                links_checked=self._window.checked(now),
            )
            await self._commit(incident.id, INCIDENT_OPENED, lambda status: open_incident(status, incident), now)
            self._worst[kind] = (incident.accounts_affected, incident.links_checked)
            self._calm_since.pop(kind, None)
        _log.error("provider incident opened", reason=kind, accounts=incident.accounts_affected)

    async def _end(self, incident: ProviderIncident) -> None:
        async with self._turn:
            now = self._context.clock.now()
            known = (incident.accounts_affected, incident.links_checked)
            affected, checked = self._worst.pop(incident.reason, known)
            ended = replace(incident, accounts_affected=affected, links_checked=checked)
            await self._commit(incident.id, INCIDENT_OVER, lambda status: end_incident(status, ended, now), now)
            self._calm_since.pop(incident.reason, None)
        _log.warning("provider incident is over", reason=incident.reason, accounts=affected)

    def _remember_worst(self, incident: ProviderIncident) -> None:
        now = self._context.clock.now()
        seen = (self._window.failing(incident.reason, now), self._window.checked(now))
        known = self._worst.get(incident.reason, (incident.accounts_affected, incident.links_checked))
        self._worst[incident.reason] = max(known, seen)

    async def _commit(
        self, incident_id: str, stage: str, change: Callable[[ProviderStatus], ProviderStatus], now: datetime
    ) -> None:
        alerts = self._alerts.of_incident(incident_id, stage, now)

        def decide(rows: WorkingSet) -> ProviderStatus:
            before = rows.provider_status or never_troubled(now)
            after = replace(change(before), revision=rows.next_revision)
            rows.append_change(_change(before, after, now))
            rows.put_provider_status(after)
            for alert in alerts:
                rows.append_delivery(alert)
            return after

        self.status = await self._context.store.transact(Unit(Seeds(), decide))


def _change(before: ProviderStatus, after: ProviderStatus, now: datetime) -> Change:
    changed = before.state is not after.state
    return Change(
        revision=after.revision,
        time=now,
        type=ChangeType.STATE_CHANGED if changed else ChangeType.UPDATED,
        resource=after,
        previous_state=before.state if changed else "",
    )
