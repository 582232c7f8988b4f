"""How calendar links, and the calendars behind them, are told to people."""

from collections.abc import Sequence

from calguard.v1 import calendar_link_pb2
from calguard_client.cli.cells import enum_name, lines, moment, state, text, yes_no
from calguard_client.cli.describe import cause_details
from calguard_client.cli.table import Cell, Column

COLUMNS: Sequence[Column[calendar_link_pb2.CalendarLink]] = (
    Column("id", lambda link: text(link.id)),
    Column("account", lambda link: text(link.account_id)),
    Column("state", state),
    Column("cause", lambda link: enum_name(link.cause, "reason")),
    Column("next action", lambda link: enum_name(link, "next_action")),
    Column("google account", lambda link: text(link.provider_email), folds=True),
    Column("last check", lambda link: moment(link.last_check_time)),
)
CALENDAR_COLUMNS: Sequence[Column[calendar_link_pb2.Calendar]] = (
    Column("id", lambda calendar: text(calendar.id), folds=True),
    Column("name", lambda calendar: text(calendar.summary), folds=True),
    Column("check", lambda calendar: yes_no(calendar.can_check)),
    Column("add", lambda calendar: yes_no(calendar.can_add)),
    Column("refusal", lambda calendar: text(calendar.refusal), folds=True),
    Column("role", lambda calendar: text(calendar.access_role)),
    Column("primary", lambda calendar: yes_no(calendar.primary)),
)


def details(link: calendar_link_pb2.CalendarLink) -> list[tuple[str, Cell]]:
    """Tell all of a link."""
    return [
        ("calendar link", text(link.id)),
        ("account", text(link.account_id)),
        ("google account", text(link.provider_email)),
        ("state", state(link)),
        ("since", moment(link.state_time)),
        *cause_details(link.cause),
        ("next action", enum_name(link, "next_action")),
        ("authorized", yes_no(link.authorized)),
        ("check calendars", lines(link.check_calendar_ids)),
        ("add calendar", text(link.add_calendar_id)),
        ("granted scopes", lines(link.granted_scopes)),
        ("last check", moment(link.last_check_time)),
        ("next check", moment(link.next_check_time)),
        ("failed in a row", str(link.consecutive_failures)),
        ("created", moment(link.create_time)),
        ("etag", text(link.etag)),
    ]
