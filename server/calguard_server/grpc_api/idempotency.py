"""Calls that may be repeated: the same `request_id` answers as the first did and does nothing."""

import hashlib
from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from calguard_server.engine.requests import Request
from calguard_server.grpc_api.authentication import scope_of_call


def request_of(method: str, message: Message, encode: Callable[[Any], Message]) -> Request | None:
    """Answer what the engine keeps of a call; None where the caller gave it no id.

    `encode` makes the response message of what the use case answers: its bytes are kept as the answer.
    """
    given: str = getattr(message, "request_id", "")
    if not given:
        return None
    request_id = given.lower()  # UUIDs do not differ by case
    if key := scope_of_call().key:  # else whoever hears of an id would be answered what another was
        request_id = f"{key}:{request_id}"
    return Request(request_id, fingerprint(method, message), lambda result: encode(result).SerializeToString())


def fingerprint(method: str, message: Message) -> str:
    """Answer what tells one call from another: the method and all of the request but its `request_id`."""
    bare = type(message)()
    bare.CopyFrom(message)
    bare.ClearField("request_id")
    digest = hashlib.sha256(method.encode() + b"\n")
    digest.update(bare.SerializeToString(deterministic=True))
    return digest.hexdigest()
