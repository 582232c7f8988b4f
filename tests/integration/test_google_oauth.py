"""Consent at Google: the address of its page, the exchange of the code, and who it says has consented."""

from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from calguard_sandbox.keys import signing_key
from calguard_server.domain.causes import CauseReason
from calguard_server.domain.scopes import missing_capabilities
from calguard_server.domain.secret import Secret
from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.ports.provider import AuthorizationRequest
from calguard_server.engine.ports.provider_errors import CodeRefusedError, IdentityUnverifiedError, ProviderFailureError
from calguard_server.google.identity import max_age
from tests.integration.google_harness import ANN, CALLBACK, PREFIX, VERIFIER, World, world


@pytest.fixture
async def google() -> AsyncIterator[World]:
    async with world() as running:
        yield running


def test_the_address_asks_for_everything_offline_and_for_consent(google: World) -> None:
    url = google.provider.authorization_url(AuthorizationRequest("a state", "challenge", "", ""))
    assert url.startswith(f"{google.options.auth_uri}?")
    assert parse_qs(urlsplit(url).query) == {
        "client_id": [google.options.client_id],
        "redirect_uri": [CALLBACK],
        "response_type": ["code"],
        "scope": [
            f"openid email {PREFIX}calendar.calendarlist.readonly {PREFIX}calendar.freebusy {PREFIX}calendar.events"
        ],
        "state": ["a state"],
        "code_challenge": ["challenge"],
        "code_challenge_method": ["S256"],
        "access_type": ["offline"],
        "prompt": ["consent"],
    }


def test_the_address_takes_a_hint_and_another_redirect(google: World) -> None:
    url = google.provider.authorization_url(AuthorizationRequest("s", "c", "http://127.0.0.1/back", ANN))
    query = parse_qs(urlsplit(url).query)
    assert (query["login_hint"], query["redirect_uri"]) == ([ANN], ["http://127.0.0.1/back"])


async def test_a_code_is_exchanged_for_a_verified_consent(google: World) -> None:
    consent = await google.consent()
    assert consent.subject == google.sandbox.google.user(ANN).sub
    assert consent.email == ANN
    assert consent.refresh_token is not None
    assert missing_capabilities(consent.granted_scopes) == ()


async def test_boxes_left_unticked_are_told(google: World) -> None:
    consent = await google.consent([f"{PREFIX}calendar.freebusy"])
    assert f"{PREFIX}calendar.freebusy" in consent.granted_scopes
    assert f"{PREFIX}calendar.events" not in consent.granted_scopes


async def test_a_consent_without_offline_access_has_no_refresh_token(google: World) -> None:
    google.fault("token/no_refresh_token")
    assert (await google.consent()).refresh_token is None


async def test_a_code_is_refused_when_spent_unknown_or_not_for_this_attempt(google: World) -> None:
    code = await google.code()
    with pytest.raises(CodeRefusedError):
        await google.provider.exchange(code, Secret("another verifier"), "")
    with pytest.raises(CodeRefusedError):
        await google.provider.exchange(code, Secret(VERIFIER), "http://127.0.0.1/elsewhere")
    await google.provider.exchange(code, Secret(VERIFIER), "")
    for refused in (code, "4/unknown", ""):
        with pytest.raises(CodeRefusedError):
            await google.provider.exchange(refused, Secret(VERIFIER), "")


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("token/invalid_client", CauseReason.APP_MISCONFIGURED),
        ("token/org_internal", CauseReason.ADMIN_BLOCKED),
        ("token/503_html", CauseReason.PROVIDER_UNAVAILABLE),
        ("network/drop", CauseReason.NETWORK_ERROR),
    ],
)
async def test_an_exchange_that_fails_otherwise_tells_why(google: World, fault: str, expected: CauseReason) -> None:
    code = await google.code()
    google.fault(fault, endpoint="token")
    with pytest.raises(ProviderFailureError) as refused:
        await google.provider.exchange(code, Secret(VERIFIER), "")
    assert refused.value.reason is expected


def claims(google: World, **changes: object) -> dict[str, object]:
    now = int(google.clock.now().timestamp())
    return {
        "iss": "https://accounts.google.com",
        "aud": google.options.client_id,
        "sub": "1",
        "email": ANN,
        "email_verified": True,
        "iat": now,
        "exp": now + 3600,
        **changes,
    }


async def exchange_answers(google: World, id_token: str) -> str:
    """Exchange a code for an answer with that ID token; the subject that was verified."""
    body = {"access_token": "ya29.x", "refresh_token": "1//x", "scope": "openid", "id_token": id_token}
    google.fault({"status": 200, "body": body}, endpoint="token", times=1)
    return (await google.provider.exchange("4/code", Secret(VERIFIER), "")).subject


async def test_an_id_token_in_order_is_believed(google: World) -> None:
    assert await exchange_answers(google, signing_key().sign(claims(google))) == "1"
    early = claims(google, iat=int(google.clock.now().timestamp()) + 30, iss="accounts.google.com")
    assert await exchange_answers(google, signing_key().sign(early)) == "1"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"aud": "somebody-else"}, id="foreign-audience"),
        pytest.param({"iss": "https://accounts.example.com"}, id="foreign-issuer"),
        pytest.param({"exp": 1_772_000_000}, id="expired"),
        pytest.param({"exp": "never"}, id="expiry-of-another-type"),
        pytest.param({"exp": float("nan")}, id="expiry-that-is-no-number"),
        pytest.param({"iat": 1_900_000_000}, id="from-the-future"),
        pytest.param({"email_verified": False}, id="address-not-verified"),
        pytest.param({"email_verified": "true"}, id="verification-of-another-type"),
        pytest.param({"sub": ""}, id="no-subject"),
        pytest.param({"email": None}, id="no-address"),
    ],
)
async def test_an_id_token_with_wrong_claims_is_not_believed(google: World, changes: dict[str, object]) -> None:
    with pytest.raises(IdentityUnverifiedError):
        await exchange_answers(google, signing_key().sign(claims(google, **changes)))


async def test_an_unverified_consent_tells_whose_it_is_as_far_as_google_signed_that(google: World) -> None:
    """So that it can be ended without breaking what somebody else's link rests on."""
    expired = claims(google, exp=1_772_000_000)
    foreign = claims(google, iss="https://accounts.example.com")
    for id_token, subject in ((signing_key().sign(expired), "1"), (signing_key().sign(foreign), ""), ("x", "")):
        with pytest.raises(IdentityUnverifiedError) as refused:
            await exchange_answers(google, id_token)
        assert refused.value.grant == Grant(Secret("1//x"), ("openid",), subject)
        assert "1//x" not in repr(refused.value)


async def test_an_id_token_that_is_missing_tampered_with_or_unreadable_is_not_believed(google: World) -> None:
    head, body, signature = signing_key().sign(claims(google)).split(".")
    other = signing_key().sign(claims(google, sub="2")).split(".")[1]
    unsigned = "eyJhbGciOiJub25lIiwia2lkIjoiYSJ9"  # {"alg":"none","kid":"a"}
    for token in ("", "x", "a.b.c", "é.é.é", f"{head}.{other}.{signature}", f"{unsigned}.{body}.", f"{head}.{body}."):
        with pytest.raises(IdentityUnverifiedError) as refused:
            await exchange_answers(google, token)
        assert refused.value.__cause__ is None
        assert body not in str(refused.value)


async def test_expiry_is_judged_by_the_clock_that_is_passed_in(google: World) -> None:
    token = signing_key().sign(claims(google))
    google.clock.move(timedelta(minutes=60, seconds=59))
    assert await exchange_answers(google, token) == "1"
    google.clock.move(timedelta(seconds=1))
    with pytest.raises(IdentityUnverifiedError):
        await exchange_answers(google, token)


async def test_certificates_are_kept_for_as_long_as_they_may_be(google: World) -> None:
    await google.consent()
    google.clock.move(timedelta(minutes=59))
    await google.consent()
    assert google.requests("certs") == 1
    google.clock.move(timedelta(minutes=1))
    await google.consent()
    assert google.requests("certs") == 2


async def test_a_key_that_is_not_known_is_fetched_once(google: World) -> None:
    old = {"status": 200, "headers": {"Cache-Control": "max-age=3600"}, "body": {"old": "a certificate"}}
    google.fault(old, endpoint="certs", times=2)
    with pytest.raises(IdentityUnverifiedError):
        await google.consent()
    assert google.requests("certs") == 1
    with pytest.raises(IdentityUnverifiedError):
        await google.consent()
    assert (await google.consent()).email == ANN
    assert google.requests("certs") == 3


async def test_certificates_that_cannot_be_had_are_not_the_persons_fault(google: World) -> None:
    google.fault("api/503_html", endpoint="certs")
    with pytest.raises(ProviderFailureError) as refused:
        await google.consent()
    assert refused.value.reason is CauseReason.PROVIDER_UNAVAILABLE


@pytest.mark.parametrize(
    ("cache_control", "expected"),
    [("public, max-age=19845, must-revalidate", 19845), ("Max-Age=5", 5), ("no-store", 0), ("s-max-age=9", 0), ("", 0)],
)
def test_how_long_certificates_may_be_kept(cache_control: str, expected: int) -> None:
    assert max_age(cache_control) == timedelta(seconds=expected)
