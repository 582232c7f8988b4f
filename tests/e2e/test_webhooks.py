"""Signed webhooks, from a page that stops to the receiver that verifies, and those that nobody takes."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from cryptography.fernet import Fernet

from calguard.v1 import account_pb2 as accounts_pb
from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import notification_pb2 as notices_pb
from tests.e2e.backend import OPERATOR, Backend, running_backend
from tests.fakes.https_receiver import Answer, HttpsReceiver, Received, certificate_file, https_receiver

WEBHOOK = notices_pb.NOTIFICATION_CHANNEL_WEBHOOK
SECRET = "whsec_Y2FuYXJ5LXNpZ25pbmctc2VjcmV0LW9mLWFubg=="
ANOTHER = "whsec_YW5vdGhlci1zZWNyZXQtb2YtdHdlbnR5LWZvdXIh"
RETRYING, DEAD = notices_pb.NOTIFICATION_STATE_RETRYING, notices_pb.NOTIFICATION_STATE_DEAD


ALERT = notices_pb.NOTIFICATION_KIND_OPERATOR_ALERT


@dataclass
class Scene:
    """Ann owns a page and is its only member; she is told by webhook and no other way."""

    backend: Backend
    receiver: HttpsReceiver
    link: links_pb.CalendarLink

    def got(self) -> list[Received]:
        return self.receiver.received

    async def webhooks(self) -> list[notices_pb.Notification]:
        """What was sent by webhook, newest first, once all is settled."""
        return [notice for notice in await self.backend.settled() if notice.channel == WEBHOOK]


@asynccontextmanager
async def a_scene(folder: Path, url: str = "", **overrides: str) -> AsyncIterator[Scene]:
    allowing = {"webhook_ca_file": str(certificate_file(folder)), "webhook_allow_private_addresses": "true"}
    async with https_receiver() as receiver, running_backend(folder, **allowing | overrides) as backend:
        webhook = accounts_pb.Webhook(url=url.format(port=receiver.port) or receiver.url, secret=SECRET)
        await backend.add_account("ann", email="", webhook=webhook)
        link = await backend.link("ann")
        await backend.add_page("intro", pages_pb.SCHEDULING_MODE_ALL_MEMBERS, "ann", "ann", title="Intro")
        yield Scene(backend, receiver, link)


def verifies(request: Received, body: str = "", secret: str = SECRET) -> bool:
    """Whether it is signed as the specification has it."""
    headers = request.headers
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body or request.body}"
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.digest(key, signed.encode(), hashlib.sha256)).decode()
    return hmac.compare_digest(headers["webhook-signature"], f"v1,{expected}")


async def change(backend: Backend, **webhook: str) -> accounts_pb.Account:
    request = accounts_pb.UpdateAccountRequest(account={"id": "ann", "webhook": webhook})
    request.update_mask.paths.append("webhook")
    return (await backend.accounts.UpdateAccount(request)).account


async def read(backend: Backend) -> accounts_pb.Account:
    return (await backend.accounts.GetAccount(accounts_pb.GetAccountRequest(id="ann"))).account


async def test_a_stop_and_its_end_arrive_signed(tmp_path: Path) -> None:
    """Once each; what was changed on the way does not verify, and the ledger shows the URL without its query."""
    async with a_scene(tmp_path) as scene:
        await scene.backend.break_link(scene.link)
        [sent] = await scene.webhooks()
        [stop] = scene.got()
        assert verifies(stop)
        assert not verifies(stop, body=stop.body.replace("Intro", "intro"))
        assert not verifies(stop, secret=ANOTHER)
        said = json.loads(stop.body)
        assert said["type"] == "notice.page_stopped"
        assert [page["title"] for page in said["data"]["booking_pages"]] == ["Intro"]
        assert [fault["reason"] for fault in said["data"]["faults"]] == ["AUTHORIZATION_REVOKED"]
        assert said["data"]["message_id"] == sent.id
        assert (sent.state, sent.address) == (
            notices_pb.NOTIFICATION_STATE_SENT,
            scene.receiver.url.partition("?")[0],
        )
        await scene.backend.relink(scene.link)
        await scene.webhooks()
        assert [json.loads(each.body)["type"] for each in scene.got()] == [
            "notice.page_stopped",
            "notice.page_restarted",
        ]
        assert all(verifies(each) for each in scene.got())


async def test_a_receiver_that_was_away_gets_it_once_with_the_same_id(tmp_path: Path) -> None:
    """After as long as it asked to wait, signed for the time of that try."""
    async with a_scene(tmp_path) as scene:
        scene.receiver.behaviour = Answer(503, ("Retry-After: 3600",))
        await scene.backend.break_link(scene.link)

        def waits(notices: list[notices_pb.Notification]) -> bool:
            return any(notice.state == RETRYING for notice in notices)

        [waiting] = [each for each in await scene.backend.until(waits) if each.channel == WEBHOOK]
        assert waiting.last_error == "HTTP 503"
        scene.receiver.behaviour = Answer()
        await scene.webhooks()
        refused, taken = scene.got()
        assert refused.headers["webhook-id"] == taken.headers["webhook-id"]
        between = int(taken.headers["webhook-timestamp"]) - int(refused.headers["webhook-timestamp"])
        assert between >= timedelta(hours=1).total_seconds()
        assert verifies(taken)


@pytest.mark.parametrize("url", ["https://localhost:{port}/", "https://127.0.0.1:{port}/", "https://[::1]:{port}/"])
async def test_a_url_that_leads_to_this_machine_is_dead(tmp_path: Path, url: str) -> None:
    """Nothing is connected to; the reason is named, and the operator is alerted."""
    async with a_scene(tmp_path, url, webhook_allow_private_addresses="false") as scene:
        await scene.backend.break_link(scene.link)
        [dead] = await scene.webhooks()
        assert (dead.state, dead.attempts) == (DEAD, 1)
        assert dead.last_error.startswith("ADDRESS_REFUSED: ")
        assert scene.receiver.connections == 0
        await scene.backend.until(lambda notices: any(notice.kind == ALERT for notice in notices))
        subject = "Operator alert: DELIVERY_DEAD_WEBHOOK"
        assert await scene.backend.heard_since_settled() == [("EMAIL", OPERATOR, subject), ("SLACK", "ops", subject)]


async def test_the_secret_is_nowhere_to_be_read(tmp_path: Path) -> None:
    """Not in an answer, a repeated one, the ledger, or the database."""
    async with a_scene(tmp_path) as scene:
        backend = scene.backend
        request_id = "8f14e45f-ceea-4672-a1d4-0c1b2a3f4d5e"
        request = accounts_pb.UpdateAccountRequest(account={"id": "ann"}, request_id=request_id)
        request.account.webhook.CopyFrom(accounts_pb.Webhook(url=scene.receiver.url, secret=ANOTHER))
        request.update_mask.paths.append("webhook")
        answers = [await backend.accounts.UpdateAccount(request) for _ in range(2)]
        await backend.break_link(scene.link)
        shown = repr([*answers, await read(backend), await scene.webhooks()])
        assert answers[0] == answers[1]
        assert answers[0].account.webhook == accounts_pb.Webhook(url=scene.receiver.url, secret_set=True)
        assert verifies(scene.got()[0], secret=ANOTHER)
        database = backend.database
        held = b"".join(each.read_bytes() for each in database.parent.glob(f"{database.name}*"))
        for secret in (SECRET, ANOTHER, SECRET.removeprefix("whsec_"), ANOTHER.removeprefix("whsec_")):
            assert secret not in shown
            assert secret.encode() not in held


async def test_a_url_changes_with_its_secret(tmp_path: Path) -> None:
    """What was read can be written back; a new secret is a new etag, and signs from then on."""
    async with a_scene(tmp_path) as scene:
        backend, url = scene.backend, scene.receiver.url
        before = await read(backend)
        assert (await change(backend, url=url)).etag == before.etag
        for other in (f"{url}x", "https://127.0.0.1/"):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await change(backend, url=other)
            assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert "account.webhook.secret" in str(refused.value.details())
        assert await read(backend) == before
        assert (await change(backend, url=url, secret=ANOTHER)).etag != before.etag
        await backend.break_link(scene.link)
        await scene.webhooks()
        [stop] = scene.got()
        assert (verifies(stop), verifies(stop, secret=ANOTHER)) == (False, True)


async def test_taking_the_url_away_ends_webhooks_and_forgets_the_secret(tmp_path: Path) -> None:
    """So does deleting the account; a URL that comes back needs a secret."""
    async with a_scene(tmp_path) as scene:
        backend = scene.backend
        assert not (await change(backend)).HasField("webhook")
        assert backend.rows("SELECT * FROM webhook_secrets") == []
        await backend.break_link(scene.link)
        assert await scene.webhooks() == []
        with pytest.raises(grpc.aio.AioRpcError, match=r"account\.webhook\.secret"):
            await change(backend, url=scene.receiver.url)
        await backend.add_account("ben", webhook=accounts_pb.Webhook(url=scene.receiver.url, secret=SECRET))
        assert len(backend.rows("SELECT * FROM webhook_secrets")) == 1
        await backend.accounts.DeleteAccount(accounts_pb.DeleteAccountRequest(id="ben"))
        assert backend.rows("SELECT * FROM webhook_secrets") == []


async def test_what_no_key_opens_waits_for_the_key(tmp_path: Path) -> None:
    """Nothing goes out unsigned; once the key is back, beside the new one, it is signed as it should have been."""
    async with a_scene(tmp_path) as scene:
        backend, key = scene.backend, scene.backend.overrides["token_keys"]
        other = Fernet.generate_key().decode()
        await backend.restart(token_keys=other, accept_lost_keys="true")
        await backend.check(scene.link.id)
        await backend.until(lambda notices: any(notice.state == RETRYING for notice in notices))
        [waiting] = [notice for notice in await backend.notifications() if notice.channel == WEBHOOK]
        assert waiting.last_error.startswith("SECRET_UNREADABLE: ")
        assert scene.got() == []
        await backend.restart(token_keys=f"{other},{key}")
        await scene.webhooks()
        assert verifies(scene.got()[0])
