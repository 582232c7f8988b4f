"""Messages that an account asked for, and ends by the address that they name."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from cryptography.fernet import Fernet

from calguard.v1 import account_pb2 as accounts_pb
from calguard.v1 import booking_page_pb2 as pages_pb
from calguard_sandbox.smtp.state import ReceivedMail
from tests.e2e.backend import Backend, running_backend
from tests.e2e.stubs import ALL, ANY

PUBLIC = "https://calguard.example.com/notices"
ALWAYS, BY_PAGES = accounts_pb.LINK_ALERTS_ALWAYS, accounts_pb.LINK_ALERTS_PAGE_RULES
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
async def public(tmp_path: Path) -> AsyncIterator[Backend]:
    """A server with a public address; Ann asks to be told of every failure, and no page needs her."""
    async with running_backend(tmp_path, public_url=PUBLIC) as backend:
        for name in ("ann", "ben"):
            await backend.add_account(name, link_alerts=ALWAYS if name == "ann" else BY_PAGES)
            await backend.link(name)
        await backend.add_page("intro", ANY, "ben", "ann", "ben")
        yield backend


async def told_of_failure(backend: Backend) -> ReceivedMail:
    [link] = await backend.all_links("ann")
    await backend.break_link(link)
    await backend.settled()
    return backend.sandbox.mail.received.records[-1]


def local(backend: Backend, mail: ReceivedMail) -> str:
    """The address in the header, as the proxy in front would pass it on."""
    [address] = re.findall(r"<(https://\S+)>", mail.headers["List-Unsubscribe"])
    assert address.startswith(f"{PUBLIC}/unsubscribe/")
    return f"http://127.0.0.1:{backend.app.http_port}{address.removeprefix(PUBLIC)}"


async def wish(backend: Backend) -> int:
    answer = await backend.accounts.GetAccount(accounts_pb.GetAccountRequest(id="ann"))
    return int(answer.account.link_alerts)


async def test_one_click_ends_the_messages(public: Backend) -> None:
    """As a mail program does it, without cookies; a second click changes nothing, and the next failure is not told."""
    mail = await told_of_failure(public)
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = local(public, mail)
    for _ in range(2):
        async with public.browser.post(url, data=ONE_CLICK, allow_redirects=False) as answer:
            assert answer.status == 200
            assert "Set-Cookie" not in answer.headers
            assert "These messages are stopped" in await answer.text()
        assert await wish(public) == BY_PAGES
    before = public.sandbox.mail.received.last
    [link] = await public.all_links("ann")
    await public.relink(link)
    await public.settled()  # else the end would not be true any more when it is to be sent
    await public.break_link(link)
    await public.settled()
    subjects = [entry.record.subject for entry in public.sandbox.mail.received.after(before)]
    assert subjects == ["Your calendar can be read again"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
async def test_looking_changes_nothing(public: Backend, method: str) -> None:
    """Programs that look through mail open every address."""
    url = local(public, await told_of_failure(public))
    async with public.browser.request(method, url) as answer:
        assert answer.status == (200 if method == "GET" else 405)
    assert await wish(public) == ALWAYS


@pytest.mark.parametrize(("language", "button"), [("en", "Stop these messages"), ("ja-JP", "お知らせを停止する")])
async def test_the_page_asks_and_its_button_ends_them(public: Backend, language: str, button: str) -> None:
    """The form goes to the address that the browser is at; nothing else runs or is loaded."""
    url = local(public, await told_of_failure(public))
    async with public.browser.get(url, headers={"Accept-Language": language}) as answer:
        page = await answer.text()
        assert '<form method="post">' in page
        assert f"<button>{button}</button>" in page
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "form-action 'self'" in policy
        assert answer.headers["Cache-Control"] == "no-store"
    async with public.browser.post(url) as answer:
        assert answer.status == 200
    assert await wish(public) == BY_PAGES


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "token", ["x", "YW5u.AAAAAAAAAAAAAAAAAAAAAA", "%3Cscript%3E", "a" * 2000, "YW5u.%00", "..%2f..%2fmetrics", "YW5u"]
)
async def test_a_token_that_nobody_signed(public: Backend, method: str, token: str) -> None:
    """Neither changes anything nor is told why, and nothing of it is shown."""
    async with aiohttp.ClientSession() as browser:
        url = f"http://127.0.0.1:{public.app.http_port}/unsubscribe/{token}"
        async with browser.request(method, url) as answer:
            assert answer.status == 404
            page = await answer.text()
    assert "This address is not known here" in page
    assert "script" not in page
    assert await wish(public) == ALWAYS


async def test_an_account_that_is_gone_is_answered_like_one_that_never_was(public: Backend) -> None:
    """Though the token is ours."""
    url = local(public, await told_of_failure(public))
    await public.pages.DeleteBookingPage(pages_pb.DeleteBookingPageRequest(id="intro"))
    await public.accounts.DeleteAccount(accounts_pb.DeleteAccountRequest(id="ann"))
    async with public.browser.post(url) as answer:
        assert answer.status == 404


async def test_what_is_owed_cannot_be_ended(public: Backend) -> None:
    """Who is told that a page stopped is told it."""
    await public.add_page("panel", ALL, "ben", "ann", "ben")
    mail = await told_of_failure(public)
    assert mail.subject == "Booking page stopped: Page panel"
    assert "List-Unsubscribe" not in mail.headers
    assert "unsubscribe" not in mail.text + mail.html


async def test_the_link_outlasts_a_restart_with_new_keys(public: Backend) -> None:
    """As long as the old key is kept."""
    url = local(public, await told_of_failure(public))
    path = url.partition("/unsubscribe/")[2]
    await public.restart(token_keys=f"{Fernet.generate_key().decode()},{public.overrides['token_keys']}")
    async with public.browser.post(f"http://127.0.0.1:{public.app.http_port}/unsubscribe/{path}") as answer:
        assert answer.status == 200
    assert await wish(public) == BY_PAGES


async def test_without_a_public_address_nothing_is_offered(backend: Backend) -> None:
    await backend.add_account("ann", link_alerts=ALWAYS)
    await backend.link("ann")
    mail = await told_of_failure(backend)
    assert mail.subject == "Your calendar cannot be read"
    assert "List-Unsubscribe" not in mail.headers


async def test_pages_that_stop_together_are_one_conversation(backend: Backend) -> None:
    """The message that tells of both, and those that tell of each."""
    await backend.add_account("ann")
    link = await backend.link("ann")
    for page in ("one", "two"):
        await backend.add_page(page, ALL, "ann", "ann")
    await backend.break_link(link)
    await backend.settled()
    await backend.relink(link)
    await backend.settled()
    mails = backend.sandbox.mail.received.records
    assert mails[0].subject.endswith(" and 1 more")
    assert len(mails[0].headers["References"].split()) == 2
    for mail in mails:
        assert mail.headers["In-Reply-To"] == mail.headers["References"]
        assert set(mail.headers["References"].split()) <= set(mails[0].headers["References"].split())
