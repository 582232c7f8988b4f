"""Notices that could not be sent, and what the operator does about them: over the contract, before a real receiver."""

from datetime import timedelta

import pytest
from google.protobuf.message import Message

from calguard.v1 import notification_pb2 as notices_pb
from tests.e2e.backend import Backend
from tests.e2e.failure_scene import ANN, Scene
from tests.e2e.methods import METHODS
from tests.e2e.stubs import ALL, refused, told
from tests.e2e.test_failures_of_delivery import MAIL_PASSES, MAIL_REFUSED, alerted, ann_fails, ended, retrying, strike

REQUEST_ID, ANOTHER = "6f0d3a9e-5a1b-4c3d-8e2f-0123456789ab", "6f0d3a9e-5a1b-4c3d-8e2f-0123456789ac"
EMAIL, SLACK = notices_pb.NOTIFICATION_CHANNEL_EMAIL, notices_pb.NOTIFICATION_CHANNEL_SLACK
DEAD, SENT, PENDING = (
    notices_pb.NOTIFICATION_STATE_DEAD,
    notices_pb.NOTIFICATION_STATE_SENT,
    notices_pb.NOTIFICATION_STATE_PENDING,
)
DISCARDED = notices_pb.NOTIFICATION_STATE_DISCARDED
REFUSED = MAIL_REFUSED["550 to the recipient"]


async def read(backend: Backend, notice_id: str) -> notices_pb.Notification:
    answer = await backend.notices.GetNotification(notices_pb.GetNotificationRequest(id=notice_id))
    return answer.notification  # type: ignore[no-any-return] - the stub is untyped


async def dead_mail(scene: Scene) -> notices_pb.Notification:
    """Ann's mailbox refuses the notice of the stop."""
    strike(scene, REFUSED, user=ANN)
    await ann_fails(scene)
    await alerted(scene)
    assert (await ended(scene))["EMAIL"].state == "DEAD"
    return await mail_of_ann(scene)


async def mail_of_ann(scene: Scene) -> notices_pb.Notification:
    [notice] = [
        each
        for each in await scene.backend.notifications()
        if (each.recipient_account_id, each.channel) == ("ann", EMAIL)
    ]
    return await read(scene.backend, notice.id)


def retry(notice: notices_pb.Notification, request_id: str = REQUEST_ID) -> notices_pb.RetryNotificationRequest:
    return notices_pb.RetryNotificationRequest(id=notice.id, request_id=request_id)


def discard(notice: notices_pb.Notification, request_id: str = REQUEST_ID) -> notices_pb.DiscardNotificationRequest:
    return notices_pb.DiscardNotificationRequest(id=notice.id, request_id=request_id)


def outcomes(notice: notices_pb.Notification) -> list[tuple[str, str]]:
    names = notices_pb.NotificationAttemptOutcome.Name
    prefix = "NOTIFICATION_ATTEMPT_OUTCOME_"
    return [(names(each.outcome).removeprefix(prefix), each.detail) for each in notice.attempt_history]


async def test_what_is_dead_is_sent_after_all(scene: Scene) -> None:
    """The mailbox is in order again: it is retried, arrives, and both attempts are in the ledger."""
    dead = await dead_mail(scene)
    scene.backend.sandbox.faults.clear()
    before = len(scene.backend.sandbox.mail.received.records)
    answer = await scene.backend.notices.RetryNotification(retry(dead))
    assert (answer.notification.state, answer.notification.attempts) == (PENDING, 1)
    await scene.backend.settled()
    sent = await read(scene.backend, dead.id)
    assert (sent.state, sent.attempts, sent.last_error, sent.message_id) == (SENT, 2, "", dead.id)
    assert outcomes(sent) == [("REFUSED", REFUSED.detail), ("SENT", sent.attempt_history[1].detail)]
    assert sent.attempt_history[1].detail.startswith("SMTP 250: ")
    assert [each.address for each in sent.attempt_history] == [ANN, ANN]
    assert {each.message_id for each in sent.attempt_history} == {dead.id}
    times = [each.time.ToDatetime() for each in sent.attempt_history]
    assert times == sorted(times)
    assert [mail.recipients for mail in scene.backend.sandbox.mail.received.records[before:]] == [(ANN,)]


async def test_what_is_retried_is_looked_at_before_it_is_sent(scene: Scene) -> None:
    """The page works again by then: nobody is told that it is stopped."""
    dead = await dead_mail(scene)
    scene.backend.sandbox.faults.clear()
    await scene.relink()
    await scene.backend.notices.RetryNotification(retry(dead))
    await scene.backend.settled()
    dropped = await read(scene.backend, dead.id)
    assert (dropped.state, dropped.last_error) == (notices_pb.NOTIFICATION_STATE_SUPPRESSED, "INCIDENT_OVER")
    assert outcomes(dropped) == [("REFUSED", REFUSED.detail)]


async def test_what_is_refused_again_is_dead_again(scene: Scene) -> None:
    """And can be retried again, by a call of its own."""
    dead = await dead_mail(scene)
    await scene.backend.notices.RetryNotification(retry(dead))
    await scene.backend.settled()
    assert [outcome for outcome, _ in outcomes(await read(scene.backend, dead.id))] == ["REFUSED", "REFUSED"]
    answer = await scene.backend.notices.RetryNotification(retry(dead, ANOTHER))
    assert answer.notification.state == PENDING


async def test_what_is_discarded_is_over(scene: Scene) -> None:
    """It cannot be retried, nor discarded twice, and nobody is told the end of what did not reach them."""
    dead = await dead_mail(scene)
    answer = await scene.backend.notices.DiscardNotification(discard(dead))
    assert (answer.notification.state, answer.notification.HasField("next_attempt_time")) == (DISCARDED, False)
    for name, request in {"RetryNotification": retry(dead, ""), "DiscardNotification": discard(dead, "")}.items():
        refusal = await refused(METHODS[name].call(scene.backend.channel, request))
        assert told(refusal) == ("FAILED_PRECONDITION", "ILLEGAL_TRANSITION")
    scene.backend.sandbox.faults.clear()
    await scene.relink()
    assert [channel for channel, _, subject in await scene.heard() if "Accepting" in subject] == ["SLACK"]


async def test_what_is_to_be_tried_again_is_discarded(scene: Scene) -> None:
    """Nobody waits for it any more."""
    strike(scene, MAIL_PASSES["450"], user=ANN)
    await ann_fails(scene)
    waiting = await retrying(scene, EMAIL)
    await scene.backend.notices.DiscardNotification(discard(waiting))
    scene.backend.sandbox.faults.clear()
    await scene.pass_time(hours=1)
    await scene.backend.settled()
    assert (await read(scene.backend, waiting.id)).state == DISCARDED
    assert scene.backend.sandbox.mail.received.records == []


@pytest.mark.parametrize("name", ["RetryNotification", "DiscardNotification"])
async def test_what_was_sent_is_neither_retried_nor_discarded(scene: Scene, name: str) -> None:
    await ann_fails(scene)
    await scene.backend.settled()
    request = METHODS[name].request(id=(await mail_of_ann(scene)).id)
    assert told(await refused(METHODS[name].call(scene.backend.channel, request))) == (
        "FAILED_PRECONDITION",
        "ILLEGAL_TRANSITION",
    )


@pytest.mark.parametrize("name", ["RetryNotification", "DiscardNotification"])
async def test_a_repeated_call_answers_as_the_first_did(scene: Scene, name: str) -> None:
    """Byte for byte, after a restart too, whatever became of the notice since; for another call the id is refused."""
    dead = await dead_mail(scene)
    request: Message = METHODS[name].request(id=dead.id, request_id=REQUEST_ID)
    first = await METHODS[name].call_raw(scene.backend.channel, request.SerializeToString())
    await scene.backend.settled()
    await scene.backend.restart()
    assert await METHODS[name].call_raw(scene.backend.channel, request.SerializeToString()) == first
    other = METHODS[name].request(id="another", request_id=REQUEST_ID)
    assert told(await refused(METHODS[name].call(scene.backend.channel, other))) == (
        "INVALID_ARGUMENT",
        "REQUEST_ID_REUSED",
    )


async def test_pages_that_were_told_of_together_name_one_another(scene: Scene) -> None:
    """Each notification of a message names its message and the others; a list leaves out the others and attempts."""
    for page in ("one", "two"):
        await scene.backend.add_page(page, ALL, "ann", "ann")
    await ann_fails(scene)
    listed = [each for each in await scene.backend.settled() if each.channel == SLACK and each.state == SENT]
    listed = [each for each in listed if each.recipient_account_id == "ann"]
    ids = {each.id for each in listed}
    assert len(listed) == 3
    assert {each.message_id for each in listed} <= ids
    for each in listed:
        assert not each.attempt_history
        assert not each.grouped_notification_ids
        full = await read(scene.backend, each.id)
        assert {each.id, *full.grouped_notification_ids} == ids
        assert len(full.attempt_history) == 1


async def test_metrics_of_the_ledger(scene: Scene) -> None:
    """What came of messages is counted by channel; what waits shows its age."""
    strike(scene, MAIL_PASSES["450"], user=ANN)
    await ann_fails(scene)
    await retrying(scene, EMAIL)
    scene.backend.clock.advance(timedelta(milliseconds=1))
    url = f"http://127.0.0.1:{scene.backend.app.http_port}/metrics"
    async with scene.backend.browser.get(url) as answer:
        text = await answer.text()
    values = {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line[0] != "#"}
    tried = "calguard_notification_attempts_total"
    assert values[f'{tried}{{channel="EMAIL",outcome="FAILED"}}'] == 1
    assert values[f'{tried}{{channel="SLACK",outcome="SENT"}}'] == 1
    assert values[f'{tried}{{channel="SLACK",outcome="REFUSED"}}'] == 0
    assert values['calguard_notification_oldest_unsent_seconds{channel="EMAIL"}'] > 0
    assert values['calguard_notification_oldest_unsent_seconds{channel="SLACK"}'] == 0
