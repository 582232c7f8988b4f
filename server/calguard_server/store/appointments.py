"""Appointments with the entries of all who have, or had, them: reading, loading for a group, writing what changed."""

import json
import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from calguard_server.domain.appointment import (
    LONGEST,
    Appointment,
    AppointmentState,
    Assignee,
    Attendee,
    Conflict,
    Entry,
    EntryState,
)
from calguard_server.domain.conflicts import OwnEvent
from calguard_server.domain.intervals import Interval
from calguard_server.domain.turns import Turn, Turns
from calguard_server.engine.entry_places import EntryPlace
from calguard_server.engine.ports.entries import DueEntry, DueReview
from calguard_server.engine.ports.filters import AppointmentFilter
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.working_set import ReviewStep, WorkingSet
from calguard_server.store.queries import QUERIES
from calguard_server.store.rows.faults import cause_columns, cause_of
from calguard_server.store.rows.values import Row, from_micros, optional_micros, optional_time, to_micros

_LONGEST_MICROS = LONGEST // timedelta(microseconds=1)


def read_by_id(connection: sqlite3.Connection, ids: Collection[str]) -> list[Appointment]:
    """Read the appointments that exist among the ids."""
    rows = connection.execute(QUERIES["appointments_by_id"], (json.dumps(sorted(ids)),)).fetchall() if ids else []
    return _with_entries(connection, rows)


def read_list(
    connection: sqlite3.Connection, chosen: AppointmentFilter, after: tuple[datetime, str], limit: int
) -> list[Appointment]:
    """Read appointments after a start time and an id, in that order."""
    values = (
        to_micros(after[0]),
        after[1],
        limit,
        chosen.booking_page_id,
        chosen.account_id,
        optional_micros(chosen.start_time),
        optional_micros(chosen.end_time),
        json.dumps(sorted(chosen.states)),
        json.dumps(sorted(chosen.within)),
        chosen.conflicts_only,
    )
    query = "appointments_of_page_after" if chosen.booking_page_id else "appointments_after"
    return _with_entries(connection, connection.execute(QUERIES[query], values).fetchall())


def read_times(
    connection: sqlite3.Connection, account_ids: Collection[str], window: Interval
) -> dict[str, list[Interval]]:
    """Read for which times that overlap a window accounts have appointments."""
    values = (json.dumps(sorted(account_ids)), to_micros(window.start), to_micros(window.end), _LONGEST_MICROS)
    found: dict[str, list[Interval]] = {}
    for account_id, start, end in connection.execute(QUERIES["times_in_the_way"], values):
        found.setdefault(account_id, []).append(Interval(from_micros(start), from_micros(end)))
    return found


def due(connection: sqlite3.Connection, now: datetime, limit: int, besides: Collection[str]) -> list[DueEntry]:
    """Name entries that are due."""
    values = (to_micros(now), limit, json.dumps(sorted(besides)))
    return [DueEntry(*row) for row in connection.execute(QUERIES["due_entries"], values)]


def due_reviews(connection: sqlite3.Connection, now: datetime, limit: int, besides: Collection[str]) -> list[DueReview]:
    """Name accounts of which appointments are to be reviewed."""
    values = (to_micros(now), limit, json.dumps(sorted(besides)))
    rows = connection.execute(QUERIES["due_reviews"], values)
    return [DueReview(account_id, tuple(sorted(json.loads(ids)))) for account_id, ids in rows]


def read_own_events(connection: sqlite3.Connection, account_id: str, window: Interval) -> list[OwnEvent]:
    """Tell where events of an account's entries may be within a window."""
    values = (account_id, to_micros(window.start), to_micros(window.end), _LONGEST_MICROS)
    rows = connection.execute(QUERIES["own_events"], values)
    return [OwnEvent(calendar_id, Interval(from_micros(start), from_micros(end))) for calendar_id, start, end in rows]


def read_upcoming(
    connection: sqlite3.Connection,
    after: tuple[datetime, str],
    limit: int,
    now: datetime,
    page_ids: Collection[str],
    account_ids: Collection[str],
) -> list[Appointment]:
    """Read appointments of a snapshot after a start time and an id, in that order."""
    values = (
        to_micros(after[0]),
        after[1],
        limit,
        to_micros(now),
        json.dumps(sorted(page_ids)),
        json.dumps(sorted(account_ids)),
        _LONGEST_MICROS,
    )
    return _with_entries(connection, connection.execute(QUERIES["appointments_of_snapshot"], values).fetchall())


def load_appointments(connection: sqlite3.Connection, rows: WorkingSet, seeds: Sequence[Seeds]) -> None:
    """Load what seeds name of appointments; the pages of the turns that they name are loaded by then."""
    ids = {each for seed in seeds for each in seed.appointments}
    for keeping in (each for seed in seeds for each in seed.keeping):
        start, end = to_micros(keeping.time.start), to_micros(keeping.time.end)
        values = (json.dumps(keeping.account_ids), start, end, _LONGEST_MICROS)
        ids.update(row[0] for row in connection.execute(QUERIES["appointments_in_the_way"], values))
    rows.index_appointments(read_by_id(connection, ids))
    for turns in (each for seed in seeds for each in seed.turns):
        if turns.page_id not in rows.turns:
            rows.turns[turns.page_id] = _turns(connection, rows, turns.page_id, turns.since)


def flush_appointments(connection: sqlite3.Connection, rows: WorkingSet, now: int) -> None:
    """Write the appointments that are dirty and the entries of theirs that changed, and wake what is to be tried."""
    changed = (rows.appointments[each] for each in rows.dirty.get("appointments", ()))
    appointments = [_appointment_row(each) for each in changed if each is not None]
    if appointments:
        connection.executemany(QUERIES["save_appointment"], appointments)
        connection.executemany(QUERIES["save_entry"], map(_entry_row, rows.entries.values()))
    for account_id in sorted(rows.woken):
        connection.execute(QUERIES["wake_entries"], (account_id, now))
    for (account_id, appointment_id), step in rows.reviews.items():
        _flush_review(connection, account_id, appointment_id, step)
    for account_id in sorted(rows.recovered):
        connection.execute(QUERIES["mark_reviews"], (account_id, now, _LONGEST_MICROS))


def _flush_review(connection: sqlite3.Connection, account_id: str, appointment_id: str, step: ReviewStep) -> None:
    if step.until_recovery:
        connection.execute(QUERIES["drop_review"], (account_id, appointment_id))
    else:
        connection.execute(QUERIES["put_off_review"], (account_id, appointment_id, optional_micros(step.again)))


def _turns(connection: sqlite3.Connection, rows: WorkingSet, page_id: str, since: datetime) -> Turns:
    page = rows.pages.get(page_id)
    members = [] if page is None else [member.account_id for member in page.members]
    counts = dict(connection.execute(QUERIES["assigned_since"], (page_id, to_micros(since))))
    last = connection.execute(QUERIES["last_assigned"], (page_id, json.dumps(members)))
    turns = {account_id: Turn(counts.get(account_id, 0), optional_time(time)) for account_id, time in last}
    row = connection.execute(QUERIES["assigned_last"], (page_id,)).fetchone()
    return Turns(turns, row[0] if row else "")


class _Entries(Struct):
    """The entries of one appointment."""

    assignees: list[Assignee]
    former: list[Entry]


def _with_entries(connection: sqlite3.Connection, rows: Sequence[Row]) -> list[Appointment]:
    found = {row[0]: _Entries([], []) for row in rows}
    for row in connection.execute(QUERIES["entries_by_appointment"], (json.dumps(list(found)),)) if found else ():
        entry, of = _entry_of(row), found[row[1]]
        if row[3] is None:
            of.former.append(entry)
        else:
            since = from_micros(row[5])
            of.assignees.append(Assignee(account_id=row[2], faulty=bool(row[4]), entry=entry, assign_time=since))
    return [_appointment_of(row, found[row[0]]) for row in rows]


def _appointment_row(appointment: Appointment) -> Row:
    return (
        appointment.id,
        appointment.booking_page_id,
        to_micros(appointment.time.start),
        to_micros(appointment.time.end),
        appointment.time_zone,
        appointment.title,
        json.dumps([[each.email, each.display_name] for each in appointment.attendees]),
        appointment.state.value,
        to_micros(appointment.create_time),
        to_micros(appointment.update_time),
        optional_micros(appointment.cancel_time),
        json.dumps([_conflict_row(each) for each in appointment.conflicts]),
        int(appointment.of_all),
        appointment.revision,
    )


def _appointment_of(row: Row, entries: _Entries) -> Appointment:
    return Appointment(
        id=row[0],
        booking_page_id=row[1],
        time=Interval(from_micros(row[2]), from_micros(row[3])),
        time_zone=row[4],
        title=row[5],
        attendees=tuple(Attendee(email, name) for email, name in json.loads(row[6])),
        state=AppointmentState(row[7]),
        create_time=from_micros(row[8]),
        update_time=from_micros(row[9]),
        cancel_time=optional_time(row[10]),
        conflicts=tuple(map(_conflict_of, json.loads(row[11]))),
        of_all=bool(row[12]),
        revision=row[13],
        assignees=tuple(entries.assignees),
        former=tuple(entries.former),
    )


def _conflict_row(conflict: Conflict) -> Row:
    time = conflict.time
    return [conflict.account_id, conflict.calendar_id, to_micros(time.start), to_micros(time.end)]


def _conflict_of(row: Row) -> Conflict:
    return Conflict(row[0], row[1], Interval(from_micros(row[2]), from_micros(row[3])))


def _entry_row(place: EntryPlace) -> Row:
    entry, appointment = place.entry, place.appointment
    return (
        entry.event_id,
        appointment.id,
        entry.account_id,
        place.place,
        int(place.faulty),
        to_micros(place.assign_time),
        int(place.standing),
        appointment.booking_page_id,
        to_micros(appointment.time.start),
        to_micros(appointment.time.end),
        entry.state.value,
        entry.calendar_link_id,
        entry.calendar_id,
        *cause_columns(entry.cause),
        entry.attempts,
        optional_micros(entry.next_attempt_time),
        entry.fence,
        int(entry.claimed),
    )


def _entry_of(row: Row) -> Entry:
    return Entry(
        event_id=row[0],
        account_id=row[2],
        state=EntryState(row[10]),
        calendar_link_id=row[11],
        calendar_id=row[12],
        cause=cause_of(row[13:17]),
        attempts=row[17],
        next_attempt_time=optional_time(row[18]),
        fence=row[19],
        claimed=bool(row[20]),
    )
