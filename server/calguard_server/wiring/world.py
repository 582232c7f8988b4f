"""Time, ids and chance: the real ones."""

import asyncio
import random
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from calguard_server.engine.ports.chance import Chance, NewId
from calguard_server.engine.ports.clock import Clock
from calguard_server.store.connection import LOCK_PATIENCE


class SystemClock:
    """The real time."""

    def now(self) -> datetime:
        """Answer the time, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the one real clock

    def timer(self) -> float:
        """Answer seconds since some moment."""
        return time.monotonic()

    async def sleep(self, duration: timedelta) -> None:
        """Return when that much time has passed."""
        await asyncio.sleep(duration.total_seconds())  # noqa: TID251 - the one real clock


def random_id(noun: str) -> str:
    """Make an id that was never made before: the noun and 80 random bits."""
    return f"{noun}-{uuid.uuid4().hex[:20]}"  # noqa: TID251 - the one real source of ids


@dataclass(frozen=True, slots=True)
class World:
    """Time, ids and chance, as the app takes them; tests bring their own.

    `lock_patience` is for how long SQLite itself waits for another program's lock, which it does in real time.
    """

    clock: Clock
    new_id: NewId
    chance: Chance
    lock_patience: timedelta = LOCK_PATIENCE


def real_world() -> World:
    """Answer the real time, random ids and real chance."""
    return World(SystemClock(), random_id, random.SystemRandom().random)
