"""The feed in virtual time, over a store that holds what a test says: who is told what, and when."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from calguard.v1 import watch_pb2
from calguard_server.domain.errors import CalguardError, PermissionDeniedError
from calguard_server.engine.ports.log import LogEntry
from calguard_server.engine.ports.snapshot import Snapshot
from calguard_server.engine.ports.watching import WatchSpec
from calguard_server.watch.feed import Feed, FeedOptions
from tests.fakes.virtual_time import VirtualClock, run_virtually
from tests.fakes.world import middle

LARGE = b"x" * 600_000


class Log:
    """A durable log in memory; `oldest` is as far as it is kept."""

    store_id = "store"
    epoch = "0123456789abcdef"

    def __init__(self) -> None:
        self.entries: list[LogEntry] = []
        self.oldest = 1
        self.reads = 0

    async def oldest_revision(self) -> int:
        return self.oldest

    async def log_after(self, revision: int, limit: int) -> list[LogEntry]:
        self.reads += 1
        return [each for each in self.entries if each.revision > revision and each.revision >= self.oldest][:limit]

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        raise AssertionError("these watches begin without one")
        yield


class Feeding:
    """A feed at work, and what is committed to it."""

    def __init__(self, options: FeedOptions) -> None:
        self.log = Log()
        store: Any = self.log
        self.feed = Feed(store, lambda _: b"", VirtualClock(), middle, options, 0)
        self.seconds = asyncio.get_running_loop().time

    def commit(self, count: int = 1, title: bytes = b"", resource: str = "p") -> None:
        began = len(self.log.entries)
        change = watch_pb2.StateChange(booking_page={"title": title.decode()})
        for revision in range(began + 1, began + count + 1):
            change.revision = revision
            self.log.entries.append(
                LogEntry(revision, revision, "BOOKING_PAGE", resource, ("ann",), change.SerializeToString())
            )
        self.feed.publish(self.log.entries[began:])


Test = Callable[[Feeding], Coroutine[Any, Any, None]]


def run(test: Test, options: FeedOptions | None = None) -> None:
    async def main() -> None:
        feeding = Feeding(options or FeedOptions())
        running = asyncio.create_task(feeding.feed.run())
        try:
            async with asyncio.timeout(100_000):
                await test(feeding)
        finally:
            running.cancel()

    run_virtually(main())


FROM_NOW = WatchSpec(skip_snapshot=True)


async def read(messages: AsyncGenerator[bytes, None]) -> watch_pb2.WatchResponse:
    return watch_pb2.WatchResponse.FromString(await anext(messages))


async def revisions(messages: AsyncGenerator[bytes, None]) -> list[int]:
    return [change.revision for change in (await read(messages)).changes]


async def reason_of(messages: AsyncGenerator[bytes, None], pause: float = 0) -> str:
    """Read until the stream is refused, pausing over each message."""
    try:
        while True:
            await anext(messages)
            await VirtualClock().sleep(timedelta(seconds=pause))
    except CalguardError as refusal:
        return refusal.reason


def test_a_change_after_a_quiet_time_is_sent_at_once() -> None:
    """The interval is between flushes: whoever comes after a quiet time does not wait for it."""

    async def test(feeding: Feeding) -> None:
        async with feeding.feed.open(FROM_NOW) as messages:
            await read(messages)
            await VirtualClock().sleep(timedelta(seconds=1))
            feeding.commit()
            assert await revisions(messages) == [1]
            assert feeding.seconds() == 1

    run(test)


def test_changes_within_the_interval_come_together() -> None:
    """Commits that follow one another closely are shown together, so that each stream has one message of them."""

    async def test(feeding: Feeding) -> None:
        async with feeding.feed.open(FROM_NOW) as messages:
            await read(messages)
            feeding.commit()
            assert await revisions(messages) == [1]
            feeding.commit()
            feeding.commit(2)
            assert await revisions(messages) == [2, 3, 4]

    run(test)


@pytest.mark.parametrize("reads", [True, False], ids=["waits for changes", "is not read"])
def test_a_watch_ends_when_it_is_no_longer_permitted(reads: bool) -> None:  # noqa: FBT001 - pytest passes it
    """Whatever it is at: within a quarter of a second, with the refusal of who permits it, and it counts no more."""

    async def test(feeding: Feeding) -> None:
        permitted_until = 10.0

        def still_permitted() -> None:
            if feeding.seconds() > permitted_until:
                raise PermissionDeniedError("ROLE_TOO_SMALL", "no more")

        async def watch() -> None:
            async with feeding.feed.open(FROM_NOW, "ann", still_permitted) as messages:
                await read(messages)
                await (read(messages) if reads else VirtualClock().sleep(timedelta(hours=1)))

        with pytest.raises(PermissionDeniedError, match="no more"):
            await watch()
        assert permitted_until < feeding.seconds() <= permitted_until + 0.25
        assert feeding.feed.streams == 0
        assert not feeding.feed._streams_of

    run(test)


def test_streams_that_are_equally_far_share_their_bytes() -> None:
    """A message is joined once for all streams of equal filters, however many they are."""

    async def test(feeding: Feeding) -> None:
        spec = WatchSpec(skip_snapshot=True, account_ids=frozenset({"ann"}))
        async with (
            feeding.feed.open(spec) as one,
            feeding.feed.open(spec) as other,
            feeding.feed.open(FROM_NOW) as all_,
        ):
            for messages in (one, other, all_):
                await anext(messages)
            feeding.commit(3)
            sent = [await anext(messages) for messages in (one, other, all_)]
            assert sent[0] is sent[1]
            assert sent[0] is not sent[2]

    run(test)


def test_progress_comes_when_nothing_else_did() -> None:
    """Silence is broken by the stream's interval, by a quarter of a second; a message puts it off."""

    async def test(feeding: Feeding) -> None:
        async with feeding.feed.open(FROM_NOW) as messages:
            await read(messages)
            await VirtualClock().sleep(timedelta(seconds=10))
            feeding.commit()
            assert await revisions(messages) == [1]
            message = await read(messages)
            assert message.progress
            assert 10 + 15 * 0.9 < feeding.seconds() <= 25

    run(test)


def test_progress_where_nothing_passes_the_filter() -> None:
    """A busy server whose changes are all others' still tells how far it is; the token is not behind."""

    async def test(feeding: Feeding) -> None:
        spec = WatchSpec(skip_snapshot=True, account_ids=frozenset({"bob"}), progress_interval=timedelta(seconds=1))
        async with feeding.feed.open(spec) as messages:
            await read(messages)
            reading = asyncio.ensure_future(read(messages))
            for _ in range(30):
                feeding.commit()
                await VirtualClock().sleep(timedelta(milliseconds=100))
            first = await reading
            assert first.progress
            assert feeding.seconds() <= 3.1
            last = await read(messages)
        async with feeding.feed.open(WatchSpec(account_ids=spec.account_ids, resume_token=last.resume_token)) as rest:
            feeding.commit(resource="q")
            assert (await read(rest)).progress

    run(test)


def test_a_stream_behind_the_ring_reads_the_log() -> None:
    """What fell out of the ring comes from the log, whole and in order."""

    async def test(feeding: Feeding) -> None:
        async with feeding.feed.open(FROM_NOW) as messages:
            await read(messages)
            feeding.commit(5_000)
            received: list[int] = []
            while len(received) < 5_000:
                received += await revisions(messages)
            assert received == list(range(1, 5_001))
            assert feeding.log.reads > 0

    run(test, FeedOptions(ring_bytes=100_000))


def test_history_that_goes_while_a_stream_is_behind() -> None:
    """A stream that reads the log where it was dropped meanwhile is told so, and is not carried over the hole."""

    async def test(feeding: Feeding) -> None:
        async with feeding.feed.open(FROM_NOW) as messages:
            await read(messages)
            feeding.commit(3_000)
            await anext(messages)
            feeding.log.oldest = 2_900
            assert await reason_of(messages) == "RESUME_TOKEN_EXPIRED"

    run(test, FeedOptions(ring_bytes=10_000))


async def follow(feeding: Feeding, pause: float, committing: Callable[[], None], *, until: float) -> str:
    """Follow a watch, and commit and pause over each message; why it was ended, if it was before its time."""
    try:
        async with feeding.feed.open(FROM_NOW) as messages:
            async for _ in messages:
                committing()
                await VirtualClock().sleep(timedelta(seconds=pause))
                if feeding.seconds() > until:
                    break
    except CalguardError as refusal:
        return refusal.reason
    return ""


def test_a_message_that_waits_too_long_ends_the_stream() -> None:
    """Ten seconds for one message; a reader that takes nine each is not ended by that."""

    async def test(feeding: Feeding) -> None:
        assert await follow(feeding, 9, feeding.commit, until=600) == ""
        assert await follow(feeding, 11, feeding.commit, until=1200) == "SLOW_CONSUMER"
        assert feeding.seconds() < 620

    run(test)


def test_a_busy_server_is_not_held_against_its_readers() -> None:
    """Where the process itself stood still for a minute, no reader was slow."""

    async def test(feeding: Feeding) -> None:
        def stand_still() -> None:
            loop: Any = asyncio.get_running_loop()
            loop._jumping.micros += 60_000_000
            feeding.commit()

        assert await follow(feeding, 5, stand_still, until=600) == ""
        assert feeding.seconds() > 600

    run(test)


def test_a_stream_that_stays_behind_is_ended() -> None:
    """Each message is taken in time, but more comes than is taken: 30 s after it had caught up it is ended."""

    async def test(feeding: Feeding) -> None:
        async def flood() -> None:
            while True:
                await VirtualClock().sleep(timedelta(seconds=5))
                feeding.commit(4, LARGE)

        flooding = asyncio.create_task(flood())
        assert await follow(feeding, 5, lambda: None, until=600) == "SLOW_CONSUMER"
        assert 30 < feeding.seconds() < 45
        flooding.cancel()

    run(test)


def test_how_far_the_furthest_behind_is() -> None:
    """Counted from when it was shown what it has not taken; who waits, or takes in history, is not behind."""

    async def test(feeding: Feeding) -> None:
        feeding.commit(1_000)
        async with feeding.feed.open(FROM_NOW) as quick, feeding.feed.open(FROM_NOW) as slow:
            assert (await read(quick), await read(slow), feeding.feed.lag())[2] == 0
            waiting = [asyncio.ensure_future(anext(each)) for each in (quick, slow)]
            await VirtualClock().sleep(timedelta(seconds=1))
            assert feeding.feed.lag() == 0
            feeding.commit()
            await asyncio.gather(*waiting)
            following = asyncio.ensure_future(anext(quick))
            await VirtualClock().sleep(timedelta(seconds=4))
            assert 3.5 <= feeding.feed.lag() <= 4.5
            following_too = asyncio.ensure_future(anext(slow))
            await VirtualClock().sleep(timedelta(seconds=1))
            assert feeding.feed.lag() == 0
            for each in (following, following_too):
                each.cancel()
            await asyncio.gather(following, following_too, return_exceptions=True)

    run(test)


def test_streams_that_began_together_end_apart() -> None:
    """Each stream draws its own lifetime, from the least to twice that, and ends well."""

    async def test(feeding: Feeding) -> None:
        ended: list[float] = []

        async def follow_to_the_end() -> None:
            async with feeding.feed.open(FROM_NOW) as messages:
                last = [watch_pb2.WatchResponse.FromString(message) async for message in messages][-1]
            assert last.closing.reason == "STREAM_LIFETIME"
            ended.append(feeding.seconds() / 60)

        feeding.feed._chance = random.Random(7).random
        await asyncio.gather(*(follow_to_the_end() for _ in range(100)))
        assert min(ended) >= 30
        assert max(ended) < 60.1
        for from_, to in ((30, 40), (40, 50), (50, 61)):
            assert sum(from_ <= each < to for each in ended) > 20

    run(test)


def test_a_long_history_may_take_its_time() -> None:
    """A stream that resumes far back is not behind as long as it goes on: it never had caught up."""

    async def test(feeding: Feeding) -> None:
        async with feeding.feed.open(FROM_NOW) as messages:
            token = (await read(messages)).resume_token
        feeding.commit(100, LARGE)
        await VirtualClock().sleep(timedelta(seconds=1))
        received: list[int] = []
        async with feeding.feed.open(WatchSpec(resume_token=token)) as messages:
            while len(received) < 100:
                received += await revisions(messages)
                await VirtualClock().sleep(timedelta(seconds=5))
        assert received == list(range(1, 101))
        assert feeding.seconds() > 300

    run(test)


def test_draining_sends_what_is_committed_and_then_closes() -> None:
    """A server that stops leaves nothing unsent, not even what waited for the flush."""

    async def test(feeding: Feeding) -> None:
        async with feeding.feed.open(FROM_NOW) as messages:
            await read(messages)
            feeding.commit()
            await read(messages)
            feeding.commit()
            feeding.feed.drain()
            assert await revisions(messages) == [2]
            assert (await read(messages)).closing.reason == "SERVER_DRAINING"
            assert await reason_of(messages) == "SERVER_DRAINING"
        with pytest.raises(CalguardError, match="stopping"):
            async with feeding.feed.open(FROM_NOW):
                raise AssertionError("a server that stops takes no watch")
        assert feeding.feed.streams == 0

    run(test)
