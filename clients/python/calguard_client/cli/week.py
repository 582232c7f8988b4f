"""Free time as days beside one another: a row an hour of the wall clock, four quarters each.

An hour that the clock shows twice has a second row, and what it skips is blank: a day is as long as it is there. Hours
that look alike on every day share a row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from google.protobuf.timestamp_pb2 import Timestamp
from rich.text import Text

from calguard.v1 import appointment_pb2
from calguard_client.cli.table import Column

QUARTER, DAY = timedelta(minutes=15), timedelta(days=1)
_QUARTERS = 4
_PARTLY, _NONE, _BLANK, _MANY = "-", ".", " ", "+"
_STYLES = {_PARTLY: "yellow", _NONE: "dim"}
LEGEND = f"1-9 could take it ({_MANY} more)  {_NONE} nobody  {_PARTLY} part of it  blank: past, or skipped"


@dataclass(frozen=True, slots=True)
class Days:
    """Whole days of a zone; None is the machine's own."""

    first: date
    count: int
    zone: tzinfo | None

    @property
    def dates(self) -> Sequence[date]:
        """The days."""
        return [self.first + number * DAY for number in range(self.count)]

    @property
    def start(self) -> datetime:
        """The midnight with which they begin, in UTC."""
        return self._midnight(self.first)

    @property
    def end(self) -> datetime:
        """The midnight with which they end, in UTC."""
        return self._midnight(self.first + self.count * DAY)

    @property
    def uneven(self) -> Sequence[tuple[date, timedelta]]:
        """The days that do not have 24 hours, and how long they are."""
        lengths = ((day, self._midnight(day + DAY) - self._midnight(day)) for day in self.dates)
        return [(day, length) for day, length in lengths if length != DAY]

    def wall(self, moment: datetime) -> datetime:
        """Answer what the clock shows at a moment."""
        return moment.astimezone(self.zone)

    def _midnight(self, day: date) -> datetime:
        # Without a zone, `astimezone` takes it for the machine's own.
        return datetime.combine(day, time(), self.zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Row:
    """Hours that look alike: from the hour `first`, as often as `count`; `again`: the clock shows it once more."""

    first: int
    count: int
    again: bool
    cells: tuple[str, ...]

    @property
    def label(self) -> str:
        """Name the hours."""
        if self.again:
            return f"{self.first:02}:00 again"
        last = f"-{self.first + self.count:02}:00" if self.count > 1 else ""
        return f"{self.first:02}:00{last}"


def rows_of(days: Days, free: Iterable[appointment_pb2.FreeStretch], begin: datetime) -> list[Row]:
    """Lay free time out; `begin` is when what was asked about begins."""
    marks = _marks(days, free, begin)
    cells: dict[tuple[int, bool], dict[date, list[str]]] = {(hour, False): {} for hour in range(24)}
    shown: set[datetime] = set()
    for number, mark in enumerate(marks):
        wall = days.wall(days.start + number * QUARTER).replace(tzinfo=None)
        again = wall in shown
        shown.add(wall)
        cell = cells.setdefault((wall.hour, again), {}).setdefault(wall.date(), [_BLANK] * _QUARTERS)
        cell[wall.minute // 15] = mark
    blank = [_BLANK] * _QUARTERS
    return _merged(
        Row(hour, 1, again, tuple("".join(by_day.get(day, blank)) for day in days.dates))
        for (hour, again), by_day in sorted(cells.items())
    )


def columns_of(days: Days, width: int) -> list[Column[Row]]:
    """Answer the columns of a table of rows; a quarter is so many characters wide."""
    heading = "%a %d" if width == 1 else "%a %d %b"
    return [
        Column("", lambda row: row.label),
        *(
            Column(day.strftime(heading), lambda row, index=index: _drawn(row.cells[index], width))  # type: ignore[misc]
            for index, day in enumerate(days.dates)
        ),
    ]


def _marks(days: Days, free: Iterable[appointment_pb2.FreeStretch], begin: datetime) -> list[str]:
    """Tell of each quarter, in the order of time, how many could take it."""
    start = days.start
    counts = [0] * ((days.end - start) // QUARTER)
    partly = set[int]()
    for stretch in free:
        first, last = (_moment(each) - start for each in (stretch.start_time, stretch.end_time))
        whole = range(max(0, -(-first // QUARTER)), min(len(counts), last // QUARTER))
        for number in whole:
            counts[number] = max(counts[number], len(stretch.account_ids))
        partly |= {edge // QUARTER for edge in (first, last) if edge % QUARTER}
    past = (begin - start) // QUARTER
    return [_BLANK if number < past else _mark(count, number in partly) for number, count in enumerate(counts)]


def _mark(count: int, partly: bool) -> str:  # noqa: FBT001 - what was found
    if count:
        return str(count) if count <= 9 else _MANY
    return _PARTLY if partly else _NONE


def _moment(value: Timestamp) -> datetime:
    return value.ToDatetime(tzinfo=UTC)


def _merged(rows: Iterable[Row]) -> list[Row]:
    merged: list[Row] = []
    for row in rows:
        before = merged[-1] if merged else None
        uniform = all(len(set(cell)) == 1 for cell in row.cells)
        if before is not None and uniform and (before.cells, before.again) == (row.cells, row.again):
            merged[-1] = Row(before.first, before.count + 1, before.again, before.cells)
        else:
            merged.append(row)
    return merged


def _drawn(cell: str, width: int) -> Text:
    drawn = Text()
    for mark in cell:
        drawn.append(mark * width, _STYLES.get(mark, "green"))
    return drawn
