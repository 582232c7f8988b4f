"""Watchers that keep a mirror: whatever breaks between them and the feed, the mirror equals the store in the end."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from calguard.v1 import watch_pb2 as watch_pb
from calguard_server.domain.errors import OutOfRangeError
from calguard_server.engine.ports.watching import WatchSpec
from calguard_server.watch.feed import Feed
from tests.simulation.complaint import demand, same
from tests.simulation.plain import PageView, ProviderView, Seen, Thing, seen_change


class Mirror:
    """One watcher, of everything or of one account. It goes on by its token, and begins anew where that expired."""

    def __init__(self, account: str = "") -> None:
        self.account = account
        self.told: Counter[str] = Counter()
        self._spec = WatchSpec(account_ids=frozenset({account} - {""}))
        self._things: dict[tuple[str, str], Thing] = {}
        self._token = ""
        self._revision = 0
        self._in_snapshot = False
        self._watching: asyncio.Task[None] | None = None

    def watch(self, feed: Feed) -> None:
        """Begin, or go on, to watch."""
        self._watching = asyncio.create_task(self._watch(feed), name=f"watch {self.account}")

    async def look_away(self) -> None:
        """Break the connection."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
            self._watching = None

    @property
    def watches(self) -> bool:
        return self._watching is not None and not self._watching.done()

    def forget(self) -> None:
        """Lose everything, the token too."""
        self._token, self._revision = "", 0
        self._things.clear()

    def check(self, things: Sequence[Thing]) -> None:
        """What the mirror shows is what there is."""
        if self._watching is not None and self._watching.done():
            self._watching.result()
        there = {(type(thing).__name__, thing.id): thing for thing in things if self._concerns(thing)}
        same(sorted(self._things), sorted(there), f"what the mirror of {self.account or 'everything'} holds")
        for key, thing in there.items():
            same(self._things[key], thing, f"{key} in the mirror of {self.account or 'everything'}")

    async def _watch(self, feed: Feed) -> None:
        while True:
            spec = WatchSpec(self._spec.account_ids, resume_token=self._token)
            self._in_snapshot = not self._token
            if self._in_snapshot:
                self.forget()
            self.told["snapshots" if self._in_snapshot else "resumed"] += 1
            try:
                async with feed.open(spec) as messages:
                    async for message in messages:
                        self._take(watch_pb.WatchResponse.FromString(message))
            except OutOfRangeError as refusal:
                demand(refusal.reason == "RESUME_TOKEN_EXPIRED", f"the token is refused: {refusal.reason}")
                self.told["expired"] += 1
                self.forget()

    def _take(self, message: watch_pb.WatchResponse) -> None:
        if message.HasField("closing"):
            self.told["closings"] += 1
        changes = [seen_change(change) for change in message.changes]
        for change in changes:
            self._apply(change)
        self._in_snapshot = self._in_snapshot and not message.snapshot_complete
        self._token = message.resume_token or self._token
        demand(bool(message.resume_token) != self._in_snapshot, "each message but those inside a snapshot has a token")

    def _apply(self, change: Seen) -> None:
        if change.type != "SNAPSHOT":
            hole = not self.account and self._revision and change.revision != self._revision + 1
            in_order = change.revision > self._revision and not hole
            demand(in_order, f"revision {change.revision} is told after {self._revision}")
            self._revision = change.revision
        if change.type == "DELETED" or not self._concerns(change.thing):
            self._things.pop(change.key, None)
        else:
            self._things[change.key] = change.thing

    def _concerns(self, thing: Thing) -> bool:
        if not self.account or isinstance(thing, ProviderView):
            return not self.account
        return self.account in (thing.accounts if isinstance(thing, PageView) else {thing.account})
