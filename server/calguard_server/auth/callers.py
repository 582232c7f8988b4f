"""Callers, as they are made known to the server."""

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum

from msgspec import Struct

from calguard_server.domain.scope import EVERYTHING, Scope


class Role(IntEnum):
    """What a caller may do. Each role includes those before it, so that they compare."""

    READER = 1
    WRITER = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """The role as people write it."""
        return self.name.lower()


ROLES: Mapping[str, Role] = {role.word: role for role in Role}
"""By the words for them."""


class Caller(Struct, frozen=True):
    """Who calls, and what of. From `expires` on they may not any more."""

    name: str
    role: Role
    expires: datetime | None = None
    scope: Scope = EVERYTHING


Callers = Mapping[bytes | str, Caller]
"""By the SHA-256 of their tokens, and by the names in their certificates, as `dns:NAME` or `uri:URI`.

One caller may have several, so that they can be changed without a gap.
"""
