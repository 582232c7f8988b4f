"""The parts of the feed: tokens, frames, filters and the ring."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from calguard.v1 import watch_pb2
from calguard_server.domain.errors import CalguardError
from calguard_server.domain.events import ResourceKind
from calguard_server.engine.ports import LogEntry, WatchSpec
from calguard_server.watch import frames
from calguard_server.watch.filters import kinds_of, matcher
from calguard_server.watch.ring import Ring
from calguard_server.watch.tokens import TokenMint

ALL = WatchSpec()


def entry(revision: int, commit_revision: int = 0, *, kind: str = "CALENDAR_LINK", resource: str = "l1") -> LogEntry:
    change = watch_pb2.StateChange(revision=revision)
    return LogEntry(revision, commit_revision or revision, kind, resource, ("ann", "bob"), change.SerializeToString())


def test_a_token_leads_back_to_its_revision() -> None:
    """What was made of a revision is read as that revision, by the same store and filter."""
    mint = TokenMint("store-1", ALL)
    assert mint.read(mint.make(7), latest=7) == 7


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("", "TOKEN_INVALID"),
        ("no token", "TOKEN_INVALID"),
        ("ünknown", "TOKEN_INVALID"),
        ("A" * 5000, "TOKEN_INVALID"),
        (TokenMint("store-1", ALL).make(1)[:-4], "TOKEN_INVALID"),
        (TokenMint("store-2", ALL).make(1), "TOKEN_STORE_MISMATCH"),
        (TokenMint("store-1", replace(ALL, account_ids=frozenset({"ann"}))).make(1), "TOKEN_FILTER_MISMATCH"),
        (TokenMint("store-1", ALL).make(11), "TOKEN_FROM_FUTURE"),
    ],
)
def test_a_token_that_does_not_fit_is_refused_by_name(token: str, reason: str) -> None:
    """Unreadable, another store's, another filter's, and one from the future are told apart."""
    with pytest.raises(CalguardError) as refusal:
        TokenMint("store-1", ALL).read(token, latest=10)
    assert refusal.value.reason == reason


@settings(derandomize=True, max_examples=300)
@given(st.text())
def test_no_text_breaks_the_reading_of_a_token(text: str) -> None:
    """Whatever is sent as a token is refused with a name."""
    with pytest.raises(CalguardError):
        TokenMint("store-1", ALL).read(text, latest=10)


def test_a_filter_is_the_same_in_whatever_order_it_was_written() -> None:
    """A client that rebuilds its filter may resume."""
    one = TokenMint("s", replace(ALL, account_ids=frozenset(["a", "b", "c"])))
    other = TokenMint("s", replace(ALL, account_ids=frozenset(["c", "b", "a"])))
    assert other.read(one.make(3), latest=3) == 3


@settings(derandomize=True, max_examples=100)
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
            {"CALENDAR_LINK", "BOOKING_PAGE", "PROVIDER_STATUS"},
        ),
        (replace(ALL, kinds=frozenset({ResourceKind.BOOKING_PAGE})), {"BOOKING_PAGE"}),
    ],
)
def test_kinds_of_a_watch(spec: WatchSpec, kinds: set[str]) -> None:
    """As the contract says: naming only links leaves out pages, unless the kinds ask for them."""
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
    matches = matcher(spec)
    assert matches is not None
    assert matches(entry(1)) is passes


def test_no_filter_is_no_test() -> None:
    """A watch of everything decides nothing per change."""
    assert matcher(ALL) is None


def test_the_ring_answers_whole_transactions_after_a_revision() -> None:
    """The changes of one transaction stay together."""
    ring = Ring(100, 0)
    ring.append([entry(1), entry(2, 3), entry(3, 3)])
    after = ring.after(1)
    assert after is not None
    assert [(batch.revision, len(batch.entries)) for batch in after] == [(3, 2)]
    assert ring.after(3) == []


def test_what_fell_out_of_the_ring_is_not_there() -> None:
    """A cursor behind the ring is told so, and reads the log."""
    ring = Ring(2, 0)
    ring.append([entry(1), entry(2), entry(3)])
    assert ring.after(0) is None
    assert [batch.revision for batch in ring.after(1) or ()] == [2, 3]
    assert ring.floor == 1


def test_a_ring_that_starts_late_knows_where() -> None:
    """After a restart the ring is empty and holds nothing before its start."""
    ring = Ring(10, 5)
    assert ring.after(4) is None
    assert ring.after(5) == []
