"""The gRPC server over a real socket, with use cases that do what a test says."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from calguard_server.auth.authority import Authority
from calguard_server.grpc_api.limits import Limits
from calguard_server.grpc_api.page_answers import PageAnswers
from calguard_server.grpc_api.server import GrpcServer, UseCases, build_server


class Scripted:
    """Stands in for every use case: each call is noted, and answers or raises what the test has put under its name."""

    def __init__(self) -> None:
        self.answers: dict[str, object] = {}
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Callable[..., object]:
        async def call(*args: object) -> object:
            self.calls.append((name, args))
            answer = self.answers[name]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


class ScriptedFeed:
    """Streams the messages given, then raises, ends, or stays open until it is closed."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.error: Exception | None = None
        self.stays_open = False
        self.callers: list[str] = []
        self.closed = asyncio.Event()

    @asynccontextmanager
    async def open(
        self, _spec: object, caller: str, _still_permitted: object
    ) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        self.callers.append(caller)
        async with aclosing(self._stream()) as messages:
            yield messages

    async def _stream(self) -> AsyncGenerator[bytes, None]:
        try:
            for message in self.messages:
                yield message
            if self.error is not None:
                raise self.error
            if self.stays_open:
                await asyncio.Event().wait()
        finally:
            self.closed.set()


def use_cases_of(script: Scripted, feed: ScriptedFeed) -> UseCases:
    case: Any = script
    return UseCases(
        accounts=case,
        availability=case,
        appointments=case,
        pages=case,
        page_answers=PageAnswers(case.get),
        linking=case,
        selection=case,
        checks=case,
        ending=case,
        incidents=case,
        diagnosis=case,
        reports=case,
        status=case,
        slack_workspaces=case,
        notifications=case,
        silences=case,
        store=case,
        feed=feed,
    )


@asynccontextmanager
async def serving(
    script: Scripted,
    feed: ScriptedFeed,
    authority: Authority | None = None,
    limits: Limits | None = None,
    timer: Callable[[], float] = time.perf_counter,
) -> AsyncIterator[GrpcServer]:
    server = build_server(use_cases_of(script, feed), "127.0.0.1", 0, authority=authority, limits=limits, timer=timer)
    await server.start()
    try:
        yield server
    finally:
        await server.stop(10)


def info_of(error: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo:
    info = error_details_pb2.ErrorInfo()
    assert rpc_status.from_call(error).details[0].Unpack(info)  # from_call compares code and text with the status
    return info


async def refused(call: Awaitable[object]) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value
