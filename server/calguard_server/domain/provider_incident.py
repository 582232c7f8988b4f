"""Provider incidents: many unrelated links that fail alike at once are the provider's trouble, or ours.

1. Trouble comes in kinds. An answer of 5xx and no answer at all are one kind; every other reason that could fail a
   link is a kind of its own. What never fails a link, and what is the operator's, makes no incident.
2. An incident opens when, within the window, at least `least_accounts` unrelated ones AND at least `share` of the links
   checked met the same kind. It ends when that has been below the half for a whole window.
3. While it is open, its kind holds links DEGRADED; other kinds fail links as ever. After it, what lasts is counted from
   its end.
4. What waiting mends is held until it is over. What only people can mend is held for `hold_most` at most: by then the
   operator knows, and a page must not go on for ever without calendars.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from calguard_server.domain.causes import RULES, CauseReason, Finding, Severity, severity_of

_NO_ANSWER = frozenset({CauseReason.PROVIDER_UNAVAILABLE, CauseReason.NETWORK_ERROR})
_CAN_FAIL = frozenset({Severity.FAIL, Severity.CONFIRM, Severity.TRANSIENT})
_SHOWN_FOR = timedelta(days=1)


class ProviderState(StrEnum):
    """How the provider is, as far as the links show."""

    OPERATIONAL = "OPERATIONAL"
    INCIDENT = "INCIDENT"


class IncidentPolicy(Struct, frozen=True):
    """When trouble is an incident; docs/incidents.md tells why these defaults. `share` is between 0 and 1."""

    window: timedelta = timedelta(minutes=5)
    least_accounts: int = 10
    share: float = 0.05
    hold_most: timedelta = timedelta(hours=24)


class ProviderIncident(Struct, frozen=True, kw_only=True):
    """One incident. `reason` names its kind.

    `accounts_affected` and `links_checked` are those of the window when it opened; once it is over, of its worst one.
    """

    id: str
    reason: CauseReason
    open_time: datetime
    end_time: datetime | None = None
    accounts_affected: int
    links_checked: int


class ProviderStatus(Struct, frozen=True, kw_only=True):
    """The provider as the links show it; `incidents` are the open ones, and those that ended within a day.

    `revision` is 0 until the first incident.
    """

    id: str
    incidents: tuple[ProviderIncident, ...]
    revision: int
    update_time: datetime

    @property
    def state(self) -> ProviderState:
        """Whether an incident is open."""
        return ProviderState.INCIDENT if any(self.open_incidents) else ProviderState.OPERATIONAL

    @property
    def open_incidents(self) -> tuple[ProviderIncident, ...]:
        """The incidents that are not over."""
        return tuple(each for each in self.incidents if each.end_time is None)

    def open_incident(self, kind: CauseReason) -> ProviderIncident | None:
        """Answer the open incident of a kind."""
        return next((each for each in self.open_incidents if each.reason is kind), None)


GOOGLE = "google"
"""The id of the one provider there is."""


def never_troubled(now: datetime) -> ProviderStatus:
    """Answer the status of a provider that never had an incident."""
    return ProviderStatus(id=GOOGLE, incidents=(), revision=0, update_time=now)


class Leniency(Struct, frozen=True):
    """What incidents excuse: reasons `held` fail no link now; for those `eased`, lasting counts from the time given."""

    held: frozenset[CauseReason] = frozenset()
    eased: tuple[tuple[CauseReason, datetime], ...] = ()

    def holds(self, finding: Finding) -> bool:
        """Tell whether a finding is excused: what fails no link anyway is no incident's."""
        return finding.reason in self.held and kind_of(finding) is not None

    def since(self, reason: CauseReason, first: datetime) -> datetime:
        """Tell from when a failure counts that was first met at a time: from the end of an incident that it was in."""
        return max((first, *(end for eased, end in self.eased if eased is reason)))


STRICT = Leniency()


class IncidentReason(StrEnum):
    """Why a decision on an incident was made."""

    QUIET = "QUIET"
    OPENS = "OPENS"
    GOES_ON = "GOES_ON"
    CALMS_DOWN = "CALMS_DOWN"
    OVER = "OVER"


def kind_of(finding: Finding) -> CauseReason | None:
    """Name the kind of trouble that a finding is of; None where it can be no incident's."""
    if severity_of(finding) not in _CAN_FAIL or finding.reason is CauseReason.RATE_LIMITED:
        return None
    return CauseReason.PROVIDER_UNAVAILABLE if finding.reason in _NO_ANSWER else finding.reason


def judge_incident(
    failing: int,
    checked: int,
    open_incident: ProviderIncident | None,
    calm_since: datetime | None,
    now: datetime,
    policy: IncidentPolicy,
) -> IncidentReason:
    """Judge one kind of trouble: `failing` unrelated ones of the links `checked` within the window.

    `calm_since` is since when it has been below the half, None where it is not.
    """
    limit = max(policy.least_accounts, policy.share * checked)
    if open_incident is None:
        return IncidentReason.OPENS if failing >= limit else IncidentReason.QUIET
    if failing * 2 >= limit:
        return IncidentReason.GOES_ON
    lasted = calm_since is not None and now - calm_since >= policy.window
    return IncidentReason.OVER if lasted else IncidentReason.CALMS_DOWN


def open_incident(status: ProviderStatus, incident: ProviderIncident) -> ProviderStatus:
    """Add an incident, and leave out those that were over long ago."""
    since = incident.open_time - _SHOWN_FOR
    kept = tuple(each for each in status.incidents if each.end_time is None or each.end_time > since)
    return replace(status, incidents=(*kept, incident), update_time=incident.open_time)


def end_incident(status: ProviderStatus, ended: ProviderIncident, now: datetime) -> ProviderStatus:
    """Put the incident as it ended in the place of the open one."""
    incidents = tuple(replace(ended, end_time=now) if each.id == ended.id else each for each in status.incidents)
    return replace(status, incidents=incidents, update_time=now)


def leniency_of(status: ProviderStatus, now: datetime, policy: IncidentPolicy) -> Leniency:
    """Tell what the incidents excuse now."""
    if not status.incidents:
        return STRICT
    held = {
        reason for incident in status.open_incidents if _holds(incident, now, policy) for reason in _reasons(incident)
    }
    eased = tuple(
        (reason, incident.end_time)
        for incident in status.incidents
        if incident.end_time is not None
        for reason in _reasons(incident)
    )
    return Leniency(frozenset(held), eased)


def _holds(incident: ProviderIncident, now: datetime, policy: IncidentPolicy) -> bool:
    return waiting_mends(incident.reason) or now - incident.open_time < policy.hold_most


def waiting_mends(kind: CauseReason) -> bool:
    """Tell whether a kind of trouble passes by itself."""
    return RULES[kind].severity is Severity.TRANSIENT


def _reasons(incident: ProviderIncident) -> frozenset[CauseReason]:
    return _NO_ANSWER if incident.reason is CauseReason.PROVIDER_UNAVAILABLE else frozenset({incident.reason})
