"""A watch of either client against a real server that misbehaves: it goes on, and tells each change once."""

import threading
from collections.abc import Sequence
from datetime import timedelta

import grpc
import pytest

from calguard.v1 import watch_pb2 as pb
from calguard_client import (
    CalguardError,
    Changes,
    Client,
    Interrupted,
    PermissionDeniedError,
    SnapshotEnded,
    SnapshotStarted,
    UnauthenticatedError,
    UnimplementedError,
    Watch,
    WatchEvent,
)
from calguard_client.watching.resumption import Resumption
from tests.integration.client_kinds import KIND_NAMES, KINDS, Kind
from tests.integration.scripted_server import SILENCE, ScriptedServer, Step, scripted_server
from tests.unit.watch_messages import SNAPSHOT, changes, closing, end, page, part, progress

Code = grpc.StatusCode
SHOWN = [part(page("a", 1, SNAPSHOT)), end("t1")]
LONG = timedelta(seconds=10)


@pytest.fixture(params=KINDS, ids=KIND_NAMES)
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


def follow(
    kind: Kind, streams: Sequence[Sequence[Step]], last: str, silence: timedelta = LONG, **fields: object
) -> tuple[list[WatchEvent], list[str]]:
    """What is told up to a token, and with which token each stream was opened."""
    with scripted_server(Watch=[*streams, [SILENCE]]) as server:
        request = pb.WatchRequest(**fields)  # type: ignore[arg-type]
        told = kind.follow(server.address, request, lambda event: event.resume_token == last, silence)
        return told, tokens_of(server)


def tokens_of(server: ScriptedServer) -> list[str]:
    return [pb.WatchRequest.FromString(call.request).resume_token for call in server.calls]


def names(told: list[WatchEvent]) -> list[str]:
    return [type(event).__name__ for event in told]


def revisions(told: list[WatchEvent]) -> list[int]:
    return [change.revision for event in told if isinstance(event, Changes) for change in event.changes]


@pytest.mark.parametrize(
    "ending",
    [
        (),
        (closing("t3", "STREAM_LIFETIME"),),
        (closing("t3", "SERVER_DRAINING"), (Code.UNAVAILABLE, "SERVER_DRAINING")),
        (Code.UNAVAILABLE,),
        ((Code.RESOURCE_EXHAUSTED, "SLOW_CONSUMER"),),
        ((Code.INTERNAL, "INTERNAL"),),
        (Code.UNKNOWN,),
        (Code.DEADLINE_EXCEEDED,),
        (Code.CANCELLED,),
    ],
    ids=str,
)
def test_however_a_stream_ends_the_watch_goes_on(kind: Kind, ending: tuple[Step, ...]) -> None:
    streams = [[*SHOWN, changes("t3", page("a", 2), page("b", 3)), *ending], [changes("t4", page("a", 4))]]
    told, tokens = follow(kind, streams, "t4")
    assert revisions(told) == [2, 3, 4]
    assert tokens == ["", "t3"]
    assert names(told).count("SnapshotStarted") == 1


def test_a_stream_that_ends_at_once_is_opened_again(kind: Kind) -> None:
    told, tokens = follow(kind, [[], [], SHOWN], "t1")
    assert names(told) == ["Interrupted", "Interrupted", "SnapshotStarted", "SnapshotPart", "SnapshotEnded"]
    assert tokens == ["", "", ""]


def test_old_changes_that_are_sent_again_are_dropped(kind: Kind) -> None:
    first = [*SHOWN, changes("t2", page("a", 2)), changes("t4", page("b", 3), page("c", 4)), Code.UNAVAILABLE]
    again = [changes("t2", page("a", 2)), changes("t4", page("b", 3), page("c", 4)), changes("t5", page("d", 5))]
    told, _ = follow(kind, [first, again], "t5")
    assert revisions(told) == [2, 3, 4, 5]


def test_a_snapshot_that_breaks_is_begun_again(kind: Kind) -> None:
    broken = [part(page("a", 1, SNAPSHOT)), Code.UNAVAILABLE]
    told, tokens = follow(kind, [broken, broken, SHOWN], "t1")
    assert names(told) == [
        *("SnapshotStarted", "SnapshotPart", "Interrupted") * 2,
        *("SnapshotStarted", "SnapshotPart", "SnapshotEnded"),
    ]
    assert tokens == ["", "", ""]


@pytest.mark.parametrize(
    "refusal",
    [
        (Code.OUT_OF_RANGE, "RESUME_TOKEN_EXPIRED"),
        (Code.OUT_OF_RANGE, "TOKEN_FROM_FUTURE"),
        (Code.INVALID_ARGUMENT, "TOKEN_STORE_MISMATCH"),
    ],
    ids=lambda refusal: refusal[1],
)
def test_a_token_that_leads_nowhere_is_answered_by_a_snapshot(kind: Kind, refusal: tuple[Code, str]) -> None:
    told, tokens = follow(kind, [[refusal], SHOWN], "t1", resume_token="kept")
    assert tokens == ["kept", ""]
    assert isinstance(told[0], Interrupted)
    assert told[0].refusal.metadata == {"told": "yes"}
    assert told[1] == SnapshotStarted(cause=refusal[1])


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (Code.UNAUTHENTICATED, UnauthenticatedError),
        (Code.PERMISSION_DENIED, PermissionDeniedError),
        (Code.UNIMPLEMENTED, UnimplementedError),
        ((Code.INVALID_ARGUMENT, "TOKEN_FILTER_MISMATCH"), CalguardError),
    ],
    ids=str,
)
def test_what_stays_wrong_is_raised(kind: Kind, refusal: Step, error: type[CalguardError]) -> None:
    with scripted_server(Watch=[[refusal]]) as server:
        with pytest.raises(error, match="told"):
            kind.follow(server.address, pb.WatchRequest(), lambda _: False, LONG)
        assert len(server.calls) == 1


def test_a_stream_that_falls_silent_is_given_up(kind: Kind) -> None:
    """It is still open, as far as the network shows, and no progress message comes."""
    request = pb.WatchRequest()
    request.progress_interval.FromMilliseconds(20)
    streams: list[list[Step]] = [[*SHOWN, SILENCE], [progress("t2")]]
    silence = timedelta(milliseconds=200)
    told, tokens = follow(kind, streams, "t2", silence, progress_interval=request.progress_interval)
    assert names(told)[-3:] == ["SnapshotEnded", "Interrupted", "Progress"]
    assert tokens[:2] == ["", "t1"]


def test_a_token_given_is_gone_on_from(kind: Kind) -> None:
    told, tokens = follow(kind, [[changes("t9", page("a", 9))]], "t9", resume_token="kept", account_ids=["ann"])
    assert (names(told), tokens) == (["Changes"], ["kept"])


def test_a_large_transaction_comes_whole(kind: Kind) -> None:
    """It is over the 4 MiB that gRPC takes by default."""
    many = changes("t9", *(page(f"page-{n}", n, title="x" * 200) for n in range(1, 40_001)))
    assert many.ByteSize() > 8 * 1024 * 1024
    told, _ = follow(kind, [[end("t0"), many]], "t9")
    assert len(revisions(told)) == 40_000


@pytest.mark.parametrize("closes", ["watch", "client"])
def test_another_thread_may_close_what_is_waited_for(closes: str) -> None:
    with scripted_server(Watch=[[*SHOWN, SILENCE]]) as server, Client(server.address) as client:
        watch = client.watch()
        shown = threading.Event()
        told: list[WatchEvent] = []

        def read() -> None:
            for event in watch:
                told.append(event)
                if isinstance(event, SnapshotEnded):
                    shown.set()

        reader = threading.Thread(target=read)
        reader.start()
        assert shown.wait(30)
        (watch if closes == "watch" else client).close()
        reader.join(30)
        assert not reader.is_alive()
        assert [type(event) for event in told][-1] is SnapshotEnded
        assert list(watch) == []


def test_a_second_reader_is_refused() -> None:
    """The first one waits within its stream, until that is cancelled."""
    reading, ended = threading.Event(), threading.Event()

    class Waiting:
        def __next__(self) -> pb.WatchResponse:
            reading.set()
            ended.wait(30)
            raise StopIteration

        def cancel(self) -> bool:
            ended.set()
            return True

    watch = Watch(lambda _: Waiting(), Resumption(pb.WatchRequest(), lambda: 0.0))
    reader = threading.Thread(target=lambda: list(watch))
    reader.start()
    assert reading.wait(30)
    with pytest.raises(RuntimeError, match="a watch of its own"):
        next(watch)
    watch.close()
    reader.join(30)
    assert not reader.is_alive()
