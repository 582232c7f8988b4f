"""Encryption of the secrets that are kept."""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from calguard_server.domain.secret import Secret


class UnreadableError(Exception):
    """None of the keys opens what is stored."""


class Vault:
    """Seals with the first key, opens with any: keys are rotated by putting a new one in front."""

    def __init__(self, keys: Sequence[Secret]) -> None:
        self._fernet = MultiFernet([Fernet(key.reveal()) for key in keys])

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
