"""What callers ask for: noted before the call, so that the model can tell what explains a change."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.simulation.plain import Met

LOST = "lost"
"""The server ended before it answered: it was done, or it was not."""

REPLAYED = "replayed"
"""It was done before, under the same request id."""

BROKEN = "broken"
"""It broke at the end of its unit of work: nothing of it may stay."""


@dataclass(eq=False)
class Wish:
    """One call. `outcome` is empty while it is under way, then `done`, LOST, or the reason of its refusal.

    `predicted` is what the model expects of it, as soon as it can tell. `alone`: nothing else was asked meanwhile.
    `breaks`: it is to break where it would be done, so nobody is to see anything of it.
    """

    kind: str
    target: str
    time: datetime
    fields: dict[str, Any] = field(default_factory=dict)
    alone: bool = True
    breaks: bool = False
    outcome: str = ""
    predicted: str = ""
    effect: bool = False
    consent: "Agreed | None" = None
    listings: "list[Listing]" = field(default_factory=list)
    refused_by_probe: bool = False
    void: bool = False
    before: tuple[Any, ...] | None = None
    others: dict[str, str] = field(default_factory=dict)

    @property
    def selects(self) -> bool:
        """Whether it came so far that the selection was tried: what a failed listing leads to is a mere check."""
        return self.kind == "select" and all(listing.failed is None for listing in self.listings)

    def __str__(self) -> str:
        goes = self.fields.get("goes", "")
        shown = {
            name: value
            for name, value in self.fields.items()
            if name not in _NOT_SHOWN
            and value not in _USUAL
            and (name != "fault" or goes == "fails")
            and (name != "scopes" or len(value) < _EVERY_SCOPE)
        }
        return " ".join([self.kind, self.target, *(f"{name}={_short(value)}" for name, value in shown.items())])


@dataclass(frozen=True)
class Agreed:
    """What Google answered for a code."""

    subject: str
    email: str
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class Listing:
    """What Google answered when it was asked for the calendars: what failed, or each calendar with its role."""

    failed: Met | None
    shown: tuple[tuple[str, str, bool], ...] = ()


@dataclass(frozen=True)
class Rests:
    """What a check that fell due rests on: how often its link had changed when it was handed out, and its state."""

    changes: int
    state: str


@dataclass(frozen=True)
class Probed:
    """One probe: what it was asked, what it met, by which task, for which wish (None: it fell due).

    `rests` is set for a check that fell due.
    """

    link: str
    checks: tuple[str, ...]
    add: str
    met: tuple[Met, ...]
    scopes: tuple[str, ...] | None
    begun: datetime
    ended: datetime
    task: object
    wish: Wish | None
    rests: Rests | None


HANDED_OUT: ContextVar[Rests | None] = ContextVar("handed_out", default=None)
"""What the running task's check rests on, where it fell due."""

ASKED_BY: ContextVar[Wish | None] = ContextVar("asked_by", default=None)
"""The wish that the running task works for."""


_NOT_SHOWN = ("before", "begun", "as_read", "attempt")
_USUAL = ("", (), False, "well")
_EVERY_SCOPE = 5


def _short(value: object) -> str:
    if isinstance(value, dict):
        return "{" + " ".join(f"{name}={_short(each)}" for name, each in value.items()) + "}"
    if isinstance(value, tuple):
        return "[" + ",".join(_short(each).rsplit("/")[-1] for each in value) + "]"
    return str(value)
