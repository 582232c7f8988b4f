"""Those who change things: pages by the hundred, and the calendars of a few accounts."""

import random
from collections.abc import Awaitable, Callable
from uuid import UUID

from google.protobuf.field_mask_pb2 import FieldMask

from calguard.v1 import booking_page_pb2 as pages_pb
from calguard_sandbox import Sandbox
from tests.crash.battered import BatteredServer
from tests.crash.connecting import connect
from tests.e2e.stubs import ALL, ANY, AUTO

_PAGES_EACH = 5
_MEMBERS_MAX = 4


class PageWriter:
    """Creates, changes, stops, resumes and deletes a few pages of its own, one call after the other."""

    def __init__(self, server: BatteredServer, number: int, account_ids: list[str], chance: random.Random) -> None:
        self._server = server
        self._account_ids = account_ids
        self._chance = chance
        self._ids = [f"page-{number}-{each}" for each in range(_PAGES_EACH)]
        self._there = set[str]()
        self._stopped = set[str]()

    async def change(self) -> None:
        """Change one page."""
        page_id = self._chance.choice(self._ids)
        if page_id not in self._there:
            await self._create(page_id)
        else:
            by_hand = self._resume if page_id in self._stopped else self._stop
            (way,) = self._chance.choices((by_hand, self._rename, self._move, self._delete), (8, 2, 4, 1))
            await way(page_id)

    async def _create(self, page_id: str) -> None:
        page = pages_pb.BookingPage(
            id=page_id,
            owner_account_id=self._chance.choice(self._account_ids),
            title=f"Page {page_id}",
            scheduling_mode=self._chance.choice((ALL, ANY, AUTO)),
            members=self._members(),
        )
        request = pages_pb.CreateBookingPageRequest(booking_page=page, request_id=self._request_id())
        await self._server.call(lambda stubs: stubs.pages.CreateBookingPage(request))
        self._there.add(page_id)

    async def _delete(self, page_id: str) -> None:
        request = pages_pb.DeleteBookingPageRequest(id=page_id, request_id=self._request_id())
        await self._server.call(lambda stubs: stubs.pages.DeleteBookingPage(request))
        self._there.discard(page_id)
        self._stopped.discard(page_id)

    async def _stop(self, page_id: str) -> None:
        request = pages_pb.StopBookingPageRequest(id=page_id, request_id=self._request_id())
        await self._server.call(lambda stubs: stubs.pages.StopBookingPage(request))
        self._stopped.add(page_id)

    async def _resume(self, page_id: str) -> None:
        request = pages_pb.ResumeBookingPageRequest(id=page_id, request_id=self._request_id())
        await self._server.call(lambda stubs: stubs.pages.ResumeBookingPage(request))
        self._stopped.discard(page_id)

    async def _rename(self, page_id: str) -> None:
        title = "".join(self._chance.choices("abcdef ", k=self._chance.randint(8, 200))).strip() or "Page"
        await self._update(pages_pb.BookingPage(id=page_id, title=title), "title")

    async def _move(self, page_id: str) -> None:
        await self._update(pages_pb.BookingPage(id=page_id, members=self._members()), "members")

    async def _update(self, page: pages_pb.BookingPage, path: str) -> None:
        request = pages_pb.UpdateBookingPageRequest(
            booking_page=page, update_mask=FieldMask(paths=[path]), request_id=self._request_id()
        )
        await self._server.call(lambda stubs: stubs.pages.UpdateBookingPage(request))

    def _members(self) -> list[pages_pb.BookingPageMember]:
        chosen = self._chance.sample(self._account_ids, self._chance.randint(1, _MEMBERS_MAX))
        return [pages_pb.BookingPageMember(account_id=each) for each in chosen]

    def _request_id(self) -> str:
        """So that a call which a kill left without an answer is made again and not done twice."""
        return str(UUID(int=self._chance.getrandbits(128), version=4))


class CalendarBreaker:
    """Takes the app's access to a calendar away at Google, has it found out, and connects again."""

    def __init__(self, server: BatteredServer, sandbox: Sandbox, account_ids: list[str], chance: random.Random) -> None:
        self._server = server
        self._sandbox = sandbox
        self._chance = chance
        self._account_ids = account_ids
        self._links: dict[str, str] = {}

    async def begin(self) -> None:
        """Connect every account."""
        for account_id in self._account_ids:
            self._sandbox.google.add_user(f"{account_id}@example.com")
            self._links[account_id] = (await connect(self._server, self._sandbox, account_id, "")).id

    async def change(self) -> None:
        """Break one calendar and mend it."""
        account_id = self._chance.choice(self._account_ids)
        link_id = self._links[account_id]
        self._sandbox.google.revoke(f"{account_id}@example.com")
        await self._server.call(lambda stubs: stubs.check(link_id))
        await connect(self._server, self._sandbox, account_id, link_id)


async def keep(change: Callable[[], Awaitable[None]], until: Callable[[], bool]) -> None:
    """Change one thing after the other until it is enough."""
    while not until():
        await change()
