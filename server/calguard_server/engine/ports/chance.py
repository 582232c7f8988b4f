"""Ids and chance."""

from collections.abc import Callable

NewId = Callable[[str], str]
"""Makes an id that was never made before, beginning with the given word: `NewId("link")`."""


Chance = Callable[[], float]
"""Answers a random number in [0, 1)."""
