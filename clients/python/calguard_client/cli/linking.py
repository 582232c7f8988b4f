"""`calguard links begin` and `complete`: between the two a person consents in a browser."""

import click

from calguard.v1 import calendar_link_pb2
from calguard.v1.calendar_link_pb2_grpc import CalendarLinkServiceStub
from calguard_client.cli.cells import clean, moment
from calguard_client.cli.link_report import details
from calguard_client.cli.session import Session, pass_session


@click.command("begin")
@click.argument("account_id", metavar="ACCOUNT")
@click.option("--link", "calendar_link_id", metavar="LINK", help="Link this one again; it keeps its selection.")
@click.option("--login-hint", metavar="ADDRESS", help="The Google account to suggest.")
@click.option("--redirect-uri", metavar="URI", help="Where Google sends the person back to.")
@click.option("--select-primary", is_flag=True, help="Select the primary calendar where nothing is selected yet.")
@click.option("--allow-account-change", is_flag=True, help="Allow another Google account than before.")
@pass_session
def begin_link(session: Session, /, account_id: str, **wishes: "str | bool | None") -> None:
    """Print the address at which a person consents."""
    request = calendar_link_pb2.BeginCalendarLinkRequest(account_id=account_id, request_id=session.new_request_id())
    for name, value in wishes.items():
        if value:
            setattr(request, name, value)
    answer = session.call(CalendarLinkServiceStub(session.channel).BeginCalendarLink, request)
    if session.as_json:
        session.screen.document(answer)
        return
    session.screen.remark(f"Open this address before {moment(answer.expire_time)}, and tick every checkbox:")
    session.screen.line(clean(answer.authorization_url))
    session.screen.remark(
        f"Where the server does not see the answer itself: calguard links complete {clean(answer.state)} --code CODE"
    )


@click.command("complete")
@click.argument("attempt", metavar="STATE")
@click.option("--code", metavar="CODE", help="The code that Google's page sent back.")
@click.option("--error", metavar="ERROR", help="The error that Google's page sent back.")
@pass_session
def complete_link(session: Session, attempt: str, code: str | None, error: str | None) -> None:
    """Complete linking with Google's answer.

    The server's own callback does the same where Google sends the person there.
    """
    if (code is None) == (error is None):
        raise click.UsageError("Give either --code or --error.")
    request = calendar_link_pb2.CompleteCalendarLinkRequest(state=attempt)
    if code is not None:
        request.code = code
    else:
        request.error = error or ""
    answer = session.call(CalendarLinkServiceStub(session.channel).CompleteCalendarLink, request)
    session.show(answer.calendar_link, details)
