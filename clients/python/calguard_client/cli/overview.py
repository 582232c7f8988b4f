"""What `calguard top` shows: one reading of the server, beside the one before."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.text import Text

from calguard.v1 import provider_pb2, server_pb2
from calguard_client.cli.ago import ago, seconds_of, span
from calguard_client.cli.cells import clean, enum_name, state

Line = tuple[str, Text]
_Count = server_pb2.CalendarLinkStateCount | server_pb2.BookingPageStateCount


@dataclass(frozen=True, slots=True)
class Reading:
    """How the server and the provider are."""

    server: server_pb2.ServerStatus
    provider: provider_pb2.ProviderStatus

    def changes_per_second(self, before: "Reading | None") -> float | None:
        """Answer how many changes there were a second since another reading; None where that cannot be told."""
        if before is None:
            return None
        seconds = seconds_of(self.server.read_time) - seconds_of(before.server.read_time)
        changes = self.server.revision - before.server.revision
        return changes / seconds if seconds > 0 and changes >= 0 else None


def document(reading: Reading, before: Reading | None) -> str:
    """Answer it as JSON on one line."""
    rate = reading.changes_per_second(before)
    return json.dumps(
        {
            "server_status": _fields(reading.server),
            "provider_status": _fields(reading.provider),
            "changes_per_second": None if rate is None else round(rate, 3),
        }
    )


def lines(reading: Reading, before: Reading | None) -> Sequence[Line]:
    """Answer it for people: what each line is about, and what it tells. Ages are by the server's own clock."""
    status, now = reading.server, seconds_of(reading.server.read_time)
    rate = reading.changes_per_second(before)
    return [
        ("server", Text(f"calguard {clean(status.version)}, up {ago(status.start_time, now)}")),
        ("calendar links", _counts(status.calendar_link_counts)),
        ("booking pages", _counts(status.booking_page_counts)),
        ("changes", Text(f"revision {status.revision:,}{'' if rate is None else f'   {rate:,.1f} a second'}")),
        ("watches", Text(f"{status.watches:,} open")),
        ("notifications", _notices(status, now)),
        *_provider(reading.provider, now),
    ]


def _counts(counts: Iterable[_Count]) -> Text:
    """Tell how many there are, then those in each state; only what is not nothing stands out."""
    every = tuple(counts)
    told = Text(f"{sum(each.count for each in every):,}")
    for each in every:
        told.append("   ")
        told.append(f"{each.count:,} {enum_name(each, 'state')}", state(each).style if each.count else "dim")
    return told


def _notices(status: server_pb2.ServerStatus, now: float) -> Text:
    told = Text(f"{status.unsent_notifications:,} unsent", "yellow" if status.unsent_notifications else "")
    if status.HasField("oldest_unsent_time"):
        told.append(f", the oldest for {ago(status.oldest_unsent_time, now)}")
    told.append("   ")
    return told.append(f"{status.dead_notifications:,} DEAD", "bold red" if status.dead_notifications else "dim")


def _provider(status: provider_pb2.ProviderStatus, now: float) -> Iterable[Line]:
    yield enum_name(status, "provider").lower(), state(status)
    for incident in status.incidents:
        told = Text(f"{enum_name(incident, 'reason')}: {_length(incident, now)}, ")
        told.append(f"{incident.accounts_affected:,} unrelated ones of {incident.links_checked:,} links checked")
        yield "", told


def _length(incident: provider_pb2.ProviderIncident, now: float) -> str:
    begun = seconds_of(incident.open_time)
    if not incident.HasField("end_time"):
        return f"open for {span(now - begun)}"
    return f"over after {span(seconds_of(incident.end_time) - begun)}"


def _fields(message: Message) -> dict[str, object]:
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
