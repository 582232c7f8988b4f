"""`calguard links`: the calendars that accounts have connected."""

from typing import IO

import click

from calguard.v1 import calendar_link_pb2, cause_pb2
from calguard.v1.calendar_link_pb2_grpc import CalendarLinkServiceStub
from calguard_client.cli.cells import enum_name
from calguard_client.cli.choices import enum_option, etag_option, limit_option
from calguard_client.cli.link_report import CALENDAR_COLUMNS, COLUMNS, details
from calguard_client.cli.linking import begin_link, complete_link
from calguard_client.cli.paging import gather, show_list
from calguard_client.cli.revocation import revocation_told
from calguard_client.cli.session import Session, pass_session

_BODY_READ = 64 * 1024 + 1
"""As much of a body as the server can tell to be too long."""

link_argument = click.argument("link_id", metavar="LINK")


@click.group()
def links() -> None:
    """Calendar links: connect, check, select, disconnect."""


links.add_command(begin_link)
links.add_command(complete_link)


@links.command("get")
@link_argument
@pass_session
def get_link(session: Session, link_id: str) -> None:
    """Show a link: what is wrong, what to do."""
    request = calendar_link_pb2.GetCalendarLinkRequest(id=link_id)
    session.show(session.call(_stub(session).GetCalendarLink, request).calendar_link, details)


@links.command("list")
@click.option("--account", "account_id", metavar="ACCOUNT", default="", help="Only this account's.")
@enum_option(
    "--state",
    calendar_link_pb2.CalendarLinkState.DESCRIPTOR,
    multiple=True,
    help="Only those in this state; may be repeated.",
)
@limit_option
@pass_session
def list_links(
    session: Session, account_id: str, state: "list[calendar_link_pb2.CalendarLinkState.ValueType]", limit: int
) -> None:
    """List links in the order of their ids."""
    request = calendar_link_pb2.ListCalendarLinksRequest(account_id=account_id, states=state)
    method = _stub(session).ListCalendarLinks
    answer = gather(session, method, request, lambda answer: answer.calendar_links, limit)
    show_list(session, answer, answer.calendar_links, COLUMNS)


@links.command("calendars")
@link_argument
@pass_session
def list_calendars(session: Session, link_id: str) -> None:
    """List the Google account's calendars.

    Tells of each whether it can be checked and added to, and why not.
    """
    request = calendar_link_pb2.ListCalendarsRequest(calendar_link_id=link_id)
    answer = session.call(_stub(session).ListCalendars, request)
    show_list(session, answer, answer.calendars, CALENDAR_COLUMNS)


@links.command("check")
@link_argument
@pass_session
def check_link(session: Session, link_id: str) -> None:
    """Check a link now, and show what was found."""
    request = calendar_link_pb2.CheckCalendarLinkRequest(id=link_id)
    session.show(session.call(_stub(session).CheckCalendarLink, request).calendar_link, details)


@links.command("report")
@link_argument
@click.option(
    "--status", "http_status", metavar="STATUS", type=click.IntRange(100, 599), help="The HTTP status that Google gave."
)
@click.option("--body-file", type=click.File("rb"), help="The body of Google's answer; - reads standard input.")
@enum_option("--reason", cause_pb2.CauseReason.DESCRIPTOR, help="What the failure was taken for.")
@pass_session
def report_failure(
    session: Session,
    link_id: str,
    http_status: int | None,
    body_file: IO[bytes] | None,
    reason: "cause_pb2.CauseReason.ValueType | None",
) -> None:
    """Report a failure that was met elsewhere.

    The link is checked, and shown as it is found. What is reported decides nothing.
    """
    if body_file is not None and reason is not None:
        raise click.UsageError("Give either --body-file or --reason.")
    if http_status is None and body_file is None and reason is None:
        raise click.UsageError("Nothing to report: give --status, --body-file or --reason.")
    request = calendar_link_pb2.ReportCalendarFailureRequest(calendar_link_id=link_id, http_status=http_status or 0)
    if reason is not None:
        request.reason = reason
    elif body_file is not None:
        request.body = body_file.read(_BODY_READ).decode(errors="ignore")
    answer = session.call(_stub(session).ReportCalendarFailure, request)
    if session.as_json:
        session.screen.document(answer)
        return
    session.screen.remark(f"read as {enum_name(answer, 'read_as')}; the link was checked")
    session.screen.details(details(answer.calendar_link))


@links.command("select")
@link_argument
@click.option("--check", "checked", metavar="CALENDAR", multiple=True, help="Read for busy time; may be repeated.")
@click.option("--no-check", is_flag=True, help="Read no calendar.")
@click.option("--add", "added", metavar="CALENDAR", help="Add appointments to this one.")
@click.option("--no-add", is_flag=True, help="Add appointments to none.")
@etag_option
@pass_session
def select_calendars(
    session: Session,
    link_id: str,
    checked: tuple[str, ...],
    no_check: bool,  # noqa: FBT001 - click passes it
    added: str | None,
    no_add: bool,  # noqa: FBT001 - click passes it
    etag: str,
) -> None:
    """Choose the calendars to check and to add to.

    What is not given stays as it is.
    """
    if (checked and no_check) or (added and no_add):
        raise click.UsageError("--check and --no-check, or --add and --no-add, exclude each other.")
    keep_checked, keep_added = not (checked or no_check), not (added or no_add)
    if keep_checked and keep_added:
        raise click.UsageError("Nothing to select: give --check, --no-check, --add or --no-add.")
    request = calendar_link_pb2.SelectCalendarsRequest(
        id=link_id, check_calendar_ids=checked, add_calendar_id=added or "", etag=etag
    )
    if keep_checked or keep_added:
        _keep(session, request, checked=keep_checked, added=keep_added)
    request.request_id = session.new_request_id()
    session.show(session.call(_stub(session).SelectCalendars, request).calendar_link, details)


@links.command("disconnect")
@link_argument
@pass_session
def disconnect_link(session: Session, link_id: str) -> None:
    """Revoke the grant at Google; the link stays.

    Its id and its selection stay for linking again. Whatever Google answers, the tokens are forgotten here.
    """
    request = calendar_link_pb2.DisconnectCalendarLinkRequest(id=link_id, request_id=session.new_request_id())
    answer = session.call(_stub(session).DisconnectCalendarLink, request)
    session.done(answer, f"disconnected calendar link {link_id}; {revocation_told(answer)}")


@links.command("delete")
@link_argument
@etag_option
@pass_session
def delete_link(session: Session, link_id: str, etag: str) -> None:
    """Revoke the grant and delete the link."""
    request = calendar_link_pb2.DeleteCalendarLinkRequest(id=link_id, etag=etag, request_id=session.new_request_id())
    answer = session.call(_stub(session).DeleteCalendarLink, request)
    session.done(answer, f"deleted calendar link {link_id}; {revocation_told(answer)}")


def _keep(session: Session, request: calendar_link_pb2.SelectCalendarsRequest, *, checked: bool, added: bool) -> None:
    """Fill in the half of a selection that stays; the link's etag guards it against a change meanwhile."""
    known = calendar_link_pb2.GetCalendarLinkRequest(id=request.id)
    link = session.call(_stub(session).GetCalendarLink, known).calendar_link
    if checked:
        request.check_calendar_ids.extend(link.check_calendar_ids)
    if added:
        request.add_calendar_id = link.add_calendar_id
    request.etag = request.etag or link.etag


def _stub(session: Session) -> CalendarLinkServiceStub:
    return CalendarLinkServiceStub(session.channel)
