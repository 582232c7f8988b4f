"""What happens next: steps and how often each is chosen; how a history begins, and how it ends."""

import asyncio
from datetime import timedelta

from tests.simulation import (
    steps_accounts,
    steps_ledger,
    steps_links,
    steps_pages,
    steps_server,
    steps_silences,
    steps_world,
)
from tests.simulation.steps_server import Step
from tests.simulation.verify import verify
from tests.simulation.world import World

ASKED: dict[Step, int] = {
    steps_accounts.create_account: 3,
    steps_accounts.update_account: 10,
    steps_accounts.delete_account: 2,
    steps_links.link: 14,
    steps_links.come_back: 2,
    steps_links.select: 7,
    steps_links.list_calendars: 2,
    steps_links.check: 7,
    steps_links.report: 2,
    steps_links.disconnect: 2,
    steps_links.delete_link: 1,
    steps_pages.create_page: 6,
    steps_pages.update_page: 14,
    steps_pages.hand_over: 4,
    steps_pages.delete_page: 2,
    steps_pages.stop_page: 3,
    steps_pages.stop_in_time: 2,
    steps_pages.resume_page: 5,
}
"""What people do."""

AROUND: dict[Step, int] = {
    steps_world.set_fault: 20,
    steps_world.clear_fault: 13,
    steps_world.pass_time: 34,
    steps_world.change_mood: 5,
    steps_world.bother_watcher: 5,
    steps_ledger.retry_notice: 8,
    steps_ledger.discard_notice: 4,
    steps_silences.silence: 5,
    steps_silences.silence_in_time: 5,
    steps_silences.end_silence: 4,
    steps_server.repeat_request: 6,
    steps_server.restart: 2,
    steps_server.kill: 2,
}
"""What happens besides."""

IN_A_CROWD: dict[Step, int] = {
    steps_world.outage: 5,
    steps_world.outage_over: 8,
}
"""What happens to many at once."""

_DURING, _TOGETHER, _AMID = 4, 6, 6
_MOMENT, _LONGEST_WAIT = timedelta(milliseconds=20), 20_000
_ABOUT_A_LINK = (
    steps_links.check,
    steps_links.report,
    steps_links.select,
    steps_links.disconnect,
    steps_links.delete_link,
    steps_links.relink,
    steps_links.relink,
)
_SIDE_BY_SIDE = (
    steps_links.check,
    steps_links.report,
    steps_links.select,
    steps_links.disconnect,
    steps_pages.update_page,
    steps_pages.stop_page,
    steps_pages.resume_page,
    steps_pages.create_page,
)


async def begin(world: World) -> None:
    """People, most of them with a calendar, and some pages; receivers of any mood."""
    for receiver in world.receivers.values():
        receiver.mood = world.random.choice(("calm", "calm", "moody", "down"))
    for name in world.names:
        await steps_accounts.create_account(world, name)
        if world.random.random() < (0.95 if world.crowded else 0.75):
            await steps_links.link(world, name)
    for page_id in world.random.sample(steps_pages.PAGES, 4):
        await steps_pages.create_page(world, page_id)
    await rest(world)


async def step(world: World) -> None:
    """Do one step, and verify everything after it."""
    many = IN_A_CROWD if world.crowded else {}
    kinds = {**ASKED, **AROUND, **many, _during: _DURING, _together: _TOGETHER, _amid: _AMID}
    chosen = world.random.choices(list(kinds), list(kinds.values()))[0]
    await chosen(world)
    await rest(world)
    world.tally["steps"] += 1


async def rest(world: World) -> None:
    """Let what is under way end, then verify everything."""
    await world.settle()
    verify(world)


async def end(world: World) -> None:
    """Everything heals: what is owed arrives, and nothing is left to be sent."""
    world.note("everything heals")
    for account in world.google.accounts.values():
        account.faults = []
    for receiver in world.receivers.values():
        receiver.mood = "calm"
    while any(each.end > world.now for each in world.model.notices.book.silences.known.values()):
        await world.pass_time(timedelta(minutes=20))
    for mirror in world.mirrors:
        if not mirror.watches:
            mirror.watch(world.server.feed)
    for _ in range(4):
        await world.pass_time(timedelta(minutes=20))
        await rest(world)
    world.ledger.settled()


async def _during(world: World) -> None:
    chosen = world.random.choices(list(ASKED), list(ASKED.values()))[0]
    await steps_server.kill_during(world, chosen)


async def _amid(world: World) -> None:
    """Wait until a link is under check, and do something about it right then."""
    for _ in range(_LONGEST_WAIT):
        if world.google.probing:
            break
        await world.pass_time(_MOMENT)
    else:
        return
    link_id = world.random.choice(sorted(world.google.probing))
    if world.random.random() < 0.1:
        await steps_accounts.delete_account(world, world.model.links.known[link_id].account)
    else:
        await world.random.choice(_ABOUT_A_LINK)(world, link_id)


async def _together(world: World) -> None:
    """Several at once."""
    world.together = True
    chosen = world.random.choices(_SIDE_BY_SIDE, k=world.random.randrange(2, 5))
    await asyncio.gather(*(each(world) for each in chosen))
    world.together = False
