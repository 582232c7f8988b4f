"""Assigning appointments over a real store, with calendars that answer what a test says, in virtual time."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from calguard_server.domain.appointment import Appointment, AppointmentState, EntryState
from calguard_server.domain.assignment import Standing
from calguard_server.domain.causes import Finding
from calguard_server.domain.errors import CalguardError, FailedPreconditionError, InvalidArgumentError, NotFoundError
from calguard_server.domain.intervals import Interval
from calguard_server.domain.link_state import LinkState
from calguard_server.domain.notices import NoticeKind
from calguard_server.domain.page import AssignmentMethod, FaultyMembers, Member, SchedulingMode
from calguard_server.engine.appointments import Booking
from calguard_server.engine.assigning import Asked, Wish, choose
from calguard_server.engine.ports.filters import NotificationFilter
from calguard_server.engine.requests import ReplayedError, Request
from tests.fakes.calendars import DOWN, REVOKED, TIMEOUT, Desk, FakeCalendars, open_desk, slot
from tests.fakes.inline_connections import InlineConnections
from tests.fakes.service import running_service
from tests.fakes.virtual_time import VirtualClock, run_virtually
from tests.fakes.world import START

ALL, ANY, AUTO = SchedulingMode.ALL_MEMBERS, SchedulingMode.ANY_MEMBER, SchedulingMode.AUTO_ASSIGN

Story = Callable[[Desk], Awaitable[None]]


def play(path: Path, story: Story, *accounts: str) -> None:
    """Tell a story over a store in which accounts are linked, each by `link-ACCOUNT`'s subject."""

    async def main() -> None:
        async with running_service(path / "db", clock=VirtualClock(), connections=InlineConnections()) as service:
            desk = open_desk(service)
            await service.add_account("olga")
            for account in accounts:
                await service.add_account(account)
                await service.link(account)
            try:
                await story(desk)
            finally:
                await desk.failures.close()

    run_virtually(main())


async def link_of(desk: Desk, account_id: str) -> str:
    [link] = await desk.service.store.links_of_account(account_id)
    return link.id


async def occupy(desk: Desk, account_id: str, time: Interval) -> None:
    desk.calendars.busy.setdefault(await link_of(desk, account_id), []).append(time)


async def break_link(desk: Desk, account_id: str, finding: Finding = REVOKED) -> None:
    """Have a link's checks, and all else that asks it, meet a finding, and a check find that."""
    link_id = await link_of(desk, account_id)
    desk.service.provider.findings[link_id] = (finding,)
    desk.calendars.failing[link_id] = finding
    await desk.service.checks.check_now(link_id)


async def refused(work: Awaitable[Appointment]) -> CalguardError:
    with pytest.raises(CalguardError) as caught:
        await work
    return caught.value


def holders(appointment: Appointment) -> tuple[str, ...]:
    return appointment.account_ids


def test_any_member_takes_the_first_who_is_free(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        await desk.service.add_page("page", ANY, "olga", "ann", "bob")
        await occupy(desk, "ann", slot(0))
        assert holders(await desk.book("page", slot(0))) == ("bob",)
        assert holders(await desk.book("page", slot(1))) == ("ann",)
        assert (await refused(desk.book("page", slot(0)))).reason == "TIME_NOT_FREE"

    play(tmp_path, story, "ann", "bob")


def test_any_member_takes_who_is_wished_and_nobody_else(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        await desk.service.add_page("page", ANY, "olga", "ann", "bob")
        assert holders(await desk.book("page", slot(0), account_id="bob")) == ("bob",)
        assert (await refused(desk.book("page", slot(0), account_id="bob"))).reason == "TIME_NOT_FREE"
        assert (await refused(desk.book("page", slot(0), account_id="eve"))).reason == "NOT_A_MEMBER"
        asked = len(desk.calendars.asked)
        await desk.book("page", slot(1), account_id="bob")
        assert desk.calendars.asked[asked:] == [await link_of(desk, "bob")]

    play(tmp_path, story, "ann", "bob")


@pytest.mark.parametrize("mode", [ALL, AUTO])
def test_only_any_member_takes_wishes(tmp_path: Path, mode: SchedulingMode) -> None:
    async def story(desk: Desk) -> None:
        await desk.service.add_page("page", mode, "olga", "ann")
        error = await refused(desk.book("page", slot(0), account_id="ann"))
        assert isinstance(error, InvalidArgumentError)
        assert [each.field for each in error.violations] == ["account_id"]

    play(tmp_path, story, "ann")


def test_all_members_get_it_or_nobody(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        await desk.service.add_page("page", ALL, "olga", "ann", "bob")
        appointment = await desk.book("page", slot(0))
        assert holders(appointment) == ("ann", "bob")
        assert len({each.entry.event_id for each in appointment.assignees}) == 2
        await occupy(desk, "bob", slot(1))
        assert (await refused(desk.book("page", slot(1)))).reason == "TIME_NOT_FREE"
        desk.calendars.failing[await link_of(desk, "bob")] = DOWN
        error = await refused(desk.book("page", slot(2)))
        assert (error.reason, error.metadata["unknown_account_ids"]) == ("TIME_UNKNOWN", "bob")

    play(tmp_path, story, "ann", "bob")


def test_an_appointment_is_busy_on_every_page_and_touching_is_not_overlapping(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        await desk.service.add_page("one", ANY, "olga", "ann")
        await desk.service.add_page("two", ALL, "olga", "ann")
        await desk.book("one", slot(1))
        assert (await refused(desk.book("two", slot(1)))).reason == "TIME_NOT_FREE"
        half = timedelta(minutes=15)
        across = Interval(slot(1).end - half, slot(1).end + half)
        assert (await refused(desk.book("two", across))).reason == "TIME_NOT_FREE"
        await desk.book("two", slot(0))
        await desk.book("two", slot(2))
        whole_day = Interval(slot(3).start, slot(3).start + timedelta(hours=24))
        await desk.book("one", whole_day)
        last = Interval(whole_day.end - half, whole_day.end + half)
        assert (await refused(desk.book("two", last))).reason == "TIME_NOT_FREE"

    play(tmp_path, story, "ann")


def test_who_has_nothing_to_be_checked_is_free_but_for_what_is_assigned_here(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        await desk.service.add_account("eve")
        await desk.service.add_page("page", ANY, "olga", "eve")
        appointment = await desk.book("page", slot(0))
        [assignee] = appointment.assignees
        assert (assignee.entry.state, assignee.entry.cause) == (EntryState.NOT_ADDED, None)
        assert (await refused(desk.book("page", slot(0)))).reason == "TIME_NOT_FREE"

    play(tmp_path, story)


def test_what_is_refused_beforehand(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        service = desk.service
        await service.add_page("page", ANY, "olga")
        assert (await refused(desk.book("page", slot(0)))).reason == "NO_MEMBERS"
        missing = await refused(desk.book("none", slot(0)))
        assert isinstance(missing, NotFoundError)
        past = Interval(START - timedelta(hours=1), START)
        error = await refused(desk.book("page", past))
        assert [each.field for each in error.violations] == ["start_time"]
        await service.add_page("closed", ANY, "olga", "ann")
        await service.pages.stop("closed")
        stopped = await refused(desk.book("closed", slot(0)))
        assert (stopped.reason, stopped.metadata["stop_cause"]) == ("PAGE_STOPPED", "OWNER")
        assert not desk.calendars.asked

    play(tmp_path, story, "ann")


def test_a_page_that_stops_while_calendars_are_asked_takes_nothing(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        service = desk.service
        await service.add_page("page", ANY, "olga", "ann")

        async def stop() -> None:
            desk.calendars.pause = _at_once
            await service.pages.stop("page")

        desk.calendars.pause = stop
        assert (await refused(desk.book("page", slot(0)))).reason == "PAGE_STOPPED"

    play(tmp_path, story, "ann")


def test_who_becomes_a_member_while_calendars_are_asked_is_not_taken(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        service = desk.service
        await service.add_page("page", ANY, "olga", "ann")
        await occupy(desk, "ann", slot(0))

        async def join() -> None:
            desk.calendars.pause = _at_once
            await service.pages.update("page", {"members": (Member("bob"), Member("ann"))})

        desk.calendars.pause = join
        error = await refused(desk.book("page", slot(0)))
        assert (error.reason, error.metadata["unknown_account_ids"]) == ("TIME_UNKNOWN", "bob")
        assert holders(await desk.book("page", slot(0))) == ("bob",)

    play(tmp_path, story, "ann", "bob")


async def _at_once() -> None:
    """Wait for nothing."""


def test_a_link_that_fails_is_unknown_and_checked_at_once(tmp_path: Path) -> None:
    """What was met is a reason to look: the check finds the grant revoked, and the page stops."""

    async def story(desk: Desk) -> None:
        service, link_id = desk.service, await link_of(desk, "ann")
        page = await service.add_page("page", ANY, "olga", "ann")
        service.provider.findings[link_id] = (REVOKED,)
        desk.calendars.failing[link_id] = REVOKED
        assert (await refused(desk.book("page", slot(0)))).reason == "TIME_UNKNOWN"
        await asyncio.sleep(1)  # noqa: TID251 - virtual: the loop jumps
        link = await service.store.link(link_id)
        assert link is not None
        assert link.state is LinkState.FAILED
        assert not (await service.pages.get(page.id)).accepting

    play(tmp_path, story, "ann")


@pytest.mark.parametrize("mode", [ANY, AUTO])
def test_who_is_silent_is_passed_over_when_the_time_is_up(tmp_path: Path, mode: SchedulingMode) -> None:
    """Also where faulty members take their turn: a link that is silent has not failed. The time is virtual."""

    async def story(desk: Desk) -> None:
        await desk.service.add_page("page", mode, "olga", "ann", "bob")
        silent = await link_of(desk, "ann")
        desk.calendars.silent = {silent}
        began, probes = desk.service.clock.now(), len(desk.service.provider.probes)
        appointment = await desk.book("page", slot(0))
        assert holders(appointment) == ("bob",)
        assert desk.service.clock.now() - began == TIMEOUT
        await asyncio.sleep(1)  # noqa: TID251 - virtual: the loop jumps
        assert [each.calendar_link_id for each in desk.service.provider.probes[probes:]] == [silent]
        refusal = await refused(desk.appointments.reassign(appointment.id))
        assert (refusal.reason, refusal.metadata["unknown_account_ids"]) == ("TIME_UNKNOWN", "ann")
        desk.calendars.silent.clear()
        assert holders(await desk.appointments.reassign(appointment.id)) == ("ann",)

    play(tmp_path, story, "ann", "bob")


@pytest.mark.parametrize(("mode", "wished"), [(ALL, ""), (ANY, "ann")])
def test_time_of_who_is_silent_and_needed_is_unknown(tmp_path: Path, mode: SchedulingMode, wished: str) -> None:
    async def story(desk: Desk) -> None:
        await desk.service.add_page("page", mode, "olga", "ann", "bob")
        desk.calendars.silent = {await link_of(desk, "ann")}
        refusal = await refused(desk.book("page", slot(0), account_id=wished))
        assert (refusal.reason, refusal.metadata["unknown_account_ids"]) == ("TIME_UNKNOWN", "ann")

    play(tmp_path, story, "ann", "bob")


def test_an_assignment_waits_no_longer_than_its_caller(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        await desk.service.add_page("page", ANY, "olga", "ann", "bob")
        desk.calendars.silent = {await link_of(desk, "ann")}
        booking = Booking(booking_page_id="page", time=slot(0), time_zone="Asia/Tokyo", title="Visit")
        began, patience = desk.service.clock.now(), timedelta(seconds=2)
        appointment = await desk.appointments.assign(booking, patience=patience)
        assert holders(appointment) == ("bob",)
        assert desk.service.clock.now() - began == patience
        await refused(desk.appointments.reassign(appointment.id, patience=patience))
        assert desk.service.clock.now() - began == 2 * patience

    play(tmp_path, story, "ann", "bob")


def test_a_refusal_says_who_reconnects_and_who_may_be_asked_again(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        skip = FaultyMembers.SKIP
        await desk.service.add_page("page", AUTO, "olga", "bob", "ann", faulty_members=skip)
        await break_link(desk, "ann")
        desk.calendars.failing[await link_of(desk, "bob")] = DOWN
        refusal = await refused(desk.book("page", slot(0)))
        assert refusal.metadata == {"id": "page", "unknown_account_ids": "bob,ann", "faulty_account_ids": "ann"}
        assert "these accounts reconnect them, whom the page's owner may ask to (ann); " in str(refusal)
        assert str(refusal).endswith("repeat the call in a moment; where that lasts, they reconnect them (bob)")
        await occupy(desk, "bob", slot(0))
        del desk.calendars.failing[await link_of(desk, "bob")]
        assert str(await refused(desk.book("page", slot(0)))).endswith("may ask to (ann)")

    play(tmp_path, story, "ann", "bob")


@pytest.mark.parametrize(
    ("faulty_members", "expected"),
    [
        (FaultyMembers.KEEP, ["ann", "bob", "ann"]),
        (FaultyMembers.SKIP, ["bob", "TIME_UNKNOWN"]),
        (FaultyMembers.LAST_RESORT, ["bob", "ann", "TIME_NOT_FREE"]),
    ],
)
def test_faulty_members_under_auto_assign(tmp_path: Path, faulty_members: FaultyMembers, expected: list[str]) -> None:
    """The first is for the first slot, the others for the same one again."""

    async def story(desk: Desk) -> None:
        service = desk.service
        await service.add_page("page", AUTO, "olga", "ann", "bob", faulty_members=faulty_members)
        await break_link(desk, "ann")
        kept = faulty_members is FaultyMembers.KEEP
        slots = [slot(0), slot(0), slot(1)] if kept else [slot(0)] * len(expected)
        found: list[str] = []
        for time in slots:
            try:
                found += holders(await desk.book("page", time))
            except FailedPreconditionError as error:
                found.append(error.reason)
        assert found == expected

    play(tmp_path, story, "ann", "bob")


def test_owner_and_member_are_told_once_for_each_appointment_of_a_faulty_member(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        service = desk.service
        await service.add_page("page", AUTO, "olga", "ann", "bob")
        await break_link(desk, "ann")
        first, second = await desk.book("page", slot(0)), await desk.book("page", slot(0))
        assert [holders(first), holders(second)] == [("ann",), ("bob",)]
        assert [each.faulty for each in (*first.assignees, *second.assignees)] == [True, False]
        told = [
            (each.delivery.recipient_account_id, each.delivery.channel.value, each.delivery.stage)
            for each in await service.store.notifications(NotificationFilter(), 0, 100)
            if each.delivery.kind is NoticeKind.ASSIGNED_TO_FAULTY
        ]
        stage = f"assigned:{first.id}"
        assert sorted(told) == [(who, by, stage) for who in ("ann", "olga") for by in ("EMAIL", "SLACK")]

    play(tmp_path, story, "ann", "bob")


def test_even_counts_what_stands_and_sequential_remembers_what_was(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        service = desk.service
        await service.add_page("even", AUTO, "olga", "ann", "bob", "cid")
        first = [await desk.book("even", slot(number)) for number in range(3)]
        assert [holders(each) for each in first] == [("ann",), ("bob",), ("cid",)]
        await desk.appointments.cancel(first[1].id)
        assert holders(await desk.book("even", slot(3))) == ("bob",)
        method = AssignmentMethod.SEQUENTIAL
        await service.add_page("row", AUTO, "olga", "ann", "bob", "cid", assignment_method=method)
        row = [await desk.book("row", slot(number)) for number in range(10, 12)]
        assert [holders(each) for each in row] == [("ann",), ("bob",)]
        await desk.appointments.cancel(row[1].id)
        assert holders(await desk.book("row", slot(12))) == ("cid",)

    play(tmp_path, story, "ann", "bob", "cid")


def test_what_was_assigned_before_the_window_does_not_count(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        service = desk.service
        await service.add_page("page", AUTO, "olga", "ann", "bob")
        far = START + timedelta(days=90)
        for number in range(3):
            await occupy(desk, "bob", slot(number, start=far))
            assert holders(await desk.book("page", slot(number, start=far))) == ("ann",)
        await asyncio.sleep(timedelta(days=31).total_seconds())  # noqa: TID251 - virtual: the loop jumps
        assert holders(await desk.book("page", slot(3, start=far))) == ("bob",)
        assert holders(await desk.book("page", slot(4, start=far))) == ("ann",)

    play(tmp_path, story, "ann", "bob")


def test_priority_takes_the_highest_who_is_free(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        members = (Member("ann", 1), Member("bob", 9), Member("cid", 9))
        fields = {"members": members, "assignment_method": AssignmentMethod.PRIORITY}
        await desk.service.add_page("page", AUTO, "olga", **fields)
        found = [holders(await desk.book("page", slot(0))) for _ in range(3)]
        assert found == [("bob",), ("cid",), ("ann",)]
        assert holders(await desk.book("page", slot(1))) == ("bob",)

    play(tmp_path, story, "ann", "bob", "cid")


MEMBERS = ("ann", "bob", "cid", "dan", "eve")


def test_200_calls_at_once_for_50_slots_of_5_members(tmp_path: Path) -> None:
    """All are answered, nobody is booked twice at a time, and all have the same number, give or take one."""

    async def story(desk: Desk) -> None:
        await desk.service.add_page("page", AUTO, "olga", *MEMBERS)
        calls = (desk.book("page", slot(number % 50), f"Visit {number}") for number in range(200))
        found = await asyncio.gather(*calls)
        kept = Counter((account, each.time) for each in found for account in holders(each))
        assert set(kept.values()) == {1}
        assert sorted(Counter(account for account, _ in kept).values()) == [40] * 5
        assert len({each.id for each in found}) == 200
        more = await asyncio.gather(
            *(desk.book("page", slot(number % 50)) for number in range(100)), return_exceptions=True
        )
        won = [each for each in more if isinstance(each, Appointment)]
        lost = [each.reason for each in more if isinstance(each, FailedPreconditionError)]
        assert (len(won), lost) == (50, ["TIME_NOT_FREE"] * 50)

    play(tmp_path, story, *MEMBERS)


def request(number: int, fingerprint: str = "same") -> Request:
    return Request(f"request-{number}", fingerprint, lambda appointment: appointment.id.encode())


BOOKING = Booking(booking_page_id="page", time=slot(0), time_zone="UTC", title="Visit")


def test_a_repeated_request_answers_as_the_first(tmp_path: Path) -> None:
    """At once and later: there is one appointment, and calendars are not asked again."""

    async def story(desk: Desk) -> None:
        await desk.service.add_page("page", ANY, "olga", "ann", "bob")
        found = await asyncio.gather(
            *(desk.appointments.assign(BOOKING, request(1)) for _ in range(5)), return_exceptions=True
        )
        [first] = [each for each in found if isinstance(each, Appointment)]
        answers = [each.answer for each in found if isinstance(each, ReplayedError)]
        assert answers == [first.id.encode()] * 4
        asked = len(desk.calendars.asked)
        with pytest.raises(ReplayedError) as replayed:
            await desk.appointments.assign(BOOKING, request(1))
        assert replayed.value.answer == first.id.encode()
        assert len(desk.calendars.asked) == asked
        assert (await refused(desk.appointments.assign(BOOKING, request(1, "other")))).reason == "REQUEST_ID_REUSED"

    play(tmp_path, story, "ann", "bob")


def test_assignments_hold_across_restarts(tmp_path: Path) -> None:
    """Double booking, repeated requests and whose turn it is: all from the file alone."""

    async def main() -> None:
        calendars, found = FakeCalendars(), []
        for start in range(3):
            async with running_service(
                tmp_path / "db", clock=VirtualClock(), connections=InlineConnections()
            ) as service:
                desk = open_desk(service, calendars)
                if start == 0:
                    await service.add_account("olga")
                    for account in ("ann", "bob", "cid"):
                        await service.add_account(account)
                    await service.add_page("page", AUTO, "olga", "ann", "bob", "cid")
                else:
                    with pytest.raises(ReplayedError):
                        await desk.appointments.assign(BOOKING, request(start - 1))
                service.context.new_id.skip(start)  # type: ignore[attr-defined] - ids go on after a restart
                found.append(await desk.appointments.assign(BOOKING, request(start)))
        assert [holders(each) for each in found] == [("ann",), ("bob",), ("cid",)]
        async with running_service(tmp_path / "db", clock=VirtualClock(), connections=InlineConnections()) as service:
            desk = open_desk(service, calendars)
            assert (await refused(desk.appointments.assign(BOOKING, request(9)))).reason == "TIME_NOT_FREE"
            assert await desk.appointments.get(found[0].id) == found[0]

    run_virtually(main())


def test_reassigning_by_the_method_and_by_name(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        method = AssignmentMethod.SEQUENTIAL
        await desk.service.add_page("page", AUTO, "olga", "ann", "bob", "cid", assignment_method=method)
        appointment = await desk.book("page", slot(0))
        assert holders(appointment) == ("ann",)
        moved = await desk.appointments.reassign(appointment.id)
        assert holders(moved) == ("bob",)
        assert [each.account_id for each in moved.former] == ["ann"]
        assert holders(await desk.appointments.reassign(appointment.id, "cid")) == ("cid",)
        same = await desk.appointments.reassign(appointment.id, "cid")
        assert same == await desk.appointments.get(appointment.id)
        assert (await refused(desk.appointments.reassign(appointment.id, "eve"))).reason == "NOT_A_MEMBER"
        await occupy(desk, "bob", slot(0))
        assert (await refused(desk.appointments.reassign(appointment.id, "bob"))).reason == "TIME_NOT_FREE"
        back = await desk.appointments.reassign(appointment.id)
        assert holders(back) == ("ann",)
        assert back.assignees[0].entry.event_id != appointment.assignees[0].entry.event_id
        assert holders(await desk.book("page", slot(1), "Next")) == ("bob",)

    play(tmp_path, story, "ann", "bob", "cid")


def test_reassigning_works_on_a_page_that_is_stopped(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        service = desk.service
        await service.add_page("page", ANY, "olga", "ann", "bob")
        appointment = await desk.book("page", slot(0))
        await service.pages.stop("page")
        assert holders(await desk.appointments.reassign(appointment.id)) == ("bob",)

    play(tmp_path, story, "ann", "bob")


def test_what_cannot_be_reassigned(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        service = desk.service
        await service.add_page("all", ALL, "olga", "ann")
        await service.add_page("one", ANY, "olga", "ann")
        everybody, alone = await desk.book("all", slot(0)), await desk.book("one", slot(1))
        refusal = await refused(desk.appointments.reassign(everybody.id))
        assert (refusal.reason, refusal.metadata["state"]) == ("ILLEGAL_TRANSITION", "OF_ALL_MEMBERS")
        assert (await refused(desk.appointments.reassign(alone.id))).reason == "NO_MEMBERS"
        assert (await refused(desk.appointments.reassign("none"))).reason == "APPOINTMENT_NOT_FOUND"
        await desk.appointments.cancel(alone.id)
        assert (await refused(desk.appointments.reassign(alone.id))).reason == "ILLEGAL_TRANSITION"
        await service.pages.delete("all")
        assert (await refused(desk.appointments.reassign(everybody.id))).reason == "ILLEGAL_TRANSITION"

    play(tmp_path, story, "ann")


def test_cancelling_frees_the_time_and_is_done_once(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        await desk.service.add_page("page", ANY, "olga", "ann")
        appointment = await desk.book("page", slot(0))
        cancelled = await desk.appointments.cancel(appointment.id)
        assert (cancelled.state, cancelled.assignees[0].entry.state) == (
            AppointmentState.CANCELLED,
            EntryState.REMOVED,
        )
        assert await desk.appointments.cancel(appointment.id) == cancelled
        await desk.book("page", slot(0))

    play(tmp_path, story, "ann")


def test_appointments_outlast_their_page(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        service = desk.service
        await service.add_page("page", ANY, "olga", "ann", "bob")
        appointment = await desk.book("page", slot(0))
        await service.pages.delete("page")
        assert await desk.appointments.get(appointment.id) == appointment
        assert (await refused(desk.appointments.reassign(appointment.id))).reason == "BOOKING_PAGE_NOT_FOUND"
        await service.add_page("other", ANY, "olga", "ann")
        assert (await refused(desk.book("other", slot(0)))).reason == "TIME_NOT_FREE"
        await desk.appointments.cancel(appointment.id)
        await desk.book("other", slot(0))

    play(tmp_path, story, "ann", "bob")


def test_a_member_who_recovered_since_they_were_looked_at_is_not_known_to_be_free(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        page = await desk.service.add_page("page", AUTO, "olga", "ann")
        rows = await desk.service.store.look(Asked(slot(0), {"ann": Standing.FAULTY}).seeds(page.id, START))
        with pytest.raises(FailedPreconditionError) as caught:
            choose(rows, page, Asked(slot(0), {"ann": Standing.FAULTY}), Wish())
        assert caught.value.reason == "TIME_UNKNOWN"

    play(tmp_path, story, "ann")
