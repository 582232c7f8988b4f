"""What accounts choose: by which channels they are told, and of which failures of their links."""

import pytest

from calguard.v1 import account_pb2 as accounts_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import notification_pb2 as notices_pb
from tests.e2e.backend import Backend
from tests.e2e.stubs import ALL, ANY, Heard, refused, told

EMAIL, SLACK = notices_pb.NOTIFICATION_CHANNEL_EMAIL, notices_pb.NOTIFICATION_CHANNEL_SLACK
STOP = "Booking page stopped: Page page"
FAILED, MENDED = "Your calendar cannot be read", "Your calendar can be read again"
ANN = "ann@example.com"


@pytest.fixture
async def ann(backend: Backend) -> links_pb.CalendarLink:
    """Ann, who asks to be told of every failure, and her link."""
    await backend.add_account("ann", link_alerts=accounts_pb.LINK_ALERTS_ALWAYS)
    return await backend.link("ann")


async def change(backend: Backend, *paths: str, **fields: object) -> accounts_pb.Account:
    request = accounts_pb.UpdateAccountRequest(account=accounts_pb.Account(id="ann", **fields))  # type: ignore[arg-type]
    request.update_mask.paths.extend(paths or fields)
    answer = await backend.accounts.UpdateAccount(request)
    return answer.account  # type: ignore[no-any-return] - the stub is untyped


def to_ann(subject: str, *channels: str) -> list[Heard]:
    return [(channel, ANN, subject) for channel in channels]


async def test_only_the_channels_chosen_are_used(backend: Backend, ann: links_pb.CalendarLink) -> None:
    """And all of them again, once none is chosen; also for one's own page that has a Slack address."""
    changed = await change(backend, channels=[EMAIL])
    assert list(changed.channels) == [EMAIL]
    channel = backend.sandbox.slack.channel("bookings").id
    await backend.add_page("page", ALL, "ann", "ann", slack={"channel_id": channel})
    await backend.break_link(ann)
    assert await backend.heard_since_settled() == to_ann(STOP, "EMAIL")
    assert list((await change(backend, "channels")).channels) == []


async def test_a_channel_that_is_taken_out_is_not_used_any_more(backend: Backend, ann: links_pb.CalendarLink) -> None:
    """Not even for what was owed by then."""
    backend.sandbox.fault("slack/503_html", endpoint="chat.postMessage")
    await backend.add_page("page", ALL, "ann", "ann")
    await backend.break_link(ann)
    retrying = notices_pb.NOTIFICATION_STATE_RETRYING
    await backend.until(lambda notices: any(each.state == retrying for each in notices))
    await change(backend, channels=[EMAIL])
    [dropped] = [each for each in await backend.settled() if each.channel == SLACK]
    assert (dropped.state, dropped.last_error) == (notices_pb.NOTIFICATION_STATE_SUPPRESSED, "CHANNEL_OFF")


async def test_a_failure_that_stops_nothing_is_told_to_whoever_asks_for_it(
    backend: Backend, ann: links_pb.CalendarLink
) -> None:
    """Once, and then that the calendar can be read again; the others of the page are told nothing."""
    await backend.add_account("ben")
    await backend.add_page("page", ANY, "ben", "ann", "ben")
    await backend.break_link(ann)
    assert await backend.heard_since_settled() == to_ann(FAILED, "EMAIL", "SLACK")
    await backend.check(ann.id)
    await backend.pass_time(hours=8)
    assert await backend.heard_since_settled() == []
    await backend.relink(ann)
    assert await backend.heard_since_settled() == to_ann(MENDED, "EMAIL", "SLACK")


async def test_a_failure_that_a_page_tells_of_is_told_once(backend: Backend, ann: links_pb.CalendarLink) -> None:
    await backend.add_page("page", ALL, "ann", "ann")
    await backend.break_link(ann)
    assert await backend.heard_since_settled() == to_ann(STOP, "EMAIL", "SLACK")


async def test_by_default_a_failure_that_stops_nothing_is_not_told(
    backend: Backend, ann: links_pb.CalendarLink
) -> None:
    """Nor where it was asked for, and is no longer."""
    changed = await change(backend, "link_alerts")
    assert changed.link_alerts == accounts_pb.LINK_ALERTS_PAGE_RULES
    await backend.break_link(ann)
    assert await backend.heard_since_settled() == []


async def test_a_link_that_is_disconnected_is_not_mended(backend: Backend, ann: links_pb.CalendarLink) -> None:
    await backend.break_link(ann)
    assert await backend.heard_since_settled() == to_ann(FAILED, "EMAIL", "SLACK")
    await backend.links.DisconnectCalendarLink(links_pb.DisconnectCalendarLinkRequest(id=ann.id))
    assert await backend.heard_since_settled() == []


async def test_a_stale_etag_is_refused(backend: Backend, ann: links_pb.CalendarLink) -> None:
    """What an account chooses is covered by its etag."""
    before = (await backend.accounts.GetAccount(accounts_pb.GetAccountRequest(id=ann.account_id))).account
    await change(backend, channels=[SLACK])
    refusal = await refused(change(backend, "link_alerts", etag=before.etag))
    assert told(refusal) == ("ABORTED", "ETAG_MISMATCH")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"channels": [EMAIL, EMAIL]}, "account.channels[1]"),
        ({"channels": [0]}, "account.channels[0]"),
        ({"channels": [EMAIL, 77]}, "account.channels[1]"),
        ({"link_alerts": 77}, "account.link_alerts"),
    ],
)
async def test_a_bad_choice_is_named(
    backend: Backend, ann: links_pb.CalendarLink, fields: dict[str, object], named: str
) -> None:
    refusal = await refused(change(backend, **fields))
    assert told(refusal) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    assert f"{named}: expected" in refusal.message
    assert ann.id
