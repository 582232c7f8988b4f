"""Use cases of linking: begin (the address of the consent page) and complete (what it sent back).

1. An attempt is good once, and until it expires, or a link that it could renew is ended: see attempts.py.
2. What the consent page sent back becomes a consent here, and a consent becomes a link in completing.py.
3. Every refusal of an attempt that is known names what to begin again with.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import assert_never

from msgspec import Struct

from calguard_server.domain.causes import RULES, CauseReason, Severity
from calguard_server.domain.consent import ConsentError, judge_consent_error
from calguard_server.domain.errors import CalguardError, FailedPreconditionError, UnavailableError
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.secret import Secret
from calguard_server.engine.attempts import claim, digest_of, naming, refuse_superseded
from calguard_server.engine.completing import Completion
from calguard_server.engine.context import Context
from calguard_server.engine.found import found_account, found_link
from calguard_server.engine.link_attempt import LinkAttempt
from calguard_server.engine.locks import LinkLocks
from calguard_server.engine.operator_alerts import OperatorAlerts
from calguard_server.engine.ports.provider import AuthorizationRequest, CalendarProvider, Consent
from calguard_server.engine.ports.provider_errors import CodeRefusedError, IdentityUnverifiedError, ProviderFailureError
from calguard_server.engine.requests import Request, refuse_replay_of
from calguard_server.engine.revoking import GrantRevoker
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.working_set import Unit, WorkingSet


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


class Linking:
    """Links Google accounts to accounts, and links them again.

    `redirect_uri` answers the server's own callback: its port is known only once it listens.
    """

    def __init__(
        self,
        context: Context,
        provider: CalendarProvider,
        revoker: GrantRevoker,
        locks: LinkLocks,
        alerts: OperatorAlerts,
        redirect_uri: Callable[[], str],
    ) -> None:
        self._context = context
        self._provider = provider
        self._completion = Completion(context, provider, revoker, locks, alerts)
        self._alerts = alerts
        self._redirect_uri = redirect_uri

    async def begin(self, wish: Wish, request: Request | None = None) -> Begun:
        """Begin an attempt.

        Raises NotFoundError, FailedPreconditionError `CALENDAR_LINK_OF_ANOTHER_ACCOUNT`.
        """
        await refuse_replay_of(self._context.store, request)
        state, verifier = secrets.token_hex(32), secrets.token_urlsafe(64)  # no state begins with a hyphen: it is typed
        attempt = self._attempt(wish, state, verifier)

        def decide(rows: WorkingSet) -> Begun:
            found_account(rows.accounts.get(wish.account_id), wish.account_id)
            link = _link_to_renew(rows, wish)
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
        `ATTEMPT_SUPERSEDED`, `ACCESS_DENIED`, `ADMIN_BLOCKED`, `CONSENT_FAILED`, `CODE_REFUSED`,
        `IDENTITY_UNVERIFIED`, `OFFLINE_ACCESS_MISSING`, `GRANT_VOID`, `PROVIDER_ACCOUNT_MISMATCH`,
        `APP_MISCONFIGURED`), AlreadyExistsError `PROVIDER_ACCOUNT_LINKED`, NotFoundError, UnavailableError.
        """
        attempt = await claim(self._context, state)
        try:
            if error:
                raise await self._consent_refusal(judge_consent_error(error))
            return await self._completion.complete(attempt, await self._exchange(attempt, code))
        except CalguardError as refusal:
            raise naming(attempt, refusal) from None

    def _attempt(self, wish: Wish, state: str, verifier: str) -> LinkAttempt:
        now = self._context.clock.now()
        return LinkAttempt(
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

    async def _consent_refusal(self, error: ConsentError) -> CalguardError:
        match error:
            case ConsentError.DECLINED:
                return FailedPreconditionError(
                    "ACCESS_DENIED", "the permission was not given at Google: begin again, and approve it there"
                )
            case ConsentError.ADMIN_BLOCKED:
                return _failure_refusal(CauseReason.ADMIN_BLOCKED)
            case ConsentError.UNAVAILABLE:
                return _failure_refusal(CauseReason.PROVIDER_UNAVAILABLE)
            case ConsentError.MISCONFIGURED:
                return await self._exchange_refusal(CauseReason.APP_MISCONFIGURED)
            case ConsentError.OTHER:
                return FailedPreconditionError(
                    "CONSENT_FAILED", "Google's consent page sent back an error instead of a permission: begin again"
                )
            case _:
                assert_never(error)

    async def _exchange(self, attempt: LinkAttempt, code: str) -> Consent:
        try:
            return await self._provider.exchange(code, attempt.code_verifier, attempt.redirect_uri)
        except CodeRefusedError:
            refuse_superseded(attempt)  # ending the link has made the code void
            raise FailedPreconditionError(
                "CODE_REFUSED", "Google did not accept the authorization code: begin again"
            ) from None
        except IdentityUnverifiedError as unverified:
            raise await self._completion.discard(
                unverified.grant,
                FailedPreconditionError(
                    "IDENTITY_UNVERIFIED", "Google's answer did not prove whose account it is: begin again"
                ),
            ) from None
        except ProviderFailureError as failure:
            raise await self._exchange_refusal(failure.reason) from None

    async def _exchange_refusal(self, reason: CauseReason) -> CalguardError:
        if RULES[reason].severity is Severity.OPERATOR:
            await self._alerts.alert(reason)
        return _failure_refusal(reason)


def _failure_refusal(reason: CauseReason) -> CalguardError:
    rule, cause = RULES[reason], {"cause": reason.value}
    if reason in (CauseReason.APP_MISCONFIGURED, CauseReason.ADMIN_BLOCKED):
        return FailedPreconditionError(reason.value, f"{rule.message} {rule.remedy}", metadata=cause)
    if rule.severity in (Severity.TRANSIENT, Severity.OPERATOR):
        return UnavailableError("PROVIDER_UNREACHABLE", f"{rule.message} Begin again later.", metadata=cause)
    return FailedPreconditionError("CODE_REFUSED", f"{rule.message} {rule.remedy}", metadata=cause)


def _link_to_renew(rows: WorkingSet, wish: Wish) -> CalendarLink | None:
    if not wish.calendar_link_id:
        return None
    link = found_link(rows.links.get(wish.calendar_link_id), wish.calendar_link_id)
    if link.account_id != wish.account_id:
        raise FailedPreconditionError(
            "CALENDAR_LINK_OF_ANOTHER_ACCOUNT",
            f"calendar link {link.id} does not belong to account {wish.account_id}",
        )
    return link


def challenge_of(verifier: str) -> str:
    """Answer PKCE's S256 challenge of a code verifier (RFC 7636, section 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
