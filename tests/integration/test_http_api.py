"""The callback over a real socket: what it completes, what it says, and what it keeps to itself."""

import asyncio
import base64
import hashlib
import html
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser

import aiohttp
import pytest
import structlog

from calguard_server.domain import errors
from calguard_server.domain.account import Locale
from calguard_server.domain.causes import Capability, Cause, CauseReason
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.engine.revoking import Revocation
from calguard_server.http_api.language import Language
from calguard_server.http_api.outcome import Outcome
from calguard_server.http_api.page import WORDS
from calguard_server.notifiers.wording import WORDINGS
from tests.integration.http_harness import CODE, STATE, ScriptedLinking, browsing, server_of
from tests.unit.builders import NOW, make_link


@pytest.fixture
def linking() -> ScriptedLinking:
    return ScriptedLinking()


@pytest.fixture
async def browser(linking: ScriptedLinking) -> AsyncIterator[aiohttp.ClientSession]:
    async with browsing(linking) as browser:
        yield browser


async def called_back(
    browser: aiohttp.ClientSession, query: str, language: str = "en"
) -> tuple[int, str, aiohttp.ClientResponse]:
    async with browser.get(f"/oauth/callback{query}", headers={"Accept-Language": language}) as response:
        return response.status, await response.text(), response


class Elements(HTMLParser):
    """Collects the tags of a page, and its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def words(language: Language, outcome: Outcome) -> str:
    return WORDS[language].texts[outcome].title


@pytest.mark.parametrize("language", Language)
async def test_a_completed_attempt_is_told(
    browser: aiohttp.ClientSession, linking: ScriptedLinking, language: Language
) -> None:
    status, text, response = await called_back(browser, f"?state={STATE}&code={CODE}&scope=a+b", language.value)
    assert (status, response.content_type, response.charset) == (200, "text/html", "utf-8")
    assert linking.calls == [(STATE, CODE, "")]
    assert words(language, Outcome.CONNECTED) in text
    assert "ann@gmail.example" in text
    assert f'lang="{language.value}"' in text
    assert response.headers["Content-Language"] == language.value
    assert response.headers["Vary"] == "Accept-Language"


def failed(reason: CauseReason) -> CalendarLink:
    return make_link(LinkState.FAILED, cause=Cause(reason, NOW, capability=Capability.CHECK))


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(
    ("link", "outcome"),
    [
        (failed(CauseReason.SCOPE_MISSING), Outcome.BOX_NOT_TICKED),
        (make_link(LinkState.DEGRADED, cause=Cause(CauseReason.SCOPE_MISSING, NOW)), Outcome.ADD_BOX_NOT_TICKED),
        (failed(CauseReason.ADMIN_BLOCKED), Outcome.RECONNECT),
        (failed(CauseReason.CALENDAR_SERVICE_OFF), Outcome.CONTACT_SUPPORT),
        (failed(CauseReason.CALENDAR_NOT_VISIBLE), Outcome.CHOOSE_CALENDARS),
        (make_link(LinkState.DEGRADED, cause=Cause(CauseReason.SELECTION_MISSING, NOW)), Outcome.CHOOSE_CALENDARS),
        (make_link(LinkState.DEGRADED, cause=Cause(CauseReason.PROVIDER_UNAVAILABLE, NOW)), Outcome.WAIT),
    ],
)
async def test_a_link_that_needs_more_says_what(
    browser: aiohttp.ClientSession, linking: ScriptedLinking, language: Language, link: CalendarLink, outcome: Outcome
) -> None:
    linking.answer = link
    status, text, _ = await called_back(browser, f"?state={STATE}&code={CODE}", language.value)
    assert (status, words(language, outcome) in text) == (200, True)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(
    "reason",
    [CauseReason.ADMIN_BLOCKED, CauseReason.CALENDAR_SERVICE_OFF, CauseReason.CALENDAR_NOT_VISIBLE],
)
async def test_what_is_wrong_with_a_link_is_told_with_its_remedy(
    browser: aiohttp.ClientSession, linking: ScriptedLinking, language: Language, reason: CauseReason
) -> None:
    """In the words that notices have for it."""
    linking.answer = make_link(LinkState.FAILED, cause=Cause(reason, NOW, "team & co@group.example"))
    _, text, _ = await called_back(browser, f"?state={STATE}&code={CODE}", language.value)
    told = WORDINGS[Locale(language.value)].reasons[reason]
    assert told.problem in text
    assert told.own in text
    assert "team &amp; co@group.example" in text


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(
    ("granted", "unticked"),
    [
        (("calendar.freebusy", "calendar.events"), {Capability.LIST}),
        (("calendar.calendarlist.readonly", "calendar.events"), {Capability.CHECK}),
        (("calendar.calendarlist.readonly", "calendar.freebusy"), {Capability.ADD}),
        ((), {Capability.LIST, Capability.CHECK, Capability.ADD}),
    ],
)
async def test_each_box_that_was_not_ticked_is_named(
    browser: aiohttp.ClientSession,
    linking: ScriptedLinking,
    language: Language,
    granted: tuple[str, ...],
    unticked: set[Capability],
) -> None:
    scopes = tuple(f"https://www.googleapis.com/auth/{name}" for name in granted)
    linking.answer = make_link(
        LinkState.FAILED, cause=Cause(CauseReason.SCOPE_MISSING, NOW, capability=Capability.LIST), granted_scopes=scopes
    )
    _, text, _ = await called_back(browser, f"?state={STATE}&code={CODE}", language.value)
    text = html.unescape(text)
    assert {box for box, name in WORDS[language].boxes.items() if name in text} == unticked
    assert "EVERY checkbox" in text or "すべてのチェックボックス" in text


def declined() -> errors.CalguardError:
    return errors.FailedPreconditionError("ACCESS_DENIED", "not given")


REFUSALS: list[tuple[errors.CalguardError, int, Outcome]] = [
    (declined(), 403, Outcome.DECLINED),
    (errors.FailedPreconditionError("ADMIN_BLOCKED", "blocked"), 403, Outcome.ADMIN_BLOCKED),
    (errors.FailedPreconditionError("CONSENT_FAILED", "failed"), 400, Outcome.CONSENT_FAILED),
    (errors.FailedPreconditionError("ATTEMPT_SUPERSEDED", "ended"), 409, Outcome.SUPERSEDED),
    (errors.FailedPreconditionError("GRANT_VOID", "void"), 409, Outcome.GRANT_VOID),
    (errors.FailedPreconditionError("OFFLINE_ACCESS_MISSING", "not lasting"), 400, Outcome.NOT_ACCEPTED),
    (errors.FailedPreconditionError("IDENTITY_UNVERIFIED", "who"), 400, Outcome.NOT_ACCEPTED),
    (errors.InvalidArgumentError("STATE_UNKNOWN", "state"), 404, Outcome.UNKNOWN),
    (errors.FailedPreconditionError("STATE_USED", "used"), 409, Outcome.USED),
    (errors.FailedPreconditionError("STATE_EXPIRED", "expired"), 410, Outcome.EXPIRED),
    (errors.FailedPreconditionError("CODE_REFUSED", "refused"), 400, Outcome.NOT_ACCEPTED),
    (errors.FailedPreconditionError("PROVIDER_ACCOUNT_MISMATCH", "other"), 409, Outcome.OTHER_ACCOUNT),
    (errors.AlreadyExistsError("PROVIDER_ACCOUNT_LINKED", "linked"), 409, Outcome.LINKED_ALREADY),
    (errors.NotFoundError("ACCOUNT_NOT_FOUND", "gone"), 410, Outcome.GONE),
    (errors.FailedPreconditionError("APP_MISCONFIGURED", "ours"), 503, Outcome.OPERATOR_SIDE),
    (errors.UnavailableError("PROVIDER_UNREACHABLE", "later"), 503, Outcome.UNREACHABLE),
    (errors.UnavailableError("STORE_UNAVAILABLE", "later"), 503, Outcome.UNAVAILABLE),
    (errors.NotFoundError("CALENDAR_LINK_NOT_FOUND", "gone"), 410, Outcome.GONE),
    (errors.IllegalTransitionError("calendar link", "LINKED", "X"), 409, Outcome.FAILED),
]


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(("refusal", "status", "outcome"), REFUSALS, ids=lambda each: getattr(each, "reason", None))
async def test_what_was_refused_is_told_plainly(
    browser: aiohttp.ClientSession,
    linking: ScriptedLinking,
    language: Language,
    refusal: errors.CalguardError,
    status: int,
    outcome: Outcome,
) -> None:
    linking.answer = refusal
    sent = "error=access_denied" if refusal.reason == "ACCESS_DENIED" else f"code={CODE}"
    answered, text, _ = await called_back(browser, f"?state={STATE}&{sent}", language.value)
    assert answered == status
    assert words(language, outcome) in text
    assert "https://support.example.com/chat?from=calguard&amp;lang=en" in text


@pytest.mark.parametrize(
    "query",
    [
        "", "?", "?state=", f"?state={STATE}", f"?code={CODE}", f"?state={STATE}&code=",
        f"?state={STATE}&code=a&error=b", f"?state={STATE}&state={STATE}&code=a",
        f"?state={STATE}&code=a&code=b", "?state=%00&code=a",
        f"?state={STATE}&code=%00", "?state=%ff%fe&code=a", f"?state={STATE}&code=%ff", "?state=%ED%A0%80&code=a",
        f"?state={'x' * 201}&code=a", f"?state={STATE}&code={'x' * 2001}", f"?state={STATE}&error={'x' * 201}",
        "?state=<script>alert(1)</script>&code=a", f"?state={STATE}&error=%3Cscript%3Ealert(1)%3C/script%3E%20x",
        f"?state={STATE}&code=a%0d%0aSet-Cookie:x=1", "?state=../../etc/passwd&code=a", f"?STATE={STATE}&CODE=a",
        f"?state[]={STATE}&code=a", f"?state={STATE};code=a", "?%", f"?state={STATE}&code=日本",
    ],
)  # fmt: skip
async def test_an_address_that_is_not_whole_completes_nothing(
    browser: aiohttp.ClientSession, linking: ScriptedLinking, query: str
) -> None:
    status, text, _ = await called_back(browser, query)
    assert (status, linking.calls) == (400, [])
    assert words(Language.ENGLISH, Outcome.INCOMPLETE) in text
    assert "script" not in Elements(text).tags


async def test_nothing_that_was_sent_is_shown_or_logged(
    browser: aiohttp.ClientSession, linking: ScriptedLinking, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with structlog.testing.capture_logs() as logs:
        _, completed, _ = await called_back(browser, f"?state={STATE}&code={CODE}")
        linking.answer = declined()
        _, refused, _ = await called_back(browser, f"?state={STATE}&error=x_x_x")
        _, incomplete, _ = await called_back(browser, f"?state={STATE}&code={CODE}&error=x_x_x")
    assert len(logs) == 2
    seen = " ".join([completed, refused, incomplete, str(logs), caplog.text])
    assert not any(secret in seen for secret in (STATE, CODE, "x_x_x"))


async def test_nothing_of_an_unexpected_error_is_shown(
    browser: aiohttp.ClientSession, linking: ScriptedLinking
) -> None:
    linking.answer = RuntimeError("the database is gone")
    with structlog.testing.capture_logs() as logs:
        status, text, response = await called_back(browser, f"?state={STATE}&code={CODE}")
    assert (status, response.content_type) == (500, "text/html")
    assert not any(word in text for word in ("database", "RuntimeError", "Traceback", CODE, STATE))
    [logged] = logs
    assert logged["error_id"] in text
    assert logged["exc_info"] is linking.answer


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("grant", Revocation)
async def test_what_became_of_a_permission_that_is_of_no_use_is_told(
    browser: aiohttp.ClientSession, linking: ScriptedLinking, language: Language, grant: Revocation
) -> None:
    metadata = {"grant": grant.value}
    linking.answer = errors.FailedPreconditionError("ATTEMPT_SUPERSEDED", "ended", metadata=metadata)
    _, text, _ = await called_back(browser, f"?state={STATE}&code={CODE}", language.value)
    assert (WORDS[language].labels.withdrawn in text) == (grant is Revocation.CONFIRMED)
    assert ('href="https://myaccount.google.com/connections"' in text) == (grant is Revocation.UNCONFIRMED)


async def test_a_refusal_offers_to_begin_again_with_what_it_names(
    browser: aiohttp.ClientSession, linking: ScriptedLinking
) -> None:
    metadata = {"account_id": "ann", "calendar_link_id": "link-1"}
    linking.answer = errors.FailedPreconditionError("STATE_EXPIRED", "expired", metadata=metadata)
    _, text, _ = await called_back(browser, f"?state={STATE}&code={CODE}")
    assert 'href="https://app.example.com/relink?link=link-1&amp;account=ann"' in text


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"GET /oauth/callback?state=SECRET&code=" + b"x" * 70_000 + b" HTTP/1.1\r\n", id="too long"),
        pytest.param(b"GET /oauth/callback?state=SECRET&code=a b HTTP/1.1\r\n", id="a blank"),
        pytest.param(b"GET /oauth/callback?state=SECRET&code=\x01 HTTP/1.1\r\n", id="a control character"),
        pytest.param(b"GET /oauth/callback?state=SECRET HTTP/1.1\r\nX: SECRET" + b"x" * 9_000 + b"\r\n", id="a header"),
        pytest.param(b"SECRET\r\n", id="no HTTP"),
    ],
)
async def test_what_cannot_be_read_is_answered_with_the_page_and_never_quoted(
    linking: ScriptedLinking, sent: bytes
) -> None:
    server = server_of(linking)
    port = await server.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent + b"Host: x\r\n\r\n")
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await server.stop()
    assert head.startswith(b"HTTP/1.0 400 ")
    assert words(Language.ENGLISH, Outcome.INCOMPLETE).encode() in body
    for header in (b"Content-Security-Policy: default-src 'none'", b"Cache-Control: no-store", b"no-referrer"):
        assert header in head
    assert b"aiohttp" not in head
    assert b"SECRET" not in head + body
    assert linking.calls == []


async def test_what_google_tells_of_the_account_is_escaped(
    browser: aiohttp.ClientSession, linking: ScriptedLinking
) -> None:
    linking.answer = make_link(provider_email='"><script>alert(1)</script>&@x.example')
    _, text, _ = await called_back(browser, f"?state={STATE}&code={CODE}")
    assert "script" not in Elements(text).tags
    assert "&lt;script&gt;" in text


async def test_the_page_needs_no_script_and_lets_nothing_in(browser: aiohttp.ClientSession) -> None:
    _, text, response = await called_back(browser, f"?state={STATE}&code={CODE}")
    policy = response.headers["Content-Security-Policy"]
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "frame-ancestors 'none'" in policy
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Server" not in response.headers
    page = Elements(text)
    assert not {"script", "form", "img", "link", "iframe"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("src", "style")]
