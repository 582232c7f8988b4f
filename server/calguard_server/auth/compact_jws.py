"""A JWS in its compact form (RFC 7515): what is read of one, and of one whose signature is good.

Anybody can send one, so its size and its depth are bounded before anything of it is parsed; and whatever the libraries
raise over its bytes is one error, for they raise more than they say they do.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from joserfc import jws

from calguard_server.auth.jwks import SigningKey

CHARACTERS_MAX = 16 * 1024
DEPTH_MAX = 16
"""How many lists and objects may stand within one another."""

_BRACKETS = re.compile(rb'"(?:[^"\\]++|\\.?)*+"?|[\[{]|[\]}]', re.DOTALL)
"""Strings whole, so that brackets in them do not count; one that is not closed goes to the end."""

T = TypeVar("T")


class JwsError(Exception):
    """A token that is none, whose signature is not good, or of which more is to be parsed than is taken."""


def header_of(token: str) -> Mapping[str, Any]:
    """Answer the header of a token, of which nothing is verified. Raises JwsError."""
    return _attempt(lambda: _header(token))


def verified_payload(token: str, key: SigningKey) -> Mapping[str, Any]:
    """Answer the object that a token holds, having verified its signature. Raises JwsError."""
    return _attempt(lambda: _object(jws.deserialize_compact(token, key.key, [key.id.algorithm]).payload))


def depth_of(raw: bytes) -> int:
    """Answer how deep lists and objects stand within one another in JSON, or in whatever it is."""
    depth = deepest = 0
    for found in _BRACKETS.finditer(raw):
        first = found[0][:1]
        depth += (first in b"[{") - (first in b"]}")
        deepest = max(deepest, depth)
    return deepest


def _header(token: str) -> dict[str, Any]:
    if len(token) > CHARACTERS_MAX:
        raise JwsError
    segment = token.partition(".")[0].encode("ascii")
    return _object(base64.b64decode(segment + b"=" * (-len(segment) % 4), b"-_", validate=True))


def _object(raw: bytes) -> dict[str, Any]:
    if depth_of(raw) > DEPTH_MAX or not isinstance(parsed := json.loads(raw), dict):
        raise JwsError
    return parsed


def _attempt(read: Callable[[], T]) -> T:
    try:
        return read()
    except Exception:  # noqa: BLE001 - a header of odd types makes the library raise TypeError, and others
        raise JwsError from None
