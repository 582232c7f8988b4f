"""A program on a terminal of its own, and what it draws there."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.integration.cli_harness import BINARIES

_SECONDS = 30
_STYLES = re.compile(r"\x1b\[[\d;]*m")
_HOME = "\x1b[H"
ALTERNATE, BACK = "\x1b[?1049h", "\x1b[?1049l"
CURSOR_BACK = "\x1b[?25h"


class Terminal:
    """The controlling terminal of a program that runs in its foreground."""

    def __init__(self, pid: int, descriptor: int) -> None:
        self._pid = pid
        self._descriptor = descriptor
        self._code: int | None = None
        self.written = ""

    def type(self, keys: str) -> None:
        os.write(self._descriptor, keys.encode())

    def signal(self, number: int) -> None:
        os.kill(self._pid, number)

    def read_until(self, pattern: str) -> str:
        """Read until all that was written has the pattern; all that was written, without its styles."""
        while re.search(pattern, text := _STYLES.sub("", self.written)) is None:
            assert self._read(), f"it ended without {pattern}: {self.written}"
        return text

    def picture(self, pattern: str) -> list[str]:
        """Read until a drawing has the pattern; its lines, without styles."""
        return [_STYLES.sub("", line).rstrip() for line in self.styled_picture(pattern)]

    def styled_picture(self, pattern: str) -> list[str]:
        while True:
            *pictures, _ = self.written.split(_HOME)  # the last may still be on its way
            for each in pictures[::-1]:
                if re.search(pattern, _STYLES.sub("", each)):
                    return each.replace("\r", "").split("\n")
            assert self._read(), f"it ended without {pattern}: {self.written}"

    def wait(self) -> int:
        """Its exit code, once it has ended and all that it wrote is read."""
        while self._read():
            pass
        if self._code is None:
            _, status = os.waitpid(self._pid, 0)
            self._code = os.waitstatus_to_exitcode(status)
        return self._code

    def close(self) -> None:
        """End it, and hang up on what it may have left in the background."""
        if self._code is None:
            self.signal(signal.SIGKILL)
            os.waitpid(self._pid, 0)
        os.close(self._descriptor)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], _SECONDS)
        assert ready, f"nothing was written for {_SECONDS} s, after: {self.written}"
        try:
            chunk = os.read(self._descriptor, 65536)
        except OSError:  # how Linux tells that the other end is closed
            return False
        self.written += chunk.decode(errors="replace")
        return bool(chunk)


@contextmanager
def on_terminal(
    *arguments: str, columns: int = 80, rows: int = 24, environment: Sequence[tuple[str, str]] = ()
) -> Iterator[Terminal]:
    """Run a program on a terminal of that size until the block ends."""
    settings = {"PATH": f"{BINARIES}:{os.environ['PATH']}", "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    pid, descriptor = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.execvpe(arguments[0], arguments, settings | dict(environment))
    terminal = Terminal(pid, descriptor)
    try:
        yield terminal
    finally:
        terminal.close()
