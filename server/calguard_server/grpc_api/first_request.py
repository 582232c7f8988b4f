"""Waits for the request of a call that anybody may make, so that calls without one do not pile up.

A request comes with the opening of its call. So where many are waited for, it is those that wait longest that are
given up: none of them is meant.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from calguard_server.domain.errors import DeadlineExceededError, InvalidArgumentError, ResourceExhaustedError
from calguard_server.grpc_api.under_way import UnderWay

WAITING_MAX = 1_000
WAIT_SECONDS = 10.0


class FirstRequests:
    """At most `at_most` requests are waited for at a time, each for `seconds` at most."""

    def __init__(self, at_most: int = WAITING_MAX, seconds: float = WAIT_SECONDS) -> None:
        self._at_most = at_most
        self._seconds = seconds
        self._waiting = UnderWay()

    async def of(self, requests: AsyncGenerator[Any, None]) -> Any:  # noqa: ANN401 - whatever the method takes
        """Answer the first request.

        Raises DeadlineExceededError `CALL_TIMEOUT`, ResourceExhaustedError `STREAM_LIMIT`, and InvalidArgumentError
        `REQUEST_UNREADABLE` where there is none.
        """
        if len(self._waiting) >= self._at_most:
            self._waiting.break_off_oldest(self._too_many())
        with self._waiting.one():
            try:
                async with asyncio.timeout(self._seconds), aclosing(requests):
                    async for request in requests:
                        return request
            except TimeoutError:
                text = f"the call was opened, and its request did not come within {self._seconds:g} s"
                raise DeadlineExceededError("CALL_TIMEOUT", text) from None
        raise InvalidArgumentError("REQUEST_UNREADABLE", "the call has no request: send one")

    def _too_many(self) -> ResourceExhaustedError:
        text = f"{self._at_most} calls were opened after this one without a request: send it with the call's opening"
        return ResourceExhaustedError("STREAM_LIMIT", text, metadata={"limit": str(self._at_most)})
