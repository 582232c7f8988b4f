"""The server's side of TLS, which new connections may find renewed while those that are open go on."""

from collections import deque

import grpc

from calguard_server.auth.tls_files import ServerPair


class TlsCredentials:
    """What the server is bound with, in `server`. Whether callers must have a certificate stays as it began.

    `client_ca` has, in PEM, who signs the certificates of callers; it is empty where they need none.
    """

    def __init__(self, pair: ServerPair, client_ca: bytes) -> None:
        self._pair = pair
        self._client_ca = client_ca
        self._renewed: deque[grpc.ServerCertificateConfiguration] = deque(maxlen=1)
        self.server = grpc.dynamic_ssl_server_credentials(
            self._configuration(),
            self._take,  # type: ignore[arg-type]  # the stubs do not know that None is for no change
            require_client_authentication=bool(client_ca),
        )

    def renew_pair(self, pair: ServerPair) -> None:
        """Have connections be shown this certificate from the next one on."""
        self._pair = pair
        self._renewed.append(self._configuration())

    def renew_client_ca(self, client_ca: bytes) -> None:
        """Have callers' certificates be verified by these from the next connection on."""
        self._client_ca = client_ca
        self._renewed.append(self._configuration())

    def _take(self) -> grpc.ServerCertificateConfiguration | None:
        """Hand over what is new, once: grpc asks before each handshake, in threads of its own, and keeps it."""
        try:
            return self._renewed.pop()
        except IndexError:
            return None

    def _configuration(self) -> grpc.ServerCertificateConfiguration:
        pair = (self._pair.key.reveal().encode("latin-1"), self._pair.certificates)
        return grpc.ssl_server_certificate_configuration([pair], self._client_ca or None)
