"""What the reader sees: short lines with the seconds since the start and who they are about."""

import io
import sys
from collections.abc import Callable, Iterable, Sequence

import grpc.aio
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from calguard.v1 import booking_page_pb2
from demo.claims import Mismatch, Verified
from demo.states import page_state, page_why

WIDTH_MAX = 100
_TIME_WIDTH, _WHO_WIDTH = 6, 10
_INDENT = _TIME_WIDTH + 1 + _WHO_WIDTH
_STYLES = {"bold green": ("LINKED",), "bold yellow": ("DEGRADED",), "bold red": ("STOPPED", "FAILED")}


def make_console() -> Console:
    """A console for standard output, at most 100 columns wide; without colour where it is piped."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    console = Console(highlight=False)
    console.width = min(console.width, WIDTH_MAX)
    return console


class Screen:
    """Prints the story; `now` counts seconds."""

    def __init__(self, console: Console, now: Callable[[], float]) -> None:
        self._console = console
        self._now = now
        self._start = now()

    @property
    def seconds(self) -> float:
        """The seconds since the start."""
        return self._now() - self._start

    def title(self, text: str, *more: str) -> None:
        """Open the story."""
        self._console.print(Text(text, "bold"))
        for line in more:
            self._console.print(Text(line))

    def act(self, heading: str) -> None:
        """Begin an act."""
        self._console.print()
        self._console.print(Rule(Text(heading, "bold"), align="left", style="dim", characters="-"))

    def say(self, who: str, text: str, style: str = "") -> None:
        """Tell one thing, now."""
        self._row(f"+{self.seconds:.1f}s", who, _coloured(text, style))

    def more(self, *lines: str, style: str = "") -> None:
        """Add to what was told last."""
        for line in lines:
            self._row("", "", _coloured(line, style))

    def quote(self, *lines: str) -> None:
        """Show what was written, marked as such."""
        for line in lines:
            self._row("", "", Text(line, "cyan"), mark="| ")

    def pages(self, pages: Iterable[booking_page_pb2.BookingPage]) -> None:
        """Show how pages stand."""
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column(" " * (_TIME_WIDTH - 1))
        for heading in ("page", "state", "bookings", "why"):
            table.add_column(heading)
        for page in pages:
            bookings = "accepted" if page.accepting else "refused"
            table.add_row("", page.title, _coloured(page_state(page)), bookings, page_why(page))
        self._table(table)

    def summary(self, verified: Sequence[Verified]) -> None:
        """Show the claims that held, and where each was seen."""
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for heading in ("", "claim", "looked at"):
            table.add_column(heading)
        for each in verified:
            table.add_row(Text("✓", "bold green"), each.claim, Text(each.where, "dim"))
        self._table(table)

    def commands(self, purpose: str, *commands: str) -> None:
        """Show commands under what they are for; they are never broken, so that they can be copied."""
        self._console.print(Text(f"  {purpose}", "dim"))
        for command in commands:
            self._console.print(Text(f"    {command}"), soft_wrap=True)

    def trouble(self, trouble: Exception, log: Sequence[str]) -> None:
        """Show what was expected, what was seen, and how the server's log ends."""
        self.act("This is not as claimed")
        match trouble:
            case Mismatch():
                self.say("claim", trouble.claim, "bold red")
                self._listed("expected", trouble.expected, trouble.seen, "not seen")
                self._listed("seen", trouble.seen, trouble.expected, "not expected")
            case grpc.aio.AioRpcError():
                self.say("error", f"the server answered {trouble.code().name}: {trouble.details()}", "bold red")
            case _:
                self.say("error", f"{type(trouble).__name__}: {trouble}", "bold red")
        self._console.print(Text("\nThe server's log ends so:" if log else "\nThe server has logged nothing.", "bold"))
        for line in log:
            self._console.print(Text(f"  {line}", "dim"), soft_wrap=True)

    def _listed(self, label: str, lines: Sequence[str], others: Sequence[str], note: str) -> None:
        for number, line in enumerate(lines):
            text = Text(line) if line in others else Text.assemble(line, (f"  <- {note}", "bold red"))
            self._row("", "" if number else label, text)

    def _row(self, time: str, who: str, text: Text, mark: str = "") -> None:
        """Print a row; what does not fit goes on below its own beginning."""
        start = f"{time:>{_TIME_WIDTH}} ", f"{who:<{_WHO_WIDTH}}"
        for line in text.wrap(self._console, self._console.width - _INDENT - len(mark), overflow="fold"):
            line.rstrip()
            self._console.print(Text.assemble((start[0], "dim"), (start[1], "bold"), (mark, "dim"), line))
            start = " " * len(start[0]), " " * _WHO_WIDTH

    def _table(self, table: Table) -> None:
        """Print a table without the blanks at the ends of its lines."""
        for segments in self._console.render_lines(table, pad=False):
            line = Text.assemble(*((segment.text, segment.style or "") for segment in segments))
            line.rstrip()
            self._console.print(line)


def _coloured(text: str, style: str = "") -> Text:
    coloured = Text(text, style)
    for colour, words in _STYLES.items():
        coloured.highlight_words(words, colour)
    return coloured
