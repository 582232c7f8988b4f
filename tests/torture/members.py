"""Accounts whose calendars break and are mended again, at a server that is killed at any moment."""

import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from uuid import UUID

from calguard.v1 import account_pb2 as accounts_pb
from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard_sandbox import Sandbox
from tests.crash.battered import BatteredServer
from tests.crash.connecting import connect
from tests.torture.fast_clock import FastClock


class Members:
    """Makes them, and breaks their calendars: what a kill leaves without an answer is asked again."""

    def __init__(self, server: BatteredServer, sandbox: Sandbox, clock: FastClock, chance: random.Random) -> None:
        self.links: dict[str, str] = {}
        self.server = server
        self.sandbox = sandbox
        self._clock = clock
        self._chance = chance

    async def add_account(self, account_id: str, **fields: object) -> None:
        if self.sandbox.slack.user_by_email(email_of(account_id)) is None:
            self.sandbox.slack.add_user(email_of(account_id))
        account = accounts_pb.Account(
            id=account_id,
            display_name=account_id.title(),
            email=email_of(account_id),
            **fields,  # type: ignore[arg-type] - the message's fields
        )
        request = accounts_pb.CreateAccountRequest(account=account, request_id=self.request_id())
        await self.server.call(lambda stubs: stubs.accounts.CreateAccount(request))

    async def link(self, account_id: str, *, check: bool = True) -> None:
        """Link two calendars, one of them to add to; both are checked, or none."""
        self.sandbox.google.add_user(email_of(account_id))
        self.sandbox.google.add_calendar(email_of(account_id), team_of(account_id), summary="Team")
        link = await connect(self.server, self.sandbox, account_id, "")
        chosen = links_pb.SelectCalendarsRequest(
            id=link.id,
            check_calendar_ids=[email_of(account_id), team_of(account_id)] if check else [],
            add_calendar_id=email_of(account_id),
        )
        await self.server.call(lambda stubs: stubs.links.SelectCalendars(chosen))
        self.links[account_id] = link.id

    async def add_page(
        self,
        page_id: str,
        mode: pages_pb.SchedulingMode.ValueType,
        owner: str,
        account_ids: Sequence[str],
        **fields: object,
    ) -> None:
        page = pages_pb.BookingPage(
            id=page_id,
            owner_account_id=owner,
            title=f"Page {page_id}",
            scheduling_mode=mode,
            members=[pages_pb.BookingPageMember(account_id=each) for each in account_ids],
            **fields,  # type: ignore[arg-type] - the message's fields
        )
        request = pages_pb.CreateBookingPageRequest(booking_page=page, request_id=self.request_id())
        await self.server.call(lambda stubs: stubs.pages.CreateBookingPage(request))

    async def break_and_mend(self, account_id: str) -> None:
        """Break an account's calendar in one of three ways, and mend it when others had time to be told."""
        await self.pause(0, 30)
        mend = await self.break_calendar(account_id)
        await self.pause(0, 30)
        await mend()

    async def break_calendar(self, account_id: str) -> Callable[[], Awaitable[None]]:
        """Break a calendar; answers how it is mended."""
        email, google = email_of(account_id), self.sandbox.google
        way = self._chance.choice(("grant", "calendar", "service"))
        if way == "grant":
            google.revoke(email)
        elif way == "calendar":
            google.unshare(email, team_of(account_id))
        else:
            google.set_calendar_service(email, enabled=False)
        await self._check(account_id)

        async def mend() -> None:
            if way == "grant":
                await connect(self.server, self.sandbox, account_id, self.links[account_id])
                return
            if way == "calendar":
                google.share(email, team_of(account_id), "owner")
            else:
                google.set_calendar_service(email, enabled=True)
            await self._check(account_id)

        return mend

    async def all_linked(self) -> None:
        """Have every link found well: nothing is broken any more."""
        for link_id in self.links.values():
            while await self._state(link_id) != links_pb.CALENDAR_LINK_STATE_LINKED:
                await self.pause(1, 1)

    async def _state(self, link_id: str) -> int:
        return (await self.server.call(lambda stubs: stubs.check(link_id))).state

    async def _check(self, account_id: str) -> None:
        """Have it found out, mostly; else the next regular check does."""
        if self._chance.random() < 0.8:
            link_id = self.links[account_id]
            await self.server.call(lambda stubs: stubs.check(link_id))

    async def pause(self, least: float, most: float) -> None:
        await self._clock.sleep(timedelta(seconds=self._chance.uniform(least, most)))

    def request_id(self) -> str:
        """So that a call which a kill left without an answer is made again and not done twice."""
        return str(UUID(int=self._chance.getrandbits(128), version=4))


def email_of(account_id: str) -> str:
    return f"{account_id}@example.com"


def team_of(account_id: str) -> str:
    """The second calendar."""
    return f"team-of-{account_id}@group.calendar.google.com"
