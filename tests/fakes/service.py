"""The engine over a real store in a temporary folder, without gRPC: what integration tests of the engine drive."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography.fernet import Fernet

from calguard_server.domain.account import Account, Locale, SlackAddress
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.notices import Channel
from calguard_server.domain.page import (
    AssignmentMethod,
    BookingPage,
    FaultyMembers,
    Member,
    PagePhase,
    SchedulingMode,
)
from calguard_server.domain.secret import Secret
from calguard_server.engine.accounts import Accounts
from calguard_server.engine.checks import Checks
from calguard_server.engine.context import Context, Policies
from calguard_server.engine.ending import Ending, GrantRevoker
from calguard_server.engine.linking import Linking, Wish
from calguard_server.engine.locks import KeyedLocks
from calguard_server.engine.operator_alerts import OperatorAlerts
from calguard_server.engine.pages import Pages
from calguard_server.engine.ports import CalendarProvider
from calguard_server.engine.selection import Selection
from calguard_server.grpc_api.convert import encode_change
from calguard_server.store.sqlite import SqliteStore, StoreOptions, open_store
from calguard_server.store.vault import Vault
from tests.fakes.provider import FakeProvider, consent
from tests.fakes.world import START, CountingIds, ManualClock, middle

KEY = Secret(Fernet.generate_key().decode())


@dataclass
class Engine:
    """Every use case over one store."""

    context: Context
    store: SqliteStore
    alerts: OperatorAlerts
    accounts: Accounts
    pages: Pages
    linking: Linking
    selection: Selection
    checks: Checks
    ending: Ending


@dataclass
class Service(Engine):
    """The engine with a clock and a provider that a test steers."""

    clock: ManualClock
    provider: FakeProvider

    async def add_account(self, account_id: str, **fields: object) -> Account:
        return await self.accounts.create(make_account(account_id, **fields))

    async def add_page(
        self, page_id: str, mode: SchedulingMode, owner: str, *members: str, **fields: object
    ) -> BookingPage:
        return await self.pages.create(make_page(page_id, mode, owner, *members, **fields))

    async def link(self, account_id: str, subject: str = "", *, link_id: str = "") -> CalendarLink:
        """Link a Google account, with its primary calendar selected."""
        subject = subject or f"sub-{account_id}"
        self.provider.consents[f"code-{subject}"] = consent(subject, f"{subject}@example.com")
        begun = await self.linking.begin(Wish(account_id, calendar_link_id=link_id, select_primary=True))
        return await self.linking.complete(begun.state, code=f"code-{subject}")


def make_account(account_id: str, **fields: object) -> Account:
    values: dict[str, object] = {
        "id": account_id,
        "display_name": account_id.title(),
        "email": f"{account_id}@example.com",
        "locale": Locale.ENGLISH,
        "slack": SlackAddress(),
        "revision": 0,
        "create_time": START,
        "update_time": START,
    }
    return Account(**(values | fields))  # type: ignore[arg-type]


def make_page(page_id: str, mode: SchedulingMode, owner: str, *members: str, **fields: object) -> BookingPage:
    values: dict[str, object] = {
        "id": page_id,
        "owner_account_id": owner,
        "title": f"Page {page_id}",
        "scheduling_mode": mode,
        "members": tuple(Member(member) for member in members),
        "faulty_members": FaultyMembers.KEEP,
        "assignment_method": AssignmentMethod.EVEN,
        "slack": SlackAddress(),
        "phase": PagePhase.LINKED,
        "faulty": (),
        "state_time": START,
        "revision": 0,
        "create_time": START,
        "update_time": START,
    }
    return BookingPage(**(values | fields))  # type: ignore[arg-type]


async def open_test_store(path: Path, clock: ManualClock, ids: CountingIds, key: Secret = KEY) -> SqliteStore:
    return await open_store(StoreOptions(path, Vault([key]), encode_change, clock, ids))


def build_engine(context: Context, store: SqliteStore, provider: CalendarProvider, operator: set[Channel]) -> Engine:
    """Build every use case over a store; `operator` are the channels by which the operator is alerted."""
    revoker, locks = GrantRevoker(store, provider), KeyedLocks()
    alerts = OperatorAlerts(context, frozenset(operator))
    checks = Checks(context, provider, locks, alerts)
    return Engine(
        context,
        store,
        alerts,
        Accounts(context, revoker),
        Pages(context),
        Linking(context, provider, locks, alerts, lambda: "http://127.0.0.1/oauth/callback"),
        Selection(context, provider, locks, checks, alerts),
        checks,
        Ending(context, revoker, locks),
    )


@asynccontextmanager
async def running_service(path: Path, policies: Policies | None = None) -> AsyncIterator[Service]:
    """Open a store and build every use case over it; the store is closed at the end."""
    clock, ids, provider = ManualClock(), CountingIds(), FakeProvider()
    store = await open_test_store(path, clock, ids)
    try:
        policies = policies or Policies(notice_group_wait=timedelta())
        context = Context(store, clock, ids, middle, policies)
        engine = build_engine(context, store, provider, {Channel.EMAIL})
        yield Service(**vars(engine), clock=clock, provider=provider)
    finally:
        await store.close()
