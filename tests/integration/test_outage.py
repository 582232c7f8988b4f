"""The story of an outage: ten thousand links meet 503 for twenty minutes, and seven of them are truly revoked.

The whole of checking and delivering runs as it does in a server, both check loops at their pace, over a real SQLite
file, in virtual time: hours take seconds, and every run is the same. Google is the provider port's fake.
"""

import asyncio
from pathlib import Path

from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.notices import NoticeKind
from calguard_server.domain.page import PageState, SchedulingMode
from calguard_server.domain.provider_incident import ProviderState
from calguard_server.engine.ports.filters import LinkFilter, PageFilter
from calguard_server.engine.ports.provider import Probe, ProbeRequest
from calguard_server.notifiers.message import AlertTopic
from tests.fakes.inline_connections import InlineConnections
from tests.fakes.provider import FakeProvider
from tests.fakes.service import Service, running_service
from tests.fakes.virtual_time import VirtualClock, run_virtually
from tests.integration.virtual_harness import Mailbox, in_parts, virtual_minutes, working

LINKS = 10_000
PAGES = 5_000
REVOKED = (1, 500, 2_222, 4_321, 7_777, 7_778, 9_999)
"""Numbers of the accounts whose grants are revoked in the middle of the outage; two of them share a page."""


class Google(FakeProvider):
    """Answers 503 to all while it is down, but for what is revoked; each answer takes a while."""

    down = False
    revoked_links: frozenset[str] = frozenset()

    async def probe(self, request: ProbeRequest) -> Probe:
        await asyncio.sleep(0.05)  # noqa: TID251 - virtual: the loop jumps
        if request.calendar_link_id in self.revoked_links:
            return Probe((Finding(CauseReason.AUTHORIZATION_REVOKED),))
        return Probe((Finding(CauseReason.PROVIDER_UNAVAILABLE),) if self.down else ())


def test_an_outage_with_seven_revocations_in_it(tmp_path: Path) -> None:
    """Exactly the pages of those seven stop, exactly their people are told; one alert, and one all-clear."""
    run_virtually(_story(tmp_path / "db"))


async def _story(path: Path) -> None:
    google, mailbox = Google(), Mailbox()
    async with running_service(path, clock=VirtualClock(), provider=google, connections=InlineConnections()) as service:
        await _set_up(service)
        async with working(service, mailbox):
            await virtual_minutes(15)
            assert await _links_in(service, LinkState.LINKED) == LINKS
            google.down = True
            await virtual_minutes(10)
            google.revoked_links = frozenset(await _link_ids(service, REVOKED))
            await virtual_minutes(10)
            await _expect_the_middle(service)
            google.down = False
            await virtual_minutes(30)
            await _expect_the_end(service, mailbox)


async def _expect_the_middle(service: Service) -> None:
    """After twenty minutes of 503 every link is held, but for those that are revoked."""
    assert await _links_in(service, LinkState.FAILED) == len(REVOKED)
    assert await _links_in(service, LinkState.DEGRADED) == LINKS - len(REVOKED)
    assert await _stopped_pages(service) == _pages_of_the_revoked()
    assert service.incidents.status.state is ProviderState.INCIDENT


async def _expect_the_end(service: Service, mailbox: Mailbox) -> None:
    assert await _links_in(service, LinkState.LINKED) == LINKS - len(REVOKED)
    assert await _stopped_pages(service) == _pages_of_the_revoked()
    assert service.incidents.status.state is ProviderState.OPERATIONAL
    alerts = [message.alert.topic for message, _ in mailbox.received if message.alert is not None]
    assert alerts == [AlertTopic.INCIDENT_OPENED, AlertTopic.INCIDENT_OVER]
    told = [(message, address) for message, address in mailbox.received if message.alert is None]
    assert {address.email for _, address in told} == _people_of_the_revoked()
    assert {message.kind for message, _ in told} <= {NoticeKind.PAGE_STOPPED, NoticeKind.MEMBER_FAULTY}
    pages_told = {page.id for message, _ in told for page in message.pages}
    assert pages_told == _pages_of_the_revoked()
    log = await service.store.log_after(0, 1_000_000)
    assert [entry.revision for entry in log] == list(range(log[0].revision, log[-1].revision + 1))


def _pages_of_the_revoked() -> set[str]:
    return {f"page-{number // 2}" for number in REVOKED}


def _people_of_the_revoked() -> set[str]:
    """Of each page the owner, who is its first member, and of its members those at fault."""
    owners = {2 * (number // 2) for number in REVOKED}
    return {f"a{number}@example.com" for number in owners | set(REVOKED)}


async def _set_up(service: Service) -> None:
    """Ten thousand people with a link each; each page has two of them, and the first is its owner."""
    await in_parts([service.add_account(f"a{number}") for number in range(LINKS)])
    await in_parts([service.link(f"a{number}") for number in range(LINKS)])
    await in_parts(
        [
            service.add_page(
                f"page-{number}", SchedulingMode.ALL_MEMBERS, f"a{2 * number}", f"a{2 * number}", f"a{2 * number + 1}"
            )
            for number in range(PAGES)
        ]
    )


async def _links_in(service: Service, state: LinkState) -> int:
    return len(await service.store.links(LinkFilter(states=frozenset({state})), "", LINKS))


async def _stopped_pages(service: Service) -> set[str]:
    found = await service.store.pages(PageFilter(states=frozenset({PageState.STOPPED})), "", PAGES)
    return {page.id for page in found}


async def _link_ids(service: Service, numbers: tuple[int, ...]) -> list[str]:
    links: list[CalendarLink] = []
    for number in numbers:
        links += await service.store.links_of_account(f"a{number}")
    return [link.id for link in links]
