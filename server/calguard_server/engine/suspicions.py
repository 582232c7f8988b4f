"""Having links checked that failed at something else than a check: what was met there is a reason, and never evidence.

It is not waited for. The checks of one link begin at least so far apart as those that reports ask for; a link that
fails at many things at once is checked for all of them together.
"""

import asyncio

import structlog

from calguard_server.domain.causes import RULES, CauseReason, Finding, Severity
from calguard_server.domain.errors import CalguardError
from calguard_server.engine.operator_alerts import OperatorAlerts
from calguard_server.engine.reports import SpacedChecks

_log = structlog.get_logger()

_NO_REASON_TO_ASK_MORE = (CauseReason.RATE_LIMITED, CauseReason.QUOTA_EXHAUSTED)


class Suspicions:
    """Checks links in the background, until it is closed."""

    def __init__(self, checks: SpacedChecks, alerts: OperatorAlerts) -> None:
        self._checks = checks
        self._alerts = alerts
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def suspect(self, link_id: str, finding: Finding) -> None:
        """Have a link checked soon; where only the operator can help, alert them."""
        if RULES[finding.reason].severity is Severity.OPERATOR:
            await self._alerts.alert(finding.reason)
        if finding.reason in _NO_REASON_TO_ASK_MORE or link_id in self._under_way:
            return
        task = asyncio.create_task(self._check(link_id), name=f"check {link_id} as suspected")
        self._under_way[link_id] = task
        task.add_done_callback(lambda _: self._under_way.pop(link_id))

    async def close(self) -> None:
        """Give up the checks that are under way."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _check(self, link_id: str) -> None:
        try:
            await self._checks.check(link_id)
        except CalguardError as error:  # it was ended meanwhile, or nothing can be saved just now
            _log.info("suspected link was not checked", calendar_link_id=link_id, reason=error.reason)
        except Exception:  # noqa: BLE001 - nobody waits for it; the check loop looks at the link in any case
            _log.exception("check of a suspected link broke off", calendar_link_id=link_id)
