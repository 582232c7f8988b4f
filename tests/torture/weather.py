"""Far ends that fail at random: each weather lasts a while, then another comes."""

import random
from abc import ABC, abstractmethod
from collections import Counter
from datetime import timedelta

from calguard_sandbox import Sandbox
from tests.torture.fast_clock import FastClock


class Weather(ABC):
    """`struck` counts how often which fault struck. What hangs, hangs for `longest` at most, and is dropped then."""

    longest = timedelta(seconds=20)

    def __init__(self, sandbox: Sandbox, clock: FastClock, chance: random.Random) -> None:
        self.struck: Counter[str] = Counter()
        self._sandbox = sandbox
        self._clock = clock
        self._chance = chance

    @abstractmethod
    def arise(self) -> None:
        """Put other faults in force."""

    async def change(self) -> None:
        """Other faults than before, for a while; what hangs is dropped."""
        self.clear()
        self.arise()
        await self._clock.sleep(self.longest * self._chance.uniform(0.1, 1))

    def clear(self) -> None:
        """Nothing fails any more."""
        self.struck.update({rule.name: rule.struck for rule in self._sandbox.faults.rules})
        self._sandbox.faults.clear()
