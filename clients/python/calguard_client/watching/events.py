"""What a watch tells, event after event."""

from dataclasses import dataclass, field
from datetime import timedelta

from calguard.v1.watch_pb2 import StateChange
from calguard_client.refusal import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchEvent:
    """What every event has.

    `changes` are those that it brings, in the order of their revisions: none in most kinds of event.
    `resume_token` is where to go on once this event has been dealt with; empty where there is nothing new to keep.
    """

    changes: tuple[StateChange, ...] = ()
    resume_token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotStarted(WatchEvent):
    """A snapshot follows: whatever it does not show is gone, once it has ended.

    `cause` is the reason why it was not possible to go on from the last token, such as `RESUME_TOKEN_EXPIRED`; empty
    where there was no token. A snapshot that is broken off is started again, from nothing.
    """

    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotPart(WatchEvent):
    """Some of the resources as they stand, each as a change of the type SNAPSHOT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotEnded(WatchEvent):
    """The snapshot is whole; what follows are the changes after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes(WatchEvent):
    """What happened: one transaction whole, or several, each revision once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(WatchEvent):
    """Nothing happened up to `resume_token`: all is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted(WatchEvent):
    """The stream ended. The watch goes on by itself after the delay, and nothing is lost; this is for the log."""

    refusal: Refusal
    delay: timedelta = field(default=timedelta())
