"""The store: a unit of work, its listeners, and every call by topic."""

import json
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from calguard_server.engine.ports.log import CommitListener
from calguard_server.engine.requests import Answer
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.working_set import Unit, WorkingSet
from calguard_server.store.holding import Holding
from calguard_server.store.load import answer_of
from calguard_server.store.readers import Readers
from calguard_server.store.snapshot import look
from calguard_server.store.sqlite.accounts import AccountCalls
from calguard_server.store.sqlite.appointments import AppointmentCalls
from calguard_server.store.sqlite.checks import CheckCalls
from calguard_server.store.sqlite.deliveries import DeliveryCalls
from calguard_server.store.sqlite.incidents import IncidentCalls
from calguard_server.store.sqlite.links import LinkCalls
from calguard_server.store.sqlite.log import LogCalls
from calguard_server.store.sqlite.notifications import NotificationCalls
from calguard_server.store.sqlite.pages import PageCalls
from calguard_server.store.sqlite.slack import SlackCalls
from calguard_server.store.sqlite.upkeep import UpkeepCalls
from calguard_server.store.vault import Vault
from calguard_server.store.writer import Writer

T = TypeVar("T")


class Identity(NamedTuple):
    """Which store it is, which run of a server on it this is, and where its log ended when that began."""

    store_id: str
    epoch: str
    revision: int


class SqliteStore(
    AccountCalls,
    LinkCalls,
    PageCalls,
    AppointmentCalls,
    IncidentCalls,
    NotificationCalls,
    DeliveryCalls,
    SlackCalls,
    CheckCalls,
    LogCalls,
    UpkeepCalls,
):
    """The durable state; see engine/ports/store.py for what each call means. Opened by `open_store`."""

    def __init__(
        self, identity: Identity, holding: Holding, writer: Writer, readers: Readers, snapshots: Readers, vault: Vault
    ) -> None:
        super().__init__(writer, readers, snapshots, vault)
        self.store_id = identity.store_id
        self.epoch = identity.epoch
        self._lock = holding

    async def close(self) -> None:
        """Commit what waits, close every connection, and let others open the database."""
        await self.writer.close()
        await self._readers.close()
        await self._snapshots.close()
        self._lock.close()

    def listen(self, listener: CommitListener) -> None:
        """Have a listener told of each commit's changes."""
        self.writer.listen(listener)

    def listen_for_deliveries(self, listener: Callable[[], None]) -> None:
        """Have a listener told of each commit whose changes owe deliveries; an alert by itself is not hurried."""
        self.writer.listen_for_deliveries(listener)

    def listen_for_entries(self, listener: Callable[[], None]) -> None:
        """Have a listener told of each commit that may have made entries of appointments, or their reviews, due."""
        self.writer.listen_for_entries(listener)

    async def transact(self, unit: Unit[T]) -> T:
        """Do a unit of work."""
        return await self.writer.submit(unit)

    async def look(self, seeds: Seeds) -> WorkingSet:
        """Load what a unit of work would work on."""
        return await self._readers.read(lambda connection: look(connection, self._vault, seeds))

    async def answer(self, request_id: str) -> Answer | None:
        """Read the answer of a request that was done before."""
        row = await self._one("answers_by_request", json.dumps([request_id]))
        return None if row is None else answer_of(row, self._vault)
