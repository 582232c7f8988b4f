"""What operators do about notices: have one sent after all, give one up; also where that is not possible."""

from collections.abc import Awaitable

from calguard_server.domain.errors import CalguardError
from tests.simulation.complaint import demand
from tests.simulation.database import Row
from tests.simulation.owed import Owed
from tests.simulation.world import World

_OPEN = ("PENDING", "SENDING", "RETRYING")
_DONE, _REFUSED = "done", "ILLEGAL_TRANSITION"


async def retry_notice(world: World) -> None:
    """Mostly one that is DEAD: it begins afresh."""
    chosen = _which(world, "DEAD")
    if chosen is None:
        return
    (row, owed), asked = chosen, world.now
    outcome = await _outcome(world.server.engine.notifications.retry(row.id))
    _judge(row, outcome, legal=row.state == "DEAD")
    if outcome == _DONE:
        owed.retry(asked)
    _note(world, "retry", row, outcome)


async def discard_notice(world: World) -> None:
    """Mostly one that is not over yet, or is DEAD: it is over for good."""
    chosen = _which(world, "DEAD", "PENDING", "RETRYING")
    if chosen is None:
        return
    row, owed = chosen
    outcome = await _outcome(world.server.engine.notifications.discard(row.id))
    _judge(row, outcome, legal=row.state in ("DEAD", "PENDING", "RETRYING"))
    owed.discarded = outcome == _DONE or owed.discarded
    _note(world, "discard", row, outcome)


def _which(world: World, *states: str) -> tuple[Row, Owed] | None:
    rows = [row for row in world.database.rows() if not row.for_operator]
    wanted = [row for row in rows if row.state in states]
    among = wanted if wanted and world.random.random() < 0.85 else rows[-40:]
    row = world.random.choice(among) if among else None
    owed = world.model.notices.book.owed.get(row.key) if row is not None else None
    return (row, owed) if row is not None and owed is not None else None


async def _outcome(call: Awaitable[object]) -> str:
    try:
        await call
    except CalguardError as refusal:
        return refusal.reason
    return _DONE


def _judge(row: Row, outcome: str, *, legal: bool) -> None:
    """What was still open may have gone on since it was looked at."""
    expected = {_DONE, _REFUSED} if row.state in _OPEN else {_DONE} if legal else {_REFUSED}
    demand(outcome in expected, f"{row.key}, which was {row.state}: {outcome}")


def _note(world: World, what: str, row: Row, outcome: str) -> None:
    world.ledger.changed_by_hand(row, world.now)
    world.note(f"{what} {row.key}, which was {row.state} -> {outcome}")
    world.tally[f"{what} {outcome}"] += 1
