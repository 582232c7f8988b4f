"""Following the ledger of notices: each as it is decided, and again whenever something came of it."""

from datetime import datetime

import click
import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from rich.text import Text

from calguard.v1 import notification_pb2
from calguard.v1.notification_pb2_grpc import NotificationServiceStub
from calguard_client.cli.cells import clean, enum_name, moment, state, texts
from calguard_client.cli.choices import read_duration
from calguard_client.cli.session import Session
from calguard_client.refusal import Refusal

_PAGE_SIZE = 100
_ID_WIDTH = 33
_KIND_WIDTH = 18
_PASSES = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)
"""CANCELLED is how a server's gRPC ends what arrives in the moment in which it stops; nobody here cancels a call."""

interval_option = click.option(
    "--interval",
    metavar="DURATION",
    callback=read_duration,
    default="2s",
    show_default=True,
    help="With --follow: how long to wait before asking again.",
)


def follow(session: Session, request: notification_pb2.ListNotificationsRequest, token: str, seconds: float) -> None:
    """Print what changes after a token, without end, also after a restart of the server. Raises grpc.RpcError."""
    request.order = notification_pb2.NOTIFICATION_ORDER_CHANGED
    request.page_size = _PAGE_SIZE
    method = NotificationServiceStub(session.channel).ListNotifications
    away = False
    while True:
        request.page_token = token
        try:
            answer = session.call(method, request)
        except grpc.RpcError as error:
            away = _told_away(session, error, away=away)
            session.pause(seconds)
            continue
        away, token = False, answer.next_page_token
        for notice in answer.notifications:
            show_line(session, notice, session.now())
        if len(answer.notifications) < _PAGE_SIZE:
            session.pause(seconds)


def _told_away(session: Session, error: grpc.RpcError, *, away: bool) -> bool:
    """Remark once that the server is away. Raises what waiting does not mend."""
    refusal = Refusal.of(error)
    if refusal.code not in _PASSES:
        raise error
    if not away:
        session.screen.remark(f"-- {refusal.code.name}: asking again until the server is back; nothing is missed --")
    return True


def whom(notice: notification_pb2.Notification) -> str:
    """Name who is told."""
    return clean(notice.recipient_account_id) or "the operator"


def show_line(session: Session, notice: notification_pb2.Notification, time: datetime) -> None:
    """Print a notice on a line that begins with a time."""
    if session.as_json:
        session.screen.json_line(notice)
        return
    stamp = Timestamp()
    stamp.FromDatetime(time.replace(microsecond=0))
    head = Text("  ").join((Text(moment(stamp), "dim"), Text(clean(notice.id).ljust(_ID_WIDTH))))
    parts = (
        Text(enum_name(notice, "kind").ljust(_KIND_WIDTH)),
        state(notice),
        Text(f"{whom(notice)} by {enum_name(notice, 'channel')}"),
        Text(texts(notice.booking_page_ids)),
        Text(_tries(notice)),
        Text(clean(notice.last_error)),
    )
    body = Text("  ").join(part for part in parts if part.plain)
    body.rstrip()
    session.screen.entry(head, body)


def _tries(notice: notification_pb2.Notification) -> str:
    """Tell how often it was tried, and when it is tried next, of what is tried again."""
    if notice.state != notification_pb2.NOTIFICATION_STATE_RETRYING:
        return ""
    times = "once" if notice.attempts == 1 else f"{notice.attempts} times"
    return f"tried {times}, next at {moment(notice.next_attempt_time)}"
