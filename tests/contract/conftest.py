"""A running sandbox for each test, on free ports, with a clock that the test moves."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from calguard_sandbox import Sandbox, SandboxOptions
from tests.contract.google_client import Browser, MovingClock


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
async def sandbox(clock: MovingClock) -> AsyncIterator[Sandbox]:
    async with Sandbox(SandboxOptions(seed="test"), now=clock) as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def browser(sandbox: Sandbox, http: aiohttp.ClientSession) -> Browser:
    return Browser(sandbox, http)
