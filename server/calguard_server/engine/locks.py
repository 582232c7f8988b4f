"""One lock a key, kept only while somebody holds it or waits for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


class KeyedLocks:
    """Lets one task at a time work on a key. What is held for a key does not outlive its last user."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[None]:
        """Hold a key's lock."""
        lock, users = self._locks.get(key, (asyncio.Lock(), 0))
        self._locks[key] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks[key]
            if users == 1:
                del self._locks[key]
            else:
                self._locks[key] = (lock, users - 1)

    def __len__(self) -> int:
        return len(self._locks)


@dataclass(frozen=True, slots=True)
class LinkLocks:
    """What those who make and end links hold: one of each at most, and always in the order given here.

    1. `accounts`, by id: which links an account has, and of which Google accounts, stays as it was read.
    2. `subjects`, by Google's subject: the links of all accounts that rest on one Google account's grant.
    3. `links`, by id: checks and selections of calendars hold this one only.
    """

    accounts: KeyedLocks = field(default_factory=KeyedLocks)
    subjects: KeyedLocks = field(default_factory=KeyedLocks)
    links: KeyedLocks = field(default_factory=KeyedLocks)
