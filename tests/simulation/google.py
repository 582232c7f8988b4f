"""Google as this simulation has it: accounts with calendars, grants, and whatever a step lets go wrong with them.

It takes its time, answers what its faults say, and notes down each answer for the model, in plain words.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from calguard_server.domain.causes import Capability, CauseReason, Finding
from calguard_server.domain.scopes import REQUESTED_SCOPES
from calguard_server.domain.secret import Secret
from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.ports.provider import (
    AuthorizationRequest,
    Consent,
    FreeEvents,
    Probe,
    ProbeRequest,
    ProviderCalendar,
)
from calguard_server.engine.ports.provider_errors import CodeRefusedError, IdentityUnverifiedError, ProviderFailureError
from tests.simulation.plain import Met
from tests.simulation.wishes import ASKED_BY, HANDED_OUT, Agreed, Listing, Probed, Wish

WITHOUT_ADDING = tuple(scope for scope in REQUESTED_SCOPES if not scope.endswith("calendar.events"))
WITHOUT_CHECKING = tuple(scope for scope in REQUESTED_SCOPES if not scope.endswith("calendar.freebusy"))
WITHOUT_LISTING = tuple(scope for scope in REQUESTED_SCOPES if not scope.endswith("calendarlist.readonly"))


_AT_A_FIRM = ("ann-1", "ben-1", "cleo-1")


@dataclass
class GoogleAccount:
    """One Google account. A fault comes with a chance, in [0, 1], of showing in a probe.

    `grants` counts how often all that was granted was revoked: a token with a lower number is void.
    """

    subject: str
    scopes: tuple[str, ...] = REQUESTED_SCOPES
    faults: list[tuple[Finding, float]] = field(default_factory=list)
    grants: int = 0

    @property
    def email(self) -> str:
        return f"{self.subject}@{'firm.test' if self.subject in _AT_A_FIRM else 'gmail.com'}"

    @property
    def calendars(self) -> tuple[ProviderCalendar, ...]:
        roles = {"primary": "owner", "work": "writer", "holidays": "reader", "busy": "freeBusyReader"}
        gone = {finding.calendar_id for finding, _ in self.faults if finding.reason.value.endswith("NOT_VISIBLE")}
        listed = (
            ProviderCalendar(f"{name}-{self.subject}", name.title(), role, primary=name == "primary")
            for name, role in roles.items()
        )
        return tuple(calendar for calendar in listed if calendar.id not in gone)


@dataclass(frozen=True)
class Code:
    """What an authorization code stands for: whose consent, and how the exchange goes."""

    subject: str
    scopes: tuple[str, ...] = REQUESTED_SCOPES
    goes: str = "well"
    fault: CauseReason = CauseReason.PROVIDER_UNAVAILABLE


class Google:
    """The provider's port. `probed` is told of each probe's answer, `revoking` of each revocation before it is made."""

    def __init__(
        self,
        clock: Clock,
        random: Random,
        probed: Callable[[Probed], None],
        revoking: Callable[[str, Wish | None], None],
    ) -> None:
        self.accounts: dict[str, GoogleAccount] = {}
        self.codes: dict[str, Code] = {}
        self.asking = 0
        self.probing: set[str] = set()
        self.met: Counter[str] = Counter()
        self._clock = clock
        self._random = random
        self._probed = probed
        self._revoking = revoking

    def account(self, subject: str) -> GoogleAccount:
        return self.accounts.setdefault(subject, GoogleAccount(subject))

    def authorization_url(self, request: AuthorizationRequest) -> str:
        return f"https://google.test/consent?state={request.state}"

    async def exchange(self, code: str, code_verifier: Secret, redirect_uri: str) -> Consent:  # noqa: ARG002 - the port's
        await self._time_passes()
        known = self.codes[code]
        match known.goes:
            case "refused":
                raise CodeRefusedError
            case "unverified":
                raise IdentityUnverifiedError("not signed by Google")
            case "fails":
                raise ProviderFailureError(Finding(known.fault))
        account = self.account(known.subject)
        account.scopes = known.scopes
        token = Secret(f"{known.subject} {account.grants}")
        lasting = None if known.goes == "for a while" else token
        wish = ASKED_BY.get()
        assert wish is not None
        wish.consent = Agreed(known.subject, account.email, known.scopes)
        return Consent(known.subject, account.email, known.scopes, lasting, access_token=token)

    async def probe(self, request: ProbeRequest) -> Probe:
        begun = self._clock.now()
        self.probing.add(request.calendar_link_id)
        try:
            await self._time_passes()
        finally:
            self.probing.discard(request.calendar_link_id)
        account = self._account_of(request.grant)
        findings = tuple(
            finding for finding, chance in account.faults if _shows(finding, request) and self._random.random() < chance
        )
        if self._is_void(request.grant):
            findings = (Finding(CauseReason.AUTHORIZATION_REVOKED),)
        scopes = account.scopes if self._random.random() < 0.5 else None
        met = tuple(_plain(finding) for finding in findings)
        self.met.update(each.reason for each in met or (Met("nothing"),))
        self._probed(
            Probed(
                request.calendar_link_id,
                request.check_calendar_ids,
                request.add_calendar_id,
                met,
                scopes,
                begun,
                self._clock.now(),
                asyncio.current_task(),
                ASKED_BY.get(),
                HANDED_OUT.get(),
            )
        )
        return Probe(findings, scopes)

    async def list_calendars(self, calendar_link_id: str, grant: Grant) -> Sequence[ProviderCalendar]:  # noqa: ARG002 - the port's
        await self._time_passes()
        account, wish = self._account_of(grant), ASKED_BY.get()
        assert wish is not None
        whole = (finding for finding, _ in account.faults if not finding.calendar_id and finding.capability is None)
        failing = next(whole, None)
        if failing is None and not any(scope.endswith("calendarlist.readonly") for scope in grant.granted_scopes):
            failing = Finding(CauseReason.SCOPE_MISSING, capability=Capability.LIST)
        shown = account.calendars
        roles = tuple((each.id, each.access_role, each.primary) for each in shown)
        wish.listings.append(Listing(None, roles) if failing is None else Listing(_plain(failing)))
        if failing is not None:
            raise ProviderFailureError(failing)
        return shown

    async def refresh(self, calendar_link_id: str, grant: Grant) -> tuple[str, ...] | None:  # noqa: ARG002 - the port's
        await self._time_passes()
        return self._account_of(grant).scopes

    async def count_free_events(
        self,
        calendar_link_id: str,  # noqa: ARG002 - the port's
        grant: Grant,  # noqa: ARG002 - the port's
        calendar_id: str,  # noqa: ARG002 - the port's
        start: datetime,  # noqa: ARG002 - the port's
        end: datetime,  # noqa: ARG002 - the port's
    ) -> FreeEvents:
        await self._time_passes()
        return FreeEvents(0, more=False, access_role="owner")

    def read_failure(self, http_status: int, body: str) -> CauseReason | None:  # noqa: ARG002 - the port's
        return CauseReason.PROVIDER_UNAVAILABLE if http_status >= 500 else None

    async def revoke(self, grant: Grant) -> bool:
        """Revoke all that the Google account's person granted to this service, as Google does."""
        account = self._account_of(grant)
        self._revoking(account.subject, ASKED_BY.get())
        await self._time_passes()
        confirmed = self._random.random() < 0.8
        account.grants += confirmed
        return confirmed

    def _account_of(self, grant: Grant) -> GoogleAccount:
        return self.account(grant.refresh_token.reveal().split()[0])

    def _is_void(self, grant: Grant) -> bool:
        subject, number = grant.refresh_token.reveal().split()
        return int(number) < self.account(subject).grants

    def forget(self, calendar_link_id: str) -> None: ...

    async def _time_passes(self) -> None:
        """Mostly some milliseconds, at times many seconds."""
        self.asking += 1
        try:
            most = 12_000 if self._random.random() < 0.03 else 80
            await self._clock.sleep(timedelta(milliseconds=self._random.random() * most))
        finally:
            self.asking -= 1


def _shows(finding: Finding, request: ProbeRequest) -> bool:
    """What concerns a calendar, or adding, shows only where that is what is probed."""
    if finding.reason is CauseReason.CALENDAR_NOT_VISIBLE:
        return finding.calendar_id in request.check_calendar_ids
    if finding.calendar_id:
        return finding.calendar_id == request.add_calendar_id
    return finding.capability is not Capability.ADD or bool(request.add_calendar_id)


def _plain(finding: Finding) -> Met:
    wait = finding.retry_after.total_seconds() if finding.retry_after is not None else 0.0
    capability = finding.capability.value if finding.capability is not None else ""
    return Met(finding.reason.value, finding.calendar_id, capability, wait)
