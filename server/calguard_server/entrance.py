"""The wiring of the gRPC server's entrance: TLS, and who may call."""

from collections.abc import Callable, Coroutine
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry, Gauge

from calguard_server.auth.authority import Authority
from calguard_server.auth.certificates import ClientTrust
from calguard_server.auth.tls_files import TlsFiles, TlsMaterial
from calguard_server.auth.tokens_file import TokensFile
from calguard_server.engine.ports import Clock
from calguard_server.grpc_api.tls import TlsCredentials
from calguard_server.settings import Settings, is_loopback
from calguard_server.workers.tls_reload import TlsMetrics, TlsReload
from calguard_server.workers.token_reload import TokenReload

_log = structlog.get_logger()

Worker = Callable[[], Coroutine[object, object, None]]


class Tls:
    """The files of TLS, what they held at the start, and what is served with."""

    def __init__(self, files: TlsFiles) -> None:
        """Raise TlsFilesError."""
        self.files = files
        self.material = files.read()
        self.credentials = TlsCredentials(self.material)


class Entrance:
    """`authority` knows who may call; it is None where all may. `tls` is None where gRPC is in plain text.

    `workers` have to run: they read again what has changed.
    """

    def __init__(self, settings: Settings, clock: Clock, registry: CollectorRegistry) -> None:
        """Raise TokensFileError, TlsFilesError."""
        self._settings = settings
        self._clock = clock
        self._registry = registry
        self.tls = self._read_tls()
        self.authority = self._read_callers()

    @property
    def described(self) -> dict[str, str]:
        """How callers come in, for the log."""
        tls = self.tls
        return {
            "authentication": "tokens" if self.authority else "none",
            "tls": ("mutual" if tls.material.client_ca else "on") if tls else "off",
        }

    def workers(self) -> dict[str, Worker]:
        """Answer what has to run, by names."""
        workers: dict[str, Worker] = {}
        if self.authority is not None:
            workers["tokens"] = self._token_reload(self.authority).run
        if self.tls is not None:
            workers["tls"] = self._tls_reload(self.tls).run
        return workers

    def _read_tls(self) -> Tls | None:
        paths = self._settings.tls_cert, self._settings.tls_key, self._settings.tls_client_ca
        return Tls(TlsFiles(*paths, self._clock)) if self._settings.tls_cert else None

    def _read_callers(self) -> Authority | None:
        settings = self._settings
        if not settings.auth_tokens_file:
            return None
        if self.tls is None and not is_loopback(settings.listen):
            _log.warning("tokens come in plain text from other machines: set CALGUARD_TLS_CERT, or let a proxy end TLS")
        self._tokens_file = TokensFile(Path(settings.auth_tokens_file))
        client_ca = self.tls.material.client_ca if self.tls else b""
        authority = Authority(self._tokens_file.read(), self._clock, ClientTrust(client_ca) if client_ca else None)
        if not authority.callers:
            _log.warning("nobody may call: CALGUARD_AUTH_TOKENS_FILE has no caller")
        if not client_ca and any(isinstance(key, str) for key in authority.callers):
            _log.warning("nobody is asked for a certificate, as callers are known by: set CALGUARD_TLS_CLIENT_CA")
        return authority

    def _token_reload(self, authority: Authority) -> TokenReload:
        stale = Gauge(
            "calguard_auth_tokens_file_stale",
            "1 while AUTH_TOKENS_FILE is bad or gone, and what was read of it before is in force.",
            registry=self._registry,
        )
        return TokenReload(self._tokens_file, authority, self._clock, stale.set)

    def _tls_reload(self, tls: Tls) -> TlsReload:
        def renew(material: TlsMaterial) -> None:
            tls.credentials.renew(material)
            if self.authority is not None and self.authority.trust is not None:
                self.authority.trust.replace(material.client_ca)

        metrics = TlsMetrics(self._registry)
        metrics.in_force(tls.material)
        return TlsReload(tls.files, renew, self._clock, metrics)
