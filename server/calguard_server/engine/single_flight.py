"""Of several who ask the same at once, one asks, and all are answered by that."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Flight(Generic[V]):
    """An asking under way, and how many wait for it."""

    def __init__(self, asking: Coroutine[Any, Any, V]) -> None:
        self.task: asyncio.Task[V] = asyncio.create_task(asking)
        self.askers = 0


class SingleFlight(Generic[K, V]):
    """Shares what is asked at the same time under the same key; what all have given up is given up."""

    def __init__(self) -> None:
        self._flights: dict[K, _Flight[V]] = {}

    async def ask(self, key: K, ask: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """Join who asks already, or ask. Raises what asking raises, to each who waits."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(ask())
        flight.askers += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.askers -= 1
            if flight.task.done() or not flight.askers:
                self._leave(key, flight)

    def forget(self, key: K) -> None:
        """Let nobody join who asks now: what is found may be out of date. Those who wait for it are answered."""
        self._flights.pop(key, None)

    def _leave(self, key: K, flight: _Flight[V]) -> None:
        flight.task.cancel()
        if self._flights.get(key) is flight:
            del self._flights[key]

    def __len__(self) -> int:
        return len(self._flights)
