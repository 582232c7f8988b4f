"""Reports of other services: a reason to check a link at once, however many come, and never evidence."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import cause_pb2
from tests.e2e.backend import Backend
from tests.e2e.stubs import ALL, refused, told
from tests.patience import PATIENCE_SECONDS

ANN = "ann@example.com"
LINKED, DEGRADED, FAILED = (
    links_pb.CALENDAR_LINK_STATE_LINKED,
    links_pb.CALENDAR_LINK_STATE_DEGRADED,
    links_pb.CALENDAR_LINK_STATE_FAILED,
)
REVOKED, UNAVAILABLE, NO_REASON = (
    cause_pb2.CAUSE_REASON_AUTHORIZATION_REVOKED,
    cause_pb2.CAUSE_REASON_PROVIDER_UNAVAILABLE,
    cause_pb2.CAUSE_REASON_UNSPECIFIED,
)
SPACING = timedelta(seconds=2)
SECRET = "ya29.a-token-that-somebody-sent"


@pytest.fixture
async def link(backend: Backend) -> links_pb.CalendarLink:
    await backend.add_account("ann")
    made = await backend.link("ann")
    await backend.add_page("page", ALL, "ann", "ann")
    backend.sandbox.google_requests.clear()
    return made


def checks(backend: Backend) -> int:
    """How many checks the sandbox has seen: each asks for busy times once."""
    return Counter(note.endpoint for note in backend.sandbox.google_requests.records)["freebusy"]


async def test_a_true_report_has_the_link_fail_before_it_is_answered(
    backend: Backend, link: links_pb.CalendarLink
) -> None:
    """The check that follows finds the grant void; the page is stopped when the report is answered."""
    backend.sandbox.google.revoke(ANN)
    answer = await backend.report(link.id, http_status=400, body='{"error": "invalid_grant"}')
    assert (answer.read_as, answer.calendar_link.state) == (REVOKED, FAILED)
    assert answer.calendar_link == await backend.calendar_link(link.id)
    assert not (await backend.page("page")).accepting


async def test_a_lying_report_changes_nothing(backend: Backend, link: links_pb.CalendarLink) -> None:
    """Whatever a report says, a link in order stays as it is, and no watcher hears of it."""
    before = backend.rows("SELECT * FROM events")
    for number, fields in enumerate(
        (
            {"http_status": 401},
            {"reason": REVOKED},
            {"http_status": 200},
            {"body": '{"error": {"code": 403, "errors": [{"reason": "forbidden"}]}}'},
        )
    ):
        answer = await backend.ticking(backend.report(link.id, **fields))
        assert answer.calendar_link.state == LINKED
        assert answer.calendar_link.revision == link.revision
        assert checks(backend) == number + 1
    assert backend.rows("SELECT * FROM events") == before
    assert (await backend.page("page")).accepting


async def test_what_is_met_counts_and_not_what_is_reported(backend: Backend, link: links_pb.CalendarLink) -> None:
    """The report says one thing, the check finds another: the link's cause is the check's."""
    backend.sandbox.fault("api/503_html")
    answer = await backend.report(link.id, reason=REVOKED)
    assert (answer.read_as, answer.calendar_link.cause.reason) == (REVOKED, UNAVAILABLE)
    assert answer.calendar_link.state == DEGRADED


@pytest.mark.parametrize(
    ("fields", "read_as"),
    [
        ({"http_status": 401}, "AUTHORIZATION_REVOKED"),
        ({"http_status": 503, "body": "<html>no</html>"}, "PROVIDER_UNAVAILABLE"),
        ({"http_status": 429}, "RATE_LIMITED"),
        ({"http_status": 204}, ""),
        ({"body": '{"error": "invalid_grant", "error_subtype": "invalid_rapt"}'}, "SESSION_POLICY"),
        ({"http_status": 403, "reason": cause_pb2.CAUSE_REASON_ADMIN_BLOCKED}, "ADMIN_BLOCKED"),
    ],
)
async def test_what_a_report_is_read_as(
    backend: Backend, link: links_pb.CalendarLink, fields: dict[str, object], read_as: str
) -> None:
    """A reason given is taken as it is; a status and a body are judged as Google's answers are."""
    answer = await backend.report(link.id, **fields)
    assert answer.read_as == (cause_pb2.CauseReason.Value(f"CAUSE_REASON_{read_as}") if read_as else NO_REASON)


async def test_a_burst_of_reports_is_two_checks(backend: Backend, link: links_pb.CalendarLink) -> None:
    """The first is answered by a check at once; those that come while it is made share the next one, 2 s later."""
    backend.sandbox.google.revoke(ANN)
    reports = [asyncio.create_task(backend.report(link.id, http_status=401)) for _ in range(50)]
    answers = await backend.ticking(asyncio.gather(*reports))
    assert {answer.calendar_link.state for answer in answers} == {FAILED}
    refreshes = Counter(note.endpoint for note in backend.sandbox.google_requests.records)["token.refresh_token"]
    assert refreshes <= 3  # two of the first check, which confirms, and one of the second
    assert len(backend.rows("SELECT * FROM events WHERE kind = 'CALENDAR_LINK'")) == 2  # linked, failed


async def test_reports_one_after_another_are_spaced(backend: Backend, link: links_pb.CalendarLink) -> None:
    """Within 2 s of a check that a report asked for none begins; later ones wait for it, and share it."""
    await backend.report(link.id, http_status=401)
    waiting = [asyncio.create_task(backend.report(link.id, http_status=401)) for _ in range(5)]
    await taken(backend, 6)
    backend.clock.advance(SPACING - timedelta(milliseconds=1))
    await backend.check(link.id)  # another's check is no answer to them, and does not wait
    assert (checks(backend), any(task.done() for task in waiting)) == (2, False)
    backend.clock.advance(timedelta(milliseconds=1))
    await backend.soon(asyncio.gather(*waiting))
    assert checks(backend) == 3
    backend.clock.advance(SPACING)
    await backend.soon(backend.report(link.id, http_status=401))
    assert checks(backend) == 4


async def test_links_do_not_wait_for_one_another(backend: Backend, link: links_pb.CalendarLink) -> None:
    """The spacing is each link's own."""
    await backend.add_account("ben")
    other = await backend.link("ben")
    await backend.report(link.id, http_status=401)
    await backend.soon(backend.report(other.id, http_status=401))


async def test_no_answer_rests_on_what_was_seen_before(backend: Backend, link: links_pb.CalendarLink) -> None:
    """A report that comes while a check is at work is answered by the next one, which sees what has happened since."""
    backend.sandbox.fault("network/hang_after", surface="google", endpoint="freebusy", times=1)
    first = asyncio.create_task(backend.report(link.id, http_status=401))
    while not checks(backend):
        assert await backend.sandbox.google_requests.wait(after=backend.sandbox.google_requests.last, seconds=10)
    backend.sandbox.google.revoke(ANN)
    second = asyncio.create_task(backend.report(link.id, http_status=401))
    await taken(backend, 2)
    backend.sandbox.faults.clear()
    answers = await backend.ticking(asyncio.gather(first, second))
    assert answers[1].calendar_link.state == FAILED


async def test_who_gives_up_waiting_leaves_no_check_behind(backend: Backend, link: links_pb.CalendarLink) -> None:
    """A check that everybody has given up is not made; the next report is served as ever."""
    await backend.report(link.id, http_status=401)
    waiting = asyncio.create_task(backend.report(link.id, http_status=401))
    await taken(backend, 2)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await backend.check(link.id)  # the cancelling has arrived before this is answered
    backend.clock.advance(SPACING)
    await backend.soon(backend.report(link.id, http_status=401))
    assert checks(backend) == 3


async def test_a_disconnected_link_and_one_that_is_not_there(backend: Backend, link: links_pb.CalendarLink) -> None:
    """There is nothing to check: the report is refused."""
    await backend.disconnect(link.id)
    stopped = await refused(backend.report(link.id, http_status=401))
    assert told(stopped) == ("FAILED_PRECONDITION", "CALENDAR_LINK_STOPPED")
    unknown = await refused(backend.report("nothing", http_status=401))
    assert told(unknown) == ("NOT_FOUND", "CALENDAR_LINK_NOT_FOUND")


async def test_a_body_is_neither_logged_nor_answered(backend: Backend, link: links_pb.CalendarLink) -> None:
    """Tokens may be in it: it is read and forgotten, also where it is refused."""
    with capture_logs() as logs:
        answer = await backend.report(link.id, http_status=401, body=f'{{"access_token": "{SECRET}"}}')
        refusal = await refused(backend.report(link.id, http_status=99, body=SECRET * 3_000))
    assert [bad.field for bad in refusal.fields] == ["http_status", "body"]
    assert SECRET not in f"{logs} {answer} {refusal}"
    [line] = [line for line in logs if line["event"] == "failure reported"]
    assert (line["read_as"], line["http_status"], line["state"]) == ("AUTHORIZATION_REVOKED", 401, "LINKED")
    assert SECRET.encode() not in backend.database.read_bytes()


async def test_reports_are_counted_by_what_they_were_read_as(backend: Backend, link: links_pb.CalendarLink) -> None:
    await backend.report(link.id, http_status=204)
    async with backend.browser.get(f"http://127.0.0.1:{backend.app.http_port}/metrics") as answer:
        assert 'calguard_failure_reports_total{reason="NONE"} 1.0' in await answer.text()


async def taken(backend: Backend, count: int) -> None:
    """Return when the server has read so many reports."""
    name, text = "calguard_failure_reports_total{", ""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name)) < count:
            async with backend.browser.get(f"http://127.0.0.1:{backend.app.http_port}/metrics") as answer:
                text = await answer.text()


async def test_a_report_hastens_nothing_that_google_asked_to_wait(
    backend: Backend, link: links_pb.CalendarLink
) -> None:
    """A service that reports each 429 that it meets does not make Calguard ask for more of them."""
    backend.sandbox.fault({"status": 429, "headers": {"Retry-After": "150"}}, surface="google", endpoint="freebusy")
    assert (await backend.check(link.id)).state == DEGRADED
    asked = checks(backend)
    for _ in range(3):
        answer = await backend.report(link.id, http_status=429)
        assert answer.calendar_link.state == DEGRADED
        backend.clock.advance(SPACING)
    assert checks(backend) == asked
    backend.sandbox.faults.clear()
    backend.clock.advance(backend.check_interval_at_most)
    assert (await backend.report(link.id, http_status=429)).calendar_link.state == LINKED
