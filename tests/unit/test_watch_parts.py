"""The parts of the feed: tokens, frames, filters and the ring."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from calguard.v1 import watch_pb2
from calguard_server.domain.errors import CalguardError
from calguard_server.domain.events import ResourceKind, WatchMode
from calguard_server.engine.ports.log import LogEntry
from calguard_server.engine.ports.watching import WatchSpec
from calguard_server.watch import frames
from calguard_server.watch.filters import Passage, judge_of, kinds_of
from calguard_server.watch.ring import Ring, batches
from calguard_server.watch.tokens import TokenMint, filter_hash
from calguard_server.watch.view import Message, View

ALL = WatchSpec()
EPOCH = "0123456789abcdef"
APPOINTMENTS = frozenset({ResourceKind.APPOINTMENT})


def entry(revision: int, commit_revision: int = 0, *, kind: str = "CALENDAR_LINK", resource: str = "l1") -> LogEntry:
    change = watch_pb2.StateChange(revision=revision)
    return LogEntry(revision, commit_revision or revision, kind, resource, ("ann", "bob"), change.SerializeToString())


def moved(*account_ids: str, added: tuple[str, ...] = (), removed: tuple[str, ...] = ()) -> LogEntry:
    """A change of a page of these accounts after it."""
    return LogEntry(1, 1, "BOOKING_PAGE", "p1", account_ids, b"", added, removed)


def revisions_in(encoded: bytes) -> list[int]:
    return [change.revision for change in watch_pb2.WatchResponse.FromString(encoded).changes]


def test_a_token_leads_back_to_its_revision() -> None:
    """What was made of a revision is read as that revision, by the same store and filter."""
    mint = TokenMint("store-1", EPOCH, ALL)
    assert mint.read(mint.make(7)) == (7, EPOCH)


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("", "TOKEN_INVALID"),
        ("no token", "TOKEN_INVALID"),
        ("ünknown", "TOKEN_INVALID"),
        ("A" * 5000, "TOKEN_INVALID"),
        (TokenMint("store-1", EPOCH, ALL).make(1)[:-4], "TOKEN_INVALID"),
        (TokenMint("store-2", EPOCH, ALL).make(1), "TOKEN_STORE_MISMATCH"),
        (TokenMint("store-1", EPOCH, replace(ALL, account_ids=frozenset({"ann"}))).make(1), "TOKEN_FILTER_MISMATCH"),
    ],
)
def test_a_token_that_does_not_fit_is_refused_by_name(token: str, reason: str) -> None:
    """Unreadable, another store's and another filter's are told apart."""
    with pytest.raises(CalguardError) as refusal:
        TokenMint("store-1", EPOCH, ALL).read(token)
    assert refusal.value.reason == reason


@settings(max_examples=300)
@given(st.text())
def test_no_text_breaks_the_reading_of_a_token(text: str) -> None:
    """Whatever is sent as a token is refused with a name."""
    with pytest.raises(CalguardError):
        TokenMint("store-1", EPOCH, ALL).read(text)


def test_a_filter_is_the_same_in_whatever_order_it_was_written() -> None:
    """A client that rebuilds its filter may resume."""
    one = TokenMint("s", EPOCH, replace(ALL, account_ids=frozenset(["a", "b", "c"])))
    other = TokenMint("s", EPOCH, replace(ALL, account_ids=frozenset(["c", "b", "a"])))
    assert other.read(one.make(3)) == (3, EPOCH)


@given(st.lists(st.integers(1, 2**40), max_size=30), st.text(max_size=20))
def test_joined_frames_are_the_encoding_of_the_message(revisions: list[int], token: str) -> None:
    """Bytes that are joined from changes encoded once read as the message they stand for."""
    changes = [watch_pb2.StateChange(revision=revision) for revision in revisions]
    joined = frames.response((frames.frame(change.SerializeToString()) for change in changes), token)
    assert watch_pb2.WatchResponse.FromString(joined) == watch_pb2.WatchResponse(changes=changes, resume_token=token)


def test_a_long_change_is_framed_with_its_whole_length() -> None:
    """Lengths of more than one byte of varint."""
    change = watch_pb2.StateChange(booking_page={"title": "x" * 100_000})
    message = watch_pb2.WatchResponse.FromString(frames.response([frames.frame(change.SerializeToString())], "t"))
    assert message.changes[0] == change


@pytest.mark.parametrize(
    ("spec", "kinds"),
    [
        (ALL, {"CALENDAR_LINK", "BOOKING_PAGE", "PROVIDER_STATUS"}),
        (replace(ALL, account_ids=frozenset({"ann"})), {"CALENDAR_LINK", "BOOKING_PAGE"}),
        (replace(ALL, calendar_link_ids=frozenset({"l1"})), {"CALENDAR_LINK"}),
        (replace(ALL, booking_page_ids=frozenset({"p1"})), {"BOOKING_PAGE"}),
        (
            replace(ALL, calendar_link_ids=frozenset({"l1"}), booking_page_ids=frozenset({"p1"})),
            {"CALENDAR_LINK", "BOOKING_PAGE"},
        ),
        (
            replace(ALL, calendar_link_ids=frozenset({"l1"}), kinds=frozenset(ResourceKind)),
            {"CALENDAR_LINK", "BOOKING_PAGE", "PROVIDER_STATUS", "APPOINTMENT"},
        ),
        (replace(ALL, kinds=frozenset({ResourceKind.BOOKING_PAGE})), {"BOOKING_PAGE"}),
        (replace(ALL, kinds=APPOINTMENTS), {"APPOINTMENT"}),
        (replace(ALL, kinds=APPOINTMENTS, booking_page_ids=frozenset({"p1"})), {"APPOINTMENT"}),
    ],
)
def test_kinds_of_a_watch(spec: WatchSpec, kinds: set[str]) -> None:
    """Naming only links leaves out pages, unless the kinds ask for them; appointments always have to be asked for."""
    assert {kind.value for kind in kinds_of(spec)} == kinds


@pytest.mark.parametrize(
    ("spec", "passes"),
    [
        (replace(ALL, account_ids=frozenset({"bob"})), True),
        (replace(ALL, account_ids=frozenset({"cem"})), False),
        (replace(ALL, calendar_link_ids=frozenset({"l1"})), True),
        (replace(ALL, calendar_link_ids=frozenset({"l2"})), False),
        (replace(ALL, booking_page_ids=frozenset({"p1"})), False),
        (replace(ALL, booking_page_ids=frozenset({"p1"}), kinds=frozenset(ResourceKind)), True),
        (replace(ALL, kinds=frozenset({ResourceKind.BOOKING_PAGE})), False),
        (replace(ALL, account_ids=frozenset({"ann"}), calendar_link_ids=frozenset({"l2"})), False),
    ],
)
def test_filters_narrow_together(spec: WatchSpec, *, passes: bool) -> None:
    """A link's change passes when every filter that is set, and is about links, lets it pass."""
    judge = judge_of(spec)
    assert judge is not None
    assert judge(entry(1)) is (Passage.WITHIN if passes else None)


@pytest.mark.parametrize(
    ("change", "passage"),
    [
        (moved("ann", "bob"), Passage.WITHIN),
        (moved("bob"), None),
        (moved("ann", "bob", added=("ann",)), Passage.ENTERED),
        (moved("ann", "bob", added=("bob",)), Passage.WITHIN),
        (moved("bob", removed=("ann",)), Passage.LEFT),
        (moved("ann", removed=("bob",)), Passage.WITHIN),
        (moved("bob", removed=("cem",)), None),
        (moved("eve", added=("eve",), removed=("ann",)), Passage.WITHIN),
        (moved("ann", added=("ann",), removed=("eve",)), Passage.WITHIN),
        (moved("bob", added=("bob",), removed=("ann", "eve")), Passage.LEFT),
        (moved("ann", "eve", added=("ann", "eve"), removed=("bob",)), Passage.ENTERED),
    ],
)
def test_what_enters_and_leaves_a_watch_of_accounts(change: LogEntry, passage: Passage | None) -> None:
    """A page passes before, after, both or neither, by whether it concerned any account of the filter."""
    judge = judge_of(replace(ALL, account_ids=frozenset({"ann", "eve"})))
    assert judge is not None
    assert judge(change) is passage


@pytest.mark.parametrize(
    ("spec", "passage"),
    [
        (ALL, None),
        (replace(ALL, account_ids=frozenset({"ann"})), None),
        (replace(ALL, booking_page_ids=frozenset({"p1"})), None),
        (replace(ALL, kinds=frozenset(ResourceKind) - APPOINTMENTS), None),
        (replace(ALL, kinds=APPOINTMENTS), Passage.WITHIN),
        (replace(ALL, kinds=APPOINTMENTS, booking_page_ids=frozenset({"p1"})), Passage.WITHIN),
        (replace(ALL, kinds=APPOINTMENTS, booking_page_ids=frozenset({"p2", "a1"})), None),
        (replace(ALL, kinds=APPOINTMENTS, account_ids=frozenset({"bob"})), Passage.ENTERED),
        (replace(ALL, kinds=APPOINTMENTS, account_ids=frozenset({"ann"})), Passage.LEFT),
        (replace(ALL, kinds=APPOINTMENTS, account_ids=frozenset({"ann", "bob"})), Passage.WITHIN),
        (replace(ALL, kinds=APPOINTMENTS, account_ids=frozenset({"eve"})), None),
        (
            replace(ALL, kinds=APPOINTMENTS, account_ids=frozenset({"bob"}), booking_page_ids=frozenset({"p2"})),
            None,
        ),
        (
            replace(ALL, kinds=APPOINTMENTS, account_ids=frozenset({"bob"}), calendar_link_ids=frozenset({"l1"})),
            Passage.ENTERED,
        ),
    ],
)
def test_an_appointment_passes_by_its_page_and_by_who_has_it(spec: WatchSpec, passage: Passage | None) -> None:
    """Only where it is asked for. It went from Ann to Bob; no link narrows it."""
    judge = judge_of(spec)
    assert judge is not None
    assert judge(LogEntry(1, 1, "APPOINTMENT", "a1", ("bob",), b"", ("bob",), ("ann",), "p1")) is passage


def test_all_kinds_and_no_ids_are_no_test() -> None:
    """A watch of everything decides nothing per change."""
    assert judge_of(replace(ALL, kinds=frozenset(ResourceKind))) is None


@pytest.mark.parametrize(
    ("spec", "token"),
    [
        (ALL, "AgAAAAAAAAAHRTo5uY32NZgBI0VniavN73N0b3JlLTHlnzpT"),
        (replace(ALL, account_ids=frozenset({"ann", "bob"})), "AgAAAAAAAAAHPxT8xOm5LXIBI0VniavN73N0b3JlLTHRepKz"),
        (
            replace(
                ALL,
                kinds=frozenset({ResourceKind.BOOKING_PAGE, ResourceKind.CALENDAR_LINK}),
                booking_page_ids=frozenset({"p1"}),
            ),
            "AgAAAAAAAAAHmqhcS9f7VQMBI0VniavN73N0b3JlLTGXHqA5",
        ),
    ],
)
def test_tokens_from_before_appointments_were_watched_are_read(spec: WatchSpec, token: str) -> None:
    """The filters of clients that are about stay the same filters; one that asks for appointments is another."""
    asking = replace(spec, kinds=spec.kinds | APPOINTMENTS)
    assert filter_hash(asking) != filter_hash(spec)
    assert TokenMint("store-1", EPOCH, spec).read(token) == (7, EPOCH)


def test_a_transition_is_told_in_the_change_itself() -> None:
    """What a watch of accounts lost is marked, and the rest of the change is as it was encoded."""
    whole = watch_pb2.StateChange(revision=1, booking_page={"id": "p1", "title": "Panel"})
    left = LogEntry(1, 1, "BOOKING_PAGE", "p1", ("bob",), whole.SerializeToString(), (), ("ann",))
    message = View("s", EPOCH, replace(ALL, account_ids=frozenset({"ann"}))).message(batches([left]), 0)
    (change,) = watch_pb2.WatchResponse.FromString(message.encoded).changes
    assert change.filter_transition == watch_pb2.FILTER_TRANSITION_LEFT
    change.ClearField("filter_transition")
    assert change == whole


def test_latest_keeps_the_last_change_of_each_resource() -> None:
    """Of what waits, each resource's last change is sent, in the order of revisions."""
    log = [entry(1), entry(2, resource="l2"), entry(3, kind="BOOKING_PAGE"), entry(4), entry(5, resource="l3")]
    message = View("s", EPOCH, replace(ALL, mode=WatchMode.LATEST)).message(batches(log), 0)
    assert message.revision == 5
    assert revisions_in(message.encoded) == [2, 3, 4, 5]


def test_latest_keeps_the_last_change_of_each_appointment() -> None:
    log = [entry(1, kind="APPOINTMENT", resource="a1"), entry(2), entry(3, kind="APPOINTMENT", resource="a2")]
    log += [entry(4, kind="APPOINTMENT", resource="a1"), entry(5)]
    spec = replace(ALL, kinds=APPOINTMENTS, mode=WatchMode.LATEST)
    message = View("s", EPOCH, spec).message(batches(log), 0)
    assert (message.revision, revisions_in(message.encoded)) == (5, [3, 4])


def test_every_keeps_all() -> None:
    """Of what waits, everything is sent."""
    message = View("s", EPOCH, ALL).message(batches([entry(1), entry(2), entry(3)]), 0)
    assert revisions_in(message.encoded) == [1, 2, 3]


def test_a_message_is_bounded_and_splits_no_transaction() -> None:
    """A message ends before a transaction that would make it too large; one that is too large by itself goes whole."""
    large = watch_pb2.StateChange(booking_page={"title": "x" * 400_000}).SerializeToString()
    log = [LogEntry(revision, 3 * ((revision + 2) // 3), "BOOKING_PAGE", "p", (), large) for revision in range(1, 7)]
    view = View("s", EPOCH, ALL)
    message = view.message(batches(log), 0)
    assert message.revision == 3
    assert len(message.encoded) > 1_200_000


def test_what_nobody_is_sent_moves_the_cursor_alone() -> None:
    """Changes that do not pass the filter make no message, and are not looked at again."""
    view = View("s", EPOCH, replace(ALL, account_ids=frozenset({"cem"})))
    assert view.message(batches([entry(1), entry(2)]), 0) == Message(2, b"")
    assert view.message([], 7) == Message(7, b"")


def after(ring: Ring, revision: int, up_to: int = 1_000_000) -> list[tuple[int, int]]:
    found = ring.after(revision, up_to)
    assert found is not None
    return [(batch.revision, len(batch.entries)) for batch in found]


def test_the_ring_answers_whole_transactions_after_a_revision() -> None:
    """The changes of one transaction stay together."""
    ring = Ring(100_000, 0)
    ring.append([entry(1), entry(2, 3), entry(3, 3)])
    assert after(ring, 1) == [(3, 2)]
    assert after(ring, 3) == []
    assert after(ring, 0, up_to=2) == [(1, 1)]


def test_what_fell_out_of_the_ring_is_not_there() -> None:
    """A cursor behind the ring is told so, and reads the log."""
    ring = Ring(700, 0)
    ring.append([entry(1), entry(2), entry(3)])
    assert ring.after(0, 3) is None
    assert after(ring, 1) == [(2, 1), (3, 1)]
    assert ring.floor == 1


@given(st.integers(1, 40), st.lists(st.integers(1, 5), min_size=1, max_size=80))
def test_the_ring_holds_what_a_list_would(capacity: int, sizes: list[int]) -> None:
    """However much was appended and dropped, what is held are the last transactions, whole and in order."""
    size = next(batches([entry(1)])).size
    ring, log, revision = Ring(capacity * size, 0), list[tuple[int, int]](), 0
    for count in sizes:
        ring.append([entry(each, revision + count) for each in range(revision + 1, revision + count + 1)])
        revision += count
        log.append((revision, count))
    kept = [each for each in log if each[0] > ring.floor]
    assert sum(count for _, count in kept) <= capacity
    assert after(ring, ring.floor) == kept


def test_a_ring_that_starts_late_knows_where() -> None:
    """After a restart the ring is empty and holds nothing before its start."""
    ring = Ring(10, 5)
    assert ring.after(4, 5) is None
    assert after(ring, 5) == []
