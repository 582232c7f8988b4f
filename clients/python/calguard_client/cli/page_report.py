"""How booking pages are told to people."""

from collections.abc import Sequence

from calguard.v1 import booking_page_pb2
from calguard_client.cli.cells import enum_name, moment, state, text, texts, yes_no
from calguard_client.cli.describe import cause_line, slack_text
from calguard_client.cli.table import Cell, Column

COLUMNS: Sequence[Column[booking_page_pb2.BookingPage]] = (
    Column("id", lambda page: text(page.id)),
    Column("state", state),
    Column("stop cause", lambda page: enum_name(page, "stop_cause")),
    Column("title", lambda page: text(page.title), folds=True),
    Column("faulty", lambda page: texts(each.account_id for each in page.faulty), folds=True),
    Column("mode", lambda page: enum_name(page, "scheduling_mode")),
    Column("members", lambda page: str(len(page.members))),
    Column("owner", lambda page: text(page.owner_account_id)),
)


def details(page: booking_page_pb2.BookingPage) -> list[tuple[str, Cell]]:
    """Tell all of a page."""
    return [
        ("booking page", text(page.id)),
        ("title", text(page.title)),
        ("state", state(page)),
        ("since", moment(page.state_time)),
        ("accepting", yes_no(page.accepting)),
        ("stop cause", enum_name(page, "stop_cause")),
        *(detail for faulty in page.faulty for detail in _faulty_details(faulty)),
        ("mode", enum_name(page, "scheduling_mode")),
        ("owner", text(page.owner_account_id)),
        ("members", texts(_member_text(member) for member in page.members)),
        ("faulty members", enum_name(page, "faulty_members")),
        ("assignment", enum_name(page, "assignment_method")),
        ("slack", slack_text(page.slack)),
        ("created", moment(page.create_time)),
        ("updated", moment(page.update_time)),
        ("etag", text(page.etag)),
    ]


def _faulty_details(faulty: booking_page_pb2.FaultyMember) -> list[tuple[str, Cell]]:
    told: list[tuple[str, Cell]] = [
        ("faulty", text(f"{faulty.account_id}, calendar link {faulty.calendar_link_id}")),
        ("", cause_line(faulty.cause)),
    ]
    return [*told, ("", text(faulty.cause.remedy))] if faulty.cause.remedy else told


def _member_text(member: booking_page_pb2.BookingPageMember) -> str:
    return f"{member.account_id}:{member.priority}" if member.priority else member.account_id
