"""The context of a stream, whose first message is written to its end.

grpc sends a call's metadata with its first message, and takes note of it once that is written. A stream that is broken
off before would have the metadata sent again with its refusal, which grpc refuses: its caller would be told nothing,
and wait until the connection ends.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from calguard_server.grpc_api.handlers import Context

_PATIENCE_SECONDS = 1.0
"""How long a stream that is broken off waits for its first message; nothing is before it that could hold it up."""


class StreamContext:
    """All that grpc's own context is."""

    __slots__ = ("_context", "write")  # there is one for each watch

    def __init__(self, context: Context) -> None:
        self._context = context
        self.write: Callable[[Any], Awaitable[None]] = self._write_first

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever grpc's has
        return getattr(self._context, name)

    async def _write_first(self, message: Any) -> None:  # noqa: ANN401 - whatever the method answers
        writing = asyncio.ensure_future(self._context.write(message))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait({writing}, timeout=_PATIENCE_SECONDS)
            writing.cancel()
            raise
        self.write = self._context.write
