"""A database with as many links as wanted, made in bulk: each with an account, a page and a grant of its own."""

import itertools
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.fernet import Fernet
from msgspec.structs import replace

from calguard_server.domain.account import Account, Locale, SlackAddress
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.page import AssignmentMethod, BookingPage, FaultyMembers, Member, PagePhase, SchedulingMode
from calguard_server.domain.schedule import SchedulePolicy, next_check_time
from calguard_server.domain.scopes import REQUESTED_SCOPES
from calguard_server.domain.secret import Secret
from calguard_server.store.migrate import migrate
from calguard_server.store.queries import QUERIES
from calguard_server.store.rows.accounts import account_row
from calguard_server.store.rows.links import link_row
from calguard_server.store.rows.pages import page_row
from calguard_server.store.rows.values import Row, to_list, to_micros
from calguard_server.store.vault import Vault
from tests.bench.local_google import CALENDAR

_BATCH = 10_000
_SUBJECTS = 10**20
_SCOPES = tuple(sorted(REQUESTED_SCOPES))


def fill(path: Path, key: Secret, count: int, now: datetime, policy: SchedulePolicy) -> None:
    """Make the database. Each link was last checked as its schedule would have it by now."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = OFF")  # made for this measurement: nothing of it is to be kept
    connection.execute("PRAGMA synchronous = OFF")
    migrate(connection)
    sealed = Vault([key]).seal(Secret("1//" + "r" * 100))
    numbers = iter(range(count))
    while batch := list(itertools.islice(numbers, _BATCH)):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(QUERIES["save_account"], (account_row(_account(number, now)) for number in batch))
        connection.executemany(QUERIES["save_link"], (link_row(_link(number, now, policy)) for number in batch))
        connection.executemany(QUERIES["save_page"], (page_row(_page(number, now)) for number in batch))
        connection.executemany(QUERIES["save_member"], ((f"account-{number}", f"page-{number}") for number in batch))
        connection.executemany(QUERIES["save_grant"], _grants(batch, sealed))
        connection.execute("COMMIT")
    connection.close()


def add_pages(path: Path, number: int, count: int, now: datetime) -> None:
    """Make an account the member of so many pages more, and its grant one of a key that is lost: a check fails it."""
    connection = sqlite3.connect(path, isolation_level=None)
    names = [f"page-{number}-{each:05}" for each in range(count)]
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(QUERIES["save_page"], (page_row(replace(_page(number, now), id=name)) for name in names))
    connection.executemany(QUERIES["save_member"], ((f"account-{number}", name) for name in names))
    lost = Vault([Secret(Fernet.generate_key().decode())]).seal(Secret("1//" + "r" * 100))
    connection.executemany(QUERIES["save_grant"], _grants([number], lost))
    connection.execute("COMMIT")
    connection.close()


def tell_apart(path: Path, key: Secret, numbers: Sequence[int], channels: Collection[int], now: datetime) -> None:
    """Give links refresh tokens that name them, and the accounts of some a Slack channel of their own."""
    connection, vault = sqlite3.connect(path, isolation_level=None), Vault([key])
    connection.execute("BEGIN IMMEDIATE")
    for number in numbers:
        [grant] = _grants([number], vault.seal(Secret(f"1//link-{number}")))
        connection.execute(QUERIES["save_grant"], grant)
    accounts = (replace(_account(each, now), slack=SlackAddress(channel_id=f"C{each}")) for each in channels)
    connection.executemany(QUERIES["save_account"], map(account_row, accounts))
    connection.execute("COMMIT")
    connection.close()


def link_to(path: Path, key: Secret, grants: Mapping[str, str]) -> None:
    """Give the first links, in order, other calendars to check and to add to, and the refresh tokens for these."""
    connection, vault = sqlite3.connect(path, isolation_level=None), Vault([key])
    connection.execute("BEGIN IMMEDIATE")
    for number, (calendar_id, token) in enumerate(grants.items()):
        [grant] = _grants([number], vault.seal(Secret(token)))
        connection.execute(QUERIES["save_grant"], grant)
        connection.execute(
            "UPDATE links SET check_calendar_ids = ?, add_calendar_id = ? WHERE id = ?",
            (to_list((calendar_id,)), calendar_id, f"link-{number}"),
        )
    connection.execute("COMMIT")
    connection.close()


def make_due(path: Path, count: int) -> None:
    """Have the first `count` links be due, and no other."""
    connection = sqlite3.connect(path)
    later = to_micros(datetime.now(UTC) + timedelta(days=1))  # noqa: TID251 - a measurement runs in real time
    connection.execute("UPDATE links SET next_check_time = ?", (later,))
    connection.execute("UPDATE links SET next_check_time = 0 WHERE id IN (SELECT id FROM links LIMIT ?)", (count,))
    connection.commit()
    connection.close()


def _grants(batch: list[int], sealed: bytes) -> Iterator[Row]:
    return ((f"link-{number}", sealed, to_list(_SCOPES), str(_SUBJECTS + number)) for number in batch)


def _account(number: int, now: datetime) -> Account:
    name = f"account-{number}"
    return Account(
        id=name,
        display_name=name,
        email=f"{name}@example.com",
        locale=Locale.ENGLISH,
        slack=SlackAddress(),
        revision=1,
        create_time=now,
        update_time=now,
    )


def _link(number: int, now: datetime, policy: SchedulePolicy) -> CalendarLink:
    link = CalendarLink(
        id=f"link-{number}",
        account_id=f"account-{number}",
        provider_subject=str(_SUBJECTS + number),
        provider_email=f"account-{number}@gmail.com",
        state=LinkState.LINKED,
        cause=None,
        state_time=now,
        has_grant=True,
        granted_scopes=_SCOPES,
        check_calendar_ids=(CALENDAR,),
        add_calendar_id=CALENDAR,
        last_check_time=now,
        next_check_time=None,
        consecutive_failures=0,
        failing_since=None,
        quota_exhausted_since=None,
        evidence=1,
        revision=1,
        create_time=now,
        update_time=now,
    )
    return replace(link, next_check_time=next_check_time(link, (), now, policy, 0.5))


def _page(number: int, now: datetime) -> BookingPage:
    return BookingPage(
        id=f"page-{number}",
        owner_account_id=f"account-{number}",
        title=f"Page {number}",
        scheduling_mode=SchedulingMode.ALL_MEMBERS,
        members=(Member(f"account-{number}"),),
        faulty_members=FaultyMembers.KEEP,
        assignment_method=AssignmentMethod.EVEN,
        slack=SlackAddress(),
        phase=PagePhase.LINKED,
        faulty=(),
        state_time=now,
        revision=1,
        create_time=now,
        update_time=now,
    )
