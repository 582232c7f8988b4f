"""A screen that is drawn again and again: on a terminal of its own, with what was there before put back at the end."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

from click.exceptions import Exit
from rich.console import Console, RenderableType
from rich.live import Live

_EXIT_TERMINATED = 128 + signal.SIGTERM


def is_for_people(console: Console) -> bool:
    """Answer whether somebody sits before it: a terminal for both ways, and this program in its foreground.

    A job in the background, of a shell that controls jobs or of a script, must not take the terminal over.
    """
    terminal = console.is_terminal and not console.is_dumb_terminal
    return terminal and _is_terminal(sys.stdin.fileno) and _is_terminal(sys.stdout.fileno) and _in_foreground()


def _is_terminal(descriptor: Callable[[], int]) -> bool:
    try:
        return os.isatty(descriptor())
    except OSError:  # what stands in for a stream has no descriptor
        return False


def _in_foreground() -> bool:
    try:
        return os.tcgetpgrp(sys.stdout.fileno()) == os.getpgrp()
    except OSError:  # a terminal that controls no jobs has none in the background
        return True


class LiveScreen:
    """Draws over the whole terminal until the block ends, however it ends; ctrl-Z gives the terminal back meanwhile."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, screen=True, auto_refresh=False)
        self._drawing = False
        self._suspension_due = False
        self._handlers: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}

    @property
    def size(self) -> tuple[int, int]:
        """How many columns and rows there are."""
        return self._console.size

    def draw(self, renderable: RenderableType) -> None:
        """Draw anew; nothing while the program is in the background."""
        if not _in_foreground():
            return
        self._drawing = True
        self._live.start()
        self._live.update(renderable, refresh=True)
        self._drawing = False
        if self._suspension_due:
            self._suspend()

    def __enter__(self) -> Self:
        for number, handler in ((signal.SIGTERM, self._terminated), (signal.SIGTSTP, self._suspended)):
            self._handlers[number] = signal.signal(number, handler)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _terminated(self, _number: int, _frame: FrameType | None) -> None:
        raise Exit(_EXIT_TERMINATED)

    def _suspended(self, _number: int, _frame: FrameType | None) -> None:
        """Stand still; in the midst of a drawing, right after it."""
        if self._drawing:
            self._suspension_due = True
        else:
            self._suspend()

    def _suspend(self) -> None:
        self._suspension_due = False
        self._live.stop()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)  # it stands still here until it is continued
        signal.signal(signal.SIGTSTP, self._suspended)


@contextmanager
def showing(console: Console) -> Iterator[LiveScreen]:
    """Show a live screen until the block ends."""
    with LiveScreen(console) as screen:
        yield screen
