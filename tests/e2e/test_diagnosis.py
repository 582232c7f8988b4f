"""The diagnosis of a link, stage by stage, in front of a Google that goes wrong at each of them."""

import asyncio
from datetime import timedelta
from pathlib import Path

import grpc.aio
import pytest
from cryptography.fernet import Fernet

from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import cause_pb2
from calguard.v1 import notification_pb2 as notices_pb
from calguard_client.refusal import Refusal
from calguard_sandbox.google.state import Busy
from tests.e2e.backend import Backend, running_backend
from tests.e2e.oauth_scopes import ADD, CHECK, LIST
from tests.e2e.stubs import ALL, refused, told

ANN, TEAM = "ann@example.com", "team@group.calendar.google.com"
HOLIDAYS = "en.usa#holiday@group.v.calendar.google.com"
SUPPORT = "https://booking.test/support"
PASSED, FAILED, SKIPPED, ADVICE = "PASSED", "FAILED", "SKIPPED", "ADVICE"
GRANT_STORED, GRANT_ACCEPTED, SCOPES_GRANTED, LISTED, READ, WRITABLE, VISIBLE = STAGES = (
    "GRANT_STORED",
    "GRANT_ACCEPTED",
    "SCOPES_GRANTED",
    "CALENDARS_LISTED",
    "CHECK_CALENDARS_READ",
    "ADD_CALENDAR_WRITABLE",
    "BUSY_TIME_VISIBLE",
)


@pytest.fixture
async def link(backend: Backend) -> links_pb.CalendarLink:
    await backend.add_account("ann")
    return await backend.link("ann")


def stage(step: links_pb.DiagnosisStep) -> str:
    return links_pb.DiagnosisStage.Name(step.stage).removeprefix("DIAGNOSIS_STAGE_")


def outcomes(steps: list[links_pb.DiagnosisStep]) -> dict[str, str]:
    """How each stage ended; every stage is there once, in its order."""
    assert tuple(map(stage, steps)) == STAGES
    assert all(step.detail for step in steps)
    return {
        stage(step): links_pb.DiagnosisOutcome.Name(step.outcome).removeprefix("DIAGNOSIS_OUTCOME_") for step in steps
    }


def reason(step: links_pb.DiagnosisStep) -> str:
    return cause_pb2.CauseReason.Name(step.cause.reason).removeprefix("CAUSE_REASON_")


def requests(backend: Backend, endpoint: str) -> int:
    return sum(note.endpoint == endpoint for note in backend.sandbox.google_requests.records)


def busy(backend: Backend, *, days: float = 1, transparent: bool = True, recurrence: str = "") -> Busy:
    """Half an hour, so many days from now."""
    start = backend.clock.now() + timedelta(days=days)
    return Busy(start, start + timedelta(minutes=30), transparent=transparent, recurrence=recurrence)


async def test_a_link_in_order_passes_and_nothing_is_changed(backend: Backend, link: links_pb.CalendarLink) -> None:
    """Every stage passes, each asks Google once, and no check follows: there is nothing to find out."""
    backend.sandbox.google_requests.clear()
    steps = await backend.diagnose(link.id)
    assert set(outcomes(steps).values()) == {PASSED}
    assert not any(step.HasField("cause") or step.remedy or step.support_url for step in steps)
    asked = [note.endpoint for note in backend.sandbox.google_requests.records]
    assert asked == ["token.refresh_token", "calendarlist.list", "freebusy", "calendarlist.get", "events.list"]
    assert await backend.calendar_link(link.id) == link


async def test_a_disconnected_link_is_told_to_connect(backend: Backend, link: links_pb.CalendarLink) -> None:
    """Nothing is asked of Google for a link that was disconnected on purpose, and it is no error of the call."""
    await backend.disconnect(link.id)
    stopped = await backend.calendar_link(link.id)
    backend.sandbox.google_requests.clear()
    first, *others = steps = await backend.diagnose(link.id)
    assert list(outcomes(steps).values()) == [FAILED] + [SKIPPED] * 6
    assert (reason(first), first.next_action) == ("AUTHORIZATION_INCOMPLETE", links_pb.NEXT_ACTION_CONNECT)
    assert "disconnected on purpose" in first.detail
    assert first.remedy.startswith("Connect the calendar")
    assert not any(step.HasField("cause") or step.remedy for step in others)
    assert backend.sandbox.google_requests.records == []
    assert await backend.calendar_link(link.id) == stopped


async def test_a_grant_that_no_key_opens(backend: Backend, link: links_pb.CalendarLink) -> None:
    """The first stage says that the key is lost; the check at the end fails the link."""
    await backend.restart(token_keys=Fernet.generate_key().decode(), accept_lost_keys="true")
    first, *_ = steps = await backend.diagnose(link.id)
    assert list(outcomes(steps).values()) == [FAILED] + [SKIPPED] * 6
    assert (reason(first), first.next_action) == ("AUTHORIZATION_INCOMPLETE", links_pb.NEXT_ACTION_RECONNECT)
    assert "keys" in first.detail
    failed = await backend.calendar_link(link.id)
    assert (failed.state, failed.cause.reason) == (links_pb.CALENDAR_LINK_STATE_FAILED, first.cause.reason)


async def test_a_revoked_grant_is_found_by_a_forced_refresh(backend: Backend, link: links_pb.CalendarLink) -> None:
    """The cause and the remedy are those of the link, and whoever reads the link afterwards sees it FAILED."""
    await backend.add_page("page", ALL, "ann", "ann")
    backend.sandbox.google.revoke(ANN)
    steps = await backend.diagnose(link.id)
    assert list(outcomes(steps).values()) == [PASSED, FAILED] + [SKIPPED] * 5
    assert (reason(steps[1]), steps[1].next_action) == ("AUTHORIZATION_REVOKED", links_pb.NEXT_ACTION_RECONNECT)
    assert steps[2].detail == "Stage 2 was not passed, so Google cannot be asked with the permission."
    failed = await backend.calendar_link(link.id)
    assert failed.state == links_pb.CALENDAR_LINK_STATE_FAILED
    assert (failed.cause.remedy, failed.cause.message) == (steps[1].remedy, steps[1].cause.message)
    assert not (await backend.page("page")).accepting
    again = await backend.diagnose(link.id)
    assert again[1].cause == failed.cause  # `since` is the link's
    assert (await backend.calendar_link(link.id)).revision == failed.revision


async def test_one_doubtful_refusal_fails_nothing(backend: Backend, link: links_pb.CalendarLink) -> None:
    """What a check asks twice, a diagnosis asks twice: one `invalid_grant` alone is no diagnosis."""
    backend.sandbox.fault("token/invalid_grant", times=1)
    assert set(outcomes(await backend.diagnose(link.id)).values()) == {PASSED}
    assert (await backend.calendar_link(link.id)).state == links_pb.CALENDAR_LINK_STATE_LINKED


@pytest.mark.parametrize(
    ("dropped", "skipped", "degraded"),
    [
        ([ADD], {WRITABLE, VISIBLE}, True),
        ([CHECK], {READ}, False),
        ([LIST], {LISTED, WRITABLE}, False),
        ([LIST, CHECK, ADD], {LISTED, READ, WRITABLE, VISIBLE}, False),
    ],
)
async def test_a_box_that_was_not_ticked(
    backend: Backend, link: links_pb.CalendarLink, dropped: list[str], skipped: set[str], *, degraded: bool
) -> None:
    """What lacks is told, and only what rests on it is skipped."""
    backend.sandbox.google.drop_scopes(ANN, dropped)
    steps = await backend.diagnose(link.id)
    ended = outcomes(steps)
    assert {name for name, outcome in ended.items() if outcome == SKIPPED} == skipped
    assert {name for name, outcome in ended.items() if outcome == FAILED} == {SCOPES_GRANTED}
    assert reason(steps[2]) == "SCOPE_MISSING"
    assert steps[2].detail.count(";") == len(dropped) - 1
    state = (await backend.calendar_link(link.id)).state
    assert state == (links_pb.CALENDAR_LINK_STATE_DEGRADED if degraded else links_pb.CALENDAR_LINK_STATE_FAILED)


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ("api/503_html", "PROVIDER_UNAVAILABLE"),
        ("api/200_html", "PROVIDER_UNAVAILABLE"),
        ("network/drop", "NETWORK_ERROR"),
        ("api/429_rateLimitExceeded", "RATE_LIMITED"),
    ],
)
async def test_a_list_that_google_does_not_give(
    backend: Backend, link: links_pb.CalendarLink, fault: str, named: str
) -> None:
    """An outage is the stage's, not the stream's; the remedy is to wait, and the stages after it are tried."""
    backend.sandbox.fault(fault, surface="google", endpoint="calendarlist.list")
    steps = await backend.diagnose(link.id)
    assert list(outcomes(steps).values()) == [PASSED] * 3 + [FAILED] + [PASSED] * 3
    assert (reason(steps[3]), steps[3].next_action) == (named, links_pb.NEXT_ACTION_WAIT)
    assert steps[3].remedy.startswith("Wait: ")
    # a check reads what a link is used for, and lists nothing
    assert (await backend.calendar_link(link.id)).state == links_pb.CALENDAR_LINK_STATE_LINKED


async def test_an_outage_at_the_refresh(backend: Backend, link: links_pb.CalendarLink) -> None:
    """Nothing can be asked where no access token can be got; the link does as its check says."""
    backend.sandbox.fault("token/503_html")
    steps = await backend.diagnose(link.id)
    assert list(outcomes(steps).values()) == [PASSED, FAILED] + [SKIPPED] * 5
    assert reason(steps[1]) == "PROVIDER_UNAVAILABLE"
    assert (await backend.calendar_link(link.id)).state == links_pb.CALENDAR_LINK_STATE_DEGRADED


async def test_an_unshared_check_calendar_is_named(backend: Backend, link: links_pb.CalendarLink) -> None:
    """`notFound` inside a 200: the calendar is named, the others are read, and what does not rest on it is tried."""
    await backend.select(link.id, [ANN, TEAM, HOLIDAYS], ANN)
    backend.sandbox.google.unshare(ANN, TEAM)
    steps = await backend.diagnose(link.id)
    assert list(outcomes(steps).values()) == [PASSED] * 4 + [FAILED, PASSED, PASSED]
    assert (reason(steps[4]), steps[4].cause.calendar_id) == ("CALENDAR_NOT_VISIBLE", TEAM)
    assert TEAM in steps[4].detail
    assert [(each.calendar_id, each.HasField("cause")) for each in steps[4].calendars] == [
        (ANN, False),
        (TEAM, True),
        (HOLIDAYS, False),
    ]
    assert steps[4].next_action == links_pb.NEXT_ACTION_SELECT_CALENDARS
    assert [(each.calendar_id, each.note) for each in steps[6].calendars][1] == (TEAM, "it cannot be read")
    failed = await backend.calendar_link(link.id)
    assert (failed.state, failed.cause.calendar_id) == (links_pb.CALENDAR_LINK_STATE_FAILED, TEAM)


async def test_a_link_that_was_mended_is_found_so(backend: Backend, link: links_pb.CalendarLink) -> None:
    """Everything passes where the link stands FAILED: the check at the end puts that right."""
    await backend.select(link.id, [TEAM], "")
    backend.sandbox.google.unshare(ANN, TEAM)
    assert (await backend.check(link.id)).state == links_pb.CALENDAR_LINK_STATE_FAILED
    backend.sandbox.google.share(ANN, TEAM, "reader")
    assert outcomes(await backend.diagnose(link.id))[READ] == PASSED
    assert (await backend.calendar_link(link.id)).state == links_pb.CALENDAR_LINK_STATE_LINKED


async def test_an_add_calendar_that_cannot_be_written(backend: Backend, link: links_pb.CalendarLink) -> None:
    """A role that is too low, and a calendar that is gone; busy time is counted all the same."""
    await backend.select(link.id, [ANN], TEAM)
    backend.sandbox.google.share(ANN, TEAM, "reader")
    steps = await backend.diagnose(link.id)
    assert list(outcomes(steps).values()) == [PASSED] * 5 + [FAILED, PASSED]
    assert (reason(steps[5]), steps[5].cause.calendar_id) == ("CALENDAR_READ_ONLY", TEAM)
    assert (await backend.calendar_link(link.id)).state == links_pb.CALENDAR_LINK_STATE_DEGRADED
    backend.sandbox.google.unshare(ANN, TEAM)
    steps = await backend.diagnose(link.id)
    assert reason(steps[5]) == "ADD_CALENDAR_NOT_VISIBLE"
    assert (await backend.calendar_link(link.id)).cause == steps[5].cause


async def test_both_selections_failing_are_both_told(backend: Backend, link: links_pb.CalendarLink) -> None:
    """The sixth stage runs after the fifth has failed."""
    await backend.select(link.id, [TEAM], TEAM)
    backend.sandbox.google.unshare(ANN, TEAM)
    steps = await backend.diagnose(link.id)
    assert list(outcomes(steps).values())[4:] == [FAILED, FAILED, SKIPPED]
    assert (reason(steps[4]), reason(steps[5])) == ("CALENDAR_NOT_VISIBLE", "ADD_CALENDAR_NOT_VISIBLE")
    assert steps[6].detail == "None of the calendars to check can be read."


@pytest.mark.parametrize(
    ("check", "add", "ended"),
    [
        ([], "", [FAILED, SKIPPED, SKIPPED]),
        ([ANN], "", [PASSED, SKIPPED, PASSED]),
        ([], ANN, [SKIPPED, PASSED, SKIPPED]),
    ],
)
async def test_what_is_not_selected(
    backend: Backend, link: links_pb.CalendarLink, check: list[str], add: str, ended: list[str]
) -> None:
    """Nothing selected at all is a fault; one of the two left out is none."""
    selected = await backend.select(link.id, check, add)
    steps = await backend.diagnose(link.id)
    assert list(outcomes(steps).values()) == [PASSED] * 4 + ended
    if not (check or add):
        assert (reason(steps[4]), steps[4].next_action) == ("SELECTION_MISSING", links_pb.NEXT_ACTION_SELECT_CALENDARS)
    assert (await backend.calendar_link(link.id)).revision == selected.revision


async def test_events_marked_free_are_advice(backend: Backend, link: links_pb.CalendarLink) -> None:
    """Counted are the coming 14 days, repeated events each time; what blocks, what is over and what is later is not."""
    await backend.select(link.id, [ANN, TEAM, HOLIDAYS], ANN)
    backend.sandbox.google.set_busy(
        ANN, [busy(backend), busy(backend, transparent=False), busy(backend, days=-1), busy(backend, days=14.5)]
    )
    backend.sandbox.google.set_busy(TEAM, [busy(backend, days=-30, recurrence="RRULE:FREQ=WEEKLY")])
    steps = await backend.diagnose(link.id)
    assert list(outcomes(steps).values()) == [PASSED] * 6 + [ADVICE]
    counts = {each.calendar_id: each.free_event_count for each in steps[6].calendars}
    assert counts == {ANN: 1, TEAM: 2, HOLIDAYS: 0}
    assert steps[6].detail.startswith("3 of the coming 14 days' events are marked Free and block nothing: 1 in ann@")
    assert "Busy" in steps[6].remedy
    assert not steps[6].HasField("cause")
    assert (await backend.calendar_link(link.id)).state == links_pb.CALENDAR_LINK_STATE_LINKED


async def test_more_events_than_one_page_holds(backend: Backend, link: links_pb.CalendarLink) -> None:
    """Pages are read one after another, and a page that never ends is given up with what was counted."""
    slots = [busy(backend, days=1 + number / 300, transparent=number % 2 == 0) for number in range(2_600)]
    backend.sandbox.google.set_busy(ANN, slots)
    steps = await backend.diagnose(link.id)
    [counted] = steps[6].calendars
    assert (counted.free_event_count, counted.more_free_events) == (1_300, False)
    assert requests(backend, "events.list") == 2
    endless = {"kind": "calendar#events", "items": [{"transparency": "transparent"}], "nextPageToken": "again"}
    backend.sandbox.fault({"status": 200, "body": endless}, surface="google", endpoint="events.list")
    backend.sandbox.google_requests.clear()
    steps = await backend.diagnose(link.id)
    [counted] = steps[6].calendars
    assert (counted.free_event_count, counted.more_free_events) == (4, True)
    assert steps[6].detail.startswith("At least 4 ")
    assert requests(backend, "events.list") == 4


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ("api/forbidden", "ACCESS_FORBIDDEN"),
        ("api/notFound", "CALENDAR_NOT_VISIBLE"),
        ("api/503_html", "PROVIDER_UNAVAILABLE"),
        ("api/200_list", "PROVIDER_UNAVAILABLE"),
        ("api/insufficientPermissions", "SCOPE_MISSING"),
        ("network/drop", "NETWORK_ERROR"),
    ],
)
async def test_events_that_cannot_be_listed_are_no_failure(
    backend: Backend, link: links_pb.CalendarLink, fault: str, named: str
) -> None:
    """The last stage is skipped with the reason; no state changes by it."""
    backend.sandbox.fault(fault, surface="google", endpoint="events.list")
    steps = await backend.diagnose(link.id)
    assert list(outcomes(steps).values()) == [PASSED] * 6 + [SKIPPED]
    assert (reason(steps[6]), steps[6].remedy, steps[6].support_url) == (named, "", "")
    assert ANN in steps[6].detail
    assert await backend.calendar_link(link.id) == link


async def test_events_of_one_calendar_that_cannot_be_listed(backend: Backend, link: links_pb.CalendarLink) -> None:
    """The others are counted, and the detail tells which was not looked at."""
    await backend.select(link.id, [ANN, HOLIDAYS, TEAM], "")
    backend.sandbox.google.share(ANN, HOLIDAYS, "freeBusyReader")
    backend.sandbox.fault("api/503_html", endpoint="events.list", calendar_id=ANN)
    backend.sandbox.google.set_busy(TEAM, [busy(backend)])
    backend.sandbox.google.set_busy(HOLIDAYS, [busy(backend)])
    steps = await backend.diagnose(link.id)
    assert outcomes(steps)[VISIBLE] == ADVICE
    of_ann, of_holidays, of_team = steps[6].calendars
    assert of_ann.cause.reason == cause_pb2.CAUSE_REASON_PROVIDER_UNAVAILABLE
    assert (of_holidays.free_event_count, "freeBusyReader" in of_holidays.note) == (0, True)
    assert of_team.free_event_count == 1
    assert f"Not looked at: {ANN} (" in steps[6].detail


async def test_a_slow_google_is_given_so_long_and_no_longer(backend: Backend, link: links_pb.CalendarLink) -> None:
    """Each step is sent as it ends. A stage that hangs fails after 20 s, and those after it are tried."""
    backend.sandbox.google_requests.clear()
    backend.sandbox.fault("network/hang", surface="google", endpoint="freebusy", times=1)
    stream = backend.links.DiagnoseCalendarLink(links_pb.DiagnoseCalendarLinkRequest(id=link.id))
    steps = [(await backend.soon(stream.read())).step for _ in range(4)]
    await asked(backend, "freebusy")
    backend.clock.advance(timedelta(seconds=20))
    steps += [(await backend.soon(stream.read())).step for _ in range(3)]
    assert await backend.soon(stream.read()) == grpc.aio.EOF
    assert list(outcomes(steps).values()) == [PASSED] * 4 + [FAILED, PASSED, PASSED]
    assert (reason(steps[4]), steps[4].detail) == ("NETWORK_ERROR", "Google has not answered within 20 s.")


async def test_a_slow_count_is_given_so_long_and_no_longer(backend: Backend, link: links_pb.CalendarLink) -> None:
    """What was counted by then is told; what was not reached is named."""
    await backend.select(link.id, [ANN, TEAM], "")
    backend.sandbox.google.set_busy(ANN, [busy(backend)])
    backend.sandbox.fault("network/hang", surface="google", endpoint="events.list", calendar_id=TEAM)
    running = asyncio.create_task(backend.diagnose(link.id))
    await asked(backend, "events.list", times=2)
    backend.clock.advance(timedelta(seconds=20))
    last = (await backend.soon(running))[-1]
    assert [(each.free_event_count, each.note) for each in last.calendars] == [
        (1, ""),
        (0, "no answer from Google within 20 s"),
    ]


async def test_a_cancelled_stream_stops_the_work(backend: Backend, link: links_pb.CalendarLink) -> None:
    """Nothing more is asked once the caller has gone, and the link can be checked and diagnosed as before."""
    backend.sandbox.google_requests.clear()
    backend.sandbox.fault("network/hang", surface="google", endpoint="freebusy", times=1)
    stream = backend.links.DiagnoseCalendarLink(links_pb.DiagnoseCalendarLinkRequest(id=link.id))
    await stream.read()
    await asked(backend, "freebusy")
    stream.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stream.read()
    assert (await backend.soon(backend.check(link.id))).state == links_pb.CALENDAR_LINK_STATE_LINKED
    backend.clock.advance(timedelta(seconds=20))
    assert (await backend.soon(backend.check(link.id))).state == links_pb.CALENDAR_LINK_STATE_LINKED
    assert requests(backend, "events.list") == 0
    assert set(outcomes(await backend.diagnose(link.id)).values()) == {PASSED}


async def test_a_diagnosis_under_way_meets_a_stop(backend: Backend, link: links_pb.CalendarLink) -> None:
    """It is let end, and a new one is told to go elsewhere."""
    backend.sandbox.google_requests.clear()
    backend.sandbox.fault("network/hang", surface="google", endpoint="freebusy", times=1)
    links, request = backend.links, links_pb.DiagnoseCalendarLinkRequest(id=link.id)
    under_way = asyncio.create_task(backend.diagnose(link.id))
    await asked(backend, "freebusy")
    stopping = asyncio.create_task(backend.restart())
    code, refusal = "", None
    while code != "UNAVAILABLE":
        stream = links.DiagnoseCalendarLink(request)
        try:
            await stream.read()
        except grpc.aio.AioRpcError as error:
            code, refusal = error.code().name, Refusal.of(error)
        stream.cancel()
    backend.sandbox.faults.clear()
    assert list(outcomes(await under_way).values()) == [PASSED] * 4 + [FAILED, PASSED, PASSED]
    assert refusal is not None
    assert refusal.reason == "SERVER_DRAINING"
    await stopping


async def test_diagnoses_and_checks_at_once_share_their_refreshes(
    backend: Backend, link: links_pb.CalendarLink
) -> None:
    """However many diagnose and check a link at once, none is told of another's token that it is refused."""
    calls = [backend.diagnose(link.id) for _ in range(10)], [backend.check(link.id) for _ in range(10)]
    ended = await asyncio.gather(asyncio.gather(*calls[0]), asyncio.gather(*calls[1]))
    assert all(set(outcomes(steps).values()) == {PASSED} for steps in ended[0])
    assert {checked.state for checked in ended[1]} == {links_pb.CALENDAR_LINK_STATE_LINKED}
    assert requests(backend, "token.refresh_token") <= 11


async def test_what_only_the_operator_mends_alerts_the_operator(backend: Backend, link: links_pb.CalendarLink) -> None:
    """The stage fails and says so; the link stays as it is."""
    backend.sandbox.fault("api/accessNotConfigured", endpoint="calendarlist.list")
    steps = await backend.diagnose(link.id)
    assert (reason(steps[3]), steps[3].cause.operator_side) == ("APP_MISCONFIGURED", True)
    assert (await backend.calendar_link(link.id)).revision == link.revision
    [alert, *_] = await backend.settled()
    assert "OPERATOR_ALERT" in notices_pb.NotificationKind.Name(alert.kind)


async def test_every_failure_names_the_support_address(tmp_path: Path) -> None:
    """The address of the settings goes with each stage that fails, and with no other."""
    async with running_backend(tmp_path, support_url=SUPPORT) as backend:
        await backend.add_account("ann")
        link = await backend.link("ann")
        await backend.select(link.id, [TEAM], TEAM)
        backend.sandbox.google.unshare(ANN, TEAM)
        steps = await backend.diagnose(link.id)
        assert {stage(step) for step in steps if step.support_url == SUPPORT} == {READ, WRITABLE}
        assert {step.support_url for step in steps} == {SUPPORT, ""}


async def test_a_link_that_is_not_there(backend: Backend) -> None:
    assert told(await refused(backend.diagnose("nothing"))) == ("NOT_FOUND", "CALENDAR_LINK_NOT_FOUND")


async def asked(backend: Backend, endpoint: str, times: int = 1) -> None:
    """Return when the sandbox was asked that, so many times."""
    while requests(backend, endpoint) < times:
        assert await backend.sandbox.google_requests.wait(after=backend.sandbox.google_requests.last, seconds=10)
