"""From a consent to a link: which link it renews or makes, and what it is found to permit.

1. An account's link to a Google account is one link: linking the same Google account again is linking it in place.
2. The new grant is checked before it is committed, so that the state the link begins with rests on evidence.
3. One attempt at a time completes for an account and for a Google account, and none while one of their links is
   ended: so no grant is stored that was revoked meanwhile, and of two that end at once the later renews the earlier's.
4. A grant that is refused, or replaced by that of another Google account, is of no use to anybody: it is revoked,
   unless another link rests on it.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

import structlog
from msgspec import Struct
from msgspec.structs import replace

from calguard_server.domain.calendars import judge_calendar
from calguard_server.domain.causes import CauseReason
from calguard_server.domain.errors import AlreadyExistsError, CalguardError, FailedPreconditionError, NotFoundError
from calguard_server.domain.link import Authorized
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.engine.attempts import refuse_superseded
from calguard_server.engine.context import Context
from calguard_server.engine.examine import Evidence, examine
from calguard_server.engine.found import found_account, found_link
from calguard_server.engine.link_attempt import LinkAttempt
from calguard_server.engine.locks import LinkLocks
from calguard_server.engine.operator_alerts import OperatorAlerts
from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.ports.provider import CalendarProvider, Consent, ProviderCalendar
from calguard_server.engine.ports.provider_errors import ProviderFailureError
from calguard_server.engine.propagate import Propagation
from calguard_server.engine.revoking import GrantRevoker, Taken
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.working_set import Unit, WorkingSet

_log = structlog.get_logger()


class _Choice(Struct, frozen=True):
    """The calendars that a completed link starts with."""

    check_calendar_ids: tuple[str, ...]
    add_calendar_id: str


class _Completed(Struct, frozen=True):
    """A link as it was committed, and what it held before where that was another Google account's grant."""

    link: CalendarLink
    replaced: Taken | None


class Completion:
    """Makes links of consents."""

    def __init__(
        self,
        context: Context,
        provider: CalendarProvider,
        revoker: GrantRevoker,
        locks: LinkLocks,
        alerts: OperatorAlerts,
    ) -> None:
        self._context = context
        self._alerts = alerts
        self._provider = provider
        self._revoker = revoker
        self._locks = locks

    async def complete(self, attempt: LinkAttempt, consent: Consent) -> CalendarLink:
        """Make or renew the link that an attempt is for; a refused consent's grant is revoked where nobody needs it.

        Raises FailedPreconditionError (`ATTEMPT_SUPERSEDED`, `OFFLINE_ACCESS_MISSING`, `GRANT_VOID`,
        `PROVIDER_ACCOUNT_MISMATCH`), AlreadyExistsError `PROVIDER_ACCOUNT_LINKED`, NotFoundError, UnavailableError.
        """
        async with self._locks.accounts.hold(attempt.account_id):
            try:
                async with self._locks.subjects.hold(consent.subject):
                    completed = await self._complete(attempt, consent)
            except (FailedPreconditionError, AlreadyExistsError, NotFoundError) as refusal:
                raise await self.discard(_given(consent), refusal) from None
            await self._end_replaced(completed.replaced)
            return completed.link

    async def discard(self, grant: Grant | None, refusal: CalguardError) -> CalguardError:
        """Revoke a grant that is of no use unless a link rests on it; answers the refusal, which names what came of it.

        Without a grant, or without knowing whose it is, nothing is revoked: it might be a grant that is in use.
        """
        if grant is None or not grant.subject:
            return refusal
        async with self._locks.subjects.hold(grant.subject):
            revocation = await self._revoker.revoke(grant)
        refusal.metadata["grant"] = revocation.value
        return refusal

    async def _complete(self, attempt: LinkAttempt, consent: Consent) -> _Completed:
        grant = _lasting_grant(consent)
        found = await self._resolve(attempt, consent)
        async with self._locks.links.hold(found.id):
            before = await self._context.store.link(found.id) or found
            replaced = await self._revoker.take(before)
            choice = await self._choose(attempt, before, consent, grant)
            evidence = await examine(self._provider, before, grant, choice.check_calendar_ids, choice.add_calendar_id)
            await self._alerts.alert_of(evidence.findings)
            _refuse_void(evidence)
            link = await self._commit(attempt, before, consent, grant, choice, evidence)
        changed = replaced.grant is not None and replaced.grant.subject != consent.subject
        return _Completed(link, replaced if changed else None)

    async def _resolve(self, attempt: LinkAttempt, consent: Consent) -> CalendarLink:
        """Find the link to renew, or make the one to create."""
        found = await self._context.store.transact(
            Unit(
                Seeds(accounts=(attempt.account_id,), attempts=(attempt.digest,)),
                lambda rows: _link_to_renew(rows, attempt, consent),
            )
        )
        return found or _new_link(self._context.new_id("link"), attempt.account_id, self._context.clock.now())

    async def _choose(self, attempt: LinkAttempt, link: CalendarLink, consent: Consent, grant: Grant) -> _Choice:
        """Keep the selection of the same Google account; else select the primary calendar where that was wished."""
        if link.in_use and link.provider_subject == consent.subject:
            return _Choice(link.check_calendar_ids, link.add_calendar_id)
        if not attempt.select_primary:
            return _Choice((), "")
        for calendar in await self._list_calendars(link, grant):
            if calendar.primary:
                use = judge_calendar(calendar.access_role, grant.granted_scopes)
                return _Choice((calendar.id,) if use.can_check else (), calendar.id if use.can_add else "")
        return _Choice((), "")

    async def _list_calendars(self, link: CalendarLink, grant: Grant) -> Sequence[ProviderCalendar]:
        """List the calendars, once more where it fails; then none: the check that follows names what is wrong."""
        with suppress(ProviderFailureError):
            return await self._provider.list_calendars(link.id, grant)
        with suppress(ProviderFailureError):
            return await self._provider.list_calendars(link.id, grant)
        return ()

    async def _commit(
        self,
        attempt: LinkAttempt,
        before: CalendarLink,
        consent: Consent,
        grant: Grant,
        choice: _Choice,
        evidence: Evidence,
    ) -> CalendarLink:
        now = self._context.clock.now()
        scopes = evidence.granted_scopes or consent.granted_scopes
        signal = Authorized(
            provider_subject=consent.subject,
            provider_email=consent.email,
            granted_scopes=scopes,
            check_calendar_ids=choice.check_calendar_ids,
            add_calendar_id=choice.add_calendar_id,
            findings=evidence.findings,
            confirmed=evidence.confirmed,
        )

        def decide(rows: WorkingSet) -> CalendarLink:
            link = _link_to_renew(rows, attempt, consent) or before
            rows.put_grant(link.id, replace(grant, granted_scopes=scopes))
            return Propagation(rows, now, self._context).signal(link, signal, created=link.revision == 0).link

        seeds = Seeds(page_accounts=(attempt.account_id,), attempts=(attempt.digest,))
        return await self._context.store.transact(Unit(seeds, decide))

    async def _end_replaced(self, replaced: Taken | None) -> None:
        if replaced is None or replaced.grant is None:
            return
        async with self._locks.subjects.hold(replaced.grant.subject):
            revocation = await self._revoker.revoke_taken(replaced)
        _log.info(
            "a link changed its Google account",
            calendar_link_id=replaced.link_id,
            grant_before=revocation.value,
        )


def _link_to_renew(rows: WorkingSet, claimed: LinkAttempt, consent: Consent) -> CalendarLink | None:
    """Answer the link that a consent renews; None where it makes a new one. Raises what refuses it."""
    attempt = rows.attempts.get(claimed.digest, claimed)
    found_account(rows.accounts.get(attempt.account_id), attempt.account_id)
    links = rows.links_of_account(attempt.account_id)
    same = next((link for link in links if link.provider_subject == consent.subject), None)
    if not attempt.calendar_link_id:
        refuse_superseded(attempt, consent.subject)
        return same
    named = next((link for link in links if link.id == attempt.calendar_link_id), None)
    link = found_link(named, attempt.calendar_link_id)
    refuse_superseded(attempt, consent.subject)
    _refuse_other_account(attempt, link, same, consent)
    return link


def _refuse_other_account(
    attempt: LinkAttempt, link: CalendarLink, same: CalendarLink | None, consent: Consent
) -> None:
    if same is not None and same.id != link.id:
        raise AlreadyExistsError(
            "PROVIDER_ACCOUNT_LINKED",
            f"this Google account is linked by calendar link {same.id} already: link that one again instead",
            metadata={"calendar_link_id": same.id},
        )
    if link.provider_subject != consent.subject and not attempt.allow_account_change:
        raise FailedPreconditionError(
            "PROVIDER_ACCOUNT_MISMATCH",
            "this link belongs to another Google account: approve with that one, or begin with allow_account_change",
        )


def _lasting_grant(consent: Consent) -> Grant:
    if consent.refresh_token is None:
        raise FailedPreconditionError(
            "OFFLINE_ACCESS_MISSING", "Google gave no lasting permission: begin again, and approve it there"
        )
    return Grant(consent.refresh_token, consent.granted_scopes, consent.subject)


def _given(consent: Consent) -> Grant | None:
    """Answer what a consent gave, lasting or not, for ending it."""
    token = consent.refresh_token or consent.access_token
    return None if token is None else Grant(token, consent.granted_scopes, consent.subject)


def _refuse_void(evidence: Evidence) -> None:
    """Refuse a grant that was revoked between its consent and its check, as ending another link of it may have."""
    if any(finding.reason is CauseReason.AUTHORIZATION_REVOKED for finding in evidence.findings):
        raise FailedPreconditionError(
            "GRANT_VOID", "Google does not accept the permission that it has just given: begin again"
        )


def _new_link(link_id: str, account_id: str, now: datetime) -> CalendarLink:
    """Make a link that was never connected; revision 0 tells that it is not saved."""
    return CalendarLink(
        id=link_id,
        account_id=account_id,
        provider_subject="",
        provider_email="",
        state=LinkState.STOPPED,
        cause=None,
        state_time=now,
        has_grant=False,
        granted_scopes=(),
        check_calendar_ids=(),
        add_calendar_id="",
        last_check_time=None,
        next_check_time=None,
        consecutive_failures=0,
        failing_since=None,
        quota_exhausted_since=None,
        evidence=0,
        revision=0,
        create_time=now,
        update_time=now,
    )
