"""How values are written for people: cleaned, short, and coloured by state."""

import unicodedata
from collections.abc import Iterable
from datetime import UTC
from typing import cast

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich.text import Text

NOTHING = "-"

STATE_STYLES = {
    "LINKED": "green",
    "OPERATIONAL": "green",
    "CONNECTED": "green",
    "HEALTHY": "green",
    "SENT": "green",
    "DEGRADED": "yellow",
    "RETRYING": "yellow",
    "FAILED": "bold red",
    "FAULTY": "bold red",
    "STOPPED": "bold red",
    "INCIDENT": "bold red",
    "DEAD": "bold red",
    "BROKEN": "bold red",
    "SUPPRESSED": "dim",
}
_LINE_ENDS = ("Zl", "Zp")
_DIRECTION_MARKS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean(value: str) -> str:
    """Write a text that others chose on one line, without what would steer a terminal or turn the text around."""
    return "".join(map(_clean_character, value))


def text(value: str) -> str:
    """Write a text that others chose, or a dash for none."""
    return clean(value) or NOTHING


def texts(values: Iterable[str]) -> str:
    """Write several texts, with commas."""
    return text(", ".join(values))


def lines(values: Iterable[str]) -> str:
    """Write several texts, a line each."""
    return "\n".join(map(clean, values)) or NOTHING


def yes_no(value: bool) -> str:  # noqa: FBT001 - the value written, not a flag
    """Write a boolean."""
    return "yes" if value else "no"


def moment(value: Timestamp) -> str:
    """Write a time in the local time zone, with its offset; a dash for one that is not set."""
    if not value.ByteSize():
        return NOTHING
    return value.ToDatetime(tzinfo=UTC).astimezone().isoformat(timespec="seconds")


def enum_prefix(enum: EnumDescriptor) -> str:
    """Answer what every name of an enum begins with: `CALENDAR_LINK_STATE_` of CalendarLinkState."""
    return enum.values_by_number[0].name.removesuffix("UNSPECIFIED")


def enum_name(message: Message, field: str) -> str:
    """Write the enum that a field holds without its prefix; a dash where unspecified, a number where unknown here."""
    return _enum_text(_enum_of(message, field), getattr(message, field))


def enum_names(message: Message, field: str) -> str:
    """Write the enums that a repeated field holds, with commas."""
    enum = _enum_of(message, field)
    return texts(_enum_text(enum, number) for number in getattr(message, field))


def state(message: Message, field: str = "state") -> Text:
    """Write a state in its colour."""
    name = enum_name(message, field)
    return Text(name, STATE_STYLES.get(name, ""))


def _enum_of(message: Message, field: str) -> EnumDescriptor:
    return cast("EnumDescriptor", message.DESCRIPTOR.fields_by_name[field].enum_type)


def _enum_text(enum: EnumDescriptor, number: int) -> str:
    if number == 0:
        return NOTHING
    known = enum.values_by_number.get(number)
    return str(number) if known is None else known.name.removeprefix(enum_prefix(enum))


def _clean_character(character: str) -> str:
    if character in "\n\r\t" or unicodedata.category(character) in _LINE_ENDS:
        return " "
    unwanted = unicodedata.category(character) == "Cc" or character in _DIRECTION_MARKS
    return "" if unwanted else character
