"""Notices as the model keeps them: what is owed to whom, what came of it, and how pages and links stood when."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.simulation.plain import LinkView, PageView

STOPPED, ANOTHER, AGAIN, REMINDER = "PAGE_STOPPED", "MEMBER_FAULTY", "PAGE_RESTARTED", "REMINDER"
FAILED, MENDED = "LINK_FAILED", "LINK_RECOVERED"

Key = tuple[str, int, str, str, str, tuple[str, ...], datetime]
"""Page or link, revision, kind, recipient, channel, whom it names, and when: what tells one notice from every other."""


def about_link(link_id: str) -> str:
    """What stands in a key in place of a page."""
    return f"link {link_id}"


@dataclass(frozen=True)
class Moment:
    """A page, or a link, from a moment on; None once it is deleted. `incident` is None where none is open."""

    since: datetime
    view: PageView | None
    incident: int | None
    revision: int = 0
    link: LinkView | None = None

    @property
    def faulty(self) -> dict[str, str]:
        return {fault.account: fault.cause.reason for fault in self.view.faulty} if self.view else {}

    @property
    def link_ids(self) -> tuple[str, ...]:
        """The links at fault on a page."""
        return tuple(fault.link for fault in self.view.faulty) if self.view else ()


@dataclass
class Attempt:
    """One try to send: `outcome` is sent, temporary, permanent, doubtful, or unknown where the server ended first."""

    begun: datetime
    ended: datetime | None = None
    outcome: str = ""
    wait: timedelta = timedelta()
    group_attempts: int = 0

    @property
    def may_have_arrived(self) -> bool:
        return self.outcome in ("sent", "doubtful", "unknown")


@dataclass(eq=False)
class Owed:
    """One notice to one recipient by one channel.

    `occasion` is what it is about, whenever it is told. `certain`: that it is owed does not depend on a claim unseen.
    `claim_lost`: the server ended after it had claimed it; for all that is known it may have been sent. `dropped` is
    when it was seen to be suppressed, `silenced` that it was for a silence. `retried` is when it was last retried by
    hand, `before` how many attempts there were by then, `lost_before` whether a claim was lost by then. `discarded`: it
    was given up by hand.
    """

    key: Key
    incident: int
    occasion: str
    created: datetime
    number: int
    certain: bool = True
    attempts: list[Attempt] = field(default_factory=list)
    claim_lost: bool = False
    dropped: datetime | None = None
    silenced: bool = False
    discarded: bool = False
    retried: datetime | None = None
    before: int = 0
    lost_before: bool = False

    @property
    def page(self) -> str:
        return self.key[0]

    @property
    def kind(self) -> str:
        return self.key[2]

    @property
    def recipient(self) -> str:
        return self.key[3]

    @property
    def channel(self) -> str:
        return self.key[4]

    @property
    def named(self) -> tuple[str, ...]:
        return self.key[5]

    @property
    def since(self) -> datetime:
        """Since when it is to be sent."""
        return self.retried or self.created

    @property
    def recent(self) -> list[Attempt]:
        """The attempts since then."""
        return self.attempts[self.before :]

    def retry(self, now: datetime) -> None:
        """It begins afresh."""
        self.retried, self.before = now, len(self.attempts)
        self.claim_lost, self.lost_before = False, self.claim_lost or self.lost_before

    @property
    def may_have_arrived(self) -> bool:
        return self.claim_lost or self.lost_before or any(attempt.may_have_arrived for attempt in self.attempts)

    @property
    def sent(self) -> bool:
        return any(attempt.outcome == "sent" for attempt in self.attempts)


@dataclass(frozen=True)
class Occasion:
    """A change of a page that is to be told, and whom it names."""

    page: PageView
    kind: str
    named: tuple[str, ...]
    revision: int
    now: datetime

    @property
    def name(self) -> str:
        return f"{self.kind} {self.named}" if self.kind == ANOTHER else self.kind

    def key(self, recipient: str, channel: str) -> Key:
        return (self.page.id, self.revision, self.kind, recipient, channel, self.named, self.now)


@dataclass
class Incident:
    """A stop by rule, until the page accepts bookings again. `reminded` are the reminders whose time is over."""

    number: int
    page: str
    opened: datetime
    owed: list[Owed] = field(default_factory=list)
    reminded: set[timedelta] = field(default_factory=set)

    def of(self, recipient: str, channel: str) -> list[Owed]:
        """What it owes somebody by a channel, in the order in which that was decided."""
        return [owed for owed in self.owed if (owed.recipient, owed.channel) == (recipient, channel)]
