"""What happens to pages."""

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from calguard_server.domain.account import SlackAddress
from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.etags import etag_of
from calguard_server.domain.page import AssignmentMethod, BookingPage, FaultyMembers, Member, SchedulingMode
from calguard_server.engine.requests import Request
from calguard_server.grpc_api.convert import page_to_wire
from tests.fakes.service import make_page
from tests.fakes.virtual_server import Server
from tests.simulation.asking import ask, request_id
from tests.simulation.complaint import same
from tests.simulation.page_rules import PageByRules
from tests.simulation.plain import Slack, page_view
from tests.simulation.steps_links import check
from tests.simulation.wishes import Wish
from tests.simulation.world import World

PAGES = ("p1", "p2", "p3", "p4", "p5", "p6")
_NEVER_A_MEMBER = "zoe"


async def create_page(world: World, page_id: str = "") -> None:
    """A page of any mode, with any members; sometimes of an id that is taken."""
    free = [each for each in PAGES if each not in world.model.pages]
    chosen = world.random.choice(free if free and world.random.random() < 0.9 else PAGES)
    page = PageByRules(page_id or chosen, **_drawn(world, every=True))
    wished = _page(page)

    async def create(server: Server, request: Request | None) -> BookingPage:
        return await server.engine.pages.create(wished, request)

    await _ask(world, Wish("page.create", page.id, world.now, {"page": page}), create)


async def update_page(world: World) -> None:
    """Other members, another mode, another owner; sometimes by somebody who read it before it was changed."""
    page_id, etag = _which(world), ""
    fields: dict[str, Any] = {"set": _drawn(world, every=False)}
    known = world.model.pages.get(page_id)
    if known is not None and world.random.random() < 0.3:
        read = known if world.random.random() < 0.6 else known.changed({"title": "as it was"})
        fields["as_read"], etag = read.settable(), etag_of(_page(read))
    await _set(world, page_id, fields.pop("set"), etag, **fields)


async def hand_over(world: World) -> None:
    """A page that is stopped by rule gets another owner, perhaps the one before again, and perhaps the other again."""
    stopped = _stopped_by_rule(world)
    people = sorted(world.model.people.now())
    if not stopped or not people:
        return
    page, other = world.random.choice(stopped), world.random.choice(people)
    for owner in (other, page.owner, other)[: world.random.choice((1, 2, 3, 3))]:
        await _set(world, page.id, {"owner": owner})
        await world.pass_time(timedelta(seconds=world.random.uniform(0, 8)))
        await world.settle()
        world.ledger.check(world.now)


async def delete_page(world: World) -> None:
    page_id = _which(world)

    async def delete(server: Server, request: Request | None) -> None:
        await server.engine.pages.delete(page_id, "", request)

    await _ask(world, Wish("page.delete", page_id, world.now), delete)


async def stop_page(world: World, page_id: str = "") -> None:
    """By the owner's hand; sometimes it is stopped so already, or by the rule."""
    stopped = _stopped_by_rule(world)
    if not page_id:
        page_id = world.random.choice(stopped).id if stopped and world.random.random() < 0.4 else _which(world)

    async def stop(server: Server, request: Request | None) -> BookingPage:
        return await server.engine.pages.stop(page_id, request)

    await _ask(world, Wish("page.stop", page_id, world.now), stop)


async def stop_in_time(world: World) -> None:
    """A page that the rule has just stopped is stopped by hand, before anybody is told."""
    well = {link.account: link for link in world.model.links.known.values() if link.state == "LINKED" and link.checks}
    pages = [page for page in world.model.pages.values() if page.view().accepting and well.keys() & set(page.names)]
    if pages:
        page = world.random.choice(pages)
        link = well[world.random.choice(sorted(well.keys() & set(page.names)))]
        world.google.account(link.subject).faults = [(Finding(CauseReason.AUTHORIZATION_REVOKED), 1.0)]
        await check(world, link.id)
        await stop_page(world, page.id)


async def resume_page(world: World) -> None:
    """Mostly one that is stopped by hand; sometimes it is stopped again before anybody is told that it still is."""
    stopped = [page.id for page in world.model.pages.values() if page.by_hand]
    if not stopped and world.random.random() < 0.7:
        return
    page_id = world.random.choice(stopped) if stopped and world.random.random() < 0.9 else _which(world)

    async def resume(server: Server, request: Request | None) -> BookingPage:
        return await server.engine.pages.resume(page_id, request)

    await _ask(world, Wish("page.resume", page_id, world.now), resume)
    if world.random.random() < 0.4 and not world.together:
        await world.pass_time(timedelta(seconds=world.random.uniform(0, 5)))
        await stop_page(world, page_id)


async def _set(world: World, page_id: str, changed: dict[str, Any], etag: str = "", **fields: object) -> None:
    changes = _values(changed)

    async def update(server: Server, request: Request | None) -> BookingPage:
        return await server.engine.pages.update(page_id, changes, etag, request)

    await _ask(world, Wish("page.update", page_id, world.now, {"set": changed, **fields}), update)


async def _ask(world: World, wish: Wish, call: Any) -> None:  # noqa: ANN401 - a Call
    answer = await ask(world, wish, call, request_id=request_id(world))
    if isinstance(answer, BookingPage):
        told = world.model.last_seen.get(("PageView", answer.id))
        if told is not None and told.revision == answer.revision:
            same(page_view(page_to_wire(answer)), told.thing, f"what {wish} answers")


def _stopped_by_rule(world: World) -> list[PageByRules]:
    return [page for page in world.model.pages.values() if page.view().stop_cause == "CALENDAR_FAILURE"]


def _which(world: World) -> str:
    return (
        world.random.choice(sorted(world.model.pages) if world.random.random() < 0.93 else PAGES)
        if (world.model.pages)
        else PAGES[0]
    )


def _drawn(world: World, *, every: bool) -> dict[str, Any]:
    """Draw the fields of a page, every one of them or some."""
    random = world.random
    people = sorted(world.model.people.now()) or list(world.names)
    if random.random() < 0.04:
        people.append(_NEVER_A_MEMBER)
    linked = sorted({link.account for link in world.model.links.known.values() if link.checks} & set(people))
    candidates = linked if random.random() < 0.7 else people
    members = random.sample(candidates, min(len(candidates), random.choice((0, 1, 2, 2, 3, 3, 4))))
    fields: dict[str, Any] = {
        "owner": random.choice(people),
        "title": f"Title {random.randrange(50)}",
        "mode": random.choice(("ALL_MEMBERS", "ALL_MEMBERS", "ALL_MEMBERS", "ANY_MEMBER", "ANY_MEMBER", "AUTO_ASSIGN")),
        "members": tuple((member, random.randrange(3)) for member in members),
        "slack": random.choice((Slack(), Slack(), Slack(channel="CPAGE"), Slack(user="UPAGE"))),
        "faulty_members": random.choice(tuple(FaultyMembers)).value,
        "assignment": random.choice(tuple(AssignmentMethod)).value,
    }
    names = list(fields) if every else random.sample(list(fields), random.randrange(1, 4))
    return {name: fields[name] for name in names}


def _values(fields: dict[str, Any]) -> dict[str, Any]:
    """Say it in the engine's words."""
    words = {
        "owner": lambda owner: ("owner_account_id", owner),
        "title": lambda title: ("title", title),
        "mode": lambda mode: ("scheduling_mode", SchedulingMode(mode)),
        "members": lambda members: ("members", tuple(Member(*member) for member in members)),
        "slack": lambda slack: ("slack", SlackAddress(user_id=slack.user, channel_id=slack.channel)),
        "faulty_members": lambda value: ("faulty_members", FaultyMembers(value)),
        "assignment": lambda value: ("assignment_method", AssignmentMethod(value)),
    }
    return dict(words[name](value) for name, value in fields.items())


def _page(page: PageByRules) -> BookingPage:
    fields = {
        "owner": page.owner,
        "title": page.title,
        "mode": page.mode,
        "members": page.members,
        "slack": page.slack,
        "faulty_members": page.faulty_members,
        "assignment": page.assignment,
    }
    return replace(make_page(page.id, SchedulingMode.ALL_MEMBERS, page.owner), **_values(fields))
