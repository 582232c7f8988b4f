"""What the demonstration claims: each claim is held against what was seen, and the first that fails ends it."""

from collections.abc import Sequence
from dataclasses import dataclass


class Mismatch(Exception):  # noqa: N818 - the name says what it is
    """What was seen is not what was expected."""

    def __init__(self, claim: str, expected: object, seen: object) -> None:
        super().__init__(claim)
        self.claim = claim
        self.expected = _lines(expected)
        self.seen = _lines(seen)


@dataclass(frozen=True, slots=True)
class Verified:
    """A claim that held, and where that was seen."""

    claim: str
    where: str


class Claims:
    """The claims that held so far."""

    def __init__(self) -> None:
        self.verified: list[Verified] = []

    def hold(self, claim: str, where: str, *, expected: object, seen: object) -> None:
        """Record a claim. Raises Mismatch where what was seen at `where` differs from what is expected."""
        if expected != seen:
            raise Mismatch(f"{claim} ({where})", expected, seen)
        self.verified.append(Verified(claim, where))


def _lines(value: object) -> tuple[str, ...]:
    if isinstance(value, dict):
        return tuple(f"{key}: {each}" for key, each in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(str(each) for each in value) or ("nothing",)
    return (str(value),)
