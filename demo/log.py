"""The server's log: a file that takes every run's lines, and its end in a form that people read."""

import json
from collections.abc import Iterator
from pathlib import Path

_TRACEBACK_LINES = 4


class Log:
    """A file of lines, each plain or a JSON object of structlog's."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, line: str) -> None:
        """Append a line."""
        with self.path.open("a") as file:
            file.write(line + "\n")

    def tail(self, count: int = 15) -> list[str]:
        """Answer the last lines; none where nothing was logged."""
        lines = self.path.read_text().splitlines()[-count:] if self.path.exists() else []
        return [part for line in lines for part in _readable(line)]


def _readable(line: str) -> Iterator[str]:
    """Put the event first, leave out what is empty, and keep the end of a traceback."""
    try:
        fields = json.loads(line)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        yield line
        return
    head = [str(fields.pop(name, "")) for name in ("level", "event")]
    traceback = str(fields.pop("exception", "")).splitlines()
    fields.pop("timestamp", None)
    yield " ".join([*head, *(f"{name}={value}" for name, value in fields.items() if value)])
    yield from traceback[-_TRACEBACK_LINES:]
