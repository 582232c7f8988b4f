"""Slack and the mail server fail at random: each weather lasts a while, then another comes."""

import random
from collections import Counter
from datetime import timedelta

from calguard_sandbox import Sandbox
from tests.torture.fast_clock import FastClock

_BREAKS_OFF = ("network/drop", "network/drop_after", "network/hang", "network/hang_after", "network/garbage")
_NO_ANSWERS = ("slack/503_html", "slack/200_html")
_SLACK: tuple[str | dict[str, object], ...] = (
    *_BREAKS_OFF,
    *_NO_ANSWERS,
    "slack/ratelimited",
    {"status": 429, "headers": {"Retry-After": "3"}, "body": {"ok": False, "error": "ratelimited"}},
    "slack/500",
    "slack/internal_error",
)
_SLACK_METHODS = (
    "chat.postMessage",
    "chat.postMessage",
    "chat.postMessage",
    "users.lookupByEmail",
    "chat.update",
    None,
)
_SMTP: tuple[str, ...] = (*_BREAKS_OFF, "smtp/421", "smtp/450", "smtp/451", "smtp/452", "smtp/data_451")
_FOR_GOOD = ("smtp/550", "slack/is_archived")
_PHASES = ("mail", "rcpt", "data", "data")
_LONGEST_SECONDS = 20
"""What hangs, hangs for so long at most: a connection that breaks before the sender's patience ends."""


class Weather:
    """`struck` counts how often which fault struck."""

    def __init__(self, sandbox: Sandbox, clock: FastClock, chance: random.Random) -> None:
        self.struck: Counter[str] = Counter()
        self._sandbox = sandbox
        self._clock = clock
        self._chance = chance

    async def change(self) -> None:
        """Other faults than before, for a while; what hangs is dropped."""
        self.clear()
        for _ in range(self._chance.randint(0, 3)):
            self._slack()
        for _ in range(self._chance.randint(0, 3)):
            self._smtp()
        if self._chance.random() < 0.1:
            self._for_good()
        await self._clock.sleep(timedelta(seconds=self._chance.uniform(2, _LONGEST_SECONDS)))

    def clear(self) -> None:
        """Nothing fails any more."""
        self.struck.update({rule.name: rule.struck for rule in self._sandbox.faults.rules})
        self._sandbox.faults.clear()

    def broke_off(self) -> int:
        """How often no answer came, or none that can be read: nobody may know then what came of a message."""
        return sum(self.struck[name] for name in (*_BREAKS_OFF, *_NO_ANSWERS))

    def refused_for_good(self) -> int:
        return sum(self.struck[name] for name in _FOR_GOOD)

    def _slack(self) -> None:
        self._sandbox.fault(
            self._chance.choice(_SLACK),
            surface="slack",
            endpoint=self._chance.choice(_SLACK_METHODS),
            times=self._chance.randint(1, 4),
            after=self._chance.randint(0, 3),
        )

    def _smtp(self) -> None:
        fault = self._chance.choice(_SMTP)
        phase = self._chance.choice(_PHASES) if fault in _BREAKS_OFF else None
        times, after = self._chance.randint(1, 4), self._chance.randint(0, 3)
        self._sandbox.fault(fault, surface="smtp", endpoint=phase, times=times, after=after)

    def _for_good(self) -> None:
        fault = self._chance.choice(_FOR_GOOD)
        endpoint = "chat.postMessage" if fault.startswith("slack") else None
        self._sandbox.fault(fault, endpoint=endpoint, times=1, after=self._chance.randint(0, 3))
