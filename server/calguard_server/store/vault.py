"""Encryption of the secrets that are kept."""

import base64
import hmac
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from calguard_server.domain.secret import Secret

_PURPOSE = b"calguard: fingerprint of a key, 1"
_FINGERPRINT_BYTES = 4


class UnreadableError(Exception):
    """None of the keys opens what is stored."""


def fingerprint(key: Secret) -> str:
    """Answer 8 hexadecimal digits that tell keys apart; a key has 256 random bits, and they give nothing of it away."""
    return hmac.digest(base64.urlsafe_b64decode(key.reveal()), _PURPOSE, "sha256")[:_FINGERPRINT_BYTES].hex()


class Vault:
    """Seals with the first key, opens with any: keys are rotated by putting a new one in front.

    `fingerprints` are the keys', in their order.
    """

    def __init__(self, keys: Sequence[Secret]) -> None:
        self._by_fingerprint = {fingerprint(key): Fernet(key.reveal()) for key in keys}
        self._fernet = MultiFernet(list(self._by_fingerprint.values()))
        self.fingerprints = tuple(self._by_fingerprint)

    def seal(self, secret: Secret) -> bytes:
        """Encrypt a secret."""
        return self._fernet.encrypt(secret.reveal().encode())

    def open(self, sealed: bytes) -> Secret:
        """Decrypt a secret. Raises UnreadableError."""
        return Secret(self.open_bytes(sealed).decode())

    def seal_bytes(self, content: bytes) -> bytes:
        """Encrypt what may hold a secret."""
        return self._fernet.encrypt(content)

    def open_bytes(self, sealed: bytes) -> bytes:
        """Decrypt it. Raises UnreadableError."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise UnreadableError from None

    def key_of(self, sealed: bytes) -> str | None:
        """Answer the fingerprint of the key that opens what is stored; None where none does."""
        for name, key in self._by_fingerprint.items():
            try:
                key.decrypt(sealed)
            except InvalidToken:
                continue
            return name
        return None

    def renew(self, sealed: bytes) -> bytes:
        """Encrypt what any key opens with the first one. Raises UnreadableError."""
        return self.seal_bytes(self.open_bytes(sealed))
