"""Callers that are known by JWTs, on a whole server: what is let in, and when that ends."""

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import grpc.aio
import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from calguard_client import AsyncClient, Changes, ClientOptions, Interrupted, SnapshotEnded
from calguard_client.refusal import Refusal
from calguard_server.app import App
from calguard_server.auth.jwks import JwksError
from calguard_server.settings.server import read_settings
from tests.e2e.backend import Backend, running_backend
from tests.e2e.bearer import ADMIN, KNOWN, overwrite
from tests.e2e.methods import METHODS
from tests.e2e.stubs import ALL, Stubs, refused, told
from tests.e2e.watching import Watcher
from tests.fakes.certificates import put
from tests.fakes.issuer import AUDIENCE, ISSUER, Published, at, claims, ec_key, key_set, publishing, rsa_key
from tests.fakes.world import START
from tests.leaks import URL_SECRET
from tests.patience import PATIENCE_SECONDS

RSA, EC, STRANGER = rsa_key("rsa-1"), ec_key("ec-1"), ec_key("ec-1")
NEXT = ec_key("ec-2")
UNKNOWN = ("UNAUTHENTICATED", "TOKEN_UNKNOWN", "")
REFUSED = "TOKEN_CLAIMS_REFUSED"
UNREAD = "the keys of JWTs cannot be read"
MINUTE = timedelta(minutes=1)


def settings(folder: Path, place: str, **more: str) -> dict[str, str]:
    overwrite(folder / "callers", *KNOWN)
    return {
        "auth_tokens_file": str(folder / "callers"),
        "auth_jwt_issuer": ISSUER,
        "auth_jwt_audience": AUDIENCE,
        "auth_jwt_jwks": place,
        "drain_timeout": "0s",
        **more,
    }


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    put(path, key_set(RSA.public(), EC.public()))
    return path


@pytest.fixture
async def backend(tmp_path: Path, keys: Path) -> AsyncIterator[Backend]:
    async with running_backend(tmp_path, ADMIN, **settings(tmp_path, str(keys))) as running:
        yield running


async def outcome(backend: Backend, token: str, method: str = "ListAccounts") -> tuple[str, str, str]:
    """How a call is refused: status, reason, and the claim that is at fault; empty where it is answered."""
    async with backend.open_channel(token) as channel:
        try:
            await METHODS[method].call_raw(channel, b"")
        except grpc.aio.AioRpcError as error:
            refusal = Refusal.of(error)
            return refusal.code.name, refusal.reason, refusal.metadata.get("claim", "")
    return "", "", ""


def made_up(header: dict[str, object], signature: bytes = b"") -> str:
    """A token of whatever header."""
    parts = (json.dumps(header).encode(), json.dumps(claims()).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def plain(header: bytes) -> str:
    """A token whose header is these bytes."""
    return f"{base64.urlsafe_b64encode(header).rstrip(b'=').decode()}.e30.eHh4"


def nested(depth: int) -> object:
    """Lists within one another."""
    value: object = []
    for _ in range(depth):
        value = [value]
    return value


def confused() -> str:
    """A token that is signed with the public key, as if that were a secret of both."""
    signed, _, _ = made_up({"alg": "HS256", "kid": "ec-1"}, b"-").rpartition(".")
    secret = json.dumps(EC.public()).encode()
    signature = base64.urlsafe_b64encode(hmac.digest(secret, signed.encode(), "sha256")).rstrip(b"=").decode()
    return f"{signed}.{signature}"


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (RSA.sign(claims()), ("", "", "")),
        (EC.sign(claims()), ("", "", "")),
        (EC.sign(claims(aud=["others", AUDIENCE])), ("", "", "")),
        (EC.sign(claims(nbf=at(seconds=30), iat=at(seconds=30))), ("", "", "")),
        (EC.sign(claims(exp=at(seconds=-29))), ("", "", "")),
        (EC.sign(claims(exp=at(seconds=-30))), ("UNAUTHENTICATED", "TOKEN_EXPIRED", "")),
        (EC.sign(claims(exp=-(10**30))), ("UNAUTHENTICATED", "TOKEN_EXPIRED", "")),
        (EC.sign(claims(exp=10**30)), ("", "", "")),
        (STRANGER.sign(claims()), UNKNOWN),
        (RSA.sign(claims(), kid="ec-1"), UNKNOWN),
        (RSA.sign(claims(), kid="rsa-2"), UNKNOWN),
        (EC.sign(claims())[:-2], UNKNOWN),
        (EC.sign(claims()).replace(".", ".x", 1), UNKNOWN),
        (made_up({"alg": "none", "kid": "ec-1"}), UNKNOWN),
        (made_up({"alg": "ES256"}, b"x" * 64), UNKNOWN),
        (made_up({"alg": "ES256", "kid": "ec-1", "crit": ["unheard-of"], "unheard-of": 1}, b"x" * 64), UNKNOWN),
        (made_up({"alg": "ES256", "kid": "ec-1", "crit": 5}, b"x" * 64), UNKNOWN),
        (made_up({"alg": "ES256", "kid": "ec-1", "crit": None}, b"x" * 64), UNKNOWN),
        (made_up({"alg": "ES256", "kid": "ec-1", "b64": False, "crit": ["b64"]}, b"x" * 64), UNKNOWN),
        (made_up({"alg": "ES256", "kid": ["ec-1"]}, b"x" * 64), UNKNOWN),
        (made_up({"alg": {"ES256": 1}, "kid": "ec-1"}, b"x" * 64), UNKNOWN),
        (plain(b'{"alg":"ES256","kid":"ec-1","x":' + b"[" * 3000), UNKNOWN),
        (plain(b'["alg"]'), UNKNOWN),
        (plain(b'"alg"'), UNKNOWN),
        (EC.sign(claims(more=nested(10))), ("", "", "")),
        (EC.sign(claims(more=nested(900))), UNKNOWN),
        (confused(), UNKNOWN),
        ("ey.e.e", UNKNOWN),
        ("eyJ.eyJ.", UNKNOWN),
        (EC.sign(claims(iss="https://other.example")), ("UNAUTHENTICATED", REFUSED, "iss")),
        (EC.sign(claims(iss=None)), ("UNAUTHENTICATED", REFUSED, "iss")),
        (EC.sign(claims(aud="others")), ("UNAUTHENTICATED", REFUSED, "aud")),
        (EC.sign(claims(aud=None)), ("UNAUTHENTICATED", REFUSED, "aud")),
        (EC.sign(claims(exp=None)), ("UNAUTHENTICATED", REFUSED, "exp")),
        (EC.sign(claims(nbf=at(seconds=31))), ("UNAUTHENTICATED", REFUSED, "nbf")),
        (EC.sign(claims(sub=None)), ("UNAUTHENTICATED", REFUSED, "sub")),
        (EC.sign(claims(sub="two words")), ("UNAUTHENTICATED", REFUSED, "sub")),
        (EC.sign(claims(calguard_role=None)), ("UNAUTHENTICATED", REFUSED, "calguard_role")),
        (EC.sign(claims(calguard_role="owner")), ("UNAUTHENTICATED", REFUSED, "calguard_role")),
        (EC.sign(claims(calguard_role={"role": "admin"})), ("UNAUTHENTICATED", REFUSED, "calguard_role")),
    ],
)
async def test_only_a_token_that_is_signed_and_says_all_lets_in(
    backend: Backend, token: str, expected: tuple[str, str, str]
) -> None:
    """The first time, and when it is remembered."""
    assert await outcome(backend, token) == expected
    assert await outcome(backend, token) == expected


@pytest.mark.parametrize(
    ("role", "refused_methods"),
    [
        ("reader", ("CreateAccount", "PutSlackWorkspace")),
        (["offline_access", "writer", "reader"], ("PutSlackWorkspace",)),
        ("admin", ()),
    ],
)
async def test_the_role_is_the_highest_that_is_said(
    backend: Backend, role: object, refused_methods: tuple[str, ...]
) -> None:
    token = RSA.sign(claims(calguard_role=role))
    too_small = [
        method
        for method in ("ListAccounts", "CreateAccount", "PutSlackWorkspace")
        if (await outcome(backend, token, method))[1] == "ROLE_TOO_SMALL"
    ]
    assert tuple(too_small) == refused_methods


async def test_tokens_of_the_file_are_known_beside(backend: Backend) -> None:
    assert await outcome(backend, ADMIN) == ("", "", "")
    with capture_logs(processors=[merge_contextvars]) as logs:
        await outcome(backend, EC.sign(claims()), "CreateAccount")
        await outcome(backend, EC.sign(claims(aud="others")))
    calls = [(each.get("caller", ""), each["reason"]) for each in logs if each["event"] == "call"]
    assert calls == [("jwt:booking", "ROLE_TOO_SMALL"), ("", REFUSED)]
    assert "eyJ" not in str(logs)


async def test_a_claim_may_limit_to_some_accounts(tmp_path: Path, keys: Path) -> None:
    """Once it is asked for, a token that does not have it lets in nobody."""
    limited = settings(tmp_path, str(keys), auth_jwt_accounts_claim="https://example.com/accounts")
    async with running_backend(tmp_path, ADMIN, **limited) as backend:
        for account_id in ("ann", "ben"):
            await backend.add_account(account_id)

        async def seen(said: object) -> object:
            token = EC.sign(claims(**{"https://example.com/accounts": said}))
            found = await outcome(backend, token)
            if found[1]:
                return found[1:]
            async with backend.open_channel(token) as channel:
                answered = await METHODS["ListAccounts"].call(channel, METHODS["ListAccounts"].request())
                return [account.id for account in answered.accounts]

        assert await seen(["ann", "nobody"]) == ["ann"]
        assert await seen("*") == ["ann", "ben"]
        for said in (None, "ann", [], [1], ["-"], {}):
            assert await seen(said) == (REFUSED, "https://example.com/accounts")


async def test_the_key_of_an_address_is_not_logged(tmp_path: Path) -> None:
    """What is wrong with it is told by its host and path: at the start, and whenever it is asked again."""
    async with publishing(b"nothing") as published:
        place = f"{published.url}?apikey={URL_SECRET}"
        with capture_logs() as logs:
            async with running_backend(tmp_path, ADMIN, **settings(tmp_path, place)) as backend:
                published.body = b" " * (512 * 1024 + 1)
                await backend.until_logged(logs, UNREAD, "expected at most 524", MINUTE)
                published.status = 500
                await backend.until_logged(logs, UNREAD, "expected the status ", MINUTE)
        problems = [str(each["problem"]) for each in logs if each["event"].startswith(UNREAD)]
        assert [each.removeprefix(f"{published.url}?...: ")[:20] for each in problems[1:]] == [
            "expected at most 524",
            "expected the status ",
        ]
        assert URL_SECRET not in str(logs)


async def test_a_watch_ends_when_its_token_does(backend: Backend) -> None:
    """With the leeway: half a minute after what it says."""
    token = EC.sign(claims(exp=at(seconds=-22)))
    async with backend.open_channel(token) as channel:
        watcher = Watcher(channel)
        await watcher.snapshot()
        refusal = await backend.ticking(watcher.ended())
    assert told(refusal) == ("UNAUTHENTICATED", "TOKEN_EXPIRED")
    assert refusal.metadata == {"expire_time": (START + timedelta(seconds=8)).isoformat()}


async def test_a_watch_ends_when_its_key_is_trusted_no_more(backend: Backend, keys: Path) -> None:
    """A watch by another key goes on; a file that is bad changes nothing."""
    async with backend.open_channel(EC.sign(claims())) as channel, backend.open_channel(RSA.sign(claims())) as other:
        watcher, kept = Watcher(channel), Watcher(other)
        await watcher.snapshot()
        await kept.snapshot()
        put(keys, b"nothing")
        with capture_logs() as logs:
            await backend.until_logged(logs, UNREAD)
            await backend.pass_time(seconds=1.1)
        assert [each["problem"][:30] for each in logs if "JWTs" in each["event"]] == ["expected a JSON Web Key Set wi"]
        assert await stale(backend) == 1
        await METHODS["ListAccounts"].call_raw(channel, b"")
        put(keys, key_set(RSA.public()))
        assert told(await backend.ticking(watcher.ended())) == ("UNAUTHENTICATED", "TOKEN_UNKNOWN")
        assert told(await refused(METHODS["ListAccounts"].call_raw(channel, b"")))[1] == "TOKEN_UNKNOWN"
        await METHODS["ListAccounts"].call_raw(other, b"")
        assert await stale(backend) == 0
        kept.cancel()


async def stale(backend: Backend) -> float:
    url = f"http://127.0.0.1:{backend.app.http_port}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        [row] = [row for row in (await answer.text()).splitlines() if row.startswith("calguard_auth_jwks_stale ")]
        return float(row.split()[1])


@pytest.fixture
async def published() -> AsyncIterator[Published]:
    async with publishing(key_set(EC.public())) as published:
        yield published


async def test_a_key_that_is_new_is_fetched_when_it_is_first_met(tmp_path: Path, published: Published) -> None:
    """Not more often than every ten seconds, and otherwise every ten minutes."""
    async with running_backend(tmp_path, ADMIN, **settings(tmp_path, published.url)) as backend:
        assert await outcome(backend, EC.sign(claims())) == ("", "", "")
        assert published.asked == 1
        backend.clock.advance(timedelta(seconds=10))
        published.body = key_set(EC.public(), NEXT.public())
        assert await outcome(backend, NEXT.sign(claims())) == ("", "", "")
        for number in range(5):
            assert await outcome(backend, NEXT.sign(claims(), kid=f"made-up-{number}")) == UNKNOWN
        assert published.asked == 2
        published.body = key_set(NEXT.public())
        late = EC.sign(claims(exp=at(hours=50)))
        assert await outcome(backend, late) == ("", "", "")
        await backend.pass_time(minutes=10)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await outcome(backend, late) != UNKNOWN:
                await backend.notifications()
        assert published.asked == 3


async def test_an_outage_leaves_the_keys_in_force(tmp_path: Path, published: Published) -> None:
    """Whether another token is good cannot be told meanwhile: the call may be made again later."""
    async with running_backend(tmp_path, ADMIN, **settings(tmp_path, published.url)) as backend:
        published.status = 503
        backend.clock.advance(timedelta(seconds=10))
        assert await outcome(backend, NEXT.sign(claims())) == ("UNAVAILABLE", "KEYS_UNAVAILABLE", "")
        assert await outcome(backend, EC.sign(claims())) == ("", "", "")
        published.status, published.headers = 302, {"Location": published.url}
        backend.clock.advance(timedelta(seconds=10))
        assert await outcome(backend, NEXT.sign(claims())) == ("UNAVAILABLE", "KEYS_UNAVAILABLE", "")
        published.status, published.body = 200, key_set(NEXT.public())
        backend.clock.advance(timedelta(seconds=10))
        assert await outcome(backend, NEXT.sign(claims())) == ("", "", "")


async def test_a_server_starts_while_its_issuer_is_down(tmp_path: Path, published: Published) -> None:
    """And says so; a file is its own, and has to be good."""
    published.status = 503
    with capture_logs() as logs:
        async with running_backend(tmp_path, ADMIN, **settings(tmp_path, published.url)) as backend:
            assert await outcome(backend, EC.sign(claims())) == ("UNAVAILABLE", "KEYS_UNAVAILABLE", "")
            assert await outcome(backend, ADMIN) == ("", "", "")
            assert await stale(backend) == 1
            published.status = 200
            backend.clock.advance(timedelta(seconds=10))
            assert await outcome(backend, EC.sign(claims())) == ("", "", "")
            overrides, world = backend.overrides, backend.world
    assert next(each["problem"] for each in logs if "JWTs" in each["event"]).endswith("and not 503")
    overwrite(tmp_path / "keys", "{}")
    with pytest.raises(JwksError, match="expected a JSON Web Key Set"):
        await App.start(read_settings(**overrides | {"auth_jwt_jwks": str(tmp_path / "keys")}), world)


async def test_without_a_file_of_callers_jwts_alone_let_in(tmp_path: Path, keys: Path) -> None:
    alone = settings(tmp_path, str(keys)) | {"auth_tokens_file": ""}
    token = EC.sign(claims(calguard_role="admin"))
    async with running_backend(tmp_path, token, **alone) as backend:
        await backend.add_account("ann")
        assert await outcome(backend, "") == ("UNAUTHENTICATED", "TOKEN_MISSING", "")
        assert await outcome(backend, ADMIN) == UNKNOWN
        async with backend.open_channel(token) as channel:
            assert isinstance(await Stubs(channel).all_links(), list)


async def test_a_watch_of_the_library_goes_on_with_the_next_token(backend: Backend) -> None:
    """Nothing is missed in between."""

    def renewed() -> str:
        return EC.sign(claims(exp=at(backend.clock.now(), seconds=-25)))  # good for 5 s of the leeway

    options = ClientOptions(token=renewed)
    async with AsyncClient(f"127.0.0.1:{backend.app.port}", options) as client, client.watch() as watch:
        events = aiter(watch)
        while not isinstance(await anext(events), SnapshotEnded):
            pass
        ended = asyncio.ensure_future(anext(events))
        assert isinstance(await backend.ticking(ended), Interrupted)
        await backend.add_account("ann")
        page = await backend.add_page("page", ALL, "ann", "ann")
        while not isinstance(event := await anext(events), Changes):
            pass
        assert [change.revision for change in event.changes] == [page.revision]
