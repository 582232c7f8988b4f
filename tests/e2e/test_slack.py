"""Slack with several workspaces: who is told where, what a broken one holds up, and the pace that Slack asks for."""

from datetime import UTC, timedelta
from itertools import pairwise

from calguard.v1 import notification_pb2 as notices_pb
from calguard.v1 import slack_workspace_pb2 as slack_pb
from calguard.v1.slack_pb2 import SlackAddress
from tests.e2e.backend import OPERATOR, Backend
from tests.e2e.slack_scene import (
    ANN,
    BEN,
    IN_ACME,
    OLGA,
    SECOND,
    TEAM,
    TOKEN,
    add_acme,
    add_people,
    posts_to,
    recover,
    titles,
    until_waiting,
)
from tests.e2e.stubs import ALL

CONNECTED, BROKEN = slack_pb.SLACK_WORKSPACE_STATE_CONNECTED, slack_pb.SLACK_WORKSPACE_STATE_BROKEN
SLACK, EMAIL = notices_pb.NOTIFICATION_CHANNEL_SLACK, notices_pb.NOTIFICATION_CHANNEL_EMAIL
SENT, DEAD = notices_pb.NOTIFICATION_STATE_SENT, notices_pb.NOTIFICATION_STATE_DEAD
POST = "chat.postMessage"
STOP = "Booking page stopped: Page page"
WAITED = "SLACK_WORKSPACE_BROKEN: acme: token_revoked"
BROKEN_ALERT = ("EMAIL", OPERATOR, "Operator alert: SLACK_WORKSPACE_BROKEN")


def ends(notices: list[notices_pb.Notification], account_id: str, channel: int) -> set[tuple[int, str]]:
    mine = (each for each in notices if each.recipient_account_id == account_id and each.channel == channel)
    return {(each.state, each.last_error) for each in mine}


async def test_each_is_told_in_the_workspace_of_the_address(backend: Backend) -> None:
    """By e-mail address, by user and by channel; the page's channel goes before the owner's own address."""
    acme = await add_acme(backend)
    links = await add_people(backend, ann={"slack": IN_ACME})
    user = SlackAddress(workspace_id="acme", user_id=acme.user(BEN).id)
    await backend.add_account("cleo", email="", slack=user)
    channel = SlackAddress(workspace_id="acme", channel_id=acme.channel("bookings").id)
    await backend.add_page("page", ALL, "olga", "ann", slack=channel)
    await backend.add_page("second", ALL, "cleo", "ann")
    await backend.break_link(links["ann"])
    await backend.settled()
    told = [(each.team, each.user_email or each.channel_name) for each in backend.sandbox.slack.messages.records]
    assert sorted(told) == sorted([(TEAM, ANN), (TEAM, "bookings"), (TEAM, BEN)])


async def test_without_the_setting_other_workspaces_are_served(backend: Backend) -> None:
    """Whoever's address names none is told by e-mail alone."""
    await backend.restart(slack_bot_token="", operator_slack_channel="")
    await add_acme(backend)
    links = await add_people(backend, ann={"slack": IN_ACME})
    await backend.add_page("page", ALL, "olga", "ann")
    await backend.break_link(links["ann"])
    assert await backend.heard_since_settled() == [("EMAIL", ANN, STOP), ("EMAIL", OLGA, STOP), ("SLACK", ANN, STOP)]


async def test_a_broken_workspace_holds_up_nobody_else(backend: Backend) -> None:
    """Two in it wait, after one of them has met it; others are told as ever; the operator hears once, by each way."""
    acme = await add_acme(backend)
    links = await add_people(backend, ann={"slack": IN_ACME}, ben={"slack": IN_ACME})
    await backend.add_page("page", ALL, "olga", "ann", "ben")
    acme.kill_token(TOKEN, "account_inactive")
    await backend.break_link(links["ann"])
    [waiting] = await until_waiting(backend)
    await backend.break_link(links["ben"])
    held = await until_waiting(backend, 2)
    assert waiting.attempts == 1
    assert sorted(each.attempts for each in held) == [0, 1]
    assert {each.last_error for each in held} == {"SLACK_WORKSPACE_BROKEN: acme: account_inactive"}
    workspace = await backend.slack_workspace("acme")
    assert (workspace.state, workspace.cause.code, workspace.revision) == (BROKEN, "account_inactive", 2)
    assert "bot token" in workspace.cause.remedy
    assert (await backend.slack_workspace("default")).state == CONNECTED
    heard = backend.newly_heard()
    assert [each for each in heard if "alert" in each[2]] == [BROKEN_ALERT, ("SLACK", "ops", BROKEN_ALERT[2])]
    assert {to for channel, to, _ in heard if channel == "EMAIL"} == {ANN, BEN, OLGA, OPERATOR}
    assert {to for channel, to, _ in heard if channel == "SLACK"} == {OLGA, "ops"}


async def test_another_token_mends_it_and_what_waited_is_told(backend: Backend) -> None:
    """Also to whoever has no e-mail address; once each."""
    acme = await add_acme(backend)
    user = SlackAddress(workspace_id="acme", user_id=acme.user(ANN).id)
    await backend.add_account("ann", email="", slack=user)
    link = await backend.link("ann")
    await backend.add_page("page", ALL, "ann", "ann")
    acme.kill_token()
    await backend.break_link(link)
    await until_waiting(backend)
    assert posts_to(backend, ANN) == []
    await backend.restart()
    assert (await backend.slack_workspace("acme")).state == BROKEN
    mended = await backend.put_slack("acme", SECOND)
    assert (mended.state, mended.HasField("cause")) == (CONNECTED, False)
    await backend.settled()
    assert titles(posts_to(backend, ANN)) == [STOP]
    assert backend.clock.now() < mended.update_time.ToDatetime(UTC) + timedelta(minutes=15)


async def test_who_is_told_by_slack_only_is_told_by_e_mail_instead(backend: Backend) -> None:
    """The one who meets the breakage, too; a mail server that refuses leaves the notice waiting for Slack."""
    acme = await add_acme(backend)
    by_slack = {"slack": IN_ACME, "channels": [SLACK]}
    links = await add_people(backend, ann=by_slack, ben=by_slack)
    for name in ("ann", "ben"):
        await backend.add_page(f"page-{name}", ALL, name, name)
    acme.kill_token()
    backend.sandbox.fault("smtp/550", user=BEN)
    await backend.break_link(links["ann"])
    await backend.break_link(links["ben"])
    [waiting] = await until_waiting(backend)
    assert (waiting.recipient_account_id, "by e-mail: SMTP 5" in waiting.last_error) == ("ben", True)
    assert {each for each in backend.newly_heard() if each[0] == "EMAIL"} == {
        ("EMAIL", ANN, "Booking page stopped: Page page-ann"),
        BROKEN_ALERT,
    }
    await backend.put_slack("acme", SECOND)
    await backend.settled()
    assert titles(posts_to(backend, ANN)) == []
    assert titles(posts_to(backend, BEN)) == ["Booking page stopped: Page page-ben"]


async def test_what_waited_and_is_no_longer_true_is_not_told(backend: Backend) -> None:
    """It is dropped as it would be anywhere, and the end of what nobody heard of is no news either."""
    acme = await add_acme(backend)
    links = await add_people(backend, ann={"slack": IN_ACME})
    await backend.add_page("page", ALL, "ann", "ann")
    acme.kill_token()
    await backend.break_link(links["ann"])
    await until_waiting(backend)
    await recover(backend, links["ann"])
    await backend.put_slack("acme", SECOND)
    notices = await backend.settled()
    assert {error for _, error in ends(notices, "ann", SLACK)} == {"INCIDENT_OVER", "NEVER_TOLD"}
    assert posts_to(backend, ANN) == []


async def test_a_workspace_that_slack_accepts_again_is_mended_by_itself(backend: Backend) -> None:
    """It is asked every ten minutes; the operator has nothing to do then."""
    acme = await add_acme(backend)
    links = await add_people(backend, ann={"slack": IN_ACME})
    await backend.add_page("page", ALL, "ann", "ann")
    acme.kill_token(TOKEN, "account_inactive")
    await backend.break_link(links["ann"])
    await until_waiting(backend)
    acme.put_token(TOKEN)
    await backend.settled()
    assert titles(posts_to(backend, ANN)) == [STOP]
    assert (await backend.slack_workspace("acme")).state == CONNECTED


async def test_the_token_of_the_setting_is_replaced_by_a_restart(backend: Backend) -> None:
    """The server asks Slack at its start, and what waited is told."""
    links = await add_people(backend)
    await backend.add_page("page", ALL, "ann", "ann")
    backend.sandbox.slack.put_token("xoxb-another")
    backend.sandbox.slack.kill_token()
    await backend.break_link(links["ann"])
    await until_waiting(backend)
    assert [each for each in backend.newly_heard() if "alert" in each[2]] == [BROKEN_ALERT]
    await backend.restart(slack_bot_token="xoxb-another")
    await backend.settled()
    assert titles(posts_to(backend, ANN)) == [STOP]
    default = await backend.slack_workspace("default")
    assert (default.state, default.team_id) == (CONNECTED, backend.sandbox.slack.team)


async def test_what_waits_for_a_day_is_given_up(backend: Backend) -> None:
    """E-mail has told it long ago; of the loss the operator hears as of any."""
    await backend.restart(reminders="")
    acme = await add_acme(backend)
    links = await add_people(backend, ann={"slack": IN_ACME})
    await backend.add_page("page", ALL, "ann", "ann")
    acme.kill_token()
    await backend.break_link(links["ann"])
    await until_waiting(backend)
    backend.newly_heard()
    alerted = notices_pb.NOTIFICATION_KIND_OPERATOR_ALERT
    notices = await backend.until(lambda each: sum(notice.kind == alerted for notice in each) == 4)
    assert (DEAD, WAITED) in ends(notices, "ann", SLACK)
    [given_up] = [each for each in notices if each.state == DEAD]
    assert given_up.attempts == 1
    alert = "Operator alert: DELIVERY_DEAD_SLACK"
    assert await backend.heard_since_settled() == [("EMAIL", OPERATOR, alert), ("SLACK", "ops", alert)]


async def test_a_workspace_that_was_deleted_tells_nobody(backend: Backend) -> None:
    """Nothing goes to another workspace in its stead."""
    await add_acme(backend)
    links = await add_people(backend, ann={"slack": IN_ACME})
    await backend.add_page("page", ALL, "ann", "ann")
    await backend.delete_slack("acme", force=True)
    await backend.break_link(links["ann"])
    [(state, error)] = ends(await backend.settled(), "ann", SLACK)
    assert (state, error.partition(":")[0]) == (DEAD, "SLACK_WORKSPACE_UNKNOWN")
    assert posts_to(backend, ANN) == []


async def test_a_channel_gets_a_message_a_second(backend: Backend) -> None:
    """Six pages of six owners that share a channel: told one by one, and Slack never has to refuse."""
    backend.sandbox.slack.paced = True
    channel = SlackAddress(channel_id=backend.sandbox.slack.channel("bookings").id)
    await backend.add_account("ann")
    link = await backend.link("ann")
    for number in range(6):
        await backend.add_account(f"owner-{number}")
        await backend.add_page(f"page-{number}", ALL, f"owner-{number}", "ann", slack=channel)
    await backend.break_link(link)
    notices = await backend.settled()
    times = [each.time for each in backend.sandbox.slack.messages.records if each.channel_name == "bookings"]
    assert len(times) == 6
    assert all(later - earlier >= timedelta(seconds=1) for earlier, later in pairwise(times))
    assert {each.status for each in backend.sandbox.slack_requests.records} == {200}
    assert {(each.state, each.attempts) for each in notices} == {(SENT, 1)}
    mailed = [each.send_time.ToDatetime(UTC) for each in notices if each.channel == EMAIL]
    assert max(mailed) < times[-1]


async def test_what_slack_asks_to_wait_holds_for_the_whole_workspace(backend: Backend) -> None:
    """Another channel of it waits, too, without being tried; another workspace and e-mail do not."""
    await add_acme(backend)
    links = await add_people(backend, ben={"slack": IN_ACME})
    slack = backend.sandbox.slack
    bookings = SlackAddress(channel_id=slack.channel("bookings").id)
    await backend.add_page("first", ALL, "ann", "ann", slack=bookings)
    await backend.add_page("second", ALL, "olga", "ben")
    backend.sandbox.fault("slack/ratelimited", endpoint=POST, channel="bookings", times=1)
    begun = backend.clock.now()
    await backend.break_link(links["ann"])
    await backend.until(lambda notices: any("ratelimited" in each.last_error for each in notices))
    await backend.break_link(links["ben"])
    await backend.settled()
    told = {each.user_email or each.channel_name: each.time - begun for each in slack.messages.records}
    assert told[BEN] < timedelta(seconds=30) <= min(told["bookings"], told[OLGA])
    attempts = {
        each.recipient_account_id: each.attempts for each in await backend.notifications() if each.channel == SLACK
    }
    assert attempts == {"ann": 2, "olga": 1, "ben": 1}


async def test_nobody_is_asked_for_twice_in_an_hour(backend: Backend) -> None:
    """A person that Slack does not know is not asked for again at once; an hour later, they may be there."""
    await backend.add_account("zoe", email="zoe@example.com")
    backend.sandbox.google.add_user("zoe@example.com")
    link = await backend.link("zoe")
    await backend.add_page("one", ALL, "zoe", "zoe")
    await backend.break_link(link)
    await backend.settled()
    await recover(backend, link)
    await backend.settled()
    await backend.break_link(link)
    await backend.settled()
    asked = [each.endpoint for each in backend.sandbox.slack_requests.records]
    assert asked.count("users.lookupByEmail") == 1
    await recover(backend, link)
    await backend.settled()
    backend.sandbox.slack.add_user("zoe@example.com")
    await backend.pass_time(hours=1)
    await backend.break_link(link)
    await backend.settled()
    assert titles(posts_to(backend, "zoe@example.com")) == ["Booking page stopped: Page one"]
