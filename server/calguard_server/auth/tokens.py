"""Tokens: how they are made, and how they are told apart.

A token is 256 random bits, so its plain SHA-256 gives nothing of it away, and needs neither salt nor stretching. Being
looked up by that hash, a token is never compared with another: how long it takes tells nothing of those that are good.
"""

import secrets
from functools import lru_cache
from hashlib import sha256

PREFIX = "calguard_"
"""Lets those who search for leaked secrets tell what they found."""

_RANDOM_BYTES = 32
_HEADER_MAX = 512
_REMEMBERED = 1024
_SCHEME = "bearer"


def new_token() -> str:
    """Make a token."""
    return PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def digest_of(token: str) -> bytes:
    """Answer the SHA-256 of a token: 32 bytes."""
    return sha256(token.encode()).digest()


def bearer_digest(authorization: str) -> bytes | None:
    """Answer the digest of the token in `Bearer TOKEN`; None where there is none.

    Calls come with the same few tokens again and again, so the latest are remembered with their digests.
    """
    return _remembered(authorization) if len(authorization) <= _HEADER_MAX else _digest(authorization)


def bearer_token(authorization: str) -> str:
    """Answer the token in `Bearer TOKEN`; empty where there is none."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == _SCHEME else ""


def _digest(authorization: str) -> bytes | None:
    token = bearer_token(authorization)
    return digest_of(token) if token else None


_remembered = lru_cache(_REMEMBERED)(_digest)
