"""The HTTP server over a real socket: liveness, metrics, and what is not there."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.integration.http_harness import CODE, STATE, ScriptedLinking, browsing, server_of
from tests.patience import PATIENCE_SECONDS


@pytest.fixture
def linking() -> ScriptedLinking:
    return ScriptedLinking()


@pytest.fixture
async def browser(linking: ScriptedLinking) -> AsyncIterator[aiohttp.ClientSession]:
    async with browsing(linking) as browser:
        yield browser


@pytest.mark.parametrize(("well", "status", "text"), [(True, 200, "ok\n"), (False, 503, "not serving\n")])
async def test_health(linking: ScriptedLinking, well: bool, status: int, text: str) -> None:  # noqa: FBT001 - a parameter
    async with browsing(linking, lambda: well) as browser, browser.get("/healthz") as response:
        assert (response.status, await response.text()) == (status, text)


@pytest.mark.parametrize("accept", ["", "text/plain", "application/openmetrics-text; version=1.0.0"])
async def test_metrics(browser: aiohttp.ClientSession, accept: str) -> None:
    async with browser.get("/metrics", headers={"Accept": accept}) as response:
        text = await response.text()
        assert response.status == 200
        assert "checks_total 3.0" in text
        assert response.content_type == ("application/openmetrics-text" if "openmetrics" in accept else "text/plain")


@pytest.mark.parametrize("version", ["1.0.", "x", "1.0.0.0.0", "\u00b2", "9" * 5_000])
async def test_metrics_for_who_asks_for_a_version_that_is_none(browser: aiohttp.ClientSession, version: str) -> None:
    """They are shown as text, or as something else that there is; it is no error of ours."""
    accept = f"application/openmetrics-text; version={version}"
    async with browser.get("/metrics", headers={"Accept": accept}) as response:
        assert response.status == 200
        assert "checks_total 3.0" in await response.text()


@pytest.mark.parametrize("path", ["/", "/oauth", "/oauth/callback/x", "/favicon.ico", "/%00", "/../etc/passwd"])
async def test_another_address_is_not_found(browser: aiohttp.ClientSession, path: str) -> None:
    async with browser.get(path) as response:
        assert (response.status, response.content_type) == (404, "text/plain")
        assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
async def test_another_method_completes_nothing(
    browser: aiohttp.ClientSession, linking: ScriptedLinking, method: str
) -> None:
    async with browser.request(method, f"/oauth/callback?state={STATE}&code={CODE}") as response:
        assert response.status == 405
    assert linking.calls == []


async def test_a_click_in_slack_is_acknowledged(browser: aiohttp.ClientSession, linking: ScriptedLinking) -> None:
    """Whatever it says, which nobody reads; and nothing but a click."""
    for body in (b"payload=%7B%7D", b"", b"x" * 100_000):
        async with browser.post("/slack/interactions", data=body) as response:
            assert (response.status, await response.read()) == (200, b"")
    async with browser.get("/slack/interactions") as response:
        assert response.status == 405
    assert linking.calls == []


async def test_a_port_that_is_taken(linking: ScriptedLinking) -> None:
    first, second = server_of(linking), server_of(linking)
    port = await first.start("127.0.0.1", 0)
    with pytest.raises(OSError, match=str(port)):
        await second.start("127.0.0.1", port)
    await second.stop()
    await first.stop()


@pytest.mark.parametrize("begun", [b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_who_sends_no_whole_request_is_hung_up_on(linking: ScriptedLinking, begun: bytes) -> None:
    """Others are answered meanwhile."""
    server = server_of(linking, head_seconds=0.2)
    port = await server.start("127.0.0.1", 0)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(begun)
        async with aiohttp.ClientSession() as browser, browser.get(f"http://127.0.0.1:{port}/healthz") as response:
            assert response.status == 200
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await reader.read() == b""
        writer.close()
    finally:
        await server.stop()
