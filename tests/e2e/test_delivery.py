"""Notices on their way: grouped, retried, given up, dropped when no longer true; one channel never holds the other."""

from pathlib import Path

import pytest

from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import notification_pb2 as notices_pb
from calguard.v1.slack_pb2 import SlackAddress
from tests.e2e.backend import OPERATOR, Backend, running_backend
from tests.e2e.stubs import ALL, ANY

EMAIL, SLACK = notices_pb.NOTIFICATION_CHANNEL_EMAIL, notices_pb.NOTIFICATION_CHANNEL_SLACK
SENT, DEAD, SUPPRESSED, PENDING, RETRYING = (
    notices_pb.NOTIFICATION_STATE_SENT,
    notices_pb.NOTIFICATION_STATE_DEAD,
    notices_pb.NOTIFICATION_STATE_SUPPRESSED,
    notices_pb.NOTIFICATION_STATE_PENDING,
    notices_pb.NOTIFICATION_STATE_RETRYING,
)
ALERT = notices_pb.NOTIFICATION_KIND_OPERATOR_ALERT
STOP, AGAIN = "Booking page stopped: Page page", "Accepting bookings again: Page page"
TO_ANN = [("EMAIL", "ann@example.com", STOP), ("SLACK", "ann@example.com", STOP)]


@pytest.fixture
async def link(backend: Backend) -> links_pb.CalendarLink:
    await backend.add_account("ann")
    await backend.add_page("page", ALL, "ann", "ann")
    return await backend.link("ann")


def by_channel(notices: list[notices_pb.Notification]) -> dict[int, notices_pb.Notification]:
    """The notices to people, of which there is one a channel."""
    found = {notice.channel: notice for notice in notices if notice.kind != ALERT}
    assert len(found) == len([notice for notice in notices if notice.kind != ALERT])
    return found


async def test_many_pages_one_message(backend: Backend, link: links_pb.CalendarLink) -> None:
    """One account's failure stops many pages: each person gets ONE e-mail and ONE Slack message that lists them all."""
    await backend.add_account("olga")
    titles = [f"Consultation {number}" for number in range(12)]
    for number, title in enumerate(titles):
        await backend.add_page(f"page-{number}", ALL, "olga", "ann", title=title)
    await backend.break_link(link)
    sent = await backend.settled()
    assert len(backend.sandbox.mail.received.records) == 2
    assert len(backend.sandbox.slack.messages.records) == 2
    for mail in backend.sandbox.mail.received.records:
        assert all(title in mail.text for title in titles)
        assert all(title in mail.html for title in titles)
    for post in backend.sandbox.slack.messages.records:
        assert all(title in str(post.blocks) for title in titles)
    of_olga = [notice for notice in sent if notice.recipient_account_id == "olga"]
    assert len(of_olga) == 2 * len(titles)
    assert all(set(notice.booking_page_ids) == {f"page-{n}" for n in range(12)} for notice in of_olga)


async def test_waits_for_company(tmp_path: Path) -> None:
    """Failures that follow one another within notice_group_wait are told in one message, and not before it is over."""
    async with running_backend(tmp_path, notice_group_wait="5s") as backend:
        for account_id in ("ann", "ben", "olga"):
            await backend.add_account(account_id)
        links = [await backend.link("ann"), await backend.link("ben")]
        await backend.add_page("one", ALL, "olga", "ann")
        await backend.add_page("two", ALL, "olga", "ben")
        for link in links:
            await backend.break_link(link)
        assert {notice.state for notice in await backend.notifications()} == {PENDING}
        assert backend.heard() == []
        await backend.settled()
        [mail] = [each for each in backend.sandbox.mail.received.records if each.recipients == ("olga@example.com",)]
        assert mail.subject == "Booking page stopped: Page one and 1 more"
        assert "Page one" in mail.text
        assert "Page two" in mail.text
        assert len(backend.heard()) == 6


async def test_what_a_message_says(backend: Backend, link: links_pb.CalendarLink) -> None:
    """It names the calendar, the page, where to connect again, every checkbox to tick, and the support address."""
    await backend.break_link(link)
    await backend.settled()
    [mail] = backend.sandbox.mail.received.records
    for said in (
        "Ann",
        "ann@example.com",
        "Page page",
        f"http://localhost:3000/calendar-links/{link.id}/reconnect",
        "tick every checkbox",
        "http://localhost:3000/support",
    ):
        assert said in mail.text
        assert said in mail.html
    assert mail.headers["Auto-Submitted"] == "auto-generated"
    [post] = backend.sandbox.slack.messages.records
    assert f"/calendar-links/{link.id}/reconnect" in str(post.blocks)


async def test_an_end_tells_what_still_fails(backend: Backend) -> None:
    """A page that any member carries starts again with the first who recovers; the other still has to reconnect."""
    links = {}
    for name in ("ann", "ben"):
        await backend.add_account(name)
        links[name] = await backend.link(name)
    await backend.add_page("page", ANY, "ann", "ann", "ben")
    for link in links.values():
        await backend.break_link(link)
    await backend.settled()
    await backend.relink(links["ann"])
    await backend.settled()
    ends = {to: each for each in backend.sandbox.mail.received.records[2:] for to in each.recipients}
    for mail in (ends["ann@example.com"], ends["ben@example.com"]):
        assert mail.subject == "Accepting bookings again: Page page"
        assert "accepts new bookings again" in mail.text
        assert "What is still wrong, and what to do" in mail.text
        assert f"/calendar-links/{links['ben'].id}/reconnect" in mail.text
        assert "can be read again" not in mail.text
        assert "ann@gmail" not in mail.text


@pytest.mark.parametrize("how", ["disconnected", "taken off the page"])
async def test_an_end_claims_no_more_than_it_knows(backend: Backend, link: links_pb.CalendarLink, how: str) -> None:
    """A page also starts again when nobody refers to the calendar any more: that one cannot be read all the same."""
    await backend.break_link(link)
    await backend.settled()
    if how == "disconnected":
        await backend.links.DisconnectCalendarLink(links_pb.DisconnectCalendarLinkRequest(id=link.id))
    else:
        page = (await backend.pages.GetBookingPage(pages_pb.GetBookingPageRequest(id="page"))).booking_page
        del page.members[:]
        await backend.change_page(page, "members")
    await backend.settled()
    _, end = backend.sandbox.mail.received.records
    assert "This booking page accepts new bookings again: what stopped it is over." in end.text
    assert "can be read" not in end.text


async def test_in_the_recipients_language(backend: Backend) -> None:
    """Whoever has the locale ja is told in Japanese."""
    await backend.add_account("ann", locale="ja")
    link = await backend.link("ann")
    await backend.add_page("page", ALL, "ann", "ann")
    await backend.break_link(link)
    await backend.settled()
    [mail] = backend.sandbox.mail.received.records
    assert mail.headers["Content-Language"] == "ja"
    assert mail.subject != STOP


async def test_pages_slack_channel_is_the_owners(backend: Backend, link: links_pb.CalendarLink) -> None:
    """What goes to the owner of a page with a Slack channel goes there; whoever is at fault is told directly."""
    await backend.add_account("olga")
    channel = backend.sandbox.slack.channel("bookings").id
    await backend.add_page("other", ALL, "olga", "ann", slack=SlackAddress(channel_id=channel))
    await backend.pages.DeleteBookingPage(pages_pb.DeleteBookingPageRequest(id="page"))
    await backend.break_link(link)
    subject = "Booking page stopped: Page other"
    assert await backend.heard_since_settled() == [
        ("EMAIL", "ann@example.com", subject),
        ("EMAIL", "olga@example.com", subject),
        ("SLACK", "ann@example.com", subject),
        ("SLACK", "bookings", subject),
    ]


async def test_channels_without_an_address_are_left_out(backend: Backend) -> None:
    """Without an e-mail address somebody is told by Slack alone, and where nothing is known nothing is owed."""
    person = backend.sandbox.slack.user("ann@example.com").id
    await backend.add_account("ann", email="", slack=SlackAddress(user_id=person))
    await backend.add_account("nowhere", email="")
    link = await backend.link("ann", email="ann@example.com")
    await backend.add_page("page", ALL, "nowhere", "ann")
    await backend.break_link(link)
    assert await backend.heard_since_settled() == [("SLACK", "ann@example.com", STOP)]


@pytest.mark.parametrize("fault", ["smtp/421", "smtp/450", "smtp/data_451", "network/drop", "network/garbage"])
async def test_mail_that_fails_is_sent_later(backend: Backend, link: links_pb.CalendarLink, fault: str) -> None:
    """While the mail server fails, Slack is told; the e-mail is tried again until it is delivered, once."""
    backend.sandbox.fault(fault, surface="smtp", times=3)
    await backend.break_link(link)
    await backend.until(lambda notices: by_channel(notices)[SLACK].state == SENT)
    assert backend.heard() == TO_ANN[1:]
    sent = by_channel(await backend.settled())
    assert (sent[EMAIL].state, sent[EMAIL].attempts, sent[SLACK].attempts) == (SENT, 4, 1)
    assert backend.heard() == TO_ANN


async def test_mail_server_that_is_down(backend: Backend, link: links_pb.CalendarLink) -> None:
    """A mail server that refuses connections holds nothing back; what is owed goes out once it is there again."""
    await backend.sandbox.set_listening("smtp", up=False)
    await backend.break_link(link)
    waiting = by_channel(
        await backend.until(
            lambda notices: (by_channel(notices)[SLACK].state, by_channel(notices)[EMAIL].state) == (SENT, RETRYING)
        )
    )
    assert "CONNECTION_LOST" in waiting[EMAIL].last_error
    assert waiting[EMAIL].HasField("next_attempt_time")
    await backend.sandbox.set_listening("smtp", up=True)
    assert by_channel(await backend.settled())[EMAIL].state == SENT
    assert backend.heard() == TO_ANN


async def test_mail_server_that_hangs(backend: Backend, link: links_pb.CalendarLink) -> None:
    """A mail server that does not answer holds up neither Slack nor other people's e-mail."""
    await backend.add_account("olga")
    await backend.add_page("other", ALL, "olga", "ann")
    backend.sandbox.fault("network/hang", surface="smtp", endpoint="rcpt", user="ann@example.com")
    await backend.break_link(link)
    await backend.sandbox.mail.received.wait(count=1, seconds=10)
    await backend.sandbox.slack.messages.wait(count=2, seconds=10)
    assert [each.recipients for each in backend.sandbox.mail.received.records] == [("olga@example.com",)]
    assert len(backend.sandbox.slack.messages.records) == 2
    backend.sandbox.faults.clear()
    assert {notice.state for notice in await backend.settled()} == {SENT}
    assert len(backend.sandbox.mail.received.records) == 2


async def test_slack_that_fails_is_told_later(backend: Backend, link: links_pb.CalendarLink) -> None:
    """While Slack fails, e-mail goes out; Slack is tried again until the message is there, once."""
    backend.sandbox.fault("slack/internal_error", times=2)
    await backend.break_link(link)
    sent = by_channel(await backend.settled())
    assert (sent[SLACK].state, sent[SLACK].attempts, sent[EMAIL].attempts) == (SENT, 3, 1)
    assert backend.heard() == TO_ANN


async def test_slack_that_asks_to_wait(backend: Backend, link: links_pb.CalendarLink) -> None:
    """What Slack asks to wait is waited."""
    rule = {"status": 429, "headers": {"Retry-After": "120"}, "body": {"ok": False, "error": "ratelimited"}}
    backend.sandbox.fault(rule, surface="slack", times=1)
    await backend.break_link(link)
    notices = await backend.until(lambda notices: by_channel(notices)[SLACK].state == RETRYING)
    waiting = by_channel(notices)[SLACK]
    assert waiting.next_attempt_time.seconds >= waiting.create_time.seconds + 120
    assert by_channel(await backend.settled())[SLACK].state == SENT


async def test_mail_that_is_refused_for_good(backend: Backend, link: links_pb.CalendarLink) -> None:
    """A mailbox that does not exist makes the e-mail DEAD at once; Slack is told, and so is the operator."""
    backend.sandbox.fault("smtp/550", user="ann@example.com")
    await backend.break_link(link)
    await backend.until(lambda notices: any(notice.kind == ALERT for notice in notices))
    notices = await backend.settled()
    ended = by_channel(notices)
    assert (ended[EMAIL].state, ended[EMAIL].attempts, ended[SLACK].state) == (DEAD, 1, SENT)
    assert "550" in ended[EMAIL].last_error
    assert not ended[EMAIL].HasField("next_attempt_time")
    assert [recipient for channel, recipient, _ in backend.heard() if channel == "EMAIL"] == [OPERATOR]
    assert {notice.state for notice in notices if notice.kind == ALERT} == {SENT}


@pytest.mark.parametrize("known", [True, False])
async def test_nobody_there_in_slack(backend: Backend, *, known: bool) -> None:
    """Whoever is not in Slack, or cannot be written to there, is told by e-mail; the Slack notice is DEAD at once."""
    name = "ann" if known else "cai"
    if known:
        backend.sandbox.slack.set_user("ann@example.com", messages_tab=False)
    else:
        backend.sandbox.google.add_user("cai@example.com")
    await backend.add_account(name)
    link = await backend.link(name)
    await backend.add_page("page", ALL, name, name)
    await backend.break_link(link)
    ended = by_channel(await backend.settled())
    assert (ended[EMAIL].state, ended[SLACK].state, ended[SLACK].attempts) == (SENT, DEAD, 1)
    assert ("messages_tab_disabled" if known else "users_not_found") in ended[SLACK].last_error


async def test_slack_workspace_that_is_broken(backend: Backend, link: links_pb.CalendarLink) -> None:
    """What waits for a dead bot token is DEAD after a day; the operator hears by e-mail, without going in circles."""
    await backend.restart(reminders="")
    backend.sandbox.slack.kill_token()
    await backend.break_link(link)
    await backend.until(lambda notices: sum(notice.kind == ALERT for notice in notices) == 3)
    notices = await backend.settled()
    ended = by_channel(notices)
    assert (ended[EMAIL].state, ended[SLACK].state) == (SENT, DEAD)
    alerts = sorted((notice.channel, notice.state) for notice in notices if notice.kind == ALERT)
    assert alerts == sorted([(EMAIL, SENT), (EMAIL, SENT), (SLACK, DEAD)])
    assert len(notices) == 5


async def test_given_up_in_the_end(backend: Backend, link: links_pb.CalendarLink) -> None:
    """What keeps failing is DEAD after 15 attempts, spread over more and more time."""
    backend.sandbox.fault("smtp/451", user="ann@example.com")
    await backend.break_link(link)
    ended = by_channel(await backend.settled())
    assert (ended[EMAIL].state, ended[EMAIL].attempts, ended[SLACK].state) == (DEAD, 15, SENT)


async def test_page_that_recovered_before_the_notice(tmp_path: Path) -> None:
    """A stop that is over before it was told is SUPPRESSED with the reason, and its end is no news either."""
    async with running_backend(tmp_path, notice_group_wait="5s") as backend:
        await backend.add_account("ann")
        link = await backend.link("ann")
        await backend.add_page("page", ALL, "ann", "ann")
        await backend.break_link(link)
        await backend.relink(link)
        dropped = by_channel(await backend.settled())
        assert {notice.state for notice in dropped.values()} == {SUPPRESSED}
        assert {notice.last_error for notice in dropped.values()} == {"INCIDENT_OVER"}
        assert backend.heard() == []


async def test_end_is_told_to_those_who_were_told_the_stop(backend: Backend, link: links_pb.CalendarLink) -> None:
    """Where only Slack was told of the stop, only Slack is told of its end; the e-mail is dropped."""
    backend.sandbox.fault("smtp/450", user="ann@example.com")
    await backend.break_link(link)
    await backend.until(
        lambda notices: (by_channel(notices)[SLACK].state, by_channel(notices)[EMAIL].state) == (SENT, RETRYING)
    )
    await backend.relink(link)
    backend.sandbox.faults.clear()
    await backend.settled()
    assert backend.heard() == [("SLACK", "ann@example.com", AGAIN), ("SLACK", "ann@example.com", STOP)]


async def test_end_is_told_where_the_stop_may_have_been_told(backend: Backend, link: links_pb.CalendarLink) -> None:
    """An e-mail that arrived though its acknowledgement was lost was told: whoever has it is told of the end too."""
    backend.sandbox.fault("network/drop_after", surface="smtp", endpoint="data", times=1)
    await backend.break_link(link)
    await backend.until(
        lambda notices: (by_channel(notices)[SLACK].state, by_channel(notices)[EMAIL].state) == (SENT, RETRYING)
    )
    assert ("EMAIL", "ann@example.com", STOP) in backend.heard()
    await backend.relink(link)
    await backend.settled()
    assert ("EMAIL", "ann@example.com", AGAIN) in backend.heard()


async def test_repeated_only_where_the_outcome_is_unknown(backend: Backend, link: links_pb.CalendarLink) -> None:
    """An e-mail whose acknowledgement was lost is sent again under the same Message-ID: mail programs show it once."""
    backend.sandbox.fault("network/drop_after", surface="smtp", endpoint="data", times=1)
    await backend.break_link(link)
    sent = by_channel(await backend.settled())
    assert (sent[EMAIL].state, sent[EMAIL].attempts) == (SENT, 2)
    first, second = backend.sandbox.mail.received.records
    assert first.message_id == second.message_id


async def test_what_is_owed_survives_a_restart(backend: Backend, link: links_pb.CalendarLink) -> None:
    """Notices that wait when the server is stopped are sent by the next one."""
    await backend.sandbox.set_listening("smtp", up=False)
    await backend.break_link(link)
    await backend.until(
        lambda notices: (by_channel(notices)[SLACK].state, by_channel(notices)[EMAIL].state) == (SENT, RETRYING)
    )
    await backend.restart()
    await backend.sandbox.set_listening("smtp", up=True)
    assert by_channel(await backend.settled())[EMAIL].state == SENT
    assert backend.heard() == TO_ANN


@pytest.mark.parametrize("fault", ["token/invalid_client", "token/deleted_client", "api/accessNotConfigured"])
async def test_operators_own_fault(backend: Backend, link: links_pb.CalendarLink, fault: str) -> None:
    """What only the operator can mend alerts the operator, once; no link changes, no page stops, no user is told."""
    before = await backend.calendar_link(link.id)
    backend.sandbox.fault(fault)
    backend.sandbox.google.expire_access_tokens()
    for _ in range(3):
        checked = await backend.check(link.id)
        assert (checked.state, checked.revision) == (before.state, before.revision)
        assert not checked.HasField("cause")
    assert (await backend.page("page")).accepting
    subject = "Operator alert: APP_MISCONFIGURED"
    assert await backend.heard_since_settled() == [("EMAIL", OPERATOR, subject), ("SLACK", "ops", subject)]
    await backend.pass_time(days=1)
    await backend.check(link.id)
    assert len(await backend.heard_since_settled()) == 2
