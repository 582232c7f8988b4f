"""What a mirror of the client library holds after each kind of event, and how old it says it is."""

from collections.abc import Sequence
from datetime import timedelta

import grpc
import pytest

from calguard.v1 import watch_pb2 as pb
from calguard.v1.provider_pb2 import PROVIDER_STATE_INCIDENT, ProviderStatus
from calguard_client import (
    Acceptance,
    Changes,
    Interrupted,
    MirrorChange,
    MirrorOptions,
    Progress,
    Refusal,
    SnapshotEnded,
    SnapshotPart,
    SnapshotStarted,
)
from calguard_client.mirroring.reading import Clocks, MirrorReading
from calguard_client.mirroring.request import mirror_request
from calguard_client.watching.events import WatchEvent
from tests.unit.watch_messages import CHANGED, CREATED, DELETED, SNAPSHOT, appointment, link, page

GONE = Refusal(grpc.StatusCode.UNAVAILABLE, "", "connection reset")
EPOCH = 1_000_000


class Scene:
    """A mirror, the times, and what it told."""

    def __init__(self, **options: object) -> None:
        self.now = 0.0
        clocks = Clocks(lambda: self.now, lambda: EPOCH + self.now)
        self.mirror = MirrorReading(MirrorOptions(clocks=clocks, **options))  # type: ignore[arg-type]
        self.told: list[MirrorChange] = []
        self.mirror.on_change(self.told.append)

    def take(self, *events: WatchEvent) -> list[tuple[str, bool, bool]]:
        """Take in events; answer of what is told the id, and whether there is a before and an after."""
        self.told.clear()
        for event in events:
            self.mirror._take(event)
        return [(each.resource.id, each.before is not None, each.after is not None) for each in self.told]  # type: ignore[union-attr]

    def snapshot(self, *shown: pb.StateChange) -> list[tuple[str, bool, bool]]:
        return self.take(SnapshotStarted(), SnapshotPart(changes=shown), SnapshotEnded(resume_token="t"))

    def change(self, *changed: pb.StateChange) -> list[tuple[str, bool, bool]]:
        return self.take(Changes(changes=changed, resume_token="t"))

    @property
    def held(self) -> tuple[Sequence[str], Sequence[str]]:
        return [each.id for each in self.mirror.pages()], [each.id for each in self.mirror.links()]


def test_nothing_is_seen_before_the_snapshot_is_whole() -> None:
    scene = Scene()
    assert scene.take(SnapshotStarted(), SnapshotPart(changes=(page("a", 1, SNAPSHOT),))) == []
    assert scene.held == ([], [])
    assert scene.mirror.staleness == timedelta.max
    assert scene.mirror.accepting("a") is Acceptance.NOT_READY
    assert scene.take(SnapshotEnded(resume_token="t")) == [("a", False, True)]
    assert scene.held == (["a"], [])


def test_each_change_takes_effect() -> None:
    scene = Scene()
    scene.snapshot(page("a", 1, SNAPSHOT), link("l", 2, SNAPSHOT))
    assert scene.change(page("b", 3, CREATED), link("l", 4), page("a", 5, DELETED)) == [
        ("b", False, True),
        ("l", True, True),
        ("a", True, False),
    ]
    assert scene.held == (["b"], ["l"])
    kept = scene.mirror.get_link("l")
    assert kept is not None
    assert kept.revision == 4
    assert (scene.mirror.get_page("a"), scene.mirror.get_link("b")) == (None, None)


def test_a_callback_is_told_what_the_server_told() -> None:
    scene = Scene()
    change = page("a", 3, CREATED)
    scene.snapshot()
    scene.change(change)
    assert [(each.change, each.after) for each in scene.told] == [(change, change.booking_page)]


def test_what_leaves_the_filter_is_dropped_and_what_enters_is_taken_in() -> None:
    scene = Scene()
    scene.snapshot(page("a", 1, SNAPSHOT))
    left = page("a", 2, CHANGED, filter_transition=pb.FILTER_TRANSITION_LEFT)
    entered = page("b", 3, CHANGED, filter_transition=pb.FILTER_TRANSITION_ENTERED)
    assert scene.change(left, entered) == [("a", True, False), ("b", False, True)]
    assert scene.held == (["b"], [])


def test_what_was_never_there_and_is_gone_is_not_told() -> None:
    scene = Scene()
    scene.snapshot()
    assert scene.change(page("a", 2, DELETED)) == []


def test_a_new_snapshot_takes_the_place_of_all_at_once() -> None:
    """What it does not show is told as gone, what differs as changed, what is the same not at all."""
    scene = Scene()
    scene.snapshot(page("same", 1, SNAPSHOT), page("gone", 2, SNAPSHOT), page("other", 3, SNAPSHOT))
    later = (page("same", 1, SNAPSHOT), page("other", 8, SNAPSHOT), page("new", 9, SNAPSHOT))
    scene.take(Interrupted(refusal=GONE), SnapshotStarted(cause="RESUME_TOKEN_EXPIRED"))
    assert scene.take(SnapshotPart(changes=later)) == []
    assert scene.held == (["same", "gone", "other"], [])
    assert scene.take(SnapshotEnded(resume_token="t")) == [
        ("gone", True, False),
        ("other", True, True),
        ("new", False, True),
    ]
    assert scene.held == (["same", "other", "new"], [])
    assert all(each.change is None for each in scene.told)


def test_a_snapshot_that_was_broken_off_leaves_nothing_behind() -> None:
    scene = Scene()
    scene.take(SnapshotStarted(), SnapshotPart(changes=(page("old", 1, SNAPSHOT),)), Interrupted(refusal=GONE))
    scene.snapshot(page("new", 2, SNAPSHOT))
    assert scene.held == (["new"], [])


def test_the_providers_status_is_held() -> None:
    scene = Scene()
    scene.snapshot()
    assert scene.mirror.get_provider_status() is None
    status = ProviderStatus(provider=1, state=PROVIDER_STATE_INCIDENT)
    scene.mirror._take(Changes(changes=(pb.StateChange(revision=2, type=CHANGED, provider_status=status),)))
    assert scene.mirror.get_provider_status() == status
    assert scene.held == ([], [])


def test_a_kind_that_is_not_known_here_is_left_out() -> None:
    scene = Scene()
    scene.snapshot()
    assert scene.change(pb.StateChange(revision=2, type=CHANGED)) == []


def test_a_callback_that_fails_breaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    later: list[MirrorChange] = []

    def fail(_change: MirrorChange) -> None:
        raise LookupError("of the callback")

    scene.mirror.on_change(fail)
    end = scene.mirror.on_change(later.append)
    assert scene.snapshot(page("a", 1, SNAPSHOT)) == [("a", False, True)]
    assert len(later) == 1
    assert [record.exc_info[1].args for record in caplog.records if record.exc_info and record.exc_info[1]] == [
        ("of the callback",)
    ]
    end()
    end()  # harmless
    scene.change(page("a", 2))
    assert len(later) == 1


def test_whether_a_page_accepts_is_answered_with_a_reason() -> None:
    scene = Scene()
    scene.snapshot(page("open", 1, SNAPSHOT, accepting=True), page("shut", 2, SNAPSHOT, accepting=False))
    answers = [scene.mirror.accepting(each) for each in ("open", "shut", "nowhere")]
    assert answers == [Acceptance.ACCEPTING, Acceptance.STOPPED, Acceptance.UNKNOWN_PAGE]
    scene.now = 61
    assert scene.mirror.accepting("open") is Acceptance.STALE
    assert [bool(each) for each in Acceptance] == [each is Acceptance.ACCEPTING for each in Acceptance]


def test_a_mirror_may_be_trusted_however_old_it_is() -> None:
    scene = Scene(max_staleness=None)
    scene.snapshot(page("open", 1, SNAPSHOT, accepting=True))
    scene.now = 1e6
    assert scene.mirror.accepting("open") is Acceptance.ACCEPTING


def test_it_is_as_old_as_its_last_message() -> None:
    scene = Scene()
    scene.take(SnapshotStarted())
    scene.now = 3
    scene.take(SnapshotEnded(resume_token="t"))
    assert scene.mirror.staleness == timedelta(seconds=3), "a snapshot shows how things stood when it began"
    scene.now = 10
    scene.take(Progress(resume_token="t"))
    assert scene.mirror.staleness == timedelta()
    scene.now = 14
    assert scene.mirror.staleness == timedelta(seconds=4)
    scene.change(page("a", 5, at=EPOCH - 500))
    assert scene.mirror.staleness == timedelta(), "a stream that has caught up brings what happens now"


def test_changes_that_were_missed_show_the_past() -> None:
    """After a break the mirror is as old as the changes that it is told, until it has caught up."""
    scene = Scene()
    scene.snapshot()
    scene.now = 1000
    scene.take(Interrupted(refusal=GONE))
    scene.change(page("a", 5, at=EPOCH + 300))
    assert scene.mirror.staleness == timedelta(seconds=700)
    scene.change(page("a", 6, at=EPOCH + 200))
    assert scene.mirror.staleness == timedelta(seconds=700), "it never grows older by a message"
    scene.change(page("a", 7, at=EPOCH + 998))
    assert scene.mirror.staleness == timedelta()
    scene.take(Interrupted(refusal=GONE))
    scene.now = 2000
    scene.take(Progress(resume_token="t"))
    assert scene.mirror.staleness == timedelta()


def test_a_mirror_asks_for_the_latest_state_and_for_a_snapshot() -> None:
    assert mirror_request(None).mode == pb.WATCH_MODE_LATEST
    every = pb.WatchRequest(mode=pb.WATCH_MODE_EVERY, account_ids=["ann"])
    assert mirror_request(every) == every
    with pytest.raises(ValueError, match="resume_token"):
        mirror_request(pb.WatchRequest(resume_token="t"))
    with pytest.raises(ValueError, match="skip_snapshot"):
        mirror_request(pb.WatchRequest(skip_snapshot=True))


def test_appointments_are_held_while_they_are_assigned() -> None:
    """One that was cancelled, deleted or left the filter is gone; what becomes of it then is told to nobody."""
    scene = Scene()
    scene.snapshot(appointment("a", 1, SNAPSHOT), appointment("b", 2, SNAPSHOT), appointment("c", 3, SNAPSHOT))
    assert scene.change(appointment("d", 4, CREATED), appointment("a", 5)) == [("d", False, True), ("a", True, True)]
    left = pb.FILTER_TRANSITION_LEFT
    gone = [appointment("a", 6, state="APPOINTMENT_STATE_CANCELLED"), appointment("b", 7, filter_transition=left)]
    assert scene.change(*gone, appointment("c", 8, DELETED)) == [(each, True, False) for each in "abc"]
    assert scene.change(appointment("a", 9, state="APPOINTMENT_STATE_CANCELLED")) == []
    assert [each.id for each in scene.mirror.appointments()] == ["d"]
    kept = scene.mirror.get_appointment("d")
    assert kept is not None
    assert kept.revision == 4
    assert scene.mirror.get_appointment("a") is None
    assert scene.held == ([], [])


def test_an_appointment_that_is_over_is_dropped_and_told() -> None:
    """With the first message after its end, whatever that tells; what becomes of it later brings it not back."""
    scene = Scene()
    scene.snapshot(
        appointment("short", 1, SNAPSHOT, ends=EPOCH + 60),
        appointment("long", 2, SNAPSHOT, ends=EPOCH + 120),
        appointment("over", 3, SNAPSHOT, ends=EPOCH),
    )
    assert sorted(each.id for each in scene.mirror.appointments()) == ["long", "short"]
    scene.change(appointment("short", 4, ends=EPOCH + 60))
    scene.now = 59
    assert scene.take(Progress(resume_token="u")) == []
    scene.now = 60
    assert scene.take(Progress(resume_token="v")) == [("short", True, False)]
    assert scene.told[0].change is None
    assert scene.change(appointment("short", 5, ends=EPOCH + 60)) == []
    scene.now = 500
    assert scene.change(page("p", 6, CREATED)) == [("p", False, True), ("long", True, False)]
    assert scene.mirror.appointments() == ()


def test_a_new_snapshot_begins_anew_with_when_appointments_are_over() -> None:
    scene = Scene()
    scene.snapshot(appointment("a", 1, SNAPSHOT, ends=EPOCH + 60), appointment("b", 2, SNAPSHOT))
    assert scene.snapshot(appointment("c", 3, SNAPSHOT, ends=EPOCH + 60)) == [
        ("a", True, False),
        ("b", True, False),
        ("c", False, True),
    ]
    scene.now = 60
    assert scene.take(Progress(resume_token="u")) == [("c", True, False)]
