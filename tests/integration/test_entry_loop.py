"""Appointments on their way into calendars and out of them, over a real store, in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from calguard_server.domain.appointment import Appointment, AppointmentState, Assignee, EntryState
from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.link_state import LinkState
from calguard_server.domain.page import FaultyMembers, SchedulingMode
from calguard_server.engine.ports.provider import ProviderCalendar
from tests.fakes.calendars import DOWN, REVOKED, Desk, open_desk, slot
from tests.fakes.inline_connections import InlineConnections
from tests.fakes.service import running_service
from tests.fakes.virtual_time import VirtualClock, run_virtually
from tests.fakes.world import START

ALL, ANY, AUTO = SchedulingMode.ALL_MEMBERS, SchedulingMode.ANY_MEMBER, SchedulingMode.AUTO_ASSIGN
OTHER = ProviderCalendar("other@example.com", "Other", "owner", primary=False)
READ_ONLY = Finding(CauseReason.CALENDAR_READ_ONLY, "me@example.com")

Story = Callable[[Desk], Awaitable[None]]


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


def play(path: Path, story: Story) -> None:
    """Tell a story over a store with ann and bob, who are linked, and their pages, while entries are worked on."""

    async def main() -> None:
        async with running_service(path / "db", clock=VirtualClock(), connections=InlineConnections()) as service:
            desk = open_desk(service)
            for account in ("olga", "ann", "bob"):
                await service.add_account(account)
            for account in ("ann", "bob"):
                await service.link(account)
            await service.add_page("any", ANY, "olga", "ann", "bob")
            await service.add_page("all", ALL, "olga", "ann", "bob")
            async with at_work(desk):
                await story(desk)

    run_virtually(main())


async def link_of(desk: Desk, account_id: str) -> str:
    [link] = await desk.service.store.links_of_account(account_id)
    return link.id


async def shown(desk: Desk, account_id: str) -> list[str]:
    return desk.calendars.titles(await link_of(desk, account_id))


async def read(desk: Desk, appointment: Appointment) -> Appointment:
    return await desk.appointments.get(appointment.id)


async def only(desk: Desk, appointment: Appointment) -> Assignee:
    [assignee] = (await read(desk, appointment)).assignees
    return assignee


def test_an_appointment_is_added_once_to_each_assignee(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        appointment = await desk.book("all", slot(0))
        assert {each.entry.state for each in appointment.assignees} == {EntryState.PENDING}
        await seconds(1)
        added = await read(desk, appointment)
        assert {each.entry.state for each in added.assignees} == {EntryState.ADDED}
        assert [await shown(desk, each) for each in ("ann", "bob")] == [["Visit"], ["Visit"]]
        [(_, draft)] = [each for each in desk.calendars.events.values() if each[0] == await link_of(desk, "ann")]
        assert (draft.time, draft.time_zone, draft.calendar_id) == (slot(0), "Asia/Tokyo", "me@example.com")
        await seconds(3600)
        assert list(desk.calendars.inserts.values()) == [1, 1]
        assert added.update_time == START + timedelta(seconds=0)

    play(tmp_path, story)


def test_what_cannot_be_added_says_so_and_is_added_when_the_provider_is_back(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        appointment = await desk.book("any", slot(0))
        desk.calendars.failing[await link_of(desk, "ann")] = DOWN
        await seconds(1)
        entry = (await only(desk, appointment)).entry
        assert (entry.state, entry.cause and entry.cause.reason) == (
            EntryState.NOT_ADDED,
            CauseReason.PROVIDER_UNAVAILABLE,
        )
        assert (await read(desk, appointment)).state is AppointmentState.ASSIGNED
        await seconds(4 * 3600)
        inserts = desk.calendars.inserts[entry.event_id]
        assert 4 * 4 < inserts < 4 * 12  # every 15 min at the slowest, with chance in the middle
        desk.calendars.failing.clear()
        await seconds(15 * 60)
        assert (await only(desk, appointment)).entry.state is EntryState.ADDED
        assert desk.calendars.inserts[entry.event_id] == inserts + 1

    play(tmp_path, story)


async def _lose_grant(desk: Desk, account_id: str, finding: Finding = REVOKED) -> str:
    link_id = await link_of(desk, account_id)
    desk.calendars.failing[link_id] = finding
    desk.service.provider.findings[link_id] = (finding,)
    return link_id


async def _mend(desk: Desk, link_id: str) -> None:
    del desk.calendars.failing[link_id], desk.service.provider.findings[link_id]


def test_a_permanent_failure_has_the_link_checked_and_waits_for_its_recovery(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        appointment = await desk.book("any", slot(0))
        link_id = await _lose_grant(desk, "ann")
        await seconds(60)
        link = await desk.service.store.link(link_id)
        assert link is not None
        assert link.state is LinkState.FAILED
        entry = (await only(desk, appointment)).entry
        assert (entry.state, entry.cause and entry.cause.reason) == (
            EntryState.NOT_ADDED,
            CauseReason.AUTHORIZATION_REVOKED,
        )
        assert entry.next_attempt_time is None
        inserts = desk.calendars.inserts[entry.event_id]
        await seconds(3600)
        assert desk.calendars.inserts[entry.event_id] == inserts
        await _mend(desk, link_id)
        await desk.service.link("ann", link_id=link_id)
        await seconds(1)
        assert (await only(desk, appointment)).entry.state is EntryState.ADDED
        assert await shown(desk, "ann") == ["Visit"]

    play(tmp_path, story)


def test_a_calendar_that_may_not_be_written_degrades_the_link(tmp_path: Path) -> None:
    """It is added at once when the check finds that it may be written again."""

    async def story(desk: Desk) -> None:
        appointment = await desk.book("any", slot(0))
        link_id = await _lose_grant(desk, "ann", READ_ONLY)
        await seconds(3600)
        link = await desk.service.store.link(link_id)
        assert link is not None
        assert link.state is LinkState.DEGRADED
        await _mend(desk, link_id)
        await desk.service.checks.check_now(link_id)
        await seconds(1)
        assert (await only(desk, appointment)).entry.state is EntryState.ADDED

    play(tmp_path, story)


def test_who_has_no_add_calendar_gets_it_when_one_is_selected(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        link_id = await link_of(desk, "ann")
        await desk.service.selection.select(link_id, ("me@example.com",), "")
        appointment = await desk.book("any", slot(0))
        entry = (await only(desk, appointment)).entry
        assert (entry.state, entry.cause, entry.calendar_id) == (EntryState.NOT_ADDED, None, "")
        await seconds(3600)
        assert not desk.calendars.inserts
        await desk.service.selection.select(link_id, ("me@example.com",), "me@example.com")
        await seconds(1)
        assert (await only(desk, appointment)).entry.state is EntryState.ADDED
        assert list(desk.calendars.inserts.values()) == [1]

    play(tmp_path, story)


def test_cancelling_removes_it_everywhere(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        appointment = await desk.book("all", slot(0))
        await seconds(1)
        cancelled = await desk.appointments.cancel(appointment.id)
        assert {each.entry.state for each in cancelled.assignees} == {EntryState.REMOVING}
        await seconds(1)
        gone = await read(desk, appointment)
        assert {each.entry.state for each in gone.assignees} == {EntryState.REMOVED}
        assert not desk.calendars.events

    play(tmp_path, story)


def test_cancelling_while_it_is_being_added_removes_it_after_that(tmp_path: Path) -> None:
    """The event arrives after the cancellation, and goes all the same."""

    async def story(desk: Desk) -> None:
        async def slowly() -> None:
            await seconds(10)

        appointment = await desk.book("any", slot(0))
        desk.calendars.pause = slowly
        await seconds(5)
        assert desk.calendars.inserts
        cancelled = await desk.appointments.cancel(appointment.id)
        assert cancelled.assignees[0].entry.state is EntryState.REMOVING
        await seconds(2)
        assert not desk.calendars.deletes
        await seconds(60)
        assert (await only(desk, appointment)).entry.state is EntryState.REMOVED
        assert not desk.calendars.events

    play(tmp_path, story)


def test_what_cannot_be_removed_is_removed_when_the_link_recovers(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        appointment = await desk.book("any", slot(0))
        await seconds(1)
        link_id = await _lose_grant(desk, "ann")
        await desk.service.checks.check_now(link_id)
        await desk.appointments.cancel(appointment.id)
        await seconds(3600)
        entry = (await only(desk, appointment)).entry
        assert (entry.state, entry.next_attempt_time) == (EntryState.REMOVING, None)
        await _mend(desk, link_id)
        await desk.service.link("ann", link_id=link_id)
        await seconds(1)
        assert (await only(desk, appointment)).entry.state is EntryState.REMOVED
        assert await shown(desk, "ann") == []

    play(tmp_path, story)


def test_reassigning_moves_it_and_moves_it_back(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        appointment = await desk.book("any", slot(0))
        await seconds(1)
        await desk.appointments.reassign(appointment.id)
        await seconds(1)
        assert [await shown(desk, each) for each in ("ann", "bob")] == [[], ["Visit"]]
        await desk.appointments.reassign(appointment.id)
        await seconds(1)
        assert [await shown(desk, each) for each in ("ann", "bob")] == [["Visit"], []]
        assert [each.state for each in (await read(desk, appointment)).former] == [EntryState.REMOVED] * 2

    play(tmp_path, story)


def test_what_a_person_deleted_before_it_was_known_to_be_there_is_written_anew(tmp_path: Path) -> None:
    """The id of a deleted event is never free again."""

    async def story(desk: Desk) -> None:
        desk.calendars.failing[await link_of(desk, "bob")] = DOWN
        appointment = await desk.book("any", slot(0))
        taken = appointment.assignees[0].entry.event_id
        desk.calendars.deleted.add(taken)
        await seconds(1)
        entry = (await only(desk, appointment)).entry
        assert (entry.state, entry.event_id != taken) == (EntryState.ADDED, True)
        assert await shown(desk, "ann") == ["Visit"]

    play(tmp_path, story)


def test_another_add_calendar_leaves_no_second_event(tmp_path: Path) -> None:
    """An insert whose answer was lost may have arrived: it is removed there, and added to the new calendar."""

    async def story(desk: Desk) -> None:
        link_id = await link_of(desk, "ann")
        appointment = await desk.book("any", slot(0))
        desk.calendars.answers_lost.add(link_id)
        await seconds(1)
        assert (await only(desk, appointment)).entry.state is EntryState.NOT_ADDED
        assert await shown(desk, "ann") == ["Visit"]
        desk.service.provider.calendars.append(OTHER)
        await desk.service.selection.select(link_id, ("me@example.com",), OTHER.id)
        desk.calendars.answers_lost.clear()
        await seconds(120)
        assert (await only(desk, appointment)).entry.calendar_id == OTHER.id
        assert [draft.calendar_id for _, draft in desk.calendars.events.values()] == [OTHER.id]

    play(tmp_path, story)


def test_a_link_that_hangs_takes_no_place_from_the_others(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        desk.calendars.hanging.add(await link_of(desk, "ann"))
        for number in range(40):
            await desk.book("all", slot(number), f"Visit {number:02}")
        await seconds(120)
        assert len(await shown(desk, "bob")) == 40
        assert await shown(desk, "ann") == []
        assert sum(desk.calendars.inserts.values()) == 41

    play(tmp_path, story)


def test_a_faulty_members_appointment_is_added_when_their_link_recovers(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        await desk.service.add_page("auto", AUTO, "olga", "ann", "bob", faulty_members=FaultyMembers.KEEP)
        link_id = await _lose_grant(desk, "ann")
        await desk.service.checks.check_now(link_id)
        appointment = await desk.book("auto", slot(0))
        [assignee] = appointment.assignees
        assert (assignee.account_id, assignee.faulty, assignee.entry.state) == ("ann", True, EntryState.NOT_ADDED)
        assert assignee.entry.cause is not None
        assert assignee.entry.cause.reason is CauseReason.AUTHORIZATION_REVOKED
        await _mend(desk, link_id)
        await desk.service.link("ann", link_id=link_id)
        await seconds(1)
        assert await shown(desk, "ann") == ["Visit"]

    play(tmp_path, story)


@pytest.mark.parametrize("ended", ["disconnected", "deleted"])
def test_what_goes_to_a_link_that_was_ended_is_not_added(tmp_path: Path, ended: str) -> None:
    async def story(desk: Desk) -> None:
        link_id = await link_of(desk, "ann")
        appointment = await desk.book("any", slot(0))
        desk.calendars.failing[link_id] = DOWN
        await seconds(1)
        await (desk.service.ending.disconnect if ended == "disconnected" else desk.service.ending.delete)(link_id)
        await seconds(3600)
        entry = (await only(desk, appointment)).entry
        assert (entry.state, entry.cause, entry.next_attempt_time) == (EntryState.NOT_ADDED, None, None)

    play(tmp_path, story)
