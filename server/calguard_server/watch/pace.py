"""How long a stream lasts, how often it speaks, and how slow its reader may be."""

from dataclasses import dataclass

from calguard_server.engine.ports.chance import Chance


@dataclass(frozen=True, slots=True)
class Pace:
    """All in seconds. `lifetime`: after it the stream ends by itself, at the next moment when all is sent.

    `progress_interval`: how long it may be silent. `write_timeout`: how long one message may wait for its reader.
    `snapshot_timeout`: how long a snapshot may take, which holds a connection to the database until it is read.
    """

    lifetime: float
    progress_interval: float
    write_timeout: float = 10.0
    snapshot_timeout: float = 300.0


def random_lifetime(least: float, chance: Chance) -> float:
    """Draw from `least` to twice that, so that streams that began together do not end together."""
    return least * (1 + chance())


def jittered(interval: float, chance: Chance) -> float:
    """Shorten an interval by up to a tenth, so that streams that began together do not speak together for ever."""
    return interval * (1 - chance() / 10)
