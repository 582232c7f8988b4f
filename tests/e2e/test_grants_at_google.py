"""What becomes of grants at Google: those whose link ends, and those that nobody has a use for.

Revoking one of a Google account's grants ends all that the app holds of that account, so another link of the same
Google account must not be broken by it.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from cryptography.fernet import Fernet
from google.protobuf.message import Message

from calguard.v1 import account_pb2 as accounts_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard_sandbox.options import CLIENT_ID
from tests.e2e.backend import Backend
from tests.e2e.stubs import refused, told

ANN, BEN = "ann@example.com", "ben@example.com"
ACCESS_URL = "https://myaccount.google.com/connections"
CONFIRMED, UNCONFIRMED, KEPT = (
    links_pb.GRANT_REVOCATION_CONFIRMED,
    links_pb.GRANT_REVOCATION_UNCONFIRMED,
    links_pb.GRANT_REVOCATION_KEPT,
)
LINKED, STOPPED = links_pb.CALENDAR_LINK_STATE_LINKED, links_pb.CALENDAR_LINK_STATE_STOPPED
End = Callable[[Backend, links_pb.CalendarLink], Awaitable[Message]]


@pytest.fixture(autouse=True)
async def accounts(backend: Backend) -> None:
    for name in ("ann", "ben"):
        await backend.add_account(name)


def granted(backend: Backend, email: str) -> bool:
    """Whether Google still lets the app in."""
    return backend.sandbox.google.grants.live_grant(email, CLIENT_ID) is not None


async def disconnect(backend: Backend, link: links_pb.CalendarLink) -> Message:
    return await backend.disconnect(link.id)


async def delete(backend: Backend, link: links_pb.CalendarLink) -> Message:
    return await backend.links.DeleteCalendarLink(links_pb.DeleteCalendarLinkRequest(id=link.id))


async def delete_account(backend: Backend, link: links_pb.CalendarLink) -> Message:
    return await backend.accounts.DeleteAccount(accounts_pb.DeleteAccountRequest(id=link.account_id))


ENDS: list[End] = [disconnect, delete, delete_account]


@pytest.mark.parametrize("end", ENDS)
async def test_ending_a_link_ends_its_grant(backend: Backend, end: End) -> None:
    link = await backend.link("ann")
    answer = await end(backend, link)
    assert (answer.revocation, answer.third_party_access_url) == (CONFIRMED, ACCESS_URL)
    assert not granted(backend, ANN)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    "fault",
    [
        "api/500_html",
        "api/503_html",
        "api/200_html",
        "network/drop",
        "network/drop_after",
        "network/garbage",
        "token/invalid_client",
    ],
)
async def test_google_does_not_confirm(backend: Backend, end: End, fault: str) -> None:
    """Whatever Google answers, the link ends here and its tokens are forgotten; the answer says so, and where to go."""
    link = await backend.link("ann")
    backend.sandbox.fault(fault, surface="google", endpoint="revoke", times=1)
    answer = await end(backend, link)
    assert (answer.revocation, answer.third_party_access_url) == (UNCONFIRMED, ACCESS_URL)
    assert backend.rows("SELECT * FROM grants") == []
    assert not any(each.authorized or each.state != STOPPED for each in await backend.all_links())


@pytest.mark.parametrize("end", ENDS)
async def test_google_is_down(backend: Backend, end: End) -> None:
    link = await backend.link("ann")
    await backend.sandbox.set_listening("google", up=False)
    assert (await end(backend, link)).revocation == UNCONFIRMED
    assert backend.rows("SELECT * FROM grants") == []


@pytest.mark.parametrize("end", ENDS)
async def test_google_hangs(backend: Backend, end: End) -> None:
    """A revocation that hangs holds nobody else up, and ends as one that was not confirmed."""
    link = await backend.link("ann")
    backend.sandbox.fault("network/hang", surface="google", endpoint="revoke")
    asked = backend.sandbox.google_requests.last
    ending = asyncio.ensure_future(end(backend, link))
    assert await backend.sandbox.google_requests.wait(after=asked, seconds=10)
    assert (await backend.soon(backend.link("ben"))).state == LINKED
    backend.sandbox.faults.clear()
    assert (await ending).revocation == UNCONFIRMED


@pytest.mark.parametrize("end", ENDS)
async def test_google_says_that_it_is_void_already(backend: Backend, end: End) -> None:
    """A grant that the person removed at Google before is as good as revoked."""
    link = await backend.link("ann")
    assert backend.sandbox.google.revoke(ANN)
    assert (await end(backend, link)).revocation == CONFIRMED


@pytest.mark.parametrize("end", ENDS)
async def test_a_grant_that_no_key_opens_cannot_be_revoked(backend: Backend, end: End) -> None:
    """Nobody can name it to Google any more, so it is not said to be revoked."""
    link = await backend.link("ann")
    await backend.restart(token_keys=Fernet.generate_key().decode(), accept_lost_keys="true")
    assert (await end(backend, link)).revocation == UNCONFIRMED
    assert granted(backend, ANN)


@pytest.mark.parametrize("end", ENDS)
async def test_another_accounts_link_of_the_same_google_account(backend: Backend, end: End) -> None:
    """Ending one leaves the other as it was; ending the last one ends the grant."""
    mine, yours = await backend.link("ann"), await backend.link("ben", email=ANN)
    assert (await end(backend, mine)).revocation == KEPT
    assert backend.rows("SELECT link_id FROM grants") == [(yours.id,)]
    assert (await backend.check(yours.id)).state == LINKED
    assert (await end(backend, yours)).revocation == CONFIRMED
    assert not granted(backend, ANN)


async def test_all_links_of_a_google_account_end_at_once(backend: Backend) -> None:
    """One of them is the last one, so that no grant stays that nobody holds."""
    links = [await backend.link("ann")]
    for number in range(7):
        await backend.add_account(f"a{number}")
        links.append(await backend.link(f"a{number}", email=ANN))
    answers = await asyncio.gather(*(backend.disconnect(link.id) for link in links))
    assert sorted(answer.revocation for answer in answers) == [CONFIRMED] + [KEPT] * 7
    assert not granted(backend, ANN)


async def test_another_google_account_leaves_no_grant_behind(backend: Backend) -> None:
    """A refused account's fresh permission is withdrawn; the link and its own grant stay as they were."""
    link = await backend.link("ann")
    begun = await backend.begin("ann", calendar_link_id=link.id)
    refusal = await refused(backend.complete(begun.state, await backend.code(begun, BEN)))
    assert told(refusal) == ("FAILED_PRECONDITION", "PROVIDER_ACCOUNT_MISMATCH")
    assert (refusal.metadata["grant"], refusal.metadata["calendar_link_id"]) == ("CONFIRMED", link.id)
    assert not granted(backend, BEN)
    assert (await backend.check(link.id)).state == LINKED


async def test_refusing_another_google_account_does_not_break_its_own_link(backend: Backend) -> None:
    """The refused Google account is linked by somebody else: that link goes on working."""
    link, bens = await backend.link("ann"), await backend.link("ben")
    begun = await backend.begin("ann", calendar_link_id=link.id)
    refusal = await refused(backend.complete(begun.state, await backend.code(begun, BEN)))
    assert refusal.metadata["grant"] == "KEPT"
    assert (await backend.check(bens.id)).state == LINKED


async def test_refusing_an_account_that_is_linked_already_breaks_neither_link(backend: Backend) -> None:
    first, second = await backend.link("ann"), await backend.link("ann", email=BEN)
    begun = await backend.begin("ann", calendar_link_id=second.id, allow_account_change=True)
    refusal = await refused(backend.complete(begun.state, await backend.code(begun, ANN)))
    assert (refusal.metadata["grant"], refusal.metadata["calendar_link_id"]) == ("KEPT", first.id)
    for link in (first, second):
        assert (await backend.check(link.id)).state == LINKED


async def test_no_lasting_permission_is_withdrawn(backend: Backend) -> None:
    """Without a refresh token the access token ends the grant, so that the next consent begins from nothing."""
    backend.sandbox.fault("token/no_refresh_token", times=1)
    begun = await backend.begin("ann")
    refusal = await refused(backend.complete(begun.state, await backend.code(begun, ANN)))
    assert (refusal.reason, refusal.metadata["grant"]) == ("OFFLINE_ACCESS_MISSING", "CONFIRMED")
    assert not granted(backend, ANN)


async def test_a_withdrawal_that_google_does_not_confirm_is_told(backend: Backend) -> None:
    """The person is given Google's page of third-party access."""
    link = await backend.link("ann")
    begun = await backend.begin("ann", calendar_link_id=link.id)
    backend.sandbox.fault("api/503_html", endpoint="revoke", times=1)
    status, page = await backend.open_callback(await backend.consent(begun, BEN))
    assert status == 409
    assert "This is another Google account" in page
    assert f'href="{ACCESS_URL}"' in page


async def test_the_account_that_a_link_leaves_is_let_go(backend: Backend) -> None:
    """A link that changes to another Google account, as was meant, leaves no grant of the one before."""
    link = await backend.link("ann")
    moved = await backend.relink(link, email=BEN, allow_account_change=True)
    assert (moved.id, moved.state, moved.provider_email) == (link.id, LINKED, BEN)
    assert not granted(backend, ANN)
    assert (await backend.check(link.id)).state == LINKED


async def test_the_account_that_a_link_leaves_is_kept_where_another_link_rests_on_it(backend: Backend) -> None:
    link, other = await backend.link("ann"), await backend.link("ben", email=ANN)
    await backend.relink(link, email=BEN, allow_account_change=True)
    assert (await backend.check(other.id)).state == LINKED


async def test_a_grant_that_is_renewed_is_not_revoked(backend: Backend) -> None:
    """Linking the same Google account again replaces its token; revoking the former one would end both."""
    link = await backend.link("ann")
    for _ in range(3):
        assert (await backend.relink(link)).state == LINKED
    assert not any(each.endpoint == "revoke" for each in backend.sandbox.google_requests.records)
    assert len(backend.rows("SELECT * FROM grants")) == 1


async def test_a_grant_that_is_void_when_it_is_checked_is_not_stored(backend: Backend) -> None:
    """Where Google does not accept what it has just given, nothing changes."""
    link = await backend.link("ann")
    begun = await backend.begin("ann", calendar_link_id=link.id)
    code = await backend.code(begun, ANN)
    before = backend.rows("SELECT * FROM grants")
    backend.sandbox.fault("token/invalid_grant", endpoint="token.refresh_token", times=2)
    assert told(await refused(backend.complete(begun.state, code))) == ("FAILED_PRECONDITION", "GRANT_VOID")
    assert await backend.calendar_link(link.id) == link
    assert backend.rows("SELECT * FROM grants") == before
    assert (await backend.check(link.id)).state == LINKED


async def test_a_disconnect_that_its_caller_gives_up_goes_on_to_its_end(backend: Backend) -> None:
    """Google revokes, and its answer is lost: the link is disconnected, and does not seem to have failed."""
    await backend.restart(google_timeout="1s")
    link = await backend.link("ann")
    backend.sandbox.fault("network/hang_after", surface="google", endpoint="revoke", times=1)
    watcher = backend.watch(calendar_link_ids=[link.id])
    await watcher.snapshot()
    call = asyncio.ensure_future(backend.disconnect(link.id))
    while granted(backend, ANN):
        await backend.notifications()  # so that the call gets its turn
    call.cancel()
    change = await watcher.until(lambda change: change.calendar_link.state != LINKED)
    assert change.calendar_link.state == STOPPED
