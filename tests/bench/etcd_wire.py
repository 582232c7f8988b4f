"""The few messages of etcd's v3 API that are sent to it, encoded by hand: its protos are not part of this project."""

from collections.abc import Sequence

PUT = "/etcdserverpb.KV/Put"
RANGE = "/etcdserverpb.KV/Range"
TXN = "/etcdserverpb.KV/Txn"
WATCH = "/etcdserverpb.Watch/Watch"
WATCH_EVENTS = 11
TXN_OPERATIONS_MAX = 128
"""What etcd takes in one transaction unless it is told otherwise."""


def put(key: str, value: bytes) -> bytes:
    """Build a PutRequest."""
    return field(1, key.encode()) + field(2, value)


def get(key: str) -> bytes:
    """Build a RangeRequest for one key."""
    return field(1, key.encode())


def transaction(puts: Sequence[bytes]) -> bytes:
    """Build a TxnRequest that makes PutRequests."""
    return b"".join(field(2, field(2, each)) for each in puts)


def watch_all() -> bytes:
    """Build a WatchRequest that creates a watch of all keys."""
    return field(1, field(1, b"\0") + field(2, b"\0"))  # from the first key on, without an end


def field(number: int, value: bytes) -> bytes:
    """Encode a field of a message, a string or bytes."""
    return bytes([number << 3 | 2]) + _varint(len(value)) + value


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
