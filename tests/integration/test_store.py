"""The store on a real SQLite file: group commit, revisions without holes, secrets, claims, and what stops a start."""

import asyncio
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.delivery import DeliveryState
from calguard_server.domain.errors import UnavailableError
from calguard_server.domain.page import SchedulingMode
from calguard_server.domain.secret import Secret
from calguard_server.engine.ports.checks import CheckTimes
from calguard_server.engine.ports.deliveries import DeliveryUpdate
from calguard_server.engine.ports.filters import LinkFilter, NotificationFilter, PageFilter
from calguard_server.engine.ports.grants import Grant, GrantUnreadableError
from calguard_server.engine.ports.log import LogEntry
from calguard_server.engine.requests import ReplayedError, Request
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.working_set import Unit, WorkingSet
from calguard_server.store.errors import StoreError
from tests.fakes.service import Service, make_account, of_each_channel, open_test_store, running_service
from tests.fakes.world import START, CountingIds, ManualClock
from tests.integration.test_engine import REVOKED


class _OwnError(Exception):
    """What a unit of work raises in these tests."""


async def test_units_that_wait_together_are_committed_together_and_a_refused_one_leaves_no_trace(
    tmp_path: Path,
) -> None:
    """One of many raises: it alone is refused, and what it put is not there."""
    async with running_service(tmp_path / "db") as service:

        def refuse(rows: WorkingSet) -> None:
            rows.put_account(make_account("refused"))
            raise _OwnError

        adding = [service.add_account(f"a{number}") for number in range(50)]
        refused = service.store.transact(Unit(Seeds(accounts=("refused",)), refuse))
        outcomes = await asyncio.gather(*adding, refused, return_exceptions=True)

        assert isinstance(outcomes[-1], _OwnError)
        assert len(await service.store.accounts("", 1000)) == 50
        assert await service.store.account("refused") is None


async def test_a_group_that_breaks_by_a_fault_of_ours_is_refused_and_the_next_is_served(tmp_path: Path) -> None:
    """Nothing of the group is kept, its callers are told, and the writer goes on."""
    async with running_service(tmp_path / "db") as service:

        def put_what_cannot_be_saved(rows: WorkingSet) -> None:
            rows.put_account(make_account("odd", display_name=object()))

        broken = service.store.transact(Unit(Seeds(), put_what_cannot_be_saved))
        together = service.add_account("together")
        outcomes = await asyncio.gather(broken, together, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [UnavailableError, UnavailableError]
        await service.add_account("after")
        assert [account.id for account in await service.store.accounts("", 10)] == ["after"]


async def test_a_commit_is_told_before_its_callers_are_answered(tmp_path: Path) -> None:
    """Of its changes always; of deliveries only where it owes some, for a look at what is owed is not free."""
    async with running_service(tmp_path / "db") as service:
        told: list[str] = []
        service.store.listen(lambda entries: told.extend(entry.kind for entry in entries))
        service.store.listen_for_deliveries(lambda: told.append("deliveries"))
        await service.add_account("ann")
        link = await service.link("ann")
        assert told == ["CALENDAR_LINK"] * len(told)
        told.clear()
        await service.add_page("page", SchedulingMode.ALL_MEMBERS, "ann", "ann")
        assert told == ["BOOKING_PAGE"]
        told.clear()
        service.provider.findings[link.id] = REVOKED
        await service.checks.check_now(link.id)
        assert told == ["CALENDAR_LINK", "BOOKING_PAGE", "deliveries"]
        told.clear()
        await service.alerts.alert("ANYTHING")
        assert told == []


async def test_a_listener_that_breaks_stops_the_store_and_loses_nothing(tmp_path: Path) -> None:
    """Watchers must not miss what was committed: the process is to start afresh, and finds everything saved."""

    def broken(_: Sequence[LogEntry]) -> None:
        raise _OwnError

    async with running_service(tmp_path / "db") as service:
        service.store.listen(broken)
        await service.add_account("ann")
        await service.add_page("p1", SchedulingMode.ALL_MEMBERS, "ann")
        assert "start again" in str(await service.store.writer.failed)
    async with running_service(tmp_path / "db") as service:
        assert (await service.pages.get("p1")).id == "p1"


async def _break_and_mend(service: Service, rounds: int) -> None:
    link = await service.link("ann")
    for _ in range(rounds):
        service.provider.findings[link.id] = REVOKED
        await service.checks.check_now(link.id)
        service.provider.findings.clear()
        await service.checks.check_now(link.id)


async def test_the_log_has_no_holes_and_tells_transactions_apart(tmp_path: Path) -> None:
    """Revisions count up by one; a link's change and those of its pages share one commit revision."""
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        await service.add_page("p1", SchedulingMode.ALL_MEMBERS, "ann", "ann")
        await service.add_page("p2", SchedulingMode.ALL_MEMBERS, "ann", "ann")
        await _break_and_mend(service, 3)

        log = await service.store.log_after(0, 1000)

        assert [entry.revision for entry in log] == list(range(1, len(log) + 1))
        assert await service.store.revision() == len(log)
        together = {entry.commit_revision for entry in log[-3:]}
        assert together == {log[-1].revision}
        assert [entry.kind for entry in log[-3:]] == ["CALENDAR_LINK", "BOOKING_PAGE", "BOOKING_PAGE"]


async def test_a_read_of_the_log_never_ends_inside_a_transaction(tmp_path: Path) -> None:
    """Whatever the limit, the last entry read is the last of its transaction."""
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        for number in range(5):
            await service.add_page(f"p{number}", SchedulingMode.ALL_MEMBERS, "ann", "ann")
        await _break_and_mend(service, 1)
        for limit in range(1, 12):
            log = await service.store.log_after(0, limit)
            assert log[-1].revision == log[-1].commit_revision


async def test_what_was_committed_is_there_after_a_restart(tmp_path: Path) -> None:
    """The same store id, the same rows, and revisions that go on where they ended."""
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        await service.add_page("p1", SchedulingMode.ALL_MEMBERS, "ann", "ann")
        store_id, page = service.store.store_id, await service.pages.get("p1")
    async with running_service(tmp_path / "db") as service:
        assert service.store.store_id == store_id
        assert await service.pages.get("p1") == page
        await service.add_page("p2", SchedulingMode.ALL_MEMBERS, "ann", "ann")
        assert await service.store.revision() == page.revision + 1


async def test_a_grant_is_encrypted_at_rest_and_only_its_key_opens_it(tmp_path: Path) -> None:
    """The token is nowhere in the files; with another key it cannot be read, and that is told apart from none."""
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        link = await service.link("ann")
        stored = await service.store.grant(link.id)
        assert stored is not None
        assert stored.refresh_token == Secret("refresh-sub-ann")
        assert await service.store.grant("nobody") is None
        assert await service.store.usable_grants([link.id, "nobody"]) == {link.id: stored}
    assert not _files_that_hold(tmp_path, b"refresh-sub-ann")
    other = Secret(Fernet.generate_key().decode())
    store = await open_test_store(tmp_path / "db", ManualClock(), CountingIds(), other)
    with pytest.raises(GrantUnreadableError):
        await store.grant(link.id)
    assert await store.usable_grants([link.id]) == {}
    await store.close()


async def test_a_kept_answer_is_encrypted_and_the_files_are_their_owners_alone(tmp_path: Path) -> None:
    """An answer may hold a secret; what lies on the disk is nobody else's to read."""
    request = Request("id-1", "fingerprint", lambda _: b"a state that is a secret")
    async with running_service(tmp_path / "db") as service:
        unit: Unit[None] = Unit(Seeds(), lambda _: None, request)
        await service.store.transact(unit)
        with pytest.raises(ReplayedError) as replayed:
            await service.store.transact(unit)
        assert replayed.value.answer == b"a state that is a secret"
        assert not _files_that_hold(tmp_path, b"a state that is a secret")
        assert _modes_of(tmp_path) == {0o600}


def _modes_of(folder: Path) -> set[int]:
    return {path.stat().st_mode & 0o777 for path in folder.iterdir()}


def _files_that_hold(folder: Path, secret: bytes) -> list[Path]:
    return [path for path in folder.iterdir() if secret in path.read_bytes()]


async def test_a_database_of_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    """The message says that it is newer and what to do; the file is as it was."""
    async with running_service(tmp_path / "db"):
        pass
    with sqlite3.connect(tmp_path / "db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match=r"newer version of Calguard.*restore a backup"):
        await open_test_store(tmp_path / "db", ManualClock(), CountingIds())
    with sqlite3.connect(tmp_path / "db") as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (99,)
    connection.close()


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """The message says to check the setting."""
    (tmp_path / "db").write_text("This is a letter, and not a database at all, and it is long enough." * 50)
    with pytest.raises(StoreError, match="not a database: check DATABASE_URL"):
        await open_test_store(tmp_path / "db", ManualClock(), CountingIds())


@contextmanager
def without_privileges() -> Iterator[None]:
    """Be nobody for a while: for root no file is read-only."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def set_mode(path: Path, mode: int) -> None:
    path.chmod(mode)


async def test_a_read_only_database_is_refused_and_left_alone() -> None:
    """The message says whose right is lacking; once it is given, everything is there."""
    with tempfile.TemporaryDirectory() as made:
        database = Path(made) / "db"
        async with running_service(database) as service:
            await service.add_account("ann")
        set_mode(Path(made), 0o755)
        set_mode(database, 0o444)
        with (
            without_privileges(),
            pytest.raises(StoreError, match=r"cannot be written .*that this user may write both"),
        ):
            await open_test_store(database, ManualClock(), CountingIds())
        set_mode(database, 0o600)
        async with running_service(database) as service:
            assert [account.id for account in await service.store.accounts("", 10)] == ["ann"]


async def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    """The message names the folder's trouble."""
    with pytest.raises(StoreError, match="check that the folder exists"):
        await open_test_store(tmp_path / "nowhere" / "db", ManualClock(), CountingIds())


async def test_a_database_that_another_server_uses_is_refused(tmp_path: Path) -> None:
    """Two writers would count the same revisions."""
    async with running_service(tmp_path / "db"):
        with pytest.raises(StoreError, match="another calguard-server uses it"):
            await open_test_store(tmp_path / "db", ManualClock(), CountingIds())


async def test_a_full_database_refuses_the_change_and_stops_the_store_with_advice(tmp_path: Path) -> None:
    """The caller is told that nothing changed; what was committed before is all there; the store says what to do."""
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        await service.store.writer.submit(_limit_pages)
        with pytest.raises(UnavailableError, match="nothing was changed"):
            await _fill(service)
        stopped = await service.store.writer.failed
        assert "disk is full: free some space" in str(stopped)
        with pytest.raises(UnavailableError):
            await service.add_account("late")
        kept = await service.store.accounts("", 100_000)
    async with running_service(tmp_path / "db") as service:
        assert await service.store.accounts("", 100_000) == kept


def _limit_pages(connection: sqlite3.Connection) -> None:
    (count,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {count + 2}")


async def _fill(service: Service) -> None:
    for number in range(10_000):
        await service.add_account(f"filler-{number}", display_name="x" * 200)


async def test_times_of_a_check_are_dropped_where_the_link_rests_on_other_evidence(tmp_path: Path) -> None:
    """A check that began before a change does not undo the change's schedule."""
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        link = await service.link("ann")
        later = START + timedelta(hours=1)
        stale = CheckTimes(link.id, link.evidence - 1, START, later, 7, START)
        await service.store.record_checks([stale])
        assert await service.store.link(link.id) == link
        await service.store.record_checks([CheckTimes(link.id, link.evidence, START, later, 7, START)])
        saved = await service.store.link(link.id)
        assert saved is not None
        assert (saved.next_check_time, saved.consecutive_failures, saved.failing_since) == (later, 7, START)


async def test_due_links_are_those_whose_time_has_come_longest_first(tmp_path: Path) -> None:
    """Links under check are left out; links that are not due do not come up."""
    async with running_service(tmp_path / "db") as service:
        links = []
        for name in ("ann", "bob", "cem"):
            await service.add_account(name)
            links.append(await service.link(name))
        for hours, link in zip((3, 1, 2), links, strict=True):
            due = START + timedelta(hours=hours)
            await service.store.record_checks([CheckTimes(link.id, link.evidence, START, due, 0, None)])
        later = START + timedelta(hours=2)
        due = await service.store.due_links(later, 10, (), failing=False)
        assert [each.link.account_id for each in due] == ["bob", "cem"]
        assert [each.grant for each in due] == [await service.store.grant(each.link.id) for each in due]
        (other,) = await service.store.due_links(later, 10, [links[1].id], failing=False)
        assert other.link.id == links[2].id
        assert await service.store.due_links(later, 10, (), failing=True) == []


async def test_a_due_link_and_its_grant_read_as_they_do_by_themselves(tmp_path: Path) -> None:
    """Also one that has failed, and whatever its texts are made of."""
    async with running_service(tmp_path / "db") as service:
        for name in ("ann", "bob"):
            await service.add_account(name)
            await service.link(name, email=f'{name} "né\\Ω🗓"@example.com')
        ((ann, *_), (bob, *_)) = [await service.store.links_of_account(name) for name in ("ann", "bob")]
        service.provider.findings[bob.id] = (Finding(CauseReason.CALENDAR_NOT_VISIBLE, "me@example.com"),)
        await service.checks.check_now(bob.id)
        for link, failing in ((ann, False), (bob, True)):
            (due,) = await service.store.due_links(START + timedelta(days=1), 10, (), failing=failing)
            assert due.link == await service.store.link(link.id)
            assert due.grant == await service.store.grant(link.id)
            assert due.grant is not None


async def test_a_due_link_whose_grant_no_key_opens_comes_without_one(tmp_path: Path) -> None:
    """It is checked all the same, to be found failed; so are the others that are due."""
    async with running_service(tmp_path / "db") as service:
        for name in ("ann", "bob"):
            await service.add_account(name)
            await service.link(name)
        (ann,) = await service.store.links_of_account("ann")
    with sqlite3.connect(tmp_path / "db") as connection:
        connection.execute("UPDATE grants SET refresh_token = ? WHERE link_id = ?", (b"\xff\x00 no token", ann.id))
    connection.close()
    async with running_service(tmp_path / "db") as service:
        due = await service.store.due_links(START + timedelta(days=1), 10, (), failing=False)
        assert {each.link.account_id: each.grant is not None for each in due} == {"ann": False, "bob": True}


async def _stopped_page(service: Service) -> None:
    await service.add_account("ann")
    link = await service.link("ann")
    for number in range(3):
        await service.add_page(f"p{number}", SchedulingMode.ALL_MEMBERS, "ann", "ann")
    service.provider.findings[link.id] = REVOKED
    await service.checks.check_now(link.id)


async def test_claims_take_whole_groups_and_hold_for_their_lease(tmp_path: Path) -> None:
    """Three pages' notices to one person come as one group a channel; nobody else gets them until the lease ends."""
    async with running_service(tmp_path / "db") as service:
        await _stopped_page(service)
        lease = timedelta(minutes=1)
        claimed = await service.store.claim_deliveries(START, lease, of_each_channel(10))
        assert len(claimed) == 6
        assert await service.store.claim_deliveries(START, lease, of_each_channel(10)) == []
        again = await service.store.claim_deliveries(START + lease, lease, of_each_channel(10))
        assert {each.delivery.id for each in again} == {each.delivery.id for each in claimed}
        assert {each.delivery.fence for each in again} == {2}


async def test_a_late_sender_is_fenced_off(tmp_path: Path) -> None:
    """Of two that hold the same delivery only the latest claim's outcome counts."""
    async with running_service(tmp_path / "db") as service:
        await _stopped_page(service)
        first = await service.store.claim_deliveries(START, timedelta(), of_each_channel(10))
        second = await service.store.claim_deliveries(START, timedelta(minutes=1), of_each_channel(10))
        sent = [DeliveryUpdate(each.delivery.id, each.delivery.fence, DeliveryState.SENT, 1, None) for each in first]
        await service.store.update_deliveries(sent)
        listed = await service.store.notifications(NotificationFilter(), 0, 50)
        assert {each.delivery.state for each in listed} == {DeliveryState.SENDING}
        await service.store.update_deliveries(
            [DeliveryUpdate(each.delivery.id, each.delivery.fence, DeliveryState.SENT, 1, None) for each in second]
        )
        listed = await service.store.notifications(NotificationFilter(), 0, 50)
        assert {each.delivery.state for each in listed} == {DeliveryState.SENT}


async def test_a_later_notice_of_an_incident_waits_for_the_earlier_one(tmp_path: Path) -> None:
    """The news that a page is back cannot overtake the news that it stopped."""
    async with running_service(tmp_path / "db") as service:
        await _stopped_page(service)
        claimed = await service.store.claim_deliveries(START, timedelta(minutes=1), of_each_channel(10))
        service.provider.findings.clear()
        (link,) = await service.store.links(LinkFilter(), "", 10)
        await service.checks.check_now(link.id)
        assert (
            await service.store.claim_deliveries(
                START + timedelta(seconds=1), timedelta(minutes=1), of_each_channel(10)
            )
            == []
        )
        await service.store.update_deliveries(
            [DeliveryUpdate(each.delivery.id, each.delivery.fence, DeliveryState.SENT, 1, None) for each in claimed]
        )
        restarted = await service.store.claim_deliveries(
            START + timedelta(seconds=1), timedelta(minutes=1), of_each_channel(10)
        )
        assert {each.delivery.kind.value for each in restarted} == {"PAGE_RESTARTED"}
        assert {each.told for each in restarted} == {True}


async def test_pruning_keeps_the_latest_changes_and_never_gives_a_revision_twice(tmp_path: Path) -> None:
    """What is old goes, but for the latest; the count goes on even when the whole log is dropped."""
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        await _break_and_mend(service, 5)
        latest = await service.store.revision()
        future = START + timedelta(days=1)
        await service.store.prune(future, future, 3)
        assert [entry.revision for entry in await service.store.log_after(0, 100)] == [latest - 2, latest - 1, latest]
        assert await service.store.oldest_revision() == latest - 2
        await service.store.prune(future, future, 0)
        assert await service.store.oldest_revision() == latest + 1
    async with running_service(tmp_path / "db") as service:
        assert await service.store.revision() == latest


async def test_a_snapshot_stands_still(tmp_path: Path) -> None:
    """What is committed after it was opened does not show in it."""
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        await service.add_page("p1", SchedulingMode.ALL_MEMBERS, "ann")
        async with service.store.snapshot() as snapshot:
            revision = await service.store.revision()
            await service.add_page("p2", SchedulingMode.ALL_MEMBERS, "ann")
            assert snapshot.revision == revision
            assert [page.id async for pages in snapshot.pages((), ()) for page in pages] == ["p1"]
        assert [page.id for page in await service.store.pages(PageFilter(), "", 10)] == ["p1", "p2"]


async def test_a_grant_is_replaced_and_forgotten(tmp_path: Path) -> None:
    """A relink replaces the token; a disconnect leaves none."""
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        link = await service.link("ann")

        def replace_grant(rows: WorkingSet) -> None:
            rows.put_grant(link.id, Grant(Secret("another"), ("scope",)))

        await service.store.transact(Unit(Seeds(links=(link.id,)), replace_grant))
        assert await service.store.grant(link.id) == Grant(Secret("another"), ("scope",))
        await service.ending.disconnect(link.id)
        assert await service.store.grant(link.id) is None
        assert service.provider.revoked == ["another"]
