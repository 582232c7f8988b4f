"""Marks what first told of an incident in Slack as over, once it is; whether or not anybody is told of the end.

1. What is over is looked for every few seconds, and not when an end is told: a page that is deleted, or an end that is
   discarded, tells nobody.
2. What cannot be marked just now is tried again, less and less often, for as long as the message is kept. Marking twice
   does no harm, so nothing is claimed.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from calguard_server.domain.conversation import Post
from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.ports.store import Store

PAUSE = timedelta(seconds=10)
PAUSE_MAX = timedelta(minutes=15)
PART = 100

MarkOver = Callable[[Post], Awaitable[bool]]
"""Tries once to mark a message; answers whether nothing is left to be done."""


class SlackMarker:
    """Runs until it is cancelled."""

    def __init__(self, store: Store, mark: MarkOver, clock: Clock) -> None:
        self._store = store
        self._mark = mark
        self._clock = clock
        self._later: dict[str, tuple[timedelta, datetime]] = {}

    async def run(self) -> None:
        """Mark what is over, as it comes to be."""
        while True:
            if not await self._mark_some():
                await self._clock.sleep(PAUSE)

    async def _mark_some(self) -> bool:
        over = await self._store.slack_posts_over(PART + len(self._later))
        ids = {post.message_id for post in over}
        self._later = {message_id: later for message_id, later in self._later.items() if message_id in ids}
        marked = [post.message_id for post in over if self._due(post) and await self._done(post)]
        if marked:
            await self._store.slack_posts_marked(marked)
        return bool(marked)

    def _due(self, post: Post) -> bool:
        return post.message_id not in self._later or self._later[post.message_id][1] <= self._clock.now()

    async def _done(self, post: Post) -> bool:
        if await self._mark(post):
            self._later.pop(post.message_id, None)
            return True
        pause, _ = self._later.get(post.message_id, (PAUSE / 2, None))
        pause = min(pause * 2, PAUSE_MAX)
        self._later[post.message_id] = (pause, self._clock.now() + pause)
        return False
