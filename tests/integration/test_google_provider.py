"""Probing, listing and ending grants, against the sandbox over real HTTP."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from calguard_server.domain.causes import Capability, CauseReason, Finding
from calguard_server.domain.secret import Secret
from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.ports.provider import CalendarProvider, ProbeRequest
from calguard_server.engine.ports.provider_errors import ProviderFailureError
from tests.integration.google_harness import ANN, HOLIDAYS, PREFIX, TEAM, World, raw_server, reasons, sends, world

UNAVAILABLE = [(CauseReason.PROVIDER_UNAVAILABLE, "")]
REVOKED = [(CauseReason.AUTHORIZATION_REVOKED, "")]


@pytest.fixture
async def google() -> AsyncIterator[World]:
    async with world() as running:
        yield running


async def test_a_link_in_order_has_no_findings_and_tells_its_scopes(google: World) -> None:
    provider: CalendarProvider = google.provider
    grant = await google.grant()
    probe = await provider.probe(ProbeRequest("link", grant, (ANN, TEAM, HOLIDAYS), TEAM))
    assert probe.findings == ()
    assert probe.granted_scopes == grant.granted_scopes


async def test_an_access_token_is_used_until_shortly_before_it_expires(google: World) -> None:
    grant = await google.grant()
    await google.probe(grant, ANN)
    google.clock.move(timedelta(minutes=57))
    await google.probe(grant, ANN)
    assert google.requests("token.refresh_token") == 1
    google.clock.move(timedelta(minutes=2))
    assert (await google.probe(grant, ANN)).findings == ()
    assert google.requests("token.refresh_token") == 2


async def test_a_revoked_grant_is_met_although_an_access_token_is_held(google: World) -> None:
    grant = await google.grant()
    await google.probe(grant, ANN)
    google.sandbox.google.revoke(ANN)
    assert reasons(await google.probe(grant, ANN)) == REVOKED
    assert reasons(await google.probe(grant, ANN)) == REVOKED


async def test_without_calendars_each_probe_asks_whether_the_grant_is_accepted(google: World) -> None:
    grant = await google.grant()
    assert (await google.probe(grant)).findings == ()
    assert google.requests("token.refresh_token") == 1
    google.sandbox.google.revoke(ANN)
    assert reasons(await google.probe(grant)) == REVOKED


async def test_a_calendar_no_longer_shared_is_named_and_the_others_are_still_read(google: World) -> None:
    grant = await google.grant()
    google.sandbox.google.unshare(ANN, TEAM)
    assert reasons(await google.probe(grant, ANN, TEAM, HOLIDAYS, add=ANN)) == [
        (CauseReason.CALENDAR_NOT_VISIBLE, TEAM)
    ]


async def test_trouble_at_the_add_calendar_alone_concerns_adding_alone(google: World) -> None:
    """Busy time was read: what may pass by itself at the add calendar must not fail the link in time."""
    grant = await google.grant()
    google.sandbox.fault("api/forbidden", endpoint="calendarlist.get")
    probe = await google.probe(grant, ANN, add=TEAM)
    assert [(each.reason, each.capability) for each in probe.findings] == [
        (CauseReason.ACCESS_FORBIDDEN, Capability.ADD)
    ]


async def test_an_add_calendar_that_is_gone_or_read_only_is_named(google: World) -> None:
    grant = await google.grant()
    assert reasons(await google.probe(grant, ANN, add=HOLIDAYS)) == [(CauseReason.CALENDAR_READ_ONLY, HOLIDAYS)]
    google.sandbox.google.unshare(ANN, TEAM)
    assert reasons(await google.probe(grant, ANN, add=TEAM)) == [(CauseReason.ADD_CALENDAR_NOT_VISIBLE, TEAM)]


@pytest.mark.parametrize("role", ["writer", "writerWithoutPrivateAccess", "owner"])
async def test_roles_that_can_write_will_do(google: World, role: str) -> None:
    google.sandbox.google.share(ANN, TEAM, role)
    assert (await google.probe(await google.grant(), add=TEAM)).findings == ()


async def test_calls_that_the_scopes_do_not_permit_are_not_made(google: World) -> None:
    grant = await google.grant([f"{PREFIX}calendar.events"])
    probe = await google.probe(grant, ANN, add=TEAM)
    assert probe.findings == ()
    assert google.requests("freebusy") == google.requests("calendarlist") == 0
    assert google.requests("token.refresh_token") == 1


async def test_a_scope_taken_back_is_told_by_the_refusal_and_then_by_the_refresh(google: World) -> None:
    grant = await google.grant()
    await google.probe(grant, ANN)
    google.sandbox.google.drop_scopes(ANN, [f"{PREFIX}calendar.freebusy"])
    assert (await google.probe(grant, ANN)).findings == (
        Finding(CauseReason.SCOPE_MISSING, capability=Capability.CHECK),
    )
    google.clock.move(timedelta(hours=1))
    probe = await google.probe(grant, ANN)
    assert probe.granted_scopes is not None
    assert f"{PREFIX}calendar.freebusy" not in probe.granted_scopes


async def test_a_dead_access_token_of_a_live_grant_costs_one_refresh(google: World) -> None:
    grant = await google.grant()
    await google.probe(grant, ANN)
    google.sandbox.google.expire_access_tokens()
    assert (await google.probe(grant, ANN, add=TEAM)).findings == ()
    assert google.requests("token.refresh_token") == 2


async def test_a_401_that_no_refresh_mends_is_not_blamed_on_the_person(google: World) -> None:
    grant = await google.grant()
    google.fault("api/authError", endpoint="freebusy")
    assert reasons(await google.probe(grant, ANN)) == UNAVAILABLE
    assert google.requests("freebusy") == 2


async def test_many_probes_of_one_link_share_one_refresh(google: World) -> None:
    grant = await google.grant()
    probes = await asyncio.gather(*(google.probe(grant, ANN) for _ in range(50)))
    assert all(not probe.findings for probe in probes)
    assert google.requests("token.refresh_token") == 1
    google.sandbox.google.expire_access_tokens()
    probes = await asyncio.gather(*(google.probe(grant, ANN) for _ in range(50)))
    assert all(not probe.findings for probe in probes)
    assert google.requests("token.refresh_token") == 2


async def test_a_probe_cancelled_within_its_refresh_holds_nobody_up(google: World) -> None:
    grant = await google.grant()
    google.fault("network/hang", endpoint="token", times=1)
    stuck = asyncio.create_task(google.probe(grant, ANN))
    await google.requested("token.refresh_token")
    waiting = asyncio.create_task(google.probe(grant, ANN))
    stuck.cancel()
    assert (await waiting).findings == ()
    with pytest.raises(asyncio.CancelledError):
        await stuck
    assert len(google.provider._tokens._locks) == 0


async def test_a_token_refreshed_for_a_link_forgotten_meanwhile_is_not_kept(google: World) -> None:
    grant = await google.grant()
    asked, released = asyncio.Event(), asyncio.Event()
    body = b'{"access_token": "ya29.x", "expires_in": 3599}'

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await released.wait()
        await sends(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", body)(reader, writer)

    async with raw_server(late) as address:
        provider = google.rewired(token_uri=address)
        probing = asyncio.create_task(provider.probe(ProbeRequest("link", grant, (), "")))
        await asked.wait()
        provider.forget("link")
        released.set()
        assert (await probing).findings == ()
    assert provider._tokens._held == {}


async def test_a_token_is_never_used_for_another_grant_of_the_link(google: World) -> None:
    await google.probe(await google.grant(), ANN)
    dead = Grant(Secret("1//another"), ())
    assert reasons(await google.probe(dead)) == REVOKED


async def test_more_calendars_than_one_query_takes_are_asked_for_in_several(google: World) -> None:
    names = [f"room-{number}@group.calendar.google.com" for number in range(120)]
    for name in names:
        google.sandbox.google.add_calendar(ANN, name, summary=name)
    google.sandbox.google.unshare(ANN, names[119])
    assert reasons(await google.probe(await google.grant(), *names)) == [(CauseReason.CALENDAR_NOT_VISIBLE, names[119])]
    assert google.requests("freebusy") == 3


async def test_a_query_that_google_finds_too_large_is_halved(google: World) -> None:
    grant = await google.grant()
    google.fault("freebusy/tooManyCalendarsRequested", times=1)
    assert (await google.probe(grant, ANN, TEAM, HOLIDAYS)).findings == ()
    assert google.requests("freebusy") == 3


async def test_one_calendar_that_google_finds_too_many_is_unknown(google: World) -> None:
    grant = await google.grant()
    google.fault("freebusy/groupTooBig")
    assert reasons(await google.probe(grant, ANN)) == [(CauseReason.PROVIDER_UNAVAILABLE, ANN)]


async def test_all_pages_of_the_calendar_list_are_read(google: World) -> None:
    for number in range(260):
        google.sandbox.google.add_calendar(ANN, f"room-{number}@group.calendar.google.com", summary=f"Room {number}")
    listed = await google.provider.list_calendars("link", await google.grant())
    assert len({calendar.id for calendar in listed}) == 263
    assert google.requests("calendarlist.list") == 2
    roles = {calendar.id: (calendar.summary, calendar.access_role, calendar.primary) for calendar in listed}
    assert roles[ANN] == (ANN, "owner", True)
    assert roles[HOLIDAYS] == ("Holidays", "reader", False)


async def test_a_list_that_never_ends_is_given_up(google: World) -> None:
    grant = await google.grant()
    body = {"items": [], "nextPageToken": "again"}
    google.fault({"status": 200, "body": body}, endpoint="calendarlist.list")
    with pytest.raises(ProviderFailureError) as refused:
        await google.provider.list_calendars("link", grant)
    assert refused.value.reason is CauseReason.PROVIDER_UNAVAILABLE


async def test_listing_tells_why_it_failed(google: World) -> None:
    grant = await google.grant([f"{PREFIX}calendar.freebusy"])
    with pytest.raises(ProviderFailureError) as refused:
        await google.provider.list_calendars("link", grant)
    assert refused.value.finding == Finding(CauseReason.SCOPE_MISSING, capability=Capability.LIST)


async def test_revoking_ends_the_grant_and_says_so_again(google: World) -> None:
    grant = await google.grant()
    assert await google.provider.revoke(grant)
    assert reasons(await google.probe(grant)) == REVOKED
    assert await google.provider.revoke(grant)


@pytest.mark.parametrize("fault", ["api/503_html", "api/200_html", "network/drop"])
async def test_a_grant_that_could_not_be_revoked_is_not_said_to_be(google: World, fault: str) -> None:
    grant = await google.grant()
    google.fault(fault, endpoint="revoke")
    assert not await google.provider.revoke(grant)


async def test_no_secret_reaches_the_log(google: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    grant = await google.grant()
    await google.probe(grant, ANN, add=TEAM)
    google.sandbox.google.revoke(ANN)
    await google.probe(grant, ANN)
    secrets = [grant.refresh_token.reveal(), google.options.client_secret.reveal(), "ya29."]
    assert not [secret for secret in secrets if secret in caplog.text]
    shown = repr((google.options, google.provider._tokens._held, google.provider, grant))
    assert not [secret for secret in secrets if secret in shown]
