"""The key that signs ID tokens, and the two forms in which its public half is published."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from jwt.algorithms import RSAAlgorithm

# Fixed, so that a sandbox with a clock of its own still has a certificate that is in force.
NOT_BEFORE = datetime(2020, 1, 1, tzinfo=UTC)
NOT_AFTER = datetime(2099, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key with its id and a certificate of its own making, PEM."""

    kid: str
    private: rsa.RSAPrivateKey
    certificate: str

    def sign(self, claims: dict[str, Any]) -> str:
        """An RS256 JWT of the claims."""
        return jwt.encode(claims, self.private, algorithm="RS256", headers={"kid": self.kid})

    def jwks(self) -> dict[str, Any]:
        """The public key as a JWK set."""
        public = json.loads(RSAAlgorithm.to_jwk(self.private.public_key()))
        return {"keys": [{**public, "kid": self.kid, "use": "sig", "alg": "RS256"}]}


@cache
def signing_key() -> SigningKey:
    """The key of this process; made once, for making one takes a good part of a second."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    certificate = self_signed(private, "federated-signon.sandbox.invalid", [])
    fingerprint = certificate.fingerprint(hashes.SHA1()).hex()  # noqa: S303 - a name for the key, as Google's
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    return SigningKey(kid=fingerprint, private=private, certificate=pem)


def self_signed(key: rsa.RSAPrivateKey, name: str, names: list[x509.GeneralName]) -> x509.Certificate:
    """A certificate that vouches for itself."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOT_BEFORE)
        .not_valid_after(NOT_AFTER)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256())
