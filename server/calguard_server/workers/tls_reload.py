"""Looks again and again whether the files of TLS were renewed, and has new connections use them."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from calguard_server.auth.tls_files import TlsFiles, TlsFilesError, TlsMaterial
from calguard_server.engine.ports import Clock

_log = structlog.get_logger()

_INTERVAL = timedelta(seconds=1)


class TlsMetrics:
    """What `/metrics` shows of the files."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.renewals = Counter(
            "calguard_tls_renewals",
            "Renewals of the files of TLS, by what came of each.",
            ["outcome"],
            registry=registry,
        )
        self.stale = Gauge(
            "calguard_tls_files_stale",
            "1 while a file of TLS is bad or gone, and what was read before is in force.",
            registry=registry,
        )
        self.expiry = Gauge(
            "calguard_tls_certificate_expiry_timestamp_seconds",
            "When the server's certificate that is in force expires, in seconds since 1970.",
            registry=registry,
        )
        for outcome in ("taken", "refused"):
            self.renewals.labels(outcome)

    def in_force(self, material: TlsMaterial) -> None:
        """Show what is in force."""
        self.stale.set(0)
        self.expiry.set(material.expires.timestamp())

    def refused(self) -> None:
        """Count a renewal that is of no use."""
        self.stale.set(1)
        self.renewals.labels("refused").inc()


class TlsReload:
    """Runs until it is cancelled. Files that are bad, or gone, leave in force what was read last."""

    def __init__(
        self, files: TlsFiles, renew: Callable[[TlsMaterial], None], clock: Clock, metrics: TlsMetrics
    ) -> None:
        self._files = files
        self._renew = renew
        self._clock = clock
        self._metrics = metrics
        self._complaint = ""

    async def run(self) -> None:
        """Look, every second."""
        while True:
            await self._clock.sleep(_INTERVAL)
            await self.look()

    async def look(self) -> None:
        """Look once; off the event loop, because the files may be on a disk that hangs."""
        try:
            material = await asyncio.to_thread(self._files.poll)
        except TlsFilesError as error:
            self._complain(str(error))
            return
        if material is not None:
            self._renew(material)
            self._complaint = ""
            self._metrics.in_force(material)
            self._metrics.renewals.labels("taken").inc()
            _log.info("the files of TLS were renewed: new connections use them", expires=material.expires.isoformat())

    def _complain(self, complaint: str) -> None:
        if complaint != self._complaint:
            self._complaint = complaint
            self._metrics.refused()
            _log.error("the files of TLS are of no use: those read last stay in force", problem=complaint)
