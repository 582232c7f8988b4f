"""`calguard availability`: when a page can be booked, a week at a glance."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from calguard.v1 import appointment_pb2
from calguard.v1.appointment_pb2_grpc import AppointmentServiceStub
from calguard_client.cli.cells import clean, texts
from calguard_client.cli.choices import json_option, read_duration
from calguard_client.cli.session import Session, pass_session
from calguard_client.cli.week import LEGEND, Days, columns_of, rows_of

_MOST_DAYS = 61
"""A server takes 62 days of 24 hours, and a day may have 25."""
_BESIDE_ONE_ANOTHER = 7
_WIDE = 120
_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)


def _read_date(_ctx: click.Context, _param: click.Parameter, value: str | None) -> date | None:
    try:
        return None if value is None else date.fromisoformat(value)
    except ValueError:
        raise click.BadParameter("expected a date such as 2026-03-09") from None


def _read_zone(_ctx: click.Context, _param: click.Parameter, value: str | None) -> ZoneInfo | None:
    try:
        return None if value is None else ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise click.BadParameter("expected the IANA name of a time zone, such as Asia/Tokyo") from None


@click.command("availability")
@click.argument("page_id", metavar="PAGE")
@click.option("--from", "first", metavar="DATE", callback=_read_date, help="The first day; today if left out.")
@click.option(
    "--days", metavar="COUNT", type=click.IntRange(1, _MOST_DAYS), default=7, show_default=True, help="How many days."
)
@click.option(
    "--duration",
    metavar="DURATION",
    default="30m",
    show_default=True,
    callback=read_duration,
    help="How long the appointment is to last: 1m to 24h.",
)
@click.option("--zone", metavar="ZONE", callback=_read_zone, help="Whose days; this machine's if left out.")
@json_option
@pass_session
def availability(
    session: Session, page_id: str, first: date | None, days: int, duration: timedelta, zone: ZoneInfo | None
) -> None:
    """Show when a page can be booked: days side by side, a row an hour, a character a quarter.

    What is shown is long enough for the appointment. Who is faulty is in none of it, and is named.
    """
    now = session.now()
    shown = Days(first or now.astimezone(zone).date(), days, zone)
    # What is past cannot be booked; days that are over altogether are shown as they were.
    begin = now.replace(microsecond=0) if shown.start < now < shown.end else shown.start
    request = appointment_pb2.QueryAvailabilityRequest(booking_page_id=page_id)
    request.start_time.FromDatetime(begin)
    request.end_time.FromDatetime(shown.end)
    request.duration.FromTimedelta(duration)
    answer = session.call(AppointmentServiceStub(session.channel).QueryAvailability, request)
    if session.as_json:
        session.screen.document(answer)
        return
    for start in range(0, days, _BESIDE_ONE_ANOTHER):
        some = Days(shown.dates[start], min(_BESIDE_ONE_ANOTHER, days - start), zone)
        _show_days(session, some, answer, begin)
    _show_remarks(session, page_id, shown, duration, answer)


def _show_days(
    session: Session, days: Days, answer: appointment_pb2.QueryAvailabilityResponse, begin: datetime
) -> None:
    width = 2 if session.screen.terminal_width >= _WIDE else 1
    session.screen.table(columns_of(days, width), rows_of(days, answer.free, begin))
    session.screen.line("")


def _show_remarks(
    session: Session,
    page_id: str,
    days: Days,
    duration: timedelta,
    answer: appointment_pb2.QueryAvailabilityResponse,
) -> None:
    zone = days.zone or "this machine's zone"
    session.screen.line(f"booking page {clean(page_id)}, appointments of {duration / _MINUTE:g} min")
    session.screen.line(f"days of {zone} from {days.first}")
    for day, length in days.uneven:
        session.screen.line(f"{day:%a} {day} has {length / _HOUR:g} hours: the clock is put forward or back")
    if answer.free:
        session.screen.line(LEGEND)
    elif answer.without_members:
        session.screen.line("nothing can be booked: the page has no members")
    else:
        session.screen.line("nothing can be booked")
    if answer.unknown_account_ids:
        session.screen.line(f"time not known, and so never free: {texts(answer.unknown_account_ids)}")
