"""Deliveries on their way, and incidents that are to be followed up."""

from datetime import datetime

from msgspec import Struct

from calguard_server.domain.account import Account
from calguard_server.domain.appointment import Appointment
from calguard_server.domain.conversation import Post
from calguard_server.domain.delivery import Attempt, Delivery, DeliveryState
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.page import BookingPage
from calguard_server.domain.secret import Secret
from calguard_server.domain.silence import Silence


class ClaimedDelivery(Struct, frozen=True):
    """A delivery that is to be sent now, with what is needed to tell whether it is still true.

    `told`: what its incident owed the recipient by the channel before was, or may have been, received. `was_due` is
    when it was due by itself: later than now where it came along with another. `link` is set where it is about one.
    `silences` are those in force. `webhook_secret` is the recipient's where it goes by webhook and a key opens it.
    `appointment` is set where it is about one that there is.
    """

    delivery: Delivery
    page: BookingPage | None
    recipient: Account | None
    told: bool
    was_due: datetime
    link: CalendarLink | None = None
    silences: tuple[Silence, ...] = ()
    webhook_secret: Secret | None = None
    appointment: Appointment | None = None


class DeliveryUpdate(Struct, frozen=True):
    """How a claimed delivery goes on; dropped where it has been claimed anew, by the fence.

    `held_by` is the Slack workspace that it waits for; `posted` the message that it went out as, where that begins a
    thread; `gone` one that began a thread and is not there any more; `attempt` the try that led there, where there was
    one; `look_again` is when its incident is to be followed up.
    """

    delivery_id: str
    fence: int
    state: DeliveryState
    attempts: int
    next_attempt_time: datetime | None
    last_error: str = ""
    address: str = ""
    send_time: datetime | None = None
    message_id: str = ""
    doubtful: bool = False
    held_by: str = ""
    posted: Post | None = None
    gone: str = ""
    attempt: Attempt | None = None
    look_again: datetime | None = None


class IncidentOf(Struct, frozen=True):
    """Whose incident: a page's, or a link's; the other is empty."""

    booking_page_id: str = ""
    calendar_link_id: str = ""
