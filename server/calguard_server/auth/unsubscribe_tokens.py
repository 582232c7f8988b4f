"""What in an address permits whoever opens it to end one account's messages of one kind.

1. It names the account, and is signed: HMAC-SHA256, cut to 128 bits. Whoever has it may end the messages, and no more.
2. The keys are derived (HKDF) from those that encrypt stored tokens, for this use alone: the first signs, all verify,
   so that they are rotated together.
3. It is good as long as its key is kept: a message may be read late, and all that it permits is to be told less.
"""

import base64
import hmac
import re
from collections.abc import Sequence

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from calguard_server.domain.secret import Secret

_PURPOSE = b"calguard: unsubscribe from link alerts, 1"
_KEY_BYTES = 32
_SIGNATURE_BYTES = 16
_TOKEN = re.compile(r"([A-Za-z0-9_-]{1,340})\.([A-Za-z0-9_-]{22})")


class UnsubscribeTokens:
    """Makes and reads them. `keys` are Fernet keys, the newest first."""

    def __init__(self, keys: Sequence[Secret]) -> None:
        self._keys = [Secret(_derived(key).hex()) for key in keys]

    def make(self, account_id: str) -> str:
        """Answer the token of an account: the same each time, safe in a path."""
        return f"{_encoded(account_id.encode())}.{_encoded(_signature(self._keys[0], account_id))}"

    def read(self, token: str) -> str | None:
        """Answer whose messages a token ends; None where nobody here has signed it."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            return None
        try:
            account_id = _decoded(match[1]).decode()
            signature = _decoded(match[2])
        except ValueError:
            return None
        signed = [hmac.compare_digest(signature, _signature(key, account_id)) for key in self._keys]
        return account_id if any(signed) else None


def _derived(key: Secret) -> bytes:
    material = base64.urlsafe_b64decode(key.reveal())
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=_PURPOSE).derive(material)


def _signature(key: Secret, account_id: str) -> bytes:
    return hmac.digest(bytes.fromhex(key.reveal()), account_id.encode(), "sha256")[:_SIGNATURE_BYTES]


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
