"""Saving an appointment: what readers see of it takes a revision, and is told in the same transaction.

This is the only path by which an appointment is saved. A claim, and when an entry is tried next, are saved and told to
nobody: an appointment that cannot be added is tried for as long as it stands.
"""

from datetime import datetime

from msgspec.structs import replace

from calguard_server.domain.appointment import Appointment
from calguard_server.domain.events import Change, ChangeType
from calguard_server.engine.working_set import WorkingSet


def save_appointment(rows: WorkingSet, appointment: Appointment, now: datetime) -> Appointment:
    """Save an appointment, new or as it stands now; answers it with the revision of its last change."""
    before = rows.appointments.get(appointment.id)
    if before is not None and before.shown == appointment.shown:
        rows.put_appointment(appointment)
        return appointment
    saved = replace(appointment, revision=rows.next_revision, update_time=now)
    rows.append_change(_change(before, saved))
    rows.put_appointment(saved)
    return saved


def _change(before: Appointment | None, after: Appointment) -> Change:
    had, have = (after.account_ids if before is None else before.account_ids), after.account_ids
    return Change(
        revision=after.revision,
        time=after.update_time,
        type=_type_of(before, after),
        resource=after,
        previous_state=before.state if before is not None and before.state is not after.state else "",
        added_account_ids=tuple(each for each in have if each not in had),
        removed_account_ids=tuple(each for each in had if each not in have),
    )


def _type_of(before: Appointment | None, after: Appointment) -> ChangeType:
    if before is None:
        return ChangeType.CREATED
    return ChangeType.UPDATED if before.state is after.state else ChangeType.STATE_CHANGED
