"""Calling the engine as the edges do, with the wish noted before and its outcome held against the model after."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from calguard_server.domain.account import Account
from calguard_server.domain.errors import CalguardError
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.page import BookingPage
from calguard_server.engine.ending import Ended
from calguard_server.engine.requests import ReplayedError, Request
from calguard_server.grpc_api.convert import account_to_wire, link_to_wire, page_to_wire
from tests.fakes.virtual_server import Server
from tests.simulation import account_wishes, link_wishes
from tests.simulation.complaint import demand, same
from tests.simulation.wishes import ASKED_BY, BROKEN, LOST, REPLAYED, Wish
from tests.simulation.world import World

Call = Callable[[Server, Request | None], Awaitable[Any]]
"""What is called, on whichever server is there, with the request that may be repeated."""


_KEPT = timedelta(hours=23)
_BREAKS = 0.03
"""How many calls break at the very end of their unit of work, after everything was decided."""


class BrokenError(Exception):
    """What a unit of work ends with that breaks: nothing of it may stay."""


@dataclass
class Asked:
    """A call that can be repeated: `answer` is None where none came."""

    wish: Wish
    call: Call
    request: Request
    answer: bytes | None = None


async def ask(world: World, wish: Wish, call: Call, *, request_id: str = "") -> Any:  # noqa: ANN401 - whatever is answered
    """Make a call; answers what it answered, None where it was refused. The wish keeps its outcome."""
    wish.breaks = bool(request_id) and world.random.random() < _BREAKS
    request = Request(request_id, str(wish), _break if wish.breaks else encode) if request_id else None
    asked = Asked(wish, call, request) if request else None
    if asked is not None:
        world.asked.append(asked)
    wish.alone = not world.together
    _note_wish(world, wish)
    task = asyncio.create_task(_call(world, wish, call, request))
    try:
        result = await task
    finally:
        wish.outcome = wish.outcome or LOST
        _note_outcome(world, wish)
    if wish.kind.startswith("account.") and not wish.breaks:
        account_wishes.answered(world.model, wish)
    if asked is not None:
        _keep_answer(world, asked, result)
    return result


def _note_outcome(world: World, wish: Wish) -> None:
    if wish.outcome == LOST and not wish.breaks and wish.kind.startswith("account."):
        world.lost_accounts.append(wish)
    link_wishes.over(world.model, wish)
    world.note(f"{wish} -> {wish.outcome}")
    world.tally[f"{wish.kind}: {wish.outcome}"] += 1


def _keep_answer(world: World, asked: Asked, result: object) -> None:
    """Refusals are not kept: whoever repeats one asks anew."""
    if asked.wish.outcome == "done":
        asked.answer = encode(result)
    else:
        world.asked.remove(asked)


async def _call(world: World, wish: Wish, call: Call, request: Request | None) -> Any:  # noqa: ANN401 - see ask
    ASKED_BY.set(wish)
    try:
        result = await call(world.server, request)
    except CalguardError as refusal:
        wish.outcome = refusal.reason
        return None
    except ReplayedError:
        wish.outcome = REPLAYED
        return None
    except BrokenError:
        wish.outcome = BROKEN
        return None
    wish.outcome = "done"
    return result


def _note_wish(world: World, wish: Wish) -> None:
    if wish.breaks:
        return
    if wish.kind.startswith("account."):
        account_wishes.note(world.model, wish)
    elif wish.kind.startswith("page."):
        world.model.wishes.add(wish)
    else:
        link_wishes.note(world.model, wish)
    if wish.kind in ("disconnect", "link.delete", "account.delete"):
        world.model.links.endings.append(wish)


async def repeat(world: World, asked: Asked) -> None:
    """Make a call once more with its request id: it answers as the first did, and does nothing."""
    first = asked.wish
    if asked.answer is None and not first.effect:
        await _ask_again(world, asked)
        return
    replayed = b""
    try:
        await asked.call(world.server, asked.request)
    except ReplayedError as answer:
        replayed = answer.answer
    demand(bool(replayed), f"{first} was done, and is done again when it is repeated")
    if asked.answer is not None:
        same(replayed, asked.answer, f"the answer of {first}, repeated")
    world.note(f"repeat {first} -> {REPLAYED}")
    world.tally["repeated: replayed"] += 1


async def _ask_again(world: World, asked: Asked) -> None:
    """Nobody knows whether it was done: now it is done, unless it was, or there is nothing to do."""
    first = asked.wish
    world.asked.remove(asked)
    wish = Wish(first.kind, first.target, world.now, first.fields)
    await ask(world, wish, asked.call, request_id=asked.request.id)
    world.tally["repeated: done now"] += 1


async def misuse(world: World, asked: Asked) -> None:
    """The same id with another request is refused, and nothing is done."""
    other = Request(asked.request.id, "something else", encode)
    reason = ""
    try:
        await asked.call(world.server, other)
    except CalguardError as refusal:
        reason = refusal.reason
    same(reason, "REQUEST_ID_REUSED", f"the id of {asked.wish}, used for another request")
    world.tally["repeated: misused"] += 1


def encode(result: object) -> bytes:
    """What is kept of an answer."""
    match result:
        case Account():
            return account_to_wire(result).SerializeToString()
        case CalendarLink():
            return link_to_wire(result).SerializeToString()
        case BookingPage():
            return page_to_wire(result).SerializeToString()
        case Ended():
            return encode(result.link) + result.revocation.value.encode()
        case _:
            return repr(result).encode()


def _break(_: object) -> bytes:
    raise BrokenError


def request_id(world: World) -> str:
    """A fresh id for half of the calls."""
    return f"{world.random.getrandbits(128):032x}" if world.random.random() < 0.5 else ""


def repeatable(world: World) -> list[Asked]:
    """The calls whose answers are kept for certain: those of less than a day ago."""
    world.asked = [asked for asked in world.asked if world.now - asked.wish.time < _KEPT]
    return world.asked
