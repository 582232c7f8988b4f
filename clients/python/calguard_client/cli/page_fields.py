"""What can be said of a booking page on the command line."""

import re
from collections.abc import Callable, Sequence

import click

from calguard.v1 import booking_page_pb2
from calguard.v1.booking_page_pb2 import AssignmentMethod, BookingPageMember, FaultyMembers, SchedulingMode
from calguard_client.cli.choices import Command, SlackFields, enum_option, slack_given, slack_of, slack_options

_MEMBER = re.compile(r"([^:]+)(?::(\d{1,9}))?")


class PageFields(SlackFields):
    """What can be said of a page; None, or no member, where an option was not given."""

    owner_account_id: str | None
    title: str | None
    scheduling_mode: "SchedulingMode.ValueType | None"
    members: Sequence[BookingPageMember]
    faulty_members: "FaultyMembers.ValueType | None"
    assignment_method: "AssignmentMethod.ValueType | None"


def page_options(command: Command) -> Command:
    """Take what can be said of a page."""
    options: tuple[Callable[[Command], Command], ...] = (
        slack_options,
        enum_option("--assignment-method", AssignmentMethod.DESCRIPTOR, help="How AUTO_ASSIGN chooses a member."),
        enum_option("--faulty-members", FaultyMembers.DESCRIPTOR, help="What AUTO_ASSIGN does with faulty members."),
        click.option(
            "--member",
            "members",
            metavar="ACCOUNT[:PRIORITY]",
            multiple=True,
            callback=_read_members,
            help="A member, and its priority from 0 to 1000; may be repeated.",
        ),
        enum_option("--scheduling-mode", SchedulingMode.DESCRIPTOR, help="When the page stops: any or every faulty."),
        click.option("--title", metavar="TITLE", help="The name shown in notices."),
        click.option("--owner", "owner_account_id", metavar="ACCOUNT", help="Who owns the page and is told."),
    )
    for option in options:
        command = option(command)
    return command


def page_of(page_id: str, fields: PageFields) -> booking_page_pb2.BookingPage:
    """Answer the page that was described."""
    page = booking_page_pb2.BookingPage(id=page_id, members=fields["members"])
    for name, value in _given(fields).items():
        setattr(page, name, value)
    if slack_given(fields):
        page.slack.CopyFrom(slack_of(fields))
    return page


def paths_of(fields: PageFields) -> list[str]:
    """Answer the fields that were given, for the mask of an update."""
    members, slack = bool(fields["members"]), slack_given(fields)
    return [*_given(fields), *(["members"] if members else []), *(["slack"] if slack else [])]


def _given(fields: PageFields) -> dict[str, object]:
    values = {
        name: fields[name]
        for name in ("owner_account_id", "title", "scheduling_mode", "faulty_members", "assignment_method")
    }
    return {name: value for name, value in values.items() if value is not None}


def _read_members(
    _ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]
) -> list[booking_page_pb2.BookingPageMember]:
    return [_read_member(value) for value in values]


def _read_member(value: str) -> booking_page_pb2.BookingPageMember:
    match = _MEMBER.fullmatch(value)
    if match is None:
        raise click.BadParameter(f"expected ACCOUNT or ACCOUNT:PRIORITY, such as ann:10, not {value!r}")
    return booking_page_pb2.BookingPageMember(account_id=match[1], priority=int(match[2] or 0))
