"""The wiring of the gRPC server's entrance: TLS, and who may call."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path

import aiohttp
import structlog
from prometheus_client import CollectorRegistry, Gauge

from calguard_server.auth.authority import Authority
from calguard_server.auth.callers import Callers
from calguard_server.auth.certificates import ClientTrust
from calguard_server.auth.jwks import Jwks, JwksError
from calguard_server.auth.jwks_sources import JwksFile, JwksUrl
from calguard_server.auth.signed_tokens import SignedTokenRules, SignedTokens
from calguard_server.auth.tls_files import ClientCaFile, PairFiles
from calguard_server.auth.tokens_file import TokensFile
from calguard_server.engine.ports.clock import Clock
from calguard_server.grpc_api.tls import TlsCredentials
from calguard_server.settings.addresses import is_loopback
from calguard_server.settings.server import Settings
from calguard_server.workers.jwks_reload import JwksReload
from calguard_server.workers.tls_reload import ClientCaReload, TlsMetrics, TlsReload
from calguard_server.workers.token_reload import TokenReload

_log = structlog.get_logger()

_REMOTE_INTERVAL, _REMOTE_RETRY = timedelta(minutes=10), timedelta(seconds=30)
_FILE_INTERVAL = timedelta(seconds=1)

Worker = Callable[[], Coroutine[object, object, None]]


class Tls:
    """The files of TLS, what they held at the start, and what is served with. Without a `ca_file` nobody is asked."""

    def __init__(self, pair_files: PairFiles, ca_file: ClientCaFile | None) -> None:
        """Raise TlsFilesError."""
        self.pair_files = pair_files
        self.ca_file = ca_file
        self.pair = pair_files.read()
        self.client_ca = ca_file.read() if ca_file else b""
        self.credentials = TlsCredentials(self.pair, self.client_ca)


class _Keys:
    """The keys that sign JWTs, and what reads them again."""

    def __init__(self, place: str, session: aiohttp.ClientSession, clock: Clock, registry: CollectorRegistry) -> None:
        self._remote = place.lower().startswith(("https://", "http://"))
        self.jwks = Jwks(JwksUrl(place, session) if self._remote else JwksFile(Path(place)), clock)
        stale = Gauge(
            "calguard_auth_jwks_stale",
            "1 while AUTH_JWT_JWKS cannot be read, and the keys read before are in force.",
            registry=registry,
        )
        interval, retry = (_REMOTE_INTERVAL, _REMOTE_RETRY) if self._remote else (_FILE_INTERVAL, _FILE_INTERVAL)
        self.reload = JwksReload(self.jwks, clock, stale.set, interval, retry)

    async def open(self) -> None:
        try:
            await self.jwks.refresh()
        except JwksError as error:
            if not self._remote:
                raise
            self.reload.complain(str(error))


class Entrance:
    """`authority` knows who may call; it is None where all may. `tls` is None where gRPC is in plain text.

    `workers` have to run: they read again what has changed.
    """

    def __init__(
        self, settings: Settings, clock: Clock, registry: CollectorRegistry, session: aiohttp.ClientSession
    ) -> None:
        """Raise TokensFileError, TlsFilesError."""
        self._settings = settings
        self._clock = clock
        self._registry = registry
        self._tokens_file = TokensFile(Path(settings.auth_tokens_file)) if settings.auth_tokens_file else None
        self._keys = _Keys(settings.auth_jwt_jwks, session, clock, registry) if settings.auth_jwt_issuer else None
        self.tls = self._read_tls()
        self.authority = self._read_callers()

    async def open(self) -> None:
        """Read the keys of JWTs for the first time. Raises JwksError for a file; what has an address may be down."""
        if self._keys is not None:
            await self._keys.open()

    @property
    def described(self) -> dict[str, str]:
        """How callers come in, for the log."""
        tls, settings = self.tls, self._settings
        ways = [
            way for way, used in (("tokens", settings.auth_tokens_file), ("JWTs", settings.auth_jwt_issuer)) if used
        ]
        return {
            "authentication": " and ".join(ways) or "none",
            "tls": ("mutual" if tls.client_ca else "on") if tls else "off",
        }

    def workers(self) -> dict[str, Worker]:
        """Answer what has to run, by names."""
        workers: dict[str, Worker] = {}
        if self.authority is not None and self._tokens_file is not None:
            workers["tokens"] = self._token_reload(self._tokens_file, self.authority).run
        if self._keys is not None:
            workers["keys of JWTs"] = self._keys.reload.run
        if self.tls is not None:
            workers |= self._tls_reloads(self.tls)
        return workers

    def _read_tls(self) -> Tls | None:
        settings = self._settings
        if not settings.tls_cert:
            return None
        ca_file = ClientCaFile(settings.tls_client_ca) if settings.tls_client_ca else None
        return Tls(PairFiles(settings.tls_cert, settings.tls_key, self._clock), ca_file)

    def _read_callers(self) -> Authority | None:
        if self._tokens_file is None and self._keys is None:
            return None
        if self.tls is None and not is_loopback(self._settings.listen):
            _log.warning("tokens come in plain text from other machines: set CALGUARD_TLS_CERT, or let a proxy end TLS")
        client_ca = self.tls.client_ca if self.tls else b""
        callers = self._tokens_file.read() if self._tokens_file else {}
        self._warn_of(callers, asked_for_certificates=bool(client_ca))
        signed = SignedTokens(self._rules(), self._keys.jwks, self._clock) if self._keys else None
        return Authority(callers, self._clock, ClientTrust(client_ca) if client_ca else None, signed)

    def _warn_of(self, callers: Callers, *, asked_for_certificates: bool) -> None:
        if not callers and self._keys is None:
            _log.warning("nobody may call: CALGUARD_AUTH_TOKENS_FILE has no caller")
        if not asked_for_certificates and any(isinstance(key, str) for key in callers):
            _log.warning("nobody is asked for a certificate, as callers are known by: set CALGUARD_TLS_CLIENT_CA")

    def _rules(self) -> SignedTokenRules:
        settings = self._settings
        return SignedTokenRules(
            settings.auth_jwt_issuer,
            settings.auth_jwt_audience,
            settings.auth_jwt_leeway,
            settings.auth_jwt_role_claim,
            settings.auth_jwt_accounts_claim,
        )

    def _token_reload(self, file: TokensFile, authority: Authority) -> TokenReload:
        stale = Gauge(
            "calguard_auth_tokens_file_stale",
            "1 while AUTH_TOKENS_FILE is bad or gone, and what was read of it before is in force.",
            registry=self._registry,
        )
        return TokenReload(file, authority, self._clock, stale.set)

    def _tls_reloads(self, tls: Tls) -> dict[str, Worker]:
        metrics = TlsMetrics(self._registry)
        metrics.in_force(tls.pair)
        reloads: dict[str, Worker] = {
            "tls": TlsReload(tls.pair_files, tls.credentials.renew_pair, self._clock, metrics).run
        }
        if tls.ca_file is not None:
            reloads["trust in callers"] = ClientCaReload(tls.ca_file, self._trust, self._clock, metrics).run
        return reloads

    def _trust(self, client_ca: bytes) -> None:
        """Have callers be trusted by these authorities: those of new connections, and those who are connected."""
        if self.tls is not None:
            self.tls.credentials.renew_client_ca(client_ca)
        if self.authority is not None and self.authority.trust is not None:
            self.authority.trust.replace(client_ca)
