"""What `/metrics` shows of the state: read when somebody asks, and no more than once a second."""

from collections.abc import Callable
from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge

from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.ports.counts import WorkCounts
from calguard_server.engine.ports.store import Store
from calguard_server.engine.server_status import ServerStatus, StatusReading


class StatusMetrics:
    """Gauges of links, pages, notices, appointments and watches.

    `watch_lag` tells how many seconds the watch is behind that is furthest behind, `troubled` whether an incident of
    the provider is open, `writable` whether the database takes changes.
    """

    def __init__(
        self,
        store: Store,
        status: StatusReading,
        clock: Clock,
        registry: CollectorRegistry,
        *,
        watch_lag: Callable[[], float],
        troubled: Callable[[], bool],
        writable: Callable[[], bool],
    ) -> None:
        self._store = store
        self._status = status
        self._clock = clock
        self._watch_lag = watch_lag
        self._troubled = troubled
        self._writable = writable

        def gauge(name: str, meaning: str, *labels: str) -> Gauge:
            return Gauge(f"calguard_{name}", meaning, labels, registry=registry)

        self._links = gauge("calendar_links", "Calendar links, by state.", "state")
        self._pages = gauge("booking_pages", "Booking pages, by state.", "state")
        self._taking = gauge("store_writable", "1 while the database takes changes, 0 while it does not answer.")
        self._revision = gauge("revision", "The revision of the latest change.")
        self._watches = gauge("watch_streams", "Watches that are open.")
        self._lag = gauge("watch_lag_seconds", "How far the watch is behind that is furthest behind.")
        self._unsent = gauge("notifications_unsent", "Notices that are still to be sent.")
        self._dead = gauge("notifications_dead", "Notices that were given up, and neither retried nor discarded.")
        self._incidents = gauge("incidents_open", "Stopped pages and failed links that people are told of.")
        self._provider = gauge("provider_incident", "1 while many unrelated links fail alike, and are held for it.")
        self._overdue_check = gauge("check_overdue_seconds", "How long the longest due check of a link is overdue.")
        self._undone = gauge(
            "appointment_entries_undone", "Appointments' entries that could not be added or removed so far.", "state"
        )
        self._overdue_entry = gauge(
            "appointment_entry_overdue_seconds", "How long the longest due entry of an appointment is overdue."
        )

    async def look(self) -> None:
        """Bring the gauges up to date."""
        self._show(await self._status.read())
        self._show_work(await self._store.work_counts(), self._clock.now())
        self._lag.set(self._watch_lag())
        self._taking.set(int(self._writable()))
        self._provider.set(int(self._troubled()))

    def _show(self, status: ServerStatus) -> None:
        for link_state, links in status.links.items():
            self._links.labels(link_state.value).set(links)
        for page_state, pages in status.pages.items():
            self._pages.labels(page_state.value).set(pages)
        self._revision.set(status.revision)
        self._watches.set(status.watches)
        self._unsent.set(status.unsent)
        self._dead.set(status.dead)

    def _show_work(self, work: WorkCounts, now: datetime) -> None:
        self._incidents.set(work.open_incidents)
        self._overdue_check.set(_overdue(work.oldest_due_check, now))
        self._overdue_entry.set(_overdue(work.oldest_due_entry, now))
        for state, entries in work.undone_entries.items():
            self._undone.labels(state.value).set(entries)


def _overdue(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max((now - since).total_seconds(), 0.0)
