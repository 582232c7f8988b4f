"""Attempts at linking that must come to nothing: each is refused, and nothing is changed by it."""

import asyncio
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from calguard.v1 import calendar_link_pb2 as links_pb
from calguard_client.refusal import Refusal
from tests.e2e.backend import Backend, running_backend
from tests.e2e.stubs import query_of, refused, told
from tests.patience import PATIENCE_SECONDS

CODE = "4/0-a-code"


@pytest.fixture(autouse=True)
async def ann(backend: Backend) -> None:
    await backend.add_account("ann")


async def declined(backend: Backend, state: str, error: str = "access_denied") -> Refusal:
    request = links_pb.CompleteCalendarLinkRequest(state=state, error=error)
    return await refused(backend.links.CompleteCalendarLink(request))


async def test_state_is_good_once(backend: Backend) -> None:
    """An attempt that was completed cannot be completed again, by the RPC or by the callback."""
    begun = await backend.begin("ann")
    url = await backend.consent(begun, "ann@example.com")
    assert (await backend.open_callback(url))[0] == 200
    [link] = await backend.all_links()
    assert (await backend.open_callback(url))[0] == 409
    refusal = await refused(backend.complete(begun.state, query_of(url)["code"]))
    assert told(refusal) == ("FAILED_PRECONDITION", "STATE_USED")
    assert await backend.all_links() == [link]
    assert (await backend.check(link.id)).state == links_pb.CALENDAR_LINK_STATE_LINKED


async def test_state_expires(backend: Backend) -> None:
    """An attempt is good for half an hour, to the second that Begin answered; a code sent later links nothing."""
    begun = await backend.begin("ann")
    await backend.pass_time(minutes=29)
    late = await backend.consent(begun, "ann@example.com")
    left = begun.expire_time.ToDatetime(backend.clock.now().tzinfo) - backend.clock.now()
    assert left.total_seconds() <= 60
    await backend.pass_time(seconds=left.total_seconds())
    assert (await backend.open_callback(late))[0] == 410
    refusal = await refused(backend.complete(begun.state, query_of(late)["code"]))
    assert told(refusal) == ("FAILED_PRECONDITION", "STATE_EXPIRED")
    assert await backend.all_links() == []


async def test_abandoned_relink_leaves_the_link_as_it_was(backend: Backend) -> None:
    """An attempt that nobody completes changes nothing; late consent is refused, and names what to begin again with."""
    link = await backend.link("ann")
    begun = await backend.begin("ann", calendar_link_id=link.id)
    await backend.pass_time(minutes=31)
    refusal = await refused(backend.complete(begun.state, await backend.code(begun, "ann@example.com")))
    assert told(refusal) == ("FAILED_PRECONDITION", "STATE_EXPIRED")
    assert "begin again" in refusal.message
    assert (refusal.metadata["account_id"], refusal.metadata["calendar_link_id"]) == ("ann", link.id)
    now = await backend.calendar_link(link.id)
    assert (now.state, now.revision, now.etag) == (link.state, link.revision, link.etag)
    assert (await backend.relink(link)).id == link.id


async def test_abandoned_attempts_are_dropped(backend: Backend) -> None:
    """A day after it has expired, nothing is left of an attempt; its state is as unknown as any other."""
    begun = await backend.begin("ann")
    await backend.pass_time(hours=24)
    assert len(backend.rows("SELECT * FROM attempts")) == 1
    async with asyncio.timeout(PATIENCE_SECONDS):
        while backend.rows("SELECT * FROM attempts"):
            await backend.pass_time(minutes=11)
    assert told(await refused(backend.complete(begun.state, CODE))) == ("INVALID_ARGUMENT", "STATE_UNKNOWN")


async def test_begun_again_after_expiry(backend: Backend) -> None:
    """Whoever took too long begins again and is linked."""
    await backend.begin("ann")
    await backend.pass_time(minutes=31)
    assert (await backend.link("ann")).state == links_pb.CALENDAR_LINK_STATE_LINKED


async def test_made_up_state(backend: Backend) -> None:
    """A state that nobody was given is refused; Google is not even asked."""
    refusal = await refused(backend.complete("made-up-state", CODE))
    assert told(refusal) == ("INVALID_ARGUMENT", "STATE_UNKNOWN")
    url = f"http://127.0.0.1:{backend.app.http_port}/oauth/callback?state=made-up-state&code=4/0abc"
    assert (await backend.open_callback(url))[0] == 404
    assert backend.sandbox.google_requests.records == []


async def test_state_of_another_server(backend: Backend, tmp_path: Path) -> None:
    """A state that another installation gave out is unknown here."""
    (tmp_path / "other").mkdir()
    async with running_backend(tmp_path / "other") as other:
        await other.add_account("ann")
        foreign = (await other.begin("ann")).state
    refusal = await refused(backend.complete(foreign, CODE))
    assert told(refusal) == ("INVALID_ARGUMENT", "STATE_UNKNOWN")


@pytest.mark.parametrize(
    "query",
    ["", "state=abc", "code=abc", "state=abc&code=x&error=y", "state=a&state=b&code=x", "state=%00&code=x"],
)
async def test_callback_of_nothing_whole(backend: Backend, query: str) -> None:
    """A callback that holds no state, or neither or both of code and error, is answered with 400, and no more."""
    url = f"http://127.0.0.1:{backend.app.http_port}/oauth/callback?{query}"
    assert (await backend.open_callback(url))[0] == 400


async def test_declined_makes_no_link(backend: Backend) -> None:
    """Whoever declines at Google has no link, and the attempt is over."""
    begun = await backend.begin("ann")
    url = await backend.sandbox.consent(begun.authorization_url, "ann@example.com", deny=True)
    assert query_of(url)["error"] == "access_denied"
    assert (await backend.open_callback(url))[0] == 403
    assert await backend.all_links() == []
    assert told(await declined(backend, begun.state)) == ("FAILED_PRECONDITION", "STATE_USED")


async def test_declined_relink_keeps_the_link(backend: Backend) -> None:
    """Declining to connect again leaves the link exactly as it was."""
    link = await backend.link("ann")
    begun = await backend.begin("ann", calendar_link_id=link.id)
    assert told(await declined(backend, begun.state)) == ("FAILED_PRECONDITION", "ACCESS_DENIED")
    assert await backend.calendar_link(link.id) == link


async def test_made_up_code(backend: Backend) -> None:
    """A code that Google never gave out is refused, and the attempt is spent."""
    begun = await backend.begin("ann")
    assert told(await refused(backend.complete(begun.state, CODE))) == ("FAILED_PRECONDITION", "CODE_REFUSED")
    assert told(await refused(backend.complete(begun.state, CODE))) == ("FAILED_PRECONDITION", "STATE_USED")
    assert await backend.all_links() == []


async def test_no_lasting_permission(backend: Backend) -> None:
    """A grant without a refresh token makes no link: it would be dead within the hour."""
    backend.sandbox.fault("token/no_refresh_token")
    begun = await backend.begin("ann")
    refusal = await refused(backend.complete(begun.state, await backend.code(begun, "ann@example.com")))
    assert told(refusal) == ("FAILED_PRECONDITION", "OFFLINE_ACCESS_MISSING")
    assert await backend.all_links() == []


async def test_google_down_at_the_exchange(backend: Backend) -> None:
    """Where Google cannot be asked, the answer is UNAVAILABLE with the cause, and no link is made."""
    backend.sandbox.fault("token/503_html")
    begun = await backend.begin("ann")
    refusal = await refused(backend.complete(begun.state, await backend.code(begun, "ann@example.com")))
    assert told(refusal) == ("UNAVAILABLE", "PROVIDER_UNREACHABLE")
    assert refusal.metadata["cause"] == "PROVIDER_UNAVAILABLE"
    assert await backend.all_links() == []


async def test_link_of_another_account(backend: Backend) -> None:
    """An attempt cannot name another account's link, nor one that does not exist, nor an unknown account."""
    link = await backend.link("ann")
    await backend.add_account("ben")
    refusal = await refused(backend.begin("ben", calendar_link_id=link.id))
    assert told(refusal) == ("FAILED_PRECONDITION", "CALENDAR_LINK_OF_ANOTHER_ACCOUNT")
    refusal = await refused(backend.begin("ben", calendar_link_id="nobodys"))
    assert told(refusal) == ("NOT_FOUND", "CALENDAR_LINK_NOT_FOUND")
    assert told(await refused(backend.begin("nobody"))) == ("NOT_FOUND", "ACCOUNT_NOT_FOUND")


async def test_account_deleted_meanwhile(backend: Backend) -> None:
    """An attempt whose account was deleted meanwhile makes no link."""
    begun = await backend.begin("ann")
    code = await backend.code(begun, "ann@example.com")
    await backend.delete_account("ann")
    assert told(await refused(backend.complete(begun.state, code))) == ("NOT_FOUND", "ACCOUNT_NOT_FOUND")
    assert await backend.all_links() == []


async def test_attempt_survives_a_restart(backend: Backend) -> None:
    """An attempt that was begun before the server was restarted is completed after it."""
    begun = await backend.begin("ann", redirect_uri="http://127.0.0.1:9999/back")
    code = await backend.code(begun, "ann@example.com")
    await backend.restart()
    assert (await backend.complete(begun.state, code)).state == links_pb.CALENDAR_LINK_STATE_LINKED


async def test_attempt_that_no_key_opens(backend: Backend) -> None:
    """An attempt sealed with a key that was taken away meanwhile is refused; the server goes on working."""
    begun = await backend.begin("ann", redirect_uri="http://127.0.0.1:9999/back")
    code = await backend.code(begun, "ann@example.com")
    await backend.restart(token_keys=Fernet.generate_key().decode())
    refusal = await refused(backend.soon(backend.complete(begun.state, code)))
    assert refusal.code.name in ("FAILED_PRECONDITION", "INVALID_ARGUMENT")
    await backend.soon(backend.add_account("ben"))


async def test_grant_that_no_key_opens(backend: Backend) -> None:
    """A link whose grant no key opens any more fails as AUTHORIZATION_INCOMPLETE, and connecting again mends it."""
    link = await backend.link("ann")
    await backend.restart(token_keys=Fernet.generate_key().decode(), accept_lost_keys="true")
    failed = await backend.check(link.id)
    assert failed.state == links_pb.CALENDAR_LINK_STATE_FAILED
    assert (await backend.relink(link)).state == links_pb.CALENDAR_LINK_STATE_LINKED
