"""The files of TLS: the server's certificate and key, and who signs the certificates of callers.

1. The certificate and its key are taken together or not at all; who signs callers' certificates is taken apart from
   them: who is trusted no more must not stay in because the server's own certificate is of no use.
2. Files are seldom renewed all in one moment, so what has changed is judged only when the next look finds it unchanged.
3. What is said of a bad file names the setting, and never what stands in the file.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Generic, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec import Struct

from calguard_server.auth.watched_file import WatchedFile
from calguard_server.domain.secret import Secret
from calguard_server.engine.ports.clock import Clock

_CERT, _KEY, _CLIENT_CA = "CALGUARD_TLS_CERT", "CALGUARD_TLS_KEY", "CALGUARD_TLS_CLIENT_CA"


class TlsFilesError(Exception):
    """A file cannot be read, or is bad. The text names the setting and the file, and says what was expected."""


class ServerPair(Struct, frozen=True):
    """The server's certificate, with those above it, and its key, in PEM. From `expires` on it is no good any more."""

    certificates: bytes
    key: Secret
    expires: datetime


Held = TypeVar("Held")


class _Files(ABC, Generic[Held]):
    """Files that are taken together, looked at again and again. Paths come by the names of their settings."""

    def __init__(self, named: Mapping[str, str]) -> None:
        self._files = {setting: WatchedFile(Path(path)) for setting, path in named.items()}
        self._raw: dict[str, bytes] = {}
        self._changed = False

    def read(self) -> Held:
        """Read them. Raises TlsFilesError."""
        for setting, file in self._files.items():
            try:
                self._raw[setting] = file.read()
            except OSError as error:
                raise self._unreadable(setting, error) from None
        return self._judge()

    def poll(self) -> Held | None:
        """Answer what they hold where that has changed, and then stayed so for a look; None where it has not.

        Raises TlsFilesError: each time while one cannot be read, once for each bad content.
        """
        found = {
            setting: raw for setting, file in self._files.items() if (raw := self._poll(setting, file)) is not None
        }
        self._raw |= found
        settled = self._changed and not found
        self._changed = bool(found)
        return self._judge() if settled else None

    @abstractmethod
    def _judge(self) -> Held:
        """Answer what they hold. Raises TlsFilesError."""

    def _poll(self, setting: str, file: WatchedFile) -> bytes | None:
        try:
            return file.poll()
        except OSError as error:
            self._changed = True
            raise self._unreadable(setting, error) from None

    def _certificates(self, setting: str) -> list[x509.Certificate]:
        try:
            return x509.load_pem_x509_certificates(self._raw[setting])
        except ValueError:
            raise self._bad(setting, "expected certificates in PEM") from None

    def _bad(self, setting: str, problem: str) -> TlsFilesError:
        return TlsFilesError(f"{setting}: {self._files[setting].path}: {problem}")

    def _unreadable(self, setting: str, error: OSError) -> TlsFilesError:
        return self._bad(setting, f"cannot be read: {error.strerror}")


class PairFiles(_Files[ServerPair]):
    """The server's certificate and its key."""

    def __init__(self, certificate: str, key: str, clock: Clock) -> None:
        super().__init__({_CERT: certificate, _KEY: key})
        self._clock = clock

    def _judge(self) -> ServerPair:
        now, leaf = self._clock.now(), self._certificates(_CERT)[0]
        if not leaf.not_valid_before_utc <= now < leaf.not_valid_after_utc:
            valid = f"from {leaf.not_valid_before_utc.isoformat()} to {leaf.not_valid_after_utc.isoformat()}"
            raise self._bad(_CERT, f"expected a certificate that is valid now, and not {valid}")
        self._check_key(leaf)
        return ServerPair(self._raw[_CERT], Secret(self._raw[_KEY].decode("latin-1")), leaf.not_valid_after_utc)

    def _check_key(self, leaf: x509.Certificate) -> None:
        try:
            key = load_pem_private_key(self._raw[_KEY], None)
        except TypeError:
            raise self._bad(_KEY, "expected a private key that is not encrypted with a passphrase") from None
        except (ValueError, UnsupportedAlgorithm):
            raise self._bad(_KEY, "expected a private key in PEM") from None
        if not isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey):
            raise self._bad(_KEY, "expected an RSA or an EC key")
        if key.public_key() != leaf.public_key():
            raise self._bad(_KEY, f"expected the key of the first certificate of {_CERT}")


class ClientCaFile(_Files[bytes]):
    """Who signs the certificates of callers, in PEM."""

    def __init__(self, path: str) -> None:
        super().__init__({_CLIENT_CA: path})

    def _judge(self) -> bytes:
        self._certificates(_CLIENT_CA)
        return self._raw[_CLIENT_CA]
