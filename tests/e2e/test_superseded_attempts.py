"""Attempts at linking that a link was ended after: whoever ended it meant it, so a forgotten tab links nothing."""

import asyncio

import pytest

from calguard.v1 import calendar_link_pb2 as links_pb
from calguard_sandbox.options import CLIENT_ID
from tests.e2e.backend import Backend
from tests.e2e.stubs import refused, told

ANN, BEN = "ann@example.com", "ben@example.com"
REDIRECT = "http://127.0.0.1:9999/back"
SUPERSEDED = ("FAILED_PRECONDITION", "ATTEMPT_SUPERSEDED")
LINKED, STOPPED = links_pb.CALENDAR_LINK_STATE_LINKED, links_pb.CALENDAR_LINK_STATE_STOPPED


@pytest.fixture(autouse=True)
async def ann(backend: Backend) -> None:
    await backend.add_account("ann")


def granted(backend: Backend, email: str = ANN) -> bool:
    """Whether Google still lets the app in."""
    return backend.sandbox.google.grants.live_grant(email, CLIENT_ID) is not None


async def delete(backend: Backend, link_id: str) -> None:
    await backend.links.DeleteCalendarLink(links_pb.DeleteCalendarLinkRequest(id=link_id))


@pytest.mark.parametrize("named", [True, False], ids=["naming the link", "naming none"])
async def test_consent_after_a_disconnect(backend: Backend, named: bool) -> None:  # noqa: FBT001 - a parameter
    """The link stays disconnected, and the fresh permission is withdrawn at Google."""
    link = await backend.link("ann")
    begun = await backend.begin("ann", calendar_link_id=link.id if named else "")
    stopped = (await backend.disconnect(link.id)).calendar_link
    refusal = await refused(backend.complete(begun.state, await backend.code(begun, ANN)))
    assert told(refusal) == SUPERSEDED
    assert refusal.metadata["account_id"] == "ann"
    assert refusal.metadata.get("calendar_link_id", "") == (link.id if named else "")
    assert refusal.metadata["grant"] == "CONFIRMED"
    assert not granted(backend)
    assert await backend.all_links() == [stopped]
    assert backend.rows("SELECT * FROM grants") == []


async def test_callback_after_a_disconnect_says_so(backend: Backend) -> None:
    """The person reads what happened, that the permission was withdrawn, and where to connect after all."""
    link = await backend.link("ann")
    begun = await backend.begin("ann", calendar_link_id=link.id)
    await backend.disconnect(link.id)
    status, page = await backend.open_callback(await backend.consent(begun, ANN))
    assert status == 409
    assert "This attempt is out of date" in page
    assert "was withdrawn at Google again" in page
    assert f"/calendar-links/{link.id}/reconnect" in page


async def test_consent_before_a_disconnect_and_callback_after_it(backend: Backend) -> None:
    """Ending the link made the code void at Google too: the refusal names the true reason."""
    link = await backend.link("ann")
    begun = await backend.begin("ann", calendar_link_id=link.id)
    code = await backend.code(begun, ANN)
    await backend.disconnect(link.id)
    assert told(await refused(backend.complete(begun.state, code))) == SUPERSEDED
    assert (await backend.calendar_link(link.id)).state == STOPPED


async def test_begun_after_a_disconnect(backend: Backend) -> None:
    """An attempt that begins after the disconnect links again in place, whether it names the link or not."""
    link = await backend.link("ann")
    for named in (link.id, ""):
        await backend.disconnect(link.id)
        again = await backend.link("ann", calendar_link_id=named)
        assert (again.id, again.state) == (link.id, LINKED)
        assert (again.check_calendar_ids, again.add_calendar_id) == (link.check_calendar_ids, link.add_calendar_id)


async def test_stale_tab_does_not_break_what_was_linked_again(backend: Backend) -> None:
    """Disconnected and linked again since: the older attempt is refused, and the link's own grant is left alone."""
    link = await backend.link("ann")
    stale = await backend.begin("ann", calendar_link_id=link.id)
    await backend.disconnect(link.id)
    again = await backend.relink(link)
    refusal = await refused(backend.complete(stale.state, await backend.code(stale, ANN)))
    assert told(refusal) == SUPERSEDED
    assert refusal.metadata["grant"] == "KEPT"
    assert await backend.calendar_link(link.id) == again
    assert (await backend.check(link.id)).state == LINKED


async def test_another_google_account_is_not_concerned(backend: Backend) -> None:
    """What names no link, and is approved with a Google account whose link nobody ended, makes its link."""
    link = await backend.link("ann")
    begun = await backend.begin("ann")
    await backend.disconnect(link.id)
    made = await backend.complete(begun.state, await backend.code(begun, BEN))
    assert (made.provider_email, made.state) == (BEN, LINKED)
    assert (await backend.calendar_link(link.id)).state == STOPPED


async def test_other_accounts_attempts_are_not_concerned(backend: Backend) -> None:
    """Ending one account's link leaves another account's attempt with the same Google account as it was."""
    await backend.add_account("ben")
    link = await backend.link("ann")
    begun = await backend.begin("ben")
    await backend.disconnect(link.id)
    made = await backend.complete(begun.state, await backend.code(begun, ANN))
    assert (made.account_id, made.state) == ("ben", LINKED)


async def test_deleted_link_is_not_made_anew(backend: Backend) -> None:
    """What names the deleted link finds none; what names none does not make another one of its Google account."""
    link = await backend.link("ann")
    naming, nameless = await backend.begin("ann", calendar_link_id=link.id), await backend.begin("ann")
    await delete(backend, link.id)
    gone = await refused(backend.complete(naming.state, await backend.code(naming, ANN)))
    assert told(gone) == ("NOT_FOUND", "CALENDAR_LINK_NOT_FOUND")
    assert not granted(backend)
    assert told(await refused(backend.complete(nameless.state, await backend.code(nameless, ANN)))) == SUPERSEDED
    assert not granted(backend)
    assert await backend.all_links() == []


async def test_another_account_of_the_same_id(backend: Backend) -> None:
    """An attempt of a deleted account does not link anything to an account that was given its id since."""
    begun = await backend.begin("ann")
    await backend.delete_account("ann")
    await backend.add_account("ann")
    assert told(await refused(backend.complete(begun.state, await backend.code(begun, ANN)))) == SUPERSEDED
    assert not granted(backend)
    assert await backend.all_links() == []


async def test_account_deleted_meanwhile_leaves_no_grant(backend: Backend) -> None:
    """Consent that comes back to a deleted account is withdrawn at Google."""
    begun = await backend.begin("ann")
    await backend.delete_account("ann")
    refusal = await refused(backend.complete(begun.state, await backend.code(begun, ANN)))
    assert told(refusal) == ("NOT_FOUND", "ACCOUNT_NOT_FOUND")
    assert not granted(backend)


async def test_superseded_survives_a_restart(backend: Backend) -> None:
    """That a link was ended since is kept with the attempt."""
    link = await backend.link("ann")
    begun = await backend.begin("ann", calendar_link_id=link.id, redirect_uri=REDIRECT)
    await backend.disconnect(link.id)
    await backend.restart()
    assert told(await refused(backend.complete(begun.state, await backend.code(begun, ANN)))) == SUPERSEDED


async def test_disconnect_while_an_attempt_completes(backend: Backend) -> None:
    """A disconnect waits for an attempt that is at its last step, and then ends what that made."""
    link = await backend.link("ann")
    begun = await backend.begin("ann", calendar_link_id=link.id)
    code = await backend.code(begun, ANN)
    backend.sandbox.fault("network/hang", surface="google", endpoint="freebusy", times=1)
    asked = backend.sandbox.google_requests.last
    completing = asyncio.ensure_future(backend.complete(begun.state, code))
    while not any(each.record.endpoint == "freebusy" for each in backend.sandbox.google_requests.after(asked)):
        assert await backend.sandbox.google_requests.wait(after=backend.sandbox.google_requests.last, seconds=10)
    disconnecting = asyncio.ensure_future(backend.disconnect(link.id))
    assert (await backend.calendar_link(link.id)).state == LINKED
    backend.sandbox.faults.clear()
    assert (await completing).authorized
    ended = await disconnecting
    assert (ended.calendar_link.state, ended.revoked_at_provider) == (STOPPED, True)
    assert await backend.calendar_link(link.id) == ended.calendar_link
    assert not granted(backend)
    assert backend.rows("SELECT * FROM grants") == []
