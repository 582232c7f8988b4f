"""`calguard watch`: every change as it is committed, in a live table, a line each, or as JSON."""

from datetime import timedelta
from pathlib import Path
from typing import TypedDict, Unpack

import click

from calguard.v1 import watch_pb2
from calguard_client.cli.choices import json_option
from calguard_client.cli.session import Session, pass_session
from calguard_client.cli.watching.bookmark import Bookmark
from calguard_client.cli.watching.heard import open_watch
from calguard_client.cli.watching.lines import print_lines
from calguard_client.cli.watching.live_table import show_table

_KINDS = {
    "link": watch_pb2.RESOURCE_KIND_CALENDAR_LINK,
    "page": watch_pb2.RESOURCE_KIND_BOOKING_PAGE,
    "provider": watch_pb2.RESOURCE_KIND_PROVIDER_STATUS,
    "appointment": watch_pb2.RESOURCE_KIND_APPOINTMENT,
}
_TABLE_PROGRESS = timedelta(seconds=5)
"""How often a table wants to hear that nothing happened: it shows how old it is."""


class Filters(TypedDict):
    """What narrows a watch, as given."""

    account_ids: tuple[str, ...]
    calendar_link_ids: tuple[str, ...]
    booking_page_ids: tuple[str, ...]
    kinds: tuple[str, ...]


@click.command()
@click.option("--account", "account_ids", metavar="ACCOUNT", multiple=True, help="Only what is its.")
@click.option("--link", "calendar_link_ids", metavar="LINK", multiple=True, help="Only this link.")
@click.option("--page", "booking_page_ids", metavar="PAGE", multiple=True, help="Only this page, or its appointments.")
@click.option(
    "--kind",
    "kinds",
    type=click.Choice(list(_KINDS), case_sensitive=False),
    multiple=True,
    help="Only this kind; may be repeated. Appointments are shown only where they are asked for.",
)
@click.option("--latest", is_flag=True, help="Where changes wait to be sent, only the latest of each resource.")
@click.option("--no-snapshot", is_flag=True, help="Begin with the first change, not with what is.")
@click.option("--resume-token", metavar="TOKEN", default="", help="Go on after this token, as received before.")
@click.option(
    "--token-file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Go on after the token in this file, and keep it there as it moves on.",
)
@click.option("--lines", is_flag=True, help="A line a change, on a terminal too.")
@json_option
@pass_session
def watch(
    session: Session,
    latest: bool,  # noqa: FBT001 - click passes it
    no_snapshot: bool,  # noqa: FBT001 - click passes it
    resume_token: str,
    token_file: Path | None,
    lines: bool,  # noqa: FBT001 - click passes it
    **filters: Unpack[Filters],
) -> None:
    """Show links and pages as they change, and appointments with --kind appointment.

    On a terminal, a live table of how they stand: what is not well first, then what changed last. Elsewhere, in a job
    in the background, and with --lines: a line a change. With --json: a line an event, as the server sent it, with the
    token after which to resume. It goes on until interrupted (ctrl-C), also when the server is restarted.

    Filters may be repeated, and narrow together. With --link alone no page is shown, with --page alone no link.

    A token goes with its filters. With --token-file, the next run goes on where this one ended.
    """
    if resume_token and token_file is not None:
        raise click.UsageError("--resume-token and --token-file exclude each other.")
    bookmark = Bookmark(resume_token, token_file)
    as_table = not (lines or session.as_json) and session.screen.is_for_people
    request = _request(filters, bookmark.token, skip_snapshot=no_snapshot, latest=latest or as_table)
    if as_table:
        request.progress_interval.FromTimedelta(_TABLE_PROGRESS)
    with open_watch(session, request) as opened:
        (show_table if as_table else print_lines)(session, opened, bookmark)


def _request(filters: Filters, token: str, *, skip_snapshot: bool, latest: bool) -> watch_pb2.WatchRequest:
    return watch_pb2.WatchRequest(
        account_ids=filters["account_ids"],
        calendar_link_ids=filters["calendar_link_ids"],
        booking_page_ids=filters["booking_page_ids"],
        kinds=[_KINDS[kind] for kind in filters["kinds"]],
        resume_token=token,
        skip_snapshot=skip_snapshot and not token,
        mode=watch_pb2.WATCH_MODE_LATEST if latest else watch_pb2.WATCH_MODE_EVERY,
    )
