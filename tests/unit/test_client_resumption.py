"""How a watch of the client library goes on after each kind of break, without a socket or a clock."""

from collections.abc import Sequence
from datetime import timedelta

import grpc
import pytest

from calguard.v1 import watch_pb2 as pb
from calguard_client import Changes, Interrupted, Progress, Refusal, SnapshotEnded, SnapshotPart, SnapshotStarted
from calguard_client.watching.breaks import ENDED, SILENT
from calguard_client.watching.events import WatchEvent
from calguard_client.watching.resumption import Resumption
from tests.unit.watch_messages import SNAPSHOT, changes, closing, end, page, part, progress

Code = grpc.StatusCode
EXPIRED = Refusal(Code.OUT_OF_RANGE, "RESUME_TOKEN_EXPIRED", "too old")
GONE = Refusal(Code.UNAVAILABLE, "", "connection reset")
PASSING = [
    ENDED,
    SILENT,
    GONE,
    Refusal(Code.UNAVAILABLE, "SERVER_DRAINING", "stopping"),
    Refusal(Code.RESOURCE_EXHAUSTED, "SLOW_CONSUMER", "too slow"),
    Refusal(Code.RESOURCE_EXHAUSTED, "STREAM_LIMIT", "too many"),
    Refusal(Code.RESOURCE_EXHAUSTED, "", "a proxy's limit"),
    Refusal(Code.DEADLINE_EXCEEDED, "", "a proxy's deadline"),
    Refusal(Code.INTERNAL, "INTERNAL", "a bug"),
    Refusal(Code.UNKNOWN, "", "a proxy's word"),
    Refusal(Code.CANCELLED, "", "RST_STREAM"),
    Refusal(Code.ABORTED, "", "a proxy's word"),
    Refusal(Code.DATA_LOSS, "", "a proxy's word"),
]
TOKEN_OF_NO_USE = [
    EXPIRED,
    Refusal(Code.OUT_OF_RANGE, "TOKEN_FROM_FUTURE", "ahead"),
    Refusal(Code.INVALID_ARGUMENT, "TOKEN_STORE_MISMATCH", "of another store"),
    Refusal(Code.PERMISSION_DENIED, "SCOPE_CHANGED", "of other accounts"),
]
FINAL = [
    Refusal(Code.INVALID_ARGUMENT, "INVALID_FIELD", "a bad filter"),
    Refusal(Code.INVALID_ARGUMENT, "TOKEN_INVALID", "no token"),
    Refusal(Code.INVALID_ARGUMENT, "TOKEN_FILTER_MISMATCH", "of another filter"),
    Refusal(Code.OUT_OF_RANGE, "", "whatever"),
    Refusal(Code.UNAUTHENTICATED, "", "who is it?"),
    Refusal(Code.PERMISSION_DENIED, "", "no"),
    Refusal(Code.UNIMPLEMENTED, "", "an older server"),
    Refusal(Code.FAILED_PRECONDITION, "", "no"),
    Refusal(Code.NOT_FOUND, "", "no"),
    Refusal(Code.ALREADY_EXISTS, "", "no"),
]


def resumption(**fields: object) -> Resumption:
    return Resumption(pb.WatchRequest(**fields), lambda: 0.5)  # type: ignore[arg-type]


def told(watch: Resumption, *messages: pb.WatchResponse) -> list[WatchEvent]:
    return [event for message in messages for event in watch.received(message)]


def caught_up(token: str = "t1") -> Resumption:
    """A watch that has seen a snapshot whole."""
    watch = resumption()
    watch.opened(0)
    told(watch, part(page("a", 1, SNAPSHOT)), end(token))
    return watch


def kinds(events: Sequence[WatchEvent]) -> list[type[WatchEvent]]:
    return [type(event) for event in events]


def name_of(refusal: Refusal) -> str:
    return f"{refusal.code.name} {refusal.reason}".strip()


def test_every_status_is_judged_here() -> None:
    assert {each.code for each in (*PASSING, *TOKEN_OF_NO_USE, *FINAL)} == set(grpc.StatusCode)


def test_a_snapshot_then_changes_then_progress() -> None:
    watch = resumption()
    assert not watch.opened(0).resume_token
    first, second = page("a", 3, SNAPSHOT), page("b", 5, SNAPSHOT)
    assert told(watch, part(first), part(second), end("t5")) == [
        SnapshotStarted(),
        SnapshotPart(changes=(first,)),
        SnapshotPart(changes=(second,)),
        SnapshotEnded(resume_token="t5"),
    ]
    change = page("a", 6)
    assert told(watch, changes("t6", change), progress("t9")) == [
        Changes(changes=(change,), resume_token="t6"),
        Progress(resume_token="t9"),
    ]


def test_an_empty_snapshot_is_told_as_one() -> None:
    watch = resumption()
    watch.opened(0)
    assert kinds(told(watch, end("t0"))) == [SnapshotStarted, SnapshotEnded]


@pytest.mark.parametrize("refusal", PASSING, ids=name_of)
def test_a_break_is_resumed_from_the_last_token(refusal: Refusal) -> None:
    watch = caught_up()
    told(watch, progress("t7"))
    interrupted = watch.broken(refusal, 20)
    assert interrupted is not None
    assert interrupted.refusal is refusal
    assert interrupted.delay > timedelta()
    request = watch.opened(21)
    assert (request.resume_token, request.skip_snapshot) == ("t7", False)
    assert kinds(told(watch, changes("t8", page("a", 8)))) == [Changes]


@pytest.mark.parametrize("refusal", TOKEN_OF_NO_USE, ids=name_of)
def test_a_token_of_no_use_is_given_up_for_a_snapshot(refusal: Refusal) -> None:
    """The reader is told why, and revisions are counted anew: another store numbers on its own."""
    watch = caught_up()
    told(watch, changes("t99", page("a", 99)))
    assert isinstance(watch.broken(refusal, 20), Interrupted)
    assert not watch.opened(21).resume_token
    after = told(watch, part(page("b", 2, SNAPSHOT)), end("u2"), changes("u3", page("b", 3)))
    assert kinds(after) == [SnapshotStarted, SnapshotPart, SnapshotEnded, Changes]
    assert after[0] == SnapshotStarted(cause=refusal.reason)


@pytest.mark.parametrize("refusal", FINAL, ids=name_of)
def test_what_would_happen_again_ends_the_watch(refusal: Refusal) -> None:
    assert caught_up().broken(refusal, 20) is None


@pytest.mark.parametrize("refusal", TOKEN_OF_NO_USE, ids=name_of)
def test_a_complaint_of_a_token_that_was_not_sent_ends_the_watch(refusal: Refusal) -> None:
    """There is nothing to give up, so a snapshot would be asked for again and again."""
    watch = resumption()
    watch.opened(0)
    assert watch.broken(refusal, 1) is None


def test_a_snapshot_that_breaks_is_begun_again() -> None:
    watch = resumption()
    watch.opened(0)
    told(watch, part(page("a", 7, SNAPSHOT)))
    watch.broken(GONE, 20)
    assert not watch.opened(21).resume_token
    again = told(watch, part(page("a", 3, SNAPSHOT)), end("t3"), changes("t4", page("a", 4)))
    assert kinds(again) == [SnapshotStarted, SnapshotPart, SnapshotEnded, Changes]


def test_a_snapshot_after_an_expired_token_that_breaks_is_begun_again_with_the_same_cause() -> None:
    watch = caught_up()
    watch.broken(EXPIRED, 20)
    for _ in range(2):
        watch.opened(21)
        assert told(watch, part(page("a", 7, SNAPSHOT)))[0] == SnapshotStarted(cause="RESUME_TOKEN_EXPIRED")
        watch.broken(GONE, 22)


def test_what_was_seen_is_dropped() -> None:
    """Also the part of a message that was seen, and what the snapshot has shown already; the token moves on."""
    watch = caught_up()
    told(watch, changes("t5", page("a", 4), page("b", 5)))
    watch.broken(GONE, 20)
    watch.opened(21)
    new = page("c", 6)
    assert told(watch, changes("t5", page("a", 4), page("b", 5)), changes("t6", page("b", 5), new)) == [
        Progress(resume_token="t5"),
        Changes(changes=(new,), resume_token="t6"),
    ]
    fresh = resumption()
    fresh.opened(0)
    told(fresh, part(page("a", 9, SNAPSHOT)), end("t9"))
    assert told(fresh, changes("t9", page("a", 9))) == [Progress(resume_token="t9")]


def test_a_token_given_is_gone_on_from() -> None:
    watch = resumption(resume_token="kept", skip_snapshot=True, account_ids=["ann"])
    request = watch.opened(0)
    assert (request.resume_token, request.skip_snapshot, list(request.account_ids)) == ("kept", False, ["ann"])
    assert kinds(told(watch, changes("t8", page("a", 8)))) == [Changes]


def test_without_a_snapshot_the_first_token_counts() -> None:
    watch = resumption(skip_snapshot=True)
    assert watch.opened(0).skip_snapshot
    watch.broken(GONE, 1)
    assert watch.opened(2).skip_snapshot
    assert told(watch, progress("t1")) == [Progress(resume_token="t1")]
    watch.broken(GONE, 3)
    request = watch.opened(4)
    assert (request.resume_token, request.skip_snapshot) == ("t1", False)


def test_without_a_snapshot_an_expired_token_leads_to_one() -> None:
    """What happened meanwhile cannot be told any more: how things stand is told instead."""
    watch = resumption(skip_snapshot=True)
    watch.opened(0)
    told(watch, progress("t1"))
    watch.broken(EXPIRED, 1)
    assert not watch.opened(2).skip_snapshot
    assert told(watch, end("t9"))[0] == SnapshotStarted(cause="RESUME_TOKEN_EXPIRED")


@pytest.mark.parametrize("reason", ["SERVER_DRAINING", "STREAM_LIFETIME"])
def test_a_closing_message_moves_the_token_on(reason: str) -> None:
    watch = caught_up()
    assert told(watch, closing("t8", reason)) == [Progress(resume_token="t8")]
    watch.broken(ENDED, 20)
    assert watch.opened(21).resume_token == "t8"


def test_the_callers_request_is_not_touched() -> None:
    request = pb.WatchRequest(account_ids=["ann"])
    Resumption(request, lambda: 0.5).opened(0)
    assert request == pb.WatchRequest(account_ids=["ann"])


def test_some_progress_messages_that_do_not_come_make_a_stream_dead() -> None:
    """The interval is always asked for, so that it is known; a short one does not make the watch hasty."""
    watch = resumption()
    assert watch.opened(0).progress_interval.ToTimedelta() == timedelta(seconds=15)
    assert watch.silence_max == timedelta(seconds=45)
    request = pb.WatchRequest()
    request.progress_interval.FromSeconds(1)
    assert Resumption(request, lambda: 0.5).silence_max == timedelta(seconds=10)


@pytest.mark.parametrize(("lasted", "at_once"), [(1800.0, True), (1.0, True), (0.5, False)])
def test_a_planned_end_is_no_failure(lasted: float, at_once: bool) -> None:  # noqa: FBT001 - a parameter
    """However often the server ends streams that have lasted their time, the watch goes on at once."""
    watch = Resumption(pb.WatchRequest(), lambda: 0.999)
    for number in range(5):
        opened = number * 10_000.0
        watch.opened(opened)
        list(watch.received(end("t")))
        list(watch.received(pb.WatchResponse(resume_token="t", closing=pb.Closing(reason="STREAM_LIFETIME"))))
        interrupted = watch.broken(ENDED, opened + lasted)
        assert interrupted is not None
    assert (interrupted.delay == timedelta(milliseconds=100)) is at_once


def test_a_token_of_the_caller_that_expires_may_be_followed_by_another() -> None:
    """One that was good is asked for anew; one that was not is not good the next time either."""
    expired = Refusal(Code.UNAUTHENTICATED, "TOKEN_EXPIRED", "over")
    watch = caught_up()
    assert watch.broken(expired, 20) is not None
    assert watch.opened(21).resume_token
    assert watch.broken(expired, 22) is None
