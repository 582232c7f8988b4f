"""A running server with a sandbox for each test, on free ports, with a clock that the test moves."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.backend import Backend, running_backend
from tests.e2e.failure_scene import Scene, set_scene


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[Backend]:
    async with running_backend(tmp_path) as running:
        yield running


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """A page that needs Ann and Ben, whose calendars are linked; Olga owns it. Nobody is waited for at a stop."""
    async with running_backend(tmp_path, drain_timeout="0s") as running:
        yield await set_scene(running)
