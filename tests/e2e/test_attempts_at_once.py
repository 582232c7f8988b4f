"""Several attempts at linking at once: one consistent grant is left, and a healthy link."""

import asyncio

import pytest

from calguard.v1 import calendar_link_pb2 as links_pb
from calguard_client.refusal import Refusal
from calguard_sandbox.options import CLIENT_ID
from tests.e2e.backend import Backend
from tests.e2e.oauth_scopes import ADD, CHECK, LIST
from tests.e2e.stubs import refused, told

ANN, BEN = "ann@example.com", "ben@example.com"
LINKED = links_pb.CALENDAR_LINK_STATE_LINKED


@pytest.fixture(autouse=True)
async def ann(backend: Backend) -> None:
    await backend.add_account("ann")


async def outcome(backend: Backend, state: str, code: str) -> links_pb.CalendarLink | Refusal:
    request = links_pb.CompleteCalendarLinkRequest(state=state, code=code)
    call = asyncio.ensure_future(backend.links.CompleteCalendarLink(request))
    await asyncio.wait([call])
    if call.exception() is not None:
        return await refused(call)
    return call.result().calendar_link


async def assert_one_healthy_grant(backend: Backend, email: str) -> links_pb.CalendarLink:
    """One link, one stored grant, and Google accepts it."""
    [link] = await backend.all_links()
    assert (link.state, link.provider_email) == (LINKED, email)
    assert backend.rows("SELECT link_id FROM grants") == [(link.id,)]
    assert backend.sandbox.google.grants.live_grant(email, CLIENT_ID) is not None
    checked = await backend.check(link.id)
    assert (checked.state, checked.authorized) == (LINKED, True)
    return checked


async def test_two_tabs_one_after_the_other(backend: Backend) -> None:
    """Both are begun; both are completed: the second one links again in place."""
    link = await backend.link("ann")
    tabs = [await backend.begin("ann", calendar_link_id=link.id) for _ in range(2)]
    for tab in reversed(tabs):
        made = await backend.complete(tab.state, await backend.code(tab, ANN))
        assert (made.id, made.state, made.etag) == (link.id, LINKED, link.etag)
    await assert_one_healthy_grant(backend, ANN)


@pytest.mark.parametrize("named", [True, False], ids=["naming the link", "naming none"])
async def test_completed_at_once(backend: Backend, named: bool) -> None:  # noqa: FBT001 - a parameter
    """However many complete at once with one Google account: all are answered the same link, and it is healthy."""
    link = await backend.link("ann") if named else None
    begun = [await backend.begin("ann", calendar_link_id=link.id if link else "") for _ in range(5)]
    codes = [await backend.code(each, ANN) for each in begun]
    calls = (outcome(backend, each.state, code) for each, code in zip(begun, codes, strict=True))
    made = await asyncio.gather(*calls)
    healthy = await assert_one_healthy_grant(backend, ANN)
    assert {each.id for each in made if isinstance(each, links_pb.CalendarLink)} == {healthy.id}
    assert not any(isinstance(each, Refusal) for each in made)


async def test_selection_is_not_lost_between_two(backend: Backend) -> None:
    """One attempt was to select the primary calendar, the other not: whichever is first, it is selected."""
    for first in (True, False):
        begun = [await backend.begin("ann", select_primary=wished) for wished in (first, not first)]
        codes = [await backend.code(each, ANN) for each in begun]
        await asyncio.gather(*(outcome(backend, each.state, code) for each, code in zip(begun, codes, strict=True)))
        link = await assert_one_healthy_grant(backend, ANN)
        assert (list(link.check_calendar_ids), link.add_calendar_id) == ([ANN], ANN)
        await backend.links.DeleteCalendarLink(links_pb.DeleteCalendarLinkRequest(id=link.id))


@pytest.mark.parametrize("order", [(ANN, BEN), (BEN, ANN)])
async def test_two_google_accounts_at_once(backend: Backend, order: tuple[str, str]) -> None:
    """Each meant to be the link's: one of them is, whole, and nothing of the other is left or mixed in."""
    link = await backend.link("ann")
    begun = [await backend.begin("ann", calendar_link_id=link.id, allow_account_change=True) for _ in order]
    codes = [await backend.code(each, email) for each, email in zip(begun, order, strict=True)]
    await asyncio.gather(*(outcome(backend, each.state, code) for each, code in zip(begun, codes, strict=True)))
    [now] = await backend.all_links()
    other = next(email for email in order if email != now.provider_email)
    await assert_one_healthy_grant(backend, now.provider_email)
    assert set(now.check_calendar_ids) <= {now.provider_email}
    assert backend.sandbox.google.grants.live_grant(other, CLIENT_ID) is None


async def test_same_answer_twice_at_once(backend: Backend) -> None:
    """A page that is loaded twice exchanges its code once: Google ends the grant of a code that is offered again."""
    begun = await backend.begin("ann")
    url = await backend.consent(begun, ANN)
    statuses = [status for status, _ in await asyncio.gather(*(backend.open_callback(url) for _ in range(4)))]
    assert sorted(statuses) == [200, 409, 409, 409]
    exchanges = [
        each for each in backend.sandbox.google_requests.records if each.endpoint == "token.authorization_code"
    ]
    assert len(exchanges) == 1
    await assert_one_healthy_grant(backend, ANN)


async def test_half_a_consent_after_a_whole_one(backend: Backend) -> None:
    """The later consent counts, and a still later one with every box ticked mends it."""
    link = await backend.link("ann")
    half = await backend.relink(link, scopes=(LIST, ADD))
    assert (half.id, half.state) == (link.id, links_pb.CALENDAR_LINK_STATE_FAILED)
    assert list(half.check_calendar_ids) == [ANN]
    assert (await backend.relink(link, scopes=(LIST, CHECK, ADD))).state == LINKED
    await assert_one_healthy_grant(backend, ANN)


async def test_completed_and_disconnected_at_once(backend: Backend) -> None:
    """Whichever is first: a grant is stored and accepted by Google, or there is none at either end."""
    link = await backend.link("ann")
    for _ in range(5):
        begun = await backend.begin("ann", calendar_link_id=link.id)
        code = await backend.code(begun, ANN)
        completed, _ = await asyncio.gather(
            outcome(backend, begun.state, code), asyncio.gather(backend.disconnect(link.id), return_exceptions=True)
        )
        now = await backend.calendar_link(link.id)
        live = backend.sandbox.google.grants.live_grant(ANN, CLIENT_ID) is not None
        assert now.state == links_pb.CALENDAR_LINK_STATE_STOPPED
        assert (live, backend.rows("SELECT * FROM grants")) == (False, [])
        if isinstance(completed, Refusal):
            assert told(completed) in [
                ("FAILED_PRECONDITION", reason) for reason in ("ATTEMPT_SUPERSEDED", "CODE_REFUSED")
            ]
        link = await backend.relink(now)
        assert link.state == LINKED
