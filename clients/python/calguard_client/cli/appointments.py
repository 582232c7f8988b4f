"""`calguard appointments`: what is booked on pages, who has it, and whether it is in their calendars."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import click

from calguard.v1 import appointment_pb2 as pb
from calguard.v1.appointment_pb2_grpc import AppointmentServiceStub
from calguard_client.cli.appointment_report import COLUMNS, details
from calguard_client.cli.appointment_times import UTC_ZONE, Zone, moment_option, read_zone, request_id_option
from calguard_client.cli.choices import enum_option, etag_option, limit_option, read_duration
from calguard_client.cli.paging import gather, show_list
from calguard_client.cli.session import Session, pass_session


@click.group()
def appointments() -> None:
    """What is booked on pages, and whether it is in the calendars of those who have it."""


@appointments.command("list")
@click.option("--page", "booking_page_id", metavar="PAGE", default="", help="Only those on this page.")
@click.option("--account", "account_id", metavar="ACCOUNT", default="", help="Only those that this account has.")
@enum_option(
    "--state", pb.AppointmentState.DESCRIPTOR, multiple=True, help="Only those in this state; may be repeated."
)
@moment_option("--from", "first", help="Only those that end after this time.")
@moment_option("--until", "last", help="Only those that begin before this time.")
@click.option("--conflicts", "conflicts_only", is_flag=True, help="Only those that something is in the way of.")
@limit_option
@pass_session
def list_appointments(
    session: Session,
    booking_page_id: str,
    account_id: str,
    state: Sequence[int],
    first: datetime | None,
    last: datetime | None,
    conflicts_only: bool,  # noqa: FBT001 - click passes it
    limit: int,
) -> None:
    """List appointments in the order of their start times."""
    request = pb.ListAppointmentsRequest(
        booking_page_id=booking_page_id, account_id=account_id, conflicts_only=conflicts_only
    )
    request.states.extend(pb.AppointmentState.ValueType(number) for number in state)
    if first is not None:
        request.start_time.FromDatetime(first.astimezone(UTC))
    if last is not None:
        request.end_time.FromDatetime(last.astimezone(UTC))
    method = AppointmentServiceStub(session.channel).ListAppointments
    answer = gather(session, method, request, lambda answer: answer.appointments, limit)
    show_list(session, answer, answer.appointments, COLUMNS)


@appointments.command("get")
@click.argument("appointment_id", metavar="APPOINTMENT")
@pass_session
def get_appointment(session: Session, appointment_id: str) -> None:
    """Show an appointment."""
    request = pb.GetAppointmentRequest(id=appointment_id)
    session.show(session.call(AppointmentServiceStub(session.channel).GetAppointment, request).appointment, details)


@appointments.command("assign")
@click.argument("page_id", metavar="PAGE")
@moment_option("--start", "start", required=True, help="When it begins, such as 2030-03-09T10:00.")
@click.option(
    "--duration", metavar="DURATION", default="30m", show_default=True, callback=read_duration, help="How long."
)
@click.option("--title", metavar="TEXT", required=True, help="What it is called in the calendars.")
@click.option("--zone", metavar="ZONE", callback=read_zone, help="Whose clock; may be left out beside an offset.")
@click.option("--attendee", "attendees", metavar="EMAIL", multiple=True, help="Who else takes part; may be repeated.")
@click.option("--account", "account_id", metavar="ACCOUNT", default="", help="Who is to have it: ANY_MEMBER only.")
@request_id_option
@pass_session
def assign_appointment(
    session: Session,
    page_id: str,
    start: datetime,
    duration: timedelta,
    title: str,
    zone: Zone | None,
    attendees: Sequence[str],
    account_id: str,
    request_id: str,
) -> None:
    """Assign an appointment by the page's mode, into time that is free right now."""
    if zone is None and start.tzinfo is None:
        raise click.BadParameter("--zone: expected whose clock --start is by, such as Asia/Tokyo: it has no offset")
    zone = zone or UTC_ZONE
    begins = zone.instant(start)
    request = pb.AssignAppointmentRequest(
        booking_page_id=page_id,
        title=title,
        attendees=[pb.Attendee(email=each) for each in attendees],
        account_id=account_id,
        request_id=request_id or session.new_request_id(),
        time_zone=zone.name,
    )
    request.start_time.FromDatetime(begins)
    request.end_time.FromDatetime(begins + duration)
    session.show(session.call(AppointmentServiceStub(session.channel).AssignAppointment, request).appointment, details)


@appointments.command("cancel")
@click.argument("appointment_id", metavar="APPOINTMENT")
@etag_option
@request_id_option
@pass_session
def cancel_appointment(session: Session, appointment_id: str, etag: str, request_id: str) -> None:
    """Cancel an appointment; it is removed from the calendars."""
    request = pb.CancelAppointmentRequest(
        id=appointment_id, request_id=request_id or session.new_request_id(), etag=etag
    )
    session.show(session.call(AppointmentServiceStub(session.channel).CancelAppointment, request).appointment, details)


@appointments.command("reassign")
@click.argument("appointment_id", metavar="APPOINTMENT")
@click.option("--account", "account_id", metavar="ACCOUNT", default="", help="To whom; left out: by the page's method.")
@etag_option
@request_id_option
@pass_session
def reassign_appointment(session: Session, appointment_id: str, account_id: str, etag: str, request_id: str) -> None:
    """Give an appointment to another member; it is moved to their calendar."""
    request = pb.ReassignAppointmentRequest(
        id=appointment_id, account_id=account_id, request_id=request_id or session.new_request_id(), etag=etag
    )
    stub = AppointmentServiceStub(session.channel)
    session.show(session.call(stub.ReassignAppointment, request).appointment, details)
