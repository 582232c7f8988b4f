"""The sandbox's control API: what people do at Google, and what was received by mail and Slack."""

from collections.abc import Mapping
from typing import Any

import aiohttp

from demo.claims import Mismatch

_OK = 200


class Control:
    """A client of the control API. Raises Mismatch where a call is refused."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.url = url
        self._session = session

    async def consent(self, authorization_url: str, email: str) -> str:
        """Open Google's consent page as that person, tick every box, agree; where the browser is sent then."""
        body = {"authorization_url": authorization_url, "email": email, "scopes": "all"}
        answer = await self._ask("POST", "/google/consent", json=body)
        return str(answer["redirect_url"])

    async def revoke(self, email: str) -> None:
        """Take the app's access away, as the person does on Google's page of third-party access."""
        await self._ask("POST", f"/google/users/{email}/revoke")

    async def received(self, path: str, *, after: int, count: int, wait_seconds: int) -> list[dict[str, Any]]:
        """Answer what was received after that number, once there are so many, or when the time is up."""
        query = {"after": str(after), "count": str(count), "wait_seconds": str(wait_seconds)}
        answer = await self._ask("GET", path, params=query)
        return list(answer["messages"])

    async def _ask(
        self, method: str, path: str, *, json: Mapping[str, str] | None = None, params: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        async with self._session.request(method, self.url + path, json=json, params=params) as answer:
            if answer.status != _OK:
                raise Mismatch(f"sandbox: {method} {path}", _OK, f"{answer.status} {await answer.text()}")
            return dict(await answer.json())
