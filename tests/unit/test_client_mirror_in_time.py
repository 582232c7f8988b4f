"""A mirror of asyncio in virtual time: waiting for it, and what it gets over."""

import asyncio
from datetime import timedelta

import grpc
import grpc.aio
import pytest

from calguard.v1 import watch_pb2 as pb
from calguard_client import AsyncMirror, AsyncWatch, MirrorOptions
from calguard_client.watching.resumption import Resumption
from tests.fakes.scripted_streams import Script, Server, ending, failing, silent
from tests.fakes.virtual_time import run_virtually
from tests.unit.watch_messages import SNAPSHOT, changes, end, page, part


def watching(server: Server) -> AsyncWatch:
    return AsyncWatch(server, Resumption(pb.WatchRequest(), lambda: 0.5))


def test_a_mirror_waits_and_is_woken() -> None:
    async def live() -> None:
        told = asyncio.Event()
        messages = iter([part(page("a", 1, SNAPSHOT)), end("t"), changes("u", page("a", 2, accepting=True))])

        def script(_server: Server) -> Script:
            async def read() -> object:
                message = next(messages, None)
                if message is None:
                    return await asyncio.Event().wait()
                if message.resume_token == "u":
                    await told.wait()
                return message

            return read

        async with AsyncMirror(watching(Server(script)), MirrorOptions()) as mirror:
            assert not mirror.ready.is_set()
            await mirror.wait_ready()
            assert mirror.ready.is_set()
            with pytest.raises(TimeoutError):
                await mirror.wait_until(lambda m: m.accepting("a"), timedelta(seconds=5))
            told.set()
            assert await mirror.wait_until(lambda m: m.get_page("a") if m.accepting("a") else None)

    run_virtually(live())


def test_a_mirror_that_cannot_be_had_says_so() -> None:
    async def live() -> None:
        server = Server(failing(grpc.StatusCode.PERMISSION_DENIED))
        async with AsyncMirror(watching(server), MirrorOptions()) as mirror:
            with pytest.raises(grpc.aio.AioRpcError, match="said so"):
                await mirror.wait_ready()
            assert mirror.failure is not None
            assert not mirror.ready.is_set()

    run_virtually(live())


def test_a_mirror_gets_over_breaks() -> None:
    async def live() -> None:
        server = Server(ending(part(page("a", 1, SNAPSHOT)), end("t")))
        async with AsyncMirror(watching(server), MirrorOptions()) as mirror:
            await mirror.wait_ready()
            with pytest.raises(TimeoutError):
                await mirror.wait_until(lambda m: m.get_page("b"), timedelta(hours=1))
            assert mirror.failure is None
            assert mirror.get_page("a") is not None

    run_virtually(live())


def quiet() -> Server:
    """Sends a snapshot, and nothing more."""
    messages = iter([part(page("a", 1, SNAPSHOT)), end("t")])

    def script(_server: Server) -> Script:
        async def read() -> object:
            return next(messages, None) or await asyncio.Event().wait()

        return read

    return Server(script)


def test_who_waits_for_a_mirror_that_is_closed_is_told() -> None:
    async def live() -> None:
        mirror = AsyncMirror(watching(quiet()), MirrorOptions())
        with pytest.raises(RuntimeError, match="was not entered"):
            await mirror.wait_ready()
        async with mirror:
            await mirror.wait_ready()
            waiting = asyncio.ensure_future(mirror.wait_until(lambda _: False))
        with pytest.raises(RuntimeError, match="is closed"):
            await waiting
        with pytest.raises(RuntimeError, match="entered once"):
            await mirror.__aenter__()
        assert mirror.failure is None

    run_virtually(live())


def test_a_callback_that_raises_a_cancellation_breaks_nothing() -> None:
    async def live() -> None:
        server = Server(ending(part(page("a", 1, SNAPSHOT)), end("t"), changes("u", page("a", 2)), changes("v")))
        async with AsyncMirror(watching(server), MirrorOptions()) as mirror:

            def callback(_change: object) -> None:
                raise asyncio.CancelledError

            mirror.on_change(callback)
            await mirror.wait_until(lambda m: m.pages()[0].revision == 2)
            assert mirror.failure is None

    run_virtually(live())


def test_a_mirror_whose_task_is_cancelled_by_another_says_so() -> None:
    async def live() -> None:
        async with AsyncMirror(watching(quiet()), MirrorOptions()) as mirror:
            await mirror.wait_ready()
            waiting = asyncio.ensure_future(mirror.wait_until(lambda _: False))
            for task in asyncio.all_tasks():
                if task.get_name() == "calguard mirror":
                    task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert isinstance(mirror.failure, asyncio.CancelledError)

    run_virtually(live())


def test_a_wait_that_took_too_long_says_what_is_the_matter() -> None:
    async def live() -> None:
        server = Server(failing(grpc.StatusCode.UNAVAILABLE))
        async with AsyncMirror(watching(server), MirrorOptions()) as mirror:
            with pytest.raises(TimeoutError, match="said so"):
                await mirror.wait_ready(timedelta(minutes=1))

    run_virtually(live())


def test_what_nobody_would_await_is_refused() -> None:
    async def never(_: object) -> bool:
        return True

    async def live() -> None:
        async with AsyncMirror(watching(Server(silent(end("t")))), MirrorOptions()) as mirror:
            with pytest.raises(ValueError, match="callback: expected a plain function"):
                mirror.on_change(never)
            with pytest.raises(ValueError, match="predicate: expected a plain function"):
                await mirror.wait_until(never)

    run_virtually(live())
