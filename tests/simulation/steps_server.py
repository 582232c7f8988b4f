"""What happens to the server: it stops and starts again, it dies at any moment, and callers repeat what they asked."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from tests.simulation import account_wishes
from tests.simulation.asking import Asked, misuse, repeat, repeatable
from tests.simulation.wishes import LOST
from tests.simulation.world import World

Step = Callable[[World], Awaitable[None]]


async def restart(world: World) -> None:
    """End in good order, and begin again."""
    await world.stop()
    world.note("the server stops, and starts again")
    world.tally["restarts in good order"] += 1
    await world.start()


async def kill(world: World) -> None:
    """Die some time from now, and begin again."""
    await world.pass_time(timedelta(seconds=world.random.random() * 8))
    await _die(world)


async def kill_during(world: World, step: Step) -> None:
    """Die while somebody is asking; who asked may ask again."""
    task = asyncio.create_task(step(world))
    await world.pass_time(timedelta(milliseconds=world.random.random() ** 4 * 40))
    await _die(world)
    if not task.cancelled():
        task.result()
    for asked in [asked for asked in world.asked if asked.wish.outcome == LOST]:
        if world.random.random() < 0.7:
            await repeat(world, asked)
        else:
            world.asked.remove(asked)


async def _die(world: World) -> None:
    await world.kill()
    world.note("the server dies, and starts again")
    world.tally["deaths"] += 1
    await world.start()
    stored = world.database.people()
    for wish in world.lost_accounts:
        account_wishes.found_after_all(world.model, wish, stored.get(wish.target), world.now)
    world.lost_accounts.clear()


async def repeat_request(world: World) -> None:
    """Somebody sends a call once more, or another one under its id."""
    asked = repeatable(world)
    if asked:
        chosen: Asked = world.random.choice(asked)
        await (misuse if world.random.random() < 0.2 else repeat)(world, chosen)
