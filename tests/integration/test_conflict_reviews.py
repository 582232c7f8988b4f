"""What was assigned while calendars could not be read, reviewed once they can, over a real store in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from calguard_server.domain.appointment import Appointment, Conflict, EntryState
from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.delivery import DeliveryState
from calguard_server.domain.intervals import Interval
from calguard_server.domain.notices import NoticeKind, appointment_of
from calguard_server.domain.page import AssignmentMethod, Member, SchedulingMode
from calguard_server.engine.entries import Entries
from calguard_server.engine.ports.entries import DueEntry
from calguard_server.engine.ports.filters import NotificationFilter
from tests.fakes.calendars import DOWN, REVOKED, Desk, FakeCalendars, open_desk, slot
from tests.fakes.inline_connections import InlineConnections, next_turn
from tests.fakes.service import Service, running_service
from tests.fakes.virtual_time import VirtualClock, run_virtually
from tests.fakes.world import START
from tests.integration.appointment_log import STATE_CHANGED, changes_of

Story = Callable[[Desk], Awaitable[None]]

UNREADABLE = Finding(CauseReason.CALENDAR_NOT_VISIBLE, "me@example.com")


async def seconds(count: float) -> None:
    await asyncio.sleep(count)  # noqa: TID251 - virtual: the loop jumps


@asynccontextmanager
async def at_work(desk: Desk) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each.run()) for each in (desk.loop, desk.reviews)]
    try:
        yield
    finally:
        assert not any(task.done() for task in tasks), tasks
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await desk.failures.close()


def service_over(path: Path) -> AbstractAsyncContextManager[Service]:
    return running_service(path / "db", clock=VirtualClock(), connections=InlineConnections())


async def people(service: Service) -> None:
    """Ann, who gets whatever she can, and Bob, on Olga's page."""
    for account in ("olga", "ann", "bob"):
        await service.add_account(account)
    for account in ("ann", "bob"):
        await service.link(account)
    members = (Member("ann", 9), Member("bob", 1))
    fields = {"members": members, "assignment_method": AssignmentMethod.PRIORITY}
    await service.add_page("page", SchedulingMode.AUTO_ASSIGN, "olga", **fields)


def play(path: Path, story: Story) -> None:
    async def main() -> None:
        async with service_over(path) as service:
            desk = open_desk(service, FakeCalendars(blocking=True))
            await people(service)
            async with at_work(desk):
                await story(desk)

    run_virtually(main())


async def link_of(service: Service, account_id: str) -> str:
    [link] = await service.store.links_of_account(account_id)
    return link.id


async def break_link(desk: Desk, finding: Finding = REVOKED) -> str:
    """Have Ann's link fail; answers its id."""
    link_id = await link_of(desk.service, "ann")
    desk.service.provider.findings[link_id] = (finding,)
    await desk.service.checks.check_now(link_id)
    return link_id


async def mend(desk: Desk, link_id: str) -> None:
    desk.service.provider.findings.pop(link_id, None)
    await desk.service.link("ann", link_id=link_id)


async def told(service: Service) -> list[tuple[str, str, str]]:
    """Who is owed what of a conflict, and by which channel, sorted."""
    found = await service.store.notifications(NotificationFilter(), 0, 100)
    return sorted(
        (each.delivery.recipient_account_id, each.delivery.channel.value, appointment_of(each.delivery.stage))
        for each in found
        if each.delivery.kind is NoticeKind.APPOINTMENT_CONFLICT
    )


def to_olga(*appointments: Appointment) -> list[tuple[str, str, str]]:
    return sorted(("olga", by, each.id) for by in ("EMAIL", "SLACK") for each in appointments)


def in_the_way(time: Interval) -> tuple[Conflict, ...]:
    return (Conflict("ann", "me@example.com", time),)


async def read(desk: Desk, appointment: Appointment) -> Appointment:
    return await desk.appointments.get(appointment.id)


def part(time: Interval, minutes: int) -> Interval:
    """The first minutes of a time."""
    return Interval(time.start, time.start + timedelta(minutes=minutes))


def test_what_is_in_the_way_is_saved_and_told_to_the_owner_once(tmp_path: Path) -> None:
    """Of what is free, and of what was assigned to somebody healthy, nothing is said."""

    async def story(desk: Desk) -> None:
        link_id = await break_link(desk)
        taken, free = await desk.book("page", slot(0)), await desk.book("page", slot(1))
        other = await desk.book("page", slot(0))
        assert [each.account_ids for each in (taken, free, other)] == [("ann",), ("ann",), ("bob",)]
        desk.calendars.busy[link_id] = [part(slot(0), 10), slot(5)]
        desk.calendars.busy[await link_of(desk.service, "bob")] = [slot(0)]
        await seconds(60)
        assert (await read(desk, taken)).conflicts == ()
        await mend(desk, link_id)
        await seconds(5)
        assert (await read(desk, taken)).conflicts == in_the_way(part(slot(0), 10))
        assert [(await read(desk, each)).conflicts for each in (free, other)] == [(), ()]
        assert await told(desk.service) == to_olga(taken)
        for each in (taken, free):
            assert [one.entry.state for one in (await read(desk, each)).assignees] == [EntryState.ADDED]
        await seconds(3600)
        assert await told(desk.service) == to_olga(taken)

    play(tmp_path, story)


def test_a_review_survives_a_restart(tmp_path: Path) -> None:
    """It is due from the transaction on in which the link recovers, and until it is saved; nothing is added before."""

    async def main() -> None:
        calendars = FakeCalendars(blocking=True)
        async with service_over(tmp_path) as service:
            desk = open_desk(service, calendars)
            await people(service)
            link_id = await break_link(desk)
            taken = await desk.book("page", slot(0))
            calendars.busy[link_id] = [slot(0)]
            await mend(desk, link_id)
            calendars.asked.clear()
            entries = asyncio.create_task(desk.loop.run())
            await seconds(60)
            entries.cancel()
            assert (calendars.asked, dict(calendars.inserts)) == ([], {})
        for _ in range(2):
            async with service_over(tmp_path) as service:
                service.context.new_id.skip(1)  # type: ignore[attr-defined] - ids go on after a restart
                desk = open_desk(service, calendars)
                async with at_work(desk):
                    await seconds(60)
                found = await read(desk, taken)
                assert found.conflicts == in_the_way(slot(0))
                assert [each.entry.state for each in found.assignees] == [EntryState.ADDED]
                assert await told(service) == to_olga(taken)
        assert calendars.asked == [link_id]

    run_virtually(main())


def test_calendars_that_do_not_answer_are_asked_again(tmp_path: Path) -> None:
    """After a minute, and nothing is added until then."""

    async def story(desk: Desk) -> None:
        link_id = await break_link(desk)
        taken = await desk.book("page", slot(0))
        desk.calendars.busy[link_id] = [slot(0)]
        desk.calendars.failing[link_id] = DOWN
        await mend(desk, link_id)
        await seconds(30)
        assert (await read(desk, taken)).conflicts == ()
        assert not desk.calendars.inserts
        desk.calendars.failing.clear()
        await seconds(40)
        assert (await read(desk, taken)).conflicts == in_the_way(slot(0))
        assert await told(desk.service) == to_olga(taken)
        assert sum(desk.calendars.inserts.values()) == 1

    play(tmp_path, story)


def test_a_link_that_fails_again_waits_for_its_next_recovery(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        link_id = await break_link(desk)
        taken = await desk.book("page", slot(0))
        desk.calendars.busy[link_id] = [slot(0)]
        desk.calendars.failing[link_id] = REVOKED
        desk.service.provider.findings[link_id] = ()
        await desk.service.link("ann", link_id=link_id)
        await break_link(desk)
        await seconds(3600)
        asked = len(desk.calendars.asked)
        await seconds(3600)
        assert len(desk.calendars.asked) == asked
        assert await told(desk.service) == []
        desk.calendars.failing.clear()
        await mend(desk, link_id)
        await seconds(5)
        assert await told(desk.service) == to_olga(taken)

    play(tmp_path, story)


def test_an_appointment_is_reviewed_once(tmp_path: Path) -> None:
    """What comes up after the first recovery is not looked for, and what was told is not told again."""

    async def story(desk: Desk) -> None:
        link_id = await break_link(desk)
        taken, free = await desk.book("page", slot(0)), await desk.book("page", slot(1))
        desk.calendars.busy[link_id] = [slot(0)]
        await mend(desk, link_id)
        await seconds(5)
        await break_link(desk)
        late = await desk.book("page", slot(2))
        desk.calendars.busy[link_id] += [slot(1), slot(2)]
        await mend(desk, link_id)
        await seconds(5)
        assert (await read(desk, free)).conflicts == ()
        assert await told(desk.service) == to_olga(taken, late)

    play(tmp_path, story)


@pytest.mark.parametrize("ended", ["cancelled", "moved", "over"])
def test_what_is_gone_by_then_is_not_reviewed(tmp_path: Path, ended: str) -> None:
    async def story(desk: Desk) -> None:
        link_id = await break_link(desk)
        soon = slot(0, start=START + timedelta(minutes=30))
        appointment = await desk.book("page", soon)
        desk.calendars.busy[link_id] = [soon]
        if ended == "cancelled":
            await desk.appointments.cancel(appointment.id)
        elif ended == "moved":
            await desk.appointments.reassign(appointment.id, "bob")
        else:
            await seconds(3600)
        desk.calendars.asked.clear()
        await mend(desk, link_id)
        await seconds(60)
        assert (await read(desk, appointment)).conflicts == ()
        assert (await told(desk.service), desk.calendars.asked) == ([], [])

    play(tmp_path, story)


def test_giving_it_to_somebody_else_settles_a_conflict(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        link_id = await break_link(desk)
        taken = await desk.book("page", slot(0))
        desk.calendars.busy[link_id] = [slot(0)]
        await mend(desk, link_id)
        await seconds(5)
        assert (await read(desk, taken)).conflicts
        assert (await desk.appointments.reassign(taken.id)).conflicts == ()

    play(tmp_path, story)


def test_nothing_is_in_the_way_of_what_is_cancelled(tmp_path: Path) -> None:
    """Nor is anything found of it later, and the one change that tells the cancellation tells that, too."""

    async def story(desk: Desk) -> None:
        link_id = await break_link(desk)
        taken = await desk.book("page", slot(0))
        desk.calendars.busy[link_id] = [slot(0)]
        await mend(desk, link_id)
        await seconds(5)
        before = await read(desk, taken)
        assert before.conflicts == in_the_way(slot(0))
        assert (await desk.appointments.cancel(taken.id)).conflicts == ()
        changes = [each for each in await changes_of(desk.service.store, taken.id) if each.revision > before.revision]
        cancelled = next(each for each in changes if each.type == STATE_CHANGED)
        assert not any(each.appointment.conflicts for each in changes if each.revision >= cancelled.revision)
        await break_link(desk)
        await mend(desk, link_id)
        await seconds(5)
        assert (await read(desk, taken)).conflicts == ()

    play(tmp_path, story)


def test_our_own_event_is_no_conflict(tmp_path: Path) -> None:
    """Where the calendar could be written to while it could not be read, the event was there before the review."""

    async def story(desk: Desk) -> None:
        link_id = await break_link(desk, UNREADABLE)
        taken = await desk.book("page", slot(0))
        await seconds(5)
        assert desk.calendars.titles(link_id) == ["Visit"]
        desk.calendars.asked.clear()
        await mend(desk, link_id)
        await seconds(5)
        assert desk.calendars.asked == [link_id]
        assert (await read(desk, taken)).conflicts == ()

    play(tmp_path, story)


def test_an_event_of_ours_that_is_on_its_way_out_is_no_conflict(tmp_path: Path) -> None:
    """What was cancelled during the outage is in the calendar still when the calendar is asked."""

    async def story(desk: Desk) -> None:
        before = await desk.book("page", slot(0))
        await seconds(5)
        link_id = await break_link(desk)
        desk.calendars.failing[link_id] = REVOKED
        await desk.appointments.cancel(before.id)
        after = await desk.book("page", slot(0))
        assert (before.account_ids, after.account_ids) == (("ann",), ("ann",))
        desk.calendars.hanging.add(link_id)
        del desk.calendars.failing[link_id]
        await mend(desk, link_id)
        await seconds(5)
        assert (await read(desk, after)).conflicts == ()
        assert await told(desk.service) == []

    play(tmp_path, story)


def test_an_event_that_is_added_while_calendars_are_asked_is_no_conflict(tmp_path: Path) -> None:
    """It was about to be added when the review was put down: calendars are asked again."""

    async def story(desk: Desk) -> None:
        link_id = await break_link(desk)
        taken = await desk.book("page", slot(0))
        [assignee] = taken.assignees
        context, calendars = desk.service.context, desk.calendars
        entries = Entries(context, calendars, desk.failures, lambda _accounts: None, timedelta(minutes=1))
        due = DueEntry(taken.id, assignee.entry.event_id, "ann")

        async def add_meanwhile() -> None:
            calendars.pause = next_turn
            await entries.work(due)

        calendars.asked.clear()
        calendars.pause = add_meanwhile
        await mend(desk, link_id)
        await seconds(5)
        assert calendars.asked == [link_id, link_id]
        assert calendars.titles(link_id) == ["Visit"]
        assert (await read(desk, taken)).conflicts == ()

    play(tmp_path, story)


def test_each_link_is_looked_at_when_it_can_be_read(tmp_path: Path) -> None:
    """What one shows is told while another is failed still; what that one shows is added, and not told again."""

    async def story(desk: Desk) -> None:
        second = (await desk.service.link("ann", "sub-second")).id
        await desk.service.selection.select(second, ("holidays@example.com",), "")
        desk.service.provider.findings[second] = (Finding(UNREADABLE.reason, "holidays@example.com"),)
        await desk.service.checks.check_now(second)
        first = next(each.id for each in await desk.service.store.links_of_account("ann") if each.id != second)
        desk.service.provider.findings[first] = (REVOKED,)
        await desk.service.checks.check_now(first)
        taken = await desk.book("page", slot(0))
        desk.calendars.busy = {first: [part(slot(0), 10)], second: [part(slot(0), 20)]}
        await mend(desk, first)
        await seconds(3600)
        assert (await read(desk, taken)).conflicts == in_the_way(part(slot(0), 10))
        assert await told(desk.service) == to_olga(taken)
        del desk.service.provider.findings[second]
        await desk.service.checks.check_now(second)
        await seconds(5)
        shown_by_second = Conflict("ann", "holidays@example.com", part(slot(0), 20))
        assert (await read(desk, taken)).conflicts == (*in_the_way(part(slot(0), 10)), shown_by_second)
        assert await told(desk.service) == to_olga(taken)
        desk.calendars.asked.clear()
        await desk.service.ending.disconnect(second)
        await desk.service.link("ann", "sub-second", link_id=second)
        await seconds(60)
        assert desk.calendars.asked == []

    play(tmp_path, story)


def test_a_link_that_is_disconnected_before_it_was_asked_is_looked_at_later(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        link_id = await break_link(desk)
        taken = await desk.book("page", slot(0))
        desk.calendars.busy[link_id] = [slot(0)]
        desk.calendars.failing[link_id] = DOWN
        await mend(desk, link_id)
        await seconds(5)
        del desk.calendars.failing[link_id]
        await desk.service.ending.disconnect(link_id)
        await seconds(3600)
        assert (await read(desk, taken)).conflicts == ()
        await mend(desk, link_id)
        await seconds(5)
        assert (await read(desk, taken)).conflicts == in_the_way(slot(0))

    play(tmp_path, story)


def test_each_owner_is_told_of_the_appointments_of_their_pages(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        await desk.service.add_page("bobs", SchedulingMode.AUTO_ASSIGN, "bob", "ann", "bob")
        link_id = await break_link(desk)
        times = [slot(0), slot(1), slot(2)]
        mine = [await desk.book("page", each) for each in times[:2]]
        bobs = await desk.book("bobs", times[2])
        assert bobs.account_ids == ("ann",)
        desk.calendars.busy[link_id] = times
        await mend(desk, link_id)
        await seconds(5)
        told_to_bob = [("bob", by, bobs.id) for by in ("EMAIL", "SLACK")]
        assert await told(desk.service) == sorted([*to_olga(*mine), *told_to_bob])
        found = await desk.service.store.notifications(NotificationFilter(account_id="olga"), 0, 100)
        conflicts = [each.delivery for each in found if each.delivery.kind is NoticeKind.APPOINTMENT_CONFLICT]
        assert {each.state for each in conflicts} == {DeliveryState.PENDING}
        assert len({each.next_attempt_time for each in conflicts}) == 1  # so that they go out as one message

    play(tmp_path, story)
