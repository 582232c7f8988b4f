"""A small OAuth client of the sandbox, as an app that asks for a calendar grant."""

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp

from calguard_sandbox import Sandbox

PREFIX = "https://www.googleapis.com/auth/"
LIST, CHECK, ADD = (
    f"{PREFIX}calendar.calendarlist.readonly",
    f"{PREFIX}calendar.freebusy",
    f"{PREFIX}calendar.events",
)
Scopes = list[str] | Literal["all"]
CALLBACK = "http://127.0.0.1:8080/oauth/callback"
VERIFIER = "a-verifier-of-more-than-forty-three-characters-000"


class MovingClock:
    """A clock that stands still until it is told to move."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 5, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **by: float) -> None:
        self.time += timedelta(**by)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, read."""

    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Browser:
    """An app and its user."""

    sandbox: Sandbox
    http: aiohttp.ClientSession
    env: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.env = self.sandbox.server_environment()

    def query(self, **changes: str | None) -> dict[str, str]:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=")
        query: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.env["CALGUARD_GOOGLE_CLIENT_ID"],
            "redirect_uri": CALLBACK,
            "scope": " ".join(["openid", "email", LIST, CHECK, ADD]),
            "state": "a state & more",
            "nonce": "a-nonce",
            "access_type": "offline",
            "prompt": "consent",
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in query.items() if value is not None}

    def url(self, **changes: str | None) -> str:
        return f"{self.env['CALGUARD_GOOGLE_AUTH_URI']}?{urlencode(self.query(**changes))}"

    async def code(self, email: str = "ann@example.com", scopes: Scopes = "all", **changes: str | None) -> str:
        redirect = await self.sandbox.consent(self.url(**changes), email, scopes)
        return parse_qs(urlsplit(redirect).query)["code"][0]

    async def token(self, **form: str | None) -> Answer:
        whole = {
            "client_id": self.env["CALGUARD_GOOGLE_CLIENT_ID"],
            "client_secret": self.env["CALGUARD_GOOGLE_CLIENT_SECRET"],
            **form,
        }
        data = {name: value for name, value in whole.items() if value is not None}
        return await self.send("POST", self.env["CALGUARD_GOOGLE_TOKEN_URI"], data=data)

    async def exchange(self, code: str, **changes: str | None) -> Answer:
        form = {"redirect_uri": CALLBACK, "code_verifier": VERIFIER, **changes}
        return await self.token(grant_type="authorization_code", code=code, **form)

    async def refresh(self, token: str, **changes: str | None) -> Answer:
        return await self.token(grant_type="refresh_token", refresh_token=token, **changes)

    async def grant(self, email: str = "ann@example.com", scopes: Scopes = "all") -> dict[str, Any]:
        answer = await self.exchange(await self.code(email, scopes))
        assert answer.status == 200, answer
        body: dict[str, Any] = answer.body
        return body

    async def api(self, method: str, path: str, access_token: str | None = None, **more: object) -> Answer:
        headers = {"Authorization": f"Bearer {access_token}"} if access_token else {}
        url = self.env["CALGUARD_GOOGLE_API_ENDPOINT"] + path
        return await self.send(method, url, headers=headers, **more)

    async def freebusy(self, access_token: str | None, *calendars: str) -> Answer:
        body = {
            "timeMin": "2026-01-05T00:00:00Z",
            "timeMax": "2026-01-06T00:00:00Z",
            "items": [{"id": calendar} for calendar in calendars],
        }
        return await self.api("POST", "freeBusy", access_token, json=body)

    async def send(self, method: str, url: str, **more: object) -> Answer:
        async with self.http.request(method, url, allow_redirects=False, **more) as answer:
            json = answer.content_type == "application/json"
            body = await answer.json() if json and answer.status != 204 else await answer.text()
            return Answer(answer.status, dict(answer.headers), body)


def event(event_id: str | None = None, **more: object) -> dict[str, Any]:
    """An event of half an hour."""
    body = {
        "summary": "A booking",
        "start": {"dateTime": "2026-01-05T10:00:00Z"},
        "end": {"dateTime": "2026-01-05T10:30:00Z"},
        **more,
    }
    return {"id": event_id, **body} if event_id else body


def reason(answer: Answer) -> str:
    """The reason of a Calendar API error."""
    assert answer.body["error"]["code"] == answer.status
    text: str = answer.body["error"]["errors"][0]["reason"]
    return text
