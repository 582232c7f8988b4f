"""The server's side of TLS, which new connections may find renewed while those that are open go on."""

from collections import deque

import grpc

from calguard_server.auth.tls_files import TlsMaterial


class TlsCredentials:
    """What the server is bound with, in `server`. Whether callers must have a certificate stays as it began."""

    def __init__(self, material: TlsMaterial) -> None:
        self._renewed: deque[grpc.ServerCertificateConfiguration] = deque(maxlen=1)
        self.server = grpc.dynamic_ssl_server_credentials(
            _configuration(material),
            self._take,  # type: ignore[arg-type]  # the stubs do not know that None is for no change
            require_client_authentication=bool(material.client_ca),
        )

    def renew(self, material: TlsMaterial) -> None:
        """Have connections use what is given from the next one on."""
        self._renewed.append(_configuration(material))

    def _take(self) -> grpc.ServerCertificateConfiguration | None:
        """Hand over what is new, once: grpc asks before each handshake, in threads of its own, and keeps it."""
        try:
            return self._renewed.pop()
        except IndexError:
            return None


def _configuration(material: TlsMaterial) -> grpc.ServerCertificateConfiguration:
    pair = (material.key.reveal().encode("latin-1"), material.certificates)
    return grpc.ssl_server_certificate_configuration([pair], material.client_ca or None)
