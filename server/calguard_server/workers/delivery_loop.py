"""Sends what is owed: claims deliveries that are due, drops what is no longer true, sends the rest, saves the outcome.

Nothing is sent inside a transaction. A claim holds for a lease: when the process dies meanwhile, the delivery is
claimed again. Groups are sent side by side, so that one channel's failure, or silence, never holds back the other.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from msgspec.structs import replace

from calguard_server.domain.delivery import (
    Attempt,
    AttemptOutcome,
    Delivery,
    DeliveryState,
    Outcome,
    RetryPolicy,
    SuppressReason,
    attempt_outcome,
    next_step,
    suppress_reason,
)
from calguard_server.domain.link_incident import link_suppress_reason
from calguard_server.domain.notices import Channel, NoticeKind
from calguard_server.domain.silence import is_silenced
from calguard_server.engine.operator_alerts import OperatorAlerts
from calguard_server.engine.ports.chance import Chance
from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.ports.deliveries import ClaimedDelivery, DeliveryUpdate
from calguard_server.engine.ports.store import Store
from calguard_server.engine.tracing import UNTRACED, Tracer
from calguard_server.notifiers.hook import NotifierHook
from calguard_server.notifiers.message import Address
from calguard_server.workers.composer import Composer
from calguard_server.workers.doorbell import Doorbell

_log = structlog.get_logger()

_NO_CHANNEL = Outcome(sent=False, permanent=True, detail="this channel is not set up on this server")


AttemptObserver = Callable[[Channel, AttemptOutcome], None]
"""Told of each message that was tried."""


@dataclass(frozen=True, slots=True)
class DeliveryLoopOptions:
    """`lease` must be longer than any attempt takes; `poll_interval` bounds how late a delivery is noticed.

    `sending_max` is for each channel: one whose receivers are silent takes no other's places.
    """

    lease: timedelta = timedelta(seconds=120)
    poll_interval: timedelta = timedelta(seconds=1)
    sending_max: int = 32


class DeliveryLoop:
    """Runs until it is cancelled."""

    def __init__(
        self,
        store: Store,
        composer: Composer,
        hooks: Mapping[Channel, NotifierHook],
        alerts: OperatorAlerts,
        clock: Clock,
        chance: Chance,
        policy: RetryPolicy,
        options: DeliveryLoopOptions,
        observe: AttemptObserver = lambda _channel, _outcome: None,
        tracer: Tracer = UNTRACED,
    ) -> None:
        self._store = store
        self._composer = composer
        self._hooks = hooks
        self._alerts = alerts
        self._clock = clock
        self._chance = chance
        self._policy = policy
        self._options = options
        self._observe = observe
        self._tracer = tracer
        self._bell = Doorbell(clock)
        self._sending: dict[asyncio.Task[None], Channel] = {}

    def nudge(self) -> None:
        """Have a look soon: something may be due."""
        self._bell.ring()

    async def run(self) -> None:
        """Send what is due, as it falls due."""
        await self._store.release_deliveries(self._clock.now())
        try:
            while True:
                now, due = self._clock.now(), await self._store.next_delivery_time()
                claimed = await self._claim(now, due)
                for group in _groups(self._composer, claimed):
                    self._start(group)
                if not claimed:
                    await self._bell.wait_for(due, now, self._options.poll_interval)
        finally:
            await self._stop()

    async def _claim(self, now: datetime, due: datetime | None) -> list[ClaimedDelivery]:
        taken = Counter(self._sending.values())
        free = {channel: max(self._options.sending_max - taken[channel], 0) for channel in Channel}
        if due is None or due > now or not any(free.values()):
            return []
        return await self._store.claim_deliveries(now, self._options.lease, free)

    def _start(self, group: Sequence[ClaimedDelivery]) -> None:
        task = asyncio.create_task(self._deliver(group), name="deliver")
        self._sending[task] = group[0].delivery.channel
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._sending[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("delivery broke off; it is tried again when its lease ends", exc_info=error)
        self._bell.ring()

    async def _deliver(self, group: Sequence[ClaimedDelivery]) -> None:
        now = self._clock.now()
        true, untrue = _still_true(group, now)
        if untrue:
            await self._store.update_deliveries([_suppressed(delivery, reason, now) for delivery, reason in untrue])
        if true and not any(each.was_due <= self._clock.now() for each in true):
            await self._store.update_deliveries([_given_back(each) for each in true])
        elif true:
            await self._send(true)

    async def _send(self, true: Sequence[ClaimedDelivery]) -> None:
        first = true[0].delivery
        hook = self._hooks.get(first.channel)
        outcome = _NO_CHANNEL
        if hook is not None:
            about = {"calguard.notification_id": first.id, "calguard.channel": first.channel.value}
            with self._tracer.span("delivery", about) as span:
                outcome = await hook.send(await self._composer.compose(true), self._composer.address(true[0]))
                span.tell({"calguard.outcome": attempt_outcome(outcome).value})
        if outcome.tried:
            self._observe(first.channel, attempt_outcome(outcome))
        updates = self._updates([each.delivery for each in true], outcome)
        await self._store.update_deliveries(updates)
        (_log.info if outcome.tried else _log.debug)(
            "notice tried" if outcome.tried else "notice waits",
            notification_id=first.id,
            notices=len(true),
            channel=first.channel.value,
            kind=first.kind.value,
            state=updates[0].state.value,
            detail=outcome.detail,
        )
        if updates[0].state is DeliveryState.DEAD and first.kind is not NoticeKind.OPERATOR_ALERT:
            await self._alerts.alert(f"DELIVERY_DEAD_{first.channel}")

    def _updates(self, group: Sequence[Delivery], outcome: Outcome) -> list[DeliveryUpdate]:
        """Tell how each goes on. What is tried again is tried together, so that it stays one message."""
        now = self._clock.now()
        tried = [replace(delivery, attempts=delivery.attempts + int(outcome.tried)) for delivery in group]
        chance = self._chance()
        steps = [next_step(delivery, outcome, now, self._policy, chance) for delivery in tried]
        address = outcome.address or group[0].address
        attempt = Attempt(now, attempt_outcome(outcome), outcome.detail, address, group[0].id)
        together = max((step.next_attempt_time for step in steps if step.next_attempt_time), default=None)
        return [
            DeliveryUpdate(
                delivery_id=delivery.id,
                fence=delivery.fence,
                state=step.state,
                attempts=delivery.attempts,
                next_attempt_time=step.next_attempt_time and together,
                last_error="" if outcome.sent else outcome.detail,
                address=outcome.address or delivery.address,
                send_time=now if outcome.sent else None,
                message_id=group[0].id if outcome.sent else delivery.message_id,
                doubtful=outcome.doubtful,
                held_by=outcome.held_by if step.next_attempt_time else "",
                posted=outcome.posted if delivery.id == group[0].id else None,
                gone=outcome.gone if delivery.id == group[0].id else "",
                attempt=attempt if outcome.tried else None,
            )
            for delivery, step in zip(tried, steps, strict=True)
        ]

    async def _stop(self) -> None:
        sending = list(self._sending)
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)


def _groups(composer: Composer, claimed: Iterable[ClaimedDelivery]) -> list[list[ClaimedDelivery]]:
    """Put together what goes to the same place: recipient, channel, kind and address. Each alert is a message."""
    groups: dict[tuple[str, Channel, NoticeKind, Address], list[ClaimedDelivery]] = {}
    for each in claimed:
        delivery = each.delivery
        whom = delivery.id if delivery.kind is NoticeKind.OPERATOR_ALERT else delivery.recipient_account_id
        key = (whom, delivery.channel, delivery.kind, composer.address(each))
        groups.setdefault(key, []).append(each)
    return list(groups.values())


def _still_true(
    group: Sequence[ClaimedDelivery], now: datetime
) -> tuple[list[ClaimedDelivery], list[tuple[Delivery, str]]]:
    """Part what is still true, and owed, from what is not; the latter with the reason."""
    true: list[ClaimedDelivery] = []
    untrue: list[tuple[Delivery, str]] = []
    for each in group:
        reason = _reason_not_to_send(each, now)
        if not reason and is_silenced(each.delivery, each.page, each.silences, now):
            reason = SuppressReason.SILENCED
        if reason:
            untrue.append((each.delivery, reason))
        else:
            true.append(each)
    return true, untrue


def _reason_not_to_send(claimed: ClaimedDelivery, now: datetime) -> str:
    delivery, recipient = claimed.delivery, claimed.recipient
    if delivery.kind is NoticeKind.OPERATOR_ALERT:
        return ""
    if recipient is None:
        return SuppressReason.RECIPIENT_GONE
    if not recipient.may_be_told_by(delivery.channel):
        return SuppressReason.CHANNEL_OFF
    if delivery.kind.of_link:
        return link_suppress_reason(delivery, claimed.link, recipient, told=claimed.told) or ""
    if delivery.kind is NoticeKind.ASSIGNED_TO_FAULTY and not _still_assigned(claimed):
        return SuppressReason.APPOINTMENT_OVER
    if delivery.kind is NoticeKind.APPOINTMENT_CONFLICT and not _still_in_conflict(claimed, now):
        return SuppressReason.APPOINTMENT_OVER
    return suppress_reason(delivery, claimed.page, told=claimed.told) or ""


def _still_assigned(claimed: ClaimedDelivery) -> bool:
    """Whether an appointment stands for one of those whose calendars could not be read."""
    appointment = claimed.appointment
    return appointment is not None and any(
        appointment.stands_for(fault.account_id) for fault in claimed.delivery.faults
    )


def _still_in_conflict(claimed: ClaimedDelivery, now: datetime) -> bool:
    """Whether an appointment stands, and is not over, for one in whose calendars something is in its way."""
    appointment = claimed.appointment
    return (
        appointment is not None
        and appointment.time.end > now
        and any(appointment.stands_for(conflict.account_id) for conflict in appointment.conflicts)
    )


def _given_back(claimed: ClaimedDelivery) -> DeliveryUpdate:
    """Let one that came along wait for its own time: whom it was to keep company goes elsewhere, or not at all."""
    delivery = claimed.delivery
    return DeliveryUpdate(delivery.id, delivery.fence, DeliveryState.PENDING, delivery.attempts, claimed.was_due)


def _suppressed(delivery: Delivery, reason: str, now: datetime) -> DeliveryUpdate:
    """Drop a delivery; what was silenced is looked at again right then, because the silence may be over by then."""
    return DeliveryUpdate(
        delivery_id=delivery.id,
        fence=delivery.fence,
        state=DeliveryState.SUPPRESSED,
        attempts=delivery.attempts,
        next_attempt_time=None,
        last_error=reason,
        look_again=now if reason == SuppressReason.SILENCED else None,
    )
