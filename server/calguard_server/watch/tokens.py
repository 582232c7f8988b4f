"""Resume tokens: which store and which run of a server on it, up to which revision, under which filter.

Opaque to callers. A token is URL-safe base64 of a version byte, the revision (8 bytes), the filter's hash (8 bytes),
the run's epoch (8 bytes) and the store's id, with a checksum (4 bytes) that catches typing errors; it grants nothing,
so it is not signed.
"""

import base64
import hashlib
import struct
import zlib
from binascii import Error as BadBase64

from calguard_server.domain.errors import InvalidArgumentError, OutOfRangeError
from calguard_server.engine.ports.watching import WatchSpec

_VERSION = 2
_HEAD = struct.Struct(">BQ8s8s")
_CHECKSUM = struct.Struct(">I")


def filter_hash(spec: WatchSpec) -> bytes:
    """Answer 8 bytes that are the same for the same filter, in whatever order it was written."""
    parts = (spec.account_ids, spec.calendar_link_ids, spec.booking_page_ids, spec.kinds)
    return hashlib.sha256(repr([sorted(part) for part in parts]).encode()).digest()[:8]


class TokenMint:
    """Makes and reads the tokens of one store and one filter, in one epoch of 16 hexadecimal digits."""

    def __init__(self, store_id: str, epoch: str, spec: WatchSpec) -> None:
        self._store_id = store_id.encode()
        self._epoch = bytes.fromhex(epoch)
        self._filter = filter_hash(spec)

    def make(self, revision: int) -> str:
        """Make the token of a revision: a stream resumed with it goes on after that revision."""
        body = _HEAD.pack(_VERSION, revision, self._filter, self._epoch) + self._store_id
        return base64.urlsafe_b64encode(body + _CHECKSUM.pack(zlib.crc32(body))).decode()

    def read(self, token: str) -> tuple[int, str]:
        """Read the revision of a token, and the epoch that it was made in.

        Raises InvalidArgumentError `TOKEN_INVALID`, `TOKEN_STORE_MISMATCH`, `TOKEN_FILTER_MISMATCH`.
        """
        revision, filtered, epoch, store_id = _unpack(token)
        if store_id != self._store_id:
            raise InvalidArgumentError.of_field(
                "TOKEN_STORE_MISMATCH", "resume_token", "belongs to another store: watch without a token"
            )
        if filtered != self._filter:
            raise InvalidArgumentError.of_field(
                "TOKEN_FILTER_MISMATCH", "resume_token", "belongs to a watch with other filters: use those, or no token"
            )
        return revision, epoch.hex()


def from_future(latest: int) -> OutOfRangeError:
    """Build the refusal of a token that tells of what this store never held."""
    return OutOfRangeError(
        "TOKEN_FROM_FUTURE",
        "resume_token: is ahead of this store, which may have been restored: watch without a token",
        metadata={"latest_revision": str(latest)},
    )


def _unpack(token: str) -> tuple[int, bytes, bytes, bytes]:
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        body, checksum = raw[: -_CHECKSUM.size], _CHECKSUM.unpack(raw[-_CHECKSUM.size :])[0]
        version, revision, filtered, epoch = _HEAD.unpack(body[: _HEAD.size])
    except (BadBase64, UnicodeEncodeError, struct.error):
        raise _invalid() from None
    if version != _VERSION or checksum != zlib.crc32(body):
        raise _invalid()
    return revision, filtered, epoch, body[_HEAD.size :]


def _invalid() -> InvalidArgumentError:
    return InvalidArgumentError.of_field(
        "TOKEN_INVALID", "resume_token", "is not a token of this service: send it as received"
    )
