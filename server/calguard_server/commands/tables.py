"""Tables of text on standard output."""

from collections.abc import Sequence

from calguard_server.commands.ending import say


def show(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Show rows under a head, in columns as wide as needed."""
    table = [head, *rows]
    widths = [max(len(row[place]) for row in table) for place in range(len(head))]
    for row in table:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
