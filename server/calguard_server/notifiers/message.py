"""What a notice says, as facts: all that the texts need, and where the message goes."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from calguard_server.domain.account import Locale, SlackAddress
from calguard_server.domain.causes import Capability, CauseReason
from calguard_server.domain.conversation import Post
from calguard_server.domain.notices import NoticeKind
from calguard_server.domain.page import SchedulingMode
from calguard_server.domain.secret import Secret


class AlertTopic(StrEnum):
    """What the operator is alerted of."""

    PROVIDER_SIDE = "PROVIDER_SIDE"  # only the operator can mend it at Google: the reason is a CauseReason
    INCIDENT_OPENED = "INCIDENT_OPENED"  # many unrelated links fail alike: the reason is a CauseReason
    INCIDENT_OVER = "INCIDENT_OVER"  # they do no more
    SLACK_BROKEN = "SLACK_BROKEN"  # a Slack workspace refuses its token: the detail names it and Slack's code
    DELIVERY_DEAD = "DELIVERY_DEAD"  # a notice could not be sent: the reason is the outcome's code


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFact:
    """A booking page that the message is about; `stopped` as it stands when the message is sent."""

    id: str
    title: str
    scheduling_mode: SchedulingMode
    stopped: bool
    stopped_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultFact:
    """A calendar that fails, and whose it is.

    Calendar name and id are empty where the whole Google account fails. `relink_url` is where its person mends it.
    """

    account_id: str
    account_name: str
    provider_email: str
    reason: CauseReason
    calendar_id: str = ""
    calendar_name: str = ""
    capability: Capability | None = None
    operator_side: bool = False
    relink_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentFact:
    """An appointment that was assigned to a faulty member. Its times are shown in the zone they carry.

    `conflicts` are the times, apart from one another, at which something of the member's is in its way. `url` is where
    it is given to somebody else, or cancelled; empty where there is no such place.
    """

    id: str
    title: str
    start_time: datetime
    end_time: datetime
    account_id: str
    account_name: str
    url: str = ""
    conflicts: tuple[tuple[datetime, datetime], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorAlert:
    """What the operator is alerted of. `reason` and `detail` go into the text as they are; neither holds a secret.

    `count` is how many links, or notices, are concerned.
    """

    topic: AlertTopic
    reason: str
    since: datetime
    count: int = 1
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeMessage:
    """One message to one recipient, by whichever channel.

    `message_id` is the same each time the delivery is tried, and so is `decided_time`, when it was owed. `recipient_id`
    is empty for the operator; faults of that account are the recipient's own. `is_owner` and `is_at_fault` say why the
    recipient is told. `appointments` is set where the kind is ASSIGNED_TO_FAULTY or APPOINTMENT_CONFLICT, `alert` where
    it is OPERATOR_ALERT.
    Messages that share one of `incident_ids` are shown as one conversation by mail programs. In Slack `told` are, of
    each incident, the first messages to the recipient; `begins_thread`: more may come of what it tells.
    `unsubscribe_url` is where the recipient ends messages of this kind (RFC 8058); empty where they are owed.
    """

    kind: NoticeKind
    message_id: str
    decided_time: datetime
    locale: Locale
    support_url: str
    recipient_id: str = ""
    recipient_name: str = ""
    is_owner: bool = False
    is_at_fault: bool = False
    pages: tuple[PageFact, ...] = ()
    faults: tuple[FaultFact, ...] = ()
    appointments: tuple[AppointmentFact, ...] = ()
    alert: OperatorAlert | None = None
    incident_ids: tuple[str, ...] = ()
    told: tuple[tuple[Post, ...], ...] = ()
    begins_thread: bool = False
    unsubscribe_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a message goes. E-mail takes `email`; Slack takes the channel, else the user, else looks up `email`.

    `email_instead` is where it goes when the Slack workspace is broken; empty where e-mail has its own way, or none.
    A webhook goes to `webhook_url`; a secret of None: no key opens the one that signs it.
    """

    email: str = ""
    slack: SlackAddress = field(default_factory=SlackAddress)
    email_instead: str = ""
    webhook_url: str = ""
    webhook_secret: Secret | None = None
