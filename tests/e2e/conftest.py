"""A running server with a sandbox for each test, on free ports, with a clock that the test moves."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.backend import Backend, running_backend


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[Backend]:
    async with running_backend(tmp_path) as running:
        yield running
