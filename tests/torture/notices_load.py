"""Those who break calendars and mend them, and who stop pages by hand: what there is to tell of."""

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
from tests.e2e.stubs import ALL, ANY, AUTO
from tests.torture.fast_clock import FastClock

OWNERS = ("olga", "omar")
MEMBERS = tuple(f"member-{number}" for number in range(6))
ALERTED = MEMBERS[0]
"""Asks to be told of every failure of a link of its own."""

_PAGES_EACH = 3
_MODES = {"all": ALL, "any": ANY, "auto": AUTO}


class Load:
    """Calls a server that is killed at any moment: what a kill leaves without an answer is asked again."""

    def __init__(self, server: BatteredServer, sandbox: Sandbox, clock: FastClock, chance: random.Random) -> None:
        self.page_ids = [f"{mode}-{number}" for mode in _MODES for number in range(_PAGES_EACH)]
        self._server = server
        self._sandbox = sandbox
        self._clock = clock
        self._chance = chance
        self._links: dict[str, str] = {}

    async def begin(self) -> None:
        """Accounts, links to two calendars each, and pages of each mode."""
        for account_id in (*OWNERS, *MEMBERS):
            await self._add_account(account_id)
        for account_id in MEMBERS:
            await self._link(account_id)
        for page_id in self.page_ids:
            await self._add_page(page_id)

    async def break_and_mend(self, account_id: str) -> None:
        """Break an account's calendar in one of three ways, and mend it when others had time to be told."""
        await self._pause(0, 30)
        mend = await self.break_calendar(account_id)
        await self._pause(0, 30)
        await mend()

    async def break_calendar(self, account_id: str) -> Callable[[], Awaitable[None]]:
        """Break a calendar; answers how it is mended."""
        email, google = _email(account_id), self._sandbox.google
        way = self._chance.choice(("grant", "calendar", "service"))
        if way == "grant":
            google.revoke(email)
        elif way == "calendar":
            google.unshare(email, _team(account_id))
        else:
            google.set_calendar_service(email, enabled=False)
        await self._check(account_id)

        async def mend() -> None:
            if way == "grant":
                await connect(self._server, self._sandbox, account_id, self._links[account_id])
                return
            if way == "calendar":
                google.share(email, _team(account_id), "owner")
            else:
                google.set_calendar_service(email, enabled=True)
            await self._check(account_id)

        return mend

    async def stop_and_resume(self, page_ids: Sequence[str]) -> None:
        """Stop one of some pages by its owner's hand for a while."""
        await self._pause(5, 40)
        page_id = self._chance.choice(page_ids)
        stop = pages_pb.StopBookingPageRequest(id=page_id, request_id=self._request_id())
        await self._server.call(lambda stubs: stubs.pages.StopBookingPage(stop))
        await self._pause(0, 20)
        resume = pages_pb.ResumeBookingPageRequest(id=page_id, request_id=self._request_id())
        await self._server.call(lambda stubs: stubs.pages.ResumeBookingPage(resume))

    async def _add_account(self, account_id: str) -> None:
        if self._sandbox.slack.user_by_email(_email(account_id)) is None:
            self._sandbox.slack.add_user(_email(account_id))
        account = accounts_pb.Account(id=account_id, display_name=account_id.title(), email=_email(account_id))
        if account_id == ALERTED:
            account.link_alerts = accounts_pb.LINK_ALERTS_ALWAYS
        request = accounts_pb.CreateAccountRequest(account=account, request_id=self._request_id())
        await self._server.call(lambda stubs: stubs.accounts.CreateAccount(request))

    async def _link(self, account_id: str) -> None:
        self._sandbox.google.add_user(_email(account_id))
        self._sandbox.google.add_calendar(_email(account_id), _team(account_id), summary="Team")
        link = await connect(self._server, self._sandbox, account_id, "")
        chosen = links_pb.SelectCalendarsRequest(
            id=link.id,
            check_calendar_ids=[_email(account_id), _team(account_id)],
            add_calendar_id=_email(account_id),
        )
        await self._server.call(lambda stubs: stubs.links.SelectCalendars(chosen))
        self._links[account_id] = link.id

    async def _add_page(self, page_id: str) -> None:
        page = pages_pb.BookingPage(
            id=page_id,
            owner_account_id=self._chance.choice((*OWNERS, MEMBERS[1])),
            title=f"Page {page_id}",
            scheduling_mode=_MODES[page_id.partition("-")[0]],
            members=[pages_pb.BookingPageMember(account_id=each) for each in self._chance.sample(MEMBERS, 2)],
        )
        request = pages_pb.CreateBookingPageRequest(booking_page=page, request_id=self._request_id())
        await self._server.call(lambda stubs: stubs.pages.CreateBookingPage(request))

    async def _check(self, account_id: str) -> None:
        """Have it found out, mostly; else the next regular check does."""
        if self._chance.random() < 0.8:
            link_id = self._links[account_id]
            await self._server.call(lambda stubs: stubs.check(link_id))

    async def _pause(self, least: float, most: float) -> None:
        await self._clock.sleep(timedelta(seconds=self._chance.uniform(least, most)))

    def _request_id(self) -> str:
        """So that a call which a kill left without an answer is made again and not done twice."""
        return str(UUID(int=self._chance.getrandbits(128), version=4))


def _email(account_id: str) -> str:
    return f"{account_id}@example.com"


def _team(account_id: str) -> str:
    return f"team-of-{account_id}@group.calendar.google.com"
