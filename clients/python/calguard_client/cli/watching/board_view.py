"""How the live table is drawn: never wider or higher than the terminal, a row a line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Group
from rich.text import Text

from calguard_client.cli.ago import ago, span
from calguard_client.cli.cells import STATE_STYLES, clean
from calguard_client.cli.change_line import short_change_line
from calguard_client.cli.watching.board import Board
from calguard_client.cli.watching.rows import Row, row_of
from calguard_client.mirroring.contents import APPOINTMENT, LINK, PAGE, Key, Resource

_GAP = "  "
_FRESH_SECONDS = 5
"""How long a row stays marked that has changed."""
_OTHER_LINES = 7
"""Status, counts, why there is no stream, headings; what is left out, a blank line, the last change."""
_NARROWEST = 10
"""A column that has to be cut to less is left out."""
_NOUNS = ((LINK, "link"), (PAGE, "page"), (APPOINTMENT, "appointment"))


@dataclass(frozen=True, slots=True)
class Moment:
    """When it is drawn: seconds of the board's clock, and of the time of day."""

    at: float
    wall: float


@dataclass(frozen=True, slots=True)
class _Line:
    """A row with what belongs to the moment."""

    row: Row
    since: str
    moved: str
    fresh: bool


def draw(board: Board, server: str, told: str, size: tuple[int, int], moment: Moment) -> Group:
    """Draw the board. `told` is why there is no stream; empty where there is one, or none is expected yet."""
    width, height = size
    shown = max(1, height - _OTHER_LINES)
    lines = [_line(board, *each, moment) for each in board.most_relevant(shown)]
    texts = [
        _status(board, server, moment),
        _counts(board),
        Text(clean(told), "yellow"),
        *_table(lines, width),
        Text(_left_out(board, len(lines)), "dim"),
        Text(),
        _last_change(board),
    ]
    for text in texts:
        text.truncate(width, overflow="ellipsis")
    return Group(*texts[:height])


def _line(board: Board, key: Key, resource: Resource, moment: Moment) -> _Line:
    row, moved = row_of(resource), board.moved(key)
    fresh = moved is not None and moment.at - moved.at < _FRESH_SECONDS
    return _Line(row, ago(row.since, moment.wall), "" if moved is None else moved.words, fresh)


def _status(board: Board, server: str, moment: Moment) -> Text:
    staleness = board.staleness(moment.at)
    age = "" if staleness is None else span(staleness)
    if board.trouble is not None:
        wait = board.retry_at - moment.at
        when = f" in {span(wait + 1)}" if wait > 1 else ""
        return Text(f"reconnecting{when}{f'; so it stood {age} ago' if age else ''}", "bold yellow")
    if not age:
        return Text(f"connecting to {server}", "bold")
    parts = [f"watching {server}", f"revision {board.revision:,}", f"heard {age} ago"]
    if board.started_over:
        parts.append(f"began anew: {board.started_over}")
    return Text(clean(_GAP.join(parts)), "bold green")


def _counts(board: Board) -> Text:
    """Tell how many links and pages there are, and how many of them in each state; appointments where there are any."""
    told = Text() if board.whole else Text(f"only what has changed since{_GAP}", "dim")
    for kind, noun in _NOUNS:
        states = {state: count for (each, state), count in sorted(board.counts().items()) if each == kind}
        total = sum(states.values())
        if kind == APPOINTMENT and not total:
            continue
        told.append(f"{total:,} {noun}{'' if total == 1 else 's'}: " if total else f"no {noun}s")
        told.append(Text(", ").join(Text(f"{states[each]:,} {each}", STATE_STYLES.get(each, "")) for each in states))
        told.append(_GAP * 2)
    return told


def _left_out(board: Board, shown: int) -> str:
    more = len(board) - shown
    return f"... and {more:,} more, none worse than these" if more else ""


def _last_change(board: Board) -> Text:
    if board.last_change is None:
        return Text("nothing has changed since", "dim")
    return Text(" ").join((Text("last:", "dim"), short_change_line(board.last_change)))


def _table(lines: Sequence[_Line], width: int) -> Iterator[Text]:
    """Lay out the columns: cause, change and title have what room is left, the last of them least."""
    columns = [
        ("  KIND", [Text(f"{'>' if each.fresh else ' '} {each.row.kind}") for each in lines], 6),
        ("ID", [Text(each.row.name) for each in lines], width // 3),
        ("STATE", [each.row.state for each in lines], 11),
        ("SINCE", [Text(each.since) for each in lines], 7),
        ("CAUSE", [Text(each.row.cause) for each in lines], 40),
        ("LAST CHANGE", [Text(each.moved) for each in lines], 20),
        ("ABOUT", [Text(each.row.about, "dim") for each in lines], width),
    ]
    texts = [Text() for _ in range(len(lines) + 1)]
    left = width
    for heading, cells, at_most in columns:
        if heading == "LAST CHANGE" and not any(cells):
            continue
        column = [Text(heading, "bold"), *cells]
        gap = _GAP if left < width else ""
        wanted = min(max(cell.cell_len for cell in column), at_most)
        room = min(wanted, left - len(gap))
        if room < min(wanted, _NARROWEST):
            break
        for text, cell in zip(texts, column, strict=True):
            cell.truncate(room, overflow="ellipsis", pad=True)
            text.append(gap).append(cell)
        left -= len(gap) + room
    yield from texts
