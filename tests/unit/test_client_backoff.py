"""How long the client library waits before it opens a stream again."""

from datetime import timedelta

import grpc
import pytest

from calguard.v1 import watch_pb2 as pb
from calguard_client import Refusal
from calguard_client.watching.backoff import CEILING, FLOOR, Backoff
from calguard_client.watching.breaks import ENDED
from calguard_client.watching.resumption import Resumption
from tests.unit.watch_messages import end, progress

LIMIT = Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "STREAM_LIMIT", "too many")


def seconds(*waits: timedelta) -> list[float]:
    return [wait.total_seconds() for wait in waits]


def test_waits_are_drawn_below_a_ceiling_that_doubles() -> None:
    backoff = Backoff(lambda: 1.0)
    assert seconds(*(backoff.next() for _ in range(9))) == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    half = Backoff(lambda: 0.5)
    assert seconds(*(half.next() for _ in range(4))) == [0.25, 0.5, 1, 2]


def test_no_draw_makes_it_busy() -> None:
    backoff = Backoff(lambda: 0.0)
    assert {backoff.next() for _ in range(1000)} == {FLOOR}


def test_the_ceiling_holds_for_years() -> None:
    backoff = Backoff(lambda: 1.0)
    assert max(backoff.next() for _ in range(100_000)) == CEILING


def wait_of(watch: Resumption, refusal: Refusal, at: float) -> float:
    interrupted = watch.broken(refusal, at)
    assert interrupted is not None
    return interrupted.delay.total_seconds()


@pytest.mark.parametrize("messages", [[], [end("t")], [progress("t")]], ids=["nothing", "a snapshot", "progress"])
def test_a_stream_that_ends_at_once_is_waited_for_longer_and_longer(messages: list[pb.WatchResponse]) -> None:
    """Whatever it told, and though it ended in good order."""
    watch = Resumption(pb.WatchRequest(), lambda: 1.0)
    waits = []
    for _ in range(8):
        watch.opened(0)
        for message in messages:
            list(watch.received(message))
        waits.append(wait_of(watch, ENDED, 0.001))
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_only_a_stream_that_told_something_and_lasted_ends_a_row_of_failures() -> None:
    watch = Resumption(pb.WatchRequest(), lambda: 1.0)
    waits = []
    for lasted, messages in ((0, []), (60, []), (0, [end("t")]), (60, [progress("u")]), (0, [])):
        watch.opened(0)
        for message in messages:
            list(watch.received(message))
        waits.append(wait_of(watch, ENDED, lasted))
    assert waits == [0.5, 1, 2, 0.5, 1]


@pytest.mark.parametrize(("drawn", "wait"), [(0.0, 15), (1.0, 30)])
def test_a_limit_is_waited_for_slowly_from_the_first_time_on(drawn: float, wait: float) -> None:
    watch = Resumption(pb.WatchRequest(), lambda: drawn)
    for _ in range(3):
        watch.opened(0)
        assert wait_of(watch, LIMIT, 0.001) == wait
