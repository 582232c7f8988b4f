"""Looks again and again whether the files of TLS were renewed, and has new connections use them."""

from collections.abc import Callable

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from calguard_server.auth.tls_files import ClientCaFile, PairFiles, ServerPair, TlsFilesError
from calguard_server.engine.ports.clock import Clock
from calguard_server.workers.file_reload import FileReload

_log = structlog.get_logger()

_OF_NO_USE = "the files of TLS are of no use: those read last stay in force"


class TlsMetrics:
    """What `/metrics` shows of the files."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._stale: set[object] = set()
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

    def in_force(self, pair: ServerPair) -> None:
        """Show what is in force."""
        self.expiry.set(pair.expires.timestamp())

    def taken(self, files: object) -> None:
        """Count a renewal of some of the files."""
        self._stale.discard(files)
        self.stale.set(bool(self._stale))
        self.renewals.labels("taken").inc()

    def refused(self, files: object) -> None:
        """Count a renewal that is of no use."""
        self._stale.add(files)
        self.stale.set(1)
        self.renewals.labels("refused").inc()


class TlsReload(FileReload[ServerPair]):
    """Has new connections be shown the server's renewed certificate."""

    def __init__(
        self, files: PairFiles, renew: Callable[[ServerPair], None], clock: Clock, metrics: TlsMetrics
    ) -> None:
        super().__init__(files.poll, TlsFilesError, clock)
        self._renew = renew
        self._metrics = metrics

    def _taken(self, held: ServerPair) -> None:
        self._renew(held)
        self._metrics.in_force(held)
        self._metrics.taken(self)
        _log.info("the files of TLS were renewed: new connections use them", expires=held.expires.isoformat())

    def _refused(self, problem: str) -> None:
        self._metrics.refused(self)
        _log.error(_OF_NO_USE, problem=problem)


class ClientCaReload(FileReload[bytes]):
    """Has callers be trusted by who signs their certificates now, whatever the server's own is like."""

    def __init__(self, file: ClientCaFile, renew: Callable[[bytes], None], clock: Clock, metrics: TlsMetrics) -> None:
        super().__init__(file.poll, TlsFilesError, clock)
        self._renew = renew
        self._metrics = metrics

    def _taken(self, held: bytes) -> None:
        self._renew(held)
        self._metrics.taken(self)
        _log.info("the files of TLS were renewed: callers are trusted by TLS_CLIENT_CA as it is now")

    def _refused(self, problem: str) -> None:
        self._metrics.refused(self)
        _log.error(_OF_NO_USE, problem=problem)
