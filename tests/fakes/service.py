"""The engine over a real store in a temporary folder, without gRPC: what integration tests of the engine drive."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from calguard_server.domain.account import Account, Locale, SlackAddress
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.notices import Channel
from calguard_server.domain.page import AssignmentMethod, BookingPage, FaultyMembers, Member, PagePhase, SchedulingMode
from calguard_server.domain.secret import Secret
from calguard_server.engine.accounts import Accounts
from calguard_server.engine.checks import Checks
from calguard_server.engine.context import Context, Policies
from calguard_server.engine.diagnosis import Diagnosis
from calguard_server.engine.ending import Ending
from calguard_server.engine.linking import Linking, Wish
from calguard_server.engine.locks import LinkLocks
from calguard_server.engine.notifications import Notifications
from calguard_server.engine.operator_alerts import OperatorAlerts
from calguard_server.engine.pages import Pages
from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.ports.provider import CalendarProvider
from calguard_server.engine.provider_incidents import ProviderIncidents
from calguard_server.engine.reports import Reports
from calguard_server.engine.revoking import GrantRevoker
from calguard_server.engine.selection import Selection
from calguard_server.engine.silences import Silences
from calguard_server.grpc_api.state_change import encode_change
from calguard_server.store.connection import LOCK_PATIENCE
from calguard_server.store.sqlite.opening import StoreOptions, open_store
from calguard_server.store.sqlite.store import SqliteStore
from calguard_server.store.vault import Vault
from tests.fakes.inline_connections import InlineConnections
from tests.fakes.provider import FakeProvider, consent
from tests.fakes.world import START, CountingIds, ManualClock, middle

SUPPORT = "https://booking.test/support"
KEY = Secret(Fernet.generate_key().decode())


@dataclass
class Engine:
    """Every use case over one store."""

    context: Context
    store: SqliteStore
    accounts: Accounts
    pages: Pages
    linking: Linking
    selection: Selection
    checks: Checks
    alerts: OperatorAlerts
    incidents: ProviderIncidents
    ending: Ending
    diagnosis: Diagnosis
    reports: Reports
    notifications: Notifications
    silences: Silences


@dataclass
class Service(Engine):
    """The engine with a clock and a provider that a test steers."""

    clock: Any
    provider: FakeProvider

    async def add_account(self, account_id: str, **fields: object) -> Account:
        return await self.accounts.create(make_account(account_id, **fields))

    async def add_page(
        self, page_id: str, mode: SchedulingMode, owner: str, *members: str, **fields: object
    ) -> BookingPage:
        return await self.pages.create(make_page(page_id, mode, owner, *members, **fields))

    async def link(self, account_id: str, subject: str = "", *, link_id: str = "", email: str = "") -> CalendarLink:
        """Link a Google account, with its primary calendar selected."""
        subject = subject or f"sub-{account_id}"
        self.provider.consents[f"code-{subject}"] = consent(subject, email or f"{subject}@example.com")
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


async def open_test_store(
    path: Path,
    clock: Clock,
    ids: CountingIds,
    key: Secret = KEY,
    connections: InlineConnections | None = None,
    lock_patience: timedelta = LOCK_PATIENCE,
) -> SqliteStore:
    options = StoreOptions(
        path, Vault([key]), encode_change, clock, ids, accept_lost_keys=key is not KEY, lock_patience=lock_patience
    )
    return await open_store(options if connections is None else replace(options, connect=connections.connect))


async def build_engine(context: Context, provider: CalendarProvider, operator: frozenset[Channel]) -> Engine:
    """Build every use case over a store; `operator` are the channels by which the operator is alerted."""
    store = context.store
    revoker, locks = GrantRevoker(store, provider), LinkLocks()
    alerts = OperatorAlerts(context, operator)
    incidents = ProviderIncidents(context, alerts)
    await incidents.load()
    checks = Checks(context, provider, locks.links, alerts, incidents)
    return Engine(
        context,
        store,  # type: ignore[arg-type] - tests have the store of SQLite
        Accounts(context, revoker, locks),
        Pages(context),
        Linking(context, provider, revoker, locks, alerts, lambda: "http://127.0.0.1/oauth/callback"),
        Selection(context, provider, locks.links, checks, alerts),
        checks,
        alerts,
        incidents,
        Ending(context, revoker, locks),
        Diagnosis(context, provider, checks, alerts, SUPPORT),
        Reports(context, provider, checks),
        Notifications(context),
        Silences(context),
    )


@asynccontextmanager
async def running_service(
    path: Path,
    policies: Policies | None = None,
    *,
    clock: Clock | None = None,
    provider: FakeProvider | None = None,
    connections: InlineConnections | None = None,
    lock_patience: timedelta = LOCK_PATIENCE,
) -> AsyncIterator[Service]:
    """Open a store and build every use case over it; the store is closed at the end.

    The clock is one that the test moves, the provider one that answers what it says, unless others are given.
    """
    clock, ids, provider = clock or ManualClock(), CountingIds(), provider or FakeProvider()
    store = await open_test_store(path, clock, ids, connections=connections, lock_patience=lock_patience)
    try:
        policies = policies or Policies(notice_group_wait=timedelta())
        context = Context(store, clock, ids, middle, policies)
        engine = await build_engine(context, provider, frozenset({Channel.EMAIL}))
        yield Service(**vars(engine), clock=clock, provider=provider)
    finally:
        await store.close()


def of_each_channel(groups: int) -> dict[Channel, int]:
    """How many groups are claimed at most."""
    return dict.fromkeys(Channel, groups)
