"""Use cases of a link's calendars: listing them, and selecting which are checked and which is added to."""

from collections.abc import Sequence

from msgspec import Struct

from calguard_server.domain.calendars import CalendarUse, judge_calendar
from calguard_server.domain.causes import RULES, CauseReason, Severity
from calguard_server.domain.errors import AbortedError, CalguardError, FailedPreconditionError, UnavailableError
from calguard_server.domain.etags import require_etag
from calguard_server.domain.link import Selected, require_connected
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.link_verdict import LinkReason
from calguard_server.engine.checks import Checks
from calguard_server.engine.context import Context
from calguard_server.engine.examine import Evidence, examine, usable_grant
from calguard_server.engine.found import found_link
from calguard_server.engine.locks import KeyedLocks
from calguard_server.engine.operator_alerts import OperatorAlerts
from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.ports.provider import CalendarProvider, ProviderCalendar
from calguard_server.engine.ports.provider_errors import ProviderFailureError
from calguard_server.engine.propagate import Propagation
from calguard_server.engine.requests import Request, refuse_replay_of
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.working_set import Unit, WorkingSet


class UsableCalendar(Struct, frozen=True):
    """A calendar as the linked account shows it, with what it can be used for."""

    calendar: ProviderCalendar
    use: CalendarUse


class Selection:
    """Lists and selects a link's calendars."""

    def __init__(
        self,
        context: Context,
        provider: CalendarProvider,
        locks: KeyedLocks,
        checks: Checks,
        alerts: OperatorAlerts,
    ) -> None:
        self._context = context
        self._provider = provider
        self._locks = locks
        self._checks = checks
        self._alerts = alerts

    async def list_calendars(self, link_id: str) -> list[UsableCalendar]:
        """List the calendars of a link, primary first, then by name.

        Raises NotFoundError, FailedPreconditionError `CALENDAR_LINK_NOT_AUTHORIZED`, UnavailableError. A grant that
        turns out void is a signal to the link's machine, at once.
        """
        link = found_link(await self._context.store.link(link_id), link_id)
        try:
            return await self._usable_calendars(link)
        except ProviderFailureError as failure:
            raise await self._refusal(link, failure) from None

    async def select(
        self,
        link_id: str,
        check_calendar_ids: tuple[str, ...],
        add_calendar_id: str,
        etag: str = "",
        request: Request | None = None,
    ) -> CalendarLink:
        """Set a link's calendars, after each was found to serve; answers the link after a check of them.

        Raises NotFoundError, AbortedError `ETAG_MISMATCH`, UnavailableError, FailedPreconditionError
        `CALENDAR_REFUSED`, `CALENDAR_LINK_NOT_AUTHORIZED`, `CALENDAR_LINK_STOPPED`.
        """
        await refuse_replay_of(self._context.store, request)
        failed: ProviderFailureError | None = None
        async with self._locks.hold(link_id):
            link = found_link(await self._context.store.link(link_id), link_id)
            try:
                return await self._select(link, check_calendar_ids, add_calendar_id, etag, request)
            except ProviderFailureError as failure:
                failed = failure
        raise await self._refusal(link, failed)

    async def _select(
        self,
        link: CalendarLink,
        check_calendar_ids: tuple[str, ...],
        add_calendar_id: str,
        etag: str,
        request: Request | None,
    ) -> CalendarLink:
        require_etag(link, etag)
        require_connected(link)
        if check_calendar_ids or add_calendar_id:
            calendars = await self._usable_calendars(link)
            _refuse_unusable(calendars, check_calendar_ids, add_calendar_id)
        grant = await usable_grant(self._context.store, link.id)
        evidence = await examine(self._provider, link, grant, check_calendar_ids, add_calendar_id)
        await self._alerts.alert_of(evidence.findings)
        _refuse_unreadable(link, evidence, check_calendar_ids)
        signal = Selected(check_calendar_ids, add_calendar_id, evidence.findings, link.evidence, evidence.confirmed)
        return await self._commit(link.id, signal, request)

    async def _commit(self, link_id: str, signal: Selected, request: Request | None) -> CalendarLink:
        now = self._context.clock.now()

        def decide(rows: WorkingSet) -> CalendarLink:
            link = found_link(rows.links.get(link_id), link_id)
            decision = Propagation(rows, now, self._context).signal(link, signal)
            if decision.reason is LinkReason.STALE_SIGNAL:
                raise AbortedError(
                    "CALENDAR_LINK_CHANGED", f"calendar link {link_id} changed meanwhile: repeat the call"
                )
            return decision.link

        return await self._context.store.transact(Unit(Seeds(links=(link_id,)), decide, request))

    async def _usable_calendars(self, link: CalendarLink) -> list[UsableCalendar]:
        grant = await self._required_grant(link)
        calendars = await self._provider.list_calendars(link.id, grant)
        usable = [
            UsableCalendar(calendar, judge_calendar(calendar.access_role, link.granted_scopes))
            for calendar in calendars
        ]
        return sorted(usable, key=lambda each: (not each.calendar.primary, each.calendar.summary, each.calendar.id))

    async def _required_grant(self, link: CalendarLink) -> Grant:
        grant = await usable_grant(self._context.store, link.id)
        if grant is None:
            raise _not_authorized(link, CauseReason.AUTHORIZATION_INCOMPLETE)
        return grant

    async def _refusal(self, link: CalendarLink, failure: ProviderFailureError) -> CalguardError:
        """Turn a provider's failure into an error; what only the person can mend is checked, and so committed."""
        rule = RULES[failure.reason]
        if rule.severity is Severity.OPERATOR:
            await self._alerts.alert(failure.reason)
        if rule.severity in (Severity.TRANSIENT, Severity.OPERATOR):
            return UnavailableError(
                "PROVIDER_UNREACHABLE",
                f"{rule.message} Nothing was changed; try again later.",
                metadata={"cause": failure.reason.value},
            )
        if link.state is not LinkState.STOPPED:
            await self._checks.check_now(link.id)
        return _not_authorized(link, failure.reason)


def _not_authorized(link: CalendarLink, reason: CauseReason) -> FailedPreconditionError:
    rule = RULES[reason]
    return FailedPreconditionError(
        "CALENDAR_LINK_NOT_AUTHORIZED",
        f"calendar link {link.id}: {rule.message} {rule.remedy}",
        metadata={"cause": reason.value},
    )


def _refuse_unusable(
    calendars: Sequence[UsableCalendar], check_calendar_ids: tuple[str, ...], add_calendar_id: str
) -> None:
    known = {each.calendar.id: each.use for each in calendars}
    for calendar_id in check_calendar_ids:
        _require_use(known.get(calendar_id), calendar_id, checking=True)
    if add_calendar_id:
        _require_use(known.get(add_calendar_id), add_calendar_id, checking=False)


def _require_use(use: CalendarUse | None, calendar_id: str, *, checking: bool) -> None:
    if use is None:
        raise _refused(calendar_id, "it is not among the calendars of the linked Google account")
    if not (use.can_check if checking else use.can_add):
        raise _refused(calendar_id, use.refusal)


def _refused(calendar_id: str, refusal: str) -> FailedPreconditionError:
    return FailedPreconditionError(
        "CALENDAR_REFUSED",
        f"calendar {calendar_id} cannot be used: {refusal}",
        metadata={"calendar_id": calendar_id, "refusal": refusal},
    )


def _refuse_unreadable(link: CalendarLink, evidence: Evidence, check_calendar_ids: tuple[str, ...]) -> None:
    """Refuse a newly selected calendar that cannot be read; one selected before stays the link's fault."""
    fresh = set(check_calendar_ids) - set(link.check_calendar_ids)
    for finding in evidence.findings:
        if finding.reason is CauseReason.CALENDAR_NOT_VISIBLE and finding.calendar_id in fresh:
            raise _refused(finding.calendar_id, RULES[finding.reason].message)
