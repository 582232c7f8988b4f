"""Appointments over the contract, with calendars at a Google that can break."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from calguard.v1 import appointment_pb2 as pb
from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import cause_pb2 as cause_pb
from calguard.v1 import notification_pb2 as notices_pb
from calguard_sandbox.google.state import TEAM, Busy
from tests.e2e.backend import Backend, running_backend
from tests.e2e.booking import (
    HOUR,
    all_are,
    assign,
    begins,
    booking,
    cancel,
    events,
    holders,
    listed,
    new_request_id,
    read,
    reassign,
    until,
)
from tests.e2e.methods import METHODS
from tests.e2e.stubs import ALL, ANY, AUTO, refused, told
from tests.patience import PATIENCE_SECONDS

ANN, BEN = "ann@example.com", "ben@example.com"
PENDING, ADDED = pb.CALENDAR_ENTRY_STATE_PENDING, pb.CALENDAR_ENTRY_STATE_ADDED
NOT_ADDED, REMOVED = pb.CALENDAR_ENTRY_STATE_NOT_ADDED, pb.CALENDAR_ENTRY_STATE_REMOVED
REMOVING = pb.CALENDAR_ENTRY_STATE_REMOVING


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[Backend]:
    """Ann's and Ben's calendars, a page of each mode that they are members of, and Olga who owns them."""
    async with running_backend(tmp_path, availability_cache="0s") as running:
        await running.add_account("olga")
        for name in ("ann", "ben"):
            await running.add_account(name)
            await running.link(name)
        for page_id, mode in (("all", ALL), ("any", ANY), ("auto", AUTO)):
            await running.add_page(page_id, mode, "olga", "ann", "ben")
        yield running


async def link_of(backend: Backend, account_id: str) -> links_pb.CalendarLink:
    [link] = await backend.all_links(account_id)
    return link


def occupy(backend: Backend, calendar_id: str, after: float) -> None:
    start = backend.clock.now() + after * HOUR
    backend.sandbox.google.set_busy(calendar_id, [Busy(start, start + HOUR)])


async def test_an_appointment_is_assigned_and_comes_into_every_calendar(backend: Backend) -> None:
    guest = pb.Attendee(email="guest@example.com", display_name="Guest")
    made = await assign(backend, "all", 24, attendees=[guest], time_zone="Asia/Tokyo")
    assert holders(made) == ["ann", "ben"]
    assert made.state == pb.APPOINTMENT_STATE_ASSIGNED
    assert {each.entry_state for each in made.assignees} == {PENDING}
    added = await until(backend, made.id, all_are(ADDED))
    for address in (ANN, BEN):
        [event] = events(backend, address)
        assert (event.start, event.end) == (begins(made), begins(made) + HOUR)
        assert event.resource["summary"] == "Visit"
        assert event.resource["start"]["timeZone"] == "Asia/Tokyo"
        assert event.resource["attendees"] == [{"email": "guest@example.com", "displayName": "Guest"}]
    assert [each.calendar_id for each in added.assignees] == [ANN, BEN]
    assert not any(each.HasField("next_attempt_time") or each.HasField("not_added") for each in added.assignees)


async def test_only_what_is_free_right_now_is_assigned(backend: Backend) -> None:
    """Not by what was answered before: the calendar filled up since."""
    occupy(backend, ANN, 24)
    assert holders(await assign(backend, "any", 24)) == ["ben"]
    refusal = await refused(assign(backend, "any", 24))
    assert told(refusal) == ("FAILED_PRECONDITION", "TIME_NOT_FREE")
    assert told(await refused(assign(backend, "any", 24, account_id="ben"))) == ("FAILED_PRECONDITION", "TIME_NOT_FREE")
    assert holders(await assign(backend, "any", 25, account_id="ben")) == ["ben"]
    assert told(await refused(assign(backend, "any", 26, account_id="olga"))) == ("FAILED_PRECONDITION", "NOT_A_MEMBER")


async def test_availability_leaves_out_what_is_assigned(backend: Backend) -> None:
    """Also before it has come into the calendar."""
    backend.sandbox.fault("api/backendError", endpoint="events.insert")
    made = await assign(backend, "any", 24, account_id="ann")
    start = begins(made)
    answer = await backend.availability("all", start - HOUR, start + 2 * HOUR, HOUR)
    assert [each.start_time.ToDatetime(UTC) for each in answer.free] == [start - HOUR, start + HOUR]


async def test_a_calendar_that_fails_is_unknown_and_stops_the_page_at_once(backend: Backend) -> None:
    assert backend.sandbox.google.revoke(ANN)
    refusal = await refused(assign(backend, "all", 24))
    assert told(refusal) == ("FAILED_PRECONDITION", "TIME_UNKNOWN")
    assert refusal.metadata["unknown_account_ids"] == "ann"

    async def stopped() -> pages_pb.BookingPage:
        while (page := await backend.page("all")).accepting:
            pass
        return page

    assert [fault.account_id for fault in (await backend.ticking(stopped())).faulty] == ["ann"]
    stopped_now = await refused(assign(backend, "all", 24))
    assert (told(stopped_now), stopped_now.metadata["faulty_account_ids"]) == (
        ("FAILED_PRECONDITION", "PAGE_STOPPED"),
        "ann",
    )


async def test_an_appointment_of_a_faulty_member_is_told_once_and_added_when_the_link_recovers(
    backend: Backend,
) -> None:
    link = await backend.break_link(await link_of(backend, "ann"))
    await backend.heard_since_settled()
    made = await assign(backend, "auto", 24, title="First meeting", time_zone="Asia/Tokyo")
    [assignee] = made.assignees
    assert (assignee.account_id, assignee.faulty, assignee.entry_state) == ("ann", True, NOT_ADDED)
    assert assignee.not_added.reason == cause_pb.CAUSE_REASON_AUTHORIZATION_REVOKED
    mail = backend.sandbox.mail.received.last
    heard = await backend.heard_since_settled()
    subject = "Please check an appointment: Page auto"
    assert [each for each in heard if each[0] == "EMAIL"] == [
        ("EMAIL", "ann@example.com", subject),
        ("EMAIL", "olga@example.com", subject),
    ]
    for entry in backend.sandbox.mail.received.after(mail):
        assert "First meeting" in entry.record.text
        assert f"http://localhost:3000/appointments/{made.id}" in entry.record.text
        assert "18:00–19:00" in entry.record.text
    await reassign(backend, made.id, "ben")
    await cancel(backend, made.id)
    again = await assign(backend, "auto", 24)
    assert holders(again) == ["ann"]
    assert len([each for each in await backend.heard_since_settled() if each[0] == "EMAIL"]) == 2
    await backend.relink(link)
    await until(backend, again.id, all_are(ADDED))
    assert len(events(backend, ANN)) == 1


async def test_after_an_outage_the_owner_is_told_once_of_what_is_in_the_way(backend: Backend) -> None:
    """In one message, by times only, and nothing of what is free; also after a restart and another outage."""
    link = await backend.break_link(await link_of(backend, "ann"))
    taken = await assign(backend, "auto", 24, title="First meeting", time_zone="Asia/Tokyo")
    await assign(backend, "auto", 24)  # Ben's
    free = await assign(backend, "auto", 30)
    await assign(backend, "auto", 33)  # Ben's
    second = await assign(backend, "auto", 36)
    assert [holders(each) for each in (taken, free, second)] == [["ann"], ["ann"], ["ann"]]
    taken_times = [begins(taken) + HOUR / 2, begins(second) - HOUR / 2]
    backend.sandbox.google.set_busy(ANN, [Busy(each, each + HOUR) for each in taken_times])
    await backend.heard_since_settled()
    mail = backend.sandbox.mail.received.last
    await backend.relink(link)
    found = await until(backend, taken.id, lambda appointment: bool(appointment.conflicts))
    [conflict] = found.conflicts
    assert (conflict.account_id, conflict.calendar_id) == ("ann", ANN)
    start, end = (each.ToDatetime(UTC) for each in (conflict.start_time, conflict.end_time))
    assert (start, end) == (begins(taken) + HOUR / 2, begins(taken) + HOUR)
    for each in (taken, free, second):
        await until(backend, each.id, all_are(ADDED))
    subject = "Two things at the same time: Page auto"
    heard = [each for each in await backend.heard_since_settled() if subject in each[2]]
    assert [each for each in heard if each[0] == "EMAIL"] == [("EMAIL", "olga@example.com", subject)]
    [letter] = [each.record for each in backend.sandbox.mail.received.after(mail) if each.record.subject == subject]
    assert "First meeting" in letter.text
    assert "18:30–19:00" in letter.text
    assert "21:00–21:30" in letter.text
    for each in (taken, second):
        assert f"http://localhost:3000/appointments/{each.id}" in letter.text
    assert free.id not in letter.text
    await backend.restart()
    again = await backend.break_link(await link_of(backend, "ann"))
    await backend.relink(again)
    assert [each for each in await backend.heard_since_settled() if subject in each[2]] == []
    assert list((await read(backend, free.id)).conflicts) == []
    assert len((await read(backend, taken.id)).conflicts) == 1
    assert [each.id for each in await listed(backend, conflicts_only=True)] == [taken.id, second.id]
    await cancel(backend, taken.id)
    assert [each.id for each in await listed(backend, conflicts_only=True, booking_page_id="auto")] == [second.id]


async def test_what_is_owed_of_an_appointment_that_is_gone_is_not_told(tmp_path: Path) -> None:
    async with running_backend(tmp_path, notice_group_wait="1m") as backend:
        for name in ("ann", "ben"):
            await backend.add_account(name)
            await backend.link(name)
        await backend.add_page("auto", AUTO, "ben", "ann", "ben")
        await backend.break_link(await link_of(backend, "ann"))
        made = await assign(backend, "auto", 24)
        await cancel(backend, made.id)
        notices = [each for each in await backend.settled() if not each.send_time.seconds]
        assert {each.last_error for each in notices} == {"APPOINTMENT_OVER"}
        assert len(notices) == 4


@pytest.mark.parametrize("ended", ["cancelled", "moved", "over", "handed on"])
async def test_a_conflict_that_is_settled_is_not_told(tmp_path: Path, ended: str) -> None:
    async with running_backend(tmp_path, notice_group_wait="1h") as backend:
        await backend.add_account("olga")
        for name in ("ann", "ben"):
            await backend.add_account(name)
            await backend.link(name)
        page = await backend.add_page("auto", AUTO, "olga", "ann", "ben")
        link = await backend.break_link(await link_of(backend, "ann"))
        made = await assign(backend, "auto", 1)
        occupy(backend, ANN, 1)
        await backend.relink(link)
        await until(backend, made.id, lambda appointment: bool(appointment.conflicts))
        if ended == "cancelled":
            await cancel(backend, made.id)
        elif ended == "moved":
            await reassign(backend, made.id, "ben")
        elif ended == "over":
            await backend.pass_time(hours=3)
        else:
            page.owner_account_id = "ben"
            await backend.change_page(page, "owner_account_id")
        kind = notices_pb.NOTIFICATION_KIND_APPOINTMENT_CONFLICT
        notices = [each for each in await backend.settled() if each.kind == kind]
        assert {each.last_error for each in notices} == {
            "NOT_CONCERNED" if ended == "handed on" else "APPOINTMENT_OVER"
        }
        assert len(notices) == 2


async def test_what_cannot_be_added_says_why_and_is_tried_again(backend: Backend) -> None:
    backend.sandbox.fault("api/backendError", endpoint="events.insert", user=ANN, times=3)
    made = await assign(backend, "any", 24)
    failing = await until(backend, made.id, all_are(NOT_ADDED))
    [assignee] = failing.assignees
    assert assignee.not_added.reason == cause_pb.CAUSE_REASON_PROVIDER_UNAVAILABLE
    assert assignee.HasField("next_attempt_time")
    assert failing.state == pb.APPOINTMENT_STATE_ASSIGNED
    await until(backend, made.id, all_are(ADDED))
    assert len(events(backend, ANN)) == 1


async def test_an_event_that_arrives_late_of_what_was_cancelled_is_removed(tmp_path: Path) -> None:
    """Google carries the insert out after nobody waits for it any more, and after the cancellation."""
    async with running_backend(tmp_path, google_timeout="1s") as backend:
        for name in ("ann", "ben"):
            await backend.add_account(name)
            await backend.link(name)
        await backend.add_page("any", ANY, "ann", "ann", "ben")
        rule = backend.sandbox.fault("network/hold", surface="google", endpoint="events.insert", user=ANN)
        made = await assign(backend, "any", 24, account_id="ann")
        await until(backend, made.id, all_are(NOT_ADDED))
        assert all_are(REMOVING)(await cancel(backend, made.id))
        await failed_meanwhile(backend)
        other = await assign(backend, "any", 24, account_id="ben")
        await until(backend, other.id, all_are(ADDED))  # what was due before that is worked on
        assert all_are(REMOVING)(await read(backend, made.id))
        backend.sandbox.faults.remove(rule.id)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not events(backend, ANN):
                assert all_are(REMOVING)(await read(backend, made.id))
        await until(backend, made.id, all_are(REMOVED))
        assert events(backend, ANN) == []


async def failed_meanwhile(backend: Backend) -> None:
    """Have the link fail and recover, which has all tried at once that waits for it."""
    link = await link_of(backend, "ann")
    for enabled, state in ((False, links_pb.CALENDAR_LINK_STATE_FAILED), (True, links_pb.CALENDAR_LINK_STATE_LINKED)):
        backend.sandbox.google.set_calendar_service(ANN, enabled=enabled)
        assert (await backend.check(link.id)).state == state


async def test_an_answer_that_is_lost_makes_no_second_event(backend: Backend) -> None:
    """The event arrived and nobody heard: sent again, Google answers 409, and that is as good."""
    backend.sandbox.fault("network/drop_after", surface="google", endpoint="events.insert", user=ANN, times=1)
    made = await assign(backend, "any", 24)
    await until(backend, made.id, all_are(ADDED))
    assert len(events(backend, ANN)) == 1


async def test_who_has_no_add_calendar_is_told_so_and_gets_it_later(backend: Backend) -> None:
    link = await link_of(backend, "ann")
    await backend.select(link.id, [ANN], "")
    made = await assign(backend, "any", 24)
    [assignee] = made.assignees
    assert (assignee.entry_state, assignee.not_added.reason) == (NOT_ADDED, cause_pb.CAUSE_REASON_UNSPECIFIED)
    assert assignee.not_added.message
    await backend.select(link.id, [ANN], TEAM)
    await until(backend, made.id, all_are(ADDED))
    assert (len(events(backend, TEAM)), len(events(backend, ANN))) == (1, 0)


async def test_cancelling_removes_it_and_one_that_is_gone_is_as_good(backend: Backend) -> None:
    made = await assign(backend, "all", 24)
    await until(backend, made.id, all_are(ADDED))
    [event] = events(backend, ANN)
    event.cancelled = True  # as its person deletes it
    cancelled = await cancel(backend, made.id)
    assert cancelled.state == pb.APPOINTMENT_STATE_CANCELLED
    assert cancelled.HasField("cancel_time")
    await until(backend, made.id, all_are(REMOVED))
    assert (events(backend, ANN), events(backend, BEN)) == ([], [])
    assert (await cancel(backend, made.id)).cancel_time == cancelled.cancel_time
    assert holders(await assign(backend, "all", 24)) == ["ann", "ben"]


async def test_reassigning_moves_it(backend: Backend) -> None:
    made = await assign(backend, "any", 24)
    await until(backend, made.id, all_are(ADDED))
    moved = await reassign(backend, made.id)
    assert holders(moved) == ["ben"]
    await until(backend, made.id, all_are(ADDED))

    async def gone() -> None:
        while events(backend, ANN):
            await read(backend, made.id)

    await backend.ticking(gone())
    assert len(events(backend, BEN)) == 1
    assert told(await refused(reassign(backend, made.id, "olga"))) == ("FAILED_PRECONDITION", "NOT_A_MEMBER")
    everybody = await assign(backend, "all", 30)
    assert told(await refused(reassign(backend, everybody.id))) == ("FAILED_PRECONDITION", "ILLEGAL_TRANSITION")


async def test_a_repeated_call_answers_as_the_first(backend: Backend) -> None:
    """Also at once, and after a restart: there is one appointment."""
    request = booking(backend, "any", 24)
    calls = (backend.appointments.AssignAppointment(request) for _ in range(10))
    answers = [each.appointment for each in await asyncio.gather(*calls)]
    assert len({each.id for each in answers}) == 1
    await backend.restart()
    again = (await backend.appointments.AssignAppointment(request)).appointment
    assert again == answers[0]
    assert len(await listed(backend)) == 1
    request.title = "Other"
    refusal = await refused(backend.appointments.AssignAppointment(request))
    assert told(refusal) == ("INVALID_ARGUMENT", "REQUEST_ID_REUSED")


@pytest.mark.parametrize("name", ["ReassignAppointment", "CancelAppointment"])
async def test_a_repeated_change_is_made_once(backend: Backend, name: str) -> None:
    """Byte for byte the same answer, at once, later, and after a restart; the id is good for no other call."""
    made, method = await assign(backend, "any", 24), METHODS[name]
    request = method.request(id=made.id, request_id=new_request_id()).SerializeToString()
    answers = await asyncio.gather(*(method.call_raw(backend.channel, request) for _ in range(5)))
    changed = await read(backend, made.id)
    await backend.restart()
    answers.append(await method.call_raw(backend.channel, request))
    assert len(set(answers)) == 1
    assert holders(await read(backend, made.id)) == holders(changed)
    other = await assign(backend, "any", 30)
    reused = method.request.FromString(request)
    reused.id = other.id
    refusal = await refused(method.call(backend.channel, reused))
    assert told(refusal) == ("INVALID_ARGUMENT", "REQUEST_ID_REUSED")


async def test_of_many_calls_for_one_time_each_member_gets_one(backend: Backend) -> None:
    """Who did not win is told so, and nobody else; a restart in between changes nothing."""
    won, lost = [], []
    for _ in range(2):
        for outcome in await asyncio.gather(
            *(backend.appointments.AssignAppointment(booking(backend, "auto", 24)) for _ in range(10)),
            return_exceptions=True,
        ):
            if isinstance(outcome, pb.AssignAppointmentResponse):
                won.append(holders(outcome.appointment))
            else:
                lost.append(outcome)
        await backend.restart()
    assert (sorted(won), len(lost)) == ([["ann"], ["ben"]], 18)


async def test_listing_by_page_account_time_and_state(backend: Backend) -> None:
    made = [
        await assign(backend, "any", 30, account_id="ben"),
        await assign(backend, "any", 24, account_id="ann"),
        await assign(backend, "all", 27),
    ]
    ids = [made[1].id, made[2].id, made[0].id]
    assert [each.id for each in await listed(backend)] == ids
    assert [each.id for each in await listed(backend, booking_page_id="all")] == [ids[1]]
    assert [each.id for each in await listed(backend, account_id="ann")] == ids[:2]
    late = pb.ListAppointmentsRequest()
    late.start_time.FromDatetime(begins(made[2]) + timedelta(minutes=30))
    late.end_time.FromDatetime(begins(made[0]))
    answer = await backend.appointments.ListAppointments(late)
    assert [each.id for each in answer.appointments] == [ids[1]]
    await cancel(backend, ids[0])
    cancelled = await listed(backend, states=[pb.APPOINTMENT_STATE_CANCELLED])
    assert [each.id for each in cancelled] == [ids[0]]
    found, token = [], ""
    while True:
        page = await backend.appointments.ListAppointments(pb.ListAppointmentsRequest(page_size=1, page_token=token))
        found += [each.id for each in page.appointments]
        token = page.next_page_token
        if not token:
            break
    assert found == ids


async def test_appointments_outlast_their_page_and_their_account(backend: Backend) -> None:
    made = await assign(backend, "any", 24)
    await until(backend, made.id, all_are(ADDED))
    for page_id in ("any", "all", "auto"):
        await backend.pages.DeleteBookingPage(pages_pb.DeleteBookingPageRequest(id=page_id))
    await backend.delete_account("ann")
    assert holders(await read(backend, made.id)) == ["ann"]
    assert told(await refused(reassign(backend, made.id))) == ("NOT_FOUND", "BOOKING_PAGE_NOT_FOUND")
    assert (await cancel(backend, made.id)).state == pb.APPOINTMENT_STATE_CANCELLED
