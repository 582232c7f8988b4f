"""What happens to links: consent, selection, checks on demand, and their ends."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from calguard_server.domain.causes import CauseReason
from calguard_server.domain.etags import etag_of
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.scopes import REQUESTED_SCOPES
from calguard_server.engine.ending import Ended
from calguard_server.engine.linking import Begun
from calguard_server.engine.linking import Wish as LinkWish
from calguard_server.engine.reports import FailureReport
from calguard_server.engine.requests import Request
from calguard_server.grpc_api.convert import link_to_wire
from tests.fakes.virtual_server import Server
from tests.simulation.asking import ask, request_id
from tests.simulation.complaint import same
from tests.simulation.google import WITHOUT_ADDING, WITHOUT_CHECKING, WITHOUT_LISTING, Code
from tests.simulation.link_wishes import judge, judge_begin
from tests.simulation.plain import link_view
from tests.simulation.wishes import Wish
from tests.simulation.world import World

ATTEMPT_LASTS, TAB_LASTS = timedelta(minutes=30), timedelta(hours=20)
_NEVER_A_LINK = "link-99999"
_SHARED = "team-1"
"""A Google account that several people link."""


async def link(world: World, account: str = "") -> None:
    """Somebody goes to Google's consent page, and comes back, or not in time, or not with what is needed."""
    account = account or _in_need(world)
    begun = await _begin(world, _drawn_consent(world, account))
    if begun is None:
        return
    if world.random.random() < 0.1:
        world.tabs.append(begun)
        return
    await world.pass_time(timedelta(seconds=world.random.choice((1, 20, 90))))
    if world.random.random() < 0.03:
        await world.pass_time(ATTEMPT_LASTS)
    await _complete(world, begun)


async def come_back(world: World) -> None:
    """Somebody comes upon a consent page that was left open."""
    tabs = [tab for tab in world.tabs if world.now - tab.fields["begun"] < TAB_LASTS]
    if tabs:
        tab = world.random.choice(tabs)
        world.tabs.remove(tab)
        await _complete(world, tab)


async def relink(world: World, link_id: str) -> None:
    """Somebody links a link again, in no time."""
    account = world.model.links.known[link_id].account
    begun = await _begin(world, _drawn_consent(world, account) | {"named": link_id})
    if begun is not None:
        await _complete(world, begun)


@dataclass(frozen=True)
class Tab:
    """An attempt at linking, and what is going to come of it at Google."""

    state: str
    fields: dict[str, Any]


async def _complete(world: World, begun: Tab) -> None:
    fields = begun.fields
    code = f"code-{world.random.getrandbits(64):x}"
    world.google.codes[code] = Code(fields["subject"], fields["scopes"], fields["goes"], fields["fault"])

    async def complete(server: Server, _: Request | None) -> CalendarLink:
        declined = "access_denied" if fields["goes"] == "declined" else ""
        return await server.engine.linking.complete(begun.state, code="" if declined else code, error=declined)

    await _ask(world, Wish("link", "", world.now, fields), complete, repeatable=False)
    world.model.links.attempts.over(fields["attempt"])


def _in_need(world: World) -> str:
    """Mostly somebody who has no link that works."""
    healthy = {link.account for link in world.model.links.known.values() if link.state in ("LINKED", "DEGRADED")}
    in_need = sorted(world.model.people.now().keys() - healthy)
    return world.random.choice(in_need if in_need and world.random.random() < 0.7 else world.names)


async def _begin(world: World, fields: dict[str, Any]) -> Tab | None:
    wish = Wish("begin", fields["account"], world.now, {name: fields[name] for name in ("account", "named")})
    wished = LinkWish(
        fields["account"],
        fields["named"],
        select_primary=fields["select_primary"],
        allow_account_change=fields["allow_change"],
    )

    async def begin(server: Server, _: Request | None) -> Begun:
        return await server.engine.linking.begin(wished)

    expected = judge_begin(world.model, wish)
    begun: Begun | None = await ask(world, wish, begin)
    same(wish.outcome, expected, f"what comes of {wish}")
    if begun is None:
        return None
    attempt = world.model.links.attempts.begun(fields["account"], fields["named"])
    return Tab(begun.state, fields | {"begun": wish.time, "attempt": attempt})


def _drawn_consent(world: World, account: str) -> dict[str, Any]:
    random = world.random
    mine = [each.id for each in world.model.links.of(account)]
    everyones = [*sorted(world.model.links.known), _NEVER_A_LINK]
    named = random.choice(everyones) if random.random() < 0.02 else ""
    if mine and random.random() < 0.4:
        named = random.choice(mine)
    scopes = (REQUESTED_SCOPES, WITHOUT_ADDING, WITHOUT_CHECKING, WITHOUT_LISTING)
    ways = ("well", "declined", "refused", "unverified", "for a while", "fails")
    return {
        "account": account,
        "named": named,
        "subject": _SHARED if random.random() < 0.06 else f"{account}-{random.choice((1, 1, 2))}",
        "select_primary": random.random() < 0.85,
        "allow_change": random.random() < 0.3,
        "scopes": random.choices(scopes, (88, 6, 4, 2))[0],
        "goes": random.choices(ways, (90, 2, 2, 2, 2, 2))[0],
        "fault": random.choice(tuple(CauseReason)),
    }


async def select(world: World, link_id: str = "") -> None:
    """Other calendars to check, another one to add to, or none."""
    random, link_id = world.random, link_id or _which(world)
    known = world.model.links.known.get(link_id)
    subject = known.subject if known is not None else "nobody-1"
    shown = [f"{name}-{subject}" for name in ("primary", "work", "holidays", "busy")]
    checks = tuple(random.sample(shown, random.choice((0, 1, 1, 1, 2, 2, 3, 4))))
    add = random.choice((*shown[:2], *shown[:2], shown[2], "", "", "elsewhere"))
    fields: dict[str, Any] = {"checks": checks, "add": add}
    etag = ""
    if known is not None and random.random() < 0.3:
        fresh = random.random() < 0.6
        fields["as_read"] = (known.checks, known.add, known.subject) if fresh else ((), "as it was", known.subject)
        etag = await _etag(world, link_id) if fresh else "0123456789abcdef"

    async def choose(server: Server, request: Request | None) -> CalendarLink:
        return await server.engine.selection.select(link_id, checks, add, etag, request)

    await _ask(world, Wish("select", link_id, world.now, fields), choose)


async def list_calendars(world: World) -> None:
    """What is found out by the way is not lost."""
    link_id = _which(world)

    async def look(server: Server, _: Request | None) -> object:
        return await server.engine.selection.list_calendars(link_id)

    await _ask(world, Wish("list", link_id, world.now), look, repeatable=False)


async def check(world: World, link_id: str = "") -> None:
    link_id = link_id or _which(world)

    async def look(server: Server, _: Request | None) -> CalendarLink:
        return await server.engine.checks.check_now(link_id)

    await _ask(world, Wish("check", link_id, world.now), look, repeatable=False)


async def report(world: World, link_id: str = "") -> None:
    """Another service met a failure: the link is checked, and nothing is believed."""
    link_id = link_id or _which(world)
    met = FailureReport(link_id, world.random.choice((0, 404, 503)))

    async def tell(server: Server, _: Request | None) -> CalendarLink:
        return (await server.engine.reports.report(met)).link

    await _ask(world, Wish("report", link_id, world.now), tell, repeatable=False)


async def disconnect(world: World, link_id: str = "") -> None:
    link_id = link_id or _which(world)

    async def end(server: Server, request: Request | None) -> Ended:
        return await server.engine.ending.disconnect(link_id, request)

    await _ask(world, Wish("disconnect", link_id, world.now), end)


async def delete_link(world: World, link_id: str = "") -> None:
    link_id = link_id or _which(world)

    async def end(server: Server, request: Request | None) -> object:
        return await server.engine.ending.delete(link_id, "", request)

    await _ask(world, Wish("link.delete", link_id, world.now), end)


async def _ask(world: World, wish: Wish, call: Any, *, repeatable: bool = True) -> None:  # noqa: ANN401 - a Call
    answer = await ask(world, wish, call, request_id=request_id(world) if repeatable else "")
    answer = answer.link if isinstance(answer, Ended) else answer
    if isinstance(answer, CalendarLink):
        told = world.model.last_seen[("LinkView", answer.id)]
        if told.revision == answer.revision:
            same(link_view(link_to_wire(answer)), told.thing, f"what {wish} answers")
        _, due = world.database.counts().get(answer.id, (None, answer.next_check_time))
        if wish.alone and wish.kind in ("check", "link", "select"):
            same(answer.next_check_time, due, f"when {answer.id} is checked next, as {wish} answers")
    judge(world.model, wish)


async def _etag(world: World, link_id: str) -> str:
    stored = await world.server.store.link(link_id)
    return etag_of(stored) if stored is not None else ""


def _which(world: World) -> str:
    everyone = world.model.links.known
    connected = [link_id for link_id in sorted(everyone) if everyone[link_id].state != "STOPPED"]
    known = connected if connected and world.random.random() < 0.9 else sorted(everyone)
    return world.random.choice(known) if known and world.random.random() < 0.96 else _NEVER_A_LINK
