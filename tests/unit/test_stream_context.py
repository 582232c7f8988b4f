"""A stream's first message, and those after it, when their stream is broken off."""

import asyncio
from typing import Any, cast

import pytest

from calguard_server.grpc_api.handlers import Context
from calguard_server.grpc_api.stream_context import StreamContext


class Slow:
    """A context of grpc's that has written a message once that is let happen."""

    code = "OK"

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.written: list[str] = []
        self.may_write = asyncio.Event()

    async def write(self, message: str) -> None:
        self.begun.set()
        await self.may_write.wait()
        self.written.append(message)


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def context(slow: Slow) -> Any:  # noqa: ANN401 - stands for grpc's
    return StreamContext(cast("Context", slow))


async def test_the_first_message_is_written_to_its_end(slow: Slow, context: Any) -> None:  # noqa: ANN401
    writing = asyncio.create_task(context.write("first"))
    await slow.begun.wait()
    writing.cancel()
    await asyncio.wait({writing}, timeout=0)
    assert not writing.done()
    slow.may_write.set()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert slow.written == ["first"]


async def test_one_after_it_is_broken_off(slow: Slow, context: Any) -> None:  # noqa: ANN401
    slow.may_write.set()
    await context.write("first")
    slow.may_write.clear()
    slow.begun.clear()
    writing = asyncio.create_task(context.write("second"))
    await slow.begun.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert slow.written == ["first"]


async def test_all_else_is_grpcs(context: Any) -> None:  # noqa: ANN401
    assert context.code == "OK"
