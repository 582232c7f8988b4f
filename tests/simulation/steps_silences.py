"""What operators do so that people are left alone for a while."""

from datetime import timedelta

from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.silence import Silence
from tests.simulation import silence_rules
from tests.simulation.steps_links import check
from tests.simulation.world import World


async def silence(world: World, parts: tuple[str, str, str] | None = None) -> None:
    """Of a page that is stopped, or of what is to be told just now, as a rule; for seconds to hours."""
    page, account, link = parts or _what(world)
    if not (page or account or link):
        return
    lasts = timedelta(seconds=world.random.choice((world.random.uniform(1, 60), world.random.uniform(60, 5000))))
    begun = world.now
    created = await world.server.engine.silences.create(
        Silence(
            id="",
            booking_page_id=page,
            account_id=account,
            calendar_link_id=link,
            end_time=begun + lasts,
            reason="left alone",
            create_time=begun,
        )
    )
    world.model.notices.book.silences.add(
        silence_rules.Silence(created.id, page, account, link, begun, created.end_time)
    )
    world.note(f"silence {created.id} {page or '-'} {account or '-'} {link or '-'} for {lasts}")
    world.tally["silences"] += 1


async def silence_in_time(world: World) -> None:
    """And right after that the rule stops the page, or the link fails."""
    well = {link.account: link for link in world.model.links.known.values() if link.state == "LINKED" and link.checks}
    pages = [page for page in world.model.pages.values() if page.view().accepting and well.keys() & set(page.names)]
    if not pages:
        return
    page = world.random.choice(pages)
    link = well[world.random.choice(sorted(well.keys() & set(page.names)))]
    parts = ((page.id, "", ""), ("", page.owner, ""), ("", link.account, ""), ("", "", link.id))
    await silence(world, world.random.choice(parts))
    world.google.account(link.subject).faults = [(Finding(CauseReason.AUTHORIZATION_REVOKED), 1.0)]
    await check(world, link.id)


async def end_silence(world: World) -> None:
    """Before its time."""
    known = [
        each.id
        for each in world.model.notices.book.silences.known.values()
        if each.end > world.now + timedelta(seconds=1)
    ]
    if known:
        chosen = world.random.choice(known)
        await world.server.engine.silences.delete(chosen)
        world.model.notices.book.silences.end(chosen, world.now)
        world.note(f"end silence {chosen}")
        world.tally["silences ended"] += 1


def _what(world: World) -> tuple[str, str, str]:
    random, model = world.random, world.model
    pages, people, links = sorted(model.pages), sorted(model.people.now()), sorted(model.links.known)
    stopped = [page.id for page in model.pages.values() if page.view().faulty]
    failed = [link.id for link in model.links.known.values() if link.state == "FAILED"]
    waiting = [name for name in world.ledger.waiting() if name in people]
    page = random.choice(stopped or pages or [""])
    account = random.choice(waiting or people or [""])
    link = random.choice(failed or links or [""])
    return random.choice(((page, "", ""), ("", account, ""), ("", "", link), (page, account, ""), (page, "", link)))
