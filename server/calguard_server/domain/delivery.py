"""A notice on its way to one recipient by one channel: its states, when it is tried again, when it is dropped.

1. A delivery is decided in the transaction that changes the state, so that none is lost and none is made up.
2. It is claimed with a lease and completed with a fence: of two senders only the one with the latest fence counts.
3. Right before it is sent it is checked again: what is no longer true is SUPPRESSED with a named reason.
4. A passing failure is tried again with full jitter from 5 s to 15 min, for 24 h or 15 attempts; what the receiver
   asked to wait is waited. A permanent failure is DEAD at once. What is retried by hand has all that once more.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from msgspec import Struct

from calguard_server.domain.backoff import doubled
from calguard_server.domain.conversation import Post
from calguard_server.domain.notices import Channel, NoticeKind
from calguard_server.domain.page import BookingPage, Fault, PagePhase


class DeliveryState(StrEnum):
    """The names are part of the contract."""

    PENDING = "PENDING"
    SENDING = "SENDING"
    SENT = "SENT"
    RETRYING = "RETRYING"
    DEAD = "DEAD"
    SUPPRESSED = "SUPPRESSED"
    DISCARDED = "DISCARDED"

    @property
    def open(self) -> bool:
        """Whether it may still be sent."""
        return self in (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.RETRYING)


class Delivery(Struct, frozen=True, kw_only=True):
    """One notice to one recipient by one channel.

    Unique on (incident_id, recipient_account_id, channel, stage). `recipient_account_id` is empty for the operator.
    `message_id` is shared by the deliveries that went out as one message. `faults` are the members it names, as they
    were when it was decided. `fence` counts the claims. `doubtful`: an attempt's outcome could not be known, so it may
    have been received although it is not SENT. `retry_time` is when it was last retried by hand, `attempts_before` how
    often it was tried by then.
    """

    id: str
    incident_id: str
    booking_page_id: str
    kind: NoticeKind
    stage: str
    recipient_account_id: str
    channel: Channel
    faults: tuple[Fault, ...]
    revision: int
    state: DeliveryState
    attempts: int
    next_attempt_time: datetime | None
    create_time: datetime
    address: str = ""
    last_error: str = ""
    send_time: datetime | None = None
    message_id: str = ""
    fence: int = 0
    doubtful: bool = False
    attempts_before: int = 0
    retry_time: datetime | None = None
    incident_closed: bool = False


class SuppressReason(StrEnum):
    """Why a notice is not sent."""

    INCIDENT_OVER = "INCIDENT_OVER"  # the page works again, or the stop was superseded
    PAGE_GONE = "PAGE_GONE"
    STOPPED_BY_HAND = "STOPPED_BY_HAND"
    MEMBER_RECOVERED = "MEMBER_RECOVERED"
    NOT_CONCERNED = "NOT_CONCERNED"  # the recipient neither owns the page any more nor is at fault on it
    STOPPED_AGAIN = "STOPPED_AGAIN"
    LINK_GONE = "LINK_GONE"
    FAILED_AGAIN = "FAILED_AGAIN"
    NOT_WANTED = "NOT_WANTED"  # the account asks no longer to be told of every failure
    SILENCED = "SILENCED"  # it is told when the silence is over, if it is true then
    RECIPIENT_GONE = "RECIPIENT_GONE"
    CHANNEL_OFF = "CHANNEL_OFF"  # the account is not to be told by this channel any more
    APPOINTMENT_OVER = "APPOINTMENT_OVER"  # it was cancelled, has gone to somebody else, or has ended
    NEVER_TOLD = "NEVER_TOLD"  # nobody told this recipient of the stop, so its end is no news


def suppress_reason(delivery: Delivery, page: BookingPage | None, *, told: bool) -> SuppressReason | None:
    """Tell why a delivery about a page is no longer true or owed; None where it is, and for others.

    `told`: what the same incident owed the same recipient by the same channel before was, or may have been, received.
    """
    match delivery.kind:
        case NoticeKind.OPERATOR_ALERT | NoticeKind.LINK_FAILED | NoticeKind.LINK_RECOVERED:
            return None
        case _ if page is None:
            return SuppressReason.PAGE_GONE
        case NoticeKind.ASSIGNED_TO_FAULTY:
            return None
        case NoticeKind.APPOINTMENT_CONFLICT:
            return None if delivery.recipient_account_id == page.owner_account_id else SuppressReason.NOT_CONCERNED
        case NoticeKind.PAGE_RESTARTED:
            if not page.accepting:
                return SuppressReason.STOPPED_AGAIN
            return None if told else SuppressReason.NEVER_TOLD
        case NoticeKind.PAGE_STOPPED | NoticeKind.MEMBER_FAULTY | NoticeKind.REMINDER:
            return _stop_no_longer_true(delivery, page)
        case _:
            assert_never(delivery.kind)


def _stop_no_longer_true(delivery: Delivery, page: BookingPage) -> SuppressReason | None:
    if delivery.incident_closed or page.accepting:
        return SuppressReason.INCIDENT_OVER
    if page.phase is not PagePhase.STOPPED_BY_RULE:
        return SuppressReason.STOPPED_BY_HAND
    at_fault = {fault.account_id for fault in page.faulty}
    if not any(fault.account_id in at_fault for fault in delivery.faults):
        return SuppressReason.MEMBER_RECOVERED
    if delivery.recipient_account_id not in at_fault | {page.owner_account_id}:
        return SuppressReason.NOT_CONCERNED
    return None


class RetryPolicy(Struct, frozen=True):
    """How long, and how often, a delivery is tried again."""

    base: timedelta = timedelta(seconds=5)
    cap: timedelta = timedelta(minutes=15)
    give_up_after: timedelta = timedelta(hours=24)
    attempts_max: int = 15


class Outcome(Struct, frozen=True):
    """How an attempt ended: sent, refused for good, or to be tried again.

    `doubtful`: it may have been received, although that was not confirmed. `detail` is a code and a short text without
    secrets. `retry_after` is what the receiver asked to wait. Not `tried`: nothing was sent, because its time has not
    come; it has in `retry_after`. `held_by` is the Slack workspace that it waits for. `posted` begins a thread; `gone`
    is the message that began one, and is not there any more.
    """

    sent: bool
    permanent: bool = False
    doubtful: bool = False
    detail: str = ""
    address: str = ""
    retry_after: timedelta | None = None
    tried: bool = True
    held_by: str = ""
    posted: Post | None = None
    gone: str = ""


class AttemptOutcome(StrEnum):
    """How a try to send ended; the names are part of the contract."""

    SENT = "SENT"
    FAILED = "FAILED"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"


class Attempt(Struct, frozen=True):
    """A try to send, as the ledger has it. `message_id` is the first delivery of the message that was tried."""

    time: datetime
    outcome: AttemptOutcome
    detail: str
    address: str
    message_id: str


def attempt_outcome(outcome: Outcome) -> AttemptOutcome:
    """Name how an attempt ended."""
    if outcome.sent:
        return AttemptOutcome.SENT
    if outcome.doubtful:
        return AttemptOutcome.UNKNOWN
    return AttemptOutcome.REFUSED if outcome.permanent else AttemptOutcome.FAILED


class NextStep(Struct, frozen=True):
    """What becomes of a delivery after an attempt."""

    state: DeliveryState
    next_attempt_time: datetime | None = None


def next_step(delivery: Delivery, outcome: Outcome, now: datetime, policy: RetryPolicy, chance: float) -> NextStep:
    """Decide what becomes of a delivery after an attempt; `delivery.attempts` counts that attempt, where it was one.

    `chance` is a random number in [0, 1): full jitter.
    """
    if outcome.sent:
        return NextStep(DeliveryState.SENT)
    since, tries = delivery.retry_time or delivery.create_time, delivery.attempts - delivery.attempts_before
    spent = now - since >= policy.give_up_after or tries >= policy.attempts_max
    if outcome.permanent or spent:
        return NextStep(DeliveryState.DEAD)
    if not outcome.tried:
        fresh = tries == 0 and not delivery.doubtful
        state = DeliveryState.PENDING if fresh else DeliveryState.RETRYING
        return NextStep(state, now + (outcome.retry_after or policy.base))
    ceiling = doubled(policy.base, tries - 1, policy.cap)
    asked = outcome.retry_after or timedelta()
    return NextStep(DeliveryState.RETRYING, now + max(ceiling * chance, asked))
