"""The bytes of a WatchResponse.

A repeated field's encoding is the concatenation of its elements' encodings, and so is the encoding of a message and
that of its parts: each change is encoded once, at its commit, and a response is the changes' bytes joined. For the
same reason a field is added to an encoded change by appending it.
"""

from collections.abc import Iterable

from calguard.v1 import watch_pb2

_CHANGES_TAG = bytes([watch_pb2.WatchResponse.CHANGES_FIELD_NUMBER << 3 | 2])

ENTERED = watch_pb2.StateChange(filter_transition=watch_pb2.FILTER_TRANSITION_ENTERED).SerializeToString()
"""Appended to a change that brought its resource into a filter."""

LEFT = watch_pb2.StateChange(filter_transition=watch_pb2.FILTER_TRANSITION_LEFT).SerializeToString()
"""Appended to a change that took its resource out of a filter."""


def frame(change: bytes) -> bytes:
    """Frame an encoded StateChange as one element of `WatchResponse.changes`."""
    return _CHANGES_TAG + _varint(len(change)) + change


def response(frames: Iterable[bytes], token: str) -> bytes:
    """Join framed changes and the token that they lead up to."""
    return b"".join(frames) + watch_pb2.WatchResponse(resume_token=token).SerializeToString()


def snapshot_end(token: str) -> bytes:
    """Build the message that ends a snapshot."""
    return watch_pb2.WatchResponse(resume_token=token, snapshot_complete=True).SerializeToString()


def progress(token: str) -> bytes:
    """Build the message that tells that there was nothing to tell."""
    return watch_pb2.WatchResponse(resume_token=token, progress=True).SerializeToString()


def closing(token: str, reason: str) -> bytes:
    """Build the last message before the server ends a stream."""
    message = watch_pb2.WatchResponse(resume_token=token, closing=watch_pb2.Closing(reason=reason))
    return message.SerializeToString()


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
