"""Following the ledger of notices: each as it is decided, and again whenever something came of it."""

import click
from rich.text import Text

from calguard.v1 import notification_pb2
from calguard.v1.notification_pb2_grpc import NotificationServiceStub
from calguard_client.cli.cells import clean, enum_name, moment, state, texts
from calguard_client.cli.choices import read_duration
from calguard_client.cli.session import Session

_PAGE_SIZE = 100
_ID_WIDTH = 33
_KIND_WIDTH = 18

interval_option = click.option(
    "--interval",
    metavar="DURATION",
    callback=read_duration,
    default="2s",
    show_default=True,
    help="With --follow: how long to wait before asking again.",
)


def follow(session: Session, request: notification_pb2.ListNotificationsRequest, token: str, seconds: float) -> None:
    """Print what changes after a token, without end. Raises grpc.RpcError."""
    request.order = notification_pb2.NOTIFICATION_ORDER_CHANGED
    request.page_size = _PAGE_SIZE
    method = NotificationServiceStub(session.channel).ListNotifications
    while True:
        request.page_token = token
        answer = session.call(method, request)
        token = answer.next_page_token
        for notice in answer.notifications:
            show_line(session, notice)
        if len(answer.notifications) < _PAGE_SIZE:
            session.pause(seconds)


def show_line(session: Session, notice: notification_pb2.Notification) -> None:
    """Print a notice on a line."""
    if session.as_json:
        session.screen.json_line(notice)
        return
    head = Text("  ").join((Text(moment(notice.create_time), "dim"), Text(clean(notice.id).ljust(_ID_WIDTH))))
    whom = clean(notice.recipient_account_id) or "the operator"
    parts = (
        Text(enum_name(notice, "kind").ljust(_KIND_WIDTH)),
        state(notice),
        Text(f"{whom} by {enum_name(notice, 'channel')}"),
        Text(texts(notice.booking_page_ids)),
        Text(clean(notice.last_error)),
    )
    body = Text("  ").join(parts)
    body.rstrip()
    session.screen.entry(head, body)
