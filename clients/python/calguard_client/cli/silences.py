"""`calguard silences`: what people are not to be told for a while."""

from collections.abc import Sequence
from datetime import timedelta

import click

from calguard.v1 import silence_pb2
from calguard.v1.silence_pb2_grpc import SilenceServiceStub
from calguard_client.cli.cells import moment, text
from calguard_client.cli.choices import limit_option, read_duration
from calguard_client.cli.paging import gather, show_list
from calguard_client.cli.session import Session, pass_session
from calguard_client.cli.table import Cell, Column

COLUMNS: Sequence[Column[silence_pb2.Silence]] = (
    Column("id", lambda silence: text(silence.id)),
    Column("page", lambda silence: text(silence.booking_page_id)),
    Column("account", lambda silence: text(silence.account_id)),
    Column("link", lambda silence: text(silence.calendar_link_id)),
    Column("ends", lambda silence: moment(silence.end_time)),
    Column("reason", lambda silence: text(silence.reason), folds=True),
)


@click.group()
def silences() -> None:
    """What people are not to be told for a while."""


@silences.command("create")
@click.option("--id", "silence_id", metavar="ID", default="", help="The silence's id; made by the server if left out.")
@click.option("--page", "booking_page_id", metavar="PAGE", default="", help="What is told of this page.")
@click.option("--account", "account_id", metavar="ACCOUNT", default="", help="What is told to this account.")
@click.option("--link", "calendar_link_id", metavar="LINK", default="", help="What is told of this calendar link.")
@click.option(
    "--for",
    "lasts",
    metavar="DURATION",
    required=True,
    callback=read_duration,
    help="How long, from now on: at most 30d.",
)
@click.option("--reason", metavar="TEXT", required=True, help="Why.")
@pass_session
def create_silence(
    session: Session,
    silence_id: str,
    booking_page_id: str,
    account_id: str,
    calendar_link_id: str,
    lasts: timedelta,
    reason: str,
) -> None:
    """Silence what is told of a page, to an account, or of a link; of what all that is given agrees on."""
    silence = silence_pb2.Silence(
        id=silence_id,
        booking_page_id=booking_page_id,
        account_id=account_id,
        calendar_link_id=calendar_link_id,
        reason=reason,
    )
    silence.end_time.FromDatetime(session.now() + lasts)
    request = silence_pb2.CreateSilenceRequest(silence=silence, request_id=session.new_request_id())
    session.show(session.call(SilenceServiceStub(session.channel).CreateSilence, request).silence, details)


@silences.command("list")
@limit_option
@pass_session
def list_silences(session: Session, limit: int) -> None:
    """List the silences in force."""
    method, request = SilenceServiceStub(session.channel).ListSilences, silence_pb2.ListSilencesRequest()
    answer = gather(session, method, request, lambda answer: answer.silences, limit)
    show_list(session, answer, answer.silences, COLUMNS)


@silences.command("delete")
@click.argument("silence_id", metavar="SILENCE")
@pass_session
def delete_silence(session: Session, silence_id: str) -> None:
    """End a silence; what it held back of incidents that are open is told soon."""
    request = silence_pb2.DeleteSilenceRequest(id=silence_id, request_id=session.new_request_id())
    answer = session.call(SilenceServiceStub(session.channel).DeleteSilence, request)
    session.done(answer, f"ended silence {silence_id}")


def details(silence: silence_pb2.Silence) -> list[tuple[str, Cell]]:
    """Tell all of a silence."""
    return [
        ("silence", text(silence.id)),
        ("booking page", text(silence.booking_page_id)),
        ("account", text(silence.account_id)),
        ("calendar link", text(silence.calendar_link_id)),
        ("began", moment(silence.create_time)),
        ("ends", moment(silence.end_time)),
        ("reason", text(silence.reason)),
    ]
