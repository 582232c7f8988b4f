"""`calguard top`: how the server is, read again and again."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import click
import grpc
from rich.console import Group
from rich.text import Text

from calguard.v1 import provider_pb2, server_pb2
from calguard.v1.provider_pb2_grpc import ProviderServiceStub
from calguard.v1.server_pb2_grpc import ServerServiceStub
from calguard_client.cli.cells import clean
from calguard_client.cli.choices import json_option, read_duration
from calguard_client.cli.failures import told
from calguard_client.cli.overview import Reading, document, lines
from calguard_client.cli.session import Session, pass_session
from calguard_client.cli.table import details_table
from calguard_client.refusal import Refusal

Look = tuple[Reading, Reading | None, Refusal | None]
"""The latest reading, one before it if there is any, and why there is no newer one."""


@click.command()
@click.option(
    "--interval",
    metavar="DURATION",
    default="2s",
    show_default=True,
    callback=read_duration,
    help="How long to wait between two readings. The server counts once a second.",
)
@click.option("--once", is_flag=True, help="Read once, print it, and end.")
@json_option
@pass_session
def top(session: Session, interval: timedelta, once: bool) -> None:  # noqa: FBT001 - click passes it
    """Show how the server is, again and again.

    Links and pages by state, changes a second, open watches, notifications that are still to be sent and since when,
    and the provider's incidents. On a terminal it is drawn in place until interrupted (ctrl-C); elsewhere it is
    printed anew each time. A server that goes away later is waited for.

    With --json, a line is a reading; `changes_per_second` is null in the first.
    """
    looks = _looks(session, interval)
    if once or session.as_json or not session.screen.is_for_people:
        _print(session, looks, once=once)
        return
    first = next(looks)  # where nobody answers at all, that is told as ever
    with session.screen.showing() as screen:
        screen.draw(_drawing(session, first, interval))
        for look in looks:
            screen.draw(_drawing(session, look, interval))


def _looks(session: Session, interval: timedelta) -> Iterator[Look]:
    """Read for ever. Raises grpc.RpcError where the first reading fails."""
    latest, before = _read(session), None
    yield latest, before, None
    pause = threading.Event()
    while not pause.wait(interval.total_seconds()):
        try:
            reading = _read(session)
        except grpc.RpcError as error:
            yield latest, before, Refusal.of(error)
            continue
        if reading.server.read_time != latest.server.read_time:
            latest, before = reading, latest
        yield latest, before, None


def _read(session: Session) -> Reading:
    server, provider = ServerServiceStub(session.channel), ProviderServiceStub(session.channel)
    status = session.call(server.GetServerStatus, server_pb2.GetServerStatusRequest()).server_status
    request = provider_pb2.GetProviderStatusRequest()
    return Reading(status, session.call(provider.GetProviderStatus, request).provider_status)


def _print(session: Session, looks: Iterator[Look], *, once: bool) -> None:
    trouble: Refusal | None = None
    for number, (reading, before, refusal) in enumerate(looks):
        if refusal is None:
            if number and not session.as_json:
                session.screen.line("")
            _print_reading(session, reading, before)
        elif trouble is None:
            session.screen.remark(clean(f"calguard: {told(refusal, session)}; trying again"))
        trouble = refusal
        if once:
            return


def _print_reading(session: Session, reading: Reading, before: Reading | None) -> None:
    if session.as_json:
        session.screen.raw(document(reading, before))
    else:
        session.screen.details(lines(reading, before))


def _drawing(session: Session, look: Look, interval: timedelta) -> Group:
    reading, before, refusal = look
    head = Text(f"calguard top  {session.server}  every {interval.total_seconds():g} s", "bold")
    if refusal is not None:
        head = Text(clean(f"no answer, shown as it was last: {told(refusal, session)}"), "bold yellow")
    return Group(head, Text(), details_table(lines(reading, before)))
