"""Linking a Google account through real OAuth: what comes of it, by the callback and by the RPC."""

import asyncio
import base64
import hashlib

import pytest

from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import cause_pb2
from calguard_sandbox.options import CLIENT_ID
from tests.e2e.backend import Backend
from tests.e2e.oauth_scopes import ADD, CHECK, LIST
from tests.e2e.stubs import ALL, query_of, refused, told

LINKED, DEGRADED, FAILED, STOPPED = (
    links_pb.CALENDAR_LINK_STATE_LINKED,
    links_pb.CALENDAR_LINK_STATE_DEGRADED,
    links_pb.CALENDAR_LINK_STATE_FAILED,
    links_pb.CALENDAR_LINK_STATE_STOPPED,
)
SCOPE_MISSING = cause_pb2.CAUSE_REASON_SCOPE_MISSING


@pytest.fixture(autouse=True)
async def ann(backend: Backend) -> None:
    await backend.add_account("ann")


async def test_callback_links(backend: Backend) -> None:
    """Whoever approves in the browser has a LINKED link, with the primary calendar selected where that was wished."""
    begun = await backend.begin("ann")
    status, page = await backend.open_callback(await backend.consent(begun, "ann@example.com"))
    [link] = await backend.all_links()
    assert (status, link.state, link.authorized) == (200, LINKED, True)
    assert link.provider_email == "ann@example.com"
    assert (list(link.check_calendar_ids), link.add_calendar_id) == (["ann@example.com"], "ann@example.com")
    assert link.next_action == links_pb.NEXT_ACTION_NONE
    assert not link.HasField("cause")
    assert "ann@example.com" in page
    assert begun.state not in page


async def test_complete_links(backend: Backend) -> None:
    """CompleteCalendarLink does what the callback does, and answers the link as it then stands."""
    begun = await backend.begin("ann")
    link = await backend.complete(begun.state, await backend.code(begun, "ann@example.com"))
    assert link.state == LINKED
    assert await backend.calendar_link(link.id) == link


async def test_consent_page_is_asked_for_a_lasting_grant_under_pkce(backend: Backend) -> None:
    """The address holds an S256 challenge whose verifier is nowhere in it; the sandbox verifies it at the exchange."""
    begun = await backend.begin("ann", login_hint="ann@example.com")
    query = query_of(begun.authorization_url)
    assert query["code_challenge_method"] == "S256"
    assert len(base64.urlsafe_b64decode(query["code_challenge"] + "=")) == hashlib.sha256().digest_size
    assert "code_verifier" not in query
    assert (query["state"], query["login_hint"]) == (begun.state, "ann@example.com")
    assert (query["access_type"], query["prompt"]) == ("offline", "consent")
    assert query["redirect_uri"] == f"http://127.0.0.1:{backend.app.http_port}/oauth/callback"


async def test_code_of_another_attempt_is_refused(backend: Backend) -> None:
    """PKCE: a code that was given for one attempt is worth nothing in another, so a stolen one links nothing."""
    stolen = await backend.code(await backend.begin("ann"), "ben@example.com")
    mine = await backend.begin("ann")
    refusal = await refused(backend.complete(mine.state, stolen))
    assert told(refusal) == ("FAILED_PRECONDITION", "CODE_REFUSED")
    assert await backend.all_links() == []


async def test_no_selection_is_degraded(backend: Backend) -> None:
    """Without a selection the link is connected, DEGRADED, and says that calendars are to be selected."""
    link = await backend.link("ann", select_primary=False)
    assert (link.state, link.authorized) == (DEGRADED, True)
    assert link.cause.reason == cause_pb2.CAUSE_REASON_SELECTION_MISSING
    assert link.next_action == links_pb.NEXT_ACTION_SELECT_CALENDARS
    assert (list(link.check_calendar_ids), link.add_calendar_id) == ([], "")


@pytest.mark.parametrize(
    ("ticked", "state", "capability"),
    [
        ((CHECK, ADD), FAILED, cause_pb2.CAPABILITY_LIST),
        ((LIST, ADD), FAILED, cause_pb2.CAPABILITY_CHECK),
        ((LIST, CHECK), DEGRADED, cause_pb2.CAPABILITY_ADD),
        ((), FAILED, cause_pb2.CAPABILITY_LIST),
    ],
)
async def test_box_not_ticked(
    backend: Backend,
    ticked: tuple[str, ...],
    state: links_pb.CalendarLinkState.ValueType,
    capability: cause_pb2.Capability.ValueType,
) -> None:
    """A box that is not ticked is SCOPE_MISSING and names the capability: FAILED, but DEGRADED where only adding is."""
    link = await backend.link("ann", scopes=ticked)
    assert (link.state, link.cause.reason, link.cause.capability) == (state, SCOPE_MISSING, capability)
    assert link.next_action == links_pb.NEXT_ACTION_RECONNECT
    assert "EVERY checkbox" in link.cause.remedy
    assert link.authorized == (state == DEGRADED)


async def test_ticking_every_box_at_last_mends_it(backend: Backend) -> None:
    """Connecting again with every box ticked makes a link of half a consent a whole one."""
    half = await backend.link("ann", scopes=(LIST, ADD))
    whole = await backend.relink(half)
    assert (whole.id, whole.state) == (half.id, LINKED)


async def test_box_taken_back_later(backend: Backend) -> None:
    """A permission that the grant loses later fails the link at the next check."""
    link = await backend.link("ann")
    backend.sandbox.google.drop_scopes("ann@example.com", [CHECK])
    checked = await backend.check(link.id)
    assert (checked.state, checked.cause.reason) == (FAILED, SCOPE_MISSING)


async def test_passing_trouble_degrades_and_then_fails(backend: Backend) -> None:
    """What may pass by itself degrades; it fails the link after 3 checks in a row AND 10 minutes, not before both."""
    link = await backend.link("ann")
    backend.sandbox.fault("api/backendError")
    for _ in range(4):
        assert (await backend.check(link.id)).state == DEGRADED
    await backend.pass_time(minutes=11)
    failed = await backend.check(link.id)
    assert (failed.state, failed.cause.reason) == (FAILED, cause_pb2.CAUSE_REASON_PROVIDER_UNAVAILABLE)
    assert failed.authorized
    backend.sandbox.faults.clear()
    assert (await backend.check(link.id)).state == LINKED


async def test_revoked_is_found_by_the_check_that_is_due(backend: Backend) -> None:
    """A grant that is revoked at Google fails the link at its next check, which nobody has to ask for."""
    link = await backend.link("ann")
    watcher = backend.watch()
    await watcher.snapshot()
    backend.sandbox.google.revoke("ann@example.com")
    backend.clock.advance(backend.check_interval_at_most)
    await backend.ticking(watcher.until(lambda change: change.calendar_link.state == FAILED))
    failed = await backend.calendar_link(link.id)
    assert failed.cause.reason == cause_pb2.CAUSE_REASON_AUTHORIZATION_REVOKED
    assert (failed.authorized, failed.next_action) == (False, links_pb.NEXT_ACTION_RECONNECT)
    watcher.cancel()


async def test_check_that_its_caller_gave_up(backend: Backend) -> None:
    """A check that hangs at Google, and whose caller went away, does not hold up the next one."""
    link = await backend.link("ann")
    backend.sandbox.fault("network/hang", surface="google", endpoint="freebusy", times=1)
    asked = backend.sandbox.google_requests.last
    given_up = asyncio.ensure_future(backend.check(link.id))
    assert await backend.sandbox.google_requests.wait(after=asked, seconds=10)
    given_up.cancel()
    assert (await backend.soon(backend.check(link.id))).state == LINKED


async def test_stopped_while_a_check_hangs(backend: Backend) -> None:
    """A server that is stopped while Google does not answer ends after its drain_timeout; the link is as it was."""
    link = await backend.link("ann")
    backend.sandbox.fault("network/hang", surface="google", endpoint="freebusy")
    asked = backend.sandbox.google_requests.last
    hanging = asyncio.ensure_future(refused(backend.check(link.id)))
    assert await backend.sandbox.google_requests.wait(after=asked, seconds=10)
    await backend.soon(backend.app.stop())
    assert (await hanging).code.name in ("CANCELLED", "UNAVAILABLE")
    backend.sandbox.faults.clear()
    await backend.restart()
    assert await backend.calendar_link(link.id) == link


async def test_relinked_in_place(backend: Backend) -> None:
    """Connecting again keeps the link's id and its selection, and the pages that were stopped go on."""
    link = await backend.link("ann")
    chosen = await backend.select(link.id, ["team@group.calendar.google.com"], "ann@example.com")
    await backend.add_page("page", ALL, "ann", "ann")
    assert (await backend.break_link(link)).state == FAILED
    assert not (await backend.page("page")).accepting
    again = await backend.relink(link)
    assert (again.id, again.state, again.etag) == (link.id, LINKED, chosen.etag)
    assert list(again.check_calendar_ids) == ["team@group.calendar.google.com"]
    assert again.add_calendar_id == "ann@example.com"
    assert (await backend.page("page")).accepting
    assert len(await backend.all_links()) == 1


async def test_consent_page_suggests_the_linked_account(backend: Backend) -> None:
    """Connecting again suggests the Google account that the link is of."""
    link = await backend.link("ann")
    begun = await backend.begin("ann", calendar_link_id=link.id)
    assert query_of(begun.authorization_url)["login_hint"] == "ann@example.com"


async def test_relink_by_another_google_account_is_refused(backend: Backend) -> None:
    """Another Google account is refused, and the link stays as it was, its grant too."""
    link = await backend.link("ann")
    begun = await backend.begin("ann", calendar_link_id=link.id)
    refusal = await refused(backend.complete(begun.state, await backend.code(begun, "ben@example.com")))
    assert told(refusal) == ("FAILED_PRECONDITION", "PROVIDER_ACCOUNT_MISMATCH")
    assert await backend.calendar_link(link.id) == link
    assert (await backend.check(link.id)).state == LINKED


async def test_relink_by_another_google_account_that_is_meant(backend: Backend) -> None:
    """With allow_account_change the link becomes the other account's; the selection, being the old one's, is gone."""
    link = await backend.link("ann")
    moved = await backend.relink(link, email="ben@example.com", allow_account_change=True, select_primary=False)
    assert (moved.id, moved.provider_email) == (link.id, "ben@example.com")
    assert (list(moved.check_calendar_ids), moved.add_calendar_id) == ([], "")
    assert (moved.state, moved.cause.reason) == (DEGRADED, cause_pb2.CAUSE_REASON_SELECTION_MISSING)
    assert moved.etag != link.etag


async def test_same_google_account_linked_twice_is_one_link(backend: Backend) -> None:
    """Linking a Google account that the account has linked already is linking it again in place."""
    first = await backend.link("ann")
    second = await backend.link("ann")
    assert second.id == first.id
    assert len(await backend.all_links("ann")) == 1


async def test_relink_by_an_account_that_another_link_has(backend: Backend) -> None:
    """A link cannot become a second link of a Google account that is linked already: the refusal names the first."""
    first = await backend.link("ann")
    second = await backend.link("ann", email="ben@example.com")
    begun = await backend.begin("ann", calendar_link_id=second.id, allow_account_change=True)
    refusal = await refused(backend.complete(begun.state, await backend.code(begun, "ann@example.com")))
    assert told(refusal) == ("ALREADY_EXISTS", "PROVIDER_ACCOUNT_LINKED")
    assert refusal.metadata["calendar_link_id"] == first.id
    assert await backend.calendar_link(second.id) == second


async def test_two_accounts_may_link_the_same_google_account(backend: Backend) -> None:
    """A Google account that another account has linked makes a link of its own."""
    await backend.add_account("ben")
    mine, yours = await backend.link("ann"), await backend.link("ben", email="ann@example.com")
    assert mine.id != yours.id
    assert (mine.state, yours.state) == (LINKED, LINKED)


async def test_disconnect(backend: Backend) -> None:
    """Disconnecting ends the grant at Google, forgets the tokens, and says where else access can be taken away."""
    link = await backend.link("ann")
    answer = await backend.disconnect(link.id)
    assert answer.revoked_at_provider
    assert answer.third_party_access_url == "https://myaccount.google.com/connections"
    stopped = answer.calendar_link
    assert (stopped.state, stopped.authorized, list(stopped.granted_scopes)) == (STOPPED, False, [])
    assert stopped.next_action == links_pb.NEXT_ACTION_CONNECT
    assert not stopped.HasField("next_check_time")
    assert backend.sandbox.google.grants.live_grant("ann@example.com", CLIENT_ID) is None
    assert backend.rows("SELECT * FROM grants") == []


async def test_disconnected_link_takes_no_calls(backend: Backend) -> None:
    """A disconnected link cannot be disconnected, checked, listed or selected on; nothing of it changes."""
    link = await backend.link("ann")
    stopped = (await backend.disconnect(link.id)).calendar_link
    assert told(await refused(backend.disconnect(link.id))) == ("FAILED_PRECONDITION", "ILLEGAL_TRANSITION")
    assert told(await refused(backend.check(link.id))) == ("FAILED_PRECONDITION", "CALENDAR_LINK_STOPPED")
    assert told(await refused(backend.calendars(link.id)))[0] == "FAILED_PRECONDITION"
    assert told(await refused(backend.select(link.id, [], ""))) == ("FAILED_PRECONDITION", "CALENDAR_LINK_STOPPED")
    assert await backend.calendar_link(link.id) == stopped


async def test_disconnect_while_google_is_down(backend: Backend) -> None:
    """Where Google does not answer, the tokens are forgotten all the same, and the caller is told."""
    link = await backend.link("ann")
    await backend.sandbox.set_listening("google", up=False)
    answer = await backend.disconnect(link.id)
    assert (answer.calendar_link.state, answer.revoked_at_provider) == (STOPPED, False)
    assert backend.rows("SELECT * FROM grants") == []


async def test_disconnected_member_is_not_faulty(backend: Backend) -> None:
    """Disconnecting on purpose stops no page, and starts again one that the link's failure had stopped."""
    link = await backend.link("ann")
    await backend.add_page("page", ALL, "ann", "ann")
    await backend.break_link(link)
    assert not (await backend.page("page")).accepting
    await backend.disconnect(link.id)
    assert (await backend.page("page")).accepting


async def test_relinked_after_disconnect(backend: Backend) -> None:
    """Connecting again after a disconnect keeps the link's id and selection."""
    link = await backend.link("ann")
    await backend.disconnect(link.id)
    again = await backend.relink(link)
    assert (again.id, again.state) == (link.id, LINKED)
    assert (again.check_calendar_ids, again.add_calendar_id) == (link.check_calendar_ids, link.add_calendar_id)


async def test_delete(backend: Backend) -> None:
    """A deleted link is gone, its grant is revoked at Google, and pages no longer refer to it."""
    link = await backend.link("ann")
    await backend.add_page("page", ALL, "ann", "ann")
    await backend.break_link(link)
    await backend.relink(link)
    deleted = await backend.links.DeleteCalendarLink(links_pb.DeleteCalendarLinkRequest(id=link.id))
    assert deleted.revoked_at_provider
    assert told(await refused(backend.calendar_link(link.id))) == ("NOT_FOUND", "CALENDAR_LINK_NOT_FOUND")
    assert backend.sandbox.google.grants.live_grant("ann@example.com", CLIENT_ID) is None
    assert backend.rows("SELECT * FROM grants") == []
    assert (await backend.page("page")).accepting


async def test_deleted_account_takes_its_links_along(backend: Backend) -> None:
    """Deleting an account deletes its links, and revokes their grants at Google."""
    link = await backend.link("ann")
    await backend.delete_account("ann")
    assert told(await refused(backend.calendar_link(link.id)))[0] == "NOT_FOUND"
    assert backend.sandbox.google.grants.live_grant("ann@example.com", CLIENT_ID) is None
