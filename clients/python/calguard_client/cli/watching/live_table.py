"""A watch as a live table: a thread reads the events, and this one draws what they come to."""

import queue
import threading
import time
from typing import TypeAlias

from calguard_client.cli.failures import told
from calguard_client.cli.live import LiveScreen
from calguard_client.cli.session import Session
from calguard_client.cli.watching.board import Board
from calguard_client.cli.watching.board_view import Moment, draw
from calguard_client.cli.watching.bookmark import Bookmark
from calguard_client.cli.watching.heard import events_of
from calguard_client.watching.events import WatchEvent
from calguard_client.watching.watch import Watch

_TICK_SECONDS = 0.5
"""How often it is drawn where nothing happens: ages go on, and the terminal's size may have changed."""
_PAUSE_SECONDS = 0.2
"""How often it is drawn at most."""
_PAUSES_PER_DRAWING = 4
"""Drawing takes no more than a part of the time, however much there is to rank."""
_WAITING_MAX = 1000
"""How many events may wait to be taken in; then the reader waits, and the server sends the latest only."""

Events: TypeAlias = "queue.Queue[WatchEvent | BaseException]"


def show_table(session: Session, watch: Watch, bookmark: Bookmark) -> None:
    """Show a table for ever. Raises WatchEndedError."""
    events: Events = queue.Queue(_WAITING_MAX)
    reader = threading.Thread(target=_read, args=(watch, bookmark, events), name="calguard-watch", daemon=True)
    reader.start()
    board = Board()
    _take(board, _next(events, None))  # where nobody answers at all, that is told as ever
    with session.screen.showing() as screen:
        while True:
            took = _draw(screen, session, board)
            _take_waiting(board, events, max(_PAUSE_SECONDS, took * _PAUSES_PER_DRAWING))


def _read(watch: Watch, bookmark: Bookmark, events: Events) -> None:
    try:
        for event in events_of(watch, bookmark):
            events.put(event)
    except BaseException as error:  # noqa: BLE001 - raised again where it is drawn
        events.put(error)


def _next(events: Events, timeout: float | None) -> WatchEvent:
    """Answer the next event. Raises queue.Empty, and what ended the reader."""
    event = events.get(timeout=timeout)
    if isinstance(event, BaseException):
        raise event
    return event


def _take_waiting(board: Board, events: Events, pause: float) -> None:
    """Take in what comes until it is time to draw: soon where something came, else at the next tick."""
    until = time.monotonic() + max(pause, _TICK_SECONDS)
    while (left := until - time.monotonic()) > 0:
        try:
            _take(board, _next(events, left))
        except queue.Empty:
            return
        until = min(until, time.monotonic() + pause)


def _take(board: Board, event: WatchEvent) -> None:
    moment = _now()
    board.take(event, moment.at, moment.wall)


def _draw(screen: LiveScreen, session: Session, board: Board) -> float:
    """Draw, and answer how many seconds that took."""
    moment = _now()
    why = "" if board.trouble is None else told(board.trouble, session)
    screen.draw(draw(board, session.server, why, screen.size, moment))
    return time.monotonic() - moment.at


def _now() -> Moment:
    return Moment(time.monotonic(), time.time())  # noqa: TID251 - the command is where the time comes from
