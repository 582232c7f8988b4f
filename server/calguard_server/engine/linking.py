"""Use cases of linking: begin (the address of the consent page) and complete (what it sent back).

1. An attempt is found by a digest of its `state`, is good once and for half an hour; claiming it is a commit of its
   own, so that no code is ever tried twice.
2. The new grant is checked before it is committed, so that the state the link begins with rests on evidence.
3. An account's link to a Google account is one link: linking the same Google account again is linking it in place.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from calguard_server.domain.calendars import judge_calendar
from calguard_server.domain.causes import RULES, CauseReason, Severity
from calguard_server.domain.errors import (
    AlreadyExistsError,
    CalguardError,
    FailedPreconditionError,
    InvalidArgumentError,
    UnavailableError,
)
from calguard_server.domain.link import Authorized
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.secret import Secret
from calguard_server.engine.context import Context
from calguard_server.engine.examine import Evidence, examine
from calguard_server.engine.found import found_account, found_link
from calguard_server.engine.locks import KeyedLocks
from calguard_server.engine.operator_alerts import OperatorAlerts
from calguard_server.engine.ports import (
    AuthorizationRequest,
    CalendarProvider,
    CodeRefusedError,
    Consent,
    Grant,
    IdentityUnverifiedError,
    ProviderCalendar,
    ProviderFailureError,
)
from calguard_server.engine.propagate import Propagation
from calguard_server.engine.working_set import LinkAttempt, Request, Seeds, Unit, WorkingSet, refuse_replay_of


class Wish(Struct, frozen=True):
    """What a caller of `begin` asks for; empty texts are not set."""

    account_id: str
    calendar_link_id: str = ""
    login_hint: str = ""
    redirect_uri: str = ""
    select_primary: bool = False
    allow_account_change: bool = False


class Begun(Struct, frozen=True):
    """The address of the consent page; `state` identifies the attempt."""

    authorization_url: str
    state: str
    expire_time: datetime


class _Choice(Struct, frozen=True):
    """The calendars that a completed link starts with."""

    check_calendar_ids: tuple[str, ...]
    add_calendar_id: str


class Linking:
    """Links Google accounts to accounts, and links them again.

    `redirect_uri` answers the server's own callback: its port is known only once it listens.
    """

    def __init__(
        self,
        context: Context,
        provider: CalendarProvider,
        locks: KeyedLocks,
        alerts: OperatorAlerts,
        redirect_uri: Callable[[], str],
    ) -> None:
        self._context = context
        self._provider = provider
        self._locks = locks
        self._alerts = alerts
        self._redirect_uri = redirect_uri

    async def begin(self, wish: Wish, request: Request | None = None) -> Begun:
        """Begin an attempt.

        Raises NotFoundError, FailedPreconditionError `CALENDAR_LINK_OF_ANOTHER_ACCOUNT`.
        """
        await refuse_replay_of(self._context.store, request)
        now = self._context.clock.now()
        state, verifier = (
            secrets.token_hex(32),
            secrets.token_urlsafe(64),
        )  # no state begins with a hyphen: people type it
        attempt = LinkAttempt(
            digest=digest_of(state),
            account_id=wish.account_id,
            calendar_link_id=wish.calendar_link_id,
            code_verifier=Secret(verifier),
            redirect_uri=wish.redirect_uri or self._redirect_uri(),
            select_primary=wish.select_primary,
            allow_account_change=wish.allow_account_change,
            create_time=now,
            expire_time=now + self._context.policies.attempt_lifetime,
        )

        def decide(rows: WorkingSet) -> Begun:
            found_account(rows.accounts.get(wish.account_id), wish.account_id)
            link = self._link_to_renew(rows, wish)
            rows.put_attempt(attempt)
            hint = wish.login_hint or (link.provider_email if link else "")
            asked = AuthorizationRequest(state, challenge_of(verifier), attempt.redirect_uri, hint)
            return Begun(self._provider.authorization_url(asked), state, attempt.expire_time)

        links = (wish.calendar_link_id,) if wish.calendar_link_id else ()
        seeds = Seeds(accounts=(wish.account_id,), links=links)
        return await self._context.store.transact(Unit(seeds, decide, request))

    async def complete(self, state: str, code: str = "", error: str = "") -> CalendarLink:
        """Complete an attempt with what the consent page sent back: a code, or an error.

        Raises InvalidArgumentError `STATE_UNKNOWN`, FailedPreconditionError (`STATE_USED`, `STATE_EXPIRED`,
        `ACCESS_DENIED`, `CODE_REFUSED`, `IDENTITY_UNVERIFIED`, `OFFLINE_ACCESS_MISSING`, `PROVIDER_ACCOUNT_MISMATCH`,
        `APP_MISCONFIGURED`), AlreadyExistsError `PROVIDER_ACCOUNT_LINKED`, NotFoundError, UnavailableError.
        """
        attempt = await self._claim(digest_of(state))
        if error:
            raise FailedPreconditionError(
                "ACCESS_DENIED",
                "the permission was not given at Google: begin again, and approve it there",
                metadata={"error": error},
            )
        consent = await self._exchange(attempt, code)
        if consent.refresh_token is None:
            raise FailedPreconditionError(
                "OFFLINE_ACCESS_MISSING", "Google gave no lasting permission: begin again, and approve it there"
            )
        grant = Grant(consent.refresh_token, consent.granted_scopes)
        before = await self._link_for(attempt, consent)
        async with self._locks.hold(before.id):
            self._provider.forget(before.id)
            choice = await self._choose(attempt, before, consent, grant)
            evidence = await examine(self._provider, before, grant, choice.check_calendar_ids, choice.add_calendar_id)
            await self._alerts.alert_of(evidence.findings)
            return await self._commit(before, consent, grant, choice, evidence)

    async def _claim(self, digest: str) -> LinkAttempt:
        now = self._context.clock.now()

        def decide(rows: WorkingSet) -> LinkAttempt:
            attempt = rows.attempts.get(digest)
            if attempt is None:
                raise InvalidArgumentError.of_field(
                    "STATE_UNKNOWN", "state", "is not one that BeginCalendarLink answered"
                )
            if attempt.used:
                raise FailedPreconditionError("STATE_USED", "this attempt at linking was completed: begin again")
            if attempt.expire_time <= now:
                raise FailedPreconditionError("STATE_EXPIRED", "this attempt at linking has expired: begin again")
            rows.put_attempt(replace(attempt, used=True))
            return attempt

        return await self._context.store.transact(Unit(Seeds(attempts=(digest,)), decide))

    async def _exchange(self, attempt: LinkAttempt, code: str) -> Consent:
        try:
            return await self._provider.exchange(code, attempt.code_verifier, attempt.redirect_uri)
        except CodeRefusedError:
            raise FailedPreconditionError(
                "CODE_REFUSED", "Google did not accept the authorization code: begin again"
            ) from None
        except IdentityUnverifiedError:
            raise FailedPreconditionError(
                "IDENTITY_UNVERIFIED", "Google's answer did not prove whose account it is: begin again"
            ) from None
        except ProviderFailureError as failure:
            raise await self._exchange_refusal(failure) from None

    async def _exchange_refusal(self, failure: ProviderFailureError) -> CalguardError:
        rule, cause = RULES[failure.reason], {"cause": failure.reason.value}
        if rule.severity is Severity.OPERATOR:
            await self._alerts.alert(failure.reason)
        if failure.reason is CauseReason.APP_MISCONFIGURED:
            return FailedPreconditionError("APP_MISCONFIGURED", f"{rule.message} {rule.remedy}", metadata=cause)
        if rule.severity in (Severity.TRANSIENT, Severity.OPERATOR):
            return UnavailableError("PROVIDER_UNREACHABLE", f"{rule.message} Begin again later.", metadata=cause)
        return FailedPreconditionError("CODE_REFUSED", f"{rule.message} {rule.remedy}", metadata=cause)

    async def _link_for(self, attempt: LinkAttempt, consent: Consent) -> CalendarLink:
        """Find the link to renew, or make the one to create."""
        links = await self._context.store.links_of_account(attempt.account_id)
        same = next((link for link in links if link.provider_subject == consent.subject), None)
        if not attempt.calendar_link_id:
            return same or _new_link(self._context.new_id("link"), attempt.account_id, self._context.clock.now())
        named = next((link for link in links if link.id == attempt.calendar_link_id), None)
        link = found_link(named, attempt.calendar_link_id)
        if same is not None and same.id != link.id:
            raise AlreadyExistsError(
                "PROVIDER_ACCOUNT_LINKED",
                f"this Google account is linked by calendar link {same.id} already: link that one again instead",
                metadata={"calendar_link_id": same.id},
            )
        if link.provider_subject != consent.subject and not attempt.allow_account_change:
            raise FailedPreconditionError(
                "PROVIDER_ACCOUNT_MISMATCH",
                "this link belongs to another Google account: approve with that one, or begin with "
                "allow_account_change",
            )
        return link

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
        self, before: CalendarLink, consent: Consent, grant: Grant, choice: _Choice, evidence: Evidence
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
            found_account(rows.accounts.get(before.account_id), before.account_id)
            link = _current(rows, before, consent)
            created = link.revision == 0
            rows.put_grant(link.id, replace(grant, granted_scopes=scopes))
            return Propagation(rows, now, self._context).signal(link, signal, created=created).link

        seeds = Seeds(links=(before.id,), page_accounts=(before.account_id,))
        return await self._context.store.transact(Unit(seeds, decide))

    def _link_to_renew(self, rows: WorkingSet, wish: Wish) -> CalendarLink | None:
        if not wish.calendar_link_id:
            return None
        link = found_link(rows.links.get(wish.calendar_link_id), wish.calendar_link_id)
        if link.account_id != wish.account_id:
            raise FailedPreconditionError(
                "CALENDAR_LINK_OF_ANOTHER_ACCOUNT",
                f"calendar link {link.id} does not belong to account {wish.account_id}",
            )
        return link


def _current(rows: WorkingSet, before: CalendarLink, consent: Consent) -> CalendarLink:
    """Answer the link as it is now; a new one gives way to one that another attempt made meanwhile."""
    if before.revision:
        return found_link(rows.links.get(before.id), before.id)
    links = rows.links_of_account(before.account_id)
    return next((link for link in links if link.provider_subject == consent.subject), before)


def digest_of(state: str) -> str:
    """Answer what an attempt is stored under."""
    return hashlib.sha256(state.encode()).hexdigest()


def challenge_of(verifier: str) -> str:
    """Answer PKCE's S256 challenge of a code verifier (RFC 7636, section 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


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
