"""A watch and a mirror of asyncio in virtual time: how often streams are opened, and what giving up waiting harms."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing

import grpc
import grpc.aio
import pytest

from calguard.v1 import watch_pb2 as pb
from calguard_client import AsyncWatch, Interrupted, InvalidArgumentError, SnapshotEnded, SnapshotStarted
from calguard_client.watching.resumption import Resumption
from tests.fakes.scripted_streams import Script, Server, ending, failing, silent, ticking
from tests.fakes.virtual_time import run_virtually
from tests.unit.watch_messages import changes, end, page, progress

HOUR = 3600


def watching(server: Server, drawn: float = 0.5, **fields: object) -> AsyncWatch:
    return AsyncWatch(server, Resumption(pb.WatchRequest(**fields), lambda: drawn))  # type: ignore[arg-type]


async def follow(watch: AsyncWatch, seconds: float) -> list[object]:
    """What a watch tells in so many seconds."""
    told: list[object] = []
    try:
        async with asyncio.timeout(seconds), aclosing(watch):
            async for event in watch:
                told.append(event)  # noqa: PERF401 - what was told is wanted though it breaks off
    except TimeoutError:
        return told
    raise AssertionError("a watch does not end")


@pytest.mark.parametrize(
    "script",
    [failing(grpc.StatusCode.UNAVAILABLE), ending(), ending(end("t")), ending(progress("t"))],
    ids=["refused", "ended at once", "ended after a snapshot", "ended after progress"],
)
@pytest.mark.parametrize(("drawn", "at_most"), [(0.0, HOUR / 0.1), (0.5, 252), (0.999999, 127)])
def test_it_is_never_busy(script: Callable[[Server], Script], drawn: float, at_most: float) -> None:
    """An hour of streams that end at once: their number is that of the waits, whatever chance draws."""
    server = Server(script)
    run_virtually(follow(watching(server, drawn), HOUR))
    assert len(server.opened) <= at_most + 1
    gaps = [later - earlier for earlier, later in zip(server.times, server.times[1:], strict=False)]
    assert min(gaps) > 0.0999  # times are counted in whole microseconds
    assert server.open == 0


def test_a_limit_is_asked_for_rarely() -> None:
    server = Server(failing(grpc.StatusCode.RESOURCE_EXHAUSTED))
    run_virtually(follow(watching(server, 0.0), HOUR))
    assert len(server.opened) == HOUR / 15


def test_each_interruption_is_told_with_its_delay() -> None:
    server = Server(failing(grpc.StatusCode.UNAVAILABLE))
    told = run_virtually(follow(watching(server, 0.999999), 3))
    assert all(isinstance(event, Interrupted) for event in told)
    assert [round(at, 3) for at in server.times] == [0, 0.5, 1.5]


def test_a_silent_stream_is_given_up_and_gone_on_from() -> None:
    """After three progress intervals; the token of the last message is sent."""
    server = Server(silent(end("t")))
    run_virtually(follow(watching(server, 0.0), 100))
    assert [(round(at, 1), token) for at, token in server.opened] == [(0, ""), (45.1, "t"), (90.2, "t")]


def test_a_stream_that_makes_progress_is_kept() -> None:
    server = Server(ticking(15))
    run_virtually(follow(watching(server), 24 * HOUR))
    assert len(server.opened) == 1


def test_a_slow_reader_is_not_taken_for_a_silent_stream() -> None:
    """It reads when it is asked to, one message at a time: nothing is queued, and its own time does not count."""
    server = Server(ending(end("t"), *(changes(f"t{n}", page("a", n)) for n in range(1, 50))))

    async def read_slowly() -> None:
        async with watching(server) as watch:
            async for event in watch:
                await asyncio.sleep(300)  # noqa: TID251 - virtual: the loop jumps
                if event.resume_token == "t9":
                    break
            assert (len(server.opened), server.reads) == (1, 10)

    run_virtually(read_slowly())


def test_giving_up_waiting_harms_nothing() -> None:
    """A reader with a timeout of its own gets each event once, from the same stream."""
    server = Server(ticking(15))

    async def read_impatiently() -> list[str]:
        tokens: list[str] = []
        async with watching(server) as watch:
            while len(tokens) < 6:
                try:
                    async with asyncio.timeout(4):
                        tokens.append((await anext(watch)).resume_token)
                except TimeoutError:
                    continue
        return tokens

    assert run_virtually(read_impatiently()) == ["", "t", "p", "p", "p", "p"]
    assert len(server.opened) == 1


def test_giving_up_waiting_does_not_shorten_a_wait() -> None:
    server = Server(failing(grpc.StatusCode.UNAVAILABLE))

    async def read_impatiently() -> None:
        async with watching(server, 0.999999) as watch:
            while asyncio.get_running_loop().time() < 100:
                try:
                    async with asyncio.timeout(0.05):
                        await anext(watch)
                except TimeoutError:
                    continue

    run_virtually(read_impatiently())
    assert len(server.opened) <= 10


def test_an_error_that_stays_is_raised_and_ends_the_watch() -> None:
    server = Server(failing(grpc.StatusCode.INVALID_ARGUMENT))

    async def read() -> None:
        watch = watching(server)
        with pytest.raises(InvalidArgumentError, match="said so"):
            await anext(watch)
        with pytest.raises(StopAsyncIteration):
            await anext(watch)

    run_virtually(read())
    assert (len(server.opened), server.open) == (1, 0)


@pytest.mark.parametrize(
    "script", [silent(end("t")), failing(grpc.StatusCode.RESOURCE_EXHAUSTED)], ids=["message", "wait"]
)
def test_a_reader_that_waits_is_ended_by_closing(script: Callable[[Server], Script]) -> None:
    """Whether it waits for a message or for the time to open a stream; nothing is opened any more."""
    server = Server(script)

    async def close_meanwhile() -> None:
        async with watching(server) as watch:

            async def read() -> list[object]:
                return [event async for event in watch]

            reader = asyncio.create_task(read())
            async with asyncio.timeout(3):
                await asyncio.wait({reader}, timeout=1)
                await watch.aclose()
                assert await reader
        await asyncio.sleep(HOUR)  # noqa: TID251 - virtual: the loop jumps

    run_virtually(close_meanwhile())
    assert (len(server.opened), server.open) == (1, 0)


def test_a_snapshot_is_told_once_for_a_stream() -> None:
    told = run_virtually(follow(watching(Server(ticking(15))), 60))
    assert len([event for event in told if isinstance(event, SnapshotEnded)]) == 1


def test_a_second_reader_is_refused_and_the_first_goes_on() -> None:
    async def read_twice() -> None:
        async with watching(Server(ticking(15))) as watch:
            first, second = await asyncio.gather(anext(watch), anext(watch), return_exceptions=True)
            assert isinstance(first, SnapshotStarted)
            assert isinstance(second, RuntimeError)
            assert isinstance(await anext(watch), SnapshotEnded)

    run_virtually(read_twice())
