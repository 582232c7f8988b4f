"""The demo, as somebody who has never seen the project runs it."""

import asyncio
import sys

from tests.leaks import emitted


async def test_demo() -> None:
    """It tells its story to the end, verifies every claim by looking, and says so by exit code 0."""
    demo = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "demo", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    printed, _ = await demo.communicate()
    emitted("the demo", printed.decode())
    assert demo.returncode == 0, printed.decode()
    assert "claims hold" in printed.decode()
