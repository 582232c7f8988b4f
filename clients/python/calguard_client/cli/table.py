"""Tables that keep what matters readable in a narrow terminal."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

Cell = str | Text
Item = TypeVar("Item")

_GAP = 2
_FOLDED_WIDTH = 16
"""How narrow a column may get that may be folded."""


@dataclass(frozen=True, slots=True)
class Column(Generic[Item]):
    """A column: its heading, what it says of an item, and whether it may be folded where there is no room."""

    heading: str
    cell: Callable[[Item], Cell]
    folds: bool = False


def plain_table(*, show_header: bool) -> Table:
    """Answer an empty table without lines."""
    return Table(box=None, show_header=show_header, header_style="bold", pad_edge=False, padding=(0, _GAP, 0, 0))


def details_table(pairs: Iterable[tuple[str, Cell]]) -> Table:
    """Answer a table of one thing, a line for each of its parts."""
    table = plain_table(show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(name, value)
    return table


def fit_table(columns: Sequence[Column[Item]], items: Sequence[Item], width: int) -> tuple[Table, Sequence[str]]:
    """Answer a table of at most that width, and the headings left out for it: the rightmost go first.

    The first column is always there, and no cell is cut.
    """
    rows = [[column.cell(item) for column in columns] for item in items]
    count = _fitting(columns, rows, width)
    table = plain_table(show_header=True)
    for column in columns[:count]:
        # What may not be folded is never narrowed, unless it stands alone.
        table.add_column(column.heading.upper(), overflow="fold", no_wrap=not column.folds and count > 1)
    for row in rows:
        table.add_row(*row[:count])
    return table, [column.heading for column in columns[count:]]


def _fitting(columns: Sequence[Column[Item]], rows: Sequence[Sequence[Cell]], width: int) -> int:
    taken = -_GAP
    for index, column in enumerate(columns):
        widest = max(cell_len(str(cell)) for cell in (column.heading, *(row[index] for row in rows)))
        taken += _GAP + (min(widest, _FOLDED_WIDTH) if column.folds else widest)
        if taken > width and index > 0:
            return index
    return len(columns)
