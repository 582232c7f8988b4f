"""What is seen from outside, in plain words: links, pages, changes. Knows nothing of the server's own types."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import cause_pb2 as causes_pb
from calguard.v1 import provider_pb2 as provider_pb
from calguard.v1 import slack_pb2
from calguard.v1 import watch_pb2 as watch_pb

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Met:
    """What a probe met. `wait` is what Google asked to wait, in seconds."""

    reason: str
    calendar: str = ""
    capability: str = ""
    wait: float = 0.0


@dataclass(frozen=True)
class Cause:
    """Why a link is not well, and since when without a break."""

    reason: str
    calendar: str
    capability: str
    since: datetime


@dataclass(frozen=True)
class Slack:
    """A Slack address."""

    user: str = ""
    channel: str = ""

    @property
    def reaches(self) -> bool:
        return bool(self.user or self.channel)

    def __str__(self) -> str:
        return self.channel or self.user or "-"


@dataclass(frozen=True)
class LinkView:
    """A link as its watchers see it, but for what changes without a change being told."""

    id: str
    account: str
    email: str
    state: str
    cause: Cause | None
    state_time: datetime
    authorized: bool
    next_action: str
    scopes: tuple[str, ...]
    checks: tuple[str, ...]
    add: str


@dataclass(frozen=True)
class Fault:
    """A faulty member: whose, by which link, why."""

    account: str
    link: str
    cause: Cause


@dataclass(frozen=True)
class PageView:
    """A page as its watchers see it."""

    id: str
    owner: str
    title: str
    mode: str
    members: tuple[tuple[str, int], ...]
    slack: Slack
    state: str
    accepting: bool
    stop_cause: str
    faulty: tuple[Fault, ...]
    state_time: datetime

    @property
    def accounts(self) -> frozenset[str]:
        """Whom the page concerns."""
        return frozenset((self.owner, *(account for account, _ in self.members)))


@dataclass(frozen=True)
class IncidentView:
    """Many links that failed alike, as watchers see it."""

    id: str
    reason: str
    opened: datetime
    ended: datetime | None
    affected: int
    checked: int


@dataclass(frozen=True)
class ProviderView:
    """The provider as watchers see it."""

    state: str
    incidents: tuple[IncidentView, ...]
    id: str = "google"


Thing = LinkView | PageView | ProviderView


@dataclass(frozen=True)
class Seen:
    """One change of the log. `previous` is the state before, where it changed."""

    revision: int
    time: datetime
    type: str
    thing: Thing
    previous: str
    caused_by: int

    @property
    def key(self) -> tuple[str, str]:
        """Which resource it is about."""
        return type(self.thing).__name__, self.thing.id

    def __str__(self) -> str:
        thing = self.thing
        if isinstance(thing, LinkView):
            why = thing.cause.reason if thing.cause else ""
        elif isinstance(thing, ProviderView):
            why = " ".join(each.reason for each in thing.incidents if each.ended is None)
        else:
            why = " ".join((thing.stop_cause, *(fault.account for fault in thing.faulty))).removeprefix("NONE")
        return f"{self.revision} {self.type} {thing.id} {thing.state} {why}".rstrip()


def seen(encoded: bytes) -> Seen:
    """Read a change as it was encoded for watchers."""
    return seen_change(watch_pb.StateChange.FromString(encoded))


def seen_change(change: watch_pb.StateChange) -> Seen:
    thing, previous = _thing(change)
    kind = _word(watch_pb.StateChangeType.Name(change.type), "STATE_CHANGE_TYPE_")
    return Seen(change.revision, time_of(change.time), kind, thing, previous, change.caused_by_revision)


def _thing(change: watch_pb.StateChange) -> tuple[Thing, str]:
    """What a change is of, and the state before it."""
    match change.WhichOneof("resource"):
        case "calendar_link":
            return link_view(change.calendar_link), link_state(change.previous_link_state)
        case "booking_page":
            return page_view(change.booking_page), page_state(change.previous_page_state)
        case _:
            return provider_view(change.provider_status), provider_state(change.previous_provider_state)


def provider_view(status: provider_pb.ProviderStatus) -> ProviderView:
    incidents = (
        IncidentView(
            each.id,
            _word(causes_pb.CauseReason.Name(each.reason), "CAUSE_REASON_"),
            time_of(each.open_time),
            time_of(each.end_time) if each.HasField("end_time") else None,
            each.accounts_affected,
            each.links_checked,
        )
        for each in status.incidents
    )
    return ProviderView(provider_state(status.state), tuple(incidents))


def provider_state(number: provider_pb.ProviderState.ValueType) -> str:
    return _word(provider_pb.ProviderState.Name(number), "PROVIDER_STATE_")


def link_view(link: links_pb.CalendarLink) -> LinkView:
    return LinkView(
        link.id,
        link.account_id,
        link.provider_email,
        link_state(link.state),
        cause_of(link.cause) if link.HasField("cause") else None,
        time_of(link.state_time),
        link.authorized,
        _word(links_pb.NextAction.Name(link.next_action), "NEXT_ACTION_"),
        tuple(link.granted_scopes),
        tuple(link.check_calendar_ids),
        link.add_calendar_id,
    )


def page_view(page: pages_pb.BookingPage) -> PageView:
    return PageView(
        page.id,
        page.owner_account_id,
        page.title,
        _word(pages_pb.SchedulingMode.Name(page.scheduling_mode), "SCHEDULING_MODE_"),
        tuple((member.account_id, member.priority) for member in page.members),
        slack_of(page.slack),
        page_state(page.state),
        page.accepting,
        _word(pages_pb.StopCause.Name(page.stop_cause), "STOP_CAUSE_"),
        tuple(Fault(each.account_id, each.calendar_link_id, cause_of(each.cause)) for each in page.faulty),
        time_of(page.state_time),
    )


def cause_of(cause: causes_pb.Cause) -> Cause:
    return Cause(
        _word(causes_pb.CauseReason.Name(cause.reason), "CAUSE_REASON_"),
        cause.calendar_id,
        _word(causes_pb.Capability.Name(cause.capability), "CAPABILITY_"),
        time_of(cause.since),
    )


def slack_of(slack: slack_pb2.SlackAddress) -> Slack:
    return Slack(slack.user_id, slack.channel_id)


def link_state(number: links_pb.CalendarLinkState.ValueType) -> str:
    return _word(links_pb.CalendarLinkState.Name(number), "CALENDAR_LINK_STATE_")


def page_state(number: pages_pb.BookingPageState.ValueType) -> str:
    return _word(pages_pb.BookingPageState.Name(number), "BOOKING_PAGE_STATE_")


def time_of(stamp: Timestamp) -> datetime:
    return _EPOCH + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)


def _word(name: str, prefix: str) -> str:
    word = name.removeprefix(prefix)
    return "" if word == "UNSPECIFIED" else word
