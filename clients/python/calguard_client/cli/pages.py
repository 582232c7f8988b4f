"""`calguard pages`: booking pages, and whether they take bookings."""

from typing import Unpack

import click

from calguard.v1 import booking_page_pb2
from calguard.v1.booking_page_pb2_grpc import BookingPageServiceStub
from calguard_client.cli.choices import enum_option, etag_option, limit_option, require_change
from calguard_client.cli.page_explanation import show_explanation
from calguard_client.cli.page_fields import PageFields, page_of, page_options, paths_of
from calguard_client.cli.page_report import COLUMNS, details
from calguard_client.cli.paging import gather, show_list
from calguard_client.cli.session import Session, pass_session

page_argument = click.argument("page_id", metavar="PAGE")


@click.group()
def pages() -> None:
    """Booking pages: members, stop, resume, and why."""


@pages.command("create")
@click.option("--id", "page_id", metavar="ID", default="", help="The page's id; made by the server if left out.")
@page_options
@pass_session
def create_page(session: Session, page_id: str, **fields: Unpack[PageFields]) -> None:
    """Create a page."""
    request = booking_page_pb2.CreateBookingPageRequest(
        booking_page=page_of(page_id, fields), request_id=session.new_request_id()
    )
    session.show(session.call(_stub(session).CreateBookingPage, request).booking_page, details)


@pages.command("get")
@page_argument
@pass_session
def get_page(session: Session, page_id: str) -> None:
    """Show a page, with why it is stopped and by whom."""
    request = booking_page_pb2.GetBookingPageRequest(id=page_id)
    session.show(session.call(_stub(session).GetBookingPage, request).booking_page, details)


@pages.command("list")
@click.option("--account", "account_id", metavar="ACCOUNT", default="", help="Only those it owns or is a member of.")
@enum_option(
    "--state",
    booking_page_pb2.BookingPageState.DESCRIPTOR,
    multiple=True,
    help="Only those in this state; may be repeated.",
)
@limit_option
@pass_session
def list_pages(
    session: Session, account_id: str, state: "list[booking_page_pb2.BookingPageState.ValueType]", limit: int
) -> None:
    """List pages in the order of their ids."""
    request = booking_page_pb2.ListBookingPagesRequest(account_id=account_id, states=state)
    method = _stub(session).ListBookingPages
    answer = gather(session, method, request, lambda answer: answer.booking_pages, limit)
    show_list(session, answer, answer.booking_pages, COLUMNS)


@pages.command("update")
@page_argument
@page_options
@click.option("--no-members", is_flag=True, help="Take every member off the page.")
@etag_option
@pass_session
def update_page(
    session: Session,
    page_id: str,
    no_members: bool,  # noqa: FBT001 - click passes it
    etag: str,
    **fields: Unpack[PageFields],
) -> None:
    """Change what is given of a page.

    Members that are given replace those before.
    """
    if no_members and fields["members"]:
        raise click.UsageError("--member and --no-members exclude each other.")
    mask = require_change([*paths_of(fields), *(["members"] if no_members else [])])
    page = page_of(page_id, fields)
    page.etag = etag
    request = booking_page_pb2.UpdateBookingPageRequest(
        booking_page=page, update_mask=mask, request_id=session.new_request_id()
    )
    session.show(session.call(_stub(session).UpdateBookingPage, request).booking_page, details)


@pages.command("delete")
@page_argument
@etag_option
@pass_session
def delete_page(session: Session, page_id: str, etag: str) -> None:
    """Delete a page."""
    request = booking_page_pb2.DeleteBookingPageRequest(id=page_id, etag=etag, request_id=session.new_request_id())
    session.done(session.call(_stub(session).DeleteBookingPage, request), f"deleted booking page {page_id}")


@pages.command("stop")
@page_argument
@pass_session
def stop_page(session: Session, page_id: str) -> None:
    """Stop a page by hand, until it is resumed."""
    request = booking_page_pb2.StopBookingPageRequest(id=page_id, request_id=session.new_request_id())
    session.show(session.call(_stub(session).StopBookingPage, request).booking_page, details)


@pages.command("resume")
@page_argument
@pass_session
def resume_page(session: Session, page_id: str) -> None:
    """End a stop by hand.

    A calendar failure may still keep the page stopped.
    """
    request = booking_page_pb2.ResumeBookingPageRequest(id=page_id, request_id=session.new_request_id())
    session.show(session.call(_stub(session).ResumeBookingPage, request).booking_page, details)


@pages.command("explain")
@page_argument
@click.option("--assume-faulty", metavar="ACCOUNT", multiple=True, help="Take this member for faulty; may be repeated.")
@click.option("--assume-healthy", metavar="ACCOUNT", multiple=True, help="Take it for healthy; may be repeated.")
@pass_session
def explain_page(
    session: Session, page_id: str, assume_faulty: tuple[str, ...], assume_healthy: tuple[str, ...]
) -> None:
    """Tell why a page stands as it does, and what would stop it.

    With assumptions: where it would go, and who would be told. Nothing is changed, and nobody is told.
    """
    request = booking_page_pb2.ExplainBookingPageRequest(
        id=page_id, assume_faulty_account_ids=assume_faulty, assume_healthy_account_ids=assume_healthy
    )
    show_explanation(session, session.call(_stub(session).ExplainBookingPage, request))


def _stub(session: Session) -> BookingPageServiceStub:
    return BookingPageServiceStub(session.channel)
