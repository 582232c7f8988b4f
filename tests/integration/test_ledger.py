"""The ledger of notices over a real store: attempts, the order of changes, and what is kept for how long."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from calguard_server.domain.delivery import Attempt, AttemptOutcome, DeliveryState
from calguard_server.domain.page import SchedulingMode
from calguard_server.engine.ports.deliveries import ClaimedDelivery, DeliveryUpdate
from calguard_server.engine.ports.filters import NotificationFilter
from calguard_server.engine.ports.notifications import Notification
from calguard_server.workers.retention import Retention, RetentionOptions
from tests.fakes.service import Service, of_each_channel, running_service
from tests.fakes.world import START
from tests.integration.test_engine import REVOKED

LEASE, DAY = timedelta(minutes=1), timedelta(days=1)
EVERY = NotificationFilter()
LOST = "the server ended, or broke off, before the outcome was saved"


async def stopped(service: Service, *pages: str) -> str:
    """Ann's calendar fails, and stops her pages; answers her link."""
    await service.add_account("ann")
    link = await service.link("ann")
    for page in pages:
        await service.add_page(page, SchedulingMode.ALL_MEMBERS, "ann", "ann")
    service.provider.findings[link.id] = REVOKED
    await service.checks.check_now(link.id)
    return link.id


async def claimed(service: Service, now: datetime = START) -> list[ClaimedDelivery]:
    return await service.store.claim_deliveries(now, LEASE, of_each_channel(100))


def sent(claims: Sequence[ClaimedDelivery], state: DeliveryState = DeliveryState.SENT) -> list[DeliveryUpdate]:
    outcome = AttemptOutcome.SENT if state is DeliveryState.SENT else AttemptOutcome.REFUSED
    attempt = Attempt(START, outcome, "250 ok", "ann@example.com", claims[0].delivery.id)
    return [DeliveryUpdate(each.delivery.id, each.delivery.fence, state, 1, None, attempt=attempt) for each in claims]


async def every(service: Service) -> list[Notification]:
    listed = await service.store.notifications(EVERY, 0, 1000)
    return [found for each in listed if (found := await service.store.notification(each.delivery.id))]


async def test_an_attempt_of_a_late_sender_is_not_entered(tmp_path: Path) -> None:
    """Its claim is over; what came of it is not known, and is entered as such when the next one claims."""
    async with running_service(tmp_path / "db") as service:
        await stopped(service, "p1")
        late, in_time = await claimed(service), await claimed(service, START + LEASE)
        await service.store.update_deliveries(sent(late))
        await service.store.update_deliveries(sent(in_time))
        for notification in await every(service):
            assert [(each.outcome, each.detail) for each in notification.attempts] == [
                (AttemptOutcome.UNKNOWN, LOST),
                (AttemptOutcome.SENT, "250 ok"),
            ]
            assert (notification.delivery.attempts, notification.delivery.doubtful) == (1, True)


async def test_what_a_dead_process_had_claimed_is_an_attempt_that_nobody_knows_the_end_of(tmp_path: Path) -> None:
    async with running_service(tmp_path / "db") as service:
        await stopped(service, "p1")
        await claimed(service)
        await service.store.release_deliveries(START + DAY)
        for notification in await every(service):
            assert [(each.outcome, each.time) for each in notification.attempts] == [
                (AttemptOutcome.UNKNOWN, START + DAY)
            ]
            assert notification.delivery.state is DeliveryState.RETRYING


async def test_the_order_of_changes_misses_none(tmp_path: Path) -> None:
    """Whoever asks on and on, a few at a time, sees each that is decided, and again each that something came of."""
    async with running_service(tmp_path / "db") as service:
        position, seen = await service.store.last_notification_change(), list[tuple[str, str]]()

        async def read_on() -> None:
            nonlocal position
            while found := await service.store.notifications_changed(EVERY, position, 3):
                position = found[-1].changed
                seen.extend((each.delivery.id, each.delivery.state.value) for each in found)

        await stopped(service, "p1", "p2")
        await read_on()
        ids = [notification_id for notification_id, _ in seen]
        assert seen == [(each, "PENDING") for each in sorted(set(ids))]
        assert len(ids) == 4
        seen.clear()
        await service.store.update_deliveries(sent(await claimed(service), DeliveryState.DEAD))
        await service.notifications.retry(ids[1])
        await service.notifications.discard(ids[2])
        await read_on()
        assert sorted(seen[:2]) == [(ids[0], "DEAD"), (ids[3], "DEAD")]
        assert seen[2:] == [(ids[1], "PENDING"), (ids[2], "DISCARDED")]
        assert position == await service.store.last_notification_change()


async def test_old_notices_are_dropped_with_their_attempts_but_for_those_of_open_incidents(tmp_path: Path) -> None:
    """What an open incident told is kept, so that it is not told again; so is what is still to be sent."""
    async with running_service(tmp_path / "db") as service:
        link = await stopped(service, "gone", "open")
        await service.store.update_deliveries(sent(await claimed(service)))
        await service.pages.delete("gone")
        service.clock.advance(91 * DAY)
        assert await service.store.prune_ledger(service.clock.now() - 90 * DAY, 1) == 1
        while await service.store.prune_ledger(service.clock.now() - 90 * DAY, 1):
            pass
        kept = await every(service)
        assert {each.delivery.booking_page_id for each in kept} == {"open"}
        assert await _count(service, "delivery_attempts") == len(kept) == 2
        assert await _count(service, "incidents") == 1
        service.provider.findings.clear()
        await service.checks.check_now(link)
        assert [each.delivery.kind.value for each in (await every(service))[:2]] == ["PAGE_RESTARTED"] * 2
        await service.store.prune_ledger(service.clock.now() + DAY, 100)
        assert {each.delivery.kind.value for each in await every(service)} == {"PAGE_RESTARTED"}


async def test_the_order_of_changes_only_grows(tmp_path: Path) -> None:
    """Though all that changed last is past keeping: a place in that order that was handed out stays good."""
    async with running_service(tmp_path / "db") as service:
        await stopped(service, "p1")
        await service.store.update_deliveries(sent(await claimed(service)))
        await service.pages.delete("p1")
        last = await service.store.last_notification_change()
        await service.store.prune_ledger(START + DAY, 100)
        assert await service.store.last_notification_change() == last
        await service.add_page("p2", SchedulingMode.ALL_MEMBERS, "ann", "ann")
        assert len(await service.store.notifications_changed(EVERY, last, 10)) == 2


async def test_retention_drops_what_is_past_keeping_part_by_part(tmp_path: Path) -> None:
    """The loop goes on until nothing is left to drop."""
    async with running_service(tmp_path / "db") as service:
        await stopped(service, *(f"p{number}" for number in range(10)))
        await service.store.update_deliveries(sent(await claimed(service)))
        for number in range(10):
            await service.pages.delete(f"p{number}")
        service.clock.advance(100 * DAY)
        retention = Retention(service.store, service.clock, RetentionOptions(part=3))
        assert await retention.drop() >= 19
        assert len(await every(service)) == 1  # the last that changed


async def test_a_retried_notice_has_a_budget_of_its_own(tmp_path: Path) -> None:
    """Its 24 hours and its attempts begin with the retry; it waits for company as a new one does."""
    async with running_service(tmp_path / "db") as service:
        await stopped(service, "p1")
        await service.store.update_deliveries(sent(await claimed(service), DeliveryState.DEAD))
        service.clock.advance(10 * DAY)
        [first, _] = await every(service)
        retried = (await service.notifications.retry(first.delivery.id)).delivery
        stored = await service.store.notification(first.delivery.id)
        assert stored is not None
        assert stored.delivery == retried
        assert (retried.retry_time, retried.attempts_before, retried.attempts) == (service.clock.now(), 1, 1)
        assert retried == replace(
            first.delivery,
            state=DeliveryState.PENDING,
            retry_time=service.clock.now(),
            attempts_before=1,
            next_attempt_time=service.clock.now() + service.context.policies.notice_group_wait,
        )
        assert await service.store.oldest_unsent() == {retried.channel: service.clock.now()}


async def _count(service: Service, table: str) -> int:
    rows = await service.store.writer.submit(
        lambda connection: connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()
    )
    return int(rows[0])
