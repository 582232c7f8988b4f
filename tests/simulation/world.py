"""The simulated world: one server after another on one database, what is around them, and the model of it all."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from calguard_server.domain.notices import Channel
from calguard_server.engine.ports.checks import DueLink
from calguard_server.engine.ports.log import LogEntry
from calguard_server.notifiers.hook import NotifierHook
from tests.fakes.inline_connections import InlineConnections
from tests.fakes.virtual_server import Edges, Server
from tests.fakes.virtual_time import VirtualClock
from tests.simulation.database import Database
from tests.simulation.follow import Model
from tests.simulation.google import Google
from tests.simulation.late_notices import REMINDERS
from tests.simulation.ledger import Ledger
from tests.simulation.mirrors import Mirror
from tests.simulation.plain import seen
from tests.simulation.post import Post
from tests.simulation.receivers import Receiver
from tests.simulation.wishes import HANDED_OUT, Probed, Rests, Wish

if TYPE_CHECKING:
    from tests.simulation.asking import Asked
    from tests.simulation.steps_links import Tab

NAMES = ("ann", "ben", "cleo", "dan", "eve", "finn", "gus")
CROWD = tuple(f"n{number:02}" for number in range(1, 17))
"""With these there are enough people for trouble that many meet at once to be the provider's; without them not."""

_CROWDED = 0.35
_INSTANT = timedelta(milliseconds=5)
_LOG_READ = 1000


class World:
    """Everything there is. Opened by `begin`."""

    def __init__(self, seed: int, path: Path) -> None:
        self.random = Random(seed)
        self.clock = VirtualClock()
        self.model = Model()
        self.names = (*NAMES, *CROWD) if self.random.random() < _CROWDED else NAMES
        self.google = Google(self.clock, self.random, self._probed, self._revoking)
        self.tally: Counter[str] = Counter()
        self.trace: list[str] = []
        self.servers: list[Server] = []
        self.mirrors = [Mirror(), Mirror("ann")]
        self.asked: list[Asked] = []
        self.lost_accounts: list[Wish] = []
        self.tabs: list[Tab] = []
        self.together = False
        self.encoded: dict[int, bytes] = {}
        self.log_verified = 0
        self.effort: tuple[int, datetime] | None = None
        self._path = path
        self._numbers = itertools.count(1)
        self.complaint: Exception | None = None

    async def begin(self) -> None:
        """Start the first server."""
        self.database = Database(self._path)
        notices, people = self.model.notices, self.model.people
        self.post = Post(notices, people, self.database, self.note)
        self.ledger = Ledger(notices, people, self.post, self.database)
        self.receivers = {name: Receiver(name, self.clock, self.random, self.post) for name in ("EMAIL", "SLACK")}
        await self.start()

    async def end(self) -> None:
        """End the last server."""
        for mirror in self.mirrors:
            await mirror.look_away()
        await self.server.stop()
        self.database.close()

    # the server

    async def start(self) -> None:
        """Start a server; what the log holds that nobody was told of is told to the model first."""
        self.server = await self._open()
        self.servers.append(self.server)
        while entries := await self.server.store.log_after(self.model.revision, _LOG_READ):
            self._committed(entries)
        counts = {link_id: kept for link_id, (kept, _) in self.database.counts().items()}
        self.guarded(lambda: self.model.restarted(counts, self.now))
        self.server.start(self._committed)
        for mirror in self.mirrors:
            mirror.watch(self.server.feed)

    async def stop(self) -> None:
        """End the server in good order."""
        for mirror in self.mirrors:
            await mirror.look_away()
        await self.server.stop()
        self.post.server_ended(self.now)

    async def kill(self) -> None:
        """End the server in the middle of everything that it does."""
        self.server.die()
        self.post.server_ended(self.now)
        mine = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not mine]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _open(self) -> Server:
        notifiers: dict[Channel, NotifierHook] = {Channel(name): each for name, each in self.receivers.items()}
        edges = Edges(
            self._path,
            self.clock,
            self.random.random,
            self._new_id,
            self.google,
            notifiers,
            _note_what_it_rests_on,
            REMINDERS,
        )
        return await Server.open(edges, InlineConnections(self._pause))

    # time

    @property
    def now(self) -> datetime:
        return self.clock.now()

    async def pass_time(self, duration: timedelta) -> None:
        await self.clock.sleep(duration)

    async def settle(self) -> None:
        """Wait until nothing is under way but what is being sent."""
        calm = 0
        while calm < 2:
            await self.clock.sleep(_INSTANT)
            calm = 0 if self.server.busy or self.google.asking else calm + 1

    async def _pause(self) -> None:
        """How long a piece of the store's work takes: up to a millisecond or two."""
        await self.clock.sleep(timedelta(microseconds=1 + int(self.random.random() ** 4 * 2000)))

    # what is wrong

    def guarded(self, work: Callable[[], None]) -> None:
        """Do a piece of the model's work; the first complaint ends it all."""
        if self.complaint is not None:
            return
        try:
            work()
        except Exception as complaint:  # noqa: BLE001 - raised after the step; here the server would swallow it
            self.complaint = complaint

    def raise_complaints(self) -> None:
        """Raise what is wrong, if anything is."""
        if self.complaint is not None:
            raise self.complaint
        if self.post.complaints:
            raise self.post.complaints[0]
        if (broken := self.server.broken()) is not None:
            raise broken

    @property
    def crowded(self) -> bool:
        """Whether there are so many people that the provider can have incidents."""
        return len(self.names) > len(NAMES)

    def note(self, line: str) -> None:
        """Add a line to the trace."""
        self.trace.append(f"{self.now:%d %H:%M:%S.%f}  {line}")

    def _committed(self, committed: Sequence[LogEntry]) -> None:
        for _, transaction in groupby(committed, key=lambda entry: entry.commit_revision):
            entries = list(transaction)
            self.encoded |= {entry.revision: entry.encoded for entry in entries}
            changes = [seen(entry.encoded) for entry in entries]
            for change in changes:
                self.note(f"    {change}")
            self.guarded(partial(self.model.take, changes))

    def _probed(self, probe: Probed) -> None:
        self.guarded(partial(self.model.probed, probe))

    def _revoking(self, subject: str, wish: Wish | None) -> None:
        self.guarded(partial(self.model.revoking, subject, wish.target if wish is not None else ""))

    def _new_id(self, noun: str) -> str:
        return f"{noun}-{next(self._numbers):05}"


def _note_what_it_rests_on(due: DueLink) -> None:
    HANDED_OUT.set(Rests(due.link.evidence, due.link.state.value))
