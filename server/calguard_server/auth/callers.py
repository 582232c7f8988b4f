"""Callers, as the file of tokens names them."""

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum

from msgspec import Struct


class Role(IntEnum):
    """What a caller may do. Each role includes those before it, so that they compare."""

    READER = 1
    WRITER = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """The role as people write it."""
        return self.name.lower()


class Caller(Struct, frozen=True):
    """Whom a token belongs to. From `expires` on it is no good any more."""

    name: str
    role: Role
    expires: datetime | None = None


Callers = Mapping[bytes, Caller]
"""By the SHA-256 of their tokens. One caller may have several, so that tokens can be changed without a gap."""
