"""The callback's page as a browser gets it from a whole server, in both languages."""

import asyncio
import html

import pytest

from calguard.v1 import calendar_link_pb2 as links_pb
from tests.e2e.backend import Backend
from tests.e2e.oauth_scopes import ADD, CHECK, LIST

ANN, BEN = "ann@example.com", "ben@example.com"
BOXES = {
    LIST: ("See the list of Google calendars you're subscribed to", "登録しているカレンダーの一覧の参照"),
    CHECK: ("View your availability in your calendars", "カレンダーの空き状況の参照"),
    ADD: ("View and edit events on all your calendars", "すべてのカレンダーの予定の表示と編集"),
}
LANGUAGES = [("en-GB,en;q=0.9", "en", 0), ("ja-JP,ja;q=0.9,en;q=0.1", "ja", 1)]


@pytest.fixture(autouse=True)
async def ann(backend: Backend) -> None:
    await backend.add_account("ann")


async def opened(backend: Backend, url: str, accept_language: str = "en") -> tuple[int, str]:
    async with backend.browser.get(url, headers={"Accept-Language": accept_language}) as answer:
        assert answer.content_type == "text/html"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
        page = await answer.text()
        assert "<script" not in page.lower()
        return answer.status, html.unescape(page)


@pytest.mark.parametrize(("accept_language", "language", "number"), LANGUAGES)
@pytest.mark.parametrize(
    ("ticked", "state"),
    [
        ((CHECK, ADD), links_pb.CALENDAR_LINK_STATE_FAILED),
        ((LIST, ADD), links_pb.CALENDAR_LINK_STATE_FAILED),
        ((LIST, CHECK), links_pb.CALENDAR_LINK_STATE_DEGRADED),
        ((), links_pb.CALENDAR_LINK_STATE_FAILED),
    ],
)
async def test_each_box_that_was_missed_is_named(
    backend: Backend,
    accept_language: str,
    language: str,
    number: int,
    ticked: tuple[str, ...],
    state: links_pb.CalendarLinkState.ValueType,
) -> None:
    """The page names just the boxes that were not ticked; ticking every one at last makes it a page of success."""
    url = await backend.consent(await backend.begin("ann"), ANN, ticked)
    status, page = await opened(backend, url, accept_language)
    [link] = await backend.all_links()
    assert (status, link.state) == (200, state)
    assert f'<html lang="{language}">' in page
    assert {scope for scope, names in BOXES.items() if names[number] in page} == set(BOXES) - set(ticked)
    assert f"/calendar-links/{link.id}/reconnect" in page
    again = await backend.consent(await backend.begin("ann", calendar_link_id=link.id), ANN)
    status, page = await opened(backend, again, accept_language)
    assert (status, (await backend.calendar_link(link.id)).state) == (200, links_pb.CALENDAR_LINK_STATE_LINKED)
    assert ('class="well"' in page, "/reconnect" in page) == (True, False)


@pytest.mark.parametrize(("accept_language", "language", "_number"), LANGUAGES)
async def test_expired_and_used(backend: Backend, accept_language: str, language: str, _number: int) -> None:
    """Consent that comes back too late, or a second time, changes nothing, and says where to begin again."""
    link = await backend.link("ann")
    used = await backend.consent(await backend.begin("ann", calendar_link_id=link.id), ANN)
    await opened(backend, used)
    stands = await backend.calendar_link(link.id)
    late = await backend.consent(await backend.begin("ann", calendar_link_id=link.id), ANN)
    backend.clock.advance(backend.check_interval_at_most * 3)
    for url, expected in ((used, 409), (late, 410)):
        status, page = await opened(backend, url, accept_language)
        assert status == expected
        assert f'<html lang="{language}">' in page
        assert f"/calendar-links/{link.id}/reconnect" in page
    assert (await backend.calendar_link(link.id)).granted_scopes == stands.granted_scopes


async def test_link_with_a_fault_of_its_own(backend: Backend) -> None:
    """Linked again, but a calendar that was selected is gone: the page names it, and what to do."""
    team = "team@group.calendar.google.com"
    link = await backend.link("ann")
    await backend.select(link.id, [team], ANN)
    backend.sandbox.google.unshare(ANN, team)
    url = await backend.consent(await backend.begin("ann", calendar_link_id=link.id), ANN)
    status, page = await opened(backend, url)
    assert status == 200
    assert "Google does not show this calendar" in page
    assert team in page
    assert "choose another calendar to check" in page


async def test_google_in_trouble(backend: Backend) -> None:
    """Linked while Google Calendar is in trouble: connected, to be checked again by itself."""
    backend.sandbox.fault("api/503_html", endpoint="freebusy")
    url = await backend.consent(await backend.begin("ann"), ANN)
    status, page = await opened(backend, url)
    assert status == 200
    assert "Connected, but not checked yet" in page


async def test_answered_although_the_server_is_stopping(backend: Backend) -> None:
    """A callback that is under way when the server is told to stop is answered with a page, not broken off."""
    url = await backend.consent(await backend.begin("ann"), ANN)
    backend.sandbox.fault("network/hang", surface="google", endpoint="token", times=1)
    asked = backend.sandbox.google_requests.last
    calling = asyncio.ensure_future(opened(backend, url))
    assert await backend.sandbox.google_requests.wait(after=asked, seconds=10)
    stopping = asyncio.ensure_future(backend.app.stop())
    backend.sandbox.faults.clear()
    status, page = await calling
    await stopping
    assert status == 503
    assert "Wait a few minutes" in page


async def test_database_that_cannot_be_written(backend: Backend) -> None:
    """Where nothing can be saved, the page says that the service is not available."""
    url = await backend.consent(await backend.begin("ann"), ANN)
    await backend.app._store.writer._connection.run(lambda connection: connection.execute("PRAGMA query_only = 1"))
    status, page = await opened(backend, url)
    assert status == 503
    assert "This service is not available right now" in page
