"""The state as it stood at one revision, as the messages that begin a watch."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime

from calguard_server.domain.appointment import Appointment
from calguard_server.domain.events import ResourceKind
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.page import BookingPage
from calguard_server.domain.provider_incident import ProviderStatus
from calguard_server.engine.ports.snapshot import Snapshot
from calguard_server.engine.ports.store import Store
from calguard_server.engine.ports.watching import WatchSpec
from calguard_server.watch import frames
from calguard_server.watch.filters import kinds_of
from calguard_server.watch.stream import Beginning
from calguard_server.watch.tokens import TokenMint

Resources = Sequence[CalendarLink] | Sequence[BookingPage] | Sequence[ProviderStatus] | Sequence[Appointment]

EncodeSnapshot = Callable[[CalendarLink | BookingPage | ProviderStatus | Appointment], bytes]
"""Encodes a resource as the change by which a snapshot shows it."""

_MESSAGE_BYTES = 1024 * 1024


async def snapshot_of(
    store: Store, spec: WatchSpec, mint: TokenMint, encode: EncodeSnapshot, now: datetime
) -> Beginning:
    """Iterate over the messages of a snapshot that begins now; the last one says that it is."""
    async with store.snapshot() as snapshot:
        revision = snapshot.revision
        for batches in _parts(snapshot, spec, now):
            async for resources in batches:
                for message in _messages(map(encode, resources)):
                    yield revision, message
    yield revision, frames.snapshot_end(mint.make(revision))


def _messages(changes: Iterator[bytes]) -> Iterator[bytes]:
    pending, size = list[bytes](), 0
    for framed in map(frames.frame, changes):
        if pending and size + len(framed) > _MESSAGE_BYTES:
            yield frames.response(pending, "")
            pending, size = [], 0
        pending.append(framed)
        size += len(framed)
    if pending:
        yield frames.response(pending, "")


def _parts(snapshot: Snapshot, spec: WatchSpec, now: datetime) -> Iterator[AsyncIterator[Resources]]:
    kinds = kinds_of(spec)
    if ResourceKind.CALENDAR_LINK in kinds:
        yield snapshot.links(spec.calendar_link_ids, spec.account_ids)
    if ResourceKind.BOOKING_PAGE in kinds:
        yield snapshot.pages(spec.booking_page_ids, spec.account_ids)
    if ResourceKind.PROVIDER_STATUS in kinds:
        yield snapshot.provider_statuses()
    if ResourceKind.APPOINTMENT in kinds:
        yield snapshot.appointments(spec.booking_page_ids, spec.account_ids, now)
