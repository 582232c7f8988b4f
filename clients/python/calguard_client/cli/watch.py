"""`calguard watch`: every change as it is committed, a line each."""

import click
import grpc
from rich.text import Text

from calguard.v1 import watch_pb2
from calguard.v1.watch_pb2_grpc import WatchServiceStub
from calguard_client.cli.change_line import change_line
from calguard_client.cli.failures import WatchEndedError
from calguard_client.cli.session import Session, pass_session
from calguard_client.refusal import Refusal

_ENDED = Refusal(grpc.StatusCode.UNAVAILABLE, "STREAM_ENDED", "the server ended the watch")


@click.command()
@click.option("--account", "account_ids", metavar="ACCOUNT", multiple=True, help="Only its links and pages.")
@click.option("--link", "calendar_link_ids", metavar="LINK", multiple=True, help="Only this link.")
@click.option("--page", "booking_page_ids", metavar="PAGE", multiple=True, help="Only this page.")
@click.option("--no-snapshot", "skip_snapshot", is_flag=True, help="Begin with the first change, not with what is.")
@click.option("--resume-token", metavar="TOKEN", default="", help="Go on after this token, as received before.")
@pass_session
def watch(
    session: Session,
    account_ids: tuple[str, ...],
    calendar_link_ids: tuple[str, ...],
    booking_page_ids: tuple[str, ...],
    skip_snapshot: bool,  # noqa: FBT001 - click passes it
    resume_token: str,
) -> None:
    """Print every change of links and pages.

    It goes on until interrupted (ctrl-C).

    Filters may be repeated. With --link alone no page is shown, with --page alone no link.

    With --json, a line is a message of the stream: its changes, and the token after which to resume.
    """
    request = watch_pb2.WatchRequest(
        account_ids=account_ids,
        calendar_link_ids=calendar_link_ids,
        booking_page_ids=booking_page_ids,
        kinds=_kinds(links=bool(calendar_link_ids), pages=bool(booking_page_ids)),
        skip_snapshot=skip_snapshot,
        resume_token=resume_token,
    )
    token = resume_token
    try:
        for message in WatchServiceStub(session.channel).Watch(request):
            token = message.resume_token or token
            _print_message(session, message)
    except grpc.RpcError as error:
        raise WatchEndedError(Refusal.of(error), _hint(token if token != resume_token else "")) from error
    raise WatchEndedError(_ENDED, _hint(token))


def _kinds(*, links: bool, pages: bool) -> "list[watch_pb2.ResourceKind.ValueType]":
    if links == pages:
        return []
    return [watch_pb2.RESOURCE_KIND_CALENDAR_LINK if links else watch_pb2.RESOURCE_KIND_BOOKING_PAGE]


def _print_message(session: Session, message: watch_pb2.WatchResponse) -> None:
    if session.as_json:
        session.screen.json_line(message)
        return
    for change in message.changes:
        session.screen.entry(*change_line(change))
    if message.snapshot_complete:
        session.screen.line(Text("-- so it stands; changes follow --", "dim"))


def _hint(token: str) -> str:
    return f"go on where it ended: calguard watch with the same filters and --resume-token {token}" if token else ""
