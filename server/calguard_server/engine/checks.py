"""Checking a link: ask the provider, decide, and commit what changed.

A check that changes nothing that anybody is told of makes no transaction: its times are handed back, to be saved in a
batch with others'. What it counted is saved before the link's next check begins, so that each failure counts.
"""

import asyncio

import structlog
from msgspec import Struct
from msgspec.structs import replace

from calguard_server.domain.link import Checked, decide_link, require_connected
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.link_verdict import LinkReason
from calguard_server.domain.schedule import next_check_time
from calguard_server.engine.context import Context
from calguard_server.engine.examine import examine, usable_grant
from calguard_server.engine.found import found_link
from calguard_server.engine.locks import KeyedLocks
from calguard_server.engine.operator_alerts import OperatorAlerts
from calguard_server.engine.ports.checks import CheckTimes, DueLink
from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.ports.provider import CalendarProvider
from calguard_server.engine.propagate import Propagation
from calguard_server.engine.provider_incidents import ProviderIncidents
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.working_set import Unit, WorkingSet

_log = structlog.get_logger()


class CheckResult(Struct, frozen=True):
    """A link after its check, and why it stands so; `times` are to be saved where nothing was committed."""

    link: CalendarLink
    reason: LinkReason
    times: CheckTimes | None = None


class _SharedCheck:
    """A check that several ask for, and how many of them still do."""

    task: "asyncio.Task[CheckResult | None]"

    def __init__(self) -> None:
        self.askers = 0


class Checks:
    """Checks links, one check at a time a link; those who ask while one is at work share the next one."""

    def __init__(
        self,
        context: Context,
        provider: CalendarProvider,
        locks: KeyedLocks,
        alerts: OperatorAlerts,
        incidents: ProviderIncidents,
    ) -> None:
        self._context = context
        self._incidents = incidents
        self._provider = provider
        self._locks = locks
        self._alerts = alerts
        self._waiting: dict[str, _SharedCheck] = {}
        self._on_demand: set[str] = set()

    async def check_now(self, link_id: str) -> CalendarLink:
        """Check a link and answer when the outcome is committed.

        Raises NotFoundError, FailedPreconditionError `CALENDAR_LINK_STOPPED`.
        """
        while True:
            link = found_link(await self._context.store.link(link_id), link_id)
            require_connected(link)
            result = await self._shared_check(link_id)
            if result is not None and result.reason is not LinkReason.STALE_SIGNAL:
                return result.link

    async def _shared_check(self, link_id: str) -> CheckResult | None:
        """Join the check that waits to begin, or have one wait: however many ask, one waits behind the one at work.

        A check that all have given up is given up.
        """
        shared = self._waiting.get(link_id)
        if shared is None:
            shared = self._waiting[link_id] = _SharedCheck()
            shared.task = asyncio.create_task(self._check_and_save(link_id), name=f"check {link_id} now")
        shared.askers += 1
        try:
            return await asyncio.shield(shared.task)
        finally:
            shared.askers -= 1
            if not shared.askers:
                shared.task.cancel()
                self._begun(link_id, shared)

    async def _check_and_save(self, link_id: str) -> CheckResult | None:
        async with self._locks.hold(link_id):
            self._begun(link_id, self._waiting.get(link_id))
            result = await self._check_anew(link_id)
            if result is not None and result.times is not None:
                await self._context.store.record_checks([result.times])
                self._on_demand.add(link_id)
        return result

    def _begun(self, link_id: str, shared: "_SharedCheck | None") -> None:
        """Let nobody join a check any more."""
        if shared is not None and self._waiting.get(link_id) is shared:
            del self._waiting[link_id]

    async def check(self, due: DueLink) -> CheckResult | None:
        """Check a link as it was read; what it rests on is dropped where the link has gone on meanwhile.

        None where there is nothing to check any more.
        """
        async with self._locks.hold(due.link.id):
            link = await self._as_counted(due.link)
            result = await self._check(link, due.grant)
            if result is None or result.times is None or _counts(result.link) == _counts(link):
                return result
            await self._context.store.record_checks([result.times])
            return replace(result, times=None)

    async def _as_counted(self, link: CalendarLink) -> CalendarLink:
        """Answer a link with the counts of a check on demand that ended since it was read."""
        if link.id not in self._on_demand:
            return link
        self._on_demand.remove(link.id)
        current = await self._context.store.link(link.id)
        return current if current is not None and current.evidence == link.evidence else link

    async def _check_anew(self, link_id: str) -> CheckResult | None:
        link = await self._context.store.link(link_id)
        if link is None or link.state is LinkState.STOPPED:
            return None
        return await self._check(link, await usable_grant(self._context.store, link_id))

    async def _check(self, link: CalendarLink, grant: Grant | None) -> CheckResult | None:
        signal = await self._ask(link, grant)
        await self._incidents.observe(link, signal.findings)
        now = self._context.clock.now()
        foreseen = decide_link(link, signal, now, self._context.policies.link, self._incidents.leniency(now))
        await self._alerts.alert_of(foreseen.operator_findings)
        if foreseen.notability.makes_event:
            return await self._commit(link.id, signal)
        policy, chance = self._context.policies.schedule, self._context.chance()
        due = next_check_time(foreseen.link, signal.findings, now, policy, chance)
        link = replace(foreseen.link, next_check_time=due)
        return CheckResult(link, foreseen.reason, _times(link, signal))

    async def _ask(self, link: CalendarLink, grant: Grant | None) -> Checked:
        evidence = await examine(self._provider, link, grant, link.check_calendar_ids, link.add_calendar_id)
        return Checked(evidence.findings, link.evidence, evidence.confirmed, evidence.granted_scopes)

    async def _commit(self, link_id: str, signal: Checked) -> CheckResult | None:
        now = self._context.clock.now()

        def decide(rows: WorkingSet) -> CheckResult | None:
            link = rows.links.get(link_id)
            if link is None:
                return None
            decision = Propagation(rows, now, self._context).signal(link, signal)
            return CheckResult(decision.link, decision.reason)

        result = await self._context.store.transact(Unit(Seeds(links=(link_id,)), decide))
        if result is not None:
            _log_change(result)
        return result


def _log_change(result: CheckResult) -> None:
    link = result.link
    _log.info(
        "calendar link changed",
        calendar_link_id=link.id,
        account_id=link.account_id,
        state=link.state.value,
        cause=link.cause.reason.value if link.cause else "",
        reason=result.reason.value,
    )


def _counts(link: CalendarLink) -> tuple[object, ...]:
    """What one check must know of the one before it: saved before another one begins."""
    return (link.consecutive_failures, link.failing_since, link.quota_exhausted_since)


def _times(link: CalendarLink, signal: Checked) -> CheckTimes | None:
    if link.last_check_time is None:
        return None
    return CheckTimes(
        link.id,
        signal.evidence,
        link.last_check_time,
        link.next_check_time,
        link.consecutive_failures,
        link.failing_since,
        link.quota_exhausted_since,
    )
