"""Certificates of callers: the names in them, how long they are good, and whether who signed them is still trusted.

TLS itself has verified a certificate when its connection was made. What is looked at here is what may change while that
connection lasts.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from msgspec import Struct

_REMEMBERED = 1024


class PeerCertificate(Struct, frozen=True):
    """A certificate that a caller proved to have, in PEM, and those above it that came along."""

    leaf: bytes
    above: bytes = b""


class Identity(Struct, frozen=True):
    """The names of a certificate, `dns:NAME` then `uri:URI`; from `expires` on it is of no use."""

    names: tuple[str, ...]
    expires: datetime


class ClientTrust:
    """Who signs the certificates of callers: `replace` has others do so from now on."""

    def __init__(self, client_ca: bytes) -> None:
        self.replace(client_ca)

    def replace(self, client_ca: bytes) -> None:
        """Trust those in this PEM alone."""
        self._roots = x509.load_pem_x509_certificates(client_ca)
        self._found = lru_cache(_REMEMBERED)(self._rests_on_root)

    def trusts(self, certificate: PeerCertificate) -> bool:
        """Whether a certificate is signed by one of those, by way of those above it that came along."""
        return self._found(certificate)

    def _rests_on_root(self, certificate: PeerCertificate) -> bool:
        above = _parsed(certificate.above) if certificate.above else []
        step: x509.Certificate | None = _parsed(certificate.leaf)[0]
        for _ in range(len(above) + 1):
            if step is None:
                return False
            if any(step == root or _issued(step, root) for root in self._roots):
                return True
            step = next((each for each in above if _issued(step, each)), None)
        return False


@lru_cache(_REMEMBERED)
def identity_of(leaf: bytes) -> Identity | None:
    """Read a certificate in PEM that TLS has verified; None where it is too odd to be read."""
    try:
        certificate = _parsed(leaf)[0]
        return Identity(tuple(_names(certificate)), certificate.not_valid_after_utc)
    except ValueError:
        return None


def _parsed(pem: bytes) -> Sequence[x509.Certificate]:
    return x509.load_pem_x509_certificates(pem)


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    found = [f"dns:{each.value.lower()}" for each in names if isinstance(each, x509.DNSName)]
    return found + [f"uri:{each.value}" for each in names if isinstance(each, x509.UniformResourceIdentifier)]


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
