"""Adding entries to calendars and removing them: claim, ask the provider, save what came of it.

What is claimed is saved before anything is sent, so that whoever looks at an entry knows whether it may be there. The
provider takes each event under an id of ours: what is sent again, because nobody knows what came of it, is there once.
"""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

import structlog
from msgspec import Struct

from calguard_server.domain.appointment import Appointment, Entry
from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.entries import EntryStep, after_adding, after_id_taken, after_removing, plan
from calguard_server.domain.link_state import CalendarLink
from calguard_server.engine.appointment_changes import save_appointment
from calguard_server.engine.assigning import event_id
from calguard_server.engine.context import Context
from calguard_server.engine.examine import usable_grant
from calguard_server.engine.failures_met import FailuresMet
from calguard_server.engine.ports.appointment_calendars import AppointmentCalendars, EntryDraft
from calguard_server.engine.ports.entries import DueEntry
from calguard_server.engine.ports.provider_errors import EventIdTakenError, ProviderFailureError
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.working_set import Unit, WorkingSet

_log = structlog.get_logger()


class _Job(Struct, frozen=True):
    """An entry that was claimed, and what is to be done about it."""

    step: EntryStep
    appointment: Appointment
    entry: Entry
    link: CalendarLink


class _Outcome(Struct, frozen=True):
    """What came of a job: a finding where it failed; or the id can never be used."""

    finding: Finding | None = None
    id_taken: bool = False


class Entries:
    """Works on entries that are due, one at a time. `lease` is longer than the provider is waited for.

    `written` is told of accounts in whose calendars something was, or may have been, written.
    """

    def __init__(
        self,
        context: Context,
        calendars: AppointmentCalendars,
        failures: FailuresMet,
        written: Callable[[Collection[str]], None],
        lease: timedelta,
    ) -> None:
        self._context = context
        self._calendars = calendars
        self._failures = failures
        self._written = written
        self._lease = lease

    async def work(self, due: DueEntry) -> None:
        """Add or remove an entry, where that is still due. Whoever calls sees to it that nobody else works on it."""
        job = await self._claim(due)
        if job is None:
            return
        outcome = await self._send(job)
        self._written([due.account_id])
        await self._save(job, outcome)
        if outcome.finding is not None:
            self._failures.meet(job.link, [outcome.finding])

    async def _claim(self, due: DueEntry) -> _Job | None:
        now = self._context.clock.now()

        def decide(rows: WorkingSet) -> _Job | None:
            appointment = rows.appointments.get(due.appointment_id)
            entry = None if appointment is None else appointment.entry(due.event_id)
            if appointment is None or entry is None or entry.next_attempt_time is None or entry.next_attempt_time > now:
                return None
            links = rows.links_of_account(entry.account_id)
            planned = plan(entry, links, event_id(self._context.new_id), now, self._lease)
            _put(rows, appointment, planned.entry, planned.instead, now)
            link = next((each for each in links if each.id == planned.entry.calendar_link_id), None)
            if link is None or planned.step is EntryStep.WAIT:
                return None
            return _Job(planned.step, appointment, planned.entry, link)

        seeds = Seeds(appointments=(due.appointment_id,), accounts=(due.account_id,))
        return await self._context.store.transact(Unit(seeds, decide))

    async def _send(self, job: _Job) -> _Outcome:
        entry, link_id = job.entry, job.entry.calendar_link_id
        grant = await usable_grant(self._context.store, link_id)
        if grant is None:
            return _Outcome(Finding(CauseReason.AUTHORIZATION_INCOMPLETE))
        try:
            if job.step is EntryStep.ADD:
                await self._calendars.add_entry(link_id, grant, _draft(job))
            else:
                await self._calendars.remove_entry(link_id, grant, entry.calendar_id, entry.event_id)
        except EventIdTakenError:
            return _Outcome(id_taken=True)
        except ProviderFailureError as failure:
            return _Outcome(failure.finding)
        return _Outcome()

    async def _save(self, job: _Job, outcome: _Outcome) -> None:
        now, appointment_id = self._context.clock.now(), job.appointment.id

        def decide(rows: WorkingSet) -> Entry | None:
            appointment = rows.appointments.get(appointment_id)
            entry = None if appointment is None else appointment.entry(job.entry.event_id)
            if appointment is None or entry is None or entry.fence != job.entry.fence:
                return None
            saved, instead = self._after(job.step, entry, outcome, now)
            _put(rows, appointment, saved, instead, now)
            return saved

        saved = await self._context.store.transact(Unit(Seeds(appointments=(appointment_id,)), decide))
        _log.info(
            "appointment entry tried",
            appointment_id=appointment_id,
            calendar_link_id=job.entry.calendar_link_id,
            step=job.step.value,
            state=saved.state.value if saved else "",
            finding=outcome.finding.reason.value if outcome.finding else "",
        )

    def _after(self, step: EntryStep, entry: Entry, outcome: _Outcome, now: datetime) -> tuple[Entry, Entry | None]:
        if outcome.id_taken:
            return after_id_taken(entry, event_id(self._context.new_id), now)
        after = after_adding if step is EntryStep.ADD else after_removing
        return after(entry, outcome.finding, now, self._context.chance()), None


def _put(rows: WorkingSet, appointment: Appointment, entry: Entry, instead: Entry | None, now: datetime) -> None:
    """Save an entry in its place, or leave it behind for another one."""
    changed = appointment.with_entry(entry) if instead is None else appointment.with_other_entry(entry, instead)
    save_appointment(rows, changed, now)


def _draft(job: _Job) -> EntryDraft:
    appointment = job.appointment
    return EntryDraft(
        calendar_id=job.entry.calendar_id,
        event_id=job.entry.event_id,
        title=appointment.title,
        time=appointment.time,
        time_zone=appointment.time_zone,
        attendees=appointment.attendees,
    )
