"""A program on a terminal of its own, and what it draws there."""

import fcntl
import os
import re
import select
import struct
import subprocess
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.integration.cli_harness import BINARIES
from tests.patience import PATIENCE_SECONDS

_LOOKS = 600
_STYLES = re.compile(r"\x1b\[[\d;]*m")
_HOME = "\x1b[H"
ALTERNATE, BACK = "\x1b[?1049h", "\x1b[?1049l"
CURSOR_BACK = "\x1b[?25h"


class Terminal:
    """The controlling terminal of a program that runs in its foreground."""

    def __init__(self, process: "subprocess.Popen[bytes]", descriptor: int) -> None:
        self._process = process
        self._descriptor = descriptor
        self.written = ""

    def type(self, keys: str) -> None:
        os.write(self._descriptor, keys.encode())

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

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
        return self._process.wait(PATIENCE_SECONDS)

    def _read(self) -> bool:
        """Read what was written since, waiting for it; false once the program has ended and all was read."""
        for _ in range(_LOOKS):
            ended = self._process.poll() is not None
            if select.select([self._descriptor], [], [], PATIENCE_SECONDS / _LOOKS)[0]:
                self.written += os.read(self._descriptor, 65536).decode(errors="replace")
                return True
            if ended:
                return False
        raise AssertionError(f"nothing was written for {PATIENCE_SECONDS} s, after: {self.written}")


@contextmanager
def on_terminal(
    *arguments: str, columns: int = 80, rows: int = 24, environment: Sequence[tuple[str, str]] = ()
) -> Iterator[Terminal]:
    """Run a program on a terminal of that size until the block ends."""
    settings = {"PATH": f"{BINARIES}:{os.environ['PATH']}", "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    ours, its = os.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    # The first terminal that the leader of a session opens is the one that controls it. Forking here is no choice: this
    # process has threads of gRPC's.
    opening = f'exec "$@" <{os.ttyname(its)} >{os.ttyname(its)} 2>&1'
    process = subprocess.Popen(
        ["sh", "-c", opening, "sh", *arguments], env=settings | dict(environment), start_new_session=True
    )
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        for descriptor in (its, ours):  # which hangs up on what it may have left in the background
            os.close(descriptor)
