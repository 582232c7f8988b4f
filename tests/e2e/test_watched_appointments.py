"""Appointments on the watch: from their assignment on, through an outage and a restart, to whoever asks for them."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from calguard.v1 import appointment_pb2 as pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import watch_pb2 as watch_pb
from calguard_client import AsyncClient, MirrorOptions
from calguard_client.mirroring.reading import Clocks
from calguard_sandbox.google.state import Busy
from tests.e2e.backend import Backend, running_backend
from tests.e2e.booking import HOUR, all_are, assign, begins, cancel, read, reassign, until
from tests.e2e.stubs import ALL, ANY, AUTO, refused, told
from tests.e2e.watching import SNAPSHOT, Watcher, id_of

APPOINTMENTS, PAGES = watch_pb.RESOURCE_KIND_APPOINTMENT, watch_pb.RESOURCE_KIND_BOOKING_PAGE
CREATED, UPDATED = watch_pb.STATE_CHANGE_TYPE_CREATED, watch_pb.STATE_CHANGE_TYPE_UPDATED
STATE_CHANGED = watch_pb.STATE_CHANGE_TYPE_STATE_CHANGED
ADDED, NOT_ADDED = pb.CALENDAR_ENTRY_STATE_ADDED, pb.CALENDAR_ENTRY_STATE_NOT_ADDED
PENDING, REMOVED = pb.CALENDAR_ENTRY_STATE_PENDING, pb.CALENDAR_ENTRY_STATE_REMOVED


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[Backend]:
    """Ann's and Ben's calendars, a page of each mode that they are members of, and Olga who owns them."""
    async with running_backend(tmp_path, availability_cache="0s") as running:
        await running.add_account("olga")
        for name in ("ann", "ben"):
            await running.add_account(name)
            await running.link(name)
        for page_id, mode in (("all", ALL), ("any", ANY), ("auto", AUTO)):
            await running.add_page(page_id, mode, "olga", "ann", "ben")
        yield running


async def link_of(backend: Backend, account_id: str) -> links_pb.CalendarLink:
    [link] = await backend.all_links(account_id)
    return link


async def seen(backend: Backend, watcher: Watcher, **filters: object) -> list[watch_pb.StateChange]:
    """Every change up to now, of a watch with these filters; nothing is under way any more."""
    fresh = backend.watch(kinds=[APPOINTMENTS], skip_snapshot=True, **filters)
    await fresh.read()
    fresh.cancel()
    while watcher.token != fresh.token:
        await backend.ticking(watcher.read())
    return watcher.changes


def shown(changes: list[watch_pb.StateChange]) -> list[tuple[int, list[tuple[str, int]], int]]:
    """Of each change: its type, who has the appointment and in which calendar state, and how many conflicts."""
    return [
        (
            change.type,
            [(each.account_id, each.entry_state) for each in change.appointment.assignees],
            len(change.appointment.conflicts),
        )
        for change in changes
    ]


async def test_an_appointment_through_an_outage_and_a_restart(backend: Backend) -> None:
    """Every change once, live as by token; the last shows what is read."""
    live = backend.watch(kinds=[APPOINTMENTS])
    assert await live.snapshot() == []
    token = live.token
    broken = await backend.break_link(await link_of(backend, "ann"))
    made = await assign(backend, "auto", 24)
    backend.sandbox.google.set_busy("ann@example.com", [Busy(begins(made), begins(made) + HOUR / 2)])
    await backend.relink(broken)
    await until(backend, made.id, all_are(ADDED))
    before = list(await seen(backend, live))
    live.cancel()
    resume_token = live.token
    await backend.restart()
    after = backend.watch(kinds=[APPOINTMENTS], resume_token=resume_token)
    cancelled = await cancel(backend, made.id)
    gone = await until(backend, made.id, all_are(REMOVED))
    await after.until(lambda change: change.revision == gone.revision)
    after.cancel()
    assert shown(before + after.changes) == [
        (CREATED, [("ann", NOT_ADDED)], 0),
        (UPDATED, [("ann", NOT_ADDED)], 1),
        (UPDATED, [("ann", ADDED)], 1),
        (STATE_CHANGED, [("ann", pb.CALENDAR_ENTRY_STATE_REMOVING)], 0),
        (UPDATED, [("ann", REMOVED)], 0),
    ]
    assert before[0].appointment == made
    assert after.changes[0].appointment == cancelled
    assert after.changes[0].previous_appointment_state == pb.APPOINTMENT_STATE_ASSIGNED
    assert after.changes[1].appointment == gone
    from_log = backend.watch(kinds=[APPOINTMENTS], resume_token=token)
    await from_log.up_to(gone.revision)
    assert from_log.changes == before + after.changes
    from_log.cancel()


async def test_who_does_not_ask_is_sent_none(backend: Backend) -> None:
    """Neither with no filter, nor by its page, nor by who has it; only the token moves on."""
    filters: list[dict[str, list[str]]] = [{}, {"account_ids": ["ann"]}, {"booking_page_ids": ["any"]}]
    first = await assign(backend, "any", 24)
    watchers = [backend.watch(**each) for each in filters]
    for watcher in watchers:
        assert "appointment" not in {each.WhichOneof("resource") for each in await watcher.snapshot()}
    await cancel(backend, first.id)
    await assign(backend, "any", 26)
    page = await backend.stop_page("any")
    for watcher in watchers:
        await watcher.up_to(page.revision)
        assert [id_of(change) for change in watcher.changes] == ["any"]
        watcher.cancel()


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, {"both", "ann's", "ben's"}),
        ({"booking_page_ids": ["all"]}, {"both"}),
        ({"booking_page_ids": ["any", "auto"]}, {"ann's", "ben's"}),
        ({"account_ids": ["ann"]}, {"both", "ann's"}),
        ({"account_ids": ["olga"]}, set()),
        ({"account_ids": ["ben"], "booking_page_ids": ["any"]}, {"ben's"}),
        ({"account_ids": ["ben"], "calendar_link_ids": ["none"]}, {"both", "ben's"}),
    ],
)
async def test_filters(backend: Backend, filters: dict[str, list[str]], expected: set[str]) -> None:
    """The same in the snapshot as in what follows; an owner has no appointment."""
    made = {
        (await assign(backend, "all", 24)).id: "both",
        (await assign(backend, "any", 26, account_id="ann")).id: "ann's",
        (await assign(backend, "any", 28, account_id="ben")).id: "ben's",
    }
    for each in made:
        await until(backend, each, all_are(ADDED))
    watcher = backend.watch(kinds=[APPOINTMENTS], **filters)
    known = await watcher.snapshot()
    assert {made[id_of(change)] for change in known} == expected
    for change in known:
        assert (change.type, change.revision) == (SNAPSHOT, change.appointment.revision)
        assert change.appointment == await read(backend, change.appointment.id)
    for each in made:
        await cancel(backend, each)
    for each in made:
        await until(backend, each, all_are(REMOVED))
    assert {made[id_of(change)] for change in await seen(backend, watcher, **filters)} == expected
    watcher.cancel()


async def test_a_snapshot_has_neither_what_is_over_nor_what_was_cancelled(backend: Backend) -> None:
    over, later, cancelled = [await assign(backend, "any", after) for after in (24, 48, 72)]
    await cancel(backend, cancelled.id)
    for each in (over, later):
        await until(backend, each.id, all_are(ADDED))
    await backend.pass_time(hours=25)
    watcher = backend.watch(kinds=[APPOINTMENTS, PAGES])
    known = [id_of(change) for change in await watcher.snapshot()]
    assert sorted(known) == sorted(["all", "any", "auto", later.id])
    watcher.cancel()


async def test_an_appointment_enters_and_leaves_a_watch_of_accounts(backend: Backend) -> None:
    made = await assign(backend, "any", 24, account_id="ann")
    await until(backend, made.id, all_are(ADDED))
    anns, bens = (backend.watch(kinds=[APPOINTMENTS], account_ids=[each]) for each in ("ann", "ben"))
    assert [len(await each.snapshot()) for each in (anns, bens)] == [1, 0]
    moved = await reassign(backend, made.id, "ben")
    await until(backend, made.id, all_are(ADDED))
    assert [
        (change.revision, change.filter_transition) for change in await seen(backend, anns, account_ids=["ann"])
    ] == [(moved.revision, watch_pb.FILTER_TRANSITION_LEFT)]
    assert [change.filter_transition for change in await seen(backend, bens, account_ids=["ben"])] == [
        watch_pb.FILTER_TRANSITION_ENTERED,
        watch_pb.FILTER_TRANSITION_UNSPECIFIED,
    ]
    for each in (anns, bens):
        each.cancel()


async def test_a_stale_etag_is_refused(backend: Backend) -> None:
    made = await assign(backend, "any", 24)
    added = await until(backend, made.id, all_are(ADDED))
    assert added.etag == made.etag
    assert added.revision > made.revision
    moved = await reassign(backend, made.id)
    for call in (
        backend.appointments.CancelAppointment(pb.CancelAppointmentRequest(id=made.id, etag=made.etag)),
        backend.appointments.ReassignAppointment(pb.ReassignAppointmentRequest(id=made.id, etag=made.etag)),
    ):
        assert told(await refused(call)) == ("ABORTED", "ETAG_MISMATCH")
    request = pb.CancelAppointmentRequest(id=made.id, etag=moved.etag)
    assert (await backend.appointments.CancelAppointment(request)).appointment.etag not in (made.etag, moved.etag)


async def test_only_links_beside_appointments_are_refused(backend: Backend) -> None:
    refusal = await backend.watch(kinds=[APPOINTMENTS], calendar_link_ids=["any"]).ended()
    assert refusal.code.name == "INVALID_ARGUMENT"
    assert [each.field for each in refusal.fields] == ["calendar_link_ids"]


async def test_a_mirror_holds_them_where_it_asks_for_them(backend: Backend) -> None:
    """The latest of each, until it is cancelled, or is over by the mirror's clock."""
    first = await assign(backend, "any", 24)
    asked = watch_pb.WatchRequest(kinds=[APPOINTMENTS])
    options = MirrorOptions(clocks=Clocks(wall=lambda: backend.clock.now().timestamp()))
    async with AsyncClient(f"127.0.0.1:{backend.app.port}") as client, client.mirror(asked, options) as mirror:
        await mirror.wait_ready(timedelta(seconds=30))
        second = await assign(backend, "any", 26)
        await until(backend, second.id, all_are(ADDED))
        await mirror.wait_until(
            lambda m: (held := m.get_appointment(second.id)) is not None and all_are(ADDED)(held),
            timedelta(seconds=30),
        )
        assert {each.id for each in mirror.appointments()} == {first.id, second.id}
        assert mirror.get_appointment(second.id) == await read(backend, second.id)
        await cancel(backend, first.id)
        await mirror.wait_until(lambda m: m.get_appointment(first.id) is None, timedelta(seconds=30))
        assert [each.id for each in mirror.appointments()] == [second.id]
        backend.clock.advance(timedelta(hours=27))
        await mirror.wait_until(lambda m: not m.appointments(), timedelta(seconds=30))
