"""The watch: a snapshot at one revision, then every change once, in order, over any number of streams."""

import asyncio

import pytest

from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import watch_pb2 as watch_pb
from tests.e2e.backend import Backend
from tests.e2e.stubs import ALL
from tests.e2e.watching import DELETED, SNAPSHOT, Watcher, id_of

CREATED, STATE_CHANGED, UPDATED = (
    watch_pb.STATE_CHANGE_TYPE_CREATED,
    watch_pb.STATE_CHANGE_TYPE_STATE_CHANGED,
    watch_pb.STATE_CHANGE_TYPE_UPDATED,
)
LEFT, ENTERED = watch_pb.FILTER_TRANSITION_LEFT, watch_pb.FILTER_TRANSITION_ENTERED
LINKS, PAGES = watch_pb.RESOURCE_KIND_CALENDAR_LINK, watch_pb.RESOURCE_KIND_BOOKING_PAGE


@pytest.fixture(autouse=True)
async def ann(backend: Backend) -> None:
    await backend.add_account("ann")


async def latest_revision(backend: Backend) -> int:
    """The revision of one more change."""
    await backend.add_page("the-latest", ALL, "ann")
    return (await backend.page("the-latest")).revision


async def test_snapshot_then_changes(backend: Backend) -> None:
    """A watch without a token shows all that is there, as it stands, and then what changes, with whole resources."""
    link = await backend.link("ann")
    page = await backend.add_page("page", ALL, "ann", "ann")
    watcher = backend.watch()
    known = await watcher.snapshot()
    assert {change.type for change in known} == {SNAPSHOT}
    assert [change.calendar_link for change in known if change.HasField("calendar_link")] == [link]
    assert [change.booking_page for change in known if change.HasField("booking_page")] == [page]
    assert {change.revision for change in known} == {link.revision, page.revision}
    failed = await backend.break_link(link)
    await watcher.up_to(failed.revision + 1)
    assert watcher.revisions == [page.revision + 1, page.revision + 2]
    assert [change.type for change in watcher.changes] == [STATE_CHANGED, STATE_CHANGED]
    assert watcher.changes[0].calendar_link == failed
    assert watcher.changes[0].previous_link_state == links_pb.CALENDAR_LINK_STATE_LINKED
    assert watcher.changes[1].booking_page == await backend.page("page")
    assert watcher.changes[1].previous_page_state == pages_pb.BOOKING_PAGE_STATE_LINKED
    assert watcher.changes[1].caused_by_revision == failed.revision
    watcher.cancel()


async def test_every_type_of_change(backend: Backend) -> None:
    """Creation, update, change of state and deletion are told as such; a deletion shows what was there last."""
    watcher = backend.watch()
    assert await watcher.snapshot() == []
    await backend.add_page("page", ALL, "ann")
    await backend.change_page(pages_pb.BookingPage(id="page", title="Another title"), "title")
    last = await backend.stop_page("page")
    await backend.pages.DeleteBookingPage(pages_pb.DeleteBookingPageRequest(id="page"))
    await watcher.until(lambda change: change.type == DELETED)
    assert [change.type for change in watcher.changes] == [CREATED, UPDATED, STATE_CHANGED, DELETED]
    assert watcher.revisions == [1, 2, 3, 4]
    assert watcher.changes[3].booking_page.title == last.title
    assert watcher.changes[3].previous_page_state == pages_pb.BOOKING_PAGE_STATE_STOPPED
    watcher.cancel()


async def test_nothing_that_changes_nothing_is_told(backend: Backend) -> None:
    """A check that finds all as it was, and an update to the same values, take no revision."""
    link = await backend.link("ann")
    page = await backend.add_page("page", ALL, "ann")
    await backend.check(link.id)
    same = await backend.change_page(page, "title")
    assert same == page
    assert await latest_revision(backend) == page.revision + 1


async def test_one_transaction_one_message(backend: Backend) -> None:
    """All changes of one transaction come in one message, though there are more than fit one read of the log."""
    link = await backend.link("ann")
    count = 1100
    await asyncio.gather(*(backend.add_page(f"page-{number}", ALL, "ann", "ann") for number in range(count)))
    live = backend.watch()
    await live.snapshot()
    token = live.token
    failed = await backend.break_link(link)
    message = await live.read()
    assert [change.revision for change in message.changes] == list(range(failed.revision, failed.revision + count + 1))
    live.cancel()
    await backend.restart()  # the ring is empty now: it comes from the log
    from_log = backend.watch(resume_token=token)
    message = await from_log.read()
    assert [change.revision for change in message.changes] == list(range(failed.revision, failed.revision + count + 1))
    from_log.cancel()


async def test_watches_opened_among_changes(backend: Backend) -> None:
    """Watches opened while changes are made have no hole and no double: what each knows and is told makes the whole."""
    watchers = []
    pages = 120
    for number in range(pages):
        creating = asyncio.ensure_future(backend.add_page(f"page-{number}", ALL, "ann"))
        if number % 10 == 0:
            watchers.append(backend.watch())
            await watchers[-1].snapshot()
        await creating
    for watcher in watchers:
        known = [change.revision for change in watcher.known]
        at = max(known, default=0)
        assert sorted(known) == list(range(1, at + 1))
        if at < pages:
            assert await watcher.up_to(pages) == list(range(at + 1, pages + 1))
        watcher.cancel()


async def test_resumed_after_disconnects(backend: Backend) -> None:
    """A client that goes on with its last token after each disconnect has every change once."""
    watcher = backend.watch()
    await watcher.snapshot()
    revisions: list[int] = []
    for number in range(20):
        await backend.add_page(f"page-{number}", ALL, "ann")
        if number % 3 == 0:  # else the next stream has several to make up for
            revisions += await watcher.up_to(number + 1)
            watcher.cancel()
            watcher = backend.watch(resume_token=watcher.token)
    revisions += await watcher.up_to(20)
    assert revisions == list(range(1, 21))
    watcher.cancel()


async def test_resumed_after_a_restart(backend: Backend) -> None:
    """A token is good at the next server on the same database, for what was changed before and after its start."""
    watcher = backend.watch()
    await watcher.snapshot()
    token = watcher.token
    watcher.cancel()
    await backend.add_page("before", ALL, "ann")
    await backend.restart()
    resumed = backend.watch(resume_token=token)
    await backend.add_page("after", ALL, "ann")
    assert await resumed.up_to(2) == [1, 2]
    assert [id_of(change) for change in resumed.changes] == ["before", "after"]
    assert resumed.known == []
    resumed.cancel()


async def test_without_the_snapshot(backend: Backend) -> None:
    """skip_snapshot begins with a token and then the first change after now."""
    await backend.add_page("before", ALL, "ann")
    watcher = backend.watch(skip_snapshot=True)
    first = await watcher.read()
    assert (first.progress, list(first.changes)) == (True, [])
    assert first.resume_token
    await backend.add_page("after", ALL, "ann")
    assert await watcher.up_to(2) == [2]
    watcher.cancel()


async def test_progress(backend: Backend) -> None:
    """A watch with nothing to tell is told so within its interval, also where changes do not match its filter."""
    watcher = backend.watch(booking_page_ids=["mine"])
    await watcher.snapshot()
    await backend.add_page("other", ALL, "ann")
    before = backend.clock.now()
    message = await backend.ticking(watcher.read())
    assert message.progress
    assert (backend.clock.now() - before).total_seconds() < 17
    watcher.cancel()
    resumed = backend.watch(booking_page_ids=["mine"], resume_token=watcher.token)
    await backend.add_page("mine", ALL, "ann")
    assert await resumed.up_to(2) == [2]
    resumed.cancel()


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, {"ann-page", "ben-page", "both-page", "ann-link", "ben-link"}),
        ({"account_ids": ["ann"]}, {"ann-page", "both-page", "ann-link"}),
        ({"account_ids": ["ann", "ben"]}, {"ann-page", "ben-page", "both-page", "ann-link", "ben-link"}),
        ({"booking_page_ids": ["ann-page"]}, {"ann-page"}),
        ({"calendar_link_ids": ["ann-link"]}, {"ann-link"}),
        ({"calendar_link_ids": ["ann-link"], "booking_page_ids": ["ben-page"]}, {"ann-link", "ben-page"}),
        ({"kinds": [LINKS]}, {"ann-link", "ben-link"}),
        ({"kinds": [PAGES]}, {"ann-page", "ben-page", "both-page"}),
        ({"kinds": [PAGES], "account_ids": ["ben"]}, {"ben-page", "both-page"}),
        ({"account_ids": ["nobody"]}, set()),
    ],
)
async def test_filters(backend: Backend, filters: dict[str, list[str]], expected: set[str]) -> None:
    """Filters narrow together, in the snapshot as in what follows; a page is its owner's and its members'."""
    await backend.add_account("ben")
    links = {name: await backend.link(name) for name in ("ann", "ben")}
    named = {link.id: f"{name}-link" for name, link in links.items()}
    await backend.add_page("ann-page", ALL, "ann")
    await backend.add_page("ben-page", ALL, "ben", "ben")
    await backend.add_page("both-page", ALL, "ben", "ann", "ben")
    ids = [links[each.partition("-")[0]].id for each in filters.get("calendar_link_ids", [])]
    watcher = backend.watch(**(filters | ({"calendar_link_ids": ids} if ids else {})))
    known = {named.get(id_of(change), id_of(change)) for change in await watcher.snapshot()}
    for link in links.values():
        await backend.relink(link)
    for page in ("ann-page", "ben-page", "both-page"):
        await backend.stop_page(page)
    while not (await backend.ticking(watcher.read())).progress:
        pass
    assert known == expected
    assert {named.get(id_of(change), id_of(change)) for change in watcher.changes} == expected
    watcher.cancel()


async def test_page_that_leaves_the_filter(backend: Backend) -> None:
    """A page that is no longer one of the accounts' is told of once more, as such; and as such when it comes back.

    A stream that reads the log, after a restart, tells the same.
    """
    await backend.add_account("ben")
    await backend.add_page("page", ALL, "ben", "ann")
    watcher = backend.watch(account_ids=["ann"])
    await watcher.snapshot()
    token = watcher.token
    left = await backend.set_members("page", "ben")
    await backend.stop_page("page")
    entered = await backend.set_members("page", "ben", "ann")
    expected = [
        (left.revision, watch_pb.FILTER_TRANSITION_LEFT),
        (entered.revision, watch_pb.FILTER_TRANSITION_ENTERED),
    ]
    await watcher.up_to(entered.revision)
    assert [(change.revision, change.filter_transition) for change in watcher.changes] == expected
    watcher.cancel()
    await backend.restart()
    from_log = backend.watch(account_ids=["ann"], resume_token=token)
    await from_log.up_to(entered.revision)
    assert from_log.changes == watcher.changes
    from_log.cancel()
    unfiltered = backend.watch(resume_token=(await opened(backend.watch())).token)
    await backend.set_members("page", "ben")
    await unfiltered.up_to(entered.revision + 1)
    assert unfiltered.changes[0].filter_transition == watch_pb.FILTER_TRANSITION_UNSPECIFIED
    unfiltered.cancel()


async def opened(watcher: Watcher) -> Watcher:
    """Read the snapshot, then leave."""
    await watcher.snapshot()
    watcher.cancel()
    return watcher
