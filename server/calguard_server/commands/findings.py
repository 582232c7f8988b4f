"""What a check finds: a line for each thing that was looked at."""

from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """How something stands; `FAILED` is what keeps a server from starting, or from doing its work."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "FAILED"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """A line of the check."""

    name: str
    standing: Standing
    detail: str


def fine(name: str, detail: str) -> Finding:
    """Nothing is wrong."""
    return Finding(name, Standing.OK, detail)


def warning(name: str, detail: str) -> Finding:
    """Something is to be looked at."""
    return Finding(name, Standing.WARNING, detail)


def failed(name: str, detail: str) -> Finding:
    """Something is wrong; the detail says what to do."""
    return Finding(name, Standing.FAILED, detail)


def skipped(name: str, detail: str) -> Finding:
    """It was not looked at; the detail says why."""
    return Finding(name, Standing.SKIPPED, detail)
