"""Sign-in with the sandbox's Google, as an app and its user go through it."""

from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import aiohttp
import google.auth.jwt
import jwt
import pytest

from calguard_sandbox import Sandbox
from calguard_sandbox.errors import BadFieldError
from tests.contract.google_client import ADD, CALLBACK, CHECK, LIST, PREFIX, VERIFIER, Browser, MovingClock


class Inputs(HTMLParser):
    """The form's action, its checkboxes and its selected account."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.action, self.selected = "", ""
        self.boxes: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.action = given["action"] or ""
        if given.get("type") == "checkbox":
            self.boxes.append(given["value"] or "")
        if tag == "option" and "selected" in given:
            self.selected = given["value"] or ""


async def test_the_whole_round_trip_through_the_html_form(browser: Browser, sandbox: Sandbox) -> None:
    page = await browser.send("GET", browser.url(login_hint="ben@example.com"))
    form = Inputs(page.body)
    assert (page.status, form.boxes, form.selected) == (200, [LIST, CHECK, ADD], "ben@example.com")
    assert "<script" not in page.body

    fields = [("email", "ben@example.com"), ("scope", LIST), ("scope", CHECK), ("decision", "approve")]
    redirect = await browser.send("POST", sandbox.google_url + form.action, data=fields)
    location = urlsplit(redirect.headers["Location"])
    answer = parse_qs(location.query)
    assert (redirect.status, location._replace(query="").geturl()) == (302, CALLBACK)
    assert answer["state"] == ["a state & more"]

    tokens = (await browser.exchange(answer["code"][0])).body
    assert tokens["scope"] == f"openid {PREFIX}userinfo.email {LIST} {CHECK}"
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 3599)
    refreshed = await browser.refresh(tokens["refresh_token"])
    assert refreshed.body["scope"] == tokens["scope"]
    assert "refresh_token" not in refreshed.body


async def test_the_page_escapes_what_it_is_given(browser: Browser, sandbox: Sandbox) -> None:
    sandbox.google.add_user("eve@example.com", '"><script>alert(1)</script>')
    page = await browser.send("GET", browser.url(state='"><script>alert(2)</script>'))
    refused = await browser.send("GET", browser.url(client_id="<script>", redirect_uri="http://<script>/"))
    assert page.status == 200
    assert "<script" not in page.body + refused.body


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_id": None}, 400, "invalid_request"),
        ({"redirect_uri": "https://evil.example/cb"}, 400, "redirect_uri_mismatch"),
        ({"redirect_uri": "http://user@127.0.0.1/cb"}, 400, "redirect_uri_mismatch"),
        ({"redirect_uri": "http://127.0.0.1.evil.example/cb"}, 400, "redirect_uri_mismatch"),
        ({"response_type": "token"}, 400, "unsupported_response_type"),
        ({"scope": "openid https://www.googleapis.com/auth/drive"}, 400, "invalid_scope"),
        ({"code_challenge_method": "S512"}, 400, "invalid_request"),
    ],
)
async def test_a_wrong_request_shows_an_error_page_and_never_redirects(
    browser: Browser, changes: dict[str, str | None], status: int, error: str
) -> None:
    for method in ("GET", "POST"):
        page = await browser.send(method, browser.url(**changes))
        assert (page.status, "Location" in page.headers) == (status, False)
        assert f"Error {status}: {error}" in page.body


async def test_a_registered_redirect_uri_need_not_be_loopback(browser: Browser, sandbox: Sandbox) -> None:
    uri = "https://booking.example/cb?keep=1"
    sandbox.google.clients[browser.env["CALGUARD_GOOGLE_CLIENT_ID"]].redirect_uris.add(uri)
    redirect = await sandbox.consent(browser.url(redirect_uri=uri), "ann@example.com")
    assert redirect.startswith(f"{uri}&state=")


async def test_denying_sends_access_denied_and_the_state(browser: Browser, sandbox: Sandbox) -> None:
    redirect = await sandbox.consent(browser.url(), "ann@example.com", deny=True)
    assert parse_qs(urlsplit(redirect).query) == {"state": ["a state & more"], "error": ["access_denied"]}


async def test_the_id_token_is_accepted_by_google_auth_with_the_pem_certificates(
    http: aiohttp.ClientSession,
) -> None:
    async with Sandbox() as with_the_real_clock:
        browser = Browser(with_the_real_clock, http)
        tokens = await browser.grant()
        certs = (await browser.send("GET", browser.env["CALGUARD_GOOGLE_CERTS_URI"])).body
    claims = google.auth.jwt.decode(tokens["id_token"], certs=certs, audience=browser.env["CALGUARD_GOOGLE_CLIENT_ID"])
    assert (claims["iss"], claims["email"], claims["email_verified"], claims["nonce"]) == (
        "https://accounts.google.com",
        "ann@example.com",
        True,
        "a-nonce",
    )


async def test_the_id_token_is_accepted_with_the_jwk_set(browser: Browser) -> None:
    token = (await browser.grant())["id_token"]
    keys = jwt.PyJWKSet.from_dict((await browser.send("GET", f"{browser.sandbox.google_url}/oauth2/v3/certs")).body)
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(
        token,
        key,
        audience=browser.env["CALGUARD_GOOGLE_CLIENT_ID"],
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims["sub"] == browser.sandbox.google.user("ann@example.com").sub


async def test_userinfo_names_the_user(browser: Browser) -> None:
    url = f"{browser.sandbox.google_url}/v1/userinfo"
    headers = {"Authorization": f"Bearer {(await browser.grant())['access_token']}"}
    assert (await browser.send("GET", url, headers=headers)).body["email"] == "ann@example.com"
    assert (await browser.send("GET", url)).status == 401


async def test_a_refresh_token_comes_with_the_first_consent_or_when_consent_is_asked_for(browser: Browser) -> None:
    async def has_refresh_token(**changes: str | None) -> bool:
        return "refresh_token" in (await browser.exchange(await browser.code(**changes))).body

    assert not await has_refresh_token(access_type=None, email="ben@example.com")
    assert await has_refresh_token(prompt=None)
    assert not await has_refresh_token(prompt=None)
    assert await has_refresh_token()
    browser.sandbox.google.revoke("ann@example.com")
    assert await has_refresh_token(prompt=None)


async def test_the_client_secret_may_be_sent_by_basic(browser: Browser) -> None:
    login = aiohttp.encode_basic_auth(
        browser.env["CALGUARD_GOOGLE_CLIENT_ID"], browser.env["CALGUARD_GOOGLE_CLIENT_SECRET"]
    )
    token = (await browser.grant())["refresh_token"]
    data = {"grant_type": "refresh_token", "refresh_token": token}
    answer = await browser.send(
        "POST", browser.env["CALGUARD_GOOGLE_TOKEN_URI"], data=data, headers={"Authorization": login}
    )
    assert answer.status == 200


async def test_a_code_works_once_and_a_second_use_ends_the_grant(browser: Browser) -> None:
    code = await browser.code()
    refresh_token = (await browser.exchange(code)).body["refresh_token"]
    again = await browser.exchange(code)
    assert (again.status, again.body["error"]) == (400, "invalid_grant")
    assert (await browser.refresh(refresh_token)).status == 400


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"redirect_uri": "http://127.0.0.1/other"}, 400, "redirect_uri_mismatch"),
        ({"code_verifier": VERIFIER + "x"}, 400, "invalid_grant"),
        ({"code_verifier": None}, 400, "invalid_grant"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": None}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"redirect_uri": None}, 400, "invalid_request"),
    ],
)
async def test_an_exchange_that_does_not_fit_is_refused_and_leaves_the_code(
    browser: Browser, changes: dict[str, str | None], status: int, error: str
) -> None:
    code = await browser.code()
    answer = await browser.exchange(code, **changes)
    assert (answer.status, answer.body["error"]) == (status, error)
    assert (await browser.exchange(code)).status == 200


async def test_a_code_expires_after_ten_minutes(browser: Browser, clock: MovingClock) -> None:
    code = await browser.code()
    clock.advance(minutes=10)
    assert (await browser.exchange(code)).body["error"] == "invalid_grant"


async def test_other_grant_types_are_refused(browser: Browser) -> None:
    assert (await browser.token(grant_type="password")).body["error"] == "unsupported_grant_type"
    assert (await browser.token()).body["error"] == "invalid_request"


async def test_a_refresh_may_narrow_the_scopes_and_not_widen_them(browser: Browser) -> None:
    token = (await browser.grant(scopes=[LIST, CHECK]))["refresh_token"]
    assert (await browser.refresh(token, scope=LIST)).body["scope"] == LIST
    widened = await browser.refresh(token, scope=f"{LIST} {ADD}")
    assert (widened.status, widened.body["error"]) == (400, "invalid_scope")


async def test_a_refresh_token_dies_unused_for_six_months_and_lives_when_used(
    browser: Browser, clock: MovingClock
) -> None:
    token = (await browser.grant())["refresh_token"]
    clock.advance(days=182)
    assert (await browser.refresh(token)).status == 200
    clock.advance(days=182)
    assert (await browser.refresh(token)).status == 200
    clock.advance(days=183)
    assert (await browser.refresh(token)).body["error"] == "invalid_grant"


async def test_in_testing_a_refresh_token_dies_after_a_week(browser: Browser, clock: MovingClock) -> None:
    token = (await browser.grant())["refresh_token"]
    browser.sandbox.google.set_client(testing=True)
    clock.advance(days=7)
    assert (await browser.refresh(token)).body["error_description"] == "Token has been expired or revoked."


async def test_the_hundred_and_first_refresh_token_kills_the_first(browser: Browser) -> None:
    first = (await browser.grant())["refresh_token"]
    for _ in range(99):
        second = (await browser.grant())["refresh_token"]
    assert (await browser.refresh(first)).status == 200
    await browser.grant()
    assert (await browser.refresh(first)).body["error"] == "invalid_grant"
    assert (await browser.refresh(second)).status == 200


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
async def test_revoking_either_token_ends_the_whole_grant(browser: Browser, kind: str) -> None:
    tokens = await browser.grant()
    url = browser.env["CALGUARD_GOOGLE_REVOKE_URI"]
    assert (await browser.send("POST", url, data={"token": tokens[kind]})).status == 200
    assert (await browser.freebusy(tokens["access_token"])).status == 401
    refused = await browser.refresh(tokens["refresh_token"])
    assert refused.body == {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
    again = await browser.send("POST", url, data={"token": tokens[kind]})
    assert (again.status, again.body["error"]) == (400, "invalid_token")


async def test_a_deleted_account_and_a_deleted_client_answer_as_such(browser: Browser) -> None:
    tokens = await browser.grant()
    google_state = browser.sandbox.google
    google_state.delete_account("ann@example.com")
    answer = await browser.refresh(tokens["refresh_token"])
    assert answer.body == {"error": "invalid_grant", "error_description": "Account has been deleted"}
    assert (await browser.freebusy(tokens["access_token"])).status == 401
    with pytest.raises(BadFieldError, match="email"):
        await browser.code("ann@example.com")
    google_state.restore_account("ann@example.com")
    assert (await browser.refresh(tokens["refresh_token"])).status == 200
    google_state.set_client(deleted=True)
    answer = await browser.refresh(tokens["refresh_token"])
    assert (answer.status, answer.body["error"]) == (401, "deleted_client")


async def test_include_granted_scopes_adds_what_was_granted_before(browser: Browser) -> None:
    await browser.grant(scopes=[LIST])
    code = await browser.code(scopes=[CHECK], include_granted_scopes="true")
    assert set((await browser.exchange(code)).body["scope"].split()) >= {LIST, CHECK}
    code = await browser.code(scopes=[CHECK])
    assert LIST not in (await browser.exchange(code)).body["scope"]
