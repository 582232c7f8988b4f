"""Kept answers of GetBookingPage over a real store: nobody reads a page as it was before a change that was answered."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from calguard.v1 import booking_page_pb2 as pb
from calguard_server.domain.errors import IllegalTransitionError, NotFoundError
from calguard_server.domain.page import SchedulingMode
from calguard_server.grpc_api.convert import page_to_wire
from calguard_server.grpc_api.page_answers import BYTES_OF_AN_ENTRY, PageAnswers
from tests.fakes.inline_connections import InlineConnections, next_turn
from tests.fakes.service import Service, running_service
from tests.integration.test_engine import REVOKED


class HeldConnections(InlineConnections):
    """Connections on which one piece of work can be held before it is done, or after."""

    def hold(self, *, after: bool) -> "Held":
        """Hold the next piece of work, whatever it is; what comes after it goes on."""
        held = Held()
        passed = 0

        async def pause() -> None:
            nonlocal passed
            passed += 1
            if passed <= after:
                return
            self.pause = next_turn
            held.reached.set()
            await held.released.wait()

        self.pause = pause
        return held


class Held:
    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.released = asyncio.Event()


@dataclass
class Scene:
    service: Service
    answers: PageAnswers
    connections: HeldConnections

    async def page(self, page_id: str = "page") -> pb.BookingPage:
        return pb.GetBookingPageResponse.FromString(await self.answers.get(page_id)).booking_page

    async def reads(self, read: Awaitable[object]) -> int:
        """How often the store is asked meanwhile."""
        before = self.connections.done
        await read
        return self.connections.done - before

    async def held_read(self, *, after: bool) -> tuple[Held, asyncio.Task[pb.BookingPage]]:
        """Begin to read the page, up to where the store has not looked yet, or has looked and not answered yet."""
        held = self.connections.hold(after=after)
        reading = asyncio.ensure_future(self.page())
        await held.reached.wait()
        return held, reading


@asynccontextmanager
async def scene(path: Path, *, bytes_max: int = 1_000_000) -> AsyncIterator[Scene]:
    connections = HeldConnections()
    async with running_service(path / "db", connections=connections) as service:
        answers = PageAnswers(service.pages.get, bytes_max)
        service.store.listen(answers.told)
        for account_id in ("olga", "ann"):
            await service.add_account(account_id)
        await service.add_page("page", SchedulingMode.ALL_MEMBERS, "olga", "ann")
        yield Scene(service, answers, connections)


async def test_a_page_is_read_once_and_then_kept(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        assert await it.reads(it.answers.get("page")) == 1
        assert await it.reads(it.answers.get("page")) == 0
        page = await it.service.pages.get("page")
        assert await it.page() == page_to_wire(page)


async def stop(service: Service) -> None:
    await service.pages.stop("page")


async def resume(service: Service) -> None:
    await service.pages.resume("page")


async def retitle(service: Service) -> None:
    await service.pages.update("page", {"title": "Another"})


async def break_link(service: Service) -> None:
    [link] = await service.store.links_of_account("ann")
    service.provider.findings[link.id] = REVOKED
    await service.checks.check_now(link.id)


async def delete_link(service: Service) -> None:
    [link] = await service.store.links_of_account("ann")
    await service.ending.delete(link.id)


async def test_every_change_is_read_back_at_once(tmp_path: Path) -> None:
    """By the owner's hand, by an update, and by a rule when a link fails or goes: each as the store has it."""
    async with scene(tmp_path) as it:
        await it.service.link("ann")
        revisions = [(await it.page()).revision]
        for change in (stop, resume, retitle, break_link, delete_link):
            await change(it.service)
            page = await it.page()
            assert page == page_to_wire(await it.service.pages.get("page"))
            revisions.append(page.revision)
        assert revisions == sorted(set(revisions)), "each of them changed the page"


async def test_many_writers_read_what_they_wrote(tmp_path: Path) -> None:
    """Their changes share commits, and others read the same pages all the time."""
    async with scene(tmp_path) as it:
        names = [f"page-{number}" for number in range(20)]
        for name in names:
            await it.service.add_page(name, SchedulingMode.ANY_MEMBER, "olga", "ann")

        async def write(name: str) -> None:
            for _ in range(5):
                stopped = await it.service.pages.stop(name)
                assert await it.page(name) == page_to_wire(stopped)
                resumed = await it.service.pages.resume(name)
                assert await it.page(name) == page_to_wire(resumed)

        async def read(name: str) -> None:
            for _ in range(50):
                await it.answers.get(name)

        await asyncio.gather(*(work(name) for name in names for work in (write, read, read)))


async def test_a_refused_change_leaves_what_is_kept(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        await it.answers.get("page")
        with pytest.raises(IllegalTransitionError):
            await it.service.pages.resume("page")
        assert await it.reads(it.answers.get("page")) == 0


@pytest.mark.parametrize("after", [False, True])
async def test_a_read_that_a_change_overtakes_is_not_kept(tmp_path: Path, after: bool) -> None:  # noqa: FBT001
    """It looked before the change and answers after it, or it was about to look: it is read again."""
    async with scene(tmp_path) as it:
        held, reading = await it.held_read(after=after)
        await it.service.pages.stop("page")
        held.released.set()
        seen = (await reading).state
        assert seen == (pb.BOOKING_PAGE_STATE_LINKED if after else pb.BOOKING_PAGE_STATE_STOPPED)
        assert (await it.page()).state == pb.BOOKING_PAGE_STATE_STOPPED
        assert await it.reads(it.answers.get("page")) == 0


async def test_a_read_that_a_later_one_overtakes_replaces_nothing(tmp_path: Path) -> None:
    """One looks; the page changes; another looks, answers and is kept; only then does the first answer."""
    async with scene(tmp_path) as it:
        held, reading = await it.held_read(after=True)
        await it.service.pages.stop("page")
        assert (await it.page()).state == pb.BOOKING_PAGE_STATE_STOPPED
        held.released.set()
        assert (await reading).state == pb.BOOKING_PAGE_STATE_LINKED
        assert await it.reads(it.answers.get("page")) == 0
        assert (await it.page()).state == pb.BOOKING_PAGE_STATE_STOPPED


async def test_a_change_of_another_page_does_not_keep_a_read_from_being_kept(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        await it.service.add_page("other", SchedulingMode.ANY_MEMBER, "olga", "ann")
        held, reading = await it.held_read(after=True)
        await it.service.pages.stop("other")
        held.released.set()
        await reading
        assert await it.reads(it.answers.get("page")) == 0


async def test_a_page_that_is_not_there_is_looked_for_each_time(tmp_path: Path) -> None:
    """A deleted page is not found at once; one that is made under its id is."""
    async with scene(tmp_path) as it:
        await it.answers.get("page")
        await it.service.pages.delete("page")
        for _ in range(2):
            with pytest.raises(NotFoundError):
                await it.answers.get("page")
        made = await it.service.add_page("page", SchedulingMode.AUTO_ASSIGN, "olga", "ann")
        assert await it.page() == page_to_wire(made)


async def test_a_deletion_that_overtakes_a_read_is_found(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        held, reading = await it.held_read(after=True)
        await it.service.pages.delete("page")
        held.released.set()
        await reading
        with pytest.raises(NotFoundError):
            await it.answers.get("page")


async def test_what_is_kept_is_bounded_and_what_was_not_asked_for_the_longest_goes(tmp_path: Path) -> None:
    """Three fit; the first is asked for again, so the second makes room for the fourth."""
    async with scene(tmp_path) as it:
        sizes = []
        for name in ("p1", "p2", "p3", "p4"):
            await it.service.add_page(name, SchedulingMode.ANY_MEMBER, "olga", "ann")
            sizes.append(len(await it.answers.get(name)))
        assert len(set(sizes)) == 1
        few = PageAnswers(it.service.pages.get, bytes_max=3 * (sizes[0] + BYTES_OF_AN_ENTRY))
        for name in ("p1", "p2", "p3", "p1", "p4"):
            await few.get(name)
        assert [await it.reads(few.get(name)) for name in ("p1", "p3", "p4", "p2")] == [0, 0, 0, 1]


async def test_an_answer_that_is_larger_than_all_that_is_kept_is_given_and_not_kept(tmp_path: Path) -> None:
    async with scene(tmp_path, bytes_max=50) as it:
        assert [await it.reads(it.answers.get("page")) for _ in range(2)] == [1, 1]


async def test_what_changes_makes_room(tmp_path: Path) -> None:
    """However often a page is changed and read again, the others stay."""
    async with scene(tmp_path) as it:
        await it.service.add_page("other", SchedulingMode.ANY_MEMBER, "olga", "ann")
        size = len(await it.answers.get("other")) + BYTES_OF_AN_ENTRY
        few = PageAnswers(it.service.pages.get, bytes_max=3 * size)
        it.service.store.listen(few.told)
        await few.get("other")
        for change in (stop, resume, stop, resume, stop, resume):
            await change(it.service)
            await few.get("page")
        assert await it.reads(few.get("other")) == 0
