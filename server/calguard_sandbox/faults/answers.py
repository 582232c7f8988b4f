"""The ways in which a call can go wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class HttpReply:
    """An HTTP answer given in place of the true one; a `body` that is no string is sent as JSON."""

    status: int
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SmtpReply:
    """An SMTP answer given in place of the true one."""

    code: int
    text: str


class Breakage(StrEnum):
    """What becomes of the connection."""

    DROP = "drop"
    HANG = "hang"
    GARBAGE = "garbage"
    CUT_SHORT = "cut_short"


@dataclass(frozen=True, slots=True)
class NetworkFault:
    """The connection breaks: before anything is done, or (`acted`) after the act and instead of its answer."""

    breakage: Breakage
    acted: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """The true answer, late: until the rule is lifted the act waits, or (`acted`) the answer alone.

    What is held is carried out then, also where whoever asked is gone.
    """

    acted: bool = False


@dataclass(frozen=True, slots=True)
class CalendarErrors:
    """A free/busy answer of 200 in which calendars carry an error: those the rule names, or else all."""

    reason: str


@dataclass(frozen=True, slots=True)
class OmitField:
    """The true JSON answer without one of its fields."""

    name: str


HttpAnswer = HttpReply | NetworkFault | Hold | CalendarErrors | OmitField
Answer = HttpAnswer | SmtpReply
