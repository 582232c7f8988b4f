"""All that the acts share: the processes, the people's side of them, and what has been verified."""

import tempfile
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from calguard.v1 import booking_page_pb2
from demo.cast import EVERYBODY, PAGES, Person
from demo.claims import Claims
from demo.control import Control
from demo.inbox import Inbox
from demo.log import Log
from demo.message import Message, Told, read
from demo.screen import Screen
from demo.server import CALL_SECONDS, Server
from demo.states import change_words
from demo.watcher import Watcher

_HTTP_SECONDS = 40


class Stage:
    """Whatever is started on it is ended, and every file removed, when it is left."""

    control: Control
    inbox: Inbox
    server: Server

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.claims = Claims()
        self.watch = Watcher(lambda change: screen.say("watch", change_words(change)))
        self.link_ids: dict[str, str] = {}
        self.endings = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self.folder = Path(self.endings.enter_context(tempfile.TemporaryDirectory(prefix="calguard-demo-")))
        self.log = Log(self.folder / "server.log")
        timeout = aiohttp.ClientTimeout(total=_HTTP_SECONDS)
        self.http = await self.endings.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        self.endings.push_async_callback(self.watch.close)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.endings.__aexit__(kind, error, trace)

    async def pages(self) -> list[booking_page_pb2.BookingPage]:
        """Read every page from the server."""
        get = self.server.pages.GetBookingPage
        requests = [booking_page_pb2.GetBookingPageRequest(id=page.id) for page in PAGES]
        return [(await get(request, timeout=CALL_SECONDS)).booking_page for request in requests]

    async def told(self, claim: str, owed: Sequence[Told], whole: Collection[Person] = ()) -> None:
        """Wait for what is owed, show it, for some people with its text, and hold it against the claim."""
        messages = await self.inbox.take(len(owed) // 2)
        for person in EVERYBODY:
            theirs = [message for message in messages if message.to == person.email]
            for subject in dict.fromkeys(message.subject for message in theirs):
                self._show(person, [message for message in theirs if message.subject == subject], whole=person in whole)
        self.claims.hold(claim, "e-mail, Slack", expected=sorted(owed), seen=self.read(messages))

    def read(self, messages: Sequence[Message]) -> list[Told]:
        """Tell what messages say, in a fixed order."""
        return sorted(read(message, self._owners) for message in messages)

    @property
    def _owners(self) -> dict[str, str]:
        return {link_id: account_id for account_id, link_id in self.link_ids.items()}

    def _show(self, person: Person, same: Sequence[Message], *, whole: bool) -> None:
        self.screen.say(person.name, f"{' + '.join(message.channel for message in same)}: {same[0].subject}")
        if whole:
            self.screen.quote(*same[0].excerpt)
