"""What is told of appointments: each change that readers see once, in its own transaction, and nothing else."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, closing
from datetime import timedelta
from pathlib import Path

import pytest

from calguard.v1 import appointment_pb2 as pb
from calguard_server.domain.appointment import Appointment
from calguard_server.domain.errors import AbortedError
from calguard_server.domain.etags import etag_of
from calguard_server.domain.page import SchedulingMode
from calguard_server.engine.ports.filters import NotificationFilter
from calguard_server.engine.ports.log import LogEntry
from calguard_server.store.migrate import migrations
from tests.fakes.calendars import DOWN, REVOKED, Desk, open_desk, slot
from tests.fakes.inline_connections import InlineConnections, next_turn
from tests.fakes.service import Service, running_service
from tests.fakes.virtual_time import VirtualClock, run_virtually
from tests.integration.appointment_log import CREATED, STATE_CHANGED, UPDATED, changes_of, expect_told

ALL, ANY, AUTO = SchedulingMode.ALL_MEMBERS, SchedulingMode.ANY_MEMBER, SchedulingMode.AUTO_ASSIGN
ADDED, NOT_ADDED = pb.CALENDAR_ENTRY_STATE_ADDED, pb.CALENDAR_ENTRY_STATE_NOT_ADDED
PENDING, REMOVING = pb.CALENDAR_ENTRY_STATE_PENDING, pb.CALENDAR_ENTRY_STATE_REMOVING
REMOVED = pb.CALENDAR_ENTRY_STATE_REMOVED

Story = Callable[[Desk], Awaitable[None]]


async def seconds(count: float) -> None:
    await asyncio.sleep(count)  # noqa: TID251 - virtual: the loop jumps


async def people(service: Service) -> None:
    for account in ("olga", "ann", "bob"):
        await service.add_account(account)
    for account in ("ann", "bob"):
        await service.link(account)
    for page, mode in (("all", ALL), ("any", ANY), ("auto", AUTO)):
        await service.add_page(page, mode, "olga", "ann", "bob")


def service_over(path: Path) -> AbstractAsyncContextManager[Service]:
    return running_service(path, clock=VirtualClock(), connections=InlineConnections())


def play(path: Path, story: Story) -> None:
    async def main() -> None:
        async with service_over(path / "db") as service:
            desk = open_desk(service)
            await people(service)
            work = [asyncio.create_task(each.run()) for each in (desk.loop, desk.reviews)]
            await story(desk)
            assert not any(each.done() for each in work)
            for each in work:
                each.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            await desk.failures.close()

    run_virtually(main())


async def told(desk: Desk, appointment: Appointment) -> list[tuple[int, list[tuple[str, int]]]]:
    """The changes of an appointment: the type of each, and who had it then, in which calendar state."""
    changes = await expect_told(desk.service.store, await desk.appointments.get(appointment.id))
    return [
        (change.type, [(each.account_id, each.entry_state) for each in change.appointment.assignees])
        for change in changes
    ]


async def link_of(desk: Desk, account_id: str) -> str:
    [link] = await desk.service.store.links_of_account(account_id)
    return link.id


def test_the_life_of_an_appointment(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        appointment = await desk.book("any", slot(0))
        await seconds(1)
        await desk.appointments.reassign(appointment.id)
        await seconds(1)
        await desk.appointments.cancel(appointment.id)
        await seconds(1)
        assert await told(desk, appointment) == [
            (CREATED, [("ann", PENDING)]),
            (UPDATED, [("ann", ADDED)]),
            (UPDATED, [("bob", PENDING)]),
            (UPDATED, [("bob", ADDED)]),
            (STATE_CHANGED, [("bob", REMOVING)]),
            (UPDATED, [("bob", REMOVED)]),
        ]
        changes = await changes_of(desk.service.store, appointment.id)
        cancelled = [change for change in changes if change.type == STATE_CHANGED]
        assert [each.previous_appointment_state for each in cancelled] == [pb.APPOINTMENT_STATE_ASSIGNED]
        assert not any(each.previous_appointment_state for each in changes if each not in cancelled)

    play(tmp_path, story)


def test_what_changes_nothing_is_not_told(tmp_path: Path) -> None:
    """Neither claims, nor tries that fail as before, nor a call that changes nothing."""

    async def story(desk: Desk) -> None:
        desk.calendars.failing[await link_of(desk, "ann")] = DOWN
        desk.calendars.asked.clear()
        bob = await desk.book("any", slot(0))
        assert bob.account_ids == ("bob",)
        desk.calendars.failing = {await link_of(desk, "bob"): DOWN}
        await seconds(3600)
        assert sum(desk.calendars.inserts.values()) > 5
        assert await told(desk, bob) == [(CREATED, [("bob", PENDING)]), (UPDATED, [("bob", NOT_ADDED)])]
        before = await desk.appointments.get(bob.id)
        assert await desk.appointments.reassign(bob.id, "bob") == before
        await desk.appointments.cancel(bob.id)
        await desk.appointments.cancel(bob.id)
        assert [each for each, _ in await told(desk, bob)] == [CREATED, UPDATED, STATE_CHANGED]
        desk.calendars.failing.clear()
        await seconds(3600)
        assert (await told(desk, bob))[3:] == [(UPDATED, [("bob", REMOVED)])]

    play(tmp_path, story)


def test_a_conflict_is_told_with_the_notice_of_it(tmp_path: Path) -> None:
    """The ledger names the change that it tells."""

    async def story(desk: Desk) -> None:
        link_id = await link_of(desk, "ann")
        desk.service.provider.findings[link_id] = (REVOKED,)
        await desk.service.checks.check_now(link_id)
        appointment = await desk.book("auto", slot(0))
        assert appointment.account_ids == ("ann",)
        desk.calendars.busy[link_id] = [slot(0)]
        desk.service.provider.findings.clear()
        await desk.service.link("ann", link_id=link_id)
        await seconds(60)
        assert await told(desk, appointment) == [
            (CREATED, [("ann", NOT_ADDED)]),
            (UPDATED, [("ann", NOT_ADDED)]),
            (UPDATED, [("ann", ADDED)]),
        ]
        created, found, _ = await changes_of(desk.service.store, appointment.id)
        assert [len(each.appointment.conflicts) for each in (created, found)] == [0, 1]
        notices = await desk.service.store.notifications(NotificationFilter(), 0, 100)
        revisions = {each.delivery.kind.value: each.delivery.revision for each in notices}
        assert revisions["ASSIGNED_TO_FAULTY"] == created.revision
        assert revisions["APPOINTMENT_CONFLICT"] == found.revision

    play(tmp_path, story)


def test_who_got_and_lost_it_is_in_the_keys_of_a_change(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        desk.calendars.hanging = {await link_of(desk, each) for each in ("ann", "bob")}  # entries change nothing
        appointment = await desk.book("any", slot(0))
        await desk.appointments.reassign(appointment.id)
        both = await desk.book("all", slot(1))
        log = await desk.service.store.log_after(0, 1000)
        keys = [_keys(each) for each in log if each.kind == "APPOINTMENT"]
        assert keys == [
            (appointment.id, "any", ("ann",), (), ()),
            (appointment.id, "any", ("bob",), ("bob",), ("ann",)),
            (both.id, "all", ("ann", "bob"), (), ()),
        ]

    play(tmp_path, story)


def _keys(entry: LogEntry) -> tuple[object, ...]:
    return entry.resource_id, entry.page_id, entry.account_ids, entry.added_account_ids, entry.removed_account_ids


def test_a_stale_etag_changes_nothing(tmp_path: Path) -> None:
    """It changes with who has the appointment and with its cancellation, and not with what calendars do."""

    async def story(desk: Desk) -> None:
        appointment = await desk.book("any", slot(0))
        await seconds(1)
        etag = etag_of(await desk.appointments.get(appointment.id))
        assert etag == etag_of(appointment)
        moved = await desk.appointments.reassign(appointment.id, "", etag)
        for call in (desk.appointments.cancel(appointment.id, etag), desk.appointments.reassign(moved.id, "", etag)):
            with pytest.raises(AbortedError, match="was changed since it was read"):
                await call
        assert (await desk.appointments.get(appointment.id)).revision == moved.revision
        cancelled = await desk.appointments.cancel(appointment.id, etag_of(moved))
        assert etag_of(cancelled) not in (etag, etag_of(moved))

    play(tmp_path, story)


def test_an_etag_that_goes_stale_while_calendars_are_asked_is_refused(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        appointment = await desk.book("any", slot(0))
        etag = etag_of(appointment)

        async def meanwhile() -> None:
            desk.calendars.pause = next_turn
            await desk.appointments.cancel(appointment.id)

        await seconds(1)
        desk.calendars.pause = meanwhile
        with pytest.raises(AbortedError):
            await desk.appointments.reassign(appointment.id, "", etag)

    play(tmp_path, story)


def test_a_snapshot_has_what_is_assigned_and_not_over(tmp_path: Path) -> None:
    """At its own revision, in the order of start times, narrowed by pages and accounts."""

    async def story(desk: Desk) -> None:
        service = desk.service
        long = await desk.book("any", slot(0, 24 * 60))
        bobs, late = await desk.book("any", slot(1)), await desk.book("all", slot(100))
        cancelled = await desk.book("any", slot(60))
        await desk.appointments.cancel(cancelled.id)
        now = service.clock.now()
        async with service.store.snapshot() as snapshot:
            after = await desk.book("any", slot(200))
            assert after.revision > snapshot.revision

            async def found(pages: set[str], accounts: set[str], later: timedelta = timedelta()) -> list[str]:
                batches = snapshot.appointments(pages, accounts, now + later)
                return [each.id async for batch in batches for each in batch]

            assert await found(set(), set()) == [long.id, bobs.id, late.id]
            assert await found({"any", "auto"}, set()) == [long.id, bobs.id]
            assert await found(set(), {"bob"}) == [bobs.id, late.id]
            assert await found({"any"}, {"bob", "olga"}) == [bobs.id]
            assert await found({"auto"}, {"ann"}) == []
            assert await found(set(), set(), long.time.end - now - timedelta(seconds=1)) == [long.id, late.id]
            assert await found(set(), set(), long.time.end - now) == [late.id]

    play(tmp_path, story)


def test_a_snapshot_of_more_than_one_batch_has_each_once(tmp_path: Path) -> None:
    """Also where many begin at the same time."""

    async def story(desk: Desk) -> None:
        service = desk.service
        for number in range(11):
            await service.add_account(f"m{number:02}")
            await service.link(f"m{number:02}")
        await service.add_page("many", ANY, "olga", *(f"m{number:02}" for number in range(11)))
        made = [await desk.book("many", slot(at)) for at in range(100) for _ in range(11)]
        async with service.store.snapshot() as snapshot:
            batches = [batch async for batch in snapshot.appointments((), (), service.clock.now())]
        assert len(batches) == 3
        shown = [each for batch in batches for each in batch]
        assert sorted(each.id for each in shown) == sorted(each.id for each in made)
        assert [each.time.start for each in shown] == sorted(each.time.start for each in made)

    play(tmp_path, story)


def test_what_was_assigned_before_appointments_were_watched(tmp_path: Path) -> None:
    """It stands at the revision that the log had come to, pruned or not; later changes go on from there."""

    async def main() -> None:
        async with service_over(tmp_path / "db") as service:
            desk = open_desk(service)
            await people(service)
            old = await desk.book("any", slot(0))
            later = service.clock.now() + timedelta(days=2)
            await service.store.prune(later, later, 0)
        latest = await _as_before(tmp_path / "db")
        async with service_over(tmp_path / "db") as service:
            service.context.new_id.skip(9)  # type: ignore[attr-defined] - ids go on after a restart
            desk = open_desk(service)
            upgraded = await desk.appointments.get(old.id)
            assert upgraded.revision == await service.store.revision() == latest
            async with service.store.snapshot() as snapshot:
                [batch] = [each async for each in snapshot.appointments((), (), service.clock.now())]
                assert batch == [upgraded]
            assert (await desk.appointments.cancel(old.id)).revision == latest + 1
            [entry] = await service.store.log_after(latest, 10)
            assert (entry.kind, entry.page_id) == ("APPOINTMENT", "any")

    run_virtually(main())


async def _as_before(path: Path) -> int:
    """Write a database anew with the schema before appointments were watched; answers its latest revision."""
    scripts = [script for number, script in migrations() if number < 13]
    with closing(sqlite3.connect(path)) as new, closing(sqlite3.connect(path.with_name("old"))) as old:
        old.executescript("\n".join(scripts))
        for (table,) in old.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"):
            columns = [row[1] for row in old.execute(f"PRAGMA table_info({table})")]
            rows = new.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
            marks = ", ".join("?" * len(columns))
            old.executemany(f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)
        old.execute("PRAGMA user_version = 12")
        old.commit()
        [(revision,)] = new.execute("SELECT value FROM meta WHERE key = 'pruned_revision'")
    path.with_name("old").replace(path)
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)
    return int(revision)
