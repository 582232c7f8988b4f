"""Silences over the contract: what is held back, what is not, and what is told when they are over."""

import asyncio
from datetime import timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from calguard.v1 import account_pb2 as accounts_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import notification_pb2 as notices_pb
from calguard.v1 import silence_pb2 as silences_pb
from calguard_server.store.rows.values import to_micros
from tests.e2e.backend import Backend
from tests.e2e.methods import METHODS
from tests.e2e.stubs import ALL, Heard, refused, told
from tests.patience import PATIENCE_SECONDS

ANN = "ann@example.com"
STOP, AGAIN, STILL = (
    "Booking page stopped: Page page",
    "Accepting bookings again: Page page",
    "Still stopped: Page page",
)
ANOTHER, FAILED = "Another calendar fails: Page page", "Your calendar cannot be read"
REQUEST_ID = "6f0d3a9e-5a1b-4c3d-8e2f-0123456789ab"


@pytest.fixture
async def ann(backend: Backend) -> links_pb.CalendarLink:
    """Ann's page, which needs her calendar and Ben's."""
    for name in ("ann", "ben"):
        await backend.add_account(name)
    await backend.add_page("page", ALL, "ann", "ann", "ben")
    return await backend.link("ann")


def silence(backend: Backend, **fields: object) -> silences_pb.Silence:
    lasts = fields.pop("lasts", timedelta(hours=1))
    made = silences_pb.Silence(**({"reason": "moving house"} | fields))  # type: ignore[arg-type]
    made.end_time.FromDatetime(backend.clock.now() + lasts)  # type: ignore[operator]
    return made


async def create(backend: Backend, **fields: object) -> silences_pb.Silence:
    request = silences_pb.CreateSilenceRequest(silence=silence(backend, **fields))
    answer = await METHODS["CreateSilence"].call(backend.channel, request)
    return answer.silence  # type: ignore[no-any-return] - called by its name


async def end(backend: Backend, silence_id: str) -> None:
    await METHODS["DeleteSilence"].call(backend.channel, silences_pb.DeleteSilenceRequest(id=silence_id))


async def listed(backend: Backend) -> list[str]:
    answer = await METHODS["ListSilences"].call(backend.channel, silences_pb.ListSilencesRequest())
    return [each.id for each in answer.silences]


async def heard_by_and_by(backend: Backend) -> list[Heard]:
    """What is heard once every incident that is due was followed up, and nothing is on its way."""
    heard: list[Heard] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            heard += await backend.heard_since_settled()
            while _due(backend):
                await backend.pass_time(seconds=1)
            more = await backend.heard_since_settled()
            heard += more
            if not more and not _due(backend):
                return sorted(heard)


def _due(backend: Backend) -> list[object]:
    now = to_micros(backend.clock.now())
    due = f"reminder_time <= {now} OR silenced_time <= {now}"
    return list(backend.rows(f"SELECT id FROM incidents WHERE close_time IS NULL AND ({due})"))


def to_ann(subject: str) -> list[Heard]:
    return [("EMAIL", ANN, subject), ("SLACK", ANN, subject)]


@pytest.mark.parametrize("part", ["booking_page_id", "account_id", "calendar_link_id"])
async def test_what_is_silenced_is_told_when_the_silence_is_over(
    backend: Backend, ann: links_pb.CalendarLink, part: str
) -> None:
    """The ledger says SILENCED meanwhile; the page is stopped still when the hour is over."""
    ids = {"booking_page_id": "page", "account_id": "ann", "calendar_link_id": ann.id}
    made = await create(backend, **{part: ids[part]})
    assert await listed(backend) == [made.id]
    await backend.break_link(ann)
    notices = await backend.settled()
    assert {(each.state, each.last_error) for each in notices} == {
        (notices_pb.NOTIFICATION_STATE_SUPPRESSED, "SILENCED")
    }
    assert await heard_by_and_by(backend) == []
    await backend.pass_time(hours=1)
    assert await heard_by_and_by(backend) == to_ann(STOP)
    assert await listed(backend) == []


async def test_what_is_over_by_then_is_not_told(backend: Backend, ann: links_pb.CalendarLink) -> None:
    """Nor is its end: nobody was told of it."""
    await create(backend, booking_page_id="page")
    await backend.break_link(ann)
    await backend.settled()
    await backend.relink(ann)
    await backend.pass_time(hours=2)
    assert await heard_by_and_by(backend) == []


async def test_who_was_told_before_a_silence_is_told_the_end(backend: Backend, ann: links_pb.CalendarLink) -> None:
    """Also while it lasts."""
    await backend.break_link(ann)
    assert await backend.heard_since_settled() == to_ann(STOP)
    await create(backend, booking_page_id="page")
    await backend.relink(ann)
    assert await heard_by_and_by(backend) == to_ann(AGAIN)


async def test_a_silence_that_is_ended_is_over(backend: Backend, ann: links_pb.CalendarLink) -> None:
    made = await create(backend, booking_page_id="page")
    await backend.break_link(ann)
    await backend.settled()
    await end(backend, made.id)
    assert await heard_by_and_by(backend) == to_ann(STOP)
    assert told(await refused(end(backend, made.id))) == ("NOT_FOUND", "SILENCE_NOT_FOUND")


async def test_whoever_knows_of_the_stop_is_told_who_failed_meanwhile(
    backend: Backend, ann: links_pb.CalendarLink
) -> None:
    """Ben's calendar fails as well, while the page is silenced; that is told when it is over, to the owner and Ben."""
    ben = await backend.link("ben")
    await backend.break_link(ann)
    await backend.heard_since_settled()
    await create(backend, booking_page_id="page")
    await backend.break_link(ben)
    await backend.settled()
    await backend.pass_time(hours=1)
    heard = await heard_by_and_by(backend)
    assert [each for each in heard if each[1] == ANN] == to_ann(ANOTHER)
    assert [subject for _, address, subject in heard if address != ANN] == [STOP, STOP]


async def test_a_silence_of_a_link_holds_back_its_failure(backend: Backend, ann: links_pb.CalendarLink) -> None:
    """That stops no page; other links are told of."""
    account = accounts_pb.Account(id="ann", link_alerts=accounts_pb.LINK_ALERTS_ALWAYS)
    request = accounts_pb.UpdateAccountRequest(account=account)
    request.update_mask.paths.append("link_alerts")
    await backend.accounts.UpdateAccount(request)
    await backend.stop_page("page")
    await create(backend, calendar_link_id=ann.id)
    await backend.break_link(ann)
    assert await heard_by_and_by(backend) == []
    await backend.pass_time(hours=1)
    assert await heard_by_and_by(backend) == to_ann(FAILED)


async def test_a_reminder_that_was_held_back_is_over(backend: Backend, ann: links_pb.CalendarLink) -> None:
    """The next one comes at its time."""
    await backend.break_link(ann)
    assert await backend.heard_since_settled() == to_ann(STOP)
    await create(backend, booking_page_id="page", lasts=timedelta(days=2))
    await backend.pass_time(days=1, minutes=1)
    assert await heard_by_and_by(backend) == []
    await backend.pass_time(days=1)
    assert await heard_by_and_by(backend) == []
    await backend.pass_time(days=1)
    assert await heard_by_and_by(backend) == to_ann(STILL)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "silence"),
        ({"booking_page_id": "no/slash"}, "silence.booking_page_id"),
        ({"account_id": "ann", "reason": ""}, "silence.reason"),
        ({"account_id": "ann", "reason": "two\nlines"}, "silence.reason"),
        ({"account_id": "ann", "lasts": timedelta()}, "silence.end_time"),
        ({"account_id": "ann", "lasts": timedelta(days=30, seconds=1)}, "silence.end_time"),
    ],
)
async def test_a_bad_silence_is_refused(
    backend: Backend, ann: links_pb.CalendarLink, fields: dict[str, object], named: str
) -> None:
    refusal = await refused(create(backend, **fields))
    assert told(refusal) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    assert [each.field for each in refusal.fields] == [named]
    assert ann.id


async def test_a_silence_without_an_end_is_refused(backend: Backend) -> None:
    """And one whose end is no time."""
    for end_time in (None, Timestamp(seconds=2**60), Timestamp(seconds=1, nanos=-1)):
        made = silences_pb.Silence(account_id="ann", reason="moving", end_time=end_time)
        request = silences_pb.CreateSilenceRequest(silence=made)
        refusal = await refused(METHODS["CreateSilence"].call(backend.channel, request))
        assert [each.field for each in refusal.fields] == ["silence.end_time"]


async def test_what_does_not_exist_cannot_be_silenced(backend: Backend, ann: links_pb.CalendarLink) -> None:
    """A slip of the pen is found."""
    reasons = {
        "booking_page_id": "BOOKING_PAGE_NOT_FOUND",
        "account_id": "ACCOUNT_NOT_FOUND",
        "calendar_link_id": "CALENDAR_LINK_NOT_FOUND",
    }
    for part, reason in reasons.items():
        assert told(await refused(create(backend, **{part: "x"}))) == ("NOT_FOUND", reason)
    assert ann.id


async def test_ids_and_repeated_calls(backend: Backend, ann: links_pb.CalendarLink) -> None:
    """An id that is taken is refused; a call with a request_id is made once, both ways."""
    fields = {"id": "quiet", "account_id": "ann"}
    request = silences_pb.CreateSilenceRequest(silence=silence(backend, **fields), request_id=REQUEST_ID)
    first = await METHODS["CreateSilence"].call(backend.channel, request)
    assert await METHODS["CreateSilence"].call(backend.channel, request) == first
    assert told(await refused(create(backend, **fields))) == ("ALREADY_EXISTS", "SILENCE_EXISTS")
    ending = silences_pb.DeleteSilenceRequest(id="quiet", request_id=REQUEST_ID.replace("6", "7"))
    for _ in range(2):
        await METHODS["DeleteSilence"].call(backend.channel, ending)
    assert await listed(backend) == []
    assert ann.id


async def test_silences_are_listed_page_by_page(backend: Backend, ann: links_pb.CalendarLink) -> None:
    for number in range(5):
        await create(backend, id=f"s{number}", account_id="ann")
    request, found = silences_pb.ListSilencesRequest(page_size=2), []
    while True:
        answer = await METHODS["ListSilences"].call(backend.channel, request)
        found.append([each.id for each in answer.silences])
        if not answer.next_page_token:
            break
        request.page_token = answer.next_page_token
    assert found == [["s0", "s1"], ["s2", "s3"], ["s4"]]
    assert ann.id
