"""Webhooks as a receiver sees them that follows the Standard Webhooks specification, by its own library."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from calguard_server.domain.account import Locale
from calguard_server.domain.delivery import Outcome
from calguard_server.domain.notices import NoticeKind
from calguard_server.domain.secret import Secret
from calguard_server.notifiers.message import Address, NoticeMessage
from calguard_server.notifiers.webhook import WebhookNotifier
from calguard_server.notifiers.webhook_body import body_of
from calguard_server.notifiers.webhook_session import SessionOptions, open_session
from calguard_server.wiring.world import SystemClock
from tests.contract.webhook_channel import SECRET
from tests.fakes.https_receiver import Answer, HttpsReceiver, Received, certificate_file, https_receiver
from tests.unit.notice_messages import (
    NOW,
    make_alert,
    make_appointment,
    make_fault,
    make_message,
    make_page,
    make_pages,
)

OTHER = "whsec_YW5vdGhlci1zZWNyZXQtb2YtdHdlbnR5LWZvdXIh"
DOCUMENT = Path(__file__).parents[2] / "docs" / "webhooks.md"


class ShiftedClock(SystemClock):
    """The real time, as a library asks for it, some way off."""

    def __init__(self, by: timedelta = timedelta()) -> None:
        self._by = by

    def now(self) -> datetime:
        return super().now() + self._by


@pytest.fixture
async def receiver() -> AsyncIterator[HttpsReceiver]:
    async with https_receiver() as receiver:
        yield receiver


async def post(
    receiver: HttpsReceiver,
    folder: Path,
    message: NoticeMessage | None = None,
    by: timedelta = timedelta(),
    **options: bool,
) -> Outcome:
    """Send a message; `options` are the session's."""
    chosen = {"allow_private": True, "ca_file": str(certificate_file(folder))} | options
    async with open_session(SessionOptions(**chosen)) as session:
        address = Address(webhook_url=receiver.url, webhook_secret=Secret(SECRET))
        return await WebhookNotifier(session, ShiftedClock(by)).send(message or make_message(), address)


def verify(request: Received, secret: str = SECRET, **changed: str) -> object:
    return Webhook(secret).verify(changed.get("body", request.body), request.headers | changed)


async def test_what_arrives_verifies(receiver: HttpsReceiver, tmp_path: Path) -> None:
    """With the secret, and by the library that receivers use; the body is what was signed."""
    assert (await post(receiver, tmp_path)).sent
    [request] = receiver.received
    assert verify(request) == json.loads(body_of(make_message()))
    assert request.headers["content-type"] == "application/json"


async def test_nothing_else_verifies(receiver: HttpsReceiver, tmp_path: Path) -> None:
    """Not another secret, body, id or time, nor no signature."""
    await post(receiver, tmp_path)
    [request] = receiver.received
    later = str(int(request.headers["webhook-timestamp"]) + 1)
    for changed in (
        {"secret": OTHER},
        {"body": request.body.replace("Demo", "demo")},
        {"webhook-id": "message-2"},
        {"webhook-timestamp": later},
        {"webhook-signature": ""},
    ):
        with pytest.raises(WebhookVerificationError):
            verify(request, **changed)


@pytest.mark.parametrize(("minutes", "complaint"), [(-6, "too old"), (6, "too new")])
async def test_what_is_outside_the_replay_window_is_refused(
    receiver: HttpsReceiver, tmp_path: Path, minutes: int, complaint: str
) -> None:
    """Five minutes either way: what somebody kept and sends again later is refused, however well it is signed."""
    await post(receiver, tmp_path, by=timedelta(minutes=minutes))
    [request] = receiver.received
    with pytest.raises(WebhookVerificationError, match=complaint):
        verify(request)


async def test_a_later_try_is_signed_for_its_own_time(receiver: HttpsReceiver, tmp_path: Path) -> None:
    """The id is the same: by it a receiver drops what it had."""
    receiver.behaviour = Answer(503)
    await post(receiver, tmp_path, by=timedelta(minutes=-10))
    receiver.behaviour = Answer()
    await post(receiver, tmp_path)
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == "message-1"
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]
    assert verify(second)


async def test_a_redirect_is_not_followed(receiver: HttpsReceiver, tmp_path: Path) -> None:
    """Not even to where it came from."""
    receiver.behaviour = Answer(307, (f"Location: {receiver.url}",))
    assert (await post(receiver, tmp_path)).permanent
    assert receiver.connections == 1


async def test_a_private_address_is_not_even_connected_to(receiver: HttpsReceiver, tmp_path: Path) -> None:
    """Whether the URL has it as a number or as a name."""
    outcomes = [await post(receiver, tmp_path, allow_private=False)]
    async with open_session(SessionOptions()) as session:
        for host in ("localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f.0.0.1", "[64:ff9b::127.0.0.1]"):
            address = Address(webhook_url=f"https://{host}:{receiver.port}/", webhook_secret=Secret(SECRET))
            outcomes.append(await WebhookNotifier(session, ShiftedClock()).send(make_message(), address))
    assert {(each.permanent, each.doubtful, each.detail.partition(":")[0]) for each in outcomes} == {
        (True, False, "ADDRESS_REFUSED")
    }
    assert receiver.connections == 0


@pytest.mark.parametrize(
    ("url", "permanent", "code"),
    [
        ("https://127.1/", True, "URL_UNUSABLE"),
        ("https://2130706433/", True, "URL_UNUSABLE"),
        (f"https://{'a' * 64}.example/", True, "URL_UNUSABLE"),
        ("https://nobody.invalid/", False, "NAME_UNKNOWN"),
    ],
)
async def test_a_host_that_cannot_be_found(url: str, *, permanent: bool, code: str) -> None:
    """A name may be mended; what is no name is not tried again."""
    async with open_session(SessionOptions(allow_private=True)) as session:
        address = Address(webhook_url=url, webhook_secret=Secret(SECRET))
        outcome = await WebhookNotifier(session, ShiftedClock()).send(make_message(), address)
    assert (outcome.permanent, outcome.doubtful, outcome.detail.partition(":")[0]) == (permanent, False, code)


async def test_names_wait_for_nobody_elses(receiver: HttpsReceiver, tmp_path: Path) -> None:
    """They are looked up while the threads that all others share are busy, and so never keep those busy."""
    gate, shared = threading.Event(), ThreadPoolExecutor(1)
    asyncio.get_running_loop().set_default_executor(shared)
    busy = asyncio.get_running_loop().run_in_executor(None, gate.wait)
    async with open_session(SessionOptions(allow_private=True, ca_file=str(certificate_file(tmp_path)))) as session:
        url = f"https://localhost:{receiver.port}/"
        address = Address(webhook_url=url, webhook_secret=Secret(SECRET))
        outcome = await WebhookNotifier(session, ShiftedClock()).send(make_message(), address)
    gate.set()
    assert await busy
    assert outcome == Outcome(sent=True, detail="HTTP 200", address=url)


async def test_a_secret_that_no_key_opens_is_the_operators(receiver: HttpsReceiver) -> None:
    """It is tried again, and nothing goes out unsigned."""
    async with open_session(SessionOptions(allow_private=True)) as session:
        outcome = await WebhookNotifier(session, ShiftedClock()).send(make_message(), Address(webhook_url=receiver.url))
    assert (outcome.sent, outcome.permanent, outcome.detail.partition(":")[0]) == (False, False, "SECRET_UNREADABLE")
    assert receiver.connections == 0


@pytest.mark.parametrize("kind", list(NoticeKind))
def test_the_type_names_the_kind(kind: NoticeKind) -> None:
    """And the time is when it was decided, whenever it is sent."""
    body = json.loads(body_of(make_message(kind)))
    assert (body["type"], body["version"]) == (f"notice.{kind.value.lower()}", 1)
    assert body["timestamp"] == "2026-03-02T09:00:00Z"
    assert ("alert" in body["data"]) is (kind is NoticeKind.OPERATOR_ALERT)


def test_texts_are_in_the_recipients_language() -> None:
    """What programs go by is not."""
    english, japanese = (json.loads(body_of(make_message(locale=locale)))["data"] for locale in Locale)
    assert english["faults"][0]["reason"] == japanese["faults"][0]["reason"] == "AUTHORIZATION_REVOKED"
    assert english["faults"][0]["problem"] != japanese["faults"][0]["problem"]
    assert (english["locale"], japanese["locale"]) == ("en", "ja")


def test_long_lists_are_cut_and_counted() -> None:
    """A body stays of a size that receivers take."""
    faults = tuple(make_fault(account_id=f"account-{number}") for number in range(150))
    body = body_of(make_message(pages=make_pages(130), faults=faults))
    data = json.loads(body)["data"]
    assert (len(data["booking_pages"]), data["booking_pages_left_out"]) == (100, 30)
    assert (len(data["faults"]), data["faults_left_out"]) == (100, 50)
    assert len(body.encode()) < 256 * 1024


def test_what_is_in_an_appointments_way_is_told_by_its_times() -> None:
    times = tuple((NOW + timedelta(minutes=each), NOW + timedelta(minutes=each + 1)) for each in range(0, 24, 2))
    appointments = tuple(make_appointment(id=f"appointment-{each}", conflicts=times) for each in range(100))
    body = body_of(make_message(NoticeKind.APPOINTMENT_CONFLICT, appointments=appointments))
    first = json.loads(body)["data"]["appointments"][0]
    assert first["conflicts"][1] == {"start_time": "2026-03-02T09:02:00Z", "end_time": "2026-03-02T09:03:00Z"}
    assert (len(first["conflicts"]), first["conflicts_left_out"]) == (10, 2)
    assert len(body.encode()) < 256 * 1024


def test_an_alert_says_what_the_operator_is_told() -> None:
    """No setting sends one by webhook, and still nothing of it is lost."""
    message = make_message(NoticeKind.OPERATOR_ALERT, alert=make_alert(detail="acme: token_revoked"))
    alert = json.loads(body_of(message))["data"]["alert"]
    assert (alert["reason"], alert["count"], alert["detail"]) == ("APP_MISCONFIGURED", 12, "acme: token_revoked")


async def test_the_documents_receiver_takes_each_notice_once(receiver: HttpsReceiver, tmp_path: Path) -> None:
    """And nothing that is not signed for it."""
    [program] = [part.partition("```")[0] for part in DOCUMENT.read_text().split("```python\n")[1:]]
    names: dict[str, Any] = {}
    exec(program, names)
    await post(receiver, tmp_path)
    [request] = receiver.received
    body = request.body.encode()
    assert names["receive"](OTHER, request.headers, body) == (401, None)
    assert names["receive"](SECRET, request.headers, body) == (200, json.loads(body))
    assert names["receive"](SECRET, request.headers, body) == (200, None)


def test_the_documents_example_is_what_is_sent() -> None:
    """All of it, to the letter of each text."""
    [example] = [part.partition("```")[0] for part in DOCUMENT.read_text().split("```json\n")[1:]]
    page = make_page(title="Sales calls", stopped_since=NOW)
    sent = json.loads(body_of(make_message(pages=(page,), faults=(make_fault(calendar_id="sales@group.example"),))))
    assert json.loads(example) == sent
