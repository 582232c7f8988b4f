"""`calguard notifications`: what was owed to whom, and what became of it."""

from collections.abc import Sequence

import click

from calguard.v1 import notification_pb2
from calguard.v1.notification_pb2_grpc import NotificationServiceStub
from calguard_client.cli.cells import enum_name, moment, state, text, texts
from calguard_client.cli.choices import enum_option, limit_option
from calguard_client.cli.paging import gather, show_list
from calguard_client.cli.session import Session, pass_session
from calguard_client.cli.table import Cell, Column

COLUMNS: Sequence[Column[notification_pb2.Notification]] = (
    Column("id", lambda notice: text(notice.id)),
    Column("kind", lambda notice: enum_name(notice, "kind")),
    Column("state", state),
    Column("to", lambda notice: text(notice.recipient_account_id)),
    Column("by", lambda notice: enum_name(notice, "channel")),
    Column("pages", lambda notice: texts(notice.booking_page_ids), folds=True),
    Column("last error", lambda notice: text(notice.last_error), folds=True),
    Column("created", lambda notice: moment(notice.create_time)),
)


@click.group()
def notifications() -> None:
    """Notices by e-mail and Slack, and what became of them."""


@notifications.command("get")
@click.argument("notification_id", metavar="NOTIFICATION")
@pass_session
def get_notification(session: Session, notification_id: str) -> None:
    """Show a notice."""
    request = notification_pb2.GetNotificationRequest(id=notification_id)
    method = NotificationServiceStub(session.channel).GetNotification
    session.show(session.call(method, request).notification, details)


@notifications.command("list")
@enum_option(
    "--state",
    notification_pb2.NotificationState.DESCRIPTOR,
    multiple=True,
    help="Only those in this state; may be repeated.",
)
@click.option("--page", "booking_page_id", metavar="PAGE", default="", help="Only those about this page.")
@click.option("--account", "account_id", metavar="ACCOUNT", default="", help="Only those to this account.")
@limit_option
@pass_session
def list_notifications(
    session: Session,
    state: "list[notification_pb2.NotificationState.ValueType]",
    booking_page_id: str,
    account_id: str,
    limit: int,
) -> None:
    """List notices, newest first."""
    request = notification_pb2.ListNotificationsRequest(
        states=state, booking_page_id=booking_page_id, account_id=account_id
    )
    method = NotificationServiceStub(session.channel).ListNotifications
    answer = gather(session, method, request, lambda answer: answer.notifications, limit)
    show_list(session, answer, answer.notifications, COLUMNS)


def details(notice: notification_pb2.Notification) -> list[tuple[str, Cell]]:
    """Tell all of a notice."""
    return [
        ("notification", text(notice.id)),
        ("kind", enum_name(notice, "kind")),
        ("state", state(notice)),
        ("to", text(notice.recipient_account_id) if notice.recipient_account_id else "the operator"),
        ("by", f"{enum_name(notice, 'channel')} {text(notice.address)}"),
        ("booking pages", texts(notice.booking_page_ids)),
        ("calendar link", text(notice.calendar_link_id)),
        ("account at fault", text(notice.faulty_account_id)),
        ("attempts", str(notice.attempts)),
        ("last error", text(notice.last_error)),
        ("next attempt", moment(notice.next_attempt_time)),
        ("created", moment(notice.create_time)),
        ("sent", moment(notice.send_time)),
    ]
