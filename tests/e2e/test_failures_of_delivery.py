"""The tables of docs/failures.md for Slack and for e-mail: what becomes of a notice, and whether the operator hears."""

from dataclasses import dataclass
from typing import NamedTuple

import pytest

from calguard.v1 import notification_pb2 as notices_pb
from calguard.v1 import slack_workspace_pb2 as slack_pb
from calguard.v1.slack_pb2 import SlackAddress
from tests.e2e.backend import OPERATOR
from tests.e2e.failure_scene import AGAIN, ANN, STOP, WELL, Scene, failed
from tests.e2e.stubs import UNDER_WAY, Heard

POST = "chat.postMessage"
OLGA = "olga@example.com"


class Ended(NamedTuple):
    """How the notice by a channel ended."""

    state: str
    attempts: int
    last_error: str = ""


@dataclass(frozen=True)
class Row:
    """What is answered instead, to which call, and what `last_error` says of it."""

    fault: str | dict[str, object]
    endpoint: str | None
    detail: str


def slack_says(error: str, endpoint: str | None = POST) -> Row:
    return Row(f"slack/{error}", endpoint, f"slack {error}, HTTP 200")


WORKSPACE_BROKEN = {
    error: slack_says(error, endpoint=None)
    for error in ("invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "missing_scope")
}
DESTINATION_WRONG = {
    error: slack_says(error) for error in ("channel_not_found", "not_in_channel", "is_archived", "restricted_action")
}
NOBODY_THERE = {
    "users_not_found": slack_says("users_not_found", "users.lookupByEmail"),
    "user_not_found": slack_says("user_not_found", "conversations.open"),
    "messages_tab_disabled": slack_says("messages_tab_disabled"),
}
SLACK_PASSES = {
    "ratelimited": Row("slack/ratelimited", None, "slack ratelimited, HTTP 429"),
    "internal_error": slack_says("internal_error", endpoint=None),
    "fatal_error": slack_says("fatal_error", endpoint=None),
    "an error that is not known": Row("slack/unheard_of", None, "slack some_error_of_tomorrow, HTTP 200"),
    "500": Row("slack/500", None, "slack internal_error, HTTP 500"),
    "503 HTML": Row("slack/503_html", None, "slack unreadable_answer, HTTP 503"),
    "200 HTML": Row("slack/200_html", None, "slack unreadable_answer, HTTP 200"),
    "a permanent error within a 500": Row(
        {"status": 500, "body": {"ok": False, "error": "channel_not_found"}}, None, "slack channel_not_found, HTTP 500"
    ),
    "connection dropped": Row("network/drop", "conversations.open", "CONNECTION_LOST: Slack cannot be reached"),
    "dropped at the post": Row("network/drop", POST, "the message may have been posted"),
    "cut short": Row("network/cut_short", POST, "the message may have been posted"),
    "not HTTP": Row("network/garbage", "conversations.open", "CONNECTION_LOST: Slack cannot be reached"),
}
MAIL_REFUSED = {
    "550 to the recipient": Row("smtp/550", None, "SMTP 550: 5.1.1 No such user here"),
    "552 to the recipient": Row("smtp/552", None, "SMTP 552: 5.2.2 Mailbox over quota"),
    "550 to the sender": Row({"code": 550, "text": "5.7.1 Go away"}, "mail", "SMTP 550: 5.7.1 Go away"),
    "554 to the content": Row("smtp/data_554", None, "SMTP 554: 5.7.1 Message refused"),
}
MAIL_PASSES = {
    "421 to the sender": Row("smtp/421", None, "SMTP 421: 4.3.2 Service not available, closing transmission channel"),
    "450": Row("smtp/450", None, "SMTP 450: 4.2.1 Mailbox temporarily unavailable"),
    "451": Row("smtp/451", None, "SMTP 451: 4.3.0 Local error in processing"),
    "452": Row("smtp/452", None, "SMTP 452: 4.2.2 Mailbox full"),
    "451 to the content": Row("smtp/data_451", None, "SMTP 451: 4.3.0 Local error in processing"),
    "530: log in": Row("smtp/530", None, "SMTP 530: 5.7.0 Authentication required"),
    "534: log in otherwise": Row({"code": 534, "text": "5.7.9 Stronger"}, "mail", "SMTP 534: 5.7.9 Stronger"),
    "535: wrong login": Row({"code": 535, "text": "5.7.8 Invalid"}, "mail", "SMTP 535: 5.7.8 Invalid"),
    "538: encrypt first": Row({"code": 538, "text": "5.7.11 Encrypt"}, "rcpt", "SMTP 538: 5.7.11 Encrypt"),
    "dropped before the content": Row("network/drop", "rcpt", "CONNECTION_LOST"),
    "dropped at the content": Row("network/drop", "data", "the message may have been sent"),
    "cut short": Row("network/cut_short", "data", "the message may have been sent"),
    "not SMTP": Row("network/garbage", "rcpt", "UNREADABLE_ANSWER: the mail server does not speak SMTP"),
}


def rows(table: dict[str, Row]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", table.values(), ids=table)


def strike(scene: Scene, row: Row, *, user: str | None = None, times: int | None = None) -> None:
    named = row.fault if isinstance(row.fault, str) else ""
    mail = named.startswith("smtp/") or row.endpoint in ("mail", "rcpt", "data")
    scene.backend.sandbox.fault(
        row.fault, surface="smtp" if mail else "slack", endpoint=row.endpoint, user=user, times=times
    )


async def ann_fails(scene: Scene) -> None:
    """Ann's own page stops with her link, and nobody else's does."""
    page = await scene.backend.page("page")
    page.owner_account_id = "ann"
    await scene.backend.change_page(page, "owner_account_id")
    scene.backend.sandbox.google.revoke(ANN)
    assert await scene.check() == failed("AUTHORIZATION_REVOKED")


async def ended(scene: Scene, kind: str = "PAGE_STOPPED") -> dict[str, Ended]:
    """How Ann's notices of a kind ended, by channel, once nothing is on its way any more."""
    notices = await scene.backend.settled()
    return {
        notices_pb.NotificationChannel.Name(each.channel).removeprefix("NOTIFICATION_CHANNEL_"): Ended(
            notices_pb.NotificationState.Name(each.state).removeprefix("NOTIFICATION_STATE_"),
            each.attempts,
            each.last_error,
        )
        for each in notices
        if notices_pb.NotificationKind.Name(each.kind).removeprefix("NOTIFICATION_KIND_") == kind
    }


async def alerted(scene: Scene) -> None:
    """Wait until the operator's alert is owed: that follows the end of the notice that it is about."""
    alert = notices_pb.NOTIFICATION_KIND_OPERATOR_ALERT
    await scene.backend.until(lambda notices: any(each.kind == alert for each in notices))


def to_ann(subject: str, *channels: str) -> list[Heard]:
    return [(channel, ANN, subject) for channel in channels]


def to_operator(reason: str, *channels: str) -> list[Heard]:
    address = {"EMAIL": OPERATOR, "SLACK": "ops"}
    return [(channel, address[channel], f"Operator alert: {reason}") for channel in channels]


async def end_is_told_by(scene: Scene, channel: str) -> None:
    """Whoever could not be told of the stop by a channel is not told of its end by it either."""
    scene.backend.sandbox.faults.clear()
    await scene.relink()
    assert await scene.check() == WELL
    assert await scene.heard() == to_ann(AGAIN, channel)


# --- Slack ---


@rows(WORKSPACE_BROKEN)
async def test_workspace_is_broken(scene: Scene, row: Row) -> None:
    """It is tried once, then waits; e-mail arrives; the operator is alerted once, by the channel that works.

    The end is told by e-mail alone: nobody was told of the stop by Slack.
    """
    strike(scene, row)
    await ann_fails(scene)
    waiting = await waits_for_workspace(scene)
    code = row.detail.split()[1].rstrip(",")
    assert (waiting.attempts, waiting.last_error) == (1, f"SLACK_WORKSPACE_BROKEN: default: {code}")
    workspace = await scene.backend.slack_workspace("default")
    assert (workspace.state, workspace.cause.code) == (slack_pb.SLACK_WORKSPACE_STATE_BROKEN, code)
    broken = to_operator("SLACK_WORKSPACE_BROKEN", "EMAIL")
    assert scene.backend.newly_heard() == sorted(to_ann(STOP, "EMAIL") + broken)
    scene.backend.sandbox.faults.clear()
    await scene.relink()
    await scene.backend.until(only_slack_waits)
    await scene.pass_time(minutes=15)
    assert await scene.heard() == to_ann(AGAIN, "EMAIL")
    assert (await ended(scene))["SLACK"] == Ended("SUPPRESSED", 1, "INCIDENT_OVER")


@rows(DESTINATION_WRONG)
async def test_destination_is_wrong(scene: Scene, row: Row) -> None:
    """The same where the page's channel is not one to post to; the operator's channel is."""
    channel = scene.backend.sandbox.slack.channel("bookings").id
    page = await scene.backend.page("page")
    page.slack.CopyFrom(SlackAddress(channel_id=channel))
    await scene.backend.change_page(page, "slack")
    scene.backend.sandbox.fault(row.fault, endpoint=row.endpoint, channel=channel)
    await ann_fails(scene)
    await alerted(scene)
    assert await ended(scene) == {"EMAIL": Ended("SENT", 1), "SLACK": Ended("DEAD", 1, row.detail)}
    everywhere = to_operator("DELIVERY_DEAD_SLACK", "EMAIL", "SLACK")
    assert await scene.heard() == sorted(to_ann(STOP, "EMAIL") + everywhere)
    await end_is_told_by(scene, "EMAIL")


@rows(NOBODY_THERE)
async def test_nobody_there(scene: Scene, row: Row) -> None:
    """The same where there is no such person: e-mail goes its own way."""
    strike(scene, row, user=ANN if row.endpoint != POST else None, times=None if row.endpoint != POST else 1)
    await ann_fails(scene)
    await alerted(scene)
    assert await ended(scene) == {"EMAIL": Ended("SENT", 1), "SLACK": Ended("DEAD", 1, row.detail)}
    everywhere = to_operator("DELIVERY_DEAD_SLACK", "EMAIL", "SLACK")
    assert await scene.heard() == sorted(to_ann(STOP, "EMAIL") + everywhere)
    await end_is_told_by(scene, "EMAIL")


@rows(SLACK_PASSES)
async def test_slack_is_tried_again(scene: Scene, row: Row) -> None:
    """It arrives once the trouble is over, one message; e-mail has not waited; the operator hears nothing."""
    strike(scene, row, times=1)
    await ann_fails(scene)
    waiting = await retrying(scene, notices_pb.NOTIFICATION_CHANNEL_SLACK)
    assert row.detail in waiting.last_error
    assert await ended(scene) == {"EMAIL": Ended("SENT", 1), "SLACK": Ended("SENT", 2)}
    assert await scene.heard() == to_ann(STOP, "EMAIL", "SLACK")


async def test_slack_that_cannot_be_reached(scene: Scene) -> None:
    """A refused connection is tried again, too."""
    await scene.backend.sandbox.set_listening("slack", up=False)
    await ann_fails(scene)
    waiting = await retrying(scene, notices_pb.NOTIFICATION_CHANNEL_SLACK)
    assert waiting.last_error == "CONNECTION_LOST: Slack cannot be reached, or hung up"
    await scene.backend.sandbox.set_listening("slack", up=True)
    assert (await ended(scene))["SLACK"].state == "SENT"
    assert await scene.heard() == to_ann(STOP, "EMAIL", "SLACK")


async def test_what_slack_asks_to_wait(scene: Scene) -> None:
    """Retry-After is waited."""
    strike(scene, SLACK_PASSES["ratelimited"], times=1)
    await ann_fails(scene)
    waiting = await retrying(scene, notices_pb.NOTIFICATION_CHANNEL_SLACK)
    assert waiting.next_attempt_time.seconds - waiting.create_time.seconds >= 30
    assert (await ended(scene))["SLACK"] == Ended("SENT", 2)


# --- e-mail ---


@rows(MAIL_REFUSED)
async def test_mail_is_refused_for_good(scene: Scene, row: Row) -> None:
    """DEAD at once; Slack is told; the operator is alerted once."""
    strike(scene, row, times=1)
    await ann_fails(scene)
    await alerted(scene)
    assert await ended(scene) == {"EMAIL": Ended("DEAD", 1, row.detail), "SLACK": Ended("SENT", 1)}
    everywhere = to_operator("DELIVERY_DEAD_EMAIL", "EMAIL", "SLACK")
    assert await scene.heard() == sorted(to_ann(STOP, "SLACK") + everywhere)
    await end_is_told_by(scene, "SLACK")


@rows(MAIL_PASSES)
async def test_mail_is_tried_again(scene: Scene, row: Row) -> None:
    """It arrives once the trouble is over, one message to one recipient; Slack has not waited; no alert."""
    strike(scene, row, times=1)
    await ann_fails(scene)
    waiting = await retrying(scene, notices_pb.NOTIFICATION_CHANNEL_EMAIL)
    assert row.detail in waiting.last_error
    assert await ended(scene) == {"EMAIL": Ended("SENT", 2), "SLACK": Ended("SENT", 1)}
    assert [mail.recipients for mail in scene.backend.sandbox.mail.received.records] == [(ANN,)]
    assert await scene.heard() == to_ann(STOP, "EMAIL", "SLACK")


MAIL_SET_WRONGLY = {
    "STARTTLS that is not offered": ("smtp://{address}", "STARTTLS_NOT_OFFERED"),
    "TLS that is not spoken": ("smtps://{address}", "TLS_FAILED"),
    "a login that is refused": ("smtp://calguard:secret@{address}?starttls=off", "SMTP 535"),
    "nobody listens there": ("smtp://127.0.0.1:1?starttls=off", "CONNECTION_LOST"),
}


@pytest.mark.parametrize(("url", "detail"), MAIL_SET_WRONGLY.values(), ids=MAIL_SET_WRONGLY)
async def test_mail_that_the_operator_has_set_wrongly(scene: Scene, url: str, detail: str) -> None:
    """It says nothing of the recipient: the notice waits until the setting is right, whoever restarts the server."""
    right = scene.backend.sandbox.smtp_url
    await scene.backend.restart(smtp_url=url.format(address=f"127.0.0.1:{scene.backend.sandbox.smtp_port}"))
    await ann_fails(scene)
    waiting = await retrying(scene, notices_pb.NOTIFICATION_CHANNEL_EMAIL)
    assert waiting.last_error.startswith(detail)
    assert "secret" not in waiting.last_error
    await scene.backend.restart(smtp_url=right)
    assert await ended(scene) == {"EMAIL": Ended("SENT", 2), "SLACK": Ended("SENT", 1)}
    assert await scene.heard() == to_ann(STOP, "EMAIL", "SLACK")


def only_slack_waits(notices: list[notices_pb.Notification]) -> bool:
    slack = notices_pb.NOTIFICATION_CHANNEL_SLACK
    return all(notice.channel == slack for notice in notices if notice.state in UNDER_WAY)


async def waits_for_workspace(scene: Scene) -> notices_pb.Notification:
    """The one notice that waits for its workspace, once the operator was told and nothing else is on its way."""

    def reached(notices: list[notices_pb.Notification]) -> bool:
        errors = [notice.last_error for notice in notices if notice.state in UNDER_WAY]
        told = any(notice.kind == notices_pb.NOTIFICATION_KIND_OPERATOR_ALERT for notice in notices)
        return told and len(errors) == 1 and errors[0].startswith("SLACK_WORKSPACE_BROKEN")

    notices = await scene.backend.until(reached)
    [waiting] = [notice for notice in notices if notice.state in UNDER_WAY]
    return waiting


async def retrying(scene: Scene, channel: int) -> notices_pb.Notification:
    """The notice by a channel, once its first attempt has failed and the other channel's has not."""
    sent, again = notices_pb.NOTIFICATION_STATE_SENT, notices_pb.NOTIFICATION_STATE_RETRYING
    notices = await scene.backend.until(lambda each: sorted(notice.state for notice in each) == sorted([sent, again]))
    [waiting] = [notice for notice in notices if notice.channel == channel]
    assert (waiting.state, waiting.attempts) == (again, 1)
    return waiting
