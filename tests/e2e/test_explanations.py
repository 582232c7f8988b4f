"""A page is asked why it stands as it does, and what would happen if: on a whole server, and then it happens."""

import pytest

from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import cause_pb2, explanation_pb2, notification_pb2
from tests.e2e.backend import Backend
from tests.e2e.stubs import ALL, ANY, Heard, refused

EMAIL, SLACK = notification_pb2.NOTIFICATION_CHANNEL_EMAIL, notification_pb2.NOTIFICATION_CHANNEL_SLACK
STOPPED = pages_pb.BOOKING_PAGE_STATE_STOPPED
Explained = pages_pb.ExplainBookingPageResponse


@pytest.fixture
async def team(backend: Backend) -> Backend:
    """Ann and Ben, whose calendars are linked, Olga, who has none, and two pages of theirs."""
    for account_id in ("ann", "ben", "olga"):
        await backend.add_account(account_id)
    for account_id in ("ann", "ben"):
        await backend.link(account_id)
    await backend.add_page("both", ALL, "olga", "ann", "ben")
    await backend.add_page("either", ANY, "olga", "ann", "ben")
    return backend


def members_of(explained: Explained) -> dict[str, tuple[str, bool]]:
    """Answer of each member the reason, and whether it is one failure from stopping the page."""
    reason = explanation_pb2.MemberReason.Name
    return {
        each.account_id: (reason(each.reason).removeprefix("MEMBER_REASON_"), each.one_failure_from_stopping)
        for each in explained.members
    }


def told_of(explained: Explained) -> list[Heard]:
    """Answer who would hear of it by which channel; all have an e-mail address, under which Slack knows them too."""
    kind, channel = notification_pb2.NotificationKind.Name, notification_pb2.NotificationChannel.Name
    return sorted(
        (channel(by).removeprefix("NOTIFICATION_CHANNEL_"), f"{each.account_id}@example.com", kind(notice.kind))
        for notice in explained.notices
        for each in notice.recipients
        for by in each.channels
    )


async def test_a_failure_is_foretold_and_then_happens(team: Backend) -> None:
    """Where both pages would go, and who would hear of it, is where they go, and who hears of it."""
    foretold = {
        page_id: await team.explain(page_id, assume_faulty_account_ids=["ann"]) for page_id in ("both", "either")
    }
    assert members_of(foretold["both"]) == {"ann": ("ASSUMED_FAULTY", False), "ben": ("LINKS_FINE", False)}
    assert members_of(foretold["either"]) == {"ann": ("ASSUMED_FAULTY", False), "ben": ("LINKS_FINE", True)}
    assert foretold["both"].verdict.reason == explanation_pb2.VERDICT_REASON_ANY_FAULTY_STOPS
    assert foretold["either"].notice_reason == explanation_pb2.NOTICE_REASON_NOT_STOPPED
    assert await team.settled() == []

    [link] = await team.all_links("ann")
    await team.break_link(link)

    for page_id, explained in foretold.items():
        page = await team.page(page_id)
        verdict = explained.verdict
        assert (verdict.state, verdict.accepting, verdict.stop_cause) == (page.state, page.accepting, page.stop_cause)
    heard = {(channel, who) for channel, who, _ in await team.heard_since_settled()}
    assert heard == {(channel, who) for channel, who, _ in told_of(foretold["both"])}
    assert told_of(foretold["either"]) == []


async def test_a_page_that_stopped_is_explained(team: Backend) -> None:
    """Which link failed, why, that nobody else is told, and who would be told if that member recovered."""
    [link] = await team.all_links("ann")
    await team.break_link(link)
    await team.settled()

    explained = await team.explain("both")

    assert explained.booking_page == await team.page("both")
    assert (explained.verdict.state, explained.verdict.accepting) == (STOPPED, False)
    ann, ben = explained.members
    assert (ann.condition, ann.reason, ann.assumed) == (
        explanation_pb2.MEMBER_CONDITION_FAULTY,
        explanation_pb2.MEMBER_REASON_LINK_FAILED,
        False,
    )
    assert (ann.calendar_link_id, ann.cause.reason) == (link.id, cause_pb2.CAUSE_REASON_AUTHORIZATION_REVOKED)
    assert (ben.calendar_link_id, ben.HasField("cause")) == ("", False)
    assert (explained.notice_reason, told_of(explained)) == (explanation_pb2.NOTICE_REASON_UNCHANGED, [])
    recovered = await team.explain("both", assume_healthy_account_ids=["ann"])
    assert recovered.verdict.accepting
    assert recovered.notice_reason == explanation_pb2.NOTICE_REASON_ACCEPTING_AGAIN
    kind = "NOTIFICATION_KIND_PAGE_RESTARTED"
    assert told_of(recovered) == sorted(
        (channel, f"{who}@example.com", kind) for channel in ("EMAIL", "SLACK") for who in ("ann", "olga")
    )
    assert members_of(recovered)["ann"] == ("ASSUMED_HEALTHY", True)


async def test_a_page_that_the_owner_stopped_is_explained(team: Backend) -> None:
    """Nobody is told anything, and why; whose failure would outlast the owner's stop still shows."""
    await team.stop_page("both")
    explained = await team.explain("both", assume_faulty_account_ids=["ben"])
    assert (explained.verdict.state, explained.verdict.stop_cause) == (STOPPED, pages_pb.STOP_CAUSE_BOTH)
    assert (explained.notice_reason, told_of(explained)) == (explanation_pb2.NOTICE_REASON_STOPPED_BY_HAND, [])
    assert members_of(await team.explain("both")) == {"ann": ("LINKS_FINE", True), "ben": ("LINKS_FINE", True)}


async def test_who_has_no_address_is_named_without_a_channel(team: Backend) -> None:
    """Also an account that has neither a link nor an address can be assumed faulty; nothing would reach it."""
    await team.add_account("dan", email="")
    await team.set_members("both", "ann", "dan")
    explained = await team.explain("both", assume_faulty_account_ids=["dan"])
    [notice] = explained.notices
    assert [(each.account_id, list(each.channels)) for each in notice.recipients] == [
        ("olga", [EMAIL, SLACK]),
        ("dan", []),
    ]
    assert list(notice.faulty_account_ids) == ["dan"]
    assert members_of(await team.explain("both"))["dan"] == ("NO_LINK", True)


async def test_a_server_that_serves_one_channel_foretells_one(team: Backend) -> None:
    """What is not set up is not promised."""
    await team.restart(slack_bot_token="")
    explained = await team.explain("both", assume_faulty_account_ids=["ann"])
    assert [channel for channel, _, _ in told_of(explained)] == ["EMAIL", "EMAIL"]


async def test_assumptions_about_those_who_are_not_members(team: Backend) -> None:
    """Each is named by its field; the page's owner is a member only where it is one."""
    refusal = await refused(
        team.explain("both", assume_faulty_account_ids=["ann", "olga"], assume_healthy_account_ids=["nobody"])
    )
    assert (refusal.code.name, refusal.reason) == ("INVALID_ARGUMENT", "NOT_A_MEMBER")
    assert [(bad.field, bad.description) for bad in refusal.fields] == [
        ("assume_faulty_account_ids[1]", "expected a member of booking page both"),
        ("assume_healthy_account_ids[0]", "expected a member of booking page both"),
    ]
    crowd = [f"stranger-{number}" for number in range(500)]
    crowded = await refused(team.explain("both", assume_faulty_account_ids=crowd))
    assert (crowded.reason, crowded.fields[0].field) == ("NOT_A_MEMBER", "assume_faulty_account_ids[0]")


async def test_a_page_of_500_faulty_members_is_explained(backend: Backend) -> None:
    """The largest page there can be is explained soon, in a message that a client takes by default."""
    crowd = [f"member-{number:03}" for number in range(500)]
    for account_id in crowd:
        await backend.add_account(account_id)
    await backend.add_page("crowd", ALL, crowd[0], *crowd)
    well = await backend.soon(backend.explain("crowd"))
    assert sum(member.one_failure_from_stopping for member in well.members) == 500
    faulty = await backend.soon(backend.explain("crowd", assume_faulty_account_ids=crowd))
    [notice] = faulty.notices
    assert [each.account_id for each in notice.recipients] == crowd
    assert list(notice.faulty_account_ids) == crowd
