"""Authorities and certificates, made when a test asks for them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
END = datetime(2100, 1, 1, tzinfo=UTC)
"""What is made is good for the clocks of tests, and for the real one by which TLS goes."""

SERVER_NAMES = (x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1")))


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key."""

    certificate: x509.Certificate
    private: ec.EllipticCurvePrivateKey

    @property
    def cert(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key(self) -> bytes:
        return private_pem(self.private)

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Write both, as NAME.pem and NAME.key, each by renaming."""
        written = folder / f"{name}.pem", folder / f"{name}.key"
        for path, raw in zip(written, (self.cert, self.key), strict=True):
            put(path, raw)
        return written

    def issue(self, *names: x509.GeneralName, authority: bool = False, end: datetime = END) -> "Pair":
        """Sign another, of the names given."""
        return _made(self, names, authority=authority, end=end)


def authority() -> Pair:
    """Make one that signs others."""
    return _made(None, (), authority=True, end=END)


def put(path: Path, raw: bytes) -> None:
    """Put a file in place of another by renaming it, so that nobody sees half of it."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_bytes(raw)
    beside.replace(path)


def private_pem(key: ec.EllipticCurvePrivateKey, passphrase: bytes = b"") -> bytes:
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def dns(name: str) -> x509.GeneralName:
    return x509.DNSName(name)


def uri(name: str) -> x509.GeneralName:
    return x509.UniformResourceIdentifier(name)


def _made(issuer: Pair | None, names: tuple[x509.GeneralName, ...], *, authority: bool, end: datetime) -> Pair:
    key, number = ec.generate_private_key(ec.SECP256R1()), x509.random_serial_number()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"made {number}")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(number)
        .not_valid_before(min(BEGIN, end - timedelta(days=1)))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return Pair(builder.sign(issuer.private if issuer else key, hashes.SHA256()), key)
