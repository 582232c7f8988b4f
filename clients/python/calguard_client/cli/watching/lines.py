"""A watch told line by line: for people, and as JSON."""

import json
import select
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from google.protobuf.json_format import MessageToDict
from rich.text import Text

from calguard.v1.watch_pb2 import WatchResponse
from calguard_client.cli.change_line import change_line
from calguard_client.cli.session import Session
from calguard_client.cli.watching.bookmark import Bookmark
from calguard_client.cli.watching.heard import events_of
from calguard_client.cli.watching.interruptions import Interruptions
from calguard_client.watching.events import (
    Changes,
    Interrupted,
    Progress,
    SnapshotEnded,
    SnapshotPart,
    SnapshotStarted,
    WatchEvent,
)
from calguard_client.watching.watch import Watch

_NAMES: Mapping[type[WatchEvent], str] = {
    SnapshotStarted: "SNAPSHOT_STARTED",
    SnapshotPart: "SNAPSHOT",
    SnapshotEnded: "SNAPSHOT_ENDED",
    Changes: "CHANGES",
    Progress: "PROGRESS",
}


def print_lines(session: Session, watch: Watch, bookmark: Bookmark) -> None:
    """Print events for ever. Raises WatchEndedError, and BrokenPipeError once nobody reads any more."""
    interruptions = Interruptions(session)
    _when_reader_leaves(watch.close)
    tell = _tell_json if session.as_json else _tell
    for event in events_of(watch, bookmark):
        interruptions.note(event)
        tell(session, event)
    raise BrokenPipeError  # nothing else closes the watch


def _tell(session: Session, event: WatchEvent) -> None:
    for change in event.changes:
        session.screen.entry(*change_line(change))
    if isinstance(event, SnapshotEnded):
        session.screen.line(Text("-- so it stands; changes follow --", "dim"))


def _tell_json(session: Session, event: WatchEvent) -> None:
    """Print the message as the server sent it, with the event's name in front."""
    if isinstance(event, Interrupted):
        return
    message = WatchResponse(
        changes=event.changes,
        resume_token=event.resume_token,
        snapshot_complete=isinstance(event, SnapshotEnded),
        progress=isinstance(event, Progress),
    )
    fields = MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    session.screen.raw(json.dumps({"event": _NAMES[type(event)]} | fields))


def _when_reader_leaves(act: Callable[[], None]) -> None:
    """Act once the other end of stdout is closed, though nothing is written: `head` is not to be waited for."""
    with suppress(OSError):  # what stands in for stdout has no descriptor
        descriptor = sys.stdout.fileno()
        threading.Thread(target=_wait_for_hangup, args=(descriptor, act), daemon=True).start()


def _wait_for_hangup(descriptor: int, act: Callable[[], None]) -> None:
    poll = select.poll()
    poll.register(descriptor, 0)  # what is never asked for, an error or a hangup, is always told
    poll.poll()
    act()
