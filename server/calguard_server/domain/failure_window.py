"""What the latest checks met, within a sliding window: how many unrelated ones failed alike, of how many checked.

Of each link the latest check counts. Links are related where one thing can fail them all: where the provider does not
answer, only those of one account; for what people can mend, those of one organization (the domain of their Google
accounts; at a public mail provider each is its own), and for a calendar that is gone, those that check that calendar.
"""

from collections import Counter, OrderedDict, defaultdict
from datetime import datetime, timedelta

from msgspec import Struct

from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.provider_incident import kind_of, waiting_mends

_PUBLIC_DOMAINS = frozenset({"gmail.com", "googlemail.com"})
"""Where each address is somebody of their own: Google's consumer domains."""


class _Sample(Struct, frozen=True):
    time: datetime
    kind: CauseReason | None
    origin: str


class FailureWindow:
    """Adding a check, and counting, cost the same however many links there are."""

    def __init__(self, span: timedelta) -> None:
        self._span = span
        self._latest: OrderedDict[str, _Sample] = OrderedDict()
        self._origins: defaultdict[CauseReason, Counter[str]] = defaultdict(Counter)

    def add(self, link: CalendarLink, findings: tuple[Finding, ...], now: datetime) -> CauseReason | None:
        """Take in a check of a link as it stood before; answers the kind of trouble that it met.

        A link that is FAILED already and fails again is no news: it counts neither way.
        """
        found = next(((kind, each) for each in findings if (kind := kind_of(each)) is not None), None)
        self._drop(link.id)
        self._expire(now)
        if found is None:
            self._latest[link.id] = _Sample(now, None, "")
            return None
        kind, finding = found
        if link.state is LinkState.FAILED:
            return None
        sample = _Sample(now, kind, _origin(link, finding, kind))
        self._latest[link.id] = sample
        self._origins[kind][sample.origin] += 1
        return kind

    def failing(self, kind: CauseReason, now: datetime) -> int:
        """Count the unrelated ones that met a kind of trouble."""
        self._expire(now)
        return len(self._origins[kind])

    def checked(self, now: datetime) -> int:
        """Count the links checked."""
        self._expire(now)
        return len(self._latest)

    def _expire(self, now: datetime) -> None:
        while self._latest:
            link_id, sample = next(iter(self._latest.items()))
            if now - sample.time < self._span:
                return
            self._drop(link_id)

    def _drop(self, link_id: str) -> None:
        sample = self._latest.pop(link_id, None)
        if sample is None or sample.kind is None:
            return
        origins = self._origins[sample.kind]
        origins[sample.origin] -= 1
        if not origins[sample.origin]:
            del origins[sample.origin]


def _origin(link: CalendarLink, finding: Finding, kind: CauseReason) -> str:
    if waiting_mends(kind):
        return link.account_id
    if finding.calendar_id:
        return finding.calendar_id
    _, _, domain = link.provider_email.lower().rpartition("@")
    return link.account_id if not domain or domain in _PUBLIC_DOMAINS else domain
