"""The one writer: takes what waits, and commits it as one group.

1. Everything that waits while a commit is under way goes into the next one, up to `GROUP_MAX`.
2. A unit of work that raises is refused alone; the others of its group are committed.
3. Nobody is told anything before the commit, nor refused: what was decided may rest on others of its group, as the
   answer to a repeated request does. Listeners are told before callers are.
4. While another program holds the database locked, everybody waits, for as long as they like to: whoever gives up
   is left out when it goes on. Only a writer that is closed refuses them.
5. When a commit fails, every caller of the group is told that nothing was changed. Where it says that the next ones
   fail, too, or must (commit_failures.py), the writer stops for good: the process is to end, and nothing that was
   answered is lost.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from calguard_server.domain.errors import UnavailableError
from calguard_server.domain.events import Change
from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.ports.log import CommitListener, LogEntry
from calguard_server.engine.tracing import Tracer
from calguard_server.engine.working_set import Unit, WorkingSet
from calguard_server.store.commit_failures import CommitFailures
from calguard_server.store.connection import Connection
from calguard_server.store.errors import StoreError, StoreTrouble, is_locked, unavailable
from calguard_server.store.flush import EncodeChange, flush, log_entries
from calguard_server.store.holding import Holding
from calguard_server.store.load import load
from calguard_server.store.rows.values import to_micros
from calguard_server.store.vault import Vault

T = TypeVar("T")

_log = structlog.get_logger()

GROUP_MAX = 512
"""How many pieces of work one commit holds at most."""

CommitObserver = Callable[[int, float, Sequence[Change]], None]
"""Told how many pieces of work each commit held, how many seconds it took, and the changes that it made."""

Statements = Callable[[sqlite3.Connection], Any]
"""Work that needs no decision: runs on the connection, inside the group's transaction."""


def uncounted(_size: int, _seconds: float, _changes: Sequence[Change]) -> None:
    """Tell nobody of a commit."""


@dataclass(slots=True)
class _Waiting:
    """A piece of work, where its outcome goes, and what that is to be."""

    work: Unit[Any] | Statements
    outcome: asyncio.Future[Any]
    result: Any = None
    refusal: Exception | None = None

    def tell(self) -> None:
        """Let the caller have the outcome, unless it has gone."""
        if self.outcome.done():
            return
        if self.refusal is None:
            self.outcome.set_result(self.result)
        else:
            self.outcome.set_exception(self.refusal)


class Writer:
    """Commits work in groups. `failed` is set when it has stopped for good."""

    def __init__(
        self,
        connection: Connection,
        holding: Holding,
        vault: Vault,
        encode: EncodeChange,
        clock: Clock,
        revision: int,
        observe: CommitObserver,
        tracer: Tracer,
    ) -> None:
        self.revision = revision
        self._observe = observe
        self._tracer = tracer
        self.failed: asyncio.Future[StoreError] = asyncio.get_running_loop().create_future()
        self._connection = connection
        self._holding = holding
        self._vault = vault
        self._encode = encode
        self._clock = clock
        self._listeners: list[CommitListener] = []
        self._debt_listeners: list[Callable[[], None]] = []
        self._entry_listeners: list[Callable[[], None]] = []
        self._waiting: list[_Waiting] = []
        self._closing = False
        self._failures = CommitFailures(holding.path)
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="store writer")

    def listen(self, listener: CommitListener) -> None:
        """Have a listener told of each commit's changes."""
        self._listeners.append(listener)

    def listen_for_deliveries(self, listener: Callable[[], None]) -> None:
        """Have a listener told of each commit whose changes owe deliveries; an alert by itself is not hurried."""
        self._debt_listeners.append(listener)

    def listen_for_entries(self, listener: Callable[[], None]) -> None:
        """Have a listener told of each commit that may have made entries of appointments, or their reviews, due."""
        self._entry_listeners.append(listener)

    async def submit(self, work: Unit[T] | Callable[[sqlite3.Connection], T]) -> T:
        """Have work done in the next group; returns when it is committed."""
        if self.failed.done():
            raise unavailable()
        waiting = _Waiting(work, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._wake.set()
        return await waiting.outcome  # type: ignore[no-any-return]

    async def close(self) -> None:
        """Commit what waits, then end; what cannot be committed now is refused."""
        self._closing = True
        with suppress(UnavailableError):  # as are those who wait
            while self._waiting and not self.failed.done():
                await self.submit(lambda _: None)
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._refuse(self._waiting)
        await self._connection.close()

    async def _run(self) -> None:
        while not self.failed.done():
            await self._wake.wait()
            self._wake.clear()
            while self._waiting and not self.failed.done():
                group, self._waiting = self._waiting[:GROUP_MAX], self._waiting[GROUP_MAX:]
                await self._commit_group(group)
        self._refuse(self._waiting)

    async def _commit_group(self, group: list[_Waiting]) -> None:
        try:
            with self._tracer.span("commit", {"calguard.units": len(group)}):
                await self._commit(group)
        except asyncio.CancelledError:
            self._refuse(group)
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the callers are told and the others are served
            try:
                await self._connection.run(_roll_back)
                await self._judge(error)
            finally:
                self._refuse(group)

    async def _judge(self, error: Exception) -> None:
        fatal, now = self._failures.judge(error), self._clock.now()
        if fatal is not None and fatal.trouble is StoreTrouble.GONE:
            fatal = await self._connection.run(lambda raw: self._holding.rescued(raw, now))
        if fatal is not None:
            self._fail(fatal)

    def _fail(self, error: StoreError) -> None:
        if not self.failed.done():
            self.failed.set_result(error)

    async def _commit(self, group: list[_Waiting]) -> None:
        began = self._clock.timer()
        units = [each.work for each in group if isinstance(each.work, Unit)]
        rows = await self._begun(units)
        done = [each for each in group if _decide(rows, each)]
        entries = log_entries(rows.changes, self._encode, rows.unit_starts)
        now = to_micros(self._clock.now())

        def finish(connection: sqlite3.Connection) -> bool:
            before = connection.total_changes
            flush(connection, self._vault, rows, entries, now)
            for each in done:
                if not isinstance(each.work, Unit):
                    each.result = each.work(connection)
            connection.execute("COMMIT")
            return connection.total_changes != before

        saved = await self._connection.run(finish)
        self.revision = rows.revision
        if saved:
            self._failures.saved()
        self._observe(len(done), self._clock.timer() - began, rows.changes)
        due = bool(rows.entries or rows.woken or rows.recovered or rows.reviews)
        self._tell(entries, owes=bool((entries or due) and rows.deliveries), due=due)
        for each in group:
            each.tell()

    def _tell(self, entries: list[LogEntry], *, owes: bool, due: bool) -> None:
        """Tell the listeners; one that breaks has missed changes for good, so the process is to start afresh."""
        try:
            for listener in self._listeners if entries else ():
                listener(entries)
            for told in (*(self._debt_listeners if owes else ()), *(self._entry_listeners if due else ())):
                told()
        except Exception as error:  # noqa: BLE001 - whatever it is: what was committed stands, and nobody may miss it
            _log.error("a listener missed committed changes", exc_info=error)
            self._fail(StoreError("changes were saved but could not be handed on: start again; nothing was lost"))

    async def _begun(self, units: Sequence[Unit[Any]]) -> WorkingSet:
        told = False
        while True:
            try:
                return await self._connection.run(lambda connection: self._begin(connection, units))
            except sqlite3.OperationalError as error:
                if self._closing or not is_locked(error):
                    raise
                if not told:
                    _log.error("another program holds the database locked: changes wait for it: end that program")
                told = True
                await self._connection.run(_roll_back)

    def _begin(self, connection: sqlite3.Connection, units: Sequence[Unit[Any]]) -> WorkingSet:
        connection.execute("BEGIN IMMEDIATE")
        self._holding.look(connection, self.revision)
        return load(connection, self._vault, units, self.revision)

    def _refuse(self, group: list[_Waiting]) -> None:
        for each in group:
            if not each.outcome.done():
                each.outcome.set_exception(unavailable())


def _decide(rows: WorkingSet, waiting: _Waiting) -> bool:
    """Run a unit; answer whether it is to be committed. Its refusal is its caller's, not the group's."""
    if not isinstance(waiting.work, Unit):
        return True
    if waiting.outcome.cancelled():
        return False
    try:
        waiting.result = rows.run(waiting.work)
    except Exception as error:  # noqa: BLE001 - handed to the caller, who awaits it
        waiting.refusal = error
        return False
    return True


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")
