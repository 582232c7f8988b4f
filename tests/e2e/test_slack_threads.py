"""What belongs together in Slack: later messages go under the first, which is marked as over when all of it is."""

import pytest

from calguard.v1 import account_pb2 as accounts_pb
from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import notification_pb2 as notices_pb
from tests.e2e.backend import Backend
from tests.e2e.slack_scene import ANN, BEN, OLGA, TEAM, add_acme, add_people, move_to_acme, posts_to, recover, titles
from tests.e2e.stubs import ALL, ANY

STOP, FAULTY, AGAIN = "Booking page stopped", "Another calendar fails", "Accepting bookings again"


def updates(backend: Backend) -> dict[str, str]:
    """The titles of what was replaced, by its time stamp."""
    return {each.ts: each.text.splitlines()[0] for each in backend.sandbox.slack.updates.records}


async def marked(backend: Backend, count: int) -> dict[str, str]:
    """The titles of what was replaced, once there are so many."""

    async def until_there() -> None:
        while len(updates(backend)) < count:
            await backend.notifications()

    await backend.ticking(until_there())
    return updates(backend)


async def test_an_incident_is_one_thread_for_each_who_is_told(backend: Backend) -> None:
    """Ann fails, then Ben does: Olga has a thread of three, Ann and Ben have one of two; each first one is marked."""
    links = await add_people(backend)
    await backend.add_page("page", ALL, "olga", "ann", "ben", title="Panel")
    await backend.break_link(links["ann"])
    await backend.settled()
    await backend.break_link(links["ben"])
    await backend.settled()
    assert backend.sandbox.slack.updates.records == []
    await recover(backend, *links.values())
    await backend.settled()

    first, *under = posts_to(backend, OLGA)
    assert titles([first, *under]) == [f"{STOP}: Panel", f"{FAULTY}: Panel", f"{AGAIN}: Panel"]
    assert (first.thread_ts, [each.thread_ts for each in under]) == (None, [first.ts, first.ts])
    assert titles(posts_to(backend, ANN)) == [f"{STOP}: Panel", f"{AGAIN}: Panel"]
    assert titles(posts_to(backend, BEN)) == [f"{FAULTY}: Panel", f"{AGAIN}: Panel"]
    firsts = [posts_to(backend, each)[0] for each in (OLGA, ANN, BEN)]
    assert await marked(backend, 3) == {
        firsts[0].ts: f"Over: {STOP}: Panel",
        firsts[1].ts: f"Over: {STOP}: Panel",
        firsts[2].ts: f"Over: {FAULTY}: Panel",
    }


async def test_a_links_own_incident_is_a_thread_that_ends(backend: Backend) -> None:
    """Its end begins no thread: the next failure is told by itself."""
    links = await add_people(backend, ann={"link_alerts": accounts_pb.LINK_ALERTS_ALWAYS})
    for _ in range(2):
        await backend.break_link(links["ann"])
        await backend.settled()
        await recover(backend, links["ann"])
        await backend.settled()
    first, end, second, second_end = posts_to(backend, ANN)
    assert (end.thread_ts, second.thread_ts, second_end.thread_ts) == (first.ts, None, second.ts)
    assert set(await marked(backend, 2)) == {first.ts, second.ts}
    assert backend.rows("SELECT COUNT(*) FROM slack_posts") == [(2,)]


async def test_what_is_marked_as_over_loses_nothing(backend: Backend) -> None:
    """The title says so; all else is as it was posted. It is marked before the end is told."""
    links = await add_people(backend)
    await backend.add_page("page", ALL, "olga", "ann")
    await backend.break_link(links["ann"])
    await backend.settled()
    await recover(backend, links["ann"])
    await backend.settled()
    [first, _] = posts_to(backend, OLGA)
    await marked(backend, 2)
    [over] = [each for each in backend.sandbox.slack.updates.records if each.ts == first.ts]
    assert over.text == f"Over: {first.text}"
    assert over.blocks[0]["text"]["text"] == f"Over: {first.blocks[0]['text']['text']}"
    assert over.blocks[1:] == first.blocks[1:]


async def test_a_thread_outlives_the_server(backend: Backend) -> None:
    links = await add_people(backend)
    await backend.add_page("page", ALL, "olga", "ann")
    await backend.break_link(links["ann"])
    await backend.settled()
    await backend.restart()
    await recover(backend, links["ann"])
    await backend.settled()
    first, end = posts_to(backend, OLGA)
    assert end.thread_ts == first.ts
    assert len(await marked(backend, 2)) == 2


async def test_a_message_about_several_pages_is_over_when_all_of_them_are(backend: Backend) -> None:
    """Two pages stop at once and are told of together; one starts again first: both ends go under that message."""
    links = await add_people(backend)
    await backend.add_page("one", ALL, "olga", "ann", title="One")
    await backend.add_page("two", ALL, "olga", "ann", "ben", title="Two")
    await backend.break_link(links["ann"])
    await backend.settled()
    await backend.break_link(links["ben"])
    await recover(backend, links["ann"])
    await backend.settled()
    first = posts_to(backend, OLGA)[0]
    assert titles([first]) == [f"{STOP}: One and 1 more"]
    assert first.ts not in updates(backend)
    await recover(backend, links["ben"])
    await backend.settled()
    assert [each.thread_ts for each in posts_to(backend, OLGA)[1:]] == [first.ts] * 3
    assert (await marked(backend, 3))[first.ts] == f"Over: {STOP}: One and 1 more"


async def test_a_message_about_what_was_told_apart_stands_by_itself(backend: Backend) -> None:
    """Two pages stop one after the other and start at once: the end belongs to neither alone, and both are marked."""
    links = await add_people(backend)
    await backend.add_page("one", ALL, "olga", "ann", title="One")
    await backend.break_link(links["ann"])
    await backend.settled()
    await backend.add_page("two", ALL, "olga", "ann", title="Two")
    await backend.settled()
    await recover(backend, links["ann"])
    await backend.settled()
    posts = posts_to(backend, OLGA)
    assert titles(posts) == [f"{STOP}: One", f"{STOP}: Two", f"{AGAIN}: One and 1 more"]
    assert [each.thread_ts for each in posts] == [None, None, None]
    assert {posts[0].ts, posts[1].ts} < (await marked(backend, 4)).keys()


async def test_a_message_about_several_threads_takes_none_of_them_over(backend: Backend) -> None:
    """Ben fails on two pages that were told of apart: that stands by itself, and what follows goes under the first."""
    links = await add_people(backend)
    backend.sandbox.google.add_user("cat@example.com")
    await backend.add_account("cat")
    links["cat"] = await backend.link("cat")
    await backend.add_page("one", ALL, "olga", "ann", "ben", title="One")
    await backend.add_page("two", ALL, "olga", "cat", "ben", title="Two")
    for name in ("ann", "cat", "ben"):
        await backend.break_link(links[name])
        await backend.settled()
    await recover(backend, links["ben"])
    for name in ("ann", "cat"):
        await recover(backend, links[name])
        await backend.settled()
    one, two, both, one_again, two_again = posts_to(backend, OLGA)
    assert titles([one, two, both]) == [f"{STOP}: One", f"{STOP}: Two", f"{FAULTY}: One and 1 more"]
    assert (both.thread_ts, one_again.thread_ts, two_again.thread_ts) == (None, one.ts, two.ts)
    over = await marked(backend, 4)
    assert {one.ts, two.ts} < over.keys()
    assert both.ts not in over


@pytest.mark.parametrize("end", ["deleted", "discarded"])
async def test_what_is_over_is_marked_though_nobody_is_told(backend: Backend, end: str) -> None:
    links = await add_people(backend)
    page = await backend.add_page("page", ALL, "ann", "ann")
    await backend.break_link(links["ann"])
    await backend.settled()
    if end == "deleted":
        await backend.pages.DeleteBookingPage(pages_pb.DeleteBookingPageRequest(id=page.id))
    else:
        backend.sandbox.fault("slack/internal_error", surface="slack", endpoint="chat.postMessage")
        await recover(backend, links["ann"])
        retrying = notices_pb.NOTIFICATION_STATE_RETRYING
        notices = await backend.until(lambda each: any(notice.state == retrying for notice in each))
        [stuck] = [each for each in notices if each.state == retrying]
        await backend.notices.DiscardNotification(notices_pb.DiscardNotificationRequest(id=stuck.id))
    [first] = posts_to(backend, ANN)
    assert await marked(backend, 1) == {first.ts: f"Over: {STOP}: Page page"}


async def test_another_incident_is_another_thread(backend: Backend) -> None:
    links = await add_people(backend)
    await backend.add_page("page", ANY, "olga", "ann")
    for _ in range(2):
        await backend.break_link(links["ann"])
        await backend.settled()
        await recover(backend, links["ann"])
        await backend.settled()
    first, end, second, second_end = posts_to(backend, OLGA)
    assert (first.thread_ts, second.thread_ts) == (None, None)
    assert (end.thread_ts, second_end.thread_ts) == (first.ts, second.ts)


async def test_a_first_message_that_was_deleted_holds_nothing_back(backend: Backend) -> None:
    """The end is posted by itself, and so is a further fault."""
    links = await add_people(backend)
    await backend.add_page("page", ALL, "olga", "ann", "ben")
    await backend.break_link(links["ann"])
    await backend.settled()
    first = posts_to(backend, OLGA)[0]
    backend.sandbox.slack.delete_message(first.channel, first.ts)
    await backend.break_link(links["ben"])
    await backend.settled()
    fault = posts_to(backend, OLGA)[1]
    assert fault.thread_ts is None
    await recover(backend, *links.values())
    await backend.settled()
    assert posts_to(backend, OLGA)[2].thread_ts == fault.ts
    assert (await marked(backend, 3))[fault.ts].startswith("Over: ")


@pytest.mark.parametrize("error", ["cant_update_message", "edit_window_closed", "some_error_of_tomorrow"])
async def test_a_message_that_cannot_be_changed_holds_nothing_back(backend: Backend, error: str) -> None:
    """The end goes under it all the same, at the first try."""
    links = await add_people(backend)
    await backend.add_page("page", ALL, "ann", "ann")
    await backend.break_link(links["ann"])
    await backend.settled()
    answer = {"status": 200, "body": {"ok": False, "error": error}}
    backend.sandbox.fault(answer, surface="slack", endpoint="chat.update")
    await recover(backend, links["ann"])
    assert {notice.attempts for notice in await backend.settled()} == {1}
    first, end = posts_to(backend, ANN)
    assert end.thread_ts == first.ts


@pytest.mark.parametrize("fault", ["slack/internal_error", "slack/503_html", "slack/ratelimited", "network/drop_after"])
async def test_marking_is_tried_again_and_the_end_is_told_once(backend: Backend, fault: str) -> None:
    """Where marking fails for a while, the end does not wait for it; neither is lost."""
    links = await add_people(backend)
    await backend.add_page("page", ALL, "ann", "ann")
    await backend.break_link(links["ann"])
    await backend.settled()
    backend.sandbox.fault(fault, surface="slack", endpoint="chat.update", times=2)
    await recover(backend, links["ann"])
    await backend.settled()
    first, end = posts_to(backend, ANN)
    assert end.thread_ts == first.ts
    assert await marked(backend, 1) == {first.ts: f"Over: {first.text.splitlines()[0]}"}


async def test_whoever_moves_to_another_workspace_is_told_there(backend: Backend) -> None:
    """Nothing goes under a message of another workspace; that is marked where it is."""
    await add_acme(backend)
    links = await add_people(backend)
    await backend.add_page("page", ALL, "ann", "ann")
    await backend.break_link(links["ann"])
    await backend.settled()
    await move_to_acme(backend, "ann")
    await recover(backend, links["ann"])
    await backend.settled()
    first, end = posts_to(backend, ANN)
    assert (first.team, end.team, end.thread_ts) == (backend.sandbox.slack.team, TEAM, None)
    assert first.ts in await marked(backend, 1)


async def test_a_page_that_moves_to_another_channel_is_told_there(backend: Backend) -> None:
    """The first message is marked where it is; the end stands by itself in the new channel."""
    links = await add_people(backend)
    slack = backend.sandbox.slack
    page = await backend.add_page("page", ALL, "olga", "ann")
    page.slack.channel_id = slack.channel("bookings").id
    page = await backend.change_page(page, "slack")
    await backend.break_link(links["ann"])
    await backend.settled()
    page.slack.channel_id = slack.channel("general").id
    await backend.change_page(page, "slack")
    await recover(backend, links["ann"])
    await backend.settled()
    [first] = [each for each in slack.messages.records if each.channel_name == "bookings"]
    [end] = [each for each in slack.messages.records if each.channel_name == "general"]
    assert (titles([first, end]), end.thread_ts) == ([f"{STOP}: Page page", f"{AGAIN}: Page page"], None)
    assert (await marked(backend, 2))[first.ts] == f"Over: {STOP}: Page page"


async def test_it_is_kept_as_long_as_something_is_open(backend: Backend) -> None:
    """A day after all is over, what was posted is dropped; what is still open keeps its thread for weeks."""
    links = await add_people(backend)
    await backend.add_page("one", ALL, "ann", "ann")
    await backend.add_page("two", ALL, "ben", "ben")
    for link in links.values():
        await backend.break_link(link)
        await backend.settled()
    await recover(backend, links["ben"])
    await backend.settled()
    assert len(backend.rows("SELECT * FROM slack_posts")) == 2
    for _ in range(3):
        await backend.pass_time(days=9)
    await backend.ticking(_until_pruned(backend))
    await recover(backend, links["ann"])
    await backend.settled()
    first, *reminders, end = posts_to(backend, ANN)
    assert {each.thread_ts for each in (*reminders, end)} == {first.ts}
    assert reminders


async def _until_pruned(backend: Backend) -> None:
    while len(backend.rows("SELECT * FROM slack_posts")) != 1:
        await backend.notifications()
