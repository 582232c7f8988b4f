"""Page tokens: opaque to callers, and good only for the list and the filters that they came from.

A token is the URL-safe base64 of eight bytes that stand for the list and its filters, and the last page's last id.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from typing import TypeVar

from calguard_server.domain.errors import FieldViolation, InvalidArgumentError

T = TypeVar("T")

PAGE_SIZE_DEFAULT = 50
PAGE_SIZE_MAX = 1_000
_SCOPE_BYTES = 8
_TOKEN_MAX = 200
_EXPECTED = "expected the next_page_token of the same list with the same filters, or nothing"


class Paging:
    """One page of one list. `filters` are all that narrows the list; `position` is how its ids look."""

    def __init__(self, name: str, *filters: str, position: re.Pattern[str]) -> None:
        parts = "\0".join((name, *filters)).encode()
        self._scope = hashlib.sha256(parts).digest()[:_SCOPE_BYTES]
        self._position = position

    def after(self, token: str) -> str:
        """Answer the last id of the page before; empty for the first. Raises InvalidArgumentError."""
        if not token:
            return ""
        decoded = _decoded(token)
        position = decoded[_SCOPE_BYTES:].decode("ascii", errors="replace")
        if decoded[:_SCOPE_BYTES] != self._scope or not self._position.fullmatch(position):
            raise InvalidArgumentError.of_fields(FieldViolation("page_token", _EXPECTED))
        return position

    def token(self, position: str) -> str:
        """Answer the token of the page that begins after an id."""
        return base64.urlsafe_b64encode(self._scope + position.encode()).rstrip(b"=").decode()


def page_size(asked: int) -> int:
    """Answer how many to list, for what was asked; negative is refused before this."""
    return min(asked, PAGE_SIZE_MAX) or PAGE_SIZE_DEFAULT


def split(rows: Sequence[T], size: int) -> tuple[Sequence[T], bool]:
    """Split off the one row more that was read only to tell whether there is another page."""
    return rows[:size], len(rows) > size


def _decoded(token: str) -> bytes:
    if len(token) > _TOKEN_MAX or not token.isascii():
        return b""
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return b""
