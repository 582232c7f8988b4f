"""Everything, compared with the model, whenever nothing is under way but what is being sent."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from tests.simulation.alerts import check_alerts
from tests.simulation.complaint import demand, same
from tests.simulation.follow_links import counts_of
from tests.simulation.link_rules import LinkByRules
from tests.simulation.page_rules import LinkState, standing
from tests.simulation.plain import LinkView, PageView, Thing
from tests.simulation.world import World

_LATE = timedelta(seconds=45)
"""How late a check may begin: the loop looks every few seconds, and a probe may take some."""


_EPOCH, _PRECISION = datetime(1970, 1, 1, tzinfo=UTC), 1e-6

_WORK_A_STEP, _WORK_A_SECOND = 2000, 5
"""How much a server asks of its store: it waits for what is due, and does not look for it all the time."""


def verify(world: World) -> None:
    """Raise ComplaintError where anything is not as the rules say."""
    world.raise_complaints()
    _verify_effort(world)
    world.model.rest(world.now)
    links, pages = world.database.links(), world.database.pages()
    _verify_links(world, [view for view, _ in links])
    _verify_pages(world, [view for view, _ in pages], [view for view, _ in links])
    providers = world.database.providers()
    for view, _ in providers:
        same(view, world.model.provider.view(), "the provider as it is stored")
    stored = [*links, *pages, *providers]
    _verify_log(world, stored)
    same(world.database.people(), world.model.people.now(), "the accounts there are")
    for mirror in world.mirrors:
        if mirror.watches:
            mirror.check([view for view, _ in stored])
    world.ledger.check(world.now)
    _verify_alerts(world)


def _verify_effort(world: World) -> None:
    """The server did not run in circles since it was looked at last."""
    done = sum(server.connections.done for server in world.servers)
    before, since = world.effort or (0, world.now)
    seconds = (world.now - since).total_seconds()
    bearable = done - before <= _WORK_A_STEP + _WORK_A_SECOND * seconds
    demand(bearable, f"the store did {done - before} pieces of work in {seconds} s")
    world.effort = (done, world.now)


def _verify_links(world: World, stored: list[LinkView]) -> None:
    """Each link is as the severities and thresholds make it, counts and all, and is checked in time."""
    model, kept = world.model.links.known, world.database.counts()
    same(sorted(kept), sorted(model), "the links there are")
    for view in stored:
        link = model[view.id]
        same(view, link.view(), f"link {view.id} as it is stored")
        counts, due = kept[view.id]
        if link.state != "STOPPED":  # the times of a check right before the end may be lost
            same(counts, counts_of(link), f"what is counted of link {view.id}")
        expected = link.next_check_between()
        same(due is None, expected is None, f"whether link {view.id} is to be checked")
        if due is not None and expected is not None:
            demand(expected[0] <= due <= expected[1], f"link {view.id} is due at {due}, not in {expected}")
            demand(due + _LATE >= world.now, f"link {view.id} was due at {due}, and it is {world.now}")
            _verify_instant(link, due)


def _verify_instant(link: LinkByRules, due: datetime) -> None:
    """A regular check is due at the link's own instant of the interval, always the same part of it."""
    if not link.at_its_instant:
        return
    part = (due - _EPOCH).total_seconds() % link.interval / link.interval
    link.phase = part if link.phase is None else link.phase
    apart = abs(part - link.phase)
    demand(min(apart, 1 - apart) < _PRECISION, f"link {link.id} is due at {part} of its interval, not at {link.phase}")


def _verify_pages(world: World, stored: list[PageView], links: list[LinkView]) -> None:
    """Each page is as the rules, applied afresh to the stored links, make it; and as the model followed it."""
    same(sorted(view.id for view in stored), sorted(world.model.pages), "the pages there are")
    for view in stored:
        page = world.model.pages[view.id]
        of_members = [
            [
                LinkState(link.id, link.state, link.cause, link.checks, link.add)
                for link in links
                if link.account == name
            ]
            for name, _ in view.members
        ]
        afresh = standing(view.mode, of_members, page.names, by_hand=page.by_hand)
        now = (view.state, view.accepting, view.stop_cause, view.faulty)
        same(now, (afresh.state, afresh.accepting, afresh.stop_cause, afresh.faulty), f"page {view.id}, judged afresh")
        same(view, page.view(), f"page {view.id} as it is stored")


def _verify_log(world: World, stored: Sequence[tuple[Thing, int]]) -> None:
    """No revision is missing, and the last change of everything tells what is stored."""
    log = world.database.log()
    revisions = [revision for revision, _ in log]
    if revisions:
        same(revisions, list(range(revisions[0], world.model.revision + 1)), "the revisions in the log")
    for revision, encoded in log:
        if revision > world.log_verified:
            same(encoded, world.encoded.pop(revision), f"revision {revision} in the log and as it was told")
    world.log_verified = world.model.revision
    last = {key: change for key, change in world.model.last_seen.items() if change.type != "DELETED"}
    same(sorted(last), sorted((type(view).__name__, view.id) for view, _ in stored), "what the log leads up to")
    for view, revision in stored:
        change = last[type(view).__name__, view.id]
        same((view, revision), (change.thing, change.revision), f"{view.id}, and what the log tells of it last")


def _verify_alerts(world: World) -> None:
    links = world.model.links
    of_incidents = {each for each in world.ledger.alert_ids if each.startswith("provider-incident-")}
    same(of_incidents, world.model.provider.alert_ids(), "what the operator is told of incidents")
    others = world.ledger.alert_ids - of_incidents
    check_alerts(others, {*links.alerts, *world.ledger.dead}, links.lost_alerts)
