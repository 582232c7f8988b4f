"""Where answers are printed: tables and lines for people, JSON for programs. Nothing here is read as markup."""

import io
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import click
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from rich.console import Console
from rich.table import Table
from rich.text import Text

from calguard_client.cli.live import LiveScreen, is_for_people, showing
from calguard_client.cli.table import Cell, Column, Item, details_table, fit_table, plain_table

_ENDLESS_WIDTH = 100_000
"""What is written to a pipe is never wrapped: a row is a line."""
_BODY_WIDTH = 32
"""What is left beside the head of a journal's line must be so wide at least for the line to be folded there."""


class _Console(Console):
    """A console that leaves it to the command how a reader that went away is dealt with."""

    def on_broken_pipe(self) -> None:
        """Raise it again: this is called where it was caught."""
        raise  # noqa: PLE0704


class Screen:
    """Standard output, and standard error for remarks that are not part of an answer."""

    def __init__(self) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a name that the encoding cannot hold is no reason to fail
        self._console = _Console(markup=False, highlight=False, emoji=False)
        if not self._console.is_terminal:
            self._console.width = _ENDLESS_WIDTH

    @property
    def is_for_people(self) -> bool:
        """Whether somebody sits before it, so that it may be drawn over again and again."""
        return is_for_people(self._console)

    @property
    def terminal_width(self) -> int:
        """How many columns a terminal has; 0 where there is none."""
        return self._console.width if self._console.is_terminal else 0

    def showing(self) -> AbstractContextManager[LiveScreen]:
        """Take the whole terminal until the block ends."""
        return showing(self._console)

    def table(self, columns: Sequence[Column[Item]], items: Sequence[Item]) -> None:
        """Print a row each, under headings; in a narrow terminal the last columns are left out, and named."""
        table, left_out = fit_table(columns, items, self._console.width)
        self._print(table)
        if left_out:
            self.remark(f"no room for: {', '.join(left_out)} (use get or --json)")

    def details(self, pairs: Iterable[tuple[str, Cell]]) -> None:
        """Print one thing, a line for each of its parts."""
        self._print(details_table(pairs))

    def line(self, text: Cell) -> None:
        """Print one line, however long."""
        self._console.print(text, soft_wrap=True)

    def entry(self, head: Text, body: Text) -> None:
        """Print a line of a journal; where it is longer than the terminal is wide, it goes on under its body."""
        if self._console.width < head.cell_len + _BODY_WIDTH:
            self.line(Text("  ").join((head, body)))
            return
        table = plain_table(show_header=False)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        table.add_row(head, body)
        self._print(table)

    @contextmanager
    def waiting(self, first: str) -> Iterator[Callable[[str], None]]:
        """Show what is being waited for, under what is printed meanwhile; without a terminal, nothing of it."""
        if not self._console.is_terminal:
            yield lambda _: None
            return
        with self._console.status(Text(first, "dim")) as status:
            yield lambda awaited: status.update(Text(awaited, "dim"))

    def document(self, message: Message) -> None:
        """Print a JSON document."""
        click.echo(_json(message, indent=2))

    def json_line(self, message: Message) -> None:
        """Print a JSON document on one line."""
        click.echo(_json(message, indent=None))

    def raw(self, line: str) -> None:
        """Print a line as it is, at once."""
        click.echo(line)

    def remark(self, text: str) -> None:
        """Print a line beside the answer."""
        click.echo(text, err=True)

    def _print(self, table: Table) -> None:
        if self._console.is_terminal:
            self._console.print(table)
            return
        with self._console.capture() as printed:
            self._console.print(table)
        for row in printed.get().splitlines():
            click.echo(row.rstrip())


def _json(message: Message, indent: int | None) -> str:
    return MessageToJson(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True, indent=indent
    )
