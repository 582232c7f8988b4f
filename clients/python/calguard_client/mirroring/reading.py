"""What is asked of a mirror, of asyncio or not."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from calguard.v1.appointment_pb2 import Appointment
from calguard.v1.booking_page_pb2 import BookingPage
from calguard.v1.calendar_link_pb2 import CALENDAR_PROVIDER_GOOGLE, CalendarLink, CalendarProvider
from calguard.v1.provider_pb2 import ProviderStatus
from calguard_client.mirroring.acceptance import Acceptance
from calguard_client.mirroring.callables import refuse_coroutines
from calguard_client.mirroring.contents import (
    APPOINTMENT,
    LINK,
    PAGE,
    PROVIDER,
    Contents,
    MirrorChange,
    Resource,
)
from calguard_client.mirroring.freshness import Freshness
from calguard_client.watching.events import (
    Changes,
    Interrupted,
    Progress,
    SnapshotEnded,
    SnapshotStarted,
    WatchEvent,
)

_log = logging.getLogger("calguard_client.mirror")

OnChange = Callable[[MirrorChange], object]


@dataclass(frozen=True, slots=True)
class Clocks:
    """`monotonic` only goes forward; `wall` is seconds since 1970. A test has its own."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time  # noqa: TID251 - the clock that is passed in, where nobody passes another


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorOptions:
    """`max_staleness`: how old a mirror may be for `accepting` to answer from it; None trusts it however old it is."""

    max_staleness: timedelta | None = timedelta(minutes=1)
    clocks: Clocks = Clocks()


class MirrorReading:
    """A local copy of links, pages, providers' status, and of appointments where the request asks for them.

    Resources are shared: they are not to be changed.
    """

    def __init__(self, options: MirrorOptions) -> None:
        self._options = options
        self._contents = Contents()
        self._freshness = Freshness()
        self._listeners: list[OnChange] = []
        self._interruption = ""
        self._closed = False
        self._lock = threading.RLock()
        self._failure: BaseException | None = None

    @property
    def staleness(self) -> timedelta:
        """How long ago the mirror was last known to be current; `timedelta.max` before the first snapshot is whole.

        It stays under the progress interval (15 s) while the server is heard.
        """
        with self._lock:
            seconds = self._freshness.seconds(self._options.clocks.monotonic())
        return timedelta.max if seconds is None else timedelta(seconds=seconds)

    @property
    def failure(self) -> BaseException | None:
        """Why the mirror has ended by itself; None while it goes on, interrupted or not."""
        return self._failure

    def accepting(self, page_id: str) -> Acceptance:
        """Answer whether a page accepts bookings: true only where that is known."""
        limit, staleness = self._options.max_staleness, self.staleness
        if staleness == timedelta.max:
            return Acceptance.NOT_READY
        if limit is not None and staleness > limit:
            return Acceptance.STALE
        page = self.get_page(page_id)
        if page is None:
            return Acceptance.UNKNOWN_PAGE
        return Acceptance.ACCEPTING if page.accepting else Acceptance.STOPPED

    def get_page(self, page_id: str) -> BookingPage | None:
        """Answer a page; None where the mirror has none of that id."""
        return cast("BookingPage | None", self._get(PAGE, page_id))

    def get_link(self, link_id: str) -> CalendarLink | None:
        """Answer a calendar link; None where the mirror has none of that id."""
        return cast("CalendarLink | None", self._get(LINK, link_id))

    def get_provider_status(
        self, provider: CalendarProvider.ValueType = CALENDAR_PROVIDER_GOOGLE
    ) -> ProviderStatus | None:
        """Answer a provider's status; None where there never was an incident."""
        return cast("ProviderStatus | None", self._get(PROVIDER, str(provider)))

    def get_appointment(self, appointment_id: str) -> Appointment | None:
        """Answer an appointment; None where the mirror has none of that id that is assigned and not over."""
        return cast("Appointment | None", self._get(APPOINTMENT, appointment_id))

    def pages(self) -> Sequence[BookingPage]:
        """Answer every page, as all of them stand at one moment."""
        return cast("Sequence[BookingPage]", self._all(PAGE))

    def links(self) -> Sequence[CalendarLink]:
        """Answer every calendar link, as all of them stand at one moment."""
        return cast("Sequence[CalendarLink]", self._all(LINK))

    def appointments(self) -> Sequence[Appointment]:
        """Answer every appointment that is assigned and not over, as all of them stand at one moment.

        What is over is dropped with the next message of the server, within a progress interval.
        """
        return cast("Sequence[Appointment]", self._all(APPOINTMENT))

    def on_change(self, callback: OnChange) -> Callable[[], None]:
        """Have `callback` called after each change, and answer how to end that.

        A transaction is in the mirror whole before its first change is told. The mirror waits for the callback: hand
        over what takes long. What it raises is logged, and breaks nothing. Raises ValueError for a coroutine function,
        which nobody would await.
        """
        refuse_coroutines("callback", callback)
        self._listeners.append(callback)

        def end() -> None:
            with suppress(ValueError):  # ended already
                self._listeners.remove(callback)

        return end

    def _get(self, kind: str, resource_id: str) -> Resource | None:
        with self._lock:
            return self._contents.resources.get((kind, resource_id))

    def _all(self, kind: str) -> Sequence[Resource]:
        with self._lock:
            return tuple(each for key, each in self._contents.resources.items() if key[0] == kind)

    def _take(self, event: WatchEvent) -> None:
        with self._lock:
            self._note_time(event)
            changes = self._contents.take(event, self._options.clocks.wall())
        self._interruption = event.refusal.message if isinstance(event, Interrupted) else ""
        if isinstance(event, Interrupted):
            _log.warning("the watch is interrupted, and goes on in %s: %s", event.delay, event.refusal.message)
        for change in changes:
            for listener in tuple(self._listeners):
                _tell(listener, change)

    def _note_time(self, event: WatchEvent) -> None:
        now = self._options.clocks.monotonic()
        match event:
            case Interrupted():
                self._freshness.interrupted()
            case SnapshotStarted():
                self._freshness.snapshot_started(now)
            case SnapshotEnded():
                self._freshness.snapshot_ended()
            case Progress():
                self._freshness.progressed(now)
            case Changes(changes=changes):
                committed = changes[-1].time
                age = self._options.clocks.wall() - committed.seconds - committed.nanos / 1e9
                self._freshness.changed(now, age)

    def _not_in_time(self) -> TimeoutError:
        """Build what a wait that took too long raises: with what keeps the mirror from being current, if anything."""
        why = self._interruption or ("" if self._freshness.seconds(0.0) is not None else "no snapshot came")
        return TimeoutError("the mirror did not come to what was waited for" + (f": {why}" if why else ""))

    def _fail(self, failure: BaseException) -> None:
        self._failure = failure
        _log.error("the mirror has ended: %s", failure)


def _tell(listener: OnChange, change: MirrorChange) -> None:
    try:
        listener(change)
    except (Exception, asyncio.CancelledError):  # noqa: BLE001 - the latter is of a future that the callback looked at
        _log.exception("a callback of the mirror failed")
