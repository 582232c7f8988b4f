"""Telling the operator of what only the operator can mend: once a day for each reason, in the log in any case."""

from datetime import datetime

import structlog

from calguard_server.domain.causes import Finding, Severity, severity_of
from calguard_server.domain.delivery import Delivery, DeliveryState
from calguard_server.domain.notices import Channel, NoticeKind
from calguard_server.domain.slack_workspace import DEFAULT_WORKSPACE, SlackWorkspace
from calguard_server.engine.context import Context
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.working_set import Unit, WorkingSet

_log = structlog.get_logger()

INCIDENT_OPENED = "PROVIDER_INCIDENT_OPENED"
INCIDENT_OVER = "PROVIDER_INCIDENT_OVER"
"""The stages of a provider incident's alerts."""

SLACK_WORKSPACE_BROKEN = "SLACK_WORKSPACE_BROKEN"
"""Begins the stage of a broken Slack workspace's alerts; its id and the code follow, after colons."""

_SHORT = {INCIDENT_OPENED: "opened", INCIDENT_OVER: "over"}


class OperatorAlerts:
    """Owes the operator an alert; a repeated one on the same day is the same alert."""

    def __init__(self, context: Context, channels: frozenset[Channel]) -> None:
        self._context = context
        self._channels = channels
        self._alerted: set[str] = set()

    async def alert_of(self, findings: tuple[Finding, ...]) -> None:
        """Owe the operator an alert for each of the findings that only the operator can mend."""
        for finding in findings:
            if severity_of(finding) is Severity.OPERATOR:
                await self.alert(finding.reason)

    async def alert(self, reason: str) -> None:
        """Owe the operator an alert by every channel set for that; `reason` is a CauseReason or another fixed name."""
        now = self._context.clock.now()
        incident_id = f"operator-{reason}-{now:%Y%m%d}"
        if incident_id in self._alerted:
            return
        _log.error("only the operator can mend this", reason=reason)
        alerts = self._deliveries(incident_id, incident_id, reason, now)

        def decide(rows: WorkingSet) -> None:
            for alert in alerts:
                rows.append_delivery(alert)

        if alerts:
            await self._context.store.transact(Unit(Seeds(), decide))
        self._alerted = {each for each in self._alerted if each.endswith(f"{now:%Y%m%d}")} | {incident_id}

    def of_incident(self, incident_id: str, stage: str, now: datetime) -> list[Delivery]:
        """Answer the alerts that a provider incident owes the operator at a stage of it."""
        return self._deliveries(f"{incident_id}-{_SHORT[stage]}", incident_id, stage, now)

    def of_slack_workspace(self, workspace: SlackWorkspace, now: datetime) -> list[Delivery]:
        """Answer the alerts that a broken Slack workspace owes: once a day for each token and code.

        Not by Slack where it is the workspace that the operator is told in.
        """
        code = "" if workspace.breakage is None else workspace.breakage.code
        token = f"{workspace.create_time:%Y%m%dT%H%M%S}-{workspace.token_version}"
        incident_id = f"slack-{workspace.id}-{token}-{code}-{now:%Y%m%d}"
        stage = f"{SLACK_WORKSPACE_BROKEN}:{workspace.id}:{code}"
        alerts = self._deliveries(self._context.new_id("slack-broken"), incident_id, stage, now)
        if workspace.id == DEFAULT_WORKSPACE:
            alerts = [alert for alert in alerts if alert.channel is not Channel.SLACK]
        return alerts

    def _deliveries(self, prefix: str, incident_id: str, stage: str, now: datetime) -> list[Delivery]:
        return [
            Delivery(
                id=f"{prefix}-{channel}",
                incident_id=incident_id,
                booking_page_id="",
                kind=NoticeKind.OPERATOR_ALERT,
                stage=stage,
                recipient_account_id="",
                channel=channel,
                faults=(),
                revision=0,
                state=DeliveryState.PENDING,
                attempts=0,
                next_attempt_time=now,
                create_time=now,
            )
            for channel in sorted(self._channels)
        ]
