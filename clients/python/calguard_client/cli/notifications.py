"""`calguard notifications`: what was owed to whom, and what became of it."""

from collections.abc import Sequence
from datetime import UTC, timedelta

import click

from calguard.v1 import notification_pb2
from calguard.v1.notification_pb2_grpc import NotificationServiceStub
from calguard_client.cli.cells import clean, enum_name, moment, state, text, texts
from calguard_client.cli.choices import enum_option, limit_option
from calguard_client.cli.follow import follow, interval_option, show_line, whom
from calguard_client.cli.paging import gather, show_list
from calguard_client.cli.session import Session, pass_session
from calguard_client.cli.table import Cell, Column

COLUMNS: Sequence[Column[notification_pb2.Notification]] = (
    Column("id", lambda notice: text(notice.id)),
    Column("kind", lambda notice: enum_name(notice, "kind")),
    Column("state", state),
    Column("to", whom),
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
@click.option(
    "--follow",
    "follows",
    is_flag=True,
    help="A line each, the oldest first, with the time when it was decided; then go on with each that is new, or that "
    "something came of, with the time when that was seen, until interrupted (ctrl-C). A server that is away is "
    "waited for.",
)
@interval_option
@pass_session
def list_notifications(
    session: Session,
    state: "list[notification_pb2.NotificationState.ValueType]",
    booking_page_id: str,
    account_id: str,
    limit: int,
    follows: bool,  # noqa: FBT001 - click passes it
    interval: timedelta,
) -> None:
    """List notices, newest first."""
    request = notification_pb2.ListNotificationsRequest(
        states=state, booking_page_id=booking_page_id, account_id=account_id
    )
    method = NotificationServiceStub(session.channel).ListNotifications
    answer = gather(session, method, request, lambda answer: answer.notifications, limit)
    if not follows:
        show_list(session, answer, answer.notifications, COLUMNS)
        return
    for notice in reversed(answer.notifications):
        show_line(session, notice, notice.create_time.ToDatetime(UTC))
    follow(session, request, answer.follow_token, interval.total_seconds())


@notifications.command("retry")
@click.argument("notification_id", metavar="NOTIFICATION")
@pass_session
def retry_notification(session: Session, notification_id: str) -> None:
    """Have a notice sent after all that is DEAD."""
    request = notification_pb2.RetryNotificationRequest(id=notification_id, request_id=session.new_request_id())
    method = NotificationServiceStub(session.channel).RetryNotification
    session.show(session.call(method, request).notification, details)


@notifications.command("discard")
@click.argument("notification_id", metavar="NOTIFICATION")
@pass_session
def discard_notification(session: Session, notification_id: str) -> None:
    """Give a notice up that is DEAD, or still to be sent."""
    request = notification_pb2.DiscardNotificationRequest(id=notification_id, request_id=session.new_request_id())
    method = NotificationServiceStub(session.channel).DiscardNotification
    session.show(session.call(method, request).notification, details)


def details(notice: notification_pb2.Notification) -> list[tuple[str, Cell]]:
    """Tell all of a notice."""
    return [
        ("notification", text(notice.id)),
        ("kind", enum_name(notice, "kind")),
        ("state", state(notice)),
        ("to", whom(notice)),
        ("by", f"{enum_name(notice, 'channel')} {text(notice.address)}"),
        ("booking pages", texts(notice.booking_page_ids)),
        ("calendar link", text(notice.calendar_link_id)),
        ("account at fault", text(notice.faulty_account_id)),
        ("attempts", str(notice.attempts)),
        ("last error", text(notice.last_error)),
        ("next attempt", moment(notice.next_attempt_time)),
        ("created", moment(notice.create_time)),
        ("sent", moment(notice.send_time)),
        ("message", text(notice.message_id)),
        ("sent with", texts(notice.grouped_notification_ids)),
        *(("attempt", _attempt_text(attempt)) for attempt in notice.attempt_history),
    ]


def _attempt_text(attempt: notification_pb2.NotificationAttempt) -> str:
    parts = (moment(attempt.time), enum_name(attempt, "outcome"), clean(attempt.address), clean(attempt.detail))
    return "  ".join(filter(None, parts))
