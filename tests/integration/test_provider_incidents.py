"""Provider incidents over a real store: they open, hold, end, survive a restart, and alert the operator once each."""

from datetime import timedelta
from pathlib import Path

from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.notices import NoticeKind
from calguard_server.domain.page import PageState, SchedulingMode
from calguard_server.domain.provider_incident import ProviderState
from calguard_server.engine.ports.filters import NotificationFilter
from tests.fakes.service import Service, running_service

DOWN = (Finding(CauseReason.PROVIDER_UNAVAILABLE),)
REVOKED = (Finding(CauseReason.AUTHORIZATION_REVOKED),)


async def linked(service: Service, count: int, domain: str = "example.com") -> list[CalendarLink]:
    links = []
    for number in range(count):
        await service.add_account(f"a{number}")
        links.append(await service.link(f"a{number}", email=f"a{number}@{domain}"))
        await service.add_page(f"p{number}", SchedulingMode.ALL_MEMBERS, f"a{number}", f"a{number}")
    return links


async def check_all(service: Service, links: list[CalendarLink]) -> None:
    for link in links:
        await service.checks.check_now(link.id)


async def states(service: Service, links: list[CalendarLink]) -> list[LinkState]:
    found = [await service.store.link(link.id) for link in links]
    return [link.state for link in found if link is not None]


async def notices(service: Service) -> list[tuple[str, str]]:
    """Who is owed what: the oldest first."""
    listed = await service.store.notifications(NotificationFilter(), 0, 1000)
    told = [each.delivery for each in reversed(listed)]
    return [(each.recipient_account_id, each.kind if each.booking_page_id else each.stage) for each in told]


async def an_outage(service: Service, links: list[CalendarLink]) -> None:
    """All links meet 503 for half an hour."""
    for link in links:
        service.provider.findings[link.id] = DOWN
    for _ in range(6):
        await check_all(service, links)
        await service.incidents.review()
        service.clock.advance(timedelta(minutes=5) - timedelta(seconds=1))


async def test_in_an_outage_nothing_stops_and_only_the_operator_is_told(tmp_path: Path) -> None:
    """Past every threshold the links are held; two that are revoked meanwhile fail, and their people are told."""
    async with running_service(tmp_path / "db") as service:
        links = await linked(service, 12)
        await an_outage(service, links)
        assert await states(service, links) == [LinkState.DEGRADED] * 12
        assert await notices(service) == [("", "PROVIDER_INCIDENT_OPENED")]
        assert service.incidents.status.state is ProviderState.INCIDENT
        for link in links[:2]:
            service.provider.findings[link.id] = REVOKED
        await check_all(service, links)
        assert await states(service, links) == [LinkState.FAILED] * 2 + [LinkState.DEGRADED] * 10
        assert {each for each, kind in await notices(service) if kind == NoticeKind.PAGE_STOPPED} == {"a0", "a1"}
        pages = await service.store.pages_by_id([f"p{number}" for number in range(12)])
        assert sorted(page.id for page in pages.values() if page.state is PageState.STOPPED) == ["p0", "p1"]


async def test_an_outage_ends_after_a_calm_window_with_one_all_clear(tmp_path: Path) -> None:
    """The links that answer again are LINKED at once; one that goes on failing has its ten minutes from the end."""
    async with running_service(tmp_path / "db") as service:
        links = await linked(service, 12)
        await an_outage(service, links)
        for link in links[1:]:
            del service.provider.findings[link.id]
        for _ in range(3):
            await check_all(service, links)
            await service.incidents.review()
            service.clock.advance(timedelta(minutes=3))
        assert service.incidents.status.state is ProviderState.OPERATIONAL
        assert await states(service, links) == [LinkState.DEGRADED] + [LinkState.LINKED] * 11
        assert await notices(service) == [("", "PROVIDER_INCIDENT_OPENED"), ("", "PROVIDER_INCIDENT_OVER")]
        (incident,) = service.incidents.status.incidents
        assert (incident.accounts_affected, incident.links_checked) == (12, 12)
        service.clock.advance(timedelta(minutes=11))
        await check_all(service, links)
        assert await states(service, links) == [LinkState.FAILED] + [LinkState.LINKED] * 11


async def test_an_incident_survives_a_restart(tmp_path: Path) -> None:
    """It is open after the start, holds at once, and is not ended before a whole window was calm."""
    async with running_service(tmp_path / "db") as service:
        links = await linked(service, 12)
        await an_outage(service, links)
        opened = service.incidents.status
    async with running_service(tmp_path / "db") as service:
        assert service.incidents.status == opened
        service.clock.advance(timedelta(hours=2))
        for link in links:
            service.provider.findings[link.id] = DOWN
        await service.incidents.review()
        await check_all(service, links)
        await service.incidents.review()
        assert await states(service, links) == [LinkState.DEGRADED] * 12
        assert service.incidents.status == opened
        assert await notices(service) == [("", "PROVIDER_INCIDENT_OPENED")]


async def test_a_mass_revocation_is_held_too(tmp_path: Path) -> None:
    """Those before the tenth have failed by the time it shows; the others are held, for a day at most."""
    async with running_service(tmp_path / "db") as service:
        links = await linked(service, 40, "gmail.com")
        for link in links:
            service.provider.findings[link.id] = REVOKED
        await check_all(service, links)
        assert await states(service, links) == [LinkState.FAILED] * 9 + [LinkState.DEGRADED] * 31
        service.clock.advance(timedelta(days=1))
        await check_all(service, links)
        assert await states(service, links) == [LinkState.FAILED] * 40


async def test_an_organizations_revocation_is_its_administrators_doing(tmp_path: Path) -> None:
    """Forty people of one organization are one; their links fail, and they are told."""
    async with running_service(tmp_path / "db") as service:
        links = await linked(service, 40, "corp.example")
        for link in links:
            service.provider.findings[link.id] = REVOKED
        await check_all(service, links)
        assert await states(service, links) == [LinkState.FAILED] * 40


async def test_an_incidents_alerts_and_change_are_one_transaction(tmp_path: Path) -> None:
    """The log shows the provider's status at the revision that the incident took, and no hole."""
    async with running_service(tmp_path / "db") as service:
        links = await linked(service, 12)
        await an_outage(service, links)
        log = await service.store.log_after(0, 10_000)
        assert [entry.revision for entry in log] == list(range(1, len(log) + 1))
        (entry,) = [entry for entry in log if entry.kind == "PROVIDER_STATUS"]
        assert entry.revision == service.incidents.status.revision
        assert entry.account_ids == ()
