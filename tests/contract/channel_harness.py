"""What a channel brings to the tests that every channel must pass: its hook, the other end of its wire, its table."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Self

from calguard_server.domain.notices import Channel
from calguard_server.notifiers.hook import NotifierHook
from calguard_server.notifiers.message import Address

PATIENCE = timedelta(seconds=20)
SHORT = timedelta(milliseconds=800)


@dataclass(frozen=True)
class Expected:
    """What an outcome says, but for its words."""

    sent: bool = False
    permanent: bool = False
    doubtful: bool = False
    retry_after: timedelta | None = None
    held: bool = False


SENT, AGAIN, REFUSED, DOUBTFUL = Expected(sent=True), Expected(), Expected(permanent=True), Expected(doubtful=True)


class Situation(StrEnum):
    """What may befall any channel; "before" and "after" the content was handed over."""

    ACCEPTED = "accepted"
    NOBODY_LISTENS = "nobody listens"
    NOT_TRUSTED = "its certificate is not trusted"
    SILENT_BEFORE = "silent before"
    LOST_BEFORE = "lost before"
    SILENT_AFTER = "silent after"
    LOST_AFTER = "lost after"
    GARBAGE_AFTER = "garbage after"


EXPECTED: Mapping[Situation, tuple[Expected, str]] = MappingProxyType(
    {
        Situation.ACCEPTED: (SENT, ""),
        Situation.NOBODY_LISTENS: (AGAIN, "CONNECTION_LOST: "),
        Situation.NOT_TRUSTED: (AGAIN, ""),
        Situation.SILENT_BEFORE: (AGAIN, "TIMEOUT: "),
        Situation.LOST_BEFORE: (AGAIN, "CONNECTION_LOST: "),
        Situation.SILENT_AFTER: (DOUBTFUL, "TIMEOUT: "),
        Situation.LOST_AFTER: (DOUBTFUL, "CONNECTION_LOST: "),
        Situation.GARBAGE_AFTER: (DOUBTFUL, ""),
    }
)
"""What is made of each, and how its detail begins: the same for every channel."""


@dataclass(frozen=True)
class Row:
    """A row of a channel's retry table: what the other end does, in the harness's own words, and what is made of it."""

    name: str
    answer: object
    expected: Expected
    detail: str


class ChannelHarness(ABC):
    """A channel with a real server at the other end of a socket. `rows` is its retry table.

    `secrets` are texts that only the two ends may know. `told` is the address that an outcome shows, once it is known.
    """

    channel: ClassVar[Channel]
    rows: ClassVar[Sequence[Row]]
    secrets: ClassVar[Sequence[str]]
    address: Address
    told: str

    @classmethod
    @asynccontextmanager
    @abstractmethod
    async def running(cls, _folder: Path) -> AsyncIterator[Self]:
        """Run the other end, accepting everything; what it needs of files is in a folder of its own."""
        yield NotImplemented

    @abstractmethod
    def hook(self, timeout: timedelta = PATIENCE) -> NotifierHook:
        """Make the hook, as it is to be in the situation that was met."""

    @abstractmethod
    async def meet(self, situation: Situation) -> None:
        """Bring the other end into a situation."""

    @abstractmethod
    def answer(self, answer: object) -> None:
        """Have the other end do what a row says."""

    @abstractmethod
    def reached(self) -> bool:
        """Whether the other end has met the message, whatever it made of it."""

    @abstractmethod
    def keys(self) -> list[str]:
        """By what the other end knows each message that it took, in the order in which they came."""

    @abstractmethod
    def check_harmless(self) -> None:
        """Check that the texts of other people forged and ran nothing in the one message that was taken."""
