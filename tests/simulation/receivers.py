"""The mail server and Slack of the simulation: they take their time, and refuse, fail or fall silent by their mood."""

from collections import Counter
from datetime import timedelta
from random import Random

from calguard_server.domain.delivery import Outcome
from calguard_server.engine.ports.clock import Clock
from calguard_server.notifiers.message import Address, NoticeMessage
from tests.simulation.post import Post

MOODS: dict[str, dict[str, float]] = {
    "calm": {"sent": 1.0},
    "moody": {"sent": 0.5, "temporary": 0.25, "doubtful": 0.15, "permanent": 0.1},
    "down": {"temporary": 0.9, "doubtful": 0.1},
    "refusing": {"permanent": 1.0},
}


class Receiver:
    """One channel's other end."""

    def __init__(self, channel: str, clock: Clock, random: Random, post: Post) -> None:
        self.mood = "calm"
        self.outcomes: Counter[str] = Counter()
        self._channel = channel
        self._clock = clock
        self._random = random
        self._post = post

    async def send(self, message: NoticeMessage, address: Address) -> Outcome:
        tried = self._post.tried(self._channel, message, address, self._clock.now())
        most = 25_000 if self._random.random() < 0.1 else 400
        await self._clock.sleep(timedelta(milliseconds=self._random.random() * most))
        outcome = self._draw() if _reaches(self._channel, address) else "permanent"
        asked = timedelta(seconds=self._random.random() * 1200) if self._random.random() < 0.2 else None
        wait = asked if outcome in ("temporary", "doubtful") else None
        self.outcomes[outcome] += 1
        self._post.answered(tried, outcome, wait or timedelta(), self._clock.now())
        return Outcome(
            sent=outcome == "sent",
            permanent=outcome == "permanent",
            doubtful=outcome == "doubtful",
            detail="" if outcome == "sent" else f"simulated: {outcome}",
            address=address.email,
            retry_after=wait,
        )

    def _draw(self) -> str:
        chances = MOODS[self.mood]
        return self._random.choices(list(chances), list(chances.values()))[0]


def _reaches(channel: str, address: Address) -> bool:
    by_slack = channel == "SLACK" and address.slack.reaches_somebody
    return bool(address.email) or by_slack
