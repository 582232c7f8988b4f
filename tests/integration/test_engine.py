"""The engine over a real store: a signal reaches the pages and the notices, in one transaction."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.delivery import DeliveryState
from calguard_server.domain.errors import FailedPreconditionError
from calguard_server.domain.link_state import LinkState
from calguard_server.domain.notices import NoticeKind
from calguard_server.domain.page import PageState, SchedulingMode, StopCause
from calguard_server.domain.scopes import REQUESTED_SCOPES
from calguard_server.engine.ports.filters import NotificationFilter
from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.ports.notifications import Notification
from calguard_server.engine.ports.provider import Probe, ProbeRequest, ProviderCalendar
from calguard_server.engine.ports.provider_errors import ProviderFailureError
from tests.fakes.service import Service, running_service

REVOKED = (Finding(CauseReason.AUTHORIZATION_REVOKED),)


async def test_a_revoked_grant_stops_the_right_pages_and_owes_the_right_notices(tmp_path: Path) -> None:
    """ALL_MEMBERS stops, ANY_MEMBER does not; owner and account at fault are owed e-mail and Slack each."""
    async with running_service(tmp_path / "db") as service:
        for name in ("owner", "ann", "bob"):
            await service.add_account(name)
        ann = await service.link("ann")
        await service.link("bob")
        await service.add_page("all", SchedulingMode.ALL_MEMBERS, "owner", "ann", "bob")
        await service.add_page("any", SchedulingMode.ANY_MEMBER, "owner", "ann", "bob")
        service.provider.findings[ann.id] = REVOKED

        failed = await service.checks.check_now(ann.id)

        assert failed.state is LinkState.FAILED
        every, some = await service.pages.get("all"), await service.pages.get("any")
        assert (every.state, every.stop_cause) == (PageState.STOPPED, StopCause.CALENDAR_FAILURE)
        assert some.state is PageState.DEGRADED
        owed = await service.store.notifications(NotificationFilter(), 0, 50)
        told = {(each.delivery.recipient_account_id, each.delivery.channel.value) for each in owed}
        assert told == {("owner", "EMAIL"), ("owner", "SLACK"), ("ann", "EMAIL"), ("ann", "SLACK")}
        assert {each.delivery.kind for each in owed} == {NoticeKind.PAGE_STOPPED}
        assert all(each.delivery.state is DeliveryState.PENDING for each in owed)


async def test_relinking_restarts_the_page(tmp_path: Path) -> None:
    """Linking again in place keeps the link's id and selection, and the page starts by itself."""
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        link = await service.link("ann")
        await service.add_page("all", SchedulingMode.ALL_MEMBERS, "ann", "ann")
        service.provider.findings[link.id] = REVOKED
        await service.checks.check_now(link.id)
        service.provider.findings.clear()

        again = await service.link("ann", link_id=link.id)

        assert (again.id, again.check_calendar_ids) == (link.id, link.check_calendar_ids)
        assert (await service.pages.get("all")).state is PageState.LINKED


async def test_many_who_ask_for_a_check_share_one(tmp_path: Path) -> None:
    """While one check is at work, however many ask: one more is made, and all are answered by it."""
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        link = await service.link("ann")
        probe, at_work, google_answers = service.provider.probe, asyncio.Event(), asyncio.Event()

        async def slow_probe(request: ProbeRequest) -> Probe:
            at_work.set()
            await google_answers.wait()
            return await probe(request)

        service.provider.probe = slow_probe  # type: ignore[method-assign]
        service.provider.probes.clear()
        first = asyncio.create_task(service.checks.check_now(link.id))
        await at_work.wait()
        others = [asyncio.create_task(service.checks.check_now(link.id)) for _ in range(19)]
        while service.checks._waiting.get(link.id) is None or service.checks._waiting[link.id].askers < len(others):
            await service.store.link(link.id)  # a read, so that the others get their turn
        google_answers.set()
        answered = await asyncio.gather(first, *others)
        assert {each.state for each in answered} == {LinkState.LINKED}
        assert len(service.provider.probes) == 2


async def test_the_primary_calendar_is_selected_although_listing_failed_once(tmp_path: Path) -> None:
    """One hiccup of Google while linking does not leave a link without its calendars."""
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        listing = service.provider.list_calendars
        hiccups = [Finding(CauseReason.PROVIDER_UNAVAILABLE)]

        async def list_after_a_hiccup(link_id: str, grant: Grant) -> Sequence[ProviderCalendar]:
            if hiccups:
                raise ProviderFailureError(hiccups.pop())
            return await listing(link_id, grant)

        service.provider.list_calendars = list_after_a_hiccup  # type: ignore[method-assign]
        link = await service.link("ann")
        assert (link.state, link.check_calendar_ids) == (LinkState.LINKED, ("me@example.com",))


async def test_an_account_that_is_on_pages_cannot_be_deleted(tmp_path: Path) -> None:
    """The error names the pages, and nothing has changed."""
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        await service.add_page("p1", SchedulingMode.ALL_MEMBERS, "ann")
        with pytest.raises(FailedPreconditionError) as refusal:
            await service.accounts.delete("ann")
        assert refusal.value.metadata["booking_page_ids"] == "p1"
        assert await service.accounts.get("ann")


async def test_the_operator_is_alerted_of_what_linking_and_selecting_meet(tmp_path: Path) -> None:
    """The checks that are part of them are checks like any other."""
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        link = await service.link("ann")
        service.provider.findings[link.id] = (Finding(CauseReason.APP_MISCONFIGURED),)
        await service.link("ann")
        assert [each.delivery.stage for each in await _alerts(service)] == ["APP_MISCONFIGURED"]
        service.provider.findings[link.id] = (Finding(CauseReason.QUOTA_EXHAUSTED),)
        await service.selection.select(link.id, ("me@example.com",), "")
        assert {each.delivery.stage for each in await _alerts(service)} == {"APP_MISCONFIGURED", "QUOTA_EXHAUSTED"}


async def _alerts(service: Service) -> list[Notification]:
    listed = await service.store.notifications(NotificationFilter(), 0, 50)
    return [each for each in listed if each.delivery.kind is NoticeKind.OPERATOR_ALERT]


async def test_each_failure_counts_however_close_the_checks_are(tmp_path: Path) -> None:
    """A check that is asked for while another is at work begins once that one's outcome is saved."""
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        link = await service.link("ann")
        service.provider.findings[link.id] = (Finding(CauseReason.NETWORK_ERROR),)
        await service.checks.check_now(link.id)
        probes = len(service.provider.probes)
        first = asyncio.create_task(service.checks.check_now(link.id))
        while len(service.provider.probes) == probes:
            await service.store.revision()
            await asyncio.wait([first], timeout=0)
        await asyncio.gather(first, service.checks.check_now(link.id))
        saved = await service.store.link(link.id)
        assert saved is not None
        assert saved.consecutive_failures == len(service.provider.probes) - probes + 1 == 3


async def test_calendars_are_judged_by_the_permissions_that_are_known_last(tmp_path: Path) -> None:
    """A check is told that adding is no longer permitted: no calendar can be added to."""
    without_adding = tuple(scope for scope in REQUESTED_SCOPES if not scope.endswith("calendar.events"))
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        link = await service.link("ann")
        assert [each.use.can_add for each in await service.selection.list_calendars(link.id)] == [True, False]
        service.provider.told_scopes = without_adding
        await service.checks.check_now(link.id)
        assert [each.use.can_add for each in await service.selection.list_calendars(link.id)] == [False, False]
        with pytest.raises(FailedPreconditionError, match="the permission to add events was not given"):
            await service.selection.select(link.id, (), "me@example.com")


async def test_a_check_that_was_handed_out_counts_on_from_one_on_demand(tmp_path: Path) -> None:
    """Whatever their order: a check that fell due, one on demand, and those of another that was read before it."""
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        link = await service.link("ann")
        service.provider.findings[link.id] = (Finding(CauseReason.NETWORK_ERROR),)
        await service.checks.check_now(link.id)
        service.clock.advance(timedelta(minutes=1))
        (due,) = await service.store.due_links(service.clock.now(), 10, (), failing=True)
        assert due.link.consecutive_failures == 1
        await service.checks.check_now(link.id)
        result = await service.checks.check(due)
        assert result is not None
        assert (result.link.consecutive_failures, result.times) == (3, None)
        again = await service.checks.check_now(link.id)
        assert again.consecutive_failures == 4


async def test_times_that_are_saved_late_do_not_turn_the_clock_back(tmp_path: Path) -> None:
    """A link was checked again before the times of its last regular check were saved."""
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        link = await service.link("ann")
        service.clock.advance(timedelta(hours=1))
        (due,) = await service.store.due_links(service.clock.now(), 10, (), failing=False)
        late = await service.checks.check(due)
        assert late is not None
        assert late.times is not None
        service.clock.advance(timedelta(minutes=1))
        fresh = await service.checks.check_now(link.id)
        await service.store.record_checks([late.times])
        assert await service.store.link(link.id) == fresh
