"""Use cases of appointments: assigning, cancelling, giving to somebody else.

Calendars are asked first, outside of any transaction. Who gets the appointment is decided in one that has, as they are
then, the page, the appointments of its members at that time, and whose turn it is. So of two calls for the same time
and member only one finds it free, and what was answered stays so across restarts.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from calguard_server.domain.appointment import Appointment, AppointmentState, Attendee
from calguard_server.domain.entries import unwanted
from calguard_server.domain.errors import FieldViolation, IllegalTransitionError, InvalidArgumentError
from calguard_server.domain.etags import require_etag
from calguard_server.domain.intervals import Interval
from calguard_server.domain.page import BookingPage, SchedulingMode
from calguard_server.engine.accepting import require_accepting
from calguard_server.engine.appointment_changes import save_appointment
from calguard_server.engine.assigning import (
    Asked,
    Wish,
    as_one_in_turn,
    as_wished,
    assignees,
    choose,
    require_wishable,
    tell_of_faulty,
)
from calguard_server.engine.busy import MemberTimes
from calguard_server.engine.context import Context
from calguard_server.engine.found import found_appointment, found_page
from calguard_server.engine.ports.filters import AppointmentFilter
from calguard_server.engine.requests import Request, refuse_replay_of
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.working_set import Unit, WorkingSet


class Booking(Struct, frozen=True, kw_only=True):
    """What is to be booked; `account_id` is who is to have it, empty for nobody in particular."""

    booking_page_id: str
    time: Interval
    time_zone: str
    title: str
    attendees: tuple[Attendee, ...] = ()
    account_id: str = ""


class Appointments:
    """Assigns, cancels and reassigns appointments."""

    def __init__(self, context: Context, times: MemberTimes) -> None:
        self._context = context
        self._times = times

    async def get(self, appointment_id: str) -> Appointment:
        """Answer an appointment. Raises NotFoundError `APPOINTMENT_NOT_FOUND`."""
        return found_appointment(await self._context.store.appointment(appointment_id), appointment_id)

    async def list(self, chosen: AppointmentFilter, after: tuple[datetime, str], limit: int) -> Sequence[Appointment]:
        """List appointments in the order of their start times, those after a start time and an id."""
        return await self._context.store.appointments(chosen, after, limit)

    async def times_of(self, account_ids: Sequence[str], window: Interval) -> Mapping[str, Sequence[Interval]]:
        """Answer when accounts have appointments, as far as these overlap a window."""
        return await self._context.store.appointment_times(account_ids, window)

    async def assign(
        self, booking: Booking, request: Request | None = None, patience: timedelta | None = None
    ) -> Appointment:
        """Assign an appointment, into time that is free now.

        `patience` is how long calendars are waited for at most, besides the setting's; so it is in `reassign`.

        Raises NotFoundError `BOOKING_PAGE_NOT_FOUND`, InvalidArgumentError, FailedPreconditionError `PAGE_STOPPED`,
        `NO_MEMBERS`, `NOT_A_MEMBER`, `TIME_NOT_FREE`, `TIME_UNKNOWN`.
        """
        await refuse_replay_of(self._context.store, request)
        _require_future(booking.time, self._context.clock.now())
        page_id, wish = booking.booking_page_id, Wish(booking.account_id)
        asked = await self._ask(page_id, booking.time, wish, patience)
        now = self._context.clock.now()

        def decide(rows: WorkingSet) -> Appointment:
            page = found_page(rows.pages.get(page_id), page_id)
            require_accepting(page)
            require_wishable(page, booking.account_id)
            chosen = assignees(rows, self._context, page, choose(rows, page, asked, wish), now)
            assigned = Appointment(
                id=self._context.new_id("appointment"),
                booking_page_id=page_id,
                time=booking.time,
                time_zone=booking.time_zone,
                title=booking.title,
                attendees=booking.attendees,
                assignees=chosen,
                state=AppointmentState.ASSIGNED,
                create_time=now,
                update_time=now,
                of_all=page.scheduling_mode is SchedulingMode.ALL_MEMBERS,
            )
            saved = save_appointment(rows, assigned, now)
            tell_of_faulty(rows, self._context, page, saved, now)
            return saved

        seeds = asked.seeds(page_id, now - self._context.policies.assignment_window)
        return await self._context.store.transact(Unit(seeds, decide, request))

    async def cancel(self, appointment_id: str, etag: str = "", request: Request | None = None) -> Appointment:
        """Cancel an appointment; one that is cancelled stays so.

        Raises NotFoundError `APPOINTMENT_NOT_FOUND`, AbortedError `ETAG_MISMATCH`.
        """
        now = self._context.clock.now()

        def decide(rows: WorkingSet) -> Appointment:
            appointment = found_appointment(rows.appointments.get(appointment_id), appointment_id)
            require_etag(appointment, etag)
            if appointment.state is AppointmentState.CANCELLED:
                return appointment
            cancelled = replace(
                appointment,
                state=AppointmentState.CANCELLED,
                assignees=tuple(replace(each, entry=unwanted(each.entry, now)) for each in appointment.assignees),
                cancel_time=now,
                conflicts=(),
            )
            return save_appointment(rows, cancelled, now)

        return await self._context.store.transact(Unit(Seeds(appointments=(appointment_id,)), decide, request))

    async def reassign(
        self,
        appointment_id: str,
        account_id: str = "",
        etag: str = "",
        request: Request | None = None,
        patience: timedelta | None = None,
    ) -> Appointment:
        """Give an appointment to another member: the one named, else who the page's assignment method names.

        Given to who has it, it stays as it is. Raises NotFoundError `APPOINTMENT_NOT_FOUND`, `BOOKING_PAGE_NOT_FOUND`,
        AbortedError `ETAG_MISMATCH`, FailedPreconditionError `ILLEGAL_TRANSITION`, `NO_MEMBERS`, `NOT_A_MEMBER`,
        `TIME_NOT_FREE`, `TIME_UNKNOWN`.
        """
        await refuse_replay_of(self._context.store, request)
        known = await self.get(appointment_id)
        require_etag(known, etag)
        _require_movable(known)
        wished = Wish(account_id, known.id, known.account_ids)
        asked = await self._ask(known.booking_page_id, known.time, wished, patience)
        now = self._context.clock.now()

        def decide(rows: WorkingSet) -> Appointment:
            appointment = found_appointment(rows.appointments.get(appointment_id), appointment_id)
            require_etag(appointment, etag)
            _require_movable(appointment)
            page = found_page(rows.pages.get(appointment.booking_page_id), appointment.booking_page_id)
            if account_id in appointment.account_ids:
                return appointment
            wish = Wish(account_id, appointment.id, appointment.account_ids)
            choosing = as_wished(page) if account_id else as_one_in_turn(page)
            chosen = assignees(rows, self._context, page, choose(rows, choosing, asked, wish), now)
            left = tuple(unwanted(each.entry, now) for each in appointment.assignees)
            former = (*appointment.former, *left)
            moved = replace(appointment, assignees=chosen, former=former, conflicts=())
            saved = save_appointment(rows, moved, now)
            tell_of_faulty(rows, self._context, page, saved, now)
            return saved

        since = now - self._context.policies.assignment_window
        seeds = replace(asked.seeds(known.booking_page_id, since), appointments=(appointment_id,))
        return await self._context.store.transact(Unit(seeds, decide, request))

    async def _ask(self, page_id: str, time: Interval, wish: Wish, patience: timedelta | None) -> Asked:
        """Look at a page's members, and ask the calendars of those who may get the appointment."""
        rows = await self._context.store.look(Seeds(pages=(page_id,)))
        page = found_page(rows.pages.get(page_id), page_id)
        if not wish.appointment_id:
            require_accepting(page)
            require_wishable(page, wish.account_id)
        looked_at = _who_may(page, wish)
        faulty = {fault.account_id for fault in page.faulty}
        links_of = {each: rows.links_of_account(each) for each in looked_at if each not in faulty}
        answers = await self._times.of_links(links_of, time, fresh=True, patience=patience)
        return Asked.of(time, [each for each in looked_at if each in faulty], answers)


def _who_may(page: BookingPage, wish: Wish) -> Sequence[str]:
    members = [member.account_id for member in page.members if member.account_id not in wish.holders]
    return [each for each in members if wish.account_id in ("", each)]


def _require_future(time: Interval, now: datetime) -> None:
    if time.start < now:
        raise InvalidArgumentError.of_fields(FieldViolation("start_time", "expected a time that is not in the past"))


def _require_movable(appointment: Appointment) -> None:
    if appointment.state is AppointmentState.CANCELLED:
        raise IllegalTransitionError("appointment", appointment.state, "REASSIGN", ": assign another one")
    if appointment.of_all:
        raise IllegalTransitionError("appointment", "OF_ALL_MEMBERS", "REASSIGN", ": everybody has it already")
