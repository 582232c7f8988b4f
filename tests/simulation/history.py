"""One history, from its seed: the same seed and the same number of steps make the same history."""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from tests.fakes.virtual_time import run_virtually
from tests.simulation import steps
from tests.simulation.world import World


@dataclass(frozen=True)
class Told:
    """What a history was: its trace, what happened in it, and the failure that ended it, if any."""

    seed: int
    steps: int
    trace: list[str]
    tally: Counter[str]
    failure: BaseException | None = None

    @property
    def digest(self) -> str:
        """The same for the same history."""
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()[:16]

    def story(self, lines: int = 0) -> str:
        """The trace, or its last lines, with the failure and how to play it again."""
        trace = "\n".join(self.trace[-lines:])
        again = f"make simulate SEED={self.seed} STEPS={self.steps}"
        ending = "All was as the rules have it." if self.failure is None else repr(self.failure)
        return f"{trace}\n{ending}\nThe same history again: {again}"


def run_history(seed: int, count: int) -> Told:
    """Run a history of so many steps."""
    with _without_log(), TemporaryDirectory() as folder:
        return run_virtually(_run(seed, count, Path(folder) / "db"))


@contextmanager
def _without_log() -> Iterator[None]:
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


async def _run(seed: int, count: int, path: Path) -> Told:
    world = World(seed, path)
    await world.begin()
    failure: BaseException | None = None
    try:
        await steps.begin(world)
        for _ in range(count):
            await steps.step(world)
        await steps.end(world)
        await world.end()
    except Exception as error:  # noqa: BLE001 - told with the seed and the trace
        failure = world.complaint or error
        await world.kill()
    return Told(seed, count, world.trace, _tally(world), failure)


def _tally(world: World) -> Counter[str]:
    tally = Counter(world.tally)
    tally.update(world.model.seen)
    tally.update(world.model.notices.book.seen)
    tally.update({f"met {reason}": count for reason, count in world.google.met.items()})
    tally.update({f"sent {what}": count for what, count in world.post.sent.items()})
    tally.update({f"dropped {reason}": count for reason, count in world.ledger.suppressed.items()})
    for server in world.servers:
        tally.update({f"due check {reason}": count for reason, count in server.checks.items()})
    for mirror in world.mirrors:
        tally.update({f"mirror {what}": count for what, count in mirror.told.items()})
    return tally
