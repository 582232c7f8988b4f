"""A page that needs Ann and Ben, trouble that befalls Ann's calendars alone, and what there is to be seen of it.

Why "nobody is told" can be asserted: notices and alerts are owed in, or before, the commit that a call waits for;
`heard` then lets time pass until none of them is on its way any more, and answers all that arrived.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp

from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import cause_pb2
from calguard_sandbox.faults.rules import Rule
from tests.e2e.backend import OPERATOR, Backend
from tests.e2e.stubs import ALL, Heard
from tests.patience import PATIENCE_SECONDS

ANN = "ann@example.com"
TEAM = "team@group.calendar.google.com"
ADDS = "bookings@group.calendar.google.com"
STOP, AGAIN = "Booking page stopped: Page page", "Accepting bookings again: Page page"

NEXT_ACTION = {
    "AUTHORIZATION_REVOKED": "RECONNECT",
    "SESSION_POLICY": "RECONNECT",
    "ACCOUNT_UNAVAILABLE": "RECONNECT",
    "AUTHORIZATION_INCOMPLETE": "RECONNECT",
    "ADMIN_BLOCKED": "RECONNECT",
    "SCOPE_MISSING": "RECONNECT",
    "CALENDAR_NOT_VISIBLE": "SELECT_CALENDARS",
    "ADD_CALENDAR_NOT_VISIBLE": "SELECT_CALENDARS",
    "CALENDAR_READ_ONLY": "SELECT_CALENDARS",
    "SELECTION_MISSING": "SELECT_CALENDARS",
    "CALENDAR_SERVICE_OFF": "CONTACT_SUPPORT",
    "ACCESS_FORBIDDEN": "WAIT",
    "RATE_LIMITED": "WAIT",
    "QUOTA_EXHAUSTED": "WAIT",
    "PROVIDER_UNAVAILABLE": "WAIT",
    "NETWORK_ERROR": "WAIT",
    "APP_MISCONFIGURED": "WAIT",
}
"""What the person should do, by the cause's reason: docs/rules.md, said a second time."""

NOT_AUTHORIZED = {reason for reason, action in NEXT_ACTION.items() if action == "RECONNECT"}
"""The reasons with which a FAILED link is not authorized."""


class Link(NamedTuple):
    """A link as its reader sees it."""

    state: str
    reason: str = ""
    calendar: str = ""
    capability: str = ""
    action: str = "NONE"
    authorized: bool = True


class Page(NamedTuple):
    """A page as its reader sees it; `faulty` are accounts with the reasons."""

    state: str
    stop_cause: str = "NONE"
    accepting: bool = True
    faulty: tuple[tuple[str, str], ...] = ()


WELL = Link("LINKED")
GOING_ON, BEARING_IT = Page("LINKED"), Page("DEGRADED")


@dataclass
class Scene:
    """Olga's page, which needs Ann and Ben. Ann's link checks two calendars and adds to a third."""

    backend: Backend
    ann: links_pb.CalendarLink
    ben: links_pb.CalendarLink
    rule: Rule | None = None
    lost_key: str = ""

    async def check(self) -> Link:
        """Check Ann's link now."""
        return shown(await self.backend.check(self.ann.id))

    async def link(self) -> links_pb.CalendarLink:
        return await self.backend.calendar_link(self.ann.id)

    async def page(self) -> Page:
        page = await self.backend.page("page")
        return Page(
            pages_pb.BookingPageState.Name(page.state).removeprefix("BOOKING_PAGE_STATE_"),
            pages_pb.StopCause.Name(page.stop_cause).removeprefix("STOP_CAUSE_"),
            page.accepting,
            tuple((faulty.account_id, name_of(faulty.cause.reason)) for faulty in page.faulty),
        )

    async def heard(self) -> list[Heard]:
        """All that arrived since this was asked last, by e-mail and by Slack, once nothing is on its way any more."""
        return await self.backend.heard_since_settled()

    async def pass_time(self, **duration: float) -> None:
        await self.backend.pass_time(**duration)

    async def checked_when_due(self) -> Link:
        """Move time to the next check of Ann's link, and wait until the check loop has made it."""
        due = moment(await self.link_time("next_check_time"))
        self.backend.clock.advance(due - self.backend.clock.now())
        return shown(await self.checked_since(self.ann, due))

    async def checked_since(self, link: links_pb.CalendarLink, since: datetime) -> links_pb.CalendarLink:
        """Wait until the check loop has checked a link; time moves on meanwhile."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            for looks in itertools.count():
                found = await self.backend.calendar_link(link.id)
                if moment(found.last_check_time) >= since:
                    break
                self.backend.wake_workers(looks)
        return found

    async def link_time(self, field: str) -> Timestamp:
        time: Timestamp = getattr(await self.link(), field)
        return time

    def asked_of_google(self, endpoint: str, *, after: int = 0) -> int:
        """How often Ann's calendars, or her tokens, were asked for at an endpoint."""
        notes = (entry.record for entry in self.backend.sandbox.google_requests.after(after))
        return sum(note.endpoint == endpoint and ANN in note.users for note in notes)

    def strike(self, fault: str | dict[str, object], endpoint: str, calendar: str = "", **more: int) -> None:
        """Let Google answer Ann wrongly. What is asked of the token endpoint is asked at the next check."""
        if endpoint == "token":
            self.backend.sandbox.google.expire_access_tokens(ANN)
        self.rule = self.backend.sandbox.fault(
            fault, surface="google", endpoint=endpoint, user=ANN, calendar_id=calendar or None, **more
        )

    async def relink(self, **fields: object) -> None:
        """Ann connects again, as a person does, in the browser."""
        await self.backend.relink(self.ann, **fields)

    async def select(self, check: Iterable[str], add: str) -> None:
        await self.backend.select(self.ann.id, check, add)

    async def recover(self, mend: "Act") -> None:
        """Mend it, and have both links checked."""
        await mend(self)
        assert await self.check() == WELL
        await self.backend.check(self.ben.id)
        assert await self.page() == GOING_ON


Act = Callable[[Scene], Awaitable[None]]


async def set_scene(backend: Backend) -> Scene:
    for account_id in ("ann", "ben", "olga"):
        await backend.add_account(account_id)
    backend.sandbox.google.add_calendar(ANN, ADDS, summary="Bookings")
    ann, ben = await backend.link("ann"), await backend.link("ben")
    ann = await backend.select(ann.id, [ANN, TEAM], ADDS)
    await backend.add_page("page", ALL, "olga", "ann", "ben")
    return Scene(backend, ann, ben)


@dataclass(frozen=True)
class Trouble:
    """What goes wrong, and how it is taken away again. `fault` is what the sandbox is told to answer, if that is it."""

    begin: Act
    end: Act
    fault: str | dict[str, object] = ""


def struck(fault: str | dict[str, object], endpoint: str = "", calendar: str = "") -> Trouble:
    """Google answers so, from now on; the endpoint is `token` or `freebusy` where none is named."""
    endpoint = endpoint or ("token" if isinstance(fault, str) and fault.startswith("token/") else "freebusy")

    async def begin(scene: Scene) -> None:
        scene.strike(fault, endpoint, calendar)

    async def end(scene: Scene) -> None:
        scene.backend.sandbox.faults.clear()

    return Trouble(begin, end, fault)


def at_google(begin: Callable[[Scene], object], end: Callable[[Scene], object] = lambda _: None) -> Trouble:
    """Something is changed at Google, and changed back."""

    async def begun(scene: Scene) -> None:
        begin(scene)

    async def ended(scene: Scene) -> None:
        end(scene)

    return Trouble(begun, ended)


def with_one_calendar(trouble: Trouble) -> Trouble:
    """The same for a link that checks one calendar only."""

    async def begin(scene: Scene) -> None:
        await scene.select([TEAM], ADDS)
        await trouble.begin(scene)

    return Trouble(begin, trouble.end, trouble.fault)


async def next_check(_scene: Scene) -> None:
    """Nothing more has to be done: the next check finds out."""


async def reconnect(scene: Scene) -> None:
    """Ann connects again, with every box ticked."""
    await scene.relink()


async def choose_others(scene: Scene) -> None:
    """Ann selects her own calendar for both."""
    await scene.select([ANN], ANN)


def shown(link: links_pb.CalendarLink) -> Link:
    return Link(
        links_pb.CalendarLinkState.Name(link.state).removeprefix("CALENDAR_LINK_STATE_"),
        name_of(link.cause.reason) if link.HasField("cause") else "",
        link.cause.calendar_id,
        cause_pb2.Capability.Name(link.cause.capability).removeprefix("CAPABILITY_").replace("UNSPECIFIED", ""),
        links_pb.NextAction.Name(link.next_action).removeprefix("NEXT_ACTION_"),
        link.authorized,
    )


def failed(reason: str, calendar: str = "", capability: str = "") -> Link:
    return Link("FAILED", reason, calendar, capability, NEXT_ACTION[reason], reason not in NOT_AUTHORIZED)


def degraded(reason: str, calendar: str = "", capability: str = "") -> Link:
    return Link("DEGRADED", reason, calendar, capability, NEXT_ACTION[reason])


def stopped(reason: str) -> Page:
    return Page("STOPPED", "CALENDAR_FAILURE", accepting=False, faulty=(("ann", reason),))


def told(subject: str, *people: str) -> list[Heard]:
    """One e-mail and one Slack message to each."""
    return sorted((channel, f"{name}@example.com", subject) for channel in ("EMAIL", "SLACK") for name in people)


def alerted(reason: str) -> list[Heard]:
    """One alert by e-mail and one by Slack to the operator."""
    return [(channel, to, f"Operator alert: {reason}") for channel, to in (("EMAIL", OPERATOR), ("SLACK", "ops"))]


def name_of(reason: cause_pb2.CauseReason.ValueType) -> str:
    return cause_pb2.CauseReason.Name(reason).removeprefix("CAUSE_REASON_")


def moment(time: Timestamp) -> datetime:
    return time.ToDatetime(UTC)
