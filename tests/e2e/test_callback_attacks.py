"""What somebody may try by the callback's address: lead people elsewhere, forge, swap, have us call others."""

import asyncio
from urllib.parse import quote

import aiohttp
import pytest

from calguard.v1 import calendar_link_pb2 as links_pb
from tests.e2e.backend import Backend
from tests.e2e.stubs import query_of, refused, told

EVIL = "https://evil.example/"


@pytest.fixture(autouse=True)
async def accounts(backend: Backend) -> None:
    for name in ("ann", "ben"):
        await backend.add_account(name)


def address(backend: Backend, query: str) -> str:
    return f"http://127.0.0.1:{backend.app.http_port}/oauth/callback?{query}"


@pytest.mark.parametrize("name", ["redirect_uri", "next", "return_to", "url", "continue", "RelayState"])
async def test_the_callback_leads_nobody_elsewhere(backend: Backend, name: str) -> None:
    """No parameter is followed or shown, whether the attempt is completed or refused; there is no redirect at all."""
    good = await backend.consent(await backend.begin("ann"), "ann@example.com")
    for url, status in (
        (f"{good}&{name}={quote(EVIL)}", 200),
        (address(backend, f"state=x&code=y&{name}={EVIL}"), 404),
    ):
        async with backend.browser.get(url, allow_redirects=False) as answer:
            assert (answer.status, answer.headers.get("Location")) == (status, None)
            assert "evil.example" not in await answer.text()


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "Referer", "Origin", "X-Original-URL"])
async def test_no_header_is_shown_or_followed(backend: Backend, header: str) -> None:
    async with backend.browser.get(
        address(backend, "state=x&code=y"), headers={header: "evil.example"}, allow_redirects=False
    ) as answer:
        assert "evil.example" not in await answer.text()
        assert "evil.example" not in str(answer.headers)


async def test_a_stolen_code_is_of_no_use_in_another_attempt(backend: Backend) -> None:
    """Who puts a victim's code into an attempt of their own gets nothing: the code belongs to the other's verifier."""
    code = await backend.code(await backend.begin("ann"), "ann@example.com")
    own = await backend.begin("ben")
    status, _ = await backend.open_callback(address(backend, f"state={own.state}&code={quote(code)}"))
    assert status >= 400
    assert await backend.all_links() == []


async def test_a_forged_callback_changes_nothing(backend: Backend) -> None:
    """Without a state that we made, a victim's browser that is sent here by another site completes nothing."""
    link = await backend.link("ann")
    code = await backend.code(await backend.begin("ben"), "ben@example.com")
    for state in ("", "A" * 43, link.id):
        status, _ = await backend.open_callback(address(backend, f"state={state}&code={quote(code)}"))
        assert status >= 400
    assert await backend.all_links() == [link]


async def test_a_state_cannot_be_fixed_to_another_account_or_link(backend: Backend) -> None:
    """What an attempt is for was settled when it began: parameters of the callback name neither account nor link."""
    victim = await backend.link("ann")
    callback = await backend.consent(await backend.begin("ben"), "ben@example.com")
    status, _ = await backend.open_callback(f"{callback}&account_id=ann&calendar_link_id={victim.id}")
    assert status == 200
    assert [link.account_id for link in await backend.all_links() if link.provider_email == "ben@example.com"] == [
        "ben"
    ]
    assert await backend.calendar_link(victim.id) == victim


async def test_another_persons_consent_does_not_take_over_a_link(backend: Backend) -> None:
    """Who lures somebody into consenting for an attempt at renewing a link is refused: it is of another person."""
    link = await backend.link("ben")
    begun = await backend.begin("ben", calendar_link_id=link.id)
    code = query_of(await backend.consent(begun, "ann@example.com"))["code"]
    refusal = await refused(backend.complete(begun.state, code))
    assert told(refusal)[0] == "FAILED_PRECONDITION"
    assert (await backend.calendar_link(link.id)).provider_email == "ben@example.com"


async def test_an_address_to_come_back_to_is_never_called(backend: Backend) -> None:
    """`redirect_uri` goes to Google's page and nowhere else, however the attempt ends."""
    called = asyncio.Event()

    async def listen(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.set()
        writer.close()

    listener = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with listener:
        back = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/back"
        begun = await backend.begin("ann", redirect_uri=back)
        code = await backend.code(begun, "ann@example.com")
        assert (await backend.complete(begun.state, code)).state == links_pb.CALENDAR_LINK_STATE_LINKED
        declined = await backend.begin("ben", redirect_uri=back)
        request = links_pb.CompleteCalendarLinkRequest(state=declined.state, error="access_denied")
        await refused(backend.links.CompleteCalendarLink(request))
        assert not called.is_set()


async def test_a_state_is_taken_once_though_two_browsers_bring_it_at_once(backend: Backend) -> None:
    callback = await backend.consent(await backend.begin("ann"), "ann@example.com")

    async def opened() -> int:
        async with aiohttp.ClientSession() as browser, browser.get(callback) as answer:
            return answer.status

    statuses = sorted(await asyncio.gather(*(opened() for _ in range(8))))
    assert statuses[0] == 200
    assert all(status >= 400 for status in statuses[1:])
    assert len(await backend.all_links()) == 1
