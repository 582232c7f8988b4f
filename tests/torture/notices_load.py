"""Those who break calendars and mend them, and who stop pages by hand: what there is to tell of."""

import random
from collections.abc import Sequence

from calguard.v1 import account_pb2 as accounts_pb
from calguard.v1 import booking_page_pb2 as pages_pb
from calguard_sandbox import Sandbox
from tests.crash.battered import BatteredServer
from tests.e2e.stubs import ALL, ANY, AUTO
from tests.torture.fast_clock import FastClock
from tests.torture.members import Members

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
        self.members = Members(server, sandbox, clock, chance)
        self._server = server
        self._chance = chance

    async def begin(self) -> None:
        """Accounts, links to two calendars each, and pages of each mode."""
        for account_id in (*OWNERS, *MEMBERS):
            alerts = accounts_pb.LINK_ALERTS_ALWAYS if account_id == ALERTED else accounts_pb.LINK_ALERTS_UNSPECIFIED
            await self.members.add_account(account_id, link_alerts=alerts)
        for account_id in MEMBERS:
            await self.members.link(account_id)
        for page_id in self.page_ids:
            owner, members = self._chance.choice((*OWNERS, MEMBERS[1])), self._chance.sample(MEMBERS, 2)
            await self.members.add_page(page_id, _MODES[page_id.partition("-")[0]], owner, members)

    async def stop_and_resume(self, page_ids: Sequence[str]) -> None:
        """Stop one of some pages by its owner's hand for a while."""
        await self.members.pause(5, 40)
        page_id = self._chance.choice(page_ids)
        stop = pages_pb.StopBookingPageRequest(id=page_id, request_id=self.members.request_id())
        await self._server.call(lambda stubs: stubs.pages.StopBookingPage(stop))
        await self.members.pause(0, 20)
        resume = pages_pb.ResumeBookingPageRequest(id=page_id, request_id=self.members.request_id())
        await self._server.call(lambda stubs: stubs.pages.ResumeBookingPage(resume))
