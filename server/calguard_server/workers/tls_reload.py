"""Looks again and again whether the files of TLS were renewed, and has new connections use them."""

from collections.abc import Callable

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from calguard_server.auth.tls_files import TlsFiles, TlsFilesError, TlsMaterial
from calguard_server.engine.ports.clock import Clock
from calguard_server.workers.file_reload import FileReload

_log = structlog.get_logger()


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


class TlsReload(FileReload[TlsMaterial]):
    """Has new connections use renewed files."""

    def __init__(
        self, files: TlsFiles, renew: Callable[[TlsMaterial], None], clock: Clock, metrics: TlsMetrics
    ) -> None:
        super().__init__(files.poll, TlsFilesError, clock)
        self._renew = renew
        self._metrics = metrics

    def _taken(self, held: TlsMaterial) -> None:
        self._renew(held)
        self._metrics.in_force(held)
        self._metrics.renewals.labels("taken").inc()
        _log.info("the files of TLS were renewed: new connections use them", expires=held.expires.isoformat())

    def _refused(self, problem: str) -> None:
        self._metrics.refused()
        _log.error("the files of TLS are of no use: those read last stay in force", problem=problem)
